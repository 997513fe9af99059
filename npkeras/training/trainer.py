"""Trainer: compile, fit, evaluate and predict."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import numpy as np

from npkeras import data as data_module
from npkeras import optimizers
from npkeras.callbacks import CallbackList, History
from npkeras.callbacks.base import plain as as_float
from npkeras.core import check, config, tree
from npkeras.core.registry import deserialize, is_config, serialize
from npkeras.core.tape import plain
from npkeras.layers.calls import passing_rows
from npkeras.metrics import Mean
from npkeras.training.compiled import CompiledLoss, CompiledMetrics
from npkeras.training.rows import Rows
from npkeras.training.steps import Steps

Logs = dict[str, Any]


class Trainer(Steps):
    """What a model adds to a layer: learning from batches."""

    stop_training = False
    stop_evaluating = False
    stop_predicting = False
    compiled = False
    loss: Any = None
    run_eagerly = False
    jit_compile = False
    steps_per_execution = 1
    history: History | None = None
    optimizer: Any = None
    _compiled_loss = None
    _compiled_metrics = None
    _loss_tracker = None
    _batch_number: int | None = None
    _initial_epoch: int | None = None  # where `BackupAndRestore` lets training go on

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Say how to learn: by which rule, what to minimize, what to report.

        Compiled again without a loss, or without metrics, a model keeps those that it has.

        Args:
            optimizer: An optimizer, or its name.
            loss: A loss, by name, function or object; for several outputs a list or dict.
            loss_weights: The weights of several losses in the sum that is minimized.
            metrics: What to report: a list; for several outputs a list or dict of lists.
            weighted_metrics: Metrics in which sample and class weights count.
            run_eagerly, steps_per_execution, jit_compile: Taken for Keras' sake. Nothing is
                compiled here, so they change nothing.
            auto_scale_loss: Whether the loss is scaled under the policy `"mixed_float16"`, so
                that small gradients survive.
        """
        check.positive_int(steps_per_execution, "steps_per_execution", "`compile`")
        compiled_loss, compiled_metrics = self._compiled_loss, self._compiled_metrics
        if loss is not None or compiled_loss is None:
            compiled_loss = CompiledLoss(loss, loss_weights)
        if metrics is not None or weighted_metrics is not None:
            compiled_metrics = CompiledMetrics(metrics, weighted_metrics)
        self.optimizer = optimizers.get(optimizer)
        policy = getattr(self, "dtype_policy", None)
        if auto_scale_loss and policy is not None and policy.name == "mixed_float16":
            if not isinstance(self.optimizer, optimizers.LossScaleOptimizer):
                self.optimizer = optimizers.LossScaleOptimizer(self.optimizer)
        self.loss = loss
        self._compiled_loss = compiled_loss
        self._compiled_metrics = compiled_metrics
        self._loss_tracker = Mean(name="loss")
        self.run_eagerly = run_eagerly
        self.steps_per_execution = steps_per_execution
        self.stop_training = False
        self.compiled = True
        self._warned_of_non_finite = False
        self._compile_config = {
            "optimizer": self.optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": False,
        }

    def get_compile_config(self) -> dict[str, Any]:
        """What `compile_from_config` needs to compile a model in the same way; else nothing."""
        if not self.compiled or not hasattr(self, "_compile_config"):
            return {}
        return {name: serialize(value) for name, value in self._compile_config.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as another model was whose `get_compile_config` gave `config`."""
        if type(self).compile is not Trainer.compile:
            warnings.warn(
                f"Model {self.name!r} is loaded without being compiled: its class has a `compile` "  # type: ignore[attr-defined]
                "of its own. Define `get_compile_config` and `compile_from_config` too, or call "
                "`compile` now.",
                stacklevel=2,
            )
            return
        self.compile(**tree.map(lambda leaf: leaf, _revived(config)))
        if self.built:  # type: ignore[attr-defined]
            self.optimizer.build(self.trainable_variables)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> History:
        """Learn from data for some epochs.

        Args:
            x: Inputs: arrays or nests of them, a `PyDataset`, a data set of another library, or
                an iterable of batches `(x, y)` or `(x, y, sample_weight)`.
            y: Targets, if `x` is arrays.
            batch_size: How many samples a batch has, if `x` is arrays. None: 32.
            epochs: The number of the last epoch plus 1.
            verbose: 0 silent, 1 a progress bar, 2 one line per epoch; "auto" is 1.
            callbacks: Objects whose hooks are called along the way.
            validation_split: Which fraction, from the end, is kept for validation.
            validation_data: Data for validation: `(x, y)`, `(x, y, sample_weight)`, or batches.
            shuffle: Whether each epoch sees the samples in a new order; "batch" within batches.
            class_weight: A dict from class numbers to weights in the loss.
            sample_weight: A weight for each sample in the loss.
            initial_epoch: The number of the first epoch, to go on with earlier training.
            steps_per_epoch: How many batches make an epoch. None: one pass over the data.
            validation_steps: The same, for validation.
            validation_batch_size: The batch size for validation. None: `batch_size`.
            validation_freq: How many epochs lie between validations, or a list of epochs (from 1).

        Returns:
            A `History`, whose `.history` maps names to one value per epoch.
        """
        self._assert_compiled("fit")
        self.stop_training = False
        epochs = _at_most(config.max_epochs(), epochs, "epochs")
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = data_module.train_validation_split(
                (x, y, sample_weight), validation_split
            )
        batches = data_module.adapt(
            x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight, owner="fit"
        )
        validation = self._validation_batches(
            validation_data, validation_batch_size or batch_size, validation_steps
        )
        _check_frequency(validation_freq)
        hooks = self._callback_list(callbacks, verbose, epochs, batches.num_batches)
        batches.on_epoch_end()  # as in Keras: data that shuffle themselves then have its order
        try:
            hooks.on_train_begin()
            epochs_to_run = range(self._initial_epoch or initial_epoch, epochs)
            logs = self._run_epochs(epochs_to_run, batches, validation, validation_freq, hooks)
            hooks.on_train_end(logs)
        except BaseException:
            hooks.abandon()  # files are closed, and what was changed for training is put back
            raise
        return self.history  # type: ignore[return-value]

    def _run_epochs(
        self, epochs: range, batches: Any, validation: Any, validation_freq: Any, hooks: Any
    ) -> Logs:
        """Train and validate; the logs of the last epoch."""
        logs: Logs = {}
        for epoch in epochs:
            results = self._run_epoch(epoch, batches, hooks)
            if results is None:
                _refuse_no_batch("fit", epoch == epochs[0])
                break
            logs = results
            if validation is not None and _is_due(epoch, validation_freq):
                validation.reset()
                results = self._evaluate(validation, hooks)
                logs.update({f"val_{name}": value for name, value in results.items()})
            logs = _python_numbers(logs)
            hooks.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        if self.optimizer is not None:
            self.optimizer.finalize_variable_values(self.trainable_variables)
        return logs

    def _run_epoch(self, epoch: int, batches: Any, hooks: CallbackList) -> Logs | None:
        """One pass of training; the averages over it, or None if there was no batch."""
        self.reset_metrics()
        hooks.on_epoch_begin(epoch)
        batches.on_epoch_begin()
        logs: Logs | None = None
        for self._batch_number, batch in enumerate(batches):
            hooks.on_train_batch_begin(self._batch_number)
            logs = self._step("train_step", batch, batches.batches_are_alike)
            hooks.on_train_batch_end(self._batch_number, _python_numbers(logs))
            if self.stop_training:
                break
        self._batch_number = None
        batches.on_epoch_end()
        return None if logs is None else self._epoch_logs(logs)

    def _step(self, name: str, batch: Any, alike: bool = True) -> Logs:
        """The logs of `train_step` or `test_step` on a batch, as it returns them.

        NumPy is quiet about infinities meanwhile: our own warning says where they began.

        Args:
            alike: Whether the other batches have as many rows. If not, a model that is built
                now is not built for that number: as in Keras, where the user can see it.
        """
        data = data_module.pack_x_y_sample_weight(*batch)
        with np.errstate(all="ignore"):
            if self.built:  # type: ignore[attr-defined]
                logs = getattr(self, name)(data)
            else:
                with self._while_built(batch, alike):
                    self._build_before(name, batch)
                    logs = getattr(self, name)(data)
        if not isinstance(logs, dict):
            raise ValueError(
                f"`{name}` of model {self.name!r} must return its logs, a dict from names to "
                f"numbers. Received: {check.shown(logs)}"
            )
        return logs

    def _while_built(self, batch: Any, alike: bool) -> Any:
        """The `with` block in which a model is built; one with states must know the rows."""
        layers = self._flatten_layers()  # type: ignore[attr-defined]
        if alike or self.run_eagerly or any(getattr(x, "stateful", False) for x in layers):
            return contextlib.nullcontext()
        first = next((leaf for leaf in tree.leaves(batch[0]) if np.ndim(leaf)), None)
        return passing_rows(None if first is None else len(first))

    def _build_before(self, name: str, batch: Any) -> None:
        """Make the weights before a step of the user's own, which may ask for them at once."""
        if getattr(type(self), name) is not getattr(Steps, name):
            with contextlib.suppress(Exception):  # the step may call the model in another way
                self(batch[0], training=False)  # type: ignore[operator]
                self.reset_metrics()

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss and the metrics on data.

        Args:
            x, y, sample_weight, batch_size: As for `fit`.
            verbose: 0 silent, 1 a progress bar, 2 one line; "auto" is 1.
            steps: How many batches to look at. None: all.
            callbacks: Objects whose `on_test_...` hooks are called.
            return_dict: Whether to return a dict by name.

        Returns:
            The loss, or a list of the loss and the metrics, or a dict.
        """
        if kwargs:
            raise ValueError(f"`evaluate` does not know the arguments: {', '.join(kwargs)}")
        self._assert_compiled("evaluate")
        batches = data_module.adapt(x, y, sample_weight, batch_size, steps, owner="evaluate")
        hooks = self._callback_list(callbacks, verbose, 1, batches.num_batches, history=False)
        logs = self._evaluate(batches, hooks)
        _refuse_no_batch("evaluate", not logs)
        return logs if return_dict else self._as_list(logs)

    def _evaluate(self, batches: Any, hooks: CallbackList) -> Logs:
        """The averages over some batches; nothing if there was none."""
        batches.on_epoch_end()  # as in Keras: data that shuffle themselves then have its order
        self.stop_evaluating = False
        self.reset_metrics()
        hooks.on_test_begin()
        batches.on_epoch_begin()
        logs: Logs = {}
        for step, batch in enumerate(batches):
            hooks.on_test_batch_begin(step)
            logs = self._step("test_step", batch, batches.batches_are_alike)
            hooks.on_test_batch_end(step, _python_numbers(logs))
            if self.stop_evaluating:
                break
        batches.on_epoch_end()
        logs = _python_numbers(self._epoch_logs(logs)) if logs else {}
        hooks.on_test_end(logs)
        return logs

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for data, batch by batch, as NumPy arrays.

        Args:
            x: Inputs, as for `fit`.
            batch_size: How many samples go through the model at once. None: 32.
            verbose: 0 silent, 1 a progress bar, 2 one line; "auto" is 1.
            steps: How many batches to predict. None: all.
            callbacks: Objects whose `on_predict_...` hooks are called.
        """
        batches = data_module.adapt(
            x, batch_size=batch_size, steps=steps, owner="predict", may_be_empty=True
        )
        if batches.num_samples == 0:
            return self._predict_nothing(x)
        hooks = self._callback_list(callbacks, verbose, 1, batches.num_batches, history=False)
        gathered = Rows(None if batches.steps else batches.num_samples)
        self.stop_predicting = False
        hooks.on_predict_begin()
        batches.on_epoch_begin()
        for step, batch in enumerate(batches):
            hooks.on_predict_batch_begin(step)
            outputs = self._outputs_of(batch)
            gathered.append(outputs)
            hooks.on_predict_batch_end(step, {"outputs": outputs})
            if self.stop_predicting:
                break
        batches.on_epoch_end()
        hooks.on_predict_end()
        return gathered.result()

    def _outputs_of(self, batch: Any) -> Any:
        data = data_module.pack_x_y_sample_weight(*batch)
        with np.errstate(all="ignore"):
            outputs = tree.map(lambda y: np.asarray(plain(y)), self.predict_step(data))
        inputs = [x for x in tree.leaves(batch[0]) if isinstance(x, np.ndarray)]
        return tree.map(lambda y: _apart(y, inputs), outputs)

    def _predict_nothing(self, x: Any) -> Any:
        """For inputs without rows: outputs without rows, of the right shape."""
        one_row = tree.map(lambda a: np.zeros((1, *np.shape(a)[1:]), np.asarray(a).dtype), x)
        return tree.map(lambda y: y[:0], self._outputs_of((one_row, None, None)))

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """One update on a single batch; the loss and metrics of that batch."""
        self._assert_compiled("train_on_batch")
        self.reset_metrics()
        batch = self._single_batch(x, y, sample_weight, class_weight, "train_on_batch")
        return self._batch_results(self._step("train_step", batch), return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """The loss and metrics of a single batch, without learning from it."""
        self._assert_compiled("test_on_batch")
        self.reset_metrics()
        batch = self._single_batch(x, y, sample_weight, None, "test_on_batch")
        return self._batch_results(self._step("test_step", batch), return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for a single batch."""
        return self._outputs_of(self._single_batch(x, None, None, None, "predict_on_batch"))

    def _single_batch(
        self, x: Any, y: Any, sample_weight: Any, class_weight: Any, owner: str
    ) -> Any:
        first = next((np.shape(leaf)[0] for leaf in tree.leaves(x) if np.ndim(leaf)), 1)
        return next(
            iter(
                data_module.adapt(
                    x, y, sample_weight, max(first, 1), class_weight=class_weight, owner=owner
                )
            )
        )

    def _batch_results(self, logs: Logs, return_dict: bool) -> Any:
        logs = _python_numbers(self._epoch_logs(logs))
        return logs if return_dict else self._as_list(logs)

    def _epoch_logs(self, logs: Logs) -> Logs:
        """The metrics' own results; or, if the step logs others, what it returned last."""
        results = self.get_metrics_result()
        return results if set(results) == set(logs) else logs

    def _as_list(self, logs: Logs) -> Any:
        """The values in the order of the metrics; those under other names follow, sorted."""
        order: list[str] = []
        for metric in self.metrics:
            order += [part.name for part in getattr(metric, "metrics", [metric])]
        values = {name: logs[name] for name in [*order, *sorted(logs)] if name in logs}
        return next(iter(values.values())) if len(values) == 1 else list(values.values())

    def _validation_batches(self, given: Any, batch_size: Any, steps: Any) -> Any:
        if given is None:
            return None
        x, y, sample_weight = given, None, None
        if isinstance(given, (tuple, list)):
            x, y, sample_weight = data_module.unpack_x_y_sample_weight(given)
        return data_module.adapt(x, y, sample_weight, batch_size, steps, owner="fit")

    def _callback_list(
        self, given: Any, verbose: Any, epochs: int, steps: int | None, history: bool = True
    ) -> CallbackList:
        verbose = 1 if verbose == "auto" else verbose
        if isinstance(given, CallbackList):
            return given
        hooks = CallbackList(
            given,
            add_history=history,
            add_progbar=verbose != 0,
            model=self,
            verbose=verbose,
            epochs=epochs,
            steps=steps,
        )
        return hooks

    def _assert_compiled(self, method: str) -> None:
        if not self.compiled:
            raise ValueError(
                f"You must call `compile()` before `{method}`: the model does not know its loss "
                "and optimizer yet."
            )


def _apart(y: np.ndarray, inputs: list[np.ndarray]) -> np.ndarray:
    """An output that shares no memory with the inputs: it may be written to."""
    return y.copy() if any(np.may_share_memory(y, x) for x in inputs) else y


def _at_most(limit: int | None, wanted: int, what: str) -> int:
    """The wanted number, or less where `npkeras.config` sets a limit."""
    if limit is None or wanted <= limit:
        return wanted
    warnings.warn(f"`{what}={wanted}` is limited to {limit} by `npkeras.config`.", stacklevel=3)
    return limit


def _refuse_no_batch(method: str, nothing: bool) -> None:
    if nothing:
        raise ValueError(f"`{method}` was given no batch: the data end before the first one.")


def _check_frequency(validation_freq: Any) -> None:
    if check.is_int(validation_freq):
        check.positive_int(validation_freq, "validation_freq", "`fit`")
    elif not isinstance(validation_freq, (list, tuple, set, range, np.ndarray)):
        raise ValueError(
            "`validation_freq` of `fit` must be an integer or a list of epochs, from 1. "
            f"Received: validation_freq={check.shown(validation_freq)}"
        )


def _is_due(epoch: int, validation_freq: Any) -> bool:
    if check.is_int(validation_freq):
        return (epoch + 1) % validation_freq == 0
    return epoch + 1 in validation_freq


def _python_numbers(logs: Logs) -> Logs:
    """Logs sorted by name, as floats where they are numbers; dicts within give their entries."""
    flat: Logs = {}
    for name, value in sorted(logs.items()):
        flat.update(_python_numbers(value) if isinstance(value, dict) else {name: as_float(value)})
    return flat


def _revived(config: Any) -> Any:
    if is_config(config):
        return deserialize(config)
    if isinstance(config, dict):
        return {name: _revived(value) for name, value in config.items()}
    if isinstance(config, list):
        return [_revived(value) for value in config]
    return config


__all__ = ["Trainer"]
