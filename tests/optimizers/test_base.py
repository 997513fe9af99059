"""A step: updates, clipping, decay, running means; and rules written by users."""

import numpy as np
import pytest

from npkeras import ops
from npkeras.core.rows import RowGradient
from npkeras.core.tape import GradientTape
from npkeras.core.variable import Variable
from npkeras.optimizers import SGD, Adam, Optimizer
from tests.optimizers.parity import ones, variables

# -- A step ----------------------------------------------------------------------------------------


def test_plain_descent_takes_the_learning_rate_times_the_gradient():
    (w,) = variables((2,))
    SGD(0.25).apply([np.array([2.0, -4.0], "float32")], [w])
    np.testing.assert_array_equal(w.value, [0.5, 2.0])


def test_pairs_may_come_from_zip_and_gradients_from_a_tape():
    weights = variables((2,), (2,))
    optimizer = SGD(0.5)
    optimizer.apply_gradients(zip(ones((2,), (2,)), weights, strict=True))
    assert [float(w.value[0]) for w in weights] == [0.5, 0.5]
    assert int(optimizer.iterations) == 1


def test_a_built_optimizer_knows_its_variables():
    weights = variables((2,), (2,))
    optimizer = SGD(0.5)
    optimizer.build(weights)
    optimizer.apply(ones((2,), (2,)))
    assert [float(w.value[0]) for w in weights] == [0.5, 0.5]


def test_gradients_may_be_lists_integers_and_float64():
    for gradient in ([1.0, 1.0], np.ones(2, int), np.ones(2, "float64"), Variable(np.ones(2))):
        (w,) = variables((2,))
        SGD(0.5).apply([gradient], [w])
        assert w.value.dtype == np.float32
        np.testing.assert_array_equal(w.value, [0.5, 0.5])


def test_a_variable_without_a_gradient_is_left_alone_with_a_warning():
    weights = variables((2,), (2,))
    weights[1].constraint = lambda w: w * 0
    optimizer = SGD(0.5, momentum=0.5, weight_decay=0.1)
    with pytest.warns(UserWarning, match="'sgd' received no gradient for bias"):
        optimizer.apply([np.ones(2, "float32"), None], weights)
    np.testing.assert_array_equal(weights[1].value, [1, 1])
    assert [v.name for v in optimizer.variables[2:]] == ["kernel_momentum", "bias_momentum"]


def test_no_gradient_at_all_is_an_error():
    weights = variables((2,), (2,))
    with pytest.raises(ValueError, match="'sgd' received no gradient for any of its 2 variables"):
        SGD(0.5).apply([None, None], weights)
    with pytest.raises(ValueError, match=r"'sgd_1' received no \(gradient, variable\) pairs"):
        SGD(0.5).apply_gradients([])


def test_an_optimizer_refuses_what_it_was_not_built_for():
    weights = variables((2,), (2,))
    optimizer = SGD(0.5)
    with pytest.raises(ValueError, match="'sgd' knows no variables yet. Call `build"):
        optimizer.apply(ones((2,)))
    optimizer.build(weights[:1])
    with pytest.raises(ValueError, match="built for 1 variables, and 'bias' is not among them"):
        optimizer.apply(ones((2,)), weights[1:])
    with pytest.raises(ValueError, match="one gradient for each of 1 variables. Received 2"):
        optimizer.apply(ones((2,), (2,)))
    with pytest.raises(ValueError, match=r"shape \(2,\) for variable 'kernel'.* shape \(3,\)"):
        optimizer.apply(ones((3,)))
    with pytest.raises(ValueError, match="`stateless_apply` is not supported"):
        optimizer.stateless_apply([], [], [])


def test_weights_that_are_a_view_of_something_else_are_parted_from_it():
    table = np.ones((4, 2), "float32")
    (w,) = variables((2, 2))
    w.value = table[:2]
    SGD(0.5).apply(ones((2, 2)), [w])
    assert (table == 1).all() and (w.value == 0.5).all()


def test_an_update_inside_a_tape_is_not_recorded():
    (w,) = variables((2,))
    with GradientTape() as tape:
        SGD(0.5).apply(ones((2,)), [w])
    assert not tape.records


def test_constraints_are_applied_after_the_update():
    (w,) = variables((2,))
    w.constraint = lambda value: np.maximum(value, 0)
    SGD(2.0).apply(ones((2,)), [w])
    np.testing.assert_array_equal(w.value, [0, 0])


# -- Clipping --------------------------------------------------------------------------------------


