"""Layers, and functions, that make one of several inputs."""

from npkeras import ops
from npkeras.core import check
from npkeras.core.attach import get_mask, set_mask
from npkeras.core.registry import register
from npkeras.core.shapes import shape_of
from npkeras.layers.base import Layer


class _Merge(Layer):
    """What layers that take a list of inputs share: entry by entry, unless they say otherwise.

    Inputs with fewer axes than others get axes of length 1 after that of the samples.
    """

    supports_masking = True
    counts = range(1, 10**9)  # how many inputs there may be

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def build(self, input_shape):
        if not isinstance(input_shape, (list, tuple)) or not all(
            isinstance(shape, (list, tuple)) for shape in input_shape
        ):
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) takes a list of inputs. "
                f"Received a single one, of shape {input_shape}."
            )
        self._check_shapes([tuple(shape) for shape in input_shape])

    def call(self, inputs):
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) takes a list of inputs. "
                f"Received: {check.shown(inputs)}"
            )
        self._check_shapes([shape_of(x) for x in inputs])
        return self._merged(self._of_one_ndim(inputs))

    def _of_one_ndim(self, inputs):
        most = max(len(shape_of(x)) for x in inputs)
        return [_with_axes(x, most) for x in inputs]

    def _check_shapes(self, shapes):
        self._check_count(shapes)
        batches = {shape[0] for shape in shapes if shape} - {None}
        ndim = max(map(len, shapes))
        padded = [(*s[:1], *[1] * (ndim - len(s)), *s[1:]) for s in shapes]
        if len(batches) > 1 or any(
            len(set(lengths) - {1, None}) > 1 for lengths in zip(*padded, strict=True)
        ):
            raise self._misfit(shapes, "as many samples and shapes that broadcast")

    def _check_count(self, shapes):
        if len(shapes) not in self.counts:
            wanted = "at least 1" if len(self.counts) > 1 else self.counts[0]
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) takes a list of {wanted} input(s). "
                f"Received {len(shapes)}, of shapes {shapes}."
            )

    def _misfit(self, shapes, wanted):
        return ValueError(
            f"Layer {self.name!r} ({type(self).__name__}) expects inputs with {wanted}. "
            f"Received inputs of shapes {', '.join(map(str, shapes))}."
        )

    def compute_mask(self, inputs, mask=None):
        """True where any of the masks is; None if an input has none."""
        if mask is None:
            return None
        self._check_masks(inputs, mask)
        if any(m is None for m in mask):
            return None
        return _folded(ops.logical_or, mask)

    def _check_masks(self, inputs, mask):
        lists = all(isinstance(value, (list, tuple)) for value in (inputs, mask))
        if not lists or len(inputs) != len(mask):
            raise ValueError(
                f"`compute_mask` of layer {self.name!r} ({type(self).__name__}) takes a list of "
                f"inputs and a list with a mask, or None, for each. "
                f"Received: inputs={check.shown(inputs)}, mask={check.shown(mask)}"
            )


def _folded(function, values):
    result = values[0]
    for value in values[1:]:
        result = function(result, value)
    return result


def _with_axes(x, ndim):
    """An input with as many axes, those that it lacks after the first."""
    shape = shape_of(x)
    missing = ndim - len(shape)
    return ops.expand_dims(x, tuple(range(1, 1 + missing))) if missing and shape else x


def _spread_mask(x):
    """The mask of an input, for each of its entries; None without one."""
    mask = get_mask(x)
    if mask is None:
        return None
    return ops.logical_and(ops.expand_dims(mask, -1), ops.ones_like(x, "bool"))


def _with_mask(y, mask):
    """A result with what is left of a mask for each entry."""
    set_mask(y, ops.any(mask, axis=-1))
    return y


@register("layers")
class Add(_Merge):
    """The sum of the inputs.

    Example:
        >>> Add()([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])
        array([[4., 7.]], dtype=float32)
    """

    def _merged(self, inputs):
        return _folded(ops.add, inputs)


