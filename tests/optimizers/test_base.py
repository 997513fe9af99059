"""What all optimizers share: steps, clipping, decay, running means, refusals."""

import copy
import tracemalloc

import numpy as np
import pytest

from npkeras import ops, optimizers
from npkeras.core import registry
from npkeras.core.rows import RowGradient
from npkeras.core.tape import GradientTape
from npkeras.core.variable import Variable
from npkeras.optimizers import SGD, Adam, Optimizer, schedules

RULES = {
    name: rule
    for name, rule in registry.members("optimizers").items()
    if name != "LossScaleOptimizer"
}


def variables(*shapes, dtype="float32"):
    return [
        Variable(np.ones(shape, dtype), name=name)
        for shape, name in zip(shapes, ("kernel", "bias", "table"), strict=False)
    ]


def ones(*shapes):
    return [np.ones(shape, "float32") for shape in shapes]


# -- Every rule --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RULES)
def test_a_rule_finds_the_bottom_of_a_bowl(name):
    rate = {"Ftrl": 2.0, "Adadelta": 20.0, "Adagrad": 1.0, "Lamb": 0.01}.get(name, 0.05)
    (w,) = variables((3, 2))
    target = np.array([[1.0, -2.0], [0.5, 3.0], [0.0, -1.0]], "float32")
    optimizer = RULES[name](learning_rate=rate, weight_decay=0.0)
    for _ in range(400):
        optimizer.apply([w.value - target], [w])
    assert np.abs(w.value - target).max() < 0.1


@pytest.mark.parametrize("name", RULES)
def test_a_rule_writes_into_the_arrays_that_are_there(name):
    weights = variables((3, 4), (4,), (6, 2))
    optimizer = RULES[name](use_ema=True, weight_decay=0.1, clipnorm=0.1)
    optimizer.build(weights)
    kept = [v for v in [*weights, *optimizer.variables] if v.shape != ()]
    arrays = [v.value for v in kept]
    for _ in range(3):
        optimizer.apply(ones((3, 4), (4,), (6, 2)), weights)
    assert all(v.value is array for v, array in zip(kept, arrays, strict=True))


@pytest.mark.parametrize("name", RULES)
def test_a_rule_leaves_the_gradients_as_they_were(name):
    weights = variables((3, 4), (6, 2))
    rows = RowGradient(np.array([1, 1]), np.ones((2, 2), "float32"), (6, 2))
    dense = np.ones((3, 4), "float32")
    optimizer = RULES[name](clipvalue=0.1)
    optimizer.apply([dense, rows], weights)
    assert (dense == 1).all() and (rows.rows == 1).all() and (rows.indices == 1).all()


@pytest.mark.parametrize("name", RULES)
def test_pieces_of_a_large_array_are_updated_like_a_small_one(name, monkeypatch):
    random = np.random.default_rng(0)
    start = random.normal(size=(7, 5)).astype("float32")
    steps = [random.normal(size=(7, 5)).astype("float32") for _ in range(3)]
    results = []
    for piece in (8, 1 << 16):
        monkeypatch.setattr("npkeras.optimizers.pieces.PIECE", piece)
        w = Variable(start, name="w")
        optimizer = RULES[name](0.1, use_ema=True, weight_decay=0.1)
        for gradient in steps:
            optimizer.apply([gradient], [w])
        results.append([w.value, *(v.value for v in optimizer.variables)])
    for small, whole in zip(*results, strict=True):
        np.testing.assert_array_equal(small, whole)


@pytest.mark.parametrize("name", RULES)
def test_rows_of_a_table_in_pieces_are_updated_like_the_whole_table(name, monkeypatch):
    random = np.random.default_rng(0)
    start = random.normal(size=(9, 5)).astype("float32")
    indices = np.array([8, 2, 5, 0])
    rows = random.normal(size=(4, 5)).astype("float32")
    results = []
    for piece, dense in ((10, False), (1, False), (1 << 16, True)):
        monkeypatch.setattr("npkeras.optimizers.pieces.PIECE", piece)
        w = Variable(start, name="w")
        optimizer = RULES[name](0.1)
        gradient = RowGradient(indices, rows, (9, 5))
        for _ in range(3):
            optimizer.apply([gradient.to_dense() if dense else gradient], [w])
        results.append(w.value)
    np.testing.assert_allclose(results[0], results[2], rtol=1e-6)
    np.testing.assert_allclose(results[1], results[2], rtol=1e-6)


