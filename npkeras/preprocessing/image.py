"""Pictures in files and as arrays, and pictures in another size."""

from npkeras import ops
from npkeras.core import check
from npkeras.utils import array_to_img, img_to_array, load_img, save_img

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]


def smart_resize(x, size, interpolation="bilinear", data_format="channels_last"):
    """Pictures in another size, with two edges cut off first where the proportions differ.

    Nothing is distorted: what is kept is the largest part in the middle that has the proportions
    of `size`.

    Args:
        x: A picture or a batch of pictures.
        size: (height, width) of the result.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3", "lanczos5" or "area": see
            `npkeras.ops.image.resize`.
        data_format: "channels_last" or "channels_first". None: the global setting.

    Shapes: x (batch, height, width, channels) -> (batch, *size, channels), in float32, save that
        "nearest" keeps the dtype; the same without the batch.

    Raises:
        ValueError: For arrays of another rank, a size that is not two positive numbers, or an
            unknown interpolation.

    Example:
        >>> smart_resize(np.ones((20, 30, 3)), (8, 8)).shape
        (8, 8, 3)
    """
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise ValueError(
            f"`size` of smart_resize must be (height, width). Received: size={check.shown(size)}"
        )
    x = ops.convert_to_tensor(x)
    if len(x.shape) not in (3, 4):
        raise ValueError(
            "smart_resize expects a picture (height, width, channels) or a batch of pictures "
            f"(batch, height, width, channels). Received: shape {tuple(x.shape)}"
        )
    if interpolation != "nearest":  # which makes no new numbers
        x = ops.cast(x, "float32")
    return ops.image.resize(
        x, size, interpolation, crop_to_aspect_ratio=True, data_format=data_format
    )
