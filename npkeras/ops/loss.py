"""Cross-entropies, fused with the softmax or sigmoid before them.

Predictions that came out of `softmax` or `sigmoid` remember their logits. A cross-entropy is
then computed from those: it stays exact where the probability would round to 0, and its slope
is `probability - target`, so that nothing is differentiated through the softmax. The
probabilities themselves are there already and are not computed twice.
"""

from __future__ import annotations

import functools

import numpy as np

from npkeras.core import config
from npkeras.core.attach import attached
from npkeras.core.op import fused_op
from npkeras.core.shapes import float_dtype, normalize_axis, same_float, shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import plain
from npkeras.kernels import softmax as kernels
from npkeras.ops.activation import ORIGIN, floats, logistic
from npkeras.ops.composed import composed
from npkeras.ops.head import head_of


def _logits_of(output):
    """The logits that a softmax or sigmoid left with its result, or None."""
    return attached(output, "logits")


def _known_probabilities(output, origin):
    """The bare array of a result of that very softmax or sigmoid; otherwise None."""
    array = plain(output)
    coarse = array.dtype == np.float16  # too few digits to start from
    return array if attached(output, ORIGIN) == origin and not coarse else None


# Shapes.


def _differ(a, b):
    return len(a) != len(b) or any(None not in (m, n) and m != n for m, n in zip(a, b, strict=True))


def _same_shapes(target, output, owner, hint):
    """Complain if targets and predictions differ in shape."""
    wanted, got = shape_of(output), shape_of(target)
    if _differ(wanted, got):
        raise ValueError(
            f"The loss `{owner}` expects targets of the same shape as the predictions: "
            f"{wanted}. Received targets of shape {got}. {hint}".rstrip()
        )


def _without(shape, axis):
    axis = normalize_axis(axis, len(shape))
    return shape[:axis] + shape[axis + 1 :]


def _rows(x, axis):
    """x as rows of classes."""
    if axis != x.ndim - 1:
        x = np.moveaxis(x, axis, -1)
    return x.reshape(-1, x.shape[-1])


def _unrowed(rows, shape, axis):
    """Rows of classes as an array of that shape, with the classes along an axis."""
    if axis == len(shape) - 1:
        return rows.reshape(shape)
    return np.moveaxis(rows.reshape(*_without(shape, axis), shape[axis]), -1, axis)


# Categorical: one-hot targets.