@pytest.mark.parametrize("name", RULES)
def test_a_table_of_which_no_row_was_used_is_left_alone_by_a_fresh_rule(name):
    (w,) = variables((6, 2))
    empty = RowGradient(np.empty(0, np.int64), np.empty((0, 2), "float32"), (6, 2))
    optimizer = RULES[name](0.1, weight_decay=0.0)
    optimizer.apply([empty], [w])
    if name != "Ftrl":  # which works out the weights anew, from its state alone
        assert (w.value == 1).all()


@pytest.mark.parametrize("name", RULES)
def test_transposed_gradients_are_taken_entry_for_entry(name, monkeypatch):
    monkeypatch.setattr("npkeras.optimizers.pieces.PIECE", 4)
    gradient = np.arange(12, dtype="float32").reshape(3, 4) - 5
    results = []
    for one in (gradient, np.asfortranarray(gradient)):
        (w,) = variables((3, 4))
        RULES[name](0.1).apply([one], [w])
        results.append(w.value)
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("name", RULES)
def test_updates_allocate_nothing_that_stays(name):
    weights = variables((900, 100), (100,))
    gradients = ones((900, 100), (100,))
    optimizer = RULES[name](global_clipnorm=0.1, weight_decay=0.1, use_ema=True)
    for _ in range(3):
        optimizer.apply(gradients, weights)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    for _ in range(20):
        optimizer.apply(gradients, weights)
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 2_000
    assert peak - before < weights[0].value.nbytes / 2


@pytest.mark.parametrize("name", RULES)
def test_saved_state_goes_on_as_if_never_stopped(name):
    random = np.random.default_rng(0)
    steps = [random.normal(size=(3, 4)).astype("float32") for _ in range(6)]
    (w,) = variables((3, 4))
    optimizer = RULES[name](0.1, use_ema=True, gradient_accumulation_steps=2)
    for gradient in steps[:3]:
        optimizer.apply([gradient], [w])
    store = {}
    optimizer.save_own_variables(store)
    resumed, again = Variable(w.value.copy(), name="kernel"), RULES[name](0.5, use_ema=True)
    again = type(optimizer).from_config(optimizer.get_config())
    again.build([resumed])
    again.load_own_variables(store)
    for gradient in steps[3:]:
        optimizer.apply([gradient], [w])
        again.apply([gradient], [resumed])
    np.testing.assert_array_equal(resumed.value, w.value)
    for one, other in zip(optimizer.variables, again.variables, strict=True):
        np.testing.assert_array_equal(one.value, other.value)


@pytest.mark.parametrize("name", RULES)
def test_a_copy_of_an_optimizer_with_its_variables_goes_its_own_way(name):
    (w,) = variables((3,))
    optimizer = RULES[name](0.1)
    optimizer.apply(ones((3,)), [w])
    twin, v = copy.deepcopy((optimizer, w))
    before = w.value.copy()
    twin.apply(ones((3,)), [v])
    np.testing.assert_array_equal(w.value, before)
    optimizer.apply(ones((3,)), [w])
    np.testing.assert_array_equal(w.value, v.value)


@pytest.mark.parametrize("name", RULES)
def test_scalars_and_float64_are_updated_in_their_own_dtype(name):
    w = Variable(np.float64(1.0), dtype="float64", name="w")
    optimizer = RULES[name](0.1)
    optimizer.apply([np.float64(2.0)], [w])
    assert w.value.dtype == np.float64 and w.shape == () and np.isfinite(w.value)
    state = [v for v in optimizer.variables[2:] if v.dtype != "int32"]  # Adafactor's placeholders
    assert all(v.dtype == "float64" for v in state)


# -- A step ------------------------------------------------------------------------------------


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


# -- Clipping ----------------------------------------------------------------------------------


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


# -- Weight decay, running means, gathering ----------------------------------------------------


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
    array = w.value
    optimizer.finalize_variable_values([w])
    np.testing.assert_allclose(w.value, [0.75 * 0.5])
    assert w.value is array


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


# -- The learning rate -------------------------------------------------------------------------


def test_the_learning_rate_is_a_float32_variable_that_can_be_set():
    optimizer = Adam(0.001)
    assert float(optimizer.learning_rate) == 0.0010000000474974513
    variable = optimizer.learning_rate
    optimizer.learning_rate = 0.5
    optimizer.learning_rate.assign(0.25)
    assert optimizer.learning_rate is variable and float(variable) == 0.25
    assert optimizer.get_config()["learning_rate"] == 0.25


@pytest.mark.parametrize("rate", [1, np.float32(1), np.int64(1), np.array(1.0), Variable(1.0)])
def test_any_real_number_is_a_learning_rate(rate):
    assert float(SGD(rate).learning_rate) == 1.0


