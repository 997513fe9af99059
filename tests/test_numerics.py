"""Numbers at the edges: far out, at zero, infinite, of half precision, masked, in short batches.

Every test fails if NumPy warns: what is right needs no warning, what is wrong needs a better one.
"""

import numpy as np
import pytest

import npkeras
from npkeras import layers, losses, ops
from tests.checks import check_gradients
from tests.small_models import BINARY, INF, NAN, X, changed, fit, regression, weights_of

pytestmark = pytest.mark.filterwarnings("error")


def f32(values):
    return np.array(values, "float32")


class TestFarOut:
    @pytest.mark.parametrize(
        "x, y",
        [
            ([1e4, 0, -1e4], [1, 0, 0]),
            ([3e38, 3e38, 0], [0.5, 0.5, 0]),
            ([-3e38, -3e38, -3e38], [1 / 3, 1 / 3, 1 / 3]),
            ([-INF, 0, 0], [0, 0.5, 0.5]),
            ([88.8, 88.8, -88.8], [0.5, 0.5, 0]),
        ],
    )
    def test_softmax(self, x, y):
        np.testing.assert_allclose(ops.softmax(f32(x)), y, rtol=1e-6)

    @pytest.mark.parametrize("x", [[INF, 0, 0], [-INF, -INF], [NAN, 0]])
    def test_softmax_of_what_has_no_answer_is_nan(self, x):
        assert np.isnan(ops.softmax(f32(x))[0])

    @pytest.mark.parametrize(
        "x, y",
        [
            ([-INF, -INF], -INF),
            ([INF, 0], INF),
            ([1e4, 1e4], 1e4 + np.log(2)),
            ([-1e4, -1e4], -1e4 + np.log(2)),
            ([3e38, 0], 3e38),
            ([NAN, 0], NAN),
        ],
    )
    def test_logsumexp(self, x, y):
        np.testing.assert_allclose(ops.logsumexp(f32(x)), np.float32(y), rtol=1e-6)

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    @pytest.mark.parametrize(
        "function, low, high",
        [
            (ops.sigmoid, 0, 1),
            (ops.softplus, 0, 1e4),
            (ops.tanh, -1, 1),
            (ops.silu, 0, 1e4),
            (ops.gelu, 0, 1e4),
            (ops.elu, -1, 1e4),
            (ops.log_sigmoid, -1e4, 0),
            (ops.softsign, -1, 1),
            (ops.hard_sigmoid, 0, 1),
            (ops.relu6, 0, 6),
        ],
        ids=lambda value: getattr(value, "name", None) or getattr(value, "__name__", None),
    )
    def test_activations(self, function, low, high, dtype):
        x = np.array([-1e4, 1e4], dtype)
        y = function(x)
        assert y.dtype == dtype
        np.testing.assert_allclose(y, [low, high], atol=1e-3)
        watched = npkeras.Variable(x, dtype=dtype)
        with npkeras.GradientTape() as tape:
            total = ops.sum(function(watched))
        assert np.isfinite(tape.gradient(total, watched)).all()

    def test_log_softmax_is_exact_where_softmax_is_zero(self):
        np.testing.assert_allclose(ops.log_softmax(f32([0, 1e4])), [-1e4, 0])

    def test_the_smallest_numbers_are_kept(self):
        assert ops.multiply(np.float32(1e-40), np.float32(0.5)) > 0

    def test_layer_normalization_far_from_zero(self):
        x = f32([[1e6, 1e6 + 1, 1e6 + 2]])
        one, none = f32([1, 1, 1]), f32([0, 0, 0])
        y = ops.layer_normalization(x, gamma=one, beta=none, epsilon=1e-3)
        expected = np.array([-1, 0, 1]) / np.sqrt(2 / 3 + 1e-3)
        np.testing.assert_allclose(y[0], expected, rtol=1e-4)

    def test_argmax_passes_over_nan_as_on_tensorflow(self):
        assert ops.argmax(f32([1, NAN, 3])) == 2


