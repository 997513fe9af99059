"""Zeros around images and sequences, and edges cut off."""

from npkeras import ops
from npkeras.core import check
from npkeras.core.registry import register
from npkeras.layers.base import Layer
from npkeras.layers.convolution import defaults
from npkeras.layers.input_spec import InputSpec
from npkeras.layers.reshaping import data_format_of


def _pairs(value, rank, name, owner):
    """For each axis how many entries at its start and at its end.

    One number stands for all of them; a number for an axis, for both of its ends. Where there is
    one axis only, two numbers are its two ends.
    """
    entries = (value,) * rank if check.is_int(value) else value
    if rank == 1 and isinstance(value, (tuple, list)):
        entries = (value,)
    pairs = None
    if isinstance(entries, (tuple, list)) and len(entries) == rank:
        pairs = [(n, n) if check.is_int(n) else n for n in entries]
    if pairs is None or not all(
        isinstance(pair, (tuple, list))
        and len(pair) == 2
        and all(check.is_int(n) and n >= 0 for n in pair)
        for pair in pairs
    ):
        of_axis = "a pair (start, end)" if rank == 1 else f"{rank} integers or pairs (start, end)"
        raise ValueError(
            f"`{name}` of {owner} must be a non-negative integer or {of_axis}. "
            f"Received: {name}={check.shown(value)}"
        )
    return tuple((int(start), int(end)) for start, end in pairs)


class _Edges(Layer):
    """What the layers below share."""

    rank = None
    data_format = "channels_last"
    option = "padding"  # the argument that says how many entries

    def _keep(self, value):
        pairs = _pairs(value, self.rank, self.option, type(self).__name__)
        setattr(self, self.option, pairs[0] if self.rank == 1 else pairs)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def get_config(self):
        return {**super().get_config(), self.option: getattr(self, self.option)}  # pairs as tuples

    def _along_all_axes(self, value):
        """A pair for each axis of the inputs, (0, 0) for those of samples and channels."""
        pairs = (value,) if self.rank == 1 else value
        if self.data_format == "channels_last":
            return ((0, 0), *pairs, (0, 0))
        return ((0, 0), (0, 0), *pairs)


class _ZeroPadding(_Edges):
    def __init__(self, padding=1, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self._keep(padding)
        self.data_format = data_format_of(data_format, type(self).__name__)

    def call(self, inputs):
        return ops.pad(inputs, self._along_all_axes(self.padding))


@register("layers")
class ZeroPadding1D(_ZeroPadding):
    """Steps of zeros before and after a sequence.

    Args:
        padding: How many: one integer for both ends, or a pair (start, end).
        data_format: `"channels_last"` for inputs (batch, steps, features), `"channels_first"` for
            (batch, features, steps). None: the global setting.

    Shapes:
        inputs (batch, steps, features) -> (batch, start + steps + end, features)

    Example:
        >>> ZeroPadding1D((2, 0))(np.ones((1, 1, 1)))[0, :, 0]
        array([0., 0., 1.], dtype=float32)
    """

    rank = 1


@register("layers")
@defaults(padding=(1, 1))
class ZeroPadding2D(_ZeroPadding):
    """Rows and columns of zeros around images.

    Args:
        padding: How many: one integer for all edges; two, for rows and columns; or two pairs,
            `((top, bottom), (left, right))`.
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.

    Shapes:
        inputs (batch, rows, columns, channels)
        -> (batch, top + rows + bottom, left + columns + right, channels)

    Example:
        >>> ZeroPadding2D(((1, 0), (0, 2)))(np.ones((1, 2, 2, 1)))[0, :, :, 0]
        array([[0., 0., 0., 0.],
               [1., 1., 0., 0.],
               [1., 1., 0., 0.]], dtype=float32)
    """

    rank = 2


@register("layers")
@defaults(padding=((1, 1), (1, 1), (1, 1)))
class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes.

    Args:
        padding: How many: one integer for all faces; three, for the three axes; or three pairs
            (start, end).
        data_format: `"channels_last"` for inputs (batch, a, b, c, channels), `"channels_first"` for
            (batch, channels, a, b, c). None: the global setting.

    Shapes:
        inputs (batch, a, b, c, channels) -> the same with longer axes

    Example:
        >>> ZeroPadding3D((1, 0, 2))(np.ones((2, 3, 3, 3, 1))).shape
        (2, 5, 3, 7, 1)
    """

    rank = 3


class _Cropping(_Edges):
    option = "cropping"

    def call(self, inputs):
        pairs = self._along_all_axes(self.cropping)
        for length, (start, end) in zip(inputs.shape, pairs, strict=True):
            if length is not None and start + end and start + end >= length:
                raise ValueError(
                    f"Layer {self.name!r} ({type(self).__name__}) cuts off {self.cropping}, which "
                    f"leaves nothing of inputs of shape {tuple(inputs.shape)}."
                )
        return inputs[tuple(slice(start, -end or None) for start, end in pairs)]


@register("layers")
class Cropping1D(_Cropping):
    """A sequence without some of its first and last steps.

    Args:
        cropping: How many to cut off: one integer for both ends, or a pair (start, end).

    Shapes:
        inputs (batch, steps, features) -> (batch, steps - start - end, features)

    Example:
        >>> Cropping1D((2, 1))(np.ones((1, 7, 3))).shape
        (1, 4, 3)
    """

    rank = 1

    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__(**kwargs)
        self._keep(cropping)


class _CroppingOfImages(_Cropping):
    def __init__(self, cropping=0, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self._keep(cropping)
        self.data_format = data_format_of(data_format, type(self).__name__)


@register("layers")
@defaults(cropping=((0, 0), (0, 0)))
class Cropping2D(_CroppingOfImages):
    """Images without some of the rows and columns at their edges.

    Args:
        cropping: How many to cut off: one integer for all edges; two, for rows and columns; or two
            pairs, `((top, bottom), (left, right))`.
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.

    Shapes:
        inputs (batch, rows, columns, channels)
        -> (batch, rows - top - bottom, columns - left - right, channels)

    Example:
        >>> Cropping2D(((1, 0), (2, 3)))(np.ones((1, 9, 9, 1))).shape
        (1, 8, 4, 1)
    """

    rank = 2


@register("layers")
@defaults(cropping=((1, 1), (1, 1), (1, 1)))
class Cropping3D(_CroppingOfImages):
    """Volumes without some of the entries at their faces.

    Args:
        cropping: How many to cut off: one integer for all faces; three, for the three axes; or
            three pairs (start, end).
        data_format: `"channels_last"` for inputs (batch, a, b, c, channels), `"channels_first"` for
            (batch, channels, a, b, c). None: the global setting.

    Shapes:
        inputs (batch, a, b, c, channels) -> the same with shorter axes

    Example:
        >>> Cropping3D((1, 0, 2))(np.ones((2, 5, 5, 5, 1))).shape
        (2, 3, 5, 1, 1)
    """

    rank = 3


__all__ = [
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
]
