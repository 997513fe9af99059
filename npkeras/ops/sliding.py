"""What ops with sliding windows share: their arguments, and how long their results are."""

from __future__ import annotations

from npkeras.core import check, config
from npkeras.core.shapes import shape_of

FORMATS = ("channels_last", "channels_first")


def per_axis(value, count, name, owner, low=1):
    """One integer for each of `count` axes; a single one stands for all of them."""
    values = (value,) * count if check.is_int(value) else value
    if (
        not isinstance(values, (tuple, list))
        or len(values) != count
        or not all(check.is_int(n) and n >= low for n in values)
    ):
        raise ValueError(
            f"`{name}` of {owner} must be an integer or a tuple of {count} integers, each at least "
            f"{low}. Received: {name}={check.shown(value)}"
        )
    return tuple(int(n) for n in values)


def padding_of(padding, owner, allowed=("valid", "same")):
    """The name of a padding in small letters."""
    name = padding.lower() if isinstance(padding, str) else padding
    if name not in allowed:
        check.one_of(allowed, padding, "padding", owner)
    return name


def format_of(data_format, owner):
    """`"channels_last"` or `"channels_first"`; None stands for the global setting."""
    if data_format is None:
        return config.image_data_format()
    return check.one_of(FORMATS, data_format, "data_format", owner)


def images(x, data_format, owner, counts=(1, 2, 3)):
    """The lengths of the axes that windows slide along, and how many channels there are."""
    shape = shape_of(x)
    if len(shape) - 2 not in counts:
        kinds = " or ".join(str(n + 2) for n in counts)
        raise ValueError(
            f"{owner} expects inputs with {kinds} axes: samples, channels, and what windows slide "
            f"along. Received inputs of shape {shape}"
        )
    if format_of(data_format, owner) == "channels_last":
        return shape[1:-1], shape[-1]
    return shape[2:], shape[1]


def image_axes(x, data_format, owner):
    """The axes of rows, of columns and of channels, of one image or of a batch of images."""
    ndim = len(shape_of(x))
    if ndim not in (3, 4):
        raise ValueError(
            f"{owner} expects one image, with 3 axes, or a batch of images, with 4. "
            f"Received images of shape {shape_of(x)}"
        )
    if format_of(data_format, owner) == "channels_last":
        return ndim - 3, ndim - 2, ndim - 1
    return ndim - 2, ndim - 1, ndim - 3


def shape_with(x, lengths, channels, data_format, owner):
    """The shape of a result with other lengths and channels."""
    samples = shape_of(x)[0]
    if format_of(data_format, owner) == "channels_last":
        return (samples, *lengths, channels)
    return (samples, channels, *lengths)


def span(window, dilation):
    """From the first to the last entry of a window."""
    return (window - 1) * dilation + 1


def output_length(length, window, stride, dilation, padding):
    """How many places a window has along an axis; None where that is not known."""
    if length is None or (window is None and padding == "valid"):
        return None
    if padding == "valid":
        return (length - span(window, dilation)) // stride + 1
    return -(-length // stride)


def zeros_before(length, outputs, window, stride, dilation, padding):
    """How far the first window reaches beyond the start of the input.

    What `"same"` adds is shared out to both ends, the odd one to the far end; `"causal"` adds all
    of it at the start, so that no window sees what comes later.
    """
    if padding == "valid":
        return 0
    if padding == "causal":
        return span(window, dilation) - 1
    return max((outputs - 1) * stride + span(window, dilation) - length, 0) // 2


def refuse_no_entries(lengths, owner):
    """A window that sees nothing has no largest entry and no mean."""
    if 0 in lengths:
        raise ValueError(
            f"{owner} expects inputs of at least one entry along each axis. Received inputs with "
            f"axes of {tuple(lengths)}"
        )


def output_lengths(lengths, window, strides, dilation, padding, owner):
    """How many places a window has along each axis."""
    refuse_no_entries(lengths, owner)
    outputs = tuple(
        output_length(*along, padding)
        for along in zip(lengths, window, strides, dilation, strict=True)
    )
    if any(n is not None and n <= 0 for n in outputs):
        reach = tuple(n and span(n, d) for n, d in zip(window, dilation, strict=True))
        raise ValueError(
            f"{owner} has no place for a window of {reach} in inputs with axes of {tuple(lengths)}."
            ' Use larger inputs, a smaller window, or padding="same".'
        )
    return outputs
