"""Layers that normalize: what the common tests cannot see. What takes `engine` is true of Keras."""

import numpy as np
import pytest

import npkeras
from npkeras.core.tape import GradientTape, Traced
from npkeras.layers import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from tests.layers.engines import array, mask_of, masked, names, ones

RANDOM = np.random.default_rng(0)
X = (3 + 2 * RANDOM.normal(size=(6, 5, 4))).astype("float32")
MASK = RANDOM.random((6, 5)) < 0.6


def steps(engine, layer, **call):
    """The outputs and weights after three steps of training."""
    for i in range(3):
        y = layer(X[i:] + i, training=True, **call)
    return [array(y), *map(array, layer.weights)]


@pytest.mark.keras
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"axis": 1, "momentum": 0.5},
        {"renorm": True, "momentum": 0.75, "renorm_momentum": 0.25},
        {"renorm": True, "scale": False, "renorm_clipping": {"rmin": 0.9, "rmax": 1.1}},
        {"renorm": True, "center": False, "renorm_clipping": {"dmax": 0.5}},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_float16", "float16"])
def test_moving_averages_are_those_of_keras(keras, options, mask, dtype):
    found, expected = [
        steps(
            engine,
            engine.layers.BatchNormalization(**options, dtype=dtype),
            **({} if mask is None else {"mask": mask[:1]}),
        )
        for engine in (npkeras, keras)
    ]
    rtol = 2e-3 if "16" in dtype else 2e-5
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol, atol=rtol)
        assert ours.dtype == theirs.dtype


def test_the_variance_is_that_of_the_batch_not_of_a_larger_world(engine):
    layer = engine.layers.BatchNormalization(momentum=0)
    layer(np.array([[1.0], [3.0]], "float32"), training=True)
    assert array(layer.moving_variance).tolist() == [1]
    assert array(layer.moving_mean).tolist() == [2]


def test_a_frozen_layer_runs_as_outside_training(engine):
    layer = engine.layers.BatchNormalization(epsilon=0)
    layer(X, training=True)
    before = [array(w).copy() for w in layer.weights]
    layer.trainable = False
    y, expected = layer(X, training=True), layer(X, training=False)
    np.testing.assert_array_equal(array(y), array(expected))
    for weight, old in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(array(weight), old)


def test_weights_are_in_their_order(engine):
    layer = engine.layers.BatchNormalization(renorm=True)
    layer.build((None, 3))
    averages = ["moving_mean", "moving_variance", "moving_stddev", "renorm_mean", "renorm_stddev"]
    assert names(layer.weights) == ["gamma", "beta", *averages]
    assert names(layer.trainable_weights) == ["gamma", "beta"]
    assert names(layer.non_trainable_weights) == averages


def test_a_symbolic_call_updates_nothing(engine):
    layer = engine.layers.BatchNormalization(momentum=0)
    y = layer(engine.Input((3,)), training=True)
    assert y.shape == (None, 3)
    assert array(layer.moving_mean).tolist() == [0, 0, 0]


def test_a_mask_goes_on_and_decides_what_counts(engine):
    x = masked(engine, np.array([[[1.0], [3.0], [9.0]]], "float32"), [[True, True, False]])
    layer = engine.layers.BatchNormalization(momentum=0)
    y = layer(x, training=True)
    assert mask_of(y) == [[True, True, False]]
    np.testing.assert_allclose(array(layer.moving_mean), [2], rtol=1e-6)


def test_an_empty_batch_leaves_the_averages_alone():
    layer = BatchNormalization()
    assert layer(ones(0, 3), training=True).shape == (0, 3)
    assert layer.moving_mean.value.tolist() == [0, 0, 0]


def test_integers_become_floats(engine):
    y = engine.layers.BatchNormalization()(np.ones((2, 3), "int32"), training=True)
    assert array(y).dtype == "float32"


def test_half_precision_does_not_overflow(engine):
    x = np.array([[300.0], [-300.0]], "float16")
    y = engine.layers.BatchNormalization(dtype="mixed_float16")(x, training=True)
    assert array(y).tolist() == [[1], [-1]]
    y = engine.layers.LayerNormalization(axis=0, dtype="mixed_float16")(x)
    assert array(y).tolist() == [[1], [-1]]


@pytest.mark.keras
def test_steps_of_a_sequence_are_normalized_one_by_one(keras):
    results = []
    for engine in (npkeras, keras):
        layer = engine.layers.TimeDistributed(engine.layers.BatchNormalization(momentum=0.5))
        y = layer(X, training=True)
        results.append([array(y), array(layer.layer.moving_mean)])
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_files_of_keras_2_name_the_axis_in_a_list():
    assert BatchNormalization(axis=[3]).axis == 3
    assert BatchNormalization.from_config({"axis": [1], "name": "b"}).axis == 1


