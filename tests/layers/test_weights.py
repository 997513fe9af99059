"""The weights of a layer: made, found, frozen, penalised. What takes `engine` is Keras' too."""

import numpy as np
import pytest

import npkeras
from npkeras import layers
from npkeras.core.tape import GradientTape
from tests.layers.engines import array, names, ones, paths


def built_dense(engine, **options):
    layer = engine.layers.Dense(3, name="dense", **options)
    layer.build((None, 2))
    return layer


def layer_with_everything(engine):
    class Everything(engine.layers.Layer):
        def build(self, input_shape):
            self.frozen = self.add_weight(shape=(1,), trainable=False, name="frozen")
            self.dense = engine.layers.Dense(2, name="dense")
            self.dense.build(input_shape)
            self.own = self.add_weight(shape=(1,), name="own")
            self.variable = engine.Variable([1.0], name="variable")
            self.constant = engine.Variable([1.0], trainable=False, name="constant")
            self.generator = engine.random.SeedGenerator(3, name="generator")
            self.dropout = engine.layers.Dropout(0.5, seed=1, name="dropout")
            self.nested = [
                engine.layers.Dense(1, name="in_list"),
                {"key": engine.layers.Dense(1, name="in_dict")},
                (engine.layers.Dense(1, name="in_tuple"),),
            ]
            for layer in (self.nested[0], self.nested[1]["key"], self.nested[2][0]):
                layer.build(input_shape)

        def call(self, x):
            return x

    layer = Everything(name="all")
    layer(ones(2, 3))
    return layer


OWN = ["all/own", "all/variable"]
FIXED = ["all/frozen", "all/constant"]
INSIDE = [
    f"all/{name}/{weight}"
    for name in ("dense", "in_list", "in_dict", "in_tuple")
    for weight in ("kernel", "bias")
]


# Order


def test_weights_come_own_first_trainable_first_then_those_within(engine):
    layer = layer_with_everything(engine)
    assert paths(layer.weights) == [*OWN, *FIXED, *INSIDE]
    assert paths(layer.trainable_weights) == paths(layer.trainable_variables) == [*OWN, *INSIDE]
    assert paths(layer.non_trainable_weights) == FIXED


def test_variables_are_weights_and_the_states_of_random_generators(engine):
    found = paths(layer_with_everything(engine).variables)
    states = [path for path in found if path.endswith("seed_generator_state")]
    assert [path for path in found if path not in states] == [*OWN, *FIXED, *INSIDE]
    assert len(states) == 2
    assert found.index(states[0]) == 4 and found.index(states[1]) == 7


def test_variables_come_in_order_of_creation_however_they_were_made(engine):
    class Mixed(engine.layers.Layer):
        def __init__(self):
            super().__init__()
            self.v1 = engine.Variable([1.0], name="v1")
            self.w1 = self.add_weight(shape=(1,), name="w1")
            self.v2 = engine.Variable([1.0], name="v2")
            self.v3 = [engine.Variable([1.0], name="v3")]
            w2 = self.add_weight(shape=(1,), name="w2")
            w3 = self.add_weight(shape=(1,), name="w3")
            self.z, self.a = w3, w2

    assert names(Mixed().weights) == ["v1", "w1", "v2", "v3", "w2", "w3"]


def test_a_layer_reached_in_several_ways_counts_once(engine):
    class Shared(engine.layers.Layer):
        def __init__(self):
            super().__init__()
            self.a = engine.layers.Dense(1, name="a")
            self.b, self.c = self.a, [self.a]

        def call(self, x):
            return self.a(x)

    layer = Shared()
    layer(ones(1, 2))
    assert paths(layer.weights) == ["shared/a/kernel", "shared/a/bias"]
    assert layer.count_params() == 3


def test_layers_in_a_dict_come_in_the_order_in_which_they_were_put_there(engine):
    class Table(engine.layers.Layer):
        def __init__(self):
            super().__init__()
            self.table = {"z": engine.layers.Dense(1, name="z"), "a": engine.layers.Dense(1)}

        def call(self, x):
            return [self.table[key](x) for key in ("a", "z")]

    layer = Table()
    layer(ones(1, 2))
    assert paths(layer.weights)[0] == "table/z/kernel"


def test_layers_that_know_each_other_do_not_go_round_in_circles():
    a, b = layers.Layer(), layers.Layer()
    a.friend, b.friend = b, a
    b.w = b.add_weight(shape=(1,))
    assert len(a.weights) == len(b.weights) == 1


