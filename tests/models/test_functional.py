"""Functional models: what they take, what they give, what they know. Alike in live Keras."""

import copy
import gc
import pickle
import weakref
from collections import OrderedDict

import numpy as np
import pytest

import npkeras
from npkeras.core.attach import get_mask
from npkeras.core.tree import leaves
from tests.layers.engines import array, names, ones
from tests.models.graphs import BUILDERS, inputs_for, nested, shared, states

SEVERAL = [[ones(2, 4), ones(2, 3)], (ones(2, 4), ones(2, 3)), {"a": ones(2, 4), "b": ones(2, 3)}]


def two_inputs(engine):
    a, b = engine.Input((4,), name="a"), engine.Input((3,), name="b")
    return engine.Model([a, b], engine.ops.concatenate([a, b], axis=-1), name="m")


def shapes(outputs):
    return [tuple(y.shape) for y in leaves(outputs)]


@pytest.mark.keras
@pytest.mark.parametrize("builder", BUILDERS, ids=lambda builder: builder.__name__)
def test_values_are_keras(keras, builder):
    ours, theirs = builder(npkeras), builder(keras)
    theirs.set_weights(ours.get_weights())
    x = inputs_for(ours)
    for options in ({}, {"training": False}):
        if builder.__name__ == "modes" and not options:
            continue
        for a, b in zip(leaves(ours(x, **options)), leaves(theirs(x, **options)), strict=True):
            np.testing.assert_allclose(array(a), array(b), atol=1e-5)
    predicted = [leaves(model.predict(x, verbose=0)) for model in (ours, theirs)]
    for a, b in zip(*predicted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_what_a_model_is(engine):
    x = engine.Input((4,), name="x")
    model = engine.Model(x, engine.layers.Dense(2, name="d")(x), name="m")
    assert isinstance(model, engine.Model) and type(model).__name__ == "Functional"
    assert names(model.layers) == ["x", "d"] and model.built
    assert model.get_layer("d") is model.layers[1] and model.input is x
    assert names(engine.Model(inputs=x, outputs=model.output).layers) == ["x", "d"]


def test_ends_in_their_forms(engine):
    x, y = engine.Input((4,), name="x"), engine.Input((3,), name="y")
    h = engine.layers.Dense(5, name="h")(x)
    model = engine.Model({"x": x, "y": y}, {"u": [h, (y,)], "v": {"w": x}})
    assert model.inputs == [x, y] and model.input == {"x": x, "y": y}
    assert model.output == {"u": [h, (y,)], "v": {"w": x}} and model.outputs == [h, y, x]
    assert model.output_names == ["h", "y", "x"]
    assert model.input_shape == [(None, 4), (None, 3)]
    assert model.output_shape == [(None, 5), (None, 3), (None, 4)]
    outputs = model({"x": ones(2, 4), "y": ones(2, 3)})
    assert shapes(outputs) == [(2, 5), (2, 3), (2, 4)] and set(outputs) == {"u", "v"}
    assert isinstance(outputs["u"], list) and isinstance(outputs["u"][1], tuple)
    assert engine.Model(x, h).output_shape == (None, 5) == engine.Model([x], [h]).output_shape


def test_a_single_output_in_a_list_comes_bare(engine):
    x = engine.Input((4,))
    h = engine.layers.Dense(5)(x)
    for form in ([h], (h,), h):
        assert tuple(engine.Model(x, form)(ones(1, 4)).shape) == (1, 5)
    assert list(engine.Model(x, {"h": h})(ones(1, 4))) == ["h"]
    assert isinstance(engine.Model(x, [h])(x), list)


@pytest.mark.parametrize("inputs", SEVERAL, ids=["list", "tuple", "dict"])
def test_inputs_by_position_or_name(engine, inputs):
    assert tuple(two_inputs(engine)(inputs).shape) == (2, 7)


@pytest.mark.parametrize(
    "inputs", [{"a": ones(2, 4)}, [ones(2, 4)], ones(2, 4), [ones(2, 4, 2), ones(2, 3)],
               [ones(2, 3), ones(2, 4)], [ones(2, 4), None]],
    ids=["no b", "one in a list", "one", "rank", "exchanged", "None"],
)  # fmt: skip
def test_inputs_that_do_not_fit(engine, inputs):
    with pytest.raises(ValueError):
        two_inputs(engine)(inputs)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"a": ones(2, 4)}, r"keys \['a', 'b'\].*keys \['a'\]: data for 'b' are missing"),
        ([ones(2, 4)], "expects 2 inputs: 'a', 'b'. Received 1"),
        ([ones(2, 3), ones(2, 3)], r"expected shape=\(None, 4\), found shape=\(2, 3\)"),
        ([ones(2, 4), None], "Input 'b' of model 'm' is not optional. Received: None"),
    ],
)
def test_the_messages(inputs, message):
    with pytest.raises(ValueError, match=message):
        two_inputs(npkeras)(inputs)