def test_gradients_of_a_masked_batch_are_the_numeric_ones():
    layer = BatchNormalization(dtype="float64")
    weights = np.cos(np.arange(X.size)).reshape(X.shape)

    def loss(x):
        return (layer(x, training=True, mask=MASK) * weights).sum()

    x = Traced(X.astype("float64"), object())
    with GradientTape() as tape:
        y = layer(x, training=True, mask=MASK)
    gradient = tape.gradient(y, x, weights)
    for place in [(0, 0, 0), (3, 2, 1), (5, 4, 3)]:
        moved = [X.astype("float64") for _ in range(2)]
        moved[0][place] += 1e-6
        moved[1][place] -= 1e-6
        numeric = (float(loss(moved[0])) - float(loss(moved[1]))) / 2e-6
        np.testing.assert_allclose(gradient[place], numeric, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_means_do_not_spoil_the_variance(dtype):
    x = (1e3 + RANDOM.normal(size=(1000, 3))).astype(dtype)
    layer = BatchNormalization(momentum=0, dtype=dtype)
    layer(x, training=True)
    np.testing.assert_allclose(layer.moving_variance, x.astype("float64").var(0), rtol=1e-4)


def test_layer_normalization_by_the_standard_deviation(engine):
    with pytest.warns(UserWarning, match="rms_scaling"):
        layer = engine.layers.LayerNormalization(rms_scaling=True, epsilon=0)
    np.testing.assert_allclose(array(layer(X)), X / X.std(-1, keepdims=True), rtol=1e-5)
    assert len(layer.weights) == 1
    assert layer.get_config()["rms_scaling"] is True


def test_axes_are_sorted_when_built(engine):
    for name in ("LayerNormalization", "RMSNormalization"):
        layer = getattr(engine.layers, name)(axis=[2, 1])
        layer.build((None, 5, 4))
        assert layer.get_config()["axis"] == [1, 2]
        layer = getattr(engine.layers, name)()
        layer.build((None, 5, 4))
        assert layer.get_config()["axis"] == [-1]


def test_groups_of_one_channel_each(engine):
    layer = engine.layers.GroupNormalization(groups=-1, epsilon=0)
    y = array(layer(X))
    np.testing.assert_allclose(y.mean(1), np.zeros((6, 4)), atol=1e-5)
    assert layer.get_config()["groups"] == 4


def test_unit_vectors(engine):
    y = array(engine.layers.UnitNormalization(axis=[1, 2])(X))
    np.testing.assert_allclose(np.square(y).sum((1, 2)), np.ones(6), rtol=1e-5)
    assert array(engine.layers.UnitNormalization()(np.zeros((1, 2), "float32"))).tolist() == [
        [0, 0]
    ]


INPUT = ones(2, 3, 4)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: BatchNormalization(axis=[1, 2]), r"`axis` of BatchNormalization.*\[1, 2\]"),
        (lambda: BatchNormalization(axis="a"), "`axis` of BatchNormalization.*'a'"),
        (lambda: BatchNormalization(momentum="a"), "`momentum` of BatchNormalization"),
        (lambda: BatchNormalization(synchronized=True), "single device.*synchronized=True"),
        (
            lambda: BatchNormalization(renorm=True, renorm_clipping={"a": 1}),
            "`renorm_clipping`.*'a'",
        ),
        (
            lambda: BatchNormalization(renorm=True, renorm_clipping={"rmin": 2, "rmax": 1}),
            "`renorm_clipping`.*rmin",
        ),
        (lambda: BatchNormalization(renorm=True, renorm_clipping={"dmax": -1}), "dmax"),
        (lambda: BatchNormalization(axis=5, name="b")(INPUT), r"'b' .*axis 5.*\(2, 3, 4\)"),
        (
            lambda: BatchNormalization(name="b")(npkeras.Input((3, None))),
            r"'b' .*axis -1.*\(None, 3, None\)",
        ),
        (
            lambda: BatchNormalization(name="b")(INPUT, mask=np.ones((2, 3, 4), bool)),
            r"'b' .*mask.*\(2, 3, 4\)",
        ),
        (
            lambda: BatchNormalization(name="b")(INPUT, mask=np.ones((2, 2), bool), training=True),
            r"'b' .*\(2, 3, 4\).*mask of shape \(2, 2\)",
        ),
        (lambda: LayerNormalization(axis=[]), r"`axis` of LayerNormalization.*\[\]"),
        (lambda: LayerNormalization(axis=3, name="n")(INPUT), "'n' .*axis"),
        (lambda: GroupNormalization(0), "`groups` of GroupNormalization.*groups=0"),
        (lambda: GroupNormalization(2, axis=0), "`axis` of GroupNormalization.*axis=0"),
        (lambda: GroupNormalization(3, name="g")(INPUT), "'g' .*groups=3.*4 channels"),
        (lambda: GroupNormalization(8, name="g")(INPUT), "'g' .*groups=8.*4 channels"),
        (lambda: UnitNormalization(axis=3, name="u")(INPUT), r"'u' .*axis 3.*\(2, 3, 4\)"),
        (lambda: RMSNormalization(axis=3, name="r")(INPUT), "'r' .*axis"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("name", ["LayerNormalization", "UnitNormalization", "RMSNormalization"])
@pytest.mark.parametrize("axis", ["a", None, 1.5])
def test_an_axis_of_another_type_is_a_type_error(engine, name, axis):
    with pytest.raises(TypeError):
        getattr(engine.layers, name)(axis=axis)(INPUT)


@pytest.mark.parametrize("kind", [LayerNormalization, UnitNormalization, RMSNormalization])
def test_the_message_says_what_an_axis_is(kind):
    with pytest.raises(TypeError, match=rf"`axis` of {kind.__name__} must be an integer.*axis=1.5"):
        kind(axis=1.5)