@pytest.mark.parametrize("rate", [-1, -0.1, np.nan, np.inf, True, None, "0.1", [0.1]])
def test_what_is_no_learning_rate_is_refused(rate):
    with pytest.raises(ValueError, match=r"`learning_rate` of SGD must be a finite number.*_rate="):
        SGD(rate)
    optimizer = SGD(0.1)
    with pytest.raises(ValueError, match="`learning_rate` of SGD"):
        optimizer.learning_rate = rate
    assert float(optimizer.learning_rate) == np.float32(0.1)


def test_a_learning_rate_that_becomes_nan_is_refused_at_the_step():
    (w,) = variables((1,))
    optimizer = SGD(lambda: np.nan)
    with pytest.raises(ValueError, match="learning_rate=nan"):
        optimizer.apply(ones((1,)), [w])
    np.testing.assert_array_equal(w.value, [1])


def test_a_function_gives_the_learning_rate_of_each_step():
    rates = iter([0.5, 0.25])
    (w,) = variables((1,))
    optimizer = SGD(lambda: next(rates))
    for _ in range(2):
        optimizer.apply(ones((1,)), [w])
    np.testing.assert_array_equal(w.value, [0.25])
    assert [v.name for v in optimizer.variables] == ["iteration"]


def test_a_schedule_gives_the_learning_rate_and_takes_no_place_among_the_variables():
    (w,) = variables((1,))
    optimizer = SGD(schedules.PiecewiseConstantDecay([0], [0.5, 0.25]))
    seen = []
    for _ in range(2):
        seen.append(float(optimizer.learning_rate))
        optimizer.apply(ones((1,)), [w])
    assert seen == [0.5, 0.25]
    np.testing.assert_array_equal(w.value, [0.25])
    assert [v.name for v in optimizer.variables] == ["iteration"]
    with pytest.raises(TypeError, match="'sgd' follows .*cannot be set.*learning_rate=0.5"):
        optimizer.learning_rate = 0.5


def test_a_number_may_give_way_to_a_schedule():
    optimizer = SGD(0.5)
    optimizer.learning_rate = schedules.ExponentialDecay(0.25, 1, 0.5)
    assert float(optimizer.learning_rate) == 0.25
    assert [v.name for v in optimizer.variables] == ["iteration"]


def test_a_schedule_written_by_a_user_is_given_the_step():
    class Warm(schedules.LearningRateSchedule):
        def __init__(self, top):
            self.top = top

        def __call__(self, step):
            return self.top * min(1.0, (float(step) + 1) / 4)

    (w,) = variables((1,))
    optimizer = SGD(Warm(1.0))
    rates = []
    for _ in range(5):
        rates.append(float(optimizer.learning_rate))
        optimizer.apply(ones((1,)), [w])
    assert rates == [0.25, 0.5, 0.75, 1.0, 1.0]