def test_layers_put_into_a_list_later_are_found():
    class Growing(layers.Layer):
        def __init__(self):
            super().__init__()
            self.blocks = []

        def call(self, x):
            for block in self.blocks:
                x = block(x)
            return x

    layer = Growing()
    for _ in range(3):
        layer.blocks.append(layers.Dense(2))
    layer(ones(1, 2))
    assert len(layer.weights) == 6
    layer.blocks.pop()
    assert len(layer.weights) == 4


def test_an_attribute_set_anew_forgets_the_layer_it_held():
    class Holder(layers.Layer):
        pass

    holder = Holder()
    for units in (1, 2):
        holder.layer = layers.Dense(units)
        holder.layer.build((None, 4))
    assert [w.shape for w in holder.weights] == [(4, 2), (2,)]


# add_weight


def test_a_weight_is_a_float_drawn_by_glorot_unless_told_otherwise(engine):
    layer = engine.layers.Layer(name="layer", dtype="float64")
    scalar, vector, whole = (
        layer.add_weight(),
        layer.add_weight((200,)),
        layer.add_weight(shape=(2,), dtype="int32"),
    )
    assert [tuple(v.shape) for v in (scalar, vector, whole)] == [(), (200,), (2,)]
    assert [v.dtype for v in (scalar, vector, whole)] == ["float64", "float64", "int32"]
    limit = np.sqrt(6 / 400)
    assert 0.8 * limit < np.abs(array(vector)).max() <= limit
    assert array(whole).tolist() == [0, 0]


@pytest.mark.parametrize(
    "initializer, value",
    [
        ("ones", 1.0),
        (lambda shape, dtype=None: np.full(shape, 7.0), 7.0),
        (np.full(2, 3.0), 3.0),
        ({"class_name": "Constant", "config": {"value": 5.0}}, 5.0),
    ],
    ids=["name", "function", "array", "config"],
)
def test_a_weight_starts_as_its_initializer_says(engine, initializer, value):
    weight = engine.layers.Layer().add_weight((2,), initializer)
    assert array(weight).tolist() == [value, value]
    assert weight.dtype == "float32"


def test_arguments_of_a_weight_are_kept_on_it(engine):
    weight = engine.layers.Layer().add_weight(
        shape=(2,), regularizer="l2", constraint="non_neg", autocast=False, name="w"
    )
    assert type(weight.regularizer).__name__ == "L2"
    assert type(weight.constraint).__name__ == "NonNeg"
    assert weight.name == "w" and weight.trainable


@pytest.mark.parametrize(
    "args, options, error, message",
    [
        (("w",), {"shape": (2,)}, ValueError, "keyword.*w"),
        (((2,), "ones", "float32", True), {}, TypeError, "4"),
        (((None, 2),), {}, ValueError, r"\(None, 2\)"),
        (((2,),), {"name": "a/b"}, ValueError, "a/b"),
        (((2,),), {"foo": 1}, TypeError, "foo"),
        (((2,), "no_such"), {}, ValueError, "no_such"),
    ],
)
def test_wrong_arguments_of_a_weight_are_refused(engine, args, options, error, message):
    with pytest.raises(error, match=message):
        engine.layers.Layer().add_weight(*args, **options)


def test_a_built_layer_takes_no_more_weights(engine):
    layer = built_dense(engine)
    with pytest.raises(ValueError, match="built"):
        layer.add_weight(shape=(2,), name="late")
    with pytest.raises(ValueError, match="built"):
        layer.build((None, 2))
    assert len(layer.weights) == 2


def test_weights_made_in_call_are_refused(engine):
    class Late(engine.layers.Layer):
        def call(self, x):
            self.w = self.add_weight(shape=(2,), name="w")
            return x

    with pytest.raises(ValueError, match="built"):
        Late()(ones(2))


# Freezing


def test_freezing_reaches_everything_within_and_is_undone_alike(engine):
    layer = layer_with_everything(engine)
    layer.trainable = False
    assert layer.trainable_weights == [] == layer.trainable_variables
    assert paths(layer.non_trainable_weights) == [*OWN, *FIXED, *INSIDE]
    assert len(layer.non_trainable_variables) == len(layer.variables) == 14
    assert not any(v.trainable for v in layer.variables)
    assert not layer.nested[1]["key"].trainable
    layer.trainable = True
    assert paths(layer.trainable_weights) == [*OWN, *INSIDE]


def test_a_part_can_be_frozen(engine):
    layer = layer_with_everything(engine)
    layer.dense.trainable = False
    assert layer.trainable
    assert paths(layer.trainable_weights) == [*OWN, *INSIDE[2:]]
    assert paths(layer.non_trainable_weights) == [*FIXED, *INSIDE[:2]]


