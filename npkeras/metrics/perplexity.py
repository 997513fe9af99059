"""Perplexity: among how many words a language model hesitates."""

import numpy as np

from npkeras import losses
from npkeras.core.attach import get_mask
from npkeras.core.registry import register
from npkeras.core.tape import no_grad, plain
from npkeras.metrics.base import Metric, add_to, aligned_weights, array_of


@register("metrics")
class Perplexity(Metric):
    """exp of the mean cross-entropy over all tokens of all batches.

    A model that gives every one of n words the same probability has perplexity n; one that
    knows each next word has 1. Tokens under a mask attached to the predictions, of the class
    `ignore_class`, or with sample weight 0 do not count.

    Args:
        name, dtype: As for every `Metric`.
        from_logits: Whether predictions are logits, the numbers before a softmax.
        ignore_class: The class number of tokens that do not count: that of padding, say.
        axis: The axis of the classes.

    Shapes:
        y_true (batch, time), y_pred (batch, time, words)

    Keras has no such metric. A program that is to run on both defines one of the same value:

        class Perplexity(keras.metrics.Mean):
            def update_state(self, y_true, y_pred, sample_weight=None):
                tokens = keras.losses.sparse_categorical_crossentropy(y_true, y_pred)
                super().update_state(keras.ops.reshape(tokens, (-1,)))

            def result(self):
                return keras.ops.exp(super().result())

    Example:
        >>> metric = npkeras.metrics.Perplexity()
        >>> metric.update_state([[0, 1]], [[[0.5, 0.5], [0.5, 0.5]]])
        >>> round(float(metric.result()), 4)
        2.0
    """

    _direction = "down"

    def __init__(
        self, name="perplexity", dtype=None, from_logits=False, ignore_class=None, axis=-1
    ):
        super().__init__(name=name, dtype=dtype)
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch.

        Args:
            y_true: The number of the right word for each token.
            y_pred: Probabilities of all words for each token, or logits.
            sample_weight: Weights for sequences, or for each token.
        """
        mask, y_true = get_mask(y_pred), array_of(y_true)
        with no_grad():
            values = losses.sparse_categorical_crossentropy(
                y_true, y_pred, self.from_logits, self.ignore_class, self.axis
            )
        values = array_of(values)
        weights = None
        if sample_weight is not None:
            weights = aligned_weights(sample_weight, values.shape, self.name)
        if mask is not None:
            mask = aligned_weights(plain(mask), values.shape, self.name)
            weights = mask if weights is None else weights * mask
        if self.ignore_class is not None:
            counts = y_true.reshape(values.shape) != self.ignore_class
            weights = counts if weights is None else weights * counts
        if weights is None:
            add_to(self.total, values.sum())
            add_to(self.count, values.size)
        else:
            add_to(self.total, (values * weights).sum())
            add_to(self.count, np.broadcast_to(weights, values.shape).sum())

    def result(self):
        """The perplexity; 0 before the first token."""
        total, count = self.total.value, self.count.value
        return np.exp(total / count) if count else np.zeros((), self.dtype)[()]