class TestLosses:
    """The values of Keras on TensorFlow: probabilities are clipped at 1e-7."""

    @pytest.mark.parametrize(
        "target, probability, value",
        [
            (1.0, 0.0, -np.log(1e-7)),
            (0.0, 1.0, 15.942385),
            (1.0, 1.0, 1.192e-7),
            (0.0, 0.0, 1.192e-7),
        ],
    )
    def test_binary_crossentropy_of_certain_predictions(self, target, probability, value):
        loss = losses.BinaryCrossentropy()(f32([[target]]), f32([[probability]]))
        np.testing.assert_allclose(loss, value, rtol=2e-3)

    @pytest.mark.parametrize("sign", [-1, 1])
    def test_binary_crossentropy_from_logits_far_out(self, sign):
        loss = losses.BinaryCrossentropy(from_logits=True)
        np.testing.assert_allclose(loss(f32([[sign < 0]]), f32([[sign * 1e4]])), 1e4)
        np.testing.assert_allclose(loss(f32([[sign > 0]]), f32([[sign * 1e4]])), 0)

    @pytest.mark.parametrize("sparse", [True, False])
    def test_crossentropy_from_logits_far_out(self, sparse):
        y = np.array([1]) if sparse else f32([[0, 1]])
        cls = losses.SparseCategoricalCrossentropy if sparse else losses.CategoricalCrossentropy
        np.testing.assert_allclose(cls(from_logits=True)(y, f32([[1e4, -1e4]])), 2e4)
        np.testing.assert_allclose(cls(from_logits=True)(y, f32([[-1e4, 1e4]])), 0)

    @pytest.mark.parametrize("sparse", [True, False])
    def test_crossentropy_of_impossible_predictions(self, sparse):
        y = np.array([1]) if sparse else f32([[0, 1]])
        cls = losses.SparseCategoricalCrossentropy if sparse else losses.CategoricalCrossentropy
        np.testing.assert_allclose(cls()(y, f32([[1, 0]])), -np.log(1e-7), rtol=1e-6)

    def test_logits_behind_a_softmax_keep_the_loss_exact(self):
        probabilities = ops.softmax(f32([[1e4, -1e4]]))
        loss = losses.SparseCategoricalCrossentropy()(np.array([1]), probabilities)
        np.testing.assert_allclose(loss, 2e4)

    def test_a_row_of_zero_probabilities_has_no_loss_or_that_of_equal_ones(self):
        zeros = f32([[0, 0, 0]])
        assert np.isnan(losses.CategoricalCrossentropy()(f32([[0, 1, 0]]), zeros))
        loss = losses.SparseCategoricalCrossentropy()(np.array([1]), zeros)
        np.testing.assert_allclose(loss, np.log(3), rtol=1e-6)

    @pytest.mark.keras
    def test_a_row_of_zero_probabilities_is_the_same_in_keras(self, keras):
        zeros = f32([[0, 0, 0]])
        theirs = keras.losses.SparseCategoricalCrossentropy()(np.array([1]), zeros)
        np.testing.assert_allclose(float(theirs), np.log(3), rtol=1e-6)
        theirs = keras.losses.CategoricalCrossentropy()(f32([[0, 1, 0]]), zeros)
        assert np.isnan(float(theirs))

    def test_percentage_error_of_target_zero(self):
        np.testing.assert_allclose(losses.MeanAbsolutePercentageError()([[0.0]], [[1.0]]), 1e9)

    @pytest.mark.parametrize(
        "loss",
        [losses.MeanSquaredLogarithmicError(), losses.Poisson(), losses.KLDivergence()]
        + [losses.CosineSimilarity(), losses.LogCosh(), losses.Huber(), losses.Hinge()],
        ids=lambda loss: loss.name,
    )
    def test_zeros_give_a_finite_loss_and_slope(self, loss):
        y = npkeras.Variable(f32([[0, 0]]))
        with npkeras.GradientTape() as tape:
            value = loss(f32([[0, 0]]), y)
        assert np.isfinite(value.numpy())
        assert np.isfinite(tape.gradient(value, y)).all()

    def test_logcosh_far_out_is_a_line(self):
        value = losses.LogCosh()(f32([[0]]), f32([[1e4]]))
        np.testing.assert_allclose(value, 1e4 - np.log(2), rtol=1e-6)

    @pytest.mark.keras
    @pytest.mark.parametrize("target", [0.0, 1.0])
    @pytest.mark.parametrize("probability", [0.0, 1e-8, 1e-7, 0.5, 1 - 1e-7, 1.0])
    def test_binary_crossentropy_is_that_of_keras(self, keras, target, probability):
        y, p = f32([[target]]), f32([[probability]])
        theirs = float(keras.losses.BinaryCrossentropy()(y, p))
        np.testing.assert_allclose(losses.BinaryCrossentropy()(y, p), theirs, rtol=1e-5, atol=1e-9)


