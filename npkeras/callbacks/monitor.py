"""What callbacks that watch one value have in common."""

import math
import warnings

from npkeras.callbacks.base import Callback, number
from npkeras.core import check

UPWARD = {"acc", "accuracy", "auc", "precision", "recall", "f1", "fbeta", "iou", "dice", "r2"}
DOWNWARD = {"loss", "error", "mse", "mae", "mape", "msle", "rmse", "crossentropy", "divergence"}


class MonitorCallback(Callback):
    """A callback that watches one of the logged values, and knows when it gets better.

    Args:
        monitor: What to watch, by its name in the logs: "val_loss", "accuracy", ...
        mode: Whether less ("min") or more ("max") is better. "auto" asks the metric of that
            name which way it improves; failing that the name decides (accuracies go up, losses
            and errors down).
        baseline: The first value to beat. None: whatever comes first.
        min_delta: A change smaller than this is no improvement.
    """

    def __init__(self, monitor="val_loss", mode="auto", baseline=None, min_delta=0):
        owner = type(self).__name__
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f'`mode` of {owner} must be "auto", "min" or "max". '
                f"Received: mode={mode!r}, which is taken for 'auto'.",
                stacklevel=3,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best = baseline
        self.min_delta = abs(check.number(min_delta, "min_delta", owner))

    def get_monitor_value(self, logs):
        """The value watched, as a float; None, with a warning, if it was not logged."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            if not self._is_known():  # more likely a slip than a missing log
                raise self._no_direction(logs)
            warnings.warn(
                f"{type(self).__name__} watches `{self.monitor}`, which was not logged. Logged "
                f"were: {', '.join(logs or {}) or 'nothing'}.",
                stacklevel=3,
            )
            return None
        return number(value)

    def is_improvement(self, value, reference):
        """Whether `value` is better than `reference` by more than `min_delta`.

        NaN is never better than anything, and anything else is better than None or NaN.
        """
        upward = self.goes_up()
        if math.isnan(value):
            return False
        if reference is None or math.isnan(reference):
            return True
        if upward:
            return value - self.min_delta > reference
        return value + self.min_delta < reference

    def goes_up(self):
        """Whether more is better."""
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        directions = {_direction(metric) for metric in _metrics(self.model) if metric.name == name}
        words = set(name.lower().split("_"))
        if "up" in directions or (words & UPWARD and not words & DOWNWARD):
            return True
        if "down" in directions or words & DOWNWARD:
            return False
        raise self._no_direction()

    def _is_known(self):
        """Whether what is watched, though not logged, has a direction: given, or a metric's."""
        if self.mode != "auto":
            return True
        name = self.monitor.removeprefix("val_")
        known = {"loss"}
        for metric in _metrics(self.model):
            known |= {metric.name, *(getattr(metric, "names", None) or ())}
        return name in known and self.goes_up() is not None

    def _no_direction(self, logs=None):
        return ValueError(
            f"{type(self).__name__} cannot tell whether more or less of `{self.monitor}` is "
            f"better.{_near(self.monitor, logs or ())} Pass the name of a metric, or "
            'mode="max" or mode="min". '
            f"Received: monitor={self.monitor!r}, mode={self.mode!r}"
        )


def _near(name, known):
    """ " Did you mean ...?" for the name that goes on where this one ends, or is otherwise near."""
    longer = [other for other in known if other.startswith(name)]
    return f" Did you mean {longer[0]!r}?" if longer else check.did_you_mean(name, known)


def _metrics(model):
    """The metrics of a model, those within containers (compiled metrics) included."""
    found = []
    for metric in getattr(model, "metrics", None) or ():
        found += [metric, *(getattr(metric, "metrics", None) or ())]
    return [metric for metric in found if hasattr(metric, "name")]


def _direction(metric):
    """Which way a metric improves, "up" or "down", if it says so."""
    return getattr(metric, "_direction", None) or getattr(metric, "direction", None)
