"""Calling a layer: casting, the training mode, masks. What takes `engine` is true of Keras too."""

import threading
import warnings

import numpy as np
import pytest

import npkeras
from npkeras import layers
from npkeras.core import tree
from npkeras.core.attach import get_mask, set_mask
from npkeras.core.tape import GradientTape, Traced
from tests.layers.engines import array, mask_of, masked, name_of_dtype, ones

MASK = [[True, True, False]]


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


# Masks


def supporting(engine):
    """A layer that passes masks on and notes those it gets."""

    class Supporting(engine.layers.Layer):
        supports_masking = True

        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, x, mask=None):
            self.seen = mask
            return x * 2.0

    return Supporting()


def test_a_mask_travels_through_layers_that_support_it(engine):
    x = masked(engine, ones(1, 3, 2), MASK)
    layer = supporting(engine)
    y = layer(x)
    assert array(layer.seen).tolist() == MASK
    assert mask_of(y) == MASK
    assert mask_of(engine.layers.Dense(3)(y)) == MASK
    assert mask_of(engine.layers.Activation("relu")(y)) == MASK


def test_a_mask_that_is_lost_is_warned_of(engine):
    x = masked(engine, ones(1, 3, 2), MASK)
    with pytest.warns(UserWarning, match="flatten.*mask"):
        y = engine.layers.Flatten()(x)
    assert mask_of(y) is None


def test_the_same_layer_warns_once():
    layer, x = layers.Flatten(), masked(npkeras, ones(1, 3, 2), MASK)
    with pytest.warns(UserWarning, match="flatten"):
        layer(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(x)


def test_an_explicit_mask_beats_the_one_that_came_along(engine):
    other = np.array([[False, True, True]])
    layer = supporting(engine)
    y = layer(masked(engine, ones(1, 3, 2), MASK), mask=other)
    assert array(layer.seen).tolist() == mask_of(y) == other.tolist()


def test_masks_of_nested_inputs_come_in_a_like_nest(engine):
    class Taking(engine.layers.Layer):
        def call(self, x, mask=None):
            self.seen = mask
            return engine.ops.add(1.0, 1.0)

    x = masked(engine, ones(1, 3), MASK)
    layer = Taking()
    with pytest.warns(UserWarning, match="mask"):
        layer([x, ones(2)])
    assert array(layer.seen[0]).tolist() == MASK and layer.seen[1] is None
    layer({"a": x, "b": ones(2)})
    assert array(layer.seen["a"]).tolist() == MASK and layer.seen["b"] is None
    layer([ones(2), ones(2)])
    assert layer.seen == [None, None]


def test_several_arguments_have_masks_of_their_own(engine):
    class Several(engine.layers.Layer):
        def call(self, a, b, mask=None, a_mask=None, b_mask=None):
            self.seen = mask, a_mask, b_mask
            return a

    layer, x = Several(), masked(engine, ones(1, 3), MASK)
    with pytest.warns(UserWarning, match="mask"):
        layer(x, b=x)
    assert layer.seen[0] is None
    assert [array(mask).tolist() for mask in layer.seen[1:]] == [MASK, MASK]
    layer(ones(1, 3), x)
    assert layer.seen[1] is None and array(layer.seen[2]).tolist() == MASK


def test_a_second_tensor_keeps_the_mask_from_call_but_not_from_the_output(engine):
    class WithState(engine.layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, x, state=None, mask=None):
            self.seen = mask
            return x * 2.0

    layer, x = WithState(), masked(engine, ones(1, 3), MASK)
    y = layer(x, state=ones(1))
    assert layer.seen is None and mask_of(y) == MASK
    layer(x, state=None)
    assert array(layer.seen).tolist() == MASK


def test_each_output_has_the_mask_of_its_input(engine):
    class Both(engine.layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, x):
            return x[0] * 2.0, x[1] * 2.0

    x = masked(engine, ones(1, 3), MASK)
    assert [mask_of(y) for y in Both()([x, ones(1, 3)])] == [MASK, None]


def test_defining_compute_mask_is_supporting_masks(engine):
    class Shorter(engine.layers.Layer):
        def call(self, x):
            return x[:, 1:] * 2.0

        def compute_mask(self, inputs, mask=None):
            return None if mask is None else mask[:, 1:]

    layer = Shorter()
    assert layer.supports_masking
    assert mask_of(layer(masked(engine, ones(1, 3), MASK))) == [[True, False]]
    assert mask_of(layer(ones(1, 3))) is None


def test_a_mask_set_by_call_stays(engine):
    class Own(engine.layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, x):
            return masked(engine, array(x) * 2, [[False, False, True]])

    assert mask_of(Own()(masked(engine, ones(1, 3), MASK))) == [[False, False, True]]


def test_a_mask_is_kept_when_the_input_is_cast(engine):
    x = masked(engine, ones(1, 3, 2, dtype="float64"), MASK)
    assert mask_of(supporting(engine)(x)) == MASK


@pytest.mark.parametrize("form", ["array", "recorded", "symbolic"])
def test_a_mask_travels_in_every_form(form):
    layer = layers.Embedding(5, 2, mask_zero=True)
    x = np.array([[1, 2, 0]]) if form != "symbolic" else npkeras.Input((3,), dtype="int32")
    with GradientTape():
        y = layers.Dense(3)(layer(x))
    if form == "symbolic":
        assert (get_mask(y).shape, get_mask(y).dtype) == ((None, 3), "bool")
    else:
        assert isinstance(y, Traced)
        assert mask_of(y) == MASK


def test_a_layer_that_returns_its_input_does_not_mark_it():
    class Same(layers.Layer):
        supports_masking = True

        def call(self, x, mask=None):
            return x

    x = ones(1, 3)
    y = Same()(x, mask=np.array(MASK))
    assert get_mask(x) is None and mask_of(y) == MASK
    traced = Traced(x, object())
    with GradientTape() as tape:
        y = Same()(traced, mask=np.array(MASK))
    assert traced.notes is None and mask_of(y) == MASK
    np.testing.assert_array_equal(tape.gradient(y, traced), x)


def test_masks_do_not_outlive_their_arrays():
    from npkeras.core import attach

    before = len(attach._beside)
    for _ in range(5):
        x = ones(1, 3, 2)
        set_mask(x, np.array(MASK))
        layers.Dense(2)(x)
    del x
    assert len(attach._beside) <= before


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
