"""Calling a layer: casting, the training mode. What takes `engine` is true of Keras too."""

import threading

import numpy as np
import pytest

import npkeras
from npkeras import layers
from npkeras.core import tree
from tests.layers.engines import array, name_of_dtype, ones


def layer_class(engine, **members):
    return type("Some", (engine.layers.Layer,), members)


def recorder(engine):
    """A class of layers that keep what their `call` was given."""

    class Recorder(engine.layers.Layer):
        def call(self, x, **kwargs):
            self.seen = x
            self.keywords = kwargs
            return x

    return Recorder


# What may be fed


@pytest.mark.parametrize(
    "x, dtype",
    [
        (np.ones(2), "float32"),
        (np.ones(2, "float16"), "float32"),
        (np.ones(2, ">f4"), "float32"),
        (np.ones(2, "int64"), "int64"),
        (np.ones(2, "int32"), "int32"),
        (np.ones(2, bool), "bool"),
        (np.ones(2, complex), "complex128"),
        (np.float64(2), "float32"),
        (np.ma.array([1.0, 2.0], mask=[True, False]), "float32"),
    ],
    ids=lambda x: str(getattr(x, "dtype", x)),
)
def test_floats_are_cast_and_nothing_else(engine, x, dtype):
    layer = recorder(engine)()
    layer(x)
    assert name_of_dtype(layer.seen) == dtype


@pytest.mark.parametrize(
    "options, dtype",
    [
        ({"dtype": "float64"}, "float64"),
        ({"dtype": "mixed_float16"}, "float16"),
        ({"dtype": "int32"}, "int32"),
        ({"autocast": False}, "float64"),
    ],
    ids=str,
)
def test_the_policy_says_what_floats_are_cast_to(engine, options, dtype):
    layer = recorder(engine)(**options)
    layer(np.ones(2))
    assert name_of_dtype(layer.seen) == dtype


def test_all_of_a_nest_and_keywords_are_cast(engine):
    layer = recorder(engine)()
    layer({"a": np.ones(2), "b": [np.ones(2), np.ones(2, int)]}, more=np.ones(2))
    dtypes = [name_of_dtype(x) for x in (layer.seen["a"], *layer.seen["b"])]
    assert dtypes == ["float32", "float32", "int64"]
    assert name_of_dtype(layer.keywords["more"]) == "float32"


@pytest.mark.parametrize("kind", [list, tuple])
def test_lists_stay_lists_and_tuples_tuples(engine, kind):
    layer = recorder(engine)()
    layer(kind([ones(2), ones(2)]))
    assert isinstance(layer.seen, kind)


def test_data_frames_are_fed_as_arrays(engine):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": [1.0, 2.0], "b": [3, 4]})
    assert engine.layers.Dense(3)(table).shape == (2, 3)


@pytest.mark.parametrize(
    "wrong, shown",
    [("abc", "abc"), ([[1.0, 2.0]], "1.0"), (3, "3"), (True, "True"), ({"a": None, "b": "c"}, "c")],
    ids=str,
)
def test_what_is_no_array_is_refused_without_a_keyword(engine, wrong, shown):
    with pytest.raises(ValueError, match=f"positional arguments.*{shown}"):
        recorder(engine)()(wrong)
    with pytest.raises(ValueError, match=f"positional arguments.*{shown}"):
        engine.layers.Dense(2)(ones(1, 2), wrong)


def test_none_may_be_fed_where_nothing_is_expected(engine):
    layer = layer_class(engine, call=lambda self, x, y=None: x)()
    assert layer(ones(2), None).shape == (2,)
    with pytest.raises(ValueError, match="None"):
        engine.layers.Dense(3)(None)


def test_arrays_of_objects_are_refused(engine):
    with pytest.raises(ValueError, match="object"):
        recorder(engine)()(np.array([object()]))


def test_a_missing_argument_is_named(engine):
    unbuilt, built = engine.layers.Dense(3), engine.layers.Dense(3)
    built.build((None, 2))
    for layer in (unbuilt, built):
        with pytest.raises(TypeError, match="inputs"):
            layer()
        with pytest.raises(TypeError, match="foo"):
            layer(ones(1, 2), foo=1)
    assert not unbuilt.built