@composed
def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-sum(target * log(output)) over the classes.

    Args:
        target: One-hot rows, or other probabilities.
        output: The predicted probabilities. If they came from a softmax, its logits are used;
            otherwise they are scaled to add up to 1 and kept `epsilon()` away from 0 and 1.
        from_logits: Whether `output` holds logits instead.
        axis: Along which axis the classes lie.

    Shapes:
        target and output (..., classes) -> (...)
    """
    owner = "categorical_crossentropy"
    shape = shape_of(output)
    if not shape:
        raise ValueError(f"The loss `{owner}` expects predictions with at least one axis.")
    axis = normalize_axis(axis, len(shape))
    classes = shape[axis]
    _same_shapes(
        target,
        output,
        owner,
        "If they are class numbers, use `sparse_categorical_crossentropy`, or "
        f"`npkeras.utils.to_categorical(y, {classes})`.",
    )
    logits = _logits_of(output)
    if logits is not None:
        probabilities = _known_probabilities(output, ("softmax", axis))
        return _softmax_crossentropy(logits, target, axis=axis, probabilities=probabilities)
    if from_logits:
        return _softmax_crossentropy(output, target, axis=axis)
    return _clipped_crossentropy(output, target, axis=axis)


def _categorical_infer(output, target, *, axis, **options):
    return KerasTensor(_without(shape_of(output), axis), float_dtype(output))


@fused_op(_categorical_infer)
def _softmax_crossentropy(logits, targets, *, axis, probabilities=None, wanted):
    """The cross-entropy between targets and softmax(logits); see the kernel of that name.

    The slope is `softmax(logits) - targets`, which takes the targets to add up to 1.
    """
    logits = floats(logits)
    shape = logits.shape
    rows = _rows(logits, axis)
    weights = _rows(targets.astype(logits.dtype, copy=False), axis)
    if probabilities is None:
        loss, known = kernels.softmax_crossentropy_dense(rows, weights)
    else:
        known = _rows(probabilities, axis)
        loss = _dense_loss(rows, weights, known)
    logs = kernels.log_softmax(rows) if 1 in wanted else None
    with_logits = 0 in wanted

    def backward(dloss):
        dloss = dloss.reshape(-1, 1)
        dlogits = _unrowed((known - weights) * dloss, shape, axis) if with_logits else None
        return dlogits, None if logs is None else _unrowed(-logs * dloss, shape, axis)

    return loss.reshape(_without(shape, axis)), backward


@functools.cache
def _faintest(dtype):
    """Below this a probability has lost digits, or all of them."""
    return dtype.type(np.finfo(dtype).tiny / np.finfo(dtype).eps)


def _dense_loss(logits, targets, probabilities):
    least = _faintest(probabilities.dtype)
    loss = -np.vecdot(targets, np.log(np.maximum(probabilities, least)))
    if probabilities.min(initial=1) < least:
        rows = np.flatnonzero(((probabilities < least) & (targets != 0)).any(axis=-1))
        loss[rows] = kernels.softmax_crossentropy_dense(logits[rows], targets[rows])[0]
    return loss


@fused_op(_categorical_infer)
def _clipped_crossentropy(output, target, *, axis, wanted):
    """The cross-entropy of positive numbers, once they are scaled to add up to 1."""
    output = floats(output)
    target = target.astype(output.dtype, copy=False)
    epsilon = config.epsilon()
    with np.errstate(divide="ignore", invalid="ignore"):
        sums = output.sum(axis, keepdims=True)
        scaled = output / sums
    clipped = np.clip(scaled, epsilon, 1 - epsilon)
    logs = np.log(clipped)
    loss = -(target * logs).sum(axis)

    def backward(dloss):
        dloss = np.expand_dims(dloss, axis)
        inside = np.where(clipped == scaled, clipped, np.inf)  # elsewhere the slope is 0
        dscaled = -dloss * target / inside
        doutput = (dscaled - (dscaled * scaled).sum(axis, keepdims=True)) / sums
        return doutput, -dloss * logs

    return loss, backward


# Sparse categorical: class numbers.

_SPARSE = "sparse_categorical_crossentropy"


@composed
def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-log(output[target]): the cross-entropy for targets given as class numbers.

    Args:
        target: Integers in [0, classes).
        output: The predicted probabilities. If they came from a softmax, its logits are used;
            otherwise they are kept `epsilon()` away from 0 and 1 and scaled to add up to 1.
        from_logits: Whether `output` holds logits instead.
        axis: Along which axis the classes lie; only the last is supported.

    Shapes:
        target (...) or (..., 1), output (..., classes) -> (...)

    Raises:
        ValueError: For a target that is no class number, naming it and its position.
    """
    shape = shape_of(output)
    if not shape or axis not in (-1, len(shape) - 1):
        raise ValueError(
            f"The loss `{_SPARSE}` expects the classes along the last axis of the predictions. "
            f"Received: axis={axis}, and predictions of shape {shape}"
        )
    _check_labels_shape(shape_of(target), shape)
    logits = _logits_of(output)
    head = head_of(output if logits is None and from_logits else logits)
    if head is not None:
        return head.crossentropy(target, labels_of)
    if logits is not None:
        probabilities = _known_probabilities(output, ("softmax", len(shape) - 1))
        return _sparse_softmax_crossentropy(logits, target, probabilities=probabilities)
    if from_logits:
        return _sparse_softmax_crossentropy(output, target)
    return _sparse_clipped_crossentropy(output, target)


def _check_labels_shape(target, output):
    column = len(target) == len(output) and target[-1] == 1
    if not _differ(target[:-1] if column else target, output[:-1]):
        return
    hint = ""
    if not _differ(target, output):
        hint = " If the targets are one-hot rows, use `categorical_crossentropy`."
    raise ValueError(
        f"The loss `{_SPARSE}` expects one class number for each row of the predictions: targets "
        f"of shape {output[:-1]} for predictions of shape {output}. "
        f"Received targets of shape {target}.{hint}"
    )


def labels_of(target, classes, owner):
    """Targets as integers in [0, classes); an error names the first that is none."""
    labels = target
    if labels.dtype.kind not in "iu":
        with np.errstate(invalid="ignore"):  # nan is found by the comparison
            labels = target.astype(np.intp)
        wrong = labels != target
    elif not labels.size or (labels.min() >= 0 and labels.max() < classes):
        return labels
    else:
        wrong = np.zeros(labels.shape, bool)
    wrong = wrong | (labels < 0) | (labels >= classes)
    if wrong.any():
        position = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"`{owner}` expects class numbers, integers from 0 to {classes - 1}, for predictions "
            f"of {classes} classes. Received the target {target[position]} at position {position}."
        )
    return labels


def _sparse_infer(output, target, **options):
    return KerasTensor(shape_of(output)[:-1], float_dtype(output))