class TestHalfPrecision:
    def test_a_sum_that_overflows_is_infinite_and_says_so(self):
        layer = layers.Dense(1, use_bias=False, kernel_initializer="ones", dtype="float16")
        x = np.full((1, 4), 6e4, "float16")
        with pytest.warns(RuntimeWarning, match="overflow"):
            y = layer(x)
        assert np.isinf(np.asarray(y)).all()

    def test_a_mean_does_not_overflow(self):
        x = np.full((4, 100), 1000, "float16")
        np.testing.assert_allclose(ops.mean(x), 1000)
        np.testing.assert_allclose(losses.MeanAbsoluteError()(x, np.zeros_like(x)), 1000)

    def test_mixed_precision_trains_with_gradients_that_overflow(self):
        npkeras.utils.set_random_seed(0)
        model = npkeras.Sequential(
            [npkeras.Input((4,)), layers.Dense(8), layers.Dense(1, dtype="float32")]
        )
        model = npkeras.Sequential([npkeras.Input((4,)), layers.Dense(1, dtype="mixed_float16")])
        model.compile("sgd", "mse")
        fit(model, X, BINARY)
        assert all(np.isfinite(weight).all() for weight in weights_of(model))


class TestMasks:
    X = np.random.default_rng(1).normal(size=(3, 5, 2))

    def lstm(self, **options):
        npkeras.utils.set_random_seed(3)
        return layers.LSTM(3, dtype="float64", **options)

    @pytest.mark.parametrize("return_sequences", [False, True])
    def test_a_row_without_any_step_is_zero(self, return_sequences):
        mask = np.array([[True] * 5, [False] * 5, [True] * 2 + [False] * 3])
        y = self.lstm(return_sequences=return_sequences, zero_output_for_mask=True)(
            self.X, mask=mask
        )
        np.testing.assert_array_equal(np.asarray(y)[1], 0)
        assert np.isfinite(np.asarray(y)).all()

    def test_nan_behind_the_mask_of_a_row_stays_there(self):
        x = changed(self.X, (1, slice(None)), 1e300)
        mask = np.array([[True] * 5, [False] * 5, [True] * 5])
        plain = np.asarray(self.lstm()(self.X, mask=mask))
        np.testing.assert_allclose(np.asarray(self.lstm()(x, mask=mask)), plain)

    def test_masked_steps_might_as_well_not_be_there(self):
        keep = [0, 2, 4]
        mask = np.zeros((3, 5), bool)
        mask[:, keep] = True
        masked = np.asarray(self.lstm()(self.X, mask=mask))
        np.testing.assert_allclose(masked, np.asarray(self.lstm()(self.X[:, keep])), rtol=1e-12)

    def test_gradients_under_a_mask_with_holes(self):
        mask = np.array([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [0, 1, 1, 0, 1]], bool)
        layer = self.lstm(return_sequences=True)
        layer.build(self.X.shape)
        layer = self.lstm(return_sequences=True)
        check_gradients(lambda x: layer(x, mask=mask), self.X, rtol=1e-5)

    def test_means_over_steps_of_a_row_without_any_are_zero(self):
        mask = np.array([[True] * 5, [False] * 5, [True] * 5])
        y = np.asarray(layers.GlobalAveragePooling1D()(f32(self.X), mask=mask))
        np.testing.assert_array_equal(y[1], 0)
        np.testing.assert_allclose(y[0], self.X[0].mean(axis=0), rtol=1e-5)

    def test_a_softmax_with_all_hidden_is_finite(self):
        y = layers.Softmax()(f32([[1, 2], [3, 4]]), mask=np.array([[True, True], [False, False]]))
        assert np.isfinite(np.asarray(y)).all()

    def test_a_loss_whose_rows_are_all_masked_is_zero(self):
        model = npkeras.Sequential(
            [
                npkeras.Input((3,), dtype="int32"),
                layers.Embedding(4, 2, mask_zero=True),
                layers.LSTM(2, return_sequences=True),
            ]
        )
        model.compile("sgd", "mse")
        assert model.evaluate(np.zeros((2, 3), int), np.ones((2, 3, 2)), verbose=0) == 0
        fit(model, np.zeros((2, 3), int), np.ones((2, 3, 2)))
        assert all(np.isfinite(weight).all() for weight in weights_of(model))


