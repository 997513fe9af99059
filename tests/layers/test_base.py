"""Layer: made, named, built. What takes `engine` is true of Keras too."""

import numpy as np
import pytest

import npkeras
from npkeras import layers
from npkeras.core.dtypes import DTypePolicy
from tests.layers.engines import names, ones, paths, user_layers

# Names


def test_names_count_up_within_a_process_and_start_again_after_clear_session(engine):
    Dense = engine.layers.Dense
    assert names([Dense(1), Dense(1), Dense(1, name="mine"), Dense(1)]) == [
        "dense",
        "dense_1",
        "mine",
        "dense_2",
    ]
    engine.utils.clear_session()
    assert Dense(1).name == "dense"


@pytest.mark.parametrize(
    "class_name, name",
    [("MyHTTPLayer2D", "my_http_layer2d"), ("A1B", "a1b"), ("_Private", "__private")],
)
def test_a_class_gives_its_name_in_snake_case(engine, class_name, name):
    assert type(class_name, (engine.layers.Layer,), {})().name == name


@pytest.mark.parametrize("name", ["a/b", 3, 1.5])
def test_a_name_is_a_string_without_slashes(engine, name):
    with pytest.raises(ValueError, match=f"name='?{name}"):
        engine.layers.Dense(3, name=name)


def test_paths_of_variables_lead_through_the_layers(engine):
    Scale, _, Inner = user_layers(engine)
    layer = Inner(name="outer")
    assert paths(layer.weights) == ["outer/w"]
    layer(ones(1, 2))
    assert paths(layer.weights) == ["outer/w", "outer/dense/kernel", "outer/dense/bias"]
    model = engine.Sequential([engine.Input((2,)), engine.layers.Dense(3), Scale(name="scale")])
    assert paths(model.weights) == [
        "sequential/dense_1/kernel",
        "sequential/dense_1/bias",
        "sequential/scale/w",
    ]


# Arguments


def test_unknown_arguments_are_refused(engine):
    with pytest.raises(ValueError, match="Dense.*'foo': 1"):
        engine.layers.Dense(3, foo=1)
    with pytest.raises(ValueError, match="Layer.*'foo': 1, 'bar': 2"):
        engine.layers.Layer(foo=1, bar=2)


def test_a_misspelt_argument_is_told_its_name():
    with pytest.raises(ValueError, match="'activaton': 'relu'.*Did you mean 'activation'?"):
        layers.Dense(3, activaton="relu")
    with pytest.raises(ValueError, match="'nam': 'd'.*Did you mean 'name'?"):
        layers.Dense(3, nam="d")


def test_positional_arguments_are_refused(engine):
    with pytest.raises(TypeError):
        engine.layers.Layer("name")


@pytest.mark.parametrize(
    "given, shape",
    [
        ({"input_shape": (4,)}, (None, 4)),
        ({"input_shape": 4}, (None, 4)),
        ({"input_dim": 4}, (None, 4)),
        ({"input_shape": (None, 4)}, (None, None, 4)),
        ({"input_shape": (4,), "batch_size": 2}, (2, 4)),
        ({"batch_input_shape": (2, 4)}, (2, 4)),
    ],
)
def test_the_first_layer_of_a_model_may_say_what_comes_in(given, shape):
    model = npkeras.Sequential([layers.Dense(3, **given)])
    assert model.input_shape == shape
    assert model.output_shape == (*shape[:-1], 3)


def test_an_input_shape_of_none_says_nothing(engine):
    assert not engine.Sequential([engine.layers.Dense(3, input_shape=None)]).built


def test_a_layer_must_be_initialized(engine):
    class Forgetful(engine.layers.Layer):
        def __init__(self):
            self.factor = 2

        def call(self, x):
            return x

    with pytest.raises(RuntimeError, match=r"super\(\).__init__\(\)"):
        Forgetful()(ones(3))


def test_a_layer_must_say_what_it_computes(engine):
    with pytest.raises(NotImplementedError, match="call"):
        engine.layers.Layer()(ones(3))


