"""The losses and metrics of a model, matched to its outputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from npkeras import losses, metrics, ops
from npkeras.core import check, registry, tree
from npkeras.core.names import snake_case
from npkeras.core.tape import plain
from npkeras.layers.signatures import is_users
from npkeras.losses.base import LossFunctionWrapper
from npkeras.losses.classification import crossentropy_named
from npkeras.metrics.accuracy import accuracy_for


def output_names_of(y_pred: Any) -> list[str | None]:
    """A name for each output: the keys of a dict; None for those of a list, or a single one."""
    if isinstance(y_pred, dict):
        return sorted(y_pred)
    return [None] * len(tree.leaves(y_pred))


def is_deep(y_pred: Any, names: list[str] | None) -> bool:
    """Whether outputs are nests within a nest; those of a list that have names count as flat."""
    if not tree.is_nested(y_pred) or (names and not isinstance(y_pred, dict)):
        return False
    return any(map(tree.is_nested, y_pred.values() if isinstance(y_pred, dict) else y_pred))


def paths_of(y_pred: Any, names: list[str] | None) -> list[str]:
    """What the outputs in a deep nest are called: `"heads/mask"`.

    Those in a list have the name that the model has for them, or none: `"heads/"`.
    """
    known = iter(names or [""] * len(tree.leaves(y_pred)))

    def paths(structure: Any, path: str, last: str | None) -> Iterator[str]:
        if not tree.is_nested(structure):
            name = next(known)
            yield path + (name if last is None else last)
            return
        in_dict = isinstance(structure, dict)
        for key in tree.keys(structure) if in_dict else range(len(structure)):
            inner = structure[key]
            if tree.is_nested(inner):
                yield from paths(inner, f"{path}{key}/", None)
            else:
                yield from paths(inner, path, str(key) if in_dict else None)

    return list(paths(y_pred, "", None))


def _beside(value: Any, y_pred: Any) -> Any:
    """What was given in the form of a deep nest of outputs, in a flat list."""
    found: list[Any] = []
    if tree.is_nested(value):
        try:
            tree.map(lambda _, given: found.append(given), y_pred, value)
        except ValueError:  # given in a flat list, perhaps, or by name
            return value
    return found or value


def per_output(value: Any, names: list[Any], what: str, many: bool = False) -> list[Any]:
    """What was given for each output: by name, by position, or one for all.

    Args:
        value: A dict by name, a list by position, or a single thing for every output.
        names: The names of the outputs; None for those that have none.
        what: The argument, for messages.
        many: Whether one output may have a list of things, as of metrics.
    """
    if value is None:
        return [None] * len(names)
    if isinstance(value, dict):
        return _by_name(value, names, what)
    if isinstance(value, (list, tuple)):
        if many and len(names) == 1:
            return [[one for part in value for one in _several(part)]]
        if len(value) != len(names):
            raise ValueError(
                f"`{what}` must have an entry for each of the {len(names)} outputs"
                f"{_listing(names)}. Received {len(value)} entries."
            )
        return list(value)
    return [value] * len(names)


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _by_name(value: dict[str, Any], names: list[Any], what: str) -> list[Any]:
    if names == [None] and len(value) == 1:  # the only output, whatever it is called
        return list(value.values())
    unknown = [name for name in value if name not in names]
    if unknown:
        known = _listing(names) or ", which have no names: give a list in their order"
        raise ValueError(
            f"`{what}` names the output {unknown[0]!r}, which the model does not have. "
            f"It has {len(names)} outputs{known}."
        )
    return [value.get(name) for name in names]


def _listing(names: list[Any]) -> str:
    return f" ({', '.join(names)})" if None not in names else ""


class CompiledLoss:
    """The weighted sum of the losses of all outputs.

    Args:
        loss: A loss, or several by name or position: names, functions or `Loss` objects.
        loss_weights: Their weights, in the same form. None: all 1.
    """

    def __init__(self, loss: Any, loss_weights: Any = None) -> None:
        self.given = loss
        self.loss = tree.map(_as_loss, loss)
        self.loss_names = tree.map(_name_of, loss)
        self.loss_weights = loss_weights
        for weight in tree.leaves(loss_weights):
            if weight is not None and not isinstance(weight, (int, float, np.number)):
                raise ValueError(
                    "`loss_weights` must hold numbers, by which the losses are multiplied. "
                    f"Received: loss_weights={check.shown(loss_weights)}. Metrics are passed by "
                    "name: metrics=[...]"
                )
        self.trackers: list[Any] = []  # the mean loss of each of several outputs
        self._parts: list[tuple[Any, float | None, Any]] | None = None

    def _match(self, y_pred: Any, names: list[str] | None) -> None:
        """Decide, at the first batch, which loss belongs to which output."""
        loss, called, loss_weights = self.loss, self.loss_names, self.loss_weights
        if is_deep(y_pred, names):
            loss, called, loss_weights = (
                _beside(given, y_pred) for given in (loss, called, loss_weights)
            )
            names = paths_of(y_pred, names)
            y_pred = tree.leaves(y_pred)
        labels = names or output_names_of(y_pred)
        count = len(labels)
        chosen = per_output(_without_single_list(loss, count), labels, "loss")
        called = per_output(_without_single_list(called, count), labels, "loss")
        weights = per_output(_without_single_list(loss_weights, count), labels, "loss_weights")
        several = sum(loss is not None for loss in chosen) > 1
        self._parts = []
        for label, loss, name, weight in zip(labels, chosen, called, weights, strict=True):
            tracker = None
            if several and loss:
                tracker = metrics.Mean()
                own = not label or label[-1] == "/"
                tracker.name = f"{label or ''}{name}_loss" if own else f"{label}_loss"
            self._parts.append((loss, weight, tracker))
        order = self._order(labels, y_pred)
        self.trackers = [t for t in (self._parts[i][2] for i in order) if t is not None]

    def _order(self, labels: list[Any], y_pred: Any) -> list[int]:
        """Keras lists the outputs of a dict as the dict of losses does, or as that of outputs."""
        if not isinstance(y_pred, dict):
            return list(range(len(labels)))
        named = self.given if isinstance(self.given, dict) else y_pred
        return sorted(range(len(labels)), key=lambda i: [*named, *labels].index(labels[i]))

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, names: Any = None
    ) -> Any:
        if self._parts is None:
            self._match(y_pred, names)
        if is_deep(y_pred, names):
            names = paths_of(y_pred, names)
            y_true, y_pred, sample_weight = map(_leaves, (y_true, y_pred, sample_weight))
        if len(self._parts) == 1 and not tree.is_nested(y_pred):  # type: ignore[arg-type]
            loss, weight, _ = self._parts[0]  # type: ignore[index]
            if y_true is None:
                raise ValueError(
                    "The loss of the model needs targets and predictions. Received: y=None. Pass "
                    "targets as `y`, those of `validation_data` as (x, y)."
                )
            if tree.is_nested(y_true) and len(tree.leaves(y_true)) == 1:
                y_true = tree.leaves(y_true)[0]
            value = loss(y_true, y_pred, sample_weight)
            return value if weight is None else ops.multiply(value, float(weight))
        return self._several(y_true, y_pred, sample_weight, names)

    def spread(self, y_true: Any, y_pred: Any, names: Any = None) -> Any:
        """The targets with None for outputs without a loss, where the others alone have some."""
        if isinstance(y_true, dict) or y_true is None or not tree.is_nested(y_pred):
            return y_true
        if self._parts is None:
            self._match(y_pred, names)
        targets, asked = tree.leaves(y_true), [part[0] is not None for part in self._parts or ()]
        if len(targets) == len(asked) or len(targets) != sum(asked):
            return y_true
        given = iter(targets)
        return tree.pack(y_pred, [next(given) if wanted else None for wanted in asked])

    def _several(self, y_true: Any, y_pred: Any, sample_weight: Any, names: Any) -> Any:
        outputs = tree.leaves(y_pred)
        targets = targets_of(y_true, y_pred, names)
        weights = weights_of(sample_weight, y_pred, names)
        total = None
        parts = zip(self._parts or (), targets, outputs, weights, strict=True)
        for i, ((loss, weight, tracker), y, prediction, sample) in enumerate(parts):
            if loss is None:
                continue
            if y is None:
                label = (names or output_names_of(y_pred))[i]
                raise ValueError(
                    f"Output {label or i!r} has a loss, and no targets. Give it targets in `y`, or "
                    "the loss None."
                )
            value = loss(y, prediction, sample)
            if tracker is not None:
                tracker.update_state(plain(value), sample_weight=len(plain(prediction)))
            if weight is not None:
                value = ops.multiply(value, float(weight))
            total = value if total is None else ops.add(total, value)
        return total


def _leaves(structure: Any) -> Any:
    return None if structure is None else tree.leaves(structure)


def weights_of(sample_weight: Any, y_pred: Any, names: list[str] | None = None) -> list[Any]:
    """The sample weights in the order of the outputs' leaves: one for all, or one for each."""
    count = len(tree.leaves(y_pred))
    if isinstance(sample_weight, dict) and count > 1:
        labels = sorted(y_pred) if isinstance(y_pred, dict) else names
        if labels:
            return _by_name(sample_weight, labels, "sample_weight")
    weights = [None] if sample_weight is None else tree.leaves(sample_weight)
    return weights * count if len(weights) == 1 else weights