def test_each_gradient_is_shortened_by_clipnorm_and_all_together_by_global_clipnorm():
    gradients = [np.array([3.0, 4.0], "float32"), np.array([0.0, 12.0], "float32")]
    taken = {}
    for name in ("clipnorm", "global_clipnorm"):
        weights = [Variable(np.zeros(2, "float32"), name=n) for n in "ab"]
        SGD(1.0, **{name: 2.0}).apply(gradients, weights)
        taken[name] = [-w.value for w in weights]
    np.testing.assert_allclose(taken["clipnorm"], [[1.2, 1.6], [0, 2]], rtol=1e-6)
    expected = np.array([[3, 4], [0, 12]]) * 2 / 13
    np.testing.assert_allclose(taken["global_clipnorm"], expected, rtol=1e-6)


def test_limits_may_be_set_and_changed_between_steps():
    (w,) = variables((1,))
    optimizer = SGD(1.0)
    gradient = [np.array([100.0], "float32")]
    for name, expected in (("clipnorm", 0.75), ("global_clipnorm", 0.5), ("clipvalue", 0.25)):
        optimizer.clipnorm = optimizer.global_clipnorm = optimizer.clipvalue = None
        setattr(optimizer, name, 0.25)
        optimizer.apply(gradient, [w])
        np.testing.assert_allclose(w.value, [expected])


@pytest.mark.parametrize("name", ["clipnorm", "global_clipnorm"])
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_a_step_that_cannot_be_clipped_is_left_out_with_a_warning(name, bad):
    weights = variables((2,), (2,))
    optimizer = Adam(0.1, weight_decay=0.1, use_ema=True, **{name: 1.0})
    optimizer.apply(ones((2,), (2,)), weights)
    before = [v.value.copy() for v in [*weights, *optimizer.variables]]
    gradients = [np.ones(2, "float32"), np.array([1.0, bad], "float32")]
    with pytest.warns(UserWarning, match=f"'adam' left out a step: .*'bias' is infinite.*{name}=1"):
        optimizer.apply(gradients, weights)
    for v, value in zip([*weights, *optimizer.variables], before, strict=True):
        np.testing.assert_array_equal(v.value, value)
    optimizer.apply(ones((2,), (2,)), weights)
    assert all(np.isfinite(w.value).all() for w in weights)


def test_gradients_left_out_while_gathering_are_dropped():
    (w,) = variables((1,))
    optimizer = SGD(1.0, clipnorm=10.0, gradient_accumulation_steps=2)
    optimizer.apply([np.array([np.inf], "float32")], [w])
    with pytest.warns(UserWarning, match="left out a step"):
        optimizer.apply([np.array([1.0], "float32")], [w])
    np.testing.assert_array_equal(w.value, [1])
    for _ in range(2):
        optimizer.apply([np.array([0.5], "float32")], [w])
    np.testing.assert_array_equal(w.value, [0.5])


def test_gradients_whose_squares_leave_the_range_of_float32_are_clipped_all_the_same():
    (w,) = variables((2,))
    SGD(1.0, clipnorm=5.0).apply([np.array([3e30, 4e30], "float32")], [w])
    np.testing.assert_allclose(w.value, [1 - 3, 1 - 4], rtol=1e-6)


def test_float16_gradients_are_clipped_by_a_norm_beyond_float16():
    (w,) = variables((2,), dtype="float16")
    SGD(1.0, clipnorm=0.5).apply([np.array([3e4, 4e4], "float16")], [w])
    np.testing.assert_allclose(w.value, [0.7, 0.6], rtol=1e-3)


# -- Weight decay, running means, gathering --------------------------------------------------------


def test_excluded_variables_do_not_decay():
    weights = variables((1,), (1,), (1,))
    optimizer = SGD(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["^bi"], var_list=[weights[2]])
    optimizer.apply([np.zeros(1, "float32")] * 3, weights)
    np.testing.assert_allclose([w.value[0] for w in weights], [0.95, 1, 1], rtol=1e-6)
    with pytest.raises(TypeError, match="`var_list` .* must hold variables. Received: 'bias'"):
        optimizer.exclude_from_weight_decay(var_list=["bias"])
    with pytest.raises(TypeError, match="`var_names` .* a list of strings.*var_names='bias'"):
        optimizer.exclude_from_weight_decay(var_names="bias")


def test_running_means_replace_the_weights_at_the_end_of_training():
    (w,) = variables((1,))
    optimizer = SGD(0.5, use_ema=True, ema_momentum=0.75)
    for _ in range(2):
        optimizer.apply(ones((1,)), [w])
    np.testing.assert_array_equal(w.value, [0.0])
    optimizer.finalize_variable_values([w])
    np.testing.assert_allclose(w.value, [0.75 * 0.5])


