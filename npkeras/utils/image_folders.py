"""Pictures in folders as a data set."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np

from npkeras.core import check, config
from npkeras.kernels import resize as kernels
from npkeras.utils import folders
from npkeras.utils.images import img_to_array, load_img, save_img  # noqa: F401 (in the example)

_OWNER = "image_dataset_from_directory"
_ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_KIND = folders.Kind(_OWNER, "picture", _ENDINGS)
_FILTERS = ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5")


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: tuple[int, int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """The pictures of a folder, of one size, in batches. Needs Pillow.

    Each folder in `directory` is a class, and what is in it, and in folders within, are its
    pictures: .bmp, .gif, .jpeg, .jpg and .png. They are read anew in each pass.

    JPEG pictures may differ by a few of 255 levels from those that TensorFlow reads, and gray
    ones made of colors by one: another library decodes them.

    Args:
        directory: The folder.
        labels: "inferred": by folders. A list: whole numbers, in the order of the sorted paths.
            None: pictures alone.
        label_mode: Labels as whole numbers ("int"), one-hot rows ("categorical") or 0.0 and 1.0 in
            a column ("binary"). None: pictures alone.
        class_names: The folders in the order of their numbers; all, or some. None: all, sorted.
        color_mode: "rgb", "rgba" or "grayscale".
        batch_size: How many pictures make a batch. None: they come one by one.
        image_size: (height, width).
        shuffle: Whether each pass has another order. Otherwise they are sorted.
        seed: For the order. None: drawn from NumPy's global numbers.
        validation_split: The fraction that is kept for validation: the last ones, after mixing.
        subset: Which part: "training", "validation", or "both" as a list of two.
        interpolation: How pictures are resized: "bilinear", "nearest", "bicubic", "area",
            "lanczos3" or "lanczos5".
        follow_links: Whether to go into folders by links.
        crop_to_aspect_ratio: Whether to cut away, equally on both sides, what does not fit.
        pad_to_aspect_ratio: Whether to add black on both sides instead.
        data_format: "channels_last" or "channels_first"; None for that of `npkeras.config`.
        format: "tf" or "grain", as in Keras; both give the same.
        verbose: Whether to print how many pictures there are.

    Returns:
        A `Dataset` of pictures (batch, height, width, channels), float32 from 0 to 255 (uint8 for
        "nearest"), or of pairs of pictures and labels. It has the attributes `class_names` and
        `file_paths`.

    Example:
        >>> for name in ("cat", "dog"):
        ...     pathlib.Path("pets", name).mkdir(parents=True)
        ...     save_img(f"pets/{name}/1.png", np.ones((20, 30, 3)))
        >>> data = image_dataset_from_directory("pets", image_size=(18, 18), verbose=False)
        >>> [(x.shape, sorted(y.tolist())) for x, y in data], data.class_names
        ([((2, 18, 18, 3), [0, 1])], ['cat', 'dog'])
    """
    shape = (image_size, crop_to_aspect_ratio, pad_to_aspect_ratio, data_format)
    reader = _Reader(color_mode, interpolation, *shape)
    place = folders.Place(directory, labels, label_mode, class_names, follow_links)
    order = folders.Order(batch_size, shuffle, seed, validation_split, subset)
    return folders.read(_KIND, place, order, reader.read, format, verbose)


class _Reader:
    """Files to arrays of one size."""

    def __init__(
        self, color_mode: str, method: str, size: Any, crop: bool, pad: bool, data_format: Any
    ) -> None:
        check.one_of(("rgb", "rgba", "grayscale"), color_mode, "color_mode", _OWNER)
        check.one_of(_FILTERS, method, "interpolation", _OWNER)
        if not isinstance(size, (tuple, list)) or len(size) != 2:
            raise ValueError(
                f"`image_size` of {_OWNER} must be (height, width). "
                f"Received: image_size={check.shown(size)}"
            )
        if crop and pad:
            raise ValueError(
                f"{_OWNER} either cuts pictures or pads them. Received: "
                "crop_to_aspect_ratio=True, pad_to_aspect_ratio=True"
            )
        self.color_mode, self.method, self.crop, self.pad = color_mode, method, crop, pad
        self.size = [check.positive_int(n, "image_size", _OWNER) for n in size]
        self.data_format = data_format or config.image_data_format()
        formats = ("channels_last", "channels_first")
        check.one_of(formats, self.data_format, "data_format", _OWNER)

    def read(self, path: pathlib.Path) -> np.ndarray:
        dtype = "uint8" if self.method == "nearest" else "float32"
        x = img_to_array(load_img(path, self.color_mode), "channels_last", dtype)
        if self.pad:
            x = self._padded(x)
        else:
            x = self._resized(self._cut(x) if self.crop else x, self.size)
        return x.transpose(2, 0, 1) if self.data_format == "channels_first" else x

    def _resized(self, x: np.ndarray, size: list[int]) -> np.ndarray:
        for axis in (0, 1):
            if x.shape[axis] == size[axis]:
                continue
            if self.method == "nearest":
                x = x.take(kernels.nearest(x.shape[axis], size[axis]), axis)
            else:
                weights = kernels.resize_weights(x.shape[axis], size[axis], self.method)
                x = kernels.resize(x, axis, weights)
        return x

    def _cut(self, x: np.ndarray) -> np.ndarray:
        """The largest part in the middle that has the proportions of the result."""
        height = min(x.shape[0], int(x.shape[1] * self.size[0] / self.size[1]))
        width = min(x.shape[1], int(x.shape[0] * self.size[1] / self.size[0]))
        top, left = (x.shape[0] - height) // 2, (x.shape[1] - width) // 2
        return x[top : top + height, left : left + width]

    def _padded(self, x: np.ndarray) -> np.ndarray:
        """The whole picture, as large as it fits, with black beside it."""
        target, given = np.array(self.size, "float32"), np.array(x.shape[:2], "float32")
        wanted = given / (given / target).max()
        size = [max(int(n), 1) for n in wanted]
        before = np.maximum((target - wanted) / 2, 0).astype(int)
        spare = [(b, t - n - b) for b, t, n in zip(before, self.size, size, strict=True)]
        return np.pad(self._resized(x, size), [*spare, (0, 0)])