def targets_of(y_true: Any, y_pred: Any, names: list[str] | None = None) -> list[Any]:
    """The targets in the order of the outputs' leaves; a dict of them goes by the names."""
    if isinstance(y_true, dict) and names and not isinstance(y_pred, dict):
        return _by_name(y_true, names, "y")
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


def _name_of(thing: Any) -> str | None:
    """What a loss or metric is called: as it was given, its own name, or that of its function."""
    if thing is None or isinstance(thing, str):
        return thing
    own = getattr(thing, "name", None)
    return own or snake_case(getattr(thing, "__name__", None) or type(thing).__name__)


def _as_loss(identifier: Any) -> Any:
    """A loss that takes sample weights; a plain function is given Keras' reduction."""
    if identifier is None:
        return None
    loss = crossentropy_named(identifier) or losses.get(identifier)
    if isinstance(loss, losses.Loss):
        return loss
    if not callable(loss):
        raise ValueError(f"`loss` must be callable. Received: loss={check.shown(identifier)}")
    return LossFunctionWrapper(loss, name=_name_of(loss))


def metric_for(identifier: Any, y_true: Any, y_pred: Any) -> Any:
    """The metric that `compile(metrics=[identifier])` stands for.

    `"accuracy"` and `"acc"` stand for the accuracy that fits the shapes of targets and
    predictions. A metric given by name keeps that name: `"mse"` is logged as `mse`.

    Args:
        identifier: A name, config, class, function or metric.
        y_true, y_pred: Targets and predictions, or anything else with their shapes.
    """
    if identifier in ("accuracy", "acc"):
        return accuracy_for(y_true.shape, y_pred.shape)(name=identifier)
    metric = metrics.get(identifier)
    if isinstance(identifier, str) and isinstance(metric, metrics.Metric):
        metric.name = identifier
    if metric is not None and not isinstance(metric, metrics.Metric):
        metric = metrics.MeanMetricWrapper(metric, name=_name_of(metric))
    return metric


