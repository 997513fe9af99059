"""What every metric must satisfy: its values over batches, its state and its config."""

import inspect
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import metrics
from npkeras.core import registry
from npkeras.core.attach import set_mask
from tests.common import test_losses as data

flags = st.booleans()
thresholds = st.sampled_from([None, 0.5, 0.3, [0.3, 0.7], [0.8, 0.1, 0.5]])
class_ids = st.sampled_from([None, 0, 2])


def guesses(random, shape):
    """Class numbers as targets and as predictions."""
    return random.integers(0, 3, shape), random.integers(0, 3, shape)


def table(random, shape):
    """One-hot rows and scores, always (batch, 3)."""
    return data.one_hot(random, (shape[0], 3))


def many_hot(random, shape):
    return data.binary(random, (shape[0], 3))


def numbers_table(random, shape):
    return data.numbers(random, (shape[0] + 2, 3))


def pixels(random, shape):
    return random.integers(0, 3, shape), random.integers(0, 3, shape)


def one_hot_pixels(random, shape):
    y_true, y_pred = random.integers(0, 3, shape), random.random((*shape, 3))
    return np.eye(3)[y_true], y_pred


def crossentropy(make):
    options = {"from_logits": flags}
    if make is not data.classes:
        options["label_smoothing"] = data.smoothing
    return make, options


counting = {"thresholds": thresholds}
share = {**counting, "class_id": class_ids, "top_k": st.sampled_from([None, 1, 2])}
constrained = {"num_thresholds": st.sampled_from([1, 5, 200]), "class_id": class_ids}
iou = {"ignore_class": st.sampled_from([None, 0, -1])}
f_score = {
    "average": st.sampled_from([None, "micro", "macro", "weighted"]),
    "threshold": st.sampled_from([None, 0.5, 0.9]),
}
DATA = {
    "Accuracy": (guesses, {}),
    "BinaryAccuracy": (data.binary, {"threshold": st.sampled_from([0.5, 0.2])}),
    "CategoricalAccuracy": (data.one_hot, {}),
    "SparseCategoricalAccuracy": (data.classes, {}),
    "TopKCategoricalAccuracy": (data.one_hot, {"k": st.sampled_from([1, 2, 5])}),
    "SparseTopKCategoricalAccuracy": (data.classes, {"k": st.sampled_from([1, 2, 5])}),
    "BinaryCrossentropy": crossentropy(data.binary),
    "CategoricalCrossentropy": crossentropy(data.one_hot),
    "SparseCategoricalCrossentropy": crossentropy(data.classes),
    "KLDivergence": (data.distributions, {}),
    "Poisson": (data.positive, {}),
    "Hinge": (data.signs, {}),
    "SquaredHinge": (data.signs, {}),
    "CategoricalHinge": (data.one_hot, {}),
    "MeanSquaredError": (data.numbers, {}),
    "RootMeanSquaredError": (data.numbers, {}),
    "MeanAbsoluteError": (data.numbers, {}),
    "MeanAbsolutePercentageError": (data.numbers, {}),
    "MeanSquaredLogarithmicError": (data.positive, {}),
    "CosineSimilarity": (data.numbers, {"axis": st.sampled_from([-1, 1])}),
    "PearsonCorrelation": (data.numbers, {}),
    "ConcordanceCorrelation": (data.numbers, {}),
    "LogCoshError": (data.numbers, {}),
    "R2Score": (
        numbers_table,
        {
            "class_aggregation": st.sampled_from(
                ["uniform_average", "variance_weighted_average", None]
            ),
            "num_regressors": st.sampled_from([0, 1]),
        },
    ),
    "TruePositives": (data.binary, counting),
    "TrueNegatives": (data.binary, counting),
    "FalsePositives": (data.binary, counting),
    "FalseNegatives": (data.binary, counting),
    "Precision": (many_hot, share),
    "Recall": (many_hot, share),
    "PrecisionAtRecall": (many_hot, {"recall": st.sampled_from([0.3, 0.7]), **constrained}),
    "RecallAtPrecision": (many_hot, {"precision": st.sampled_from([0.3, 0.7]), **constrained}),
    "SensitivityAtSpecificity": (
        many_hot,
        {"specificity": st.sampled_from([0.3, 0.7]), **constrained},
    ),
    "SpecificityAtSensitivity": (
        many_hot,
        {"sensitivity": st.sampled_from([0.3, 0.7]), **constrained},
    ),
    "AUC": (
        many_hot,
        {
            "num_thresholds": st.sampled_from([2, 7, 200]),
            "curve": st.sampled_from(["ROC", "PR", "PRGAIN"]),
            "summation_method": st.sampled_from(["interpolation", "minoring", "majoring"]),
            "thresholds": st.sampled_from([None, [0.5], [0.2, 0.9, 0.4]]),
            "multi_label": flags,
            "label_weights": st.sampled_from([None, [1.0, 2.0, 0.5]]),
        },
    ),
    "F1Score": (table, f_score),
    "FBetaScore": (many_hot, {**f_score, "beta": st.sampled_from([0.5, 2.0])}),
    "IoU": (pixels, {"num_classes": st.just(3), "target_class_ids": st.just([0, 2]), **iou}),
    "MeanIoU": (pixels, {"num_classes": st.sampled_from([3, 4]), **iou}),
    "BinaryIoU": (data.binary, {"threshold": st.sampled_from([0.5, 0.2])}),
    "OneHotIoU": (
        one_hot_pixels,
        {"num_classes": st.just(3), "target_class_ids": st.just([1]), **iou},
    ),
    "OneHotMeanIoU": (one_hot_pixels, {"num_classes": st.just(3), **iou}),
}
NEEDED = {
    "IoU": {"num_classes": 3, "target_class_ids": [0, 2]},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0, 2]},
    "MeanIoU": {"num_classes": 3},
    "OneHotMeanIoU": {"num_classes": 3},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}