def test_the_repr_says_name_and_state(engine):
    layer = engine.layers.Dense(2, name="d")
    assert repr(layer) == "<Dense name=d, built=False>"
    layer.build((None, 3))
    assert repr(layer) == "<Dense name=d, built=True>"


# Dtypes


@pytest.mark.parametrize(
    "dtype, compute, variable",
    [
        (None, "float32", "float32"),
        ("float64", "float64", "float64"),
        ("mixed_float16", "float16", "float32"),
        (np.float16, "float16", "float16"),
        (np.dtype("float64"), "float64", "float64"),
    ],
    ids=str,
)
def test_a_policy_decides_what_is_computed_and_what_is_kept(engine, dtype, compute, variable):
    layer = engine.layers.Layer(dtype=dtype)
    assert (layer.compute_dtype, layer.variable_dtype) == (compute, variable)
    assert (layer.dtype, layer.input_dtype) == (variable, compute)


def test_the_global_policy_is_the_default(engine):
    engine.config.set_dtype_policy("mixed_float16")
    try:
        assert engine.layers.Dense(1).compute_dtype == "float16"
    finally:
        engine.config.set_dtype_policy("float32")
    assert engine.layers.Dense(1).compute_dtype == "float32"


def test_the_policy_of_a_layer_can_be_changed(engine):
    layer = engine.layers.Dense(1)
    layer.dtype_policy = "float16"
    assert layer.compute_dtype == "float16"


def test_an_unknown_dtype_is_refused(engine):
    with pytest.raises(ValueError, match="foo"):
        engine.layers.Dense(3, dtype="foo")


def test_a_policy_object_is_taken_as_it_is():
    assert layers.Dense(3, dtype=DTypePolicy("float16")).dtype_policy == DTypePolicy("float16")


# Building


def test_the_first_call_builds(engine):
    Scale, _, _ = user_layers(engine)
    layer = Scale()
    assert not layer.built and not layer.weights
    layer(ones(2, 4))
    assert layer.built and layer.seen == (2, 4)
    layer(ones(5, 4))
    assert len(layer.weights) == 1 and layer.seen == (2, 4)


def test_build_by_hand_needs_no_super(engine):
    Scale, _, _ = user_layers(engine)
    layer = Scale()
    layer.build((None, 4))
    assert layer.built and layer.seen == (None, 4)
    assert paths(layer.weights) == ["scale/w"]


@pytest.mark.parametrize("where", ["first", "last", "never"])
def test_super_build_may_be_called_anywhere(engine, where):
    class Some(engine.layers.Layer):
        def build(self, input_shape):
            if where == "first":
                super().build(input_shape)
            self.w = self.add_weight(shape=(2,), name="w")
            if where == "last":
                super().build(input_shape)

        def call(self, x):
            return x

    layer = Some()
    layer(ones(2))
    assert layer.built and paths(layer.weights) == ["some/w"]