def test_without_running_means_the_end_of_training_changes_nothing():
    (w,) = variables((1,))
    optimizer = SGD(0.5)
    optimizer.finalize_variable_values([w])
    np.testing.assert_array_equal(w.value, [1])


def test_gathered_gradients_count_as_one_update():
    (w,) = variables((1,))
    optimizer = SGD(1.0, gradient_accumulation_steps=3)
    counts = []
    for gradient in (1.0, 2.0, 6.0, 1.0):
        optimizer.apply([np.array([gradient], "float32")], [w])
        counts.append(int(optimizer.iterations))
    assert counts == [0, 0, 1, 1]
    np.testing.assert_allclose(w.value, [-2.0])


def test_the_loss_is_multiplied_by_what_the_gradients_are_divided_by():
    (w,) = variables((1,))
    optimizer = SGD(1.0, loss_scale_factor=8.0)
    assert optimizer.scale_loss(2.0) == 16.0
    optimizer.apply([np.array([8.0], "float32")], [w])
    np.testing.assert_array_equal(w.value, [0])
    assert SGD().scale_loss(2.0) == 2.0


# -- A rule written by a user ----------------------------------------------------------------------


class Heavy(Optimizer):
    """Written in the way of Keras' own guide: no `slots`, no pieces."""

    def __init__(self, learning_rate=0.1, friction=0.5, name="heavy", **kwargs):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.friction = friction

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.speeds = [self.add_variable_from_reference(v, name="speed") for v in variables]
        self.steps = self.add_variable((), initializer="ones", name="steps")

    def update_step(self, gradient, variable, learning_rate):
        speed = self.speeds[self._get_variable_index(variable)]
        self.assign(speed, speed * self.friction + gradient)
        self.assign_sub(variable, learning_rate * speed)
        self.assign_add(self.steps, 1.0)


def test_a_rule_may_be_written_as_in_keras():
    weights = variables((2,), (3, 2))
    place = weights[0].value.ctypes.data
    optimizer = Heavy(0.5, friction=0.5)
    rows = RowGradient(np.array([1, 1]), np.ones((2, 2), "float32"), (3, 2))
    for _ in range(2):
        optimizer.apply([np.ones(2, "float32"), rows], weights)
    np.testing.assert_array_equal(weights[0].value, [-0.25, -0.25])
    np.testing.assert_array_equal(weights[1].value[:, 0], [1, -1.5, 1])
    assert weights[0].value.ctypes.data == place
    assert [v.path for v in optimizer.variables[2:]] == [
        "heavy/kernel_speed",
        "heavy/bias_speed",
        "heavy/steps",
    ]
    assert float(optimizer.steps) == 5.0
    assert optimizer.get_config()["friction"] == 0.5
    assert Heavy.from_config(optimizer.get_config()).friction == 0.5


class Signs(Optimizer):
    """Written with ops."""

    def update_step(self, gradient, variable, learning_rate):
        learning_rate = ops.cast(learning_rate, variable.dtype)
        step = ops.multiply(learning_rate, ops.sign(ops.cast(gradient, variable.dtype)))
        self.assign_sub(variable, ops.divide(step, ops.cast(self.iterations + 1, variable.dtype)))


def test_a_rule_may_be_written_with_ops():
    (w,) = variables((2,))
    optimizer = Signs(0.5, weight_decay=0.0, clipnorm=1.0)
    for _ in range(2):
        optimizer.apply([np.array([3.0, -4.0])], [w])
    np.testing.assert_array_equal(w.value, [0.25, 1.75])


def test_a_rule_must_be_defined():
    (w,) = variables((2,))
    with pytest.raises(NotImplementedError, match="Optimizer must define `update_step"):
        Optimizer(0.1).apply(ones((2,)), [w])


def test_several_lists_of_state_can_be_made_at_once():
    weights = variables((2,), (3,))
    optimizer = SGD()
    first, second = optimizer.add_optimizer_variables(weights, ["p", "q"], ["zeros", "ones"])
    assert [v.name for v in first + second] == ["kernel_p", "bias_p", "kernel_q", "bias_q"]
    assert [v.name for v in optimizer.variables[2:]] == ["kernel_p", "kernel_q", "bias_p", "bias_q"]
    assert second[1].value.tolist() == [1, 1, 1]
    with pytest.raises(TypeError, match="cannot be set"):
        SGD(lambda: 0.1).learning_rate = 0.5