@pytest.mark.parametrize("how", ["argument", "attribute"])
def test_freezing_before_building_holds(engine, how):
    layer = engine.layers.Dense(3, trainable=how != "argument")
    layer.trainable = False
    layer.build((None, 2))
    assert layer.trainable_weights == []
    assert [v.trainable for v in layer.weights] == [False, False]
    layer.trainable = True
    assert [v.trainable for v in layer.weights] == [True, True]


def test_freezing_before_a_call_holds_for_layers_built_by_it(engine):
    class Outer(engine.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = engine.layers.Dense(2)

        def call(self, x):
            return self.inner(x)

    layer = Outer()
    layer.trainable = False
    layer(ones(1, 2))
    assert layer.trainable_weights == []
    assert [v.trainable for v in layer.weights] == [False, False]


def test_weights_made_by_a_frozen_layer_are_frozen(engine):
    layer = engine.layers.Layer(trainable=False)
    weight = layer.add_weight(shape=(2,))
    assert not weight.trainable
    layer.trainable = True
    assert weight.trainable


def test_a_single_weight_can_be_frozen(engine):
    layer = built_dense(engine)
    layer.kernel.trainable = False
    assert paths(layer.trainable_weights) == ["dense/bias"]
    assert paths(layer.weights) == ["dense/kernel", "dense/bias"]
    assert paths(layer.non_trainable_weights) == ["dense/kernel"]


def test_frozen_weights_have_no_gradient():
    layer = built_dense(npkeras)
    layer.kernel.trainable = False
    with GradientTape() as tape:
        y = layer(ones(1, 2))
    assert tape.gradient(y, [layer.kernel, layer.bias])[0] is None


# Reading and writing


def test_weights_are_read_in_order_and_as_copies(engine):
    layer = built_dense(engine)
    kernel, bias = layer.get_weights()
    assert kernel.shape == (2, 3) and bias.tolist() == [0, 0, 0]
    bias += 1
    assert layer.get_weights()[1].tolist() == [0, 0, 0]


def test_weights_are_replaced_in_order(engine):
    layer = built_dense(engine)
    layer.set_weights([np.full((2, 3), 2), np.ones(3, "float64")])
    assert array(layer(ones(1, 2))).tolist() == [[5, 5, 5]]
    assert [v.dtype for v in layer.weights] == ["float32", "float32"]


@pytest.mark.parametrize(
    "given, message",
    [
        ([np.ones((2, 3))], "dense.*1"),
        ([], "dense.*0"),
        ([np.ones((2, 3)), np.ones(3), np.ones(3)], "dense.*3"),
        ([np.ones((3, 2)), np.ones(3)], r"\(2, 3\).*\(3, 2\)"),
        ([np.ones((2, 3)), np.ones(4)], r"\(3,\).*\(4,\)"),
    ],
)
def test_weights_that_do_not_fit_are_refused(engine, given, message):
    with pytest.raises(ValueError, match=message):
        built_dense(engine).set_weights(given)


def test_weights_that_do_not_fit_change_nothing():
    layer = built_dense(npkeras)
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"dense/bias.*\(3,\).*\(4,\)"):
        layer.set_weights([np.ones((2, 3)), np.ones(4)])
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_an_unbuilt_layer_has_no_weights(engine):
    layer = engine.layers.Dense(3, name="dense")
    assert layer.weights == [] == layer.get_weights()
    with pytest.raises(ValueError, match="dense.*1"):
        layer.set_weights([ones(2)])
    with pytest.raises(ValueError, match="dense.*built"):
        layer.count_params()


def test_numbers_of_weights_add_up(engine):
    assert built_dense(engine).count_params() == 9
    assert layer_with_everything(engine).count_params() == 24


def test_own_weights_are_kept_by_number():
    layer, store = built_dense(npkeras), {}
    layer.save_own_variables(store)
    assert list(store) == ["0", "1"]
    other = built_dense(npkeras)
    other.load_own_variables(store)
    np.testing.assert_array_equal(other.kernel.value, layer.kernel.value)
    with pytest.raises(ValueError, match=r"dense.*2 weights.*Received 1"):
        other.load_own_variables({"0": store["0"]})


# Losses


def adder(engine):
    class Adder(engine.layers.Layer):
        def call(self, x):
            self.add_loss(engine.ops.sum(x))
            return x

    return Adder()


def losses_of(layer):
    return [round(float(loss), 5) for loss in layer.losses]