@register("layers")
class Subtract(_Merge):
    """The first of two inputs less the second.

    Example:
        >>> Subtract()([np.array([[4.0, 7.0]]), np.array([[3.0, 5.0]])])
        array([[1., 2.]], dtype=float32)
    """

    counts = range(2, 3)

    def _merged(self, inputs):
        return ops.subtract(*inputs)


@register("layers")
class Multiply(_Merge):
    """The product of the inputs.

    Entries that a mask leaves out count as 1; where all inputs have masks, and all of them leave an
    entry out, the result is 0.

    Example:
        >>> Multiply()([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])
        array([[ 3., 10.]], dtype=float32)
    """

    def _merged(self, inputs):
        masks = [_spread_mask(x) for x in inputs]
        factors = [
            x if mask is None else ops.where(mask, x, ops.ones_like(x))
            for x, mask in zip(inputs, masks, strict=True)
        ]
        product = _folded(ops.multiply, factors)
        if any(mask is None for mask in masks):
            return product
        either = _folded(ops.logical_or, masks)
        return _with_mask(ops.where(either, product, ops.zeros_like(product)), either)


@register("layers")
class Average(_Merge):
    """The mean of the inputs.

    Example:
        >>> Average()([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])
        array([[2. , 3.5]], dtype=float32)
    """

    def _merged(self, inputs):
        return ops.divide(_folded(ops.add, inputs), len(inputs))


class _Extreme(_Merge):
    """The largest or smallest of the inputs; where a mask leaves one out, of the others."""

    def _merged(self, inputs):
        y, seen = inputs[0], _spread_mask(inputs[0])
        for x in inputs[1:]:
            mask, old = _spread_mask(x), y
            x = x if mask is None else ops.where(mask, x, old)
            y = old if seen is None else ops.where(seen, old, x)
            both = mask is not None and seen is not None
            seen = ops.logical_or(seen, mask) if both else None
            y = self.chosen(y, x)
        return y if seen is None or len(inputs) == 1 else _with_mask(y, seen)


@register("layers")
class Maximum(_Extreme):
    """The largest of the inputs, entry by entry; where a mask leaves one out, of the others.

    Example:
        >>> Maximum()([np.array([[1.0, 7.0]]), np.array([[3.0, 5.0]])])
        array([[3., 7.]], dtype=float32)
    """

    chosen = staticmethod(ops.maximum)


@register("layers")
class Minimum(_Extreme):
    """The smallest of the inputs, entry by entry; where a mask leaves one out, of the others.

    Example:
        >>> Minimum()([np.array([[1.0, 7.0]]), np.array([[3.0, 5.0]])])
        array([[1., 5.]], dtype=float32)
    """

    chosen = staticmethod(ops.minimum)


