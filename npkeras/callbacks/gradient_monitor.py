"""GradientMonitor: how large the gradients are, layer by layer, and when they explode."""

import math
import sys

import numpy as np

from npkeras.callbacks.base import Callback, trace_again
from npkeras.callbacks.progress import announce
from npkeras.core import check
from npkeras.core.registry import register


@register("callbacks")
class GradientMonitor(Callback):
    """Measures the gradients of every step, and says in which epoch they explode.

    Logged for every epoch: `gradient_norm`, the largest norm of all gradients together, and
    `gradient_norm/<layer>`, the largest norm of each layer's own. The gradients are taken as they
    reach the optimizer, before it clips them.

    It also works within Keras on TensorFlow, with `compile(jit_compile=False)`; on other
    backends of Keras it raises a `ValueError`.

    Args:
        threshold: From which norm on gradients count as exploding. NaN and infinity always do.
        verbose: Whether to say so, once per epoch.
        per_layer: Whether to log the norm of each layer as well.

    Attributes:
        explosions: A list of `(epoch, batch, layer, norm)`, the first of each epoch in which
            gradients exploded; epochs and batches count from 0.
        history: A dict from layers to lists of their largest norms, one for each epoch.

    Example:
        >>> monitor = GradientMonitor(threshold=100.0)
        >>> model.fit(x, y, callbacks=[monitor])  # doctest: +SKIP
        >>> monitor.explosions
        []
    """

    kept_state = ("explosions", "history")

    def __init__(self, threshold=1e3, verbose=1, per_layer=True):
        self.threshold = check.number(threshold, "threshold", "GradientMonitor", low=0)
        self.verbose = verbose
        self.per_layer = per_layer
        self.explosions = []
        self.history = {}
        self._largest = {}
        self._epoch = self._batch = 0
        self._undo = None

    def on_train_begin(self, logs=None):
        self.explosions, self.history = [], {}
        watch = self._watch_model if hasattr(self.model, "_gradient_hook") else self._watch_keras
        self._undo = watch()

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._batch = epoch, 0
        self._largest = {}

    def on_epoch_end(self, epoch, logs=None):
        for layer, norm in self._largest.items():
            if layer is not None:
                self.history.setdefault(layer, []).append(norm)
            if logs is not None and (layer is None or self.per_layer):
                logs["gradient_norm" if layer is None else f"gradient_norm/{layer}"] = norm

    def on_train_end(self, logs=None):
        self._undo()
        self._undo = None

    def on_train_abandoned(self):
        if self._undo is not None:
            self.on_train_end()

    def observe(self, gradients, variables):
        """Take note of the gradients of one step: called right before the optimizer's update."""
        squares = {}
        for gradient, variable in zip(gradients, variables, strict=True):
            if gradient is not None:
                layer = layer_of(variable)
                squares[layer] = squares.get(layer, 0.0) + squared_norm(gradient)
        norms = {layer: math.sqrt(square) for layer, square in squares.items()}
        norms[None] = math.sqrt(sum(squares.values()))
        for layer, norm in norms.items():
            self._largest[layer] = float(np.maximum(self._largest.get(layer, 0.0), norm))
        if not norms[None] < self.threshold:  # also if it is NaN
            self._explode(norms)
        self._batch += 1

    def _explode(self, norms):
        if self.explosions and self.explosions[-1][0] == self._epoch:
            return
        layers = [layer for layer in norms if layer is not None]
        # NaN has no place in an order: it counts as the largest
        worst = max(layers, key=lambda layer: (math.isnan(norms[layer]), norms[layer]))
        self.explosions.append((self._epoch, self._batch, worst, norms[worst]))
        if self.verbose:
            announce(
                f"Epoch {self._epoch + 1}, batch {self._batch + 1}: the gradients explode. Their "
                f"norm is {norms[None]:.4g}, most of it in layer {worst!r} ({norms[worst]:.4g})."
            )

    def _watch_model(self):
        """Have the model show its gradients, beside whoever else sees them. Returns the undoing."""
        before = self.model._gradient_hook

        def hook(gradients, variables):
            if before is not None:
                before(gradients, variables)
            self.observe(gradients, variables)

        self.model._gradient_hook = hook

        def undo():
            self.model._gradient_hook = before

        return undo

    def _watch_keras(self):
        """The same for Keras on TensorFlow, whose optimizers apply gradients in one place."""
        tensorflow = sys.modules.get("tensorflow")
        if tensorflow is None or getattr(self.model, "jit_compile", False) is True:
            raise ValueError(
                "GradientMonitor works within Keras on TensorFlow, without XLA: "
                "`model.compile(..., jit_compile=False)`. Received: "
                f"jit_compile={getattr(self.model, 'jit_compile', None)}, "
                f"TensorFlow {'is not' if tensorflow is None else 'is'} imported"
            )
        optimizer = self.model.optimizer
        apply = optimizer.apply

        def watched(gradients, trainable_variables=None):
            self._observe_tensors(tensorflow, gradients, trainable_variables)
            return apply(gradients, trainable_variables)

        vars(optimizer)["apply"] = watched
        trace_again(self.model)

        def undo():
            del vars(optimizer)["apply"]
            trace_again(self.model)

        return undo

    def _observe_tensors(self, tensorflow, gradients, variables):
        variables = self.model.trainable_variables if variables is None else variables
        pairs = [pair for pair in zip(gradients, variables, strict=True) if pair[0] is not None]
        used = [variable for _, variable in pairs]
        tensors = [tensorflow.convert_to_tensor(gradient) for gradient, _ in pairs]
        tensorflow.numpy_function(lambda *arrays: self.observe(arrays, used), tensors, [])


def layer_of(variable):
    """The layer of a variable, by its path: "dense" of "dense/kernel"."""
    path = getattr(variable, "path", None) or variable.name
    return path.rpartition("/")[0] or path


def squared_norm(gradient):
    """The sum of the squares of a gradient, which may hold only some rows of a table."""
    dense = gradient.summed().rows if hasattr(gradient, "summed") else gradient
    values = np.asarray(dense).ravel()
    with np.errstate(over="ignore"):  # infinity is an answer
        return float(np.dot(values, values))