WHOLE_SAMPLES = {"F1Score", "FBetaScore"}  # take one weight per sample
COUNTS_PIXELS = {"IoU", "MeanIoU", "BinaryIoU", "OneHotIoU", "OneHotMeanIoU"}
CLASSES = sorted(DATA)


def make(name, module=metrics, /, **options):
    return getattr(module, name)(**{**NEEDED.get(name, {}), **options})


def values_shape(name, y_true, y_pred, **options):
    """The shape of what is weighed."""
    if name in WHOLE_SAMPLES:
        return y_pred.shape[:1]
    metric = make(name, **options)
    if isinstance(metric, metrics.MeanMetricWrapper):
        return np.shape(metric._fn(y_true, y_pred, **metric._arguments))
    if name in COUNTS_PIXELS:
        return y_true.shape[:-1] if "OneHot" in name else y_true.shape
    return y_pred.shape


def test_every_metric_is_tried_here():
    others = {"Metric", "Mean", "Sum", "MeanMetricWrapper", "Perplexity"}
    made = {name for name in metrics.__all__ if name[0].isupper()}
    assert made - others == set(DATA)
    assert made == set(registry.members("metrics"))


@st.composite
def configurations(draw, name):
    """Options of a metric, and some batches."""
    draw_batch, options = DATA[name]
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    chosen = {option: draw(values) for option, values in options.items()}
    if chosen.get("thresholds") is not None and name == "AUC":
        chosen.pop("num_thresholds")
    trailing = (*draw(st.lists(st.integers(1, 3), max_size=1)), 3)
    weighted, masked = draw(st.sampled_from(["no", "samples", "values"])), draw(flags)
    batches = []
    for _ in range(draw(st.integers(1, 3))):
        y_true, y_pred = draw_batch(random, (draw(st.integers(1, 5)), *trailing))
        if chosen.get("from_logits"):
            y_pred = random.normal(size=y_pred.shape) * 3
        y_pred = y_pred.astype("float32") if y_pred.dtype.kind == "f" else y_pred
        shape = values_shape(name, y_true, y_pred, **chosen)
        weights = {"no": None, "values": random.uniform(0, 2, shape)}.get(weighted)
        one_class = chosen.get("class_id") is not None  # Keras then wants one weight per sample
        if (weighted == "samples" or (weighted == "values" and one_class)) and shape:
            full_rank = masked or len(shape) > 2
            weights = random.uniform(0, 2, shape[:1] + (1,) * (len(shape) - 1) * full_rank)
        if weights is not None and name in COUNTS_PIXELS:
            weights = np.ceil(np.broadcast_to(weights.reshape(-1)[0], shape)).astype(int)
        elif weights is not None:
            weights = weights.astype("float32")
        mask = random.random(shape) < 0.6 if masked and shape else None
        batches.append((y_true, y_pred, weights, mask))
    return chosen, batches