@register("layers")
class Concatenate(_Merge):
    """The inputs one after another along an axis.

    Args:
        axis: The axis; along the others the inputs must be as long as each other.

    Example:
        >>> Concatenate()([np.array([[1.0, 2.0]]), np.array([[3.0]])])
        array([[1., 2., 3.]], dtype=float32)
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        if not check.is_int(axis):
            raise ValueError(
                f"`axis` of Concatenate must be an integer. Received: axis={check.shown(axis)}"
            )
        self.axis = int(axis)

    def _check_shapes(self, shapes):
        self._check_count(shapes)
        ndim = len(shapes[0])
        if not -ndim <= self.axis < ndim:
            raise self._misfit(shapes, f"an axis {self.axis}")
        others = [[*s[: self.axis % ndim], *s[self.axis % ndim + 1 :]] for s in shapes]
        if any(len(shape) != ndim for shape in shapes) or any(
            len(set(lengths) - {None}) > 1 for lengths in zip(*others, strict=True)
        ):
            raise self._misfit(shapes, f"shapes that agree except along axis {self.axis}")

    def _merged(self, inputs):
        return ops.concatenate(inputs, axis=self.axis)

    def _of_one_ndim(self, inputs):
        return inputs

    def compute_mask(self, inputs, mask=None):
        """The masks one after another; all of an input without a mask counts."""
        if mask is None:
            return None
        self._check_masks(inputs, mask)
        if all(m is None for m in mask):
            return None
        spread = [_mask_along(x, m) for x, m in zip(inputs, mask, strict=True)]
        return ops.any(ops.concatenate(spread, axis=self.axis), axis=-1)


def _mask_along(x, mask):
    """A mask with the axes of its input."""
    if mask is None:
        return ops.ones_like(x, "bool")
    if len(shape_of(mask)) < len(shape_of(x)):
        return ops.logical_and(ops.expand_dims(mask, -1), ops.ones_like(x, "bool"))
    return mask


@register("layers")
class Dot(_Merge):
    """Sums of products of two inputs along an axis of each, sample by sample.

    The other axes of the first are followed by those of the second.

    Args:
        axes: The axis, or a pair: that of the first input and that of the second. Not 0.
        normalize: Whether the inputs are first divided by their norms along those axes, so that
            the results are cosines.

    Example:
        >>> Dot(axes=1)([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])
        array([[13.]], dtype=float32)
    """

    counts = range(2, 3)

    def __init__(self, axes, normalize=False, **kwargs):
        super().__init__(**kwargs)
        pair = isinstance(axes, (list, tuple)) and len(axes) == 2
        if not check.is_int(axes) and not (pair and all(map(check.is_int, axes))):
            raise (ValueError if isinstance(axes, (list, tuple)) else TypeError)(
                "`axes` of Dot must be an integer or a pair of integers. "
                f"Received: axes={check.shown(axes)}"
            )
        self.axes, self.normalize = axes, normalize

    def _axes_in(self, shapes):
        axes = [self.axes] * 2 if check.is_int(self.axes) else self.axes
        for axis, shape in zip(axes, shapes, strict=True):
            if not -len(shape) <= axis < len(shape) or axis % len(shape) == 0:
                raise self._misfit(shapes, f"an axis {axis} that is not that of the samples")
        return [axis % len(shape) for axis, shape in zip(axes, shapes, strict=True)]

    def _check_shapes(self, shapes):
        self._check_count(shapes)
        (a, b), (first, second) = self._axes_in(shapes), shapes
        if any(
            None not in lengths and len(set(lengths)) > 1
            for lengths in ((first[0], second[0]), (first[a], second[b]))
        ):
            raise self._misfit(shapes, f"as many samples, and one length along axes {self.axes}")

    def _merged(self, inputs):
        ndims = [len(shape_of(x)) for x in inputs]
        a, b = self._axes_in([shape_of(x) for x in inputs])
        if self.normalize:
            inputs = [ops.normalize(x, axis=axis) for x, axis in zip(inputs, (a, b), strict=True)]
        first = list(range(ndims[0]))
        second = [0, *range(ndims[0], ndims[0] + ndims[1] - 1)]
        second[b] = a
        rest = [i for i in (*first, *second) if i not in (0, a)]
        subscripts = [_letters(first), _letters(second), _letters([0, *rest])]
        y = ops.einsum("{},{}->{}".format(*subscripts), *inputs)
        return y if rest else ops.expand_dims(y, -1)

    def _of_one_ndim(self, inputs):
        return inputs

    def compute_mask(self, inputs, mask=None):
        return None


def _letters(numbers):
    return "".join(chr(ord("a") + i) for i in numbers)


def add(inputs, **kwargs):
    """The sum of the inputs: the layer `Add`, made and called at once."""
    return Add(**kwargs)(inputs)


def subtract(inputs, **kwargs):
    """The first of two inputs less the second: the layer `Subtract`, made and called at once."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs, **kwargs):
    """The product of the inputs: the layer `Multiply`, made and called at once."""
    return Multiply(**kwargs)(inputs)


def average(inputs, **kwargs):
    """The mean of the inputs: the layer `Average`, made and called at once."""
    return Average(**kwargs)(inputs)


def maximum(inputs, **kwargs):
    """The largest of the inputs: the layer `Maximum`, made and called at once."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs, **kwargs):
    """The smallest of the inputs: the layer `Minimum`, made and called at once."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs, axis=-1, **kwargs):
    """The inputs one after another: the layer `Concatenate`, made and called at once."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs, axes=-1, **kwargs):
    """Sums of products of two inputs: the layer `Dot`, made and called at once."""
    return Dot(axes=axes, **kwargs)(inputs)
