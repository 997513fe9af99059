"""Configs of functional models: Keras' own, entry by entry, and read by either engine."""

import json
import warnings

import numpy as np
import pytest

import npkeras
from tests.layers.engines import array
from tests.models.graphs import BUILDERS, inputs_for

pytestmark = pytest.mark.keras


def as_json(config):
    return json.loads(json.dumps(config))


def flat(engine, outputs):
    return (
        [array(y) for y in engine.tree.flatten(outputs)]
        if hasattr(engine, "tree")
        else [array(y) for y in npkeras.core.tree.leaves(outputs)]
    )


def pair(keras, builder):
    keras.utils.clear_session(free_memory=False)
    npkeras.utils.clear_session()
    return builder(npkeras), builder(keras)


@pytest.fixture(params=BUILDERS, ids=lambda builder: builder.__name__)
def models(request, keras):
    return pair(keras, request.param)


def without_new_arguments(config):
    """The config without the keys that differ for every layer: those of initializers' axes."""
    if isinstance(config, dict):
        return {
            key: without_new_arguments(value)
            for key, value in config.items()
            if key not in ("input_axes", "output_axes", "activity_regularizer")
        }
    if isinstance(config, list):
        return [without_new_arguments(item) for item in config]
    return config


def test_the_config_is_keras(models):
    ours, theirs = (without_new_arguments(as_json(model.get_config())) for model in models)
    assert ours == theirs


def test_a_config_of_keras_is_read(models):
    ours, theirs = models
    model = npkeras.Model.from_config(as_json(theirs.get_config()))
    check_same(model, theirs)
    again = npkeras.models.model_from_json(theirs.to_json())
    assert as_json(again.get_config()) == as_json(model.get_config())


def test_keras_reads_ours(models, keras):
    ours, _ = models
    check_same(ours, keras.Model.from_config(as_json(ours.get_config())))
    assert keras.models.model_from_json(ours.to_json()).name == ours.name


def check_same(ours, theirs):
    """The same layers, weights and outputs."""
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert [op.name for op in ours.operations] == [op.name for op in theirs.operations]
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    ours.set_weights([array(w) for w in theirs.get_weights()])
    x = inputs_for(ours)
    for training in (False,):
        left = npkeras.core.tree.leaves(ours(x, training=training))
        right = npkeras.core.tree.leaves(theirs(x, training=training))
        for a, b in zip(left, right, strict=True):
            np.testing.assert_allclose(array(a), array(b), atol=1e-5)


@pytest.mark.parametrize("builder", BUILDERS, ids=lambda builder: builder.__name__)
def test_a_config_gives_the_same_config(builder):
    config = as_json(builder(npkeras).get_config())
    assert as_json(npkeras.Model.from_config(as_json(config)).get_config()) == config


def test_layers_that_a_call_builds_come_back_without_a_warning():
    """The most usual layer of one's own: others within, and no `build`."""

    class Block(npkeras.layers.Layer):
        def __init__(self, inner=None, **kwargs):
            super().__init__(**kwargs)
            self.inner = inner or npkeras.layers.Dense(4)

        def call(self, x):
            return x + self.inner(x)

    x = npkeras.Input((4,))
    model = npkeras.Model(x, Block(Block(name="b"), name="a")(x))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = npkeras.Model.from_config(model.get_config(), {"Block": Block})
    assert [w.shape for w in again.weights] == [(4, 4), (4,)]
    again.set_weights(model.get_weights())
    data = np.ones((2, 4), "float32")
    np.testing.assert_array_equal(again(data), model(data))
