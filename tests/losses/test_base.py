"""Loss: reductions, sample weights, masks, dtypes, and a loss of one's own."""

import numpy as np
import pytest

from npkeras import losses, ops
from npkeras.core.attach import get_mask, set_mask
from npkeras.core.tape import GradientTape
from npkeras.losses.base import LossFunctionWrapper

Y_TRUE = np.arange(6, dtype="float32").reshape(2, 3)
Y_PRED = np.full((2, 3), 0.5, "float32")
VALUES = ((Y_TRUE - Y_PRED) ** 2).mean(axis=-1)  # 0.91667, 12.91667
WEIGHTS = np.array([1, 3], "float32")


@pytest.mark.parametrize(
    "reduction, expected",
    [
        ("sum_over_batch_size", VALUES.mean()),
        ("mean", VALUES.mean()),
        ("mean_with_sample_weight", VALUES.mean()),
        ("sum", VALUES.sum()),
        ("none", VALUES),
        (None, VALUES),
    ],
)
def test_values_are_reduced(reduction, expected):
    loss = losses.MeanSquaredError(reduction=reduction)
    np.testing.assert_allclose(loss(Y_TRUE, Y_PRED), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "reduction, expected",
    [
        ("sum_over_batch_size", (VALUES * WEIGHTS).sum() / 2),
        ("mean", (VALUES * WEIGHTS).sum() / 2),
        ("mean_with_sample_weight", (VALUES * WEIGHTS).sum() / 4),
        ("sum", (VALUES * WEIGHTS).sum()),
        ("none", VALUES * WEIGHTS),
    ],
)
def test_sample_weights_multiply_the_values(reduction, expected):
    loss = losses.MeanSquaredError(reduction=reduction)
    np.testing.assert_allclose(loss(Y_TRUE, Y_PRED, WEIGHTS), expected, rtol=1e-6)


def test_one_number_weighs_all_samples():
    loss = losses.MeanSquaredError()
    np.testing.assert_allclose(loss(Y_TRUE, Y_PRED, 2.0), 2 * VALUES.mean(), rtol=1e-6)


def test_weights_of_zero_make_a_weighted_mean_of_zero():
    loss = losses.MeanSquaredError(reduction="mean_with_sample_weight")
    assert loss(Y_TRUE, Y_PRED, np.zeros(2)) == 0


def test_a_mask_leaves_samples_out_of_the_mean():
    y_pred = Y_PRED.copy()
    set_mask(y_pred, np.array([True, False]))
    for reduction in ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum"):
        value = losses.MeanSquaredError(reduction=reduction)(Y_TRUE, y_pred)
        np.testing.assert_allclose(value, VALUES[0], rtol=1e-6)
    value = losses.MeanSquaredError(reduction="none")(Y_TRUE, y_pred)
    np.testing.assert_allclose(value, [VALUES[0], 0], rtol=1e-6)


def test_a_mask_that_hides_everything_gives_zero():
    y_pred = Y_PRED.copy()
    set_mask(y_pred, np.zeros(2, bool))
    assert losses.MeanSquaredError()(Y_TRUE, y_pred) == 0


def test_masked_and_weighted_means_divide_by_the_number_of_unmasked_samples():
    y_true, y_pred = np.arange(12.0).reshape(2, 3, 2), np.full((2, 3, 2), 0.5)
    mask = np.array([[True, False, True], [True, False, False]])
    weights = np.array([[1.0], [3.0]])
    set_mask(y_pred, mask)
    values = ((y_true - y_pred) ** 2).mean(axis=-1) * mask * weights
    value = losses.MeanSquaredError()(y_true, y_pred, weights)
    np.testing.assert_allclose(value, values.sum() / 3, rtol=1e-6)


def test_no_gradient_flows_where_the_mask_is_false():
    with GradientTape() as tape:
        y_pred = tape.watch(Y_PRED)
        set_mask(y_pred, np.array([True, False]))
        value = losses.MeanSquaredError()(Y_TRUE, y_pred)
    gradient = tape.gradient(value, y_pred)
    np.testing.assert_allclose(gradient[0], 2 * (Y_PRED - Y_TRUE)[0] / 3, rtol=1e-6)
    np.testing.assert_array_equal(gradient[1], 0)