# -- Refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": 0.1}, "SGD takes no argument `lr`. Received: lr=0.1. It is called `learning_rate`"),
        ({"clip_norm": 1.0}, "`clip_norm`. Received: clip_norm=1.0. Did you mean 'clipnorm'"),
        ({"clipnorm": 1.0, "clipvalue": 2.0}, "one way only.*clipnorm=1.0, clipvalue=2.0"),
        ({"clipnorm": -1.0}, "`clipnorm` of SGD must be a number at least 0.*clipnorm=-1.0"),
        ({"global_clipnorm": np.nan}, "global_clipnorm=nan"),
        ({"clipvalue": "a"}, "clipvalue='a'"),
        ({"weight_decay": -0.1}, "`weight_decay` of SGD .*weight_decay=-0.1"),
        ({"ema_momentum": 1.1}, "`ema_momentum` of SGD .*ema_momentum=1.1"),
        ({"ema_overwrite_frequency": 0}, "`ema_overwrite_frequency` .*ema_overwrite_frequency=0"),
        ({"loss_scale_factor": -2.0}, "loss_scale_factor=-2.0"),
        ({"gradient_accumulation_steps": 1}, "at least 2.*gradient_accumulation_steps=1"),
        ({"gradient_accumulation_steps": 2.5}, "gradient_accumulation_steps=2.5"),
        ({"name": "a/b"}, "`name` of SGD must be a string without '/'. Received: name='a/b'"),
        ({"momentum": 2}, "`momentum` of SGD .*momentum=2"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        SGD(**arguments)


def test_decay_is_ignored_with_a_warning_that_says_what_to_use():
    with pytest.warns(UserWarning, match="SGD takes no `decay`.*InverseTimeDecay"):
        SGD(decay=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adam(beta_1=1.0), "`beta_1` of Adam must be a number .*below 1.*beta_1=1.0"),
        (lambda: Adam(beta_2=-0.1), "`beta_2` of Adam .*beta_2=-0.1"),
        (lambda: Adam(epsilon=-1), "`epsilon` of Adam .*epsilon=-1"),
        (lambda: optimizers.AdamW(weight_decay=None), "`weight_decay` of AdamW.*weight_decay=None"),
        (lambda: optimizers.RMSprop(rho=2), "`rho` of RMSprop .*rho=2"),
        (lambda: optimizers.RMSprop(momentum=-1), "`momentum` of RMSprop .*momentum=-1"),
        (lambda: optimizers.Adagrad(initial_accumulator_value=-1), "initial_accumulator_value=-1"),
        (lambda: optimizers.Adadelta(rho=-1), "`rho` of Adadelta .*rho=-1"),
        (lambda: optimizers.Ftrl(learning_rate_power=1), "learning_rate_power=1"),
        (lambda: optimizers.Ftrl(beta=-1), "`beta` of Ftrl .*beta=-1"),
        (lambda: optimizers.Lamb(beta_2=1), "`beta_2` of Lamb .*beta_2=1"),
        (lambda: optimizers.Adafactor(beta_2_decay=1), "`beta_2_decay` .*beta_2_decay=1"),
        (lambda: optimizers.Adafactor(clip_threshold=0), "above 0. Received: clip_threshold=0"),
        (lambda: optimizers.Lion(beta_1=0), "`beta_1` of Lion must be above 0.*beta_1=0"),
        (lambda: optimizers.Lion(beta_2=2), "`beta_2` of Lion .*beta_2=2"),
    ],
)
def test_a_rule_refuses_numbers_that_make_no_sense(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# -- State -------------------------------------------------------------------------------------


def test_state_can_be_set_and_read_as_a_list():
    (w,) = variables((2,))
    optimizer = SGD(0.5, momentum=0.5)
    with pytest.raises(ValueError, match="'sgd' has no state yet. Call `build"):
        optimizer.set_weights([])
    optimizer.build([w])
    optimizer.set_weights([np.int64(4), 0.25, np.full(2, 7.0)])
    assert [v.value.tolist() for v in optimizer.variables] == [4, 0.25, [7, 7]]
    with pytest.raises(ValueError, match="'sgd' has 3 variables. Received 2 arrays"):
        optimizer.set_weights([4, 0.25])


def test_a_failed_load_changes_nothing():
    (w,) = variables((2,))
    optimizer = SGD(0.5, momentum=0.5)
    optimizer.build([w])
    with pytest.raises(ValueError, match=r"'sgd/kernel_momentum' .*\(2,\). Received .* \(3,\)"):
        optimizer.load_own_variables({"0": 3, "1": 0.1, "2": np.ones(3)})
    assert [v.value.tolist() for v in optimizer.variables] == [0, 0.5, [0, 0]]
    with pytest.warns(UserWarning, match="'sgd' keeps its fresh state: it has 3 .* saved one 1"):
        optimizer.load_own_variables({"0": 3})
    assert int(optimizer.iterations) == 0


def test_saved_arrays_do_not_change_with_the_next_step():
    (w,) = variables((2,))
    optimizer = SGD(0.5, momentum=0.5)
    optimizer.apply(ones((2,)), [w])
    store = {}
    optimizer.save_own_variables(store)
    kept = store["2"].copy()
    optimizer.apply(ones((2,)), [w])
    np.testing.assert_array_equal(store["2"], kept)


def test_building_twice_changes_nothing():
    weights = variables((2,), (2,))
    optimizer = SGD(0.5, momentum=0.5)
    optimizer.build(weights)
    optimizer.build(weights[:1])
    assert len(optimizer.variables) == 4


# -- A rule written by a user ------------------------------------------------------------------


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
    array = weights[0].value
    optimizer = Heavy(0.5, friction=0.5)
    rows = RowGradient(np.array([1, 1]), np.ones((2, 2), "float32"), (3, 2))
    for _ in range(2):
        optimizer.apply([np.ones(2, "float32"), rows], weights)
    np.testing.assert_array_equal(weights[0].value, [-0.25, -0.25])
    np.testing.assert_array_equal(weights[1].value[:, 0], [1, -1.5, 1])
    assert weights[0].value is array
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