def test_inputs_may_come_by_keyword(engine):
    layer = engine.layers.Dense(3)
    assert layer(inputs=ones(1, 2)).shape == (1, 3)
    with pytest.raises(ValueError, match="axis -1"):
        layer(inputs=ones(1, 5))


def test_a_wrong_input_leaves_a_layer_unbuilt(engine):
    layer = engine.layers.Dense(3)
    with pytest.raises(ValueError, match=r"\(4,\)"):
        layer(ones(4))
    assert not layer.built and not layer.weights


def test_further_arguments_reach_call(engine):
    def call(self, *xs, flag=False):
        self.seen = len(xs), flag
        return xs[0]

    layer = layer_class(engine, call=call)()
    layer(ones(1), ones(2), flag=True)
    assert layer.seen == (2, True)


def test_weights_are_read_in_the_compute_dtype(engine):
    def build(self, input_shape):
        self.w = self.add_weight(shape=(2,), initializer="ones")
        self.fixed = self.add_weight(shape=(2,), initializer="ones", autocast=False)
        self.number = self.add_weight(shape=(2,), dtype="int32")

    def call(self, x):
        dtypes = [engine.ops.add(v, engine.ops.zeros_like(v)) for v in (self.w, self.fixed)]
        self.seen = [name_of_dtype(array(v)) for v in dtypes]
        return x * self.w

    some = layer_class(engine, build=build, call=call)
    layer = some(dtype="mixed_float16")
    assert name_of_dtype(array(layer(ones(1, 2)))) == "float16"
    assert [v.dtype for v in layer.weights] == ["float32", "float32", "int32"]
    assert layer.seen[0] == "float16"
    assert name_of_dtype(array(some()(ones(1, 2)))) == "float32"


def test_layers_within_follow_their_own_policies(engine):
    class Outer(engine.layers.Layer):
        def __init__(self, inner, **kwargs):
            super().__init__(**kwargs)
            self.inner = engine.layers.Dense(2, dtype=inner)

        def call(self, x):
            self.seen = name_of_dtype(array(x))
            return self.inner(x)

    for own, inner, seen, result in [
        ("mixed_float16", "float32", "float16", "float32"),
        ("float32", "mixed_float16", "float32", "float16"),
        ("float64", "float16", "float64", "float16"),
    ]:
        layer = Outer(inner, dtype=own)
        assert name_of_dtype(array(layer(ones(1, 2)))) == result
        assert layer.seen == seen


# The training mode


def modes_of(engine):
    """Classes of layers: those that note the mode they are in, and those around them."""

    class Base(engine.layers.Layer):
        def __init__(self, inner=None):
            super().__init__()
            self.inner = inner

    class Silent(Base):
        def call(self, x):
            return self.inner(x)

    class Defaulting(Base):
        def call(self, x, training=False):
            return self.inner(x)

    class Insisting(Base):
        def call(self, x, training=None):
            return self.inner(x, training=False)

    class Noting(Base):
        def call(self, x, training=None):
            self.seen = training
            return x

    class NotingTrue(Base):
        def call(self, x, training=True):
            self.seen = training
            return x

    return {c.__name__: c for c in (Silent, Defaulting, Insisting, Noting, NotingTrue)}


@pytest.mark.parametrize(
    "around, inner, given, seen",
    [
        (None, "Noting", {}, None),
        (None, "Noting", {"training": True}, True),
        (None, "NotingTrue", {}, True),
        (None, "NotingTrue", {"training": None}, None),
        (None, "NotingTrue", {"training": False}, False),
        ("Silent", "Noting", {}, None),
        ("Silent", "Noting", {"training": True}, True),
        ("Silent", "NotingTrue", {"training": False}, False),
        ("Silent", "NotingTrue", {"training": None}, True),
        ("Defaulting", "Noting", {}, False),
        ("Defaulting", "NotingTrue", {}, False),
        ("Defaulting", "Noting", {"training": None}, None),
        ("Defaulting", "Noting", {"training": True}, True),
        ("Insisting", "Noting", {"training": True}, False),
        ("Insisting", "NotingTrue", {}, False),
    ],
)
def test_the_mode_is_as_given_or_as_around_or_the_default(engine, around, inner, given, seen):
    classes = modes_of(engine)
    noting = classes[inner]()
    layer = classes[around](noting) if around else noting
    layer(ones(2), **given)
    assert noting.seen is seen


