"""The losses and metrics of a model, matched to its outputs."""

from __future__ import annotations

from typing import Any

from npkeras import losses, metrics, ops
from npkeras.core import check, tree
from npkeras.core.tape import plain
from npkeras.losses.base import LossFunctionWrapper


def output_names_of(y_pred: Any) -> list[str] | None:
    """The names of several outputs: keys of a dict, or `output_1`, ...; None for a single one."""
    if isinstance(y_pred, dict):
        return sorted(y_pred)
    if isinstance(y_pred, (list, tuple)):
        return [f"output_{i + 1}" for i in range(len(y_pred))]
    return None


def per_output(value: Any, names: list[str], what: str, many: bool = False) -> list[Any]:
    """What was given for each output: by name, by position, or one for all.

    Args:
        value: A dict by name, a list by position, or a single thing for every output.
        names: The names of the outputs.
        what: The argument, for messages.
        many: Whether one output may have a list of things, as of metrics.
    """
    if value is None:
        return [None] * len(names)
    if isinstance(value, dict):
        unknown = [name for name in value if name not in names]
        if unknown:
            raise ValueError(
                f"`{what}` names the output {unknown[0]!r}, which the model does not have. "
                f"Its outputs are: {', '.join(names)}"
            )
        return [value.get(name) for name in names]
    if isinstance(value, (list, tuple)):
        if many and len(names) == 1 and not any(map(tree.is_nested, value)):
            return [value]
        if len(value) != len(names):
            raise ValueError(
                f"`{what}` must have an entry for each of the {len(names)} outputs "
                f"({', '.join(names)}). Received {len(value)} entries."
            )
        return list(value)
    return [value] * len(names)