def test_weights_that_do_not_broadcast_are_refused():
    with pytest.raises(ValueError, match=r"'mean_squared_error' .*shape \(2,\).*shape \(3,\)"):
        losses.MeanSquaredError()(Y_TRUE, Y_PRED, np.ones(3))


def test_weights_that_do_not_fit_a_mask_are_refused():
    y_true, y_pred = np.zeros((2, 3, 2)), np.ones((2, 3, 2))
    set_mask(y_pred, np.ones((2, 3), bool))
    with pytest.raises(ValueError, match=r"shape \(2, 3\).*sample_weight of shape \(2,\)"):
        losses.MeanSquaredError()(y_true, y_pred, np.ones(2))


def test_nan_weights_are_refused():
    with pytest.raises(ValueError, match=r"sample_weight with NaN at position \[1\]"):
        losses.MeanSquaredError()(Y_TRUE, Y_PRED, [1.0, np.nan])


def test_an_unknown_reduction_is_refused():
    with pytest.raises(ValueError, match="`reduction` of MeanSquaredError.*reduction='average'"):
        losses.MeanSquaredError(reduction="average")


@pytest.mark.parametrize("y_true, y_pred", [(None, Y_PRED), (Y_TRUE, None)])
def test_missing_targets_or_predictions_are_refused(y_true, y_pred):
    with pytest.raises(ValueError, match="needs targets and predictions.*None"):
        losses.MeanSquaredError()(y_true, y_pred)


def test_the_loss_is_computed_in_its_own_dtype():
    for dtype in ("float64", "float16", "int64"):
        assert losses.MeanSquaredError()(Y_TRUE, Y_PRED.astype(dtype)).dtype == "float32"
    loss = losses.MeanSquaredError(dtype="float16")
    assert loss.dtype == "float16"
    assert loss(Y_TRUE, Y_PRED).dtype == "float16"
    assert losses.MeanSquaredError(dtype="mixed_float16").dtype == "float16"


def test_a_function_computes_in_the_dtype_of_the_predictions():
    for dtype in ("float16", "float32", "float64"):
        value = losses.mean_squared_error(Y_TRUE.astype("float64"), Y_PRED.astype(dtype))
        assert value.dtype == dtype
    assert losses.mean_squared_error([1, 2], [1, 4]).dtype == "float32"


def test_gradients_have_the_dtype_of_the_predictions():
    with GradientTape() as tape:
        y_pred = tape.watch(Y_PRED.astype("float16"))
        value = losses.MeanSquaredError()(Y_TRUE, y_pred)
    assert tape.gradient(value, y_pred).dtype == "float16"


@pytest.mark.parametrize("shapes", [((4,), (4, 1)), ((4, 1), (4,)), ((4, 1), (4, 1))])
def test_a_last_axis_of_length_one_does_not_matter(shapes):
    y_true, y_pred = np.arange(4.0), np.array([1.0, 3.0, 2.0, 2.0])
    loss = losses.MeanSquaredError(reduction=None)
    value = loss(y_true.reshape(shapes[0]), y_pred.reshape(shapes[1]))
    np.testing.assert_array_equal(value, (y_true - y_pred) ** 2)


def test_an_axis_of_length_one_is_dropped_from_higher_ranks():
    value = losses.MeanSquaredError(reduction=None)(Y_TRUE[..., None], Y_PRED)
    np.testing.assert_allclose(value, VALUES, rtol=1e-6)


@pytest.mark.parametrize("shape", [(2, 1), (2, 2), (3,), (1, 3), (3, 2)])
def test_targets_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError) as error:
        losses.MeanSquaredError()(np.zeros(shape), Y_PRED)
    assert "`mean_squared_error`" in str(error.value)
    assert f"the predictions: (2, 3). Received targets of shape {shape}" in str(error.value)


def test_a_single_number_is_a_target_for_all():
    np.testing.assert_allclose(losses.MeanSquaredError()(0.0, Y_PRED), 0.25)


def test_an_empty_batch_gives_no_values():
    assert losses.MeanSquaredError()(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0,)