@fused_op(_sparse_infer)
def _sparse_softmax_crossentropy(logits, labels, *, probabilities=None, wanted):
    """The cross-entropy between class numbers and softmax(logits)."""
    logits = floats(logits)
    shape, classes = logits.shape, logits.shape[-1]
    rows = logits.reshape(-1, classes)
    labels = labels_of(labels, classes, _SPARSE).reshape(-1)
    if probabilities is None:
        loss, known = kernels.softmax_crossentropy(rows, labels)
    else:
        known = probabilities.reshape(-1, classes)
        loss = _sparse_loss(rows, labels, known)

    def backward(dloss):
        dloss = dloss.reshape(-1)
        dlogits = known * dloss[:, None]
        dlogits[np.arange(len(labels)), labels] -= dloss
        return dlogits.reshape(shape), None

    return loss.reshape(shape[:-1]), backward


def _sparse_loss(logits, labels, probabilities):
    chosen = probabilities[np.arange(len(labels)), labels]
    least = _faintest(chosen.dtype)
    loss = -np.log(np.maximum(chosen, least))
    if chosen.min(initial=1) < least:
        rows = np.flatnonzero(chosen < least)
        loss[rows] = kernels.softmax_crossentropy(logits[rows], labels[rows])[0]
    return loss


@fused_op(_sparse_infer)
def _sparse_clipped_crossentropy(output, labels, *, wanted):
    """The cross-entropy of positive numbers, kept off 0 and 1 and then scaled to add up to 1."""
    output = floats(output)
    shape, classes = output.shape, output.shape[-1]
    epsilon = config.epsilon()
    clipped = np.clip(output, epsilon, 1 - epsilon).reshape(-1, classes)
    labels = labels_of(labels, classes, _SPARSE).reshape(-1)
    picked = np.arange(len(labels)), labels
    sums, chosen = clipped.sum(axis=-1), clipped[picked]
    loss = np.log(sums) - np.log(chosen)
    inside = output.reshape(-1, classes) == clipped

    def backward(dloss):
        dloss = dloss.reshape(-1)
        doutput = np.repeat((dloss / sums)[:, None], classes, axis=1)
        doutput[picked] -= dloss / np.where(inside[picked], chosen, np.inf)
        doutput *= inside
        return doutput.reshape(shape), None

    return loss.reshape(shape[:-1]), backward


# Binary: a yes or no for each entry.


@composed
def binary_crossentropy(target, output, from_logits=False):
    """-(target * log(output) + (1 - target) * log(1 - output)), for each entry.

    Args:
        target: Zeros and ones, or probabilities.
        output: The predicted probabilities. If they came from a sigmoid, its logits are used;
            otherwise they are kept `epsilon()` away from 0 and 1.
        from_logits: Whether `output` holds logits instead.

    Shapes:
        target and output of one shape, which is that of the result
    """
    _same_shapes(target, output, "binary_crossentropy", "")
    logits = _logits_of(output)
    if logits is not None:
        probabilities = _known_probabilities(output, ("sigmoid", None))
        return _sigmoid_crossentropy(logits, target, probabilities=probabilities)
    if from_logits:
        return _sigmoid_crossentropy(output, target)
    return _clipped_binary_crossentropy(output, target)


@fused_op(same_float)
def _sigmoid_crossentropy(logits, target, *, probabilities=None, wanted):
    """The binary cross-entropy between targets and sigmoid(logits).

    It is max(x, 0) - x * target + log(1 + e**-|x|), in which nothing overflows.
    """
    x = floats(logits)
    target = target.astype(x.dtype, copy=False)
    loss = np.maximum(x, 0) - x * target + np.log1p(np.exp(-np.abs(x)))
    if probabilities is None and 0 in wanted:
        probabilities = logistic(x)
    kept = x if 1 in wanted else None

    def backward(dloss):
        dlogits = None if probabilities is None else (probabilities - target) * dloss
        return dlogits, None if kept is None else -kept * dloss

    return loss, backward


@fused_op(same_float)
def _clipped_binary_crossentropy(output, target, *, wanted):
    """The binary cross-entropy of numbers kept off 0 and 1."""
    output = floats(output)
    target = target.astype(output.dtype, copy=False)
    epsilon = config.epsilon()
    clipped = np.clip(output, epsilon, 1 - epsilon)
    yes, no = np.log(clipped), np.log(1 - clipped)
    inside = clipped == output

    def backward(dloss):
        doutput = ((1 - target) / (1 - clipped) - target / clipped) * inside * dloss
        return doutput, (no - yes) * dloss

    return -(target * yes + (1 - target) * no), backward