class TestNothing:
    def test_a_sequence_without_steps_is_refused(self):
        with pytest.raises(ValueError, match=r"LSTM.*\(2, 0, 4\)"):
            layers.LSTM(3, name="recurrent")(np.ones((2, 0, 4), "float32"))

    @pytest.mark.parametrize(
        "layer, shape, result",
        [
            (lambda: layers.LSTM(3), (0, 5, 4), (0, 3)),
            (lambda: layers.LSTM(3, return_sequences=True), (0, 5, 4), (0, 5, 3)),
            (lambda: layers.Dense(3), (0, 4), (0, 3)),
            (lambda: layers.GlobalAveragePooling1D(), (0, 5, 4), (0, 4)),
            (lambda: layers.TimeDistributed(layers.Dense(3)), (0, 5, 4), (0, 5, 3)),
            (lambda: layers.Dropout(0.5), (0, 4), (0, 4)),
            (lambda: layers.Softmax(), (0, 4), (0, 4)),
            (lambda: layers.Flatten(), (0, 5, 4), (0, 20)),
        ],
        ids=["LSTM", "LSTM of sequences", "Dense", "pooling", "TimeDistributed"]
        + ["Dropout", "Softmax", "Flatten"],
    )
    def test_a_batch_without_samples_gives_one(self, layer, shape, result):
        assert tuple(layer()(np.ones(shape, "float32")).shape) == result

    def test_an_embedding_of_no_rows(self):
        assert layers.Embedding(4, 2)(np.zeros((0, 3), int)).shape == (0, 3, 2)
        assert layers.Embedding(4, 2)(np.zeros((3, 0), int)).shape == (3, 0, 2)

    def test_a_loss_of_no_samples_is_no_number_but_nothing_breaks(self):
        value = losses.MeanSquaredError()(np.ones((0, 3), "float32"), np.ones((0, 3), "float32"))
        assert np.shape(value) in ((), (0,))


class TestTraining:
    @pytest.mark.parametrize("option", ["clipnorm", "global_clipnorm", "clipvalue"])
    @pytest.mark.parametrize("value", [INF, -INF, NAN])
    def test_clipping_a_gradient_that_is_not_finite_leaves_finite_weights(self, option, value):
        variable = npkeras.Variable(f32([1, 2]))
        other = npkeras.Variable(f32([5]))
        optimizer = npkeras.optimizers.SGD(0.1, **{option: 1.0})
        if option == "clipvalue":
            optimizer.apply([f32([value, 1]), f32([1])], [variable, other])
        else:
            with pytest.warns(UserWarning, match=f"'sgd' left out a step.*{option}=1.0"):
                optimizer.apply([f32([value, 1]), f32([1])], [variable, other])
        if option != "clipvalue" or np.isfinite(np.clip(value, -1, 1)):
            assert np.isfinite(variable.numpy()).all()
            assert np.isfinite(other.numpy()).all()
        optimizer.apply([f32([1, 0]), f32([1])], [variable, other])

    def test_terminate_on_nan_leaves_the_weights_finite(self):
        model = regression()
        model.optimizer.learning_rate = 1e10
        with pytest.warns(UserWarning, match="in batch"), np.errstate(all="ignore"):
            fit(model, X, BINARY, epochs=20, callbacks=[npkeras.callbacks.TerminateOnNaN()])
        assert len(model.history.epoch) < 20

    @pytest.mark.parametrize("batch_size", [1, 5, 7, 12, 100])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_a_short_last_batch_weighs_as_much_as_its_samples(self, batch_size, weighted):
        model = regression(metrics=["mae"], weighted_metrics=["mse"])
        weights = np.arange(1, 13, dtype="float32") if weighted else None
        result = model.evaluate(
            X, BINARY, sample_weight=weights, batch_size=batch_size, verbose=0, return_dict=True
        )
        errors = (model.predict(X, verbose=0) - BINARY).astype("float64")[:, 0]
        w = np.ones(12) if weights is None else weights
        np.testing.assert_allclose(result["loss"], np.mean(w * errors**2), rtol=1e-6)
        np.testing.assert_allclose(result["mae"], np.mean(np.abs(errors)), rtol=1e-6)
        np.testing.assert_allclose(result["mse"], np.average(errors**2, weights=w), rtol=1e-6)

    @pytest.mark.parametrize("value", [0.0, 1.0])
    def test_an_area_under_the_curve_of_one_class_is_zero_as_in_keras(self, value):
        metric = npkeras.metrics.AUC()
        metric.update_state(f32([value] * 3), f32([0.1, 0.5, 0.9]))
        assert metric.result() == 0

    def test_metrics_of_nothing_are_finite(self):
        for metric in (npkeras.metrics.Mean(), npkeras.metrics.MeanSquaredError()):
            assert metric.result() == 0
        for cls in ("Precision", "Recall", "BinaryAccuracy", "MeanIoU"):
            made = getattr(npkeras.metrics, cls)(*([2] if cls == "MeanIoU" else []))
            assert np.isfinite(made.result()).all()