def test_added_losses_are_those_of_the_last_call(engine):
    layer = adder(engine)
    assert layer.losses == []
    layer(ones(2))
    layer(3 * ones(2))
    assert losses_of(layer) == [6]


def nested_losses(engine):
    class Outer(engine.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = adder(engine)
            self.dense = engine.layers.Dense(
                2,
                kernel_initializer="ones",
                bias_initializer="ones",
                kernel_regularizer="l2",
                bias_regularizer=engine.regularizers.L1(3.0),
                activity_regularizer="l1",
            )

        def call(self, x):
            self.inner(x)
            self.inner(x)
            self.add_loss(100 * engine.ops.sum(x))
            return self.dense(x)

    return Outer()


def test_losses_come_added_ones_first_then_penalties_on_weights(engine):
    layer = nested_losses(engine)
    for _ in range(2):
        layer(ones(1, 2))
        assert losses_of(layer) == [200, 2, 2, 0.06, 0.04, 6]
    assert losses_of(layer.dense) == [0.06, 0.04, 6]


def test_a_layer_called_alone_clears_only_its_own_losses(engine):
    layer = nested_losses(engine)
    layer(ones(1, 2))
    layer.inner(3 * ones(2))
    assert losses_of(layer) == [200, 6, 0.06, 0.04, 6]


def test_frozen_weights_are_not_penalised(engine):
    layer = nested_losses(engine)
    layer(ones(1, 2))
    layer.dense.trainable = False
    assert losses_of(layer) == [200, 2, 2, 0.06]


@pytest.mark.parametrize("batch", [1, 2, 4, 0])
def test_penalties_on_outputs_are_per_sample(engine, batch):
    layer = engine.layers.Dense(
        2, kernel_initializer="ones", activity_regularizer=engine.regularizers.L2(1.0)
    )
    layer(ones(batch, 2))
    assert losses_of(layer) == ([8] if batch else [0])


def test_each_output_is_penalised(engine):
    class Two(engine.layers.Layer):
        def call(self, x):
            return x, {"a": x * 2}

    layer = Two(activity_regularizer=engine.regularizers.L1(1.0))
    layer(ones(2, 2))
    assert losses_of(layer) == [2, 4]


def test_the_penalty_on_outputs_can_be_set_later(engine):
    layer = built_dense(engine, kernel_initializer="ones")
    layer.activity_regularizer = engine.regularizers.L1(1.0)
    layer(ones(1, 2))
    assert losses_of(layer) == [6]


@pytest.mark.parametrize("wrong", [None, "a", lambda: 1.0], ids=["None", "a", "function"])
def test_what_is_no_number_is_no_loss(engine, wrong):
    with pytest.raises(ValueError, match="add_loss"):
        engine.layers.Layer().add_loss(wrong)


def test_gradients_flow_through_losses():
    layer = nested_losses(npkeras)
    layer(ones(1, 2))
    with GradientTape() as tape:
        layer(ones(1, 2))
        losses = layer.losses
    gradient = tape.gradient(losses, layer.dense.kernel)
    # 0.01 |xW + b| per output and 0.01 W**2, at x = W = b = 1
    np.testing.assert_allclose(gradient, np.full((2, 2), 0.01 + 0.02), rtol=1e-6)


# Metrics


def test_metrics_are_found_and_are_no_weights(engine):
    class Measured(engine.layers.Layer):
        def __init__(self, inner=None):
            super().__init__()
            self.a = engine.metrics.Mean(name="a")
            self.more = [engine.metrics.Sum(name="b")]
            self.inner = inner

        def call(self, x):
            return x

    layer = Measured(Measured())
    layer(ones(2))
    assert names(layer.metrics) == ["a", "b", "a", "b"]
    assert names(layer.metrics_variables) == ["total", "count", "total"] * 2
    assert layer.variables == [] == layer.weights


@pytest.mark.parametrize("of", ["Layer", "Sequential"])
def test_a_loss_is_not_added_from_outside(engine, of):
    layer = engine.Sequential() if of == "Sequential" else engine.layers.Layer()
    for loss in (1.0, engine.ops.sum(engine.Input((2,)))):
        with pytest.raises(ValueError, match="add_loss"):
            layer.add_loss(loss)


def test_a_loss_added_within_call_may_be_a_plain_number():
    class Adds(npkeras.layers.Layer):
        def call(self, x):
            self.add_loss(0.5)
            return x

    layer = Adds(activity_regularizer=lambda x: 2.0)
    layer(npkeras.Input((3,)))
    layer(ones(2, 3))
    assert layer.losses == [0.5, 1.0]
