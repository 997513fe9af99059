"""What is done to gradients before a rule sees them: unscaling, accumulation, clipping."""

import math

import numpy as np

from npkeras.core.rows import RowGradient
from npkeras.core.tape import plain


def prepared(gradient, variable, owner):
    """The gradient as an array of the variable's shape and dtype, or as a `RowGradient`."""
    gradient = plain(gradient)
    value = variable.value
    if isinstance(gradient, RowGradient):
        if gradient.dtype != value.dtype:
            gradient = gradient.astype(value.dtype)
    elif not isinstance(gradient, np.ndarray) or gradient.dtype != value.dtype:
        gradient = np.asarray(gradient, value.dtype)
    if tuple(gradient.shape) != value.shape:
        raise ValueError(
            f"{owner} expects a gradient of shape {value.shape} for variable {variable.path!r}. "
            f"Received a gradient of shape {tuple(gradient.shape)}."
        )
    return gradient


def entries(gradient):
    """The array that holds the gradient's numbers."""
    return gradient.rows if isinstance(gradient, RowGradient) else gradient


def is_finite(gradient):
    """Whether no entry is infinite or NaN."""
    norm = _plain_norm(entries(gradient))
    return math.isfinite(norm) or bool(np.isfinite(entries(gradient)).all())


def norm(gradient):
    """The square root of the sum of squares; infinite or NaN only if an entry is.

    For a `RowGradient` these are the squares of its rows as they are, repeated indices and
    all, as in Keras on TensorFlow.
    """
    array = entries(gradient)
    result = _plain_norm(array)
    if math.isfinite(result) or not np.isfinite(array).all():
        return result
    return float(np.sqrt(np.square(array, dtype=np.float64).sum()))


def _plain_norm(array):
    flat = array.ravel(order="K")
    if flat.dtype == np.float16:  # its squares leave the range of float16 at 256
        return float(np.sqrt(np.square(flat, dtype=np.float32).sum()))
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.sqrt(np.dot(flat, flat)))


def scaled(gradient, factor, limit, scratch):
    """`gradient * factor`, cut at -limit and limit; None means neither is to be done.

    The given gradient belongs to the caller, who may look at it later, so the result lies in
    scratch.
    """
    if isinstance(gradient, RowGradient):
        if factor is not None:
            gradient = gradient * factor
        if limit is not None:
            rows = np.clip(gradient.rows, -limit, limit)
            gradient = RowGradient(gradient.indices, rows, gradient.shape)
        return gradient
    if factor is None and limit is None:
        return gradient
    result = scratch.like(gradient, "gradient")
    if factor is not None:
        gradient = np.multiply(gradient, factor, out=result)
    if limit is not None:
        np.clip(gradient, -limit, limit, out=result)
    return result


def add_to(total, gradient, factor, scratch):
    """`total += factor * gradient`, in place."""
    total += scaled(gradient, factor, None, scratch)


class Clipping:
    """How far each gradient of one step is to be shortened.

    Args:
        clipnorm: The longest each gradient may be.
        global_clipnorm: The longest all of them together may be.
        clipvalue: The largest size of any entry.
        unscale: What every gradient is to be multiplied by before it is clipped, or None.
    """

    def __init__(self, clipnorm, global_clipnorm, clipvalue, unscale=None):
        self.clipnorm = clipnorm if _is_on(clipnorm) else None
        self.global_clipnorm = global_clipnorm if _is_on(global_clipnorm) else None
        by_norm = self.clipnorm is not None or self.global_clipnorm is not None
        self.limit = clipvalue if _is_on(clipvalue) and not by_norm else None
        self.unscale = unscale
        self.changes = by_norm or self.limit is not None or unscale is not None

    def factors(self, gradients):
        """What to multiply each gradient by, None for 1; or the place of one that is not finite.

        Returns:
            (factors, None), or (None, i) if gradient i is infinite or NaN and so has no norm.
        """
        if self.clipnorm is None and self.global_clipnorm is None:
            return [self.unscale] * len(gradients), None
        unscale = 1.0 if self.unscale is None else self.unscale
        norms = [norm(gradient) * unscale for gradient in gradients]
        for i, length in enumerate(norms):
            if not math.isfinite(length):
                return None, i
        if self.clipnorm is not None:
            return [self._factor(length, self.clipnorm) for length in norms], None
        return [self._factor(math.hypot(*norms), self.global_clipnorm)] * len(norms), None

    def clipped(self, gradient, factor, scratch):
        """A gradient, multiplied by its factor, and with its entries cut at `clipvalue`."""
        if self.global_clipnorm is not None and isinstance(gradient, RowGradient):
            gradient = gradient.summed()  # as Keras does in this case alone; squares differ by it
        return scaled(gradient, factor, self.limit, scratch)

    def _factor(self, length, longest):
        if length <= longest:
            return self.unscale
        return longest / length * (1.0 if self.unscale is None else self.unscale)


def _is_on(limit):
    return limit is not None and limit > 0