@pytest.mark.keras
@pytest.mark.parametrize("name", CLASSES)
def test_values_over_batches_are_those_of_keras(keras, tf, name):
    @settings(max_examples=15, deadline=None)
    @given(configurations(name))
    def agree(configuration):
        options, batches = configuration
        ours, theirs = make(name, **options), make(name, keras.metrics, **options)
        for y_true, y_pred, weights, mask in batches:
            tensor, y_pred = tf.constant(y_pred), y_pred.copy()
            if mask is not None and isinstance(ours, metrics.MeanMetricWrapper):
                set_mask(y_pred, mask)
                tensor._keras_mask = tf.constant(mask)
            ours.update_state(y_true, y_pred, sample_weight=weights)
            theirs.update_state(y_true, tensor, sample_weight=weights)
            result, expected = np.asarray(ours.result()), np.asarray(theirs.result())
            assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
            np.testing.assert_allclose(result, expected, rtol=2e-5, atol=2e-6)
        assert [v.path for v in ours.variables] == [
            v.path.replace(theirs.name, ours.name) for v in theirs.variables
        ]
        for mine, other in zip(ours.variables, theirs.variables, strict=True):
            assert (mine.shape, mine.dtype) == (tuple(other.shape), other.dtype)
            np.testing.assert_allclose(mine.value, other.numpy(), rtol=2e-5, atol=1e-5)

    agree()


def batch(name):
    return DATA[name][0](np.random.default_rng(5), (4, 3))


@pytest.mark.parametrize("name", CLASSES)
def test_a_reset_metric_is_as_new(name):
    metric = make(name)
    first = np.asarray(metric(*batch(name)))
    metric.reset_state()
    assert all(not variable.value.any() for variable in metric.variables)
    np.testing.assert_array_equal(metric(*batch(name)), first)


@pytest.mark.parametrize("name", CLASSES)
def test_no_batch_gives_zero(name):
    assert not np.any(make(name).result())


@pytest.mark.parametrize("name", CLASSES)
def test_the_stateless_methods_do_the_same_and_leave_the_metric_alone(name):
    metric = make(name)
    metric.update_state(*batch(name))
    expected = np.asarray(metric(*batch(name)))
    kept = [variable.value.copy() for variable in metric.variables]
    state = metric.stateless_reset_state()
    for _ in range(2):
        state = metric.stateless_update_state(state, *batch(name))
    np.testing.assert_array_equal(metric.stateless_result(state), expected)
    for variable, value in zip(metric.variables, kept, strict=True):
        np.testing.assert_array_equal(variable.value, value)


@pytest.mark.parametrize("name", CLASSES)
def test_a_config_makes_the_same_metric_again(name):
    @settings(max_examples=5, deadline=None)
    @given(configurations(name))
    def agree(configuration):
        options, batches = configuration
        metric = make(name, name="mine", **options)
        config = metrics.serialize(metric)
        again = metrics.deserialize(json.loads(json.dumps(config)))
        assert (type(again), again.name, again.dtype) == (type(metric), "mine", metric.dtype)
        assert metrics.serialize(again) == config
        for y_true, y_pred, weights, _ in batches:
            arguments = (y_true, y_pred, weights)
            np.testing.assert_array_equal(again(*arguments), metric(*arguments))

    agree()


@pytest.mark.keras
@pytest.mark.parametrize("name", CLASSES)
def test_keras_reads_our_config_and_we_read_its(keras, name):
    metric = make(name, name="mine")
    theirs = keras.metrics.deserialize(metrics.serialize(metric))
    assert (type(theirs).__name__, theirs.name, theirs.dtype) == (name, "mine", metric.dtype)
    back = metrics.deserialize(keras.metrics.serialize(theirs))
    assert metrics.serialize(back) == metrics.serialize(metric)


@pytest.mark.keras
@pytest.mark.parametrize("name", sorted({*CLASSES, "Mean", "Sum", "Metric"}))
def test_better_is_the_same_way_as_in_keras(keras, name):
    theirs = make(name, keras.metrics)
    assert make(name)._direction == getattr(theirs, "_direction", None)


@pytest.mark.keras
def test_names_stand_for_the_same_metrics_as_in_keras(keras):
    from keras.src.metrics import ALL_OBJECTS_DICT

    known = registry.table("metrics")
    assert {name: known[name].__name__ for name in ALL_OBJECTS_DICT} == {
        name: thing.__name__ for name, thing in ALL_OBJECTS_DICT.items()
    }


@pytest.mark.keras
def test_public_names_and_signatures_are_those_of_keras(keras):
    for name in dir(keras.metrics):
        thing = getattr(keras.metrics, name)
        if name.startswith("_") or inspect.ismodule(thing):
            continue
        wanted, found = inspect.signature(thing), inspect.signature(getattr(metrics, name))
        assert str(found) == str(wanted), name
    for name in dir(keras.metrics.Metric):
        if not name.startswith("_"):
            assert hasattr(metrics.Metric, name), name