class CompiledLoss:
    """The weighted sum of the losses of all outputs.

    Args:
        loss: A loss, or several by name or position: names, functions or `Loss` objects.
        loss_weights: Their weights, in the same form. None: all 1.
    """

    def __init__(self, loss: Any, loss_weights: Any = None) -> None:
        self.given = loss
        self.loss = tree.map(_as_loss, loss)
        self.loss_weights = loss_weights
        self.trackers: list[Any] = []  # the mean loss of each of several outputs
        self._parts: list[tuple[Any, float | None, Any]] | None = None

    def _match(self, y_pred: Any, names: list[str] | None) -> None:
        """Decide, at the first batch, which loss belongs to which output."""
        names = names or output_names_of(y_pred)
        count = 1 if names is None else len(names)
        labels = names or ["output"]
        chosen = per_output(_without_single_list(self.loss, count), labels, "loss")
        weights = per_output(_without_single_list(self.loss_weights, count), labels, "loss_weights")
        if names is not None and count > 1:
            self.trackers = [
                metrics.Mean(name=f"{name}_loss")
                for name, loss in zip(names, chosen, strict=True)
                if loss is not None
            ]
        trackers = iter(self.trackers)
        self._parts = [
            (loss, weight, None if loss is None or not self.trackers else next(trackers))
            for loss, weight in zip(chosen, weights, strict=True)
        ]

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, names: Any = None
    ) -> Any:
        if self._parts is None:
            self._match(y_pred, names)
        if len(self._parts) == 1 and not tree.is_nested(y_pred):  # type: ignore[arg-type]
            loss, weight, _ = self._parts[0]  # type: ignore[index]
            if tree.is_nested(y_true) and len(tree.leaves(y_true)) == 1:
                y_true = tree.leaves(y_true)[0]
            value = loss(y_true, y_pred, sample_weight)
            return value if weight is None else ops.multiply(value, float(weight))
        return self._several(y_true, y_pred, sample_weight)

    def _several(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Any:
        outputs = tree.leaves(y_pred)
        targets = targets_of(y_true, y_pred)
        weights = tree.leaves(sample_weight) if sample_weight is not None else [None]
        if len(weights) == 1:
            weights = weights * len(outputs)
        total = None
        parts = zip(self._parts or (), targets, outputs, weights, strict=True)
        for (loss, weight, tracker), y, prediction, sample in parts:
            if loss is None:
                continue
            value = loss(y, prediction, sample)
            if tracker is not None:
                tracker.update_state(plain(value), sample_weight=len(plain(prediction)))
            if weight is not None:
                value = ops.multiply(value, float(weight))
            total = value if total is None else ops.add(total, value)
        return total


def targets_of(y_true: Any, y_pred: Any) -> list[Any]:
    """The targets in the order of the outputs' leaves."""
    if isinstance(y_pred, dict) and isinstance(y_true, dict):
        missing = [name for name in y_true if name not in y_pred]
        if missing:
            raise ValueError(
                f"Targets were given for {missing[0]!r}, which is not among the model's outputs: "
                f"{', '.join(sorted(y_pred))}"
            )
        return [y_true.get(name) for name in sorted(y_pred)]
    targets = tree.leaves(y_true)
    count = len(tree.leaves(y_pred))
    if len(targets) != count:
        raise ValueError(f"The model has {count} outputs. Received targets for {len(targets)}.")
    return targets


def _without_single_list(value: Any, count: int) -> Any:
    if count == 1 and isinstance(value, (list, tuple)) and len(value) == 1:
        return value[0]
    return value


def _as_loss(identifier: Any) -> Any:
    """A loss that takes sample weights; a plain function is given Keras' reduction."""
    if identifier is None:
        return None
    loss = losses.get(identifier)
    if isinstance(loss, losses.Loss):
        return loss
    if not callable(loss):
        raise ValueError(f"`loss` must be callable. Received: loss={check.shown(identifier)}")
    return LossFunctionWrapper(loss, name=getattr(loss, "__name__", None))


class CompiledMetrics:
    """The metrics of all outputs; those in `weighted_metrics` see the sample weights.

    Args:
        metrics: A list, for each output a list, or a dict by name: names, functions or objects.
        weighted_metrics: The same, for metrics that sample weights enter.
    """

    def __init__(self, metrics: Any = None, weighted_metrics: Any = None) -> None:
        for name, value in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if value is not None and not isinstance(value, (list, tuple, dict)):
                raise ValueError(
                    f"`{name}` must be a list, a tuple or a dict. "
                    f"Received: {name}={check.shown(value)}"
                )
        self.given = metrics
        self.given_weighted = weighted_metrics
        self.metrics: list[Any] = []  # in the order of their results
        self.names: list[str] = []
        self._parts: list[tuple[int, Any, bool]] | None = None
        self._check_names()

    def _check_names(self) -> None:
        for one in tree.leaves([self.given or [], self.given_weighted or []]):
            if isinstance(one, str) and one not in ("accuracy", "acc"):
                metrics.get(one)  # an unknown name is refused here, not in the first batch

    @property
    def built(self) -> bool:
        return self._parts is not None

    def build(self, y_true: Any, y_pred: Any, names: list[str] | None = None) -> None:
        """Decide which metric belongs to which output; `"accuracy"` by the shapes."""
        names = names or output_names_of(y_pred)
        labels = names or ["output"]
        outputs = tree.leaves(y_pred)
        targets = targets_of(y_true, y_pred) if y_true is not None else [None] * len(outputs)
        self._parts = []
        plain_lists = per_output(self.given, labels, "metrics", many=True)
        weighted = per_output(self.given_weighted, labels, "weighted_metrics", many=True)
        for i, label in enumerate(labels):
            prefix = f"{label}_" if len(labels) > 1 else ""
            for chosen, takes_weights in ((plain_lists[i], False), (weighted[i], True)):
                for one in _listed(chosen):
                    metric = metrics.for_name(one, plain(targets[i]), plain(outputs[i]))
                    self.metrics.append(metric)
                    self.names.append(prefix + metric.name)
                    self._parts.append((i, metric, takes_weights))

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, names: Any = None
    ) -> None:
        if self._parts is None:
            self.build(y_true, y_pred, names)
        if not self._parts:
            return
        outputs = tree.leaves(y_pred)
        single = len(outputs) == 1
        targets = tree.leaves(y_true) if single else targets_of(y_true, y_pred)
        weights = [None] if sample_weight is None else tree.leaves(sample_weight)
        if len(weights) == 1:
            weights = weights * len(outputs)
        for i, metric, takes_weights in self._parts:
            if takes_weights and weights[i] is not None:
                metric.update_state(targets[i], outputs[i], weights[i])
            else:
                metric.update_state(targets[i], outputs[i])

    def reset_state(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def result(self) -> dict[str, Any]:
        """The result of each metric under its name, and of one that returns a dict, all of it."""
        results: dict[str, Any] = {}
        for name, metric in zip(self.names, self.metrics, strict=True):
            value = metric.result()
            if isinstance(value, dict):
                results.update(value)
            else:
                results[name if name not in results else _another(name, results)] = value
        return results


def _another(name: str, taken: dict[str, Any]) -> str:
    i = 1
    while f"{name}_{i}" in taken:
        i += 1
    return f"{name}_{i}"


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
