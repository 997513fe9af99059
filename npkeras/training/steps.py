"""What a model does with one batch: each step is a method one may override."""

from __future__ import annotations

import functools
import inspect
import warnings
from typing import Any

import numpy as np

from npkeras import ops
from npkeras.core import tree
from npkeras.core.deferred import deferring
from npkeras.core.shapes import shape_of
from npkeras.core.tape import GradientTape, Traced, plain
from npkeras.data import unpack_x_y_sample_weight
from npkeras.metrics import Mean
from npkeras.training.compiled import CompiledLoss, CompiledMetrics


class Steps:
    """One update, one evaluation, one prediction. `fit` and its kin call them batch by batch."""

    # What `compile` sets, and what a model is expected to be.
    optimizer: Any
    trainable_variables: list[Any]
    losses: list[Any]
    name: str
    _looking_once: Any
    _compiled_loss: CompiledLoss | None
    _compiled_metrics: CompiledMetrics | None
    _loss_tracker: Mean | None
    _gradient_hook: Any = None  # called with (gradients, variables) before each update
    _warned_of_non_finite = False

    def train_step(self, data: Any) -> dict[str, Any]:
        """One update of the weights on a batch. Override it to train in another way.

        Args:
            data: The batch: `x`, `(x, y)` or `(x, y, sample_weight)`, as much as there is.

        Returns:
            The logs: a dict with the loss and the metrics so far in this epoch.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        look = self._looking_once()  # after the forward pass, which may make layers
        with GradientTape() as tape:
            y_pred = self(x, training=True)  # type: ignore[operator]
            with look:
                loss = self._loss_of(x, y, y_pred, sample_weight, training=True)
                self._track_loss(loss, x)
                scaled = loss if self.optimizer is None else self.optimizer.scale_loss(loss)
        with look:
            variables = self.trainable_variables
            self._learn(tape, scaled, variables)
            return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def _learn(self, tape: GradientTape, loss: Any, variables: list[Any]) -> None:
        """Update the variables by their gradients."""
        if variables:
            gradients = tape.gradient(loss, variables)
            if self._gradient_hook is not None:
                self._gradient_hook(gradients, variables)
            self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        else:
            warnings.warn("The model does not have any trainable weights.", stacklevel=3)

    def test_step(self, data: Any) -> dict[str, Any]:
        """The losses and metrics of a batch, without learning from it."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with deferring():
            y_pred = self(x, training=False)  # type: ignore[operator]
        with self._looking_once():
            loss = self._loss_of(x, y, y_pred, sample_weight, training=False)
            self._track_loss(loss, x)
            return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for a batch."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)  # type: ignore[operator]

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The loss of a batch: that of `compile`, and what layers and weights add to it.

        Args:
            x, y, sample_weight: The batch.
            y_pred: The outputs of the model for it.
            training: Whether the loss is to be learned from.

        Returns:
            A scalar.
        """
        total = None
        if self._compiled_loss is not None and self._compiled_loss.given is not None:
            names = self._output_names()
            y = self._compiled_loss.spread(y, y_pred, names)
            total = self._compiled_loss(y, y_pred, sample_weight, names=names)
        for penalty in self.losses:
            penalty = ops.cast(ops.sum(penalty), "float32" if total is None else total.dtype)
            total = penalty if total is None else ops.add(total, penalty)
        if total is None:
            raise ValueError(
                f"Model {self.name!r} has nothing to minimize: no `loss` was given to "
                "`compile`, and no layer called `add_loss`."
            )
        return total

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Update the compiled metrics with a batch; the results so far."""
        if self._compiled_metrics is not None:
            names = self._output_names()
            predictions = tree.map(plain, y_pred) if tree.is_nested(y_pred) else _bare(y_pred)
            if self._compiled_loss is not None and self._compiled_loss.given is not None:
                y = self._compiled_loss.spread(y, predictions, names)
            self._compiled_metrics.update_state(y, predictions, sample_weight, names=names)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """The results of all metrics by name. A metric that returns a dict adds its entries."""
        results: dict[str, Any] = {}
        for metric in self.metrics:
            value = metric.result()
            results.update(value if isinstance(value, dict) else {metric.name: value})
        return results

    @property
    def metrics(self) -> list[Any]:
        """The tracker of the loss, the compiled metrics as one, and those kept in attributes.

        Override it to say which metrics are reset at the beginning of every epoch.
        """
        compiled: list[Any] = [self._loss_tracker] if self._loss_tracker is not None else []
        if self._compiled_metrics is not None:
            compiled.append(self._compiled_metrics)
        if self._compiled_loss is not None:
            compiled += self._compiled_loss.trackers
        kept = self._metrics_within()  # type: ignore[attr-defined]
        return list({id(m): m for m in [*compiled, *kept]}.values())

    @property
    def metrics_names(self) -> list[str]:
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Forget what the metrics have seen."""
        for metric in self.metrics:
            metric.reset_state()

    def _output_names(self) -> list[str] | None:
        """Names of the model's outputs, where it has several and knows them."""
        return None

    def _loss_of(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> Any:
        """`compute_loss`, also where it was overridden without `training`."""
        if _takes_training(type(self).compute_loss):
            return self.compute_loss(
                x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training
            )
        return self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)

    def _track_loss(self, loss: Any, x: Any) -> None:
        value = plain(loss)
        if not self._warned_of_non_finite and not np.isfinite(value).all():
            self._warned_of_non_finite = True
            self._warn_of_non_finite(value, x)
        if self._loss_tracker is not None:
            first = next((leaf for leaf in tree.leaves(x) if leaf is not None), None)
            rows = (shape_of(first) or (1,))[0] if first is not None else 1
            self._loss_tracker.update_state(value, sample_weight=rows)

    def _warn_of_non_finite(self, loss: Any, x: Any) -> None:
        """Say once in which batch the loss ceased to be a number, and what else is not one."""
        culprit = "All inputs and weights are finite: the outputs overflowed."
        for i, leaf in enumerate(tree.leaves(x)):
            if np.asarray(plain(leaf)).dtype.kind == "f" and not np.isfinite(plain(leaf)).all():
                culprit = f"Input {i} holds values that are not finite."
        for variable in self.trainable_variables:
            if not np.isfinite(variable.value).all():
                culprit = f"Weight {variable.path!r} holds values that are not finite."
                break
        batch = getattr(self, "_batch_number", None)
        where = "" if batch is None else f" in batch {batch}"
        warnings.warn(
            f"The loss of model {self.name!r} is {float(np.mean(loss))}{where}. {culprit}",
            stacklevel=4,
        )


def _bare(y_pred: Any) -> Any:
    """The array behind a prediction, with the mask that travels beside it."""
    return y_pred.value if isinstance(y_pred, Traced) and not y_pred.notes else y_pred


@functools.cache
def _takes_training(method: Any) -> bool:
    parameters = inspect.signature(method).parameters
    return "training" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
