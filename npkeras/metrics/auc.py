"""The area under a curve that a threshold draws."""

import warnings

import numpy as np

from npkeras import ops
from npkeras.core import check, config
from npkeras.core.registry import register
from npkeras.metrics.base import Metric, add_to, array_of, quotient
from npkeras.metrics.confusion import COUNTS, Thresholds, as_column, questions

CURVES = ("ROC", "PR", "PRGAIN")
SUMMATIONS = ("interpolation", "minoring", "majoring")


@register("metrics")
class AUC(Metric):
    """The area under the ROC curve, or another one that a threshold draws.

    The counts of right and wrong answers are kept at fixed thresholds, and the area is summed
    up between neighbours. 1 is best; for ROC 0.5 is chance.

    Args:
        num_thresholds: How many thresholds to spread over [0, 1], at least 2.
        curve: `"ROC"`: true over false positive rate; `"PR"`: precision over recall;
            `"PRGAIN"`: their gains (Flach & Kull, 2015, papers.nips.cc/paper/5867).
        summation_method: Between two thresholds take the mean height (`"interpolation"`; for
            PR the curve of Davis & Goadrich, 2006, doi.org/10.1145/1143844.1143874), the lower
            (`"minoring"`) or the higher (`"majoring"`).
        name, dtype: As for every `Metric`.
        thresholds: Thresholds of your own in [0, 1], instead of `num_thresholds`.
        multi_label: Whether to compute an area for each column, and their mean.
        num_labels: How many columns there are. None: found with the first batch.
        label_weights: How much each column counts.
        from_logits: Whether predictions go through a sigmoid first.

    Shapes:
        y_true, y_pred (batch, ...), with `multi_label` (batch, labels)

    Example:
        >>> metric = npkeras.metrics.AUC(num_thresholds=3)
        >>> float(metric([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
        0.75
    """

    _direction = "up"

    def __init__(
        self,
        num_thresholds=200,
        curve="ROC",
        summation_method="interpolation",
        name=None,
        dtype=None,
        thresholds=None,
        multi_label=False,
        num_labels=None,
        label_weights=None,
        from_logits=False,
    ):
        super().__init__(name=name, dtype=dtype)
        curve = curve.upper() if isinstance(curve, str) else curve
        self.curve = check.one_of(CURVES, curve, "curve", "AUC")
        self.summation_method = check.one_of(
            SUMMATIONS, summation_method, "summation_method", "AUC"
        )
        inner = _inner_thresholds(num_thresholds, thresholds)
        epsilon = config.epsilon()
        self._thresholds = Thresholds(None, [-epsilon, *inner, 1 + epsilon], "AUC")
        self.num_thresholds = len(self._thresholds)
        self.init_thresholds = inner if thresholds is not None else None
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else array_of(label_weights, self.dtype)
        self.from_logits = from_logits
        self._built = False
        if num_labels is not None and not multi_label:
            raise ValueError(
                f"`num_labels` of AUC is for `multi_label=True`. Received: num_labels={num_labels}"
            )
        if not multi_label or num_labels:
            self._build(num_labels)

    @property
    def thresholds(self):
        """All thresholds, with one below 0 and one above 1."""
        return self._thresholds.values

    def _build(self, labels):
        shape = (self.num_thresholds, labels) if self.multi_label else (self.num_thresholds,)
        for name in COUNTS:
            setattr(self, name, self.add_variable(shape, "zeros", name=name))
        self._built = True

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch.

        Args:
            y_true: Labels: 0 is no, anything else is yes.
            y_pred: Scores between 0 and 1, or logits, in the same shape.
            sample_weight: Weights for samples, or for each value.
        """
        if self.from_logits:
            y_pred = ops.sigmoid(array_of(y_pred))
        labels, scores, weights = questions(y_true, y_pred, sample_weight, self.name)
        self._check(scores)
        if self.multi_label:
            if not self._built:
                self._build(scores.shape[1])
        else:
            if self.label_weights is not None:
                weights = weights * self.label_weights
            labels, scores, weights = as_column(labels, scores, weights)
        for name, count in self._thresholds.counts(labels, scores, weights).items():
            add_to(getattr(self, name), count if self.multi_label else count[:, 0])

    def _check(self, scores):
        if scores.size and (scores.min() < 0 or scores.max() > 1):
            warnings.warn(
                "AUC expects predictions between 0 and 1. Received some outside, on one side of "
                "all thresholds. If they are logits, use `from_logits=True`.",
                stacklevel=3,
            )
        columns = None if self.label_weights is None else len(self.label_weights)
        if self.multi_label and scores.ndim != 2:
            raise ValueError(
                "AUC with `multi_label=True` expects predictions of shape (batch, labels). "
                f"Received: y_pred.shape={scores.shape}"
            )
        for argument, wanted in (("num_labels", self.num_labels), ("label_weights", columns)):
            if wanted is not None and scores.shape[-1:] != (wanted,):
                raise ValueError(
                    f"AUC was given {argument} for {wanted} labels. "
                    f"Received predictions of shape {scores.shape}."
                )

    def result(self):
        """The area, or with `multi_label` the mean of the areas."""
        if not self._built:
            return np.zeros((), self.dtype)[()]
        counts = [getattr(self, name).value.astype("float64") for name in COUNTS]
        if self.curve == "PR" and self.summation_method == "interpolation":
            area = _area_between_precisions(*counts)
        else:
            area = _area(*_CURVE_POINTS[self.curve](*counts), self.summation_method)
        if not self.multi_label:
            return area.astype(self.dtype)[()]
        if self.label_weights is None:
            return area.mean().astype(self.dtype)
        weights = self.label_weights
        return quotient((area * weights).sum(), weights.sum()).astype(self.dtype)[()]

    def reset_state(self):
        """Forget all batches."""
        if self._built:
            super().reset_state()

    def get_config(self):
        config = super().get_config()
        config.pop("thresholds", None)
        if self.label_weights is not None:
            config["label_weights"] = self.label_weights.tolist()
        if self.init_thresholds is not None:
            config["thresholds"] = self.init_thresholds
        return config


def _inner_thresholds(num_thresholds, thresholds):
    """Those between the first, just below 0, and the last, just above 1."""
    if thresholds is not None:
        given = sorted(float(threshold) for threshold in thresholds)
        for threshold in given:
            check.number(threshold, "thresholds", "AUC", low=0, high=1)
        return given
    if not check.is_int(num_thresholds) or num_thresholds < 2:
        raise ValueError(
            "`num_thresholds` of AUC must be an integer above 1. "
            f"Received: num_thresholds={check.shown(num_thresholds)}"
        )
    return [i / (num_thresholds - 1) for i in range(1, num_thresholds - 1)]


def _roc(tp, fp, tn, fn):
    return quotient(fp, fp + tn), quotient(tp, tp + fn)


def _precision_recall(tp, fp, tn, fn):
    return quotient(tp, tp + fn), quotient(tp, tp + fp)


def _gains(tp, fp, tn, fn):
    """Recall and precision, each put on a scale where always saying yes has gain 0.

    1 - odds * fn / tp and 1 - odds * fp / tp, with the odds of yes against no. A recall below
    that of chance has no gain.
    """
    odds = quotient(tp + fn, fp + tn)
    recall = np.where(tp > 0, np.maximum(1 - odds * quotient(fn, tp), 0), 0)
    return recall, 1 - odds * quotient(fp, tp)


_CURVE_POINTS = {"ROC": _roc, "PR": _precision_recall, "PRGAIN": _gains}


def _area(x, y, method):
    """The area under points that go from right to left."""
    first, second = y[:-1], y[1:]
    heights = {
        "interpolation": lambda: (first + second) / 2,
        "minoring": lambda: np.minimum(first, second),
        "majoring": lambda: np.maximum(first, second),
    }[method]()
    return ((x[:-1] - x[1:]) * heights).sum(axis=0)


def _area_between_precisions(tp, fp, tn, fn):
    """The area under precision over recall, with the counts going evenly between thresholds.

    Between two thresholds let tp run over its values, and fp along a line: the number of yes
    answers is then P = tp + fp, with tp = slope * P + intercept. Precision tp / P integrated
    over recall, d(tp) / (all that are so), is

        slope * (tp_1 - tp_0 + intercept * log(P_1 / P_0)) / (all that are so)
    """
    yes = tp + fp
    gained, more = tp[:-1] - tp[1:], np.maximum(yes[:-1] - yes[1:], 0)
    slope = quotient(gained, more)
    intercept = tp[1:] - slope * yes[1:]
    both = (yes[:-1] > 0) & (yes[1:] > 0)
    ratio = np.where(both, yes[:-1] / np.where(both, yes[1:], 1), 1)
    areas = slope * (gained + intercept * np.log(ratio))
    return quotient(areas, tp[1:] + fn[1:]).sum(axis=0)
