"""InputSpec: what a layer expects of its inputs. What takes `engine` is true of Keras too."""

import pytest

import npkeras
from npkeras.layers import Dense, InputSpec
from npkeras.layers.input_spec import check_inputs
from tests.layers.engines import ones

X, SEQUENCE = ones(2, 3), ones(2, 3, 4)


def layer_with(engine, spec):
    class Expecting(engine.layers.Layer):
        def __init__(self):
            super().__init__(name="layer")
            self.input_spec = spec

        def call(self, x):
            return engine.ops.add(1.0, 1.0)

    return Expecting()


@pytest.mark.parametrize(
    "options, good, bad",
    [
        ({"ndim": 2}, [X], [ones(3), SEQUENCE]),
        ({"min_ndim": 2}, [X, SEQUENCE], [ones(3)]),
        ({"max_ndim": 2}, [X, ones(3)], [SEQUENCE]),
        ({"shape": (None, 3)}, [X, ones(5, 3)], [ones(2, 4), ones(3), ones(2, 3, 1)]),
        ({"axes": {1: 3}}, [X], [ones(2, 4)]),
        ({"axes": {-2: 3}}, [ones(3, 3)], [ones(2, 4)]),
        ({"axes": {"-1": 3}}, [X], [ones(2, 4)]),
        ({"dtype": "float32"}, [X], [ones(2, 3, dtype="int32")]),
        ({"dtype": "int32"}, [ones(2, dtype="int32")], [ones(2), ones(2, dtype="int64")]),
        ({"min_ndim": 2, "axes": {-1: 4}}, [SEQUENCE], [ones(2, 3)]),
        ({"shape": (None, 3), "allow_last_axis_squeeze": True}, [X, ones(2, 3, 1)], [ones(2, 4)]),
        ({"shape": (None, 1), "allow_last_axis_squeeze": True}, [ones(2, 1), ones(2)], []),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(engine, options, good, bad):
    layer = layer_with(engine, engine.layers.InputSpec(**options))
    for x in good:
        layer(x)
    for x in bad:
        with pytest.raises(ValueError, match="layer"):
            layer(x)


def test_lists_have_a_spec_each(engine):
    Spec = engine.layers.InputSpec
    layer = layer_with(engine, [Spec(ndim=2), Spec(ndim=3)])
    layer([X, SEQUENCE])
    for wrong in ([X, X], [X], X, [X, SEQUENCE, X]):
        with pytest.raises(ValueError, match="layer"):
            layer(wrong)


@pytest.mark.parametrize("form", [list, dict])
def test_dicts_are_matched_by_name(engine, form):
    Spec = engine.layers.InputSpec
    specs = {"b": Spec(ndim=3, name="b"), "a": Spec(ndim=2, name="a")}
    layer = layer_with(engine, specs if form is dict else list(specs.values()))
    layer({"a": X, "b": SEQUENCE})
    layer({"a": X, "b": SEQUENCE, "more": X})
    with pytest.raises(ValueError, match="b"):
        layer({"a": X})
    with pytest.raises(ValueError, match="b"):
        layer({"a": X, "b": X})


def test_no_spec_expects_nothing_and_an_optional_input_may_be_missing(engine):
    Spec = engine.layers.InputSpec
    layer_with(engine, [None, Spec(ndim=3)])([X, SEQUENCE])
    layer_with(engine, [Spec(ndim=2), Spec(ndim=3, optional=True)])([X, None])


def test_unknown_axes_of_symbolic_inputs_may_fit(engine):
    layer = layer_with(engine, engine.layers.InputSpec(shape=(4, 3)))
    layer(engine.Input((3,)))
    layer(engine.Input((None,)))
    for shape in ((None, 4), (5, 3)):
        with pytest.raises(ValueError, match=r"\(4, 3\)"):
            layer(engine.Input(batch_shape=shape))


@pytest.mark.parametrize(
    "options, text",
    [
        ({"ndim": 3}, "InputSpec(ndim=3)"),
        ({"shape": (None, 3)}, "InputSpec(shape=(None, 3), ndim=2)"),
        ({"dtype": "float32"}, "InputSpec(dtype=float32)"),
        ({"min_ndim": 2, "axes": {-1: 4}}, "InputSpec(min_ndim=2, axes={-1: 4})"),
        ({}, "InputSpec()"),
    ],
)
def test_the_repr_says_what_is_expected(engine, options, text):
    assert repr(engine.layers.InputSpec(**options)) == text


def test_the_config_gives_the_spec_back(engine):
    Spec = engine.layers.InputSpec
    config = Spec(shape=(None, 3), dtype="float32", axes={"1": 3}).get_config()
    assert config == {
        "dtype": "float32",
        "shape": (None, 3),
        "ndim": 2,
        "max_ndim": None,
        "min_ndim": None,
        "axes": {1: 3},
        "optional": False,
    }
    assert Spec.from_config(config).get_config() == config


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"axes": 3}, TypeError, "axes=3"),
        ({"axes": {"a": 3}}, TypeError, "axes={'a': 3}"),
        ({"ndim": 2, "axes": {5: 3}}, ValueError, "5"),
        ({"max_ndim": 2, "axes": {2: 3}}, ValueError, "2"),
    ],
)
def test_wrong_specs_are_refused(engine, options, error, message):
    with pytest.raises(error, match=message):
        engine.layers.InputSpec(**options)


@pytest.mark.parametrize(
    "spec, inputs, message",
    [
        (
            InputSpec(ndim=2),
            SEQUENCE,
            r"Layer 'd' \(Dense\) expects 2 axes. Received an input of shape \(2, ",
        ),
        (InputSpec(min_ndim=4), X, r"at least 4 axes.*\(2, 3\)"),
        (InputSpec(max_ndim=1), X, r"at most 1 axes.*\(2, 3\)"),
        (InputSpec(axes={-1: 5}), X, r"5 entries along axis -1.*\(2, 3\)"),
        (InputSpec(axes={2: 5}), X, r"5 entries along axis 2.*\(2, 3\)"),
        (InputSpec(shape=(None, 4)), X, r"an input of shape \(None, 4\).*\(2, 3\)"),
        (InputSpec(dtype="int32"), X, "expects dtype int32.*float32"),
        (InputSpec(ndim=2), None, "expects an array. Received: None"),
        (InputSpec(ndim=2), [X, X], r"expects 1 input\(s\). Received 2"),
        ([InputSpec(ndim=2), InputSpec(ndim=3)], [X, X], r"3 axes as input 1.*\(2, 3\)"),
        ({"a": InputSpec(ndim=3, name="a")}, {"a": X}, r"expects 3 axes.*\(2, 3\)"),
        ([InputSpec(name="a"), InputSpec(name="b")], {"b": X}, r"\['a', 'b'\]. Missing: a"),
    ],
)
def test_messages_say_what_was_expected_and_received(spec, inputs, message):
    with pytest.raises(ValueError, match=message):
        check_inputs(spec, inputs, Dense(1, name="d"))


def test_messages_say_what_is_meant_by_the_axes():
    with pytest.raises(ValueError, match="first axis is that of the samples"):
        npkeras.layers.Conv2D(2, 3)(npkeras.Input((8, 8)))
    for wrapped in (npkeras.layers.LSTM(2), npkeras.layers.Bidirectional(npkeras.layers.GRU(2))):
        with pytest.raises(ValueError, match="samples, steps, features.*return_sequences=True"):
            wrapped(npkeras.layers.LSTM(4)(npkeras.Input((8, 3))))
