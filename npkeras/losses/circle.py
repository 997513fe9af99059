"""Circle loss: embeddings of one class drawn together, those of different classes apart."""

import numpy as np

from npkeras import ops
from npkeras.core import check
from npkeras.core.attach import set_mask
from npkeras.core.dtypes import as_array
from npkeras.core.registry import register
from npkeras.core.tape import plain
from npkeras.losses.base import LossFunctionWrapper, as_floats

FAR_BELOW = -1e9  # stands for the logarithm of zero: a pair that does not count


@register("losses")
def circle(
    y_true,
    y_pred,
    ref_labels=None,
    ref_embeddings=None,
    remove_diagonal=True,
    gamma=80,
    margin=0.4,
):
    """The circle loss of each embedding.

    With s = min(y_pred @ ref_embeddings.T, 1) the cosine similarities, p over references of the
    same class and n over those of others:

        log(1 + sum_n exp(gamma * relu(s_n + margin) * (s_n - margin))
              * sum_p exp(-gamma * relu(1 + margin - s_p) * (s_p - 1 + margin)))

    An embedding without a reference of its own class has loss 0, and a mask on the values keeps it
    out of their mean. Source: Sun et al., 2020,
    arxiv.org/abs/2002.10857, equation 6, whose authors let no gradient flow through the two relu
    factors; here it does, as in Keras.

    Args:
        y_true: The class number of each embedding, in shape (batch,) or (batch, 1).
        y_pred: Embeddings of length 1, in shape (batch, features).
        ref_labels: The class numbers of the references; None: the batch itself.
        ref_embeddings: The references; None: the batch itself.
        remove_diagonal: Whether an embedding is no reference for itself.
        gamma: A scale: how sharply hard pairs outweigh easy ones.
        margin: How far from perfect similarity is near enough.

    Example:
        >>> loss = npkeras.losses.circle(np.array([0, 0]), np.eye(2, dtype="float32"))
        >>> loss.shape
        (2,)
    """
    y_pred = as_floats(y_pred)
    labels = _flat(y_true)
    references = y_pred if ref_embeddings is None else as_floats(ref_embeddings)
    reference_labels = labels if ref_labels is None else _flat(ref_labels)
    same = labels[:, None] == reference_labels[None, :]
    counted = np.ones_like(same)
    if remove_diagonal:
        np.fill_diagonal(counted, False)

    distance = ops.subtract(1.0, ops.matmul(y_pred, ops.transpose(references)))
    similarity = ops.subtract(1.0, ops.maximum(distance, 0.0))
    weight_same = ops.relu(ops.subtract(1 + margin, similarity))
    weight_other = ops.relu(ops.add(similarity, margin))
    pull = -gamma * ops.multiply(weight_same, ops.subtract(similarity, 1 - margin))
    push = gamma * ops.multiply(weight_other, ops.subtract(similarity, margin))
    pull = ops.logsumexp(ops.where(same & counted, pull, FAR_BELOW), axis=1)
    push = ops.logsumexp(ops.where(~same & counted, push, FAR_BELOW), axis=1)
    values = ops.softplus(ops.add(pull, push))
    set_mask(values, plain(values) > 0)
    return values


def _flat(labels):
    return np.reshape(as_array(plain(labels)), -1)


@register("losses")
class Circle(LossFunctionWrapper):
    """Embeddings of one class drawn together, those of different classes apart. See `circle`.

    Args:
        gamma: How sharply hard pairs outweigh easy ones.
        margin: How far from perfect similarity is near enough.
        remove_diagonal: Whether an embedding is no reference for itself.
        reduction, name, dtype: As for every `Loss`.

    Shapes:
        y_true (batch,) class numbers, y_pred (batch, features) of length 1
    """

    def __init__(
        self,
        gamma=80.0,
        margin=0.4,
        remove_diagonal=True,
        reduction="sum_over_batch_size",
        name="circle",
        dtype=None,
    ):
        check.number(gamma, "gamma", "Circle", low=0)
        check.number(margin, "margin", "Circle")
        super().__init__(
            circle,
            reduction,
            name,
            dtype,
            gamma=gamma,
            margin=margin,
            remove_diagonal=remove_diagonal,
        )