class Difference(losses.Loss):
    def __init__(self, scale=1.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, y_true, y_pred):
        assert (y_true.dtype, y_pred.dtype) == ("float32", "float32")
        return (y_pred - y_true) * self.scale


def test_a_loss_of_ones_own_needs_only_call():
    loss = Difference(scale=2.0)
    assert loss(np.array([1, 2]), np.array([2, 4])) == 3
    assert loss.name == "difference"
    assert loss.get_config() == {
        "name": "difference",
        "reduction": "sum_over_batch_size",
        "scale": 2.0,
    }
    assert Difference.from_config(loss.get_config()).scale == 2.0


def test_a_loss_of_ones_own_may_be_written_with_numpy():
    def own(y_true, y_pred):
        return np.mean(np.square(y_true - y_pred), axis=-1)

    def gradient_of(loss):
        with GradientTape() as tape:
            y_pred = tape.watch(Y_PRED)
            value = ops.sum(loss(Y_TRUE, y_pred))
        return tape.gradient(value, y_pred)

    np.testing.assert_allclose(gradient_of(own), gradient_of(losses.mean_squared_error), rtol=1e-6)


def test_a_loss_of_ones_own_may_take_dicts():
    class Both(losses.Loss):
        def call(self, y_true, y_pred):
            return (y_pred["a"] - y_true["a"]) + (y_pred["b"] - y_true["b"])

    y = {"a": np.array([1.0]), "b": np.array([2.0])}
    assert Both()(y, {"a": np.array([2]), "b": np.array([4])}) == 3


def test_a_mask_on_the_values_is_used_too():
    class Even(losses.Loss):
        def call(self, y_true, y_pred):
            values = ops.abs(y_pred - y_true)
            set_mask(values, np.asarray(y_true) % 2 == 0)
            return values

    assert Even()(np.array([1, 2, 4]), np.array([9, 3, 7])) == 2
    y_pred = np.array([9.0, 3.0, 7.0])
    set_mask(y_pred, np.array([True, False, True]))
    assert Even()(np.array([1, 2, 4]), y_pred) == 3


def test_a_loss_without_call_says_so():
    with pytest.raises(NotImplementedError, match="Loss does not define `call"):
        losses.Loss()(Y_TRUE, Y_PRED)


def test_a_function_becomes_a_loss():
    loss = LossFunctionWrapper(losses.huber, delta=2.0)
    assert (loss.name, loss.delta) == ("huber", 2.0)
    assert loss(Y_TRUE, Y_PRED) == losses.Huber(delta=2.0)(Y_TRUE, Y_PRED)
    again = losses.deserialize(losses.serialize(loss))
    assert again(Y_TRUE, Y_PRED) == loss(Y_TRUE, Y_PRED)


def test_the_mask_of_the_predictions_is_left_alone():
    y_pred, mask = Y_PRED.copy(), np.array([True, False])
    set_mask(y_pred, mask)
    losses.MeanSquaredError()(Y_TRUE, y_pred)
    assert get_mask(y_pred) is mask
    np.testing.assert_array_equal(mask, [True, False])


def test_repr_names_the_loss():
    assert "Huber" in repr(losses.Huber()) and "huber_loss" in repr(losses.Huber())


@pytest.mark.parametrize(
    "identifier, name",
    [
        ("mse", "mean_squared_error"),
        ("MSE", "mean_squared_error"),
        ("bce", "binary_crossentropy"),
        ("kld", "kl_divergence"),
        ("huber", "huber"),
    ],
)
def test_a_string_names_a_function(identifier, name):
    assert losses.get(identifier) is getattr(losses, name)


def test_a_class_name_or_class_or_config_makes_a_loss():
    for identifier in ("Huber", losses.Huber, {"class_name": "Huber", "config": {"delta": 1.0}}):
        assert isinstance(losses.get(identifier), losses.Huber)
    loss = losses.Huber()
    assert losses.get(loss) is loss
    assert losses.get(None) is None


def test_an_unknown_loss_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match="'mean_squared_eror'.*'mean_squared_error'"):
        losses.get("mean_squared_eror")
    with pytest.raises(ValueError, match="Received: 3"):
        losses.get(3)