def test_the_build_of_a_built_in_layer_can_be_extended(engine):
    class More(engine.layers.Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self.extra = self.add_weight(shape=(2,), name="extra")

    layer = More(3, name="more")
    layer(ones(2, 4))
    assert paths(layer.weights) == ["more/kernel", "more/bias", "more/extra"]


def test_build_gets_one_shape_for_each_argument(engine):
    _, Pair, _ = user_layers(engine)
    layer = Pair()
    layer(ones(1, 2), ones(1, 3))
    assert layer.seen == ((1, 2), (1, 3))
    assert layer.get_build_config() == {"shapes_dict": {"a_shape": (1, 2), "b_shape": (1, 3)}}
    by_keyword = Pair()
    by_keyword(b=ones(1, 3), a=ones(1, 2))
    assert by_keyword.seen == ((1, 2), (1, 3))


def test_build_gets_none_for_what_is_not_given(engine):
    _, Pair, _ = user_layers(engine)
    without, with_none = Pair(), Pair()
    without(ones(1, 2))
    with_none(ones(1, 2), None)
    assert without.seen == with_none.seen == ((1, 2), None)


def test_the_arguments_of_build_are_named_after_those_of_call(engine):
    class Wrong(engine.layers.Layer):
        def build(self, x_shape, y_shape):
            pass

        def call(self, a, b):
            return a

    with pytest.raises(ValueError, match="x_shape"):
        Wrong()(ones(2), ones(2))


@pytest.mark.parametrize(
    "inputs, seen",
    [
        ([ones(1, 2), ones(1, 3)], [(1, 2), (1, 3)]),
        ((ones(1, 2), ones(1, 3)), ((1, 2), (1, 3))),
        ({"z": ones(1, 2), "a": ones(1, 3)}, {"z": (1, 2), "a": (1, 3)}),
        ([ones(1, 2), [ones(1, 3), ones(1)]], [(1, 2), [(1, 3), (1,)]]),
    ],
    ids=["list", "tuple", "dict", "nest"],
)
def test_build_gets_shapes_in_a_nest_like_the_inputs(engine, inputs, seen):
    class Many(engine.layers.Layer):
        def build(self, input_shape):
            self.seen = input_shape

        def call(self, x):
            return x

    layer = Many()
    layer(inputs)
    assert layer.seen == seen


def test_one_shape_is_that_of_the_first_argument(engine):
    class One(engine.layers.Layer):
        def build(self, input_shape):
            self.seen = input_shape

        def call(self, a, b):
            return a

    layer, by_keyword = One(), One()
    layer(ones(1, 2), ones(1, 3))
    by_keyword(b=ones(1, 3), a=ones(1, 2))
    assert layer.seen == by_keyword.seen == (1, 2)


def test_build_may_take_nothing(engine):
    class Bare(engine.layers.Layer):
        def build(self):
            self.w = self.add_weight(shape=(2,), name="w")

        def call(self, x):
            return x

    layer = Bare()
    layer(ones(3))
    assert paths(layer.weights) == ["bare/w"]


def test_build_configs_give_the_shapes_back(engine):
    Scale, Pair, _ = user_layers(engine)
    layer = Scale()
    layer(ones(2, 4))
    assert layer.get_build_config() == {"input_shape": (2, 4)}
    again = Scale()
    again.build_from_config({"input_shape": [2, 4]})
    assert again.built and again.w.shape == (4, 3)
    pair = Pair()
    pair.build_from_config({"shapes_dict": {"a_shape": (1, 2), "b_shape": (1, 3)}})
    assert pair.seen == ((1, 2), (1, 3))


def test_a_layer_without_build_is_built_by_a_call(engine):
    class Plain(engine.layers.Layer):
        def call(self, x):
            return x

    layer = Plain()
    assert not layer.built and layer.get_build_config() is None
    layer(ones(2))
    assert layer.built and layer.get_build_config() == {"input_shape": (2,)}


def test_building_what_cannot_build_the_layers_within_warns(engine):
    class Lazy(engine.layers.Layer):
        def __init__(self):
            super().__init__()
            self.dense = engine.layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    layer = Lazy()
    with pytest.warns(UserWarning, match="lazy"):
        layer.build((None, 3))
    assert layer.built and not layer.dense.built
    assert layer(ones(1, 3)).shape == (1, 2)


def test_lists_given_to_build_arrive_as_tuples():
    Scale, _, _ = user_layers(npkeras)
    layer = Scale()
    layer.build([None, 4])
    assert layer.seen == (None, 4)


def test_a_build_that_fails_leaves_nothing_behind():
    class Fragile(layers.Layer):
        ready = False

        def build(self, input_shape):
            self.w = self.add_weight(shape=(2,), name="w")
            if not self.ready:
                raise RuntimeError("not ready")

        def call(self, x):
            return x

    layer = Fragile()
    with pytest.raises(RuntimeError, match="not ready"):
        layer(ones(2))
    assert not layer.built and not layer.weights and not hasattr(layer, "w")
    layer.ready = True
    layer(ones(2))
    assert paths(layer.weights) == ["fragile/w"]


def test_a_layer_marked_as_built_is_not_built(engine):
    class Ready(engine.layers.Layer):
        def __init__(self):
            super().__init__()
            self.built = True

        def build(self, input_shape):
            raise AssertionError("built again")

        def call(self, x):
            return x

    Ready()(ones(2))
