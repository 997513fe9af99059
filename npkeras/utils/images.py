"""Pictures in files, as pictures of Pillow, and as arrays."""

from __future__ import annotations

import io
import os
import pathlib
from typing import Any

import numpy as np

from npkeras.core import check, config
from npkeras.core.tape import plain

_FORMATS = ("channels_last", "channels_first")
_COLORS = ("rgb", "rgba", "grayscale")
_FILTERS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
_GRAY = ("L", "I;16", "I")  # Pillow's kinds of gray: 8, 16 and 32 bits
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """A picture from a file, as Pillow has it. Needs Pillow.

    Args:
        path: The file: its path, or an `io.BytesIO` of what is in it.
        color_mode: "rgb", "rgba" or "grayscale": what the picture is turned into. Gray pictures
            of 16 or 32 bits stay as they are.
        target_size: (height, width) of the result. None for those of the file.
        interpolation: How it is resized: "nearest", "bilinear", "bicubic", "hamming", "box" or
            "lanczos".
        keep_aspect_ratio: Whether to cut away, equally on both sides, what does not fit into
            `target_size`, rather than distort the picture.

    Example:
        >>> save_img("cat.png", np.ones((20, 30, 3)))
        >>> image = load_img("cat.png", target_size=(18, 18))
        >>> img_to_array(image).shape
        (18, 18, 3)
    """
    check.one_of(_COLORS, color_mode, "color_mode", "load_img")
    check.one_of(_FILTERS, interpolation, "interpolation", "load_img")
    size = None if target_size is None else _size(target_size)
    image = _opened(path)
    if color_mode == "grayscale":
        image = image if image.mode in _GRAY else image.convert("L")
    elif image.mode != color_mode.upper():
        image = image.convert(color_mode.upper())
    if size is None or image.size == size:
        return image
    box = _middle(image.size, size) if keep_aspect_ratio else None
    return image.resize(size, getattr(_pillow().Resampling, interpolation.upper()), box)


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """A picture of Pillow, or an array of two or three axes, as an array with channels.

    Args:
        img: The picture, (height, width) or (height, width, channels).
        data_format: "channels_last" or "channels_first"; None for that of `npkeras.config`.
        dtype: Of the result. None for `npkeras.config.floatx()`.

    Example:
        >>> img_to_array(np.zeros((2, 3))).shape
        (2, 3, 1)
    """
    last = _data_format(data_format, "img_to_array") == "channels_last"
    x = np.asarray(plain(img)).astype(dtype or config.floatx())
    if x.ndim == 2:
        return x[..., None] if last else x[None]
    if x.ndim != 3:
        raise ValueError(
            "img_to_array expects a picture of shape (height, width) or (height, width, channels). "
            f"Received: shape {x.shape}"
        )
    return x if last else x.transpose(2, 0, 1)


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None
) -> Any:
    """An array as a picture of Pillow. Needs Pillow.

    Args:
        x: The array, with 1, 3 or 4 channels: gray, RGB, or RGB and how opaque it is.
        data_format: "channels_last" or "channels_first"; None for that of `npkeras.config`.
        scale: Whether the smallest number becomes 0 and the largest 255. Without, numbers are
            taken as they are, cut down to whole ones. They must lie between 0 and 255, but for
            gray pictures, which may have more than 8 bits.
        dtype: In which one computes. None for `npkeras.config.floatx()`.

    Example:
        >>> array_to_img(np.ones((8, 6, 3))).size
        (6, 8)
    """
    data_format = _data_format(data_format, "array_to_img")
    x = np.asarray(plain(x)).astype(dtype or config.floatx())
    if x.ndim != 3 or x.size == 0:
        raise ValueError(
            "array_to_img expects one picture, an array with three axes that is not empty. "
            f"Received: shape {x.shape}"
        )
    x = x if data_format == "channels_last" else x.transpose(1, 2, 0)
    if x.shape[-1] not in _MODES:
        raise ValueError(
            "array_to_img expects 1, 3 or 4 channels. "
            f"Received: {x.shape[-1]} channels with data_format={data_format!r}"
        )
    if not np.isfinite(x).all():
        raise ValueError("array_to_img expects finite numbers. Received: an array with NaN or inf")
    if scale:
        x = x - x.min()
        x = x / x.max() * 255 if x.max() else x  # in this order, the largest is 255 exactly
    gray = x.shape[-1] == 1
    if gray and x.max() > 255:
        return _pillow().fromarray(x[..., 0].astype("int32"))
    if x.min() < 0 or x.max() >= 256:
        raise ValueError(
            "array_to_img expects numbers from 0 to 255 with scale=False. Received: numbers from "
            f"{x.min()} to {x.max()}. Use `np.clip(x, 0, 255)`, or scale=True."
        )
    return _pillow().fromarray((x[..., 0] if gray else x).astype("uint8"))


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array as a picture file. Needs Pillow.

    Args:
        path: The file, or an open one.
        x, data_format, scale: See `array_to_img`.
        file_format: "png", "jpeg" and so on; None: by the ending of the path. JPEG cannot hold
            opacity, which is left out.
        kwargs: Options of the format, which Pillow's `Image.save` takes.
    """
    image = array_to_img(x, data_format, scale)
    ending = file_format or (
        pathlib.Path(path).suffix[1:] if isinstance(path, (str, os.PathLike)) else ""
    )
    if image.mode == "RGBA" and ending.lower() in ("jpg", "jpeg"):
        image = image.convert("RGB")
    image.save(path, format="jpeg" if file_format == "jpg" else file_format, **kwargs)


def _opened(path: Any) -> Any:
    Image = _pillow()
    if isinstance(path, io.BytesIO):
        return Image.open(path)
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            "`path` of load_img must be a path or an `io.BytesIO`. "
            f"Received: path={check.shown(path)} of type {type(path).__name__}"
        )
    return Image.open(io.BytesIO(pathlib.Path(path).read_bytes()))


def _middle(size: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int, int, int]:
    """The largest box of the wanted proportions in the middle: left, top, right, bottom."""
    width = min(size[0], size[1] * wanted[0] // wanted[1])
    height = min(size[1], size[0] * wanted[1] // wanted[0])
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height


def _size(target_size: Any) -> tuple[int, int]:
    """(height, width) as Pillow wants it: (width, height)."""
    if not isinstance(target_size, (tuple, list)) or len(target_size) != 2:
        raise ValueError(
            "`target_size` of load_img must be (height, width). "
            f"Received: target_size={check.shown(target_size)}"
        )
    height, width = (check.positive_int(n, "target_size", "load_img") for n in target_size)
    return width, height


def _data_format(given: str | None, owner: str) -> str:
    if given is None:
        return config.image_data_format()
    check.one_of(_FORMATS, given, "data_format", owner)
    return given


def _pillow() -> Any:
    try:
        import PIL.Image
    except ImportError as error:
        raise ImportError(
            "Pictures are read, resized and written by Pillow, which is not installed. "
            "Install it: pip install pillow"
        ) from error
    return PIL.Image