def test_axes_and_dtypes_are_brought_to_those_expected(engine):
    c, s = engine.Input((1,)), engine.Input(())
    assert tuple(engine.Model(c, c * 2)(ones(5)).shape) == (5, 1)
    assert tuple(engine.Model(s, s * 2)(ones(5, 1)).shape) == (5,)
    i = engine.Input((3,), dtype="int32")
    y = engine.Model(i, i + 1)(ones(2, 3) * 1.7)
    assert array(y).dtype == "int32" and array(y).tolist() == [[2, 2, 2]] * 2
    assert array(engine.Model(c, c + 1)(np.ones((2, 1), "int64"))).dtype == "float32"
    assert array(engine.Model(c, c + 1)(np.ones((2, 1)))).dtype == "float32"


def test_unknown_axes(engine):
    x = engine.Input((None, 3))
    model = engine.Model(x, engine.ops.sum(x, axis=1))
    assert [tuple(model(ones(2, n, 3)).shape) for n in (1, 5)] == [(2, 3)] * 2
    with pytest.raises(ValueError):
        model(ones(2, 5, 4))
    assert model.compute_output_shape((7, 9, 3)) == (7, 3)


def test_optional_inputs(engine):
    class Plus(engine.layers.Layer):
        def call(self, a, b=None):
            return a if b is None else a + b

    a, b = engine.Input((3,), name="a"), engine.Input((3,), name="b", optional=True)
    model = engine.Model([a, b], Plus()(a, b))
    assert array(model([ones(1, 3), None])).tolist() == [[1, 1, 1]]
    assert array(model([ones(1, 3), ones(1, 3)])).tolist() == [[2, 2, 2]]
    assert array(model.predict([ones(1, 3), None], verbose=0)).tolist() == [[1, 1, 1]]


def test_what_is_no_symbolic_tensor_is_refused(engine):
    x = engine.Input((3,))
    for ends in ((x, ones(2, 3)), (ones(2, 3), x)):
        with pytest.raises(ValueError, match="must be KerasTensors"):
            engine.Model(*ends)
    with pytest.raises(ValueError):
        engine.Model(x, engine.Input((3,)) * 2)


def test_features_from_inner_tensors(engine):
    x = engine.Input((4,), name="x")
    model = engine.Model(x, engine.layers.Dense(2, name="b")(engine.layers.Dense(3, name="a")(x)))
    features = engine.Model(model.input, model.get_layer("a").output)
    assert tuple(features(ones(2, 4)).shape) == (2, 3)
    rest = engine.Model(model.get_layer("b").input, model.output)
    assert rest.layers[1] is model.get_layer("b") and rest.layers[0].name.endswith("CLONE")
    whole = array(rest(features(ones(2, 4))))
    np.testing.assert_allclose(whole, array(model(ones(2, 4))), rtol=1e-6)
    assert engine.Model.from_config(rest.get_config()).input_shape == (None, 3)


def test_layers_are_shared_between_models(engine):
    x = engine.Input((4,))
    layer = engine.layers.Dense(4, name="d")
    first, second = engine.Model(x, layer(x)), engine.Model(x, layer(layer(x)))
    assert len(second.weights) == 2
    first.set_weights([np.zeros((4, 4)), ones(4)])
    assert array(second(ones(1, 4))).tolist() == [[1, 1, 1, 1]]


def test_modes_of_single_calls(engine):
    x = engine.Input((100,))
    always = engine.Model(x, engine.layers.Dropout(0.5)(x, training=True))
    never = engine.Model(x, engine.layers.Dropout(0.5)(x, training=False))
    usual = engine.Model(x, engine.layers.Dropout(0.5)(x))

    def drops(model, **options):
        return bool((array(model(ones(1, 100), **options)) == 0).any())

    assert [drops(m) for m in (always, never, usual)] == [True, False, False]
    assert [drops(m, training=True) for m in (always, never, usual)] == [True] * 3
    assert [drops(m, training=False) for m in (always, never, usual)] == [False] * 3