class CompiledMetrics:
    """The metrics of all outputs; those in `weighted_metrics` see the sample weights.

    It is among the `metrics` of a model like one of them, so that a `train_step` of one's own can
    update all with `metric.update_state(y, y_pred)`.

    Args:
        metrics: A list, for each output a list, or a dict by name: names, functions or objects.
        weighted_metrics: The same, for metrics that sample weights enter.
    """

    name = "compile_metrics"

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
        self._own = self._found_by_name()

    def _found_by_name(self) -> dict[str, Any]:
        """What the user's own names stand for: they may be known only while this is made."""
        found = {}
        for one in tree.leaves([self.given or [], self.given_weighted or []]):
            if isinstance(one, str) and one not in ("accuracy", "acc"):
                metrics.get(one)  # an unknown name is refused here, not in the first batch
                own = registry.get_registered_object(one)
                if own is not None:
                    found[one] = own
        return found

    @property
    def built(self) -> bool:
        return self._parts is not None

    @property
    def variables(self) -> list[Any]:
        return [variable for metric in self.metrics for variable in metric.variables]

    def build(self, y_true: Any, y_pred: Any, names: list[str] | None = None) -> None:
        """Decide which metric belongs to which output; `"accuracy"` by the shapes."""
        given_here = [self.given, self.given_weighted]
        if is_deep(y_pred, names):
            given_here = [_beside(given, y_pred) for given in given_here]
            names = paths_of(y_pred, names)
            y_true, y_pred = map(_leaves, (y_true, y_pred))
        labels = names or output_names_of(y_pred)
        outputs = tree.leaves(y_pred)
        targets = tree.leaves(y_true) if len(outputs) == 1 else targets_of(y_true, y_pred, names)
        parts: list[tuple[int, Any, bool]] = []
        called: list[str] = []
        for given, what, takes_weights in (
            (given_here[0], "metrics", False),
            (given_here[1], "weighted_metrics", True),
        ):
            for i, chosen in enumerate(per_output(given, labels, what, many=True)):
                for one in _listed(chosen, what):
                    if one in ("accuracy", "acc"):  # whose kind depends on the targets' shape
                        _need_targets(targets[i], one, labels[i])
                    with registry.CustomObjectScope(self._own):
                        metric = metric_for(one, plain(targets[i]), outputs[i])
                    label = (labels[i] or "").rpartition("/")[2]
                    prefix = f"{label}_" if label and len(labels) > 1 else ""
                    called.append(_result_name(prefix, metric, takes_weights, called))
                    parts.append((i, metric, takes_weights))
        self._parts, self.names = parts, called
        self.metrics = [metric for _, metric, _ in parts]

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, names: Any = None
    ) -> None:
        if self._parts is None:
            self.build(y_true, y_pred, names)
        if not self._parts:
            return
        if is_deep(y_pred, names):
            names = paths_of(y_pred, names)
            y_true, y_pred, sample_weight = map(_leaves, (y_true, y_pred, sample_weight))
        outputs = tree.leaves(y_pred)
        single = len(outputs) == 1
        targets = tree.leaves(y_true) if single else targets_of(y_true, y_pred, names)
        weights = weights_of(sample_weight, y_pred, names)
        for i, metric, takes_weights in self._parts:
            if targets[i] is None and not is_users(type(metric)):  # theirs may do without
                label = (names or output_names_of(y_pred))[i]
                _need_targets(targets[i], metric.name, label)
            if takes_weights and weights[i] is not None:
                metric.update_state(targets[i], outputs[i], weights[i])
            else:
                metric.update_state(targets[i], outputs[i])

    def reset_state(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def result(self) -> dict[str, Any]:
        """The result of each metric under its name."""
        pairs = zip(self.names, self.metrics, strict=True)
        return {name: metric.result() for name, metric in pairs}


def _need_targets(y_true: Any, metric: str | None, label: str | None) -> None:
    if y_true is None:
        where = f" of output {label!r}" if label else ""
        raise ValueError(
            f"The metric {metric!r}{where} needs targets. Received: none for it in `y`. Give it "
            "targets, or compile with `metrics` that leave it out: compiled again without "
            "`metrics`, a model keeps those it has, and `metrics=[]` takes them away."
        )


def _result_name(prefix: str, metric: Any, weighted: bool, taken: list[str]) -> str:
    """A name that no other result has: `mae`, then `mae_1`, or `weighted_mae`."""
    name = prefix + metric.name
    if name in taken and weighted:
        name = f"{prefix}weighted_{metric.name}"
    i, free = 0, name
    while free in taken:
        i += 1
        free = f"{name}_{i}"
    return free


def _listed(value: Any, what: str) -> list[Any]:
    if value is None:
        return []
    several = _several(value)
    if None in several:
        raise ValueError(f"`{what}` must hold metrics or their names. Received: None among them.")
    return several