def test_the_mode_reaches_layers_far_within_and_ends_with_the_call(engine):
    classes = modes_of(engine)
    noting = classes["Noting"]()
    classes["Silent"](classes["Silent"](noting))(ones(2), training=True)
    assert noting.seen is True
    noting(ones(2))
    assert noting.seen is None


def test_the_mode_ends_with_a_call_that_fails(engine):
    class Failing(engine.layers.Layer):
        def call(self, x, training=None):
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        Failing()(ones(2), training=True)
    noting = modes_of(engine)["Noting"]()
    noting(ones(2))
    assert noting.seen is None


def test_a_layer_that_does_not_know_the_mode_may_be_told(engine):
    assert engine.layers.Flatten()(ones(2, 3), training=True).shape == (2, 3)
    layer = recorder(engine)()
    layer(ones(2), training=True)
    assert layer.keywords == {}


def test_the_mode_belongs_to_a_thread():
    classes = modes_of(npkeras)
    noting, seen = classes["Noting"](), []

    def call_elsewhere(self, x, training=None):
        def run():
            noting(x)
            seen.append(noting.seen)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        return x

    layer_class(npkeras, call=call_elsewhere)()(ones(2), training=True)
    assert seen == [None]


# Symbolic calls


def test_a_symbolic_call_keeps_no_losses(engine):
    def call(self, x):
        self.add_loss(engine.ops.sum(x))
        return x

    layer = layer_class(engine, call=call)(activity_regularizer="l2")
    layer(engine.Input((2,)))
    assert layer.losses == []


def test_layers_within_a_symbolic_call_note_no_calls():
    dense = layers.Dense(2)
    outer = layer_class(npkeras, call=lambda self, x: dense(x))()
    for _ in range(3):
        outer(npkeras.Input((2,)))
    assert len(outer._inbound_nodes) == 3 and not dense._inbound_nodes


def test_symbolic_inputs_in_a_nest_are_noticed(engine):
    class Sum(engine.layers.Layer):
        def call(self, x):
            return engine.ops.add(x["a"], x["b"][0])

    y = Sum()({"a": engine.Input((3,)), "b": [engine.Input((1,))]})
    assert y.shape == (None, 3)


@pytest.mark.parametrize("number", [1, 2])
def test_calls_from_many_threads_do_not_disturb_each_other(number):
    layer = layers.Dense(4, activation="tanh")
    x = np.random.default_rng(number).normal(size=(8, 3)).astype("float32")
    expected, wrong = layer(x), []

    def run():
        for _ in range(200):
            if not np.array_equal(layer(x), expected):
                wrong.append(1)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_outputs_are_bare_arrays_without_a_tape():
    y = layers.Dense(2)(ones(1, 3))
    assert type(y) is np.ndarray
    assert all(
        type(v) is np.ndarray for v in tree.leaves(layers.LSTM(2, return_state=True)(ones(1, 2, 3)))
    )


def test_inputs_beyond_what_call_takes_are_told_to_go_in_a_list():
    with pytest.raises(TypeError, match=r"'a' \(Add\): too many.*`call` takes \(inputs\).*a list"):
        layers.Add(name="a")(ones(2, 3), ones(2, 3))


WATCHED = {
    "dense": lambda: npkeras.layers.Dense(2),
    "sequential": lambda: npkeras.Sequential([npkeras.Input((6,)), npkeras.layers.Dense(2)]),
    "functional": lambda: npkeras.Model(a := npkeras.Input((6,)), npkeras.layers.Dense(2)(a)),
    "lambda": lambda: npkeras.layers.Lambda(lambda x: x * x),
    "normalization": npkeras.layers.BatchNormalization,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", WATCHED)
def test_a_bare_array_that_a_tape_watches_has_a_gradient(kind, dtype):
    """Also beside weights, under Python's signs, and where it is cast."""
    layer, x = WATCHED[kind](), np.random.default_rng(0).normal(size=(3, 6)).astype(dtype)
    layer(x)
    with npkeras.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    with npkeras.GradientTape() as other:
        watched = other.watch(x)
        expected = layer(watched)
    found = tape.gradient(y, x)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, other.gradient(expected, watched))