def test_masks_go_through_models_within(engine):
    words = engine.Input((None,))
    table = engine.Model(words, engine.layers.Embedding(5, 3, mask_zero=True)(words))
    outer = engine.Input((None,))
    model = engine.Model(outer, engine.layers.LSTM(2)(table(outer)))
    x = np.array([[1, 2, 0, 0]])
    np.testing.assert_allclose(array(model(x)), array(model(x[:, :2])), atol=1e-6)
    given = engine.Input((None, 2))
    masked = engine.Model(given, engine.layers.LSTM(2)(given))
    x, mask = ones(1, 4, 2), np.array([[True, True, False, False]])
    np.testing.assert_allclose(array(masked(x, mask=mask)), array(masked(x[:, :2])), atol=1e-6)
    assert get_mask(x) is None


def test_more_than_is_asked_for_may_come_in_a_dict(engine):
    x = {"a": ones(2, 4), "b": ones(2, 3), "id": np.arange(2)}
    a, b = engine.Input((4,), name="a"), engine.Input((3,), name="b")
    joined = engine.ops.concatenate([a, b], axis=-1)
    for form in ([a, b], {"a": a, "b": b}):
        model = engine.Model(form, joined)
        assert tuple(model(x).shape) == (2, 7)
        assert model.predict(x, verbose=0).shape == (2, 7)


def test_what_comes_in_a_dict_goes_by_name(engine):
    """Whatever the order of the model's own inputs, the masks too."""
    L = engine.layers
    words = L.Embedding(3, 4, mask_zero=True)(np.array([[1, 2, 0], [1, 0, 0]]))
    plain = engine.ops.convert_to_tensor(2 * ones(2, 3, 4))
    a, b = engine.Input((3, 4), name="a"), engine.Input((3, 4), name="b")
    pool = L.GlobalAveragePooling1D()
    forms = [[b, a], {"a": a, "b": b}]
    forms += [OrderedDict(b=b, a=a)] if engine is npkeras else []  # Keras takes one for the other
    for form in forms:
        model = engine.Model(form, {"a": pool(a), "b": pool(b)})
        y = model({"a": words, "b": plain, "c": words})
        np.testing.assert_allclose(array(y["b"]), 2 * ones(2, 4))
        np.testing.assert_allclose(array(y["a"]), array(pool(words)), rtol=1e-6)


def test_frozen_parts(engine):
    model = nested(engine)
    count = len(model.trainable_weights)
    model.get_layer("seq").trainable = False
    assert len(model.trainable_weights) == count - 2 and len(model.non_trainable_weights) == 2
    model.trainable = False
    assert model.trainable_weights == [] and not model.get_layer("shared").trainable
    model.trainable = True
    assert len(model.trainable_weights) == count
    kept = engine.Model(model.inputs, model.outputs, trainable=False)
    assert kept.trainable_weights == [] and model.get_layer("shared").trainable


def test_losses_from_within(engine):
    x = engine.Input((4,))
    L = engine.layers
    y = L.Dense(3, kernel_regularizer="l2", activity_regularizer="l1", name="d")(x)
    model = engine.Model(x, L.Dense(1)(y))
    model.get_layer("d").set_weights([ones(4, 3), np.zeros(3)])
    model(ones(2, 4))
    assert sorted(float(array(loss)) for loss in model.losses) == pytest.approx([0.12, 0.12])


def test_subclasses_made_of_ends(engine):
    class Classifier(engine.Model):
        def __init__(self, units=3, **kwargs):
            x = engine.Input((4,))
            super().__init__(x, engine.layers.Dense(units, name="d")(x), **kwargs)
            self.units = units
            self.extra = engine.layers.Dense(2, name="extra")

        def call(self, inputs, training=None):
            return super().call(inputs, training=training) * 0.0

    model = Classifier(5, name="mine")
    assert type(model) is Classifier and isinstance(model, engine.Model) and model.name == "mine"
    assert array(model(ones(1, 4))).tolist() == [[0] * 5]
    assert model.get_layer("d").units == 5 and names(model.layers)[1] == "d"
    assert "layers" not in model.get_config()

    class Plain(engine.Model):
        pass

    x = engine.Input((4,))
    assert "layers" in Plain(x, x * 2).get_config()


def test_both_ends_are_needed():
    x = npkeras.Input((4,))
    for kwargs in ({"inputs": x}, {"outputs": x}):
        with pytest.raises(ValueError, match=r"needs both ends: `Model\(inputs, outputs\)`"):
            npkeras.Model(**kwargs)
    with pytest.raises(TypeError, match="foo"):
        npkeras.Model(x, x, foo=1)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("builder", [shared, nested, states], ids=lambda b: b.__name__)
def test_copies(builder, copied):
    model = builder(npkeras)
    again, x = copied(model), inputs_for(model)
    for a, b in zip(leaves(model(x)), leaves(again(x)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.get_config() == model.get_config()
    again.set_weights([0 * w for w in again.get_weights()])
    assert any(w.any() for w in model.get_weights())


def test_copies_of_a_deep_model_need_no_deep_stack():
    x = y = npkeras.Input((2,))
    for _ in range(150):
        y = npkeras.layers.Dense(2)(y)
    model = npkeras.Model(x, y)
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again(ones(1, 2)), model(ones(1, 2)))


def test_nothing_is_kept_of_a_call():
    model = nested(npkeras)
    outputs = model(inputs_for(model))
    kept = weakref.ref(outputs)
    del outputs
    gc.collect()
    assert kept() is None


def test_numbers_of_words_stay_whole():
    words = npkeras.Input((2,))
    model = npkeras.Model(words, npkeras.layers.Embedding(2**24 + 4, 1)(words))
    table = model.layers[1].embeddings
    x = np.array([[2**24 + 1, 2**24 + 3]])
    np.testing.assert_array_equal(model(x)[0, :, 0], table.value[x[0], 0])


def test_half_precision(engine):
    x = engine.Input((4,))
    layer = engine.layers.Dense(3, dtype="mixed_float16", name="d")
    model = engine.Model(x, layer(layer(x)[:, :1] * ones(4)))
    assert names(model.operations)[1] == "d" and "cast" not in names(model.operations)
    assert array(model(ones(2, 4))).dtype == "float16"


def test_a_sequential_model_joins_a_graph(engine):
    L = engine.layers
    sequential = engine.Sequential([L.Dense(3, name="first"), L.Dense(2, name="second")])
    x = engine.Input((4,), name="x")
    model = engine.Model(x, sequential(x) + 1)
    assert tuple(model(ones(2, 4)).shape) == (2, 2) and len(model.weights) == 4
    inner = engine.Model(sequential.inputs, sequential.layers[0].output)
    assert tuple(inner(ones(2, 4)).shape) == (2, 3)
    stacked = engine.Sequential([engine.Input((4,)), model, L.Dense(1)])
    assert tuple(stacked(ones(2, 4)).shape) == (2, 1)


def test_predict_gives_the_rows_that_come_out(engine):
    """They may be more than went in, or fewer."""
    x = engine.Input((6,))
    for width in (2, 3):
        model = engine.Model(x, engine.ops.reshape(x, (-1, width)))
        y = model.predict(np.arange(30.0).reshape(5, 6), batch_size=2, verbose=0)
        np.testing.assert_array_equal(y, np.arange(30.0).reshape(-1, width))
    fewer = engine.Model(x, engine.ops.reshape(x, (-1, 12)))
    y = fewer.predict(np.arange(24.0).reshape(4, 6), batch_size=2, verbose=0)
    np.testing.assert_array_equal(y, np.arange(24.0).reshape(2, 12))


def test_a_list_that_grows_after_the_call_is_another(keras):
    def grown(k):
        x = k.Input((3,))
        found = [x]
        for _ in range(3):
            found.append(k.layers.Dense(2)(k.layers.Concatenate()(found)) if found[1:] else x)
        return k.Model(x, found[-1])

    shapes = [[w.shape for w in grown(k).weights] for k in (npkeras, keras)]
    assert shapes[0] == shapes[1] == [(6, 2), (2,), (8, 2), (2,)]


@pytest.mark.parametrize("kind", ["functional", "subclass"])
def test_a_loss_cannot_be_added_to_a_graph(engine, kind):
    class Sub(engine.Model):
        pass

    x = engine.Input((4,))
    cls = engine.Model if kind == "functional" else Sub
    model = cls(x, engine.layers.Dense(2)(x))
    for loss in (1.0, engine.ops.sum(model.outputs[0]), engine.ops.sum(ones(2))):
        with pytest.raises(NotImplementedError):
            model.add_loss(loss)


def test_the_message_says_where_a_loss_can_be_added():
    x = npkeras.Input((4,))
    with pytest.raises(NotImplementedError, match=r"Make a layer that calls `self.add_loss\("):
        npkeras.Model(x, npkeras.layers.Dense(2)(x)).add_loss(1.0)
