"""Pictures in folders as a data set."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from npkeras.core import check, config
from npkeras.data import Dataset, drawn_seed
from npkeras.kernels import resize as kernels
from npkeras.utils.images import img_to_array, load_img, save_img  # noqa: F401 (in the example)

_OWNER = "image_dataset_from_directory"
_ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_FILTERS = ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5")
_SUBSETS = ("training", "validation", "both")


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
    check.one_of(("int", "categorical", "binary", None), label_mode, "label_mode", _OWNER)
    check.one_of(("tf", "grain"), format, "format", _OWNER)
    _check_parts(validation_split, subset, shuffle, seed)
    shape = (image_size, crop_to_aspect_ratio, pad_to_aspect_ratio, data_format)
    reader = _Reader(color_mode, interpolation, *shape)
    paths, numbers, names = _found(pathlib.Path(directory), labels, class_names, follow_links)
    targets = None if label_mode is None else _targets(numbers, names, label_mode)
    pictures = _Pictures(paths, targets, None if label_mode is None else names, reader)
    if verbose:
        of_classes = "" if names is None else f" belonging to {len(names)} classes"
        print(f"Found {len(paths)} files{of_classes}.")
    seed = drawn_seed(seed)
    order = np.arange(len(paths))
    if shuffle:
        np.random.RandomState(seed).shuffle(order)
    mixing = seed if shuffle else None
    if subset is None:
        return pictures.dataset(order, batch_size, mixing)
    parts = _parts(order, validation_split, subset, verbose)
    mixings = (mixing, None)  # of both parts, the second is the one for validation
    made = [pictures.dataset(*p) for p in zip(parts, [batch_size] * 2, mixings, strict=False)]
    return made if subset == "both" else made[0]


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


class _Pictures:
    """Files with their labels, read when they are asked for."""

    def __init__(self, paths: list[pathlib.Path], targets: Any, names: Any, reader: Any) -> None:
        self.paths, self.targets, self.names, self.reader = paths, targets, names, reader

    def dataset(self, places: np.ndarray, batch_size: int | None, seed: int | None) -> Dataset:
        """Those at some places; in another order in each pass, if there is a seed."""
        random = None if seed is None else np.random.RandomState(seed)
        order = places.copy()

        def read() -> Iterator[Any]:
            if random is not None:
                random.shuffle(order)
            for i in order.copy():
                image = self.reader.read(self.paths[i])
                yield image if self.targets is None else (image, self.targets[i])

        data: Any = Dataset(read, len(order))
        if batch_size is not None:
            data = data.batch(batch_size)
        data.class_names = self.names
        data.file_paths = [str(self.paths[i]) for i in places]
        return data


def _found(
    directory: pathlib.Path, labels: Any, class_names: Any, follow_links: bool
) -> tuple[list[pathlib.Path], list[int] | None, list[str] | None]:
    """The pictures, sorted, the number of each one's class, and the names of classes."""
    if not directory.is_dir():
        raise FileNotFoundError(f"`directory` of {_OWNER} is no folder: {str(directory)!r}")
    if labels == "inferred":
        folders = sorted(p.name for p in directory.iterdir() if p.is_dir() and p.name[0] != ".")
        names = folders if class_names is None else list(class_names)
        if set(names) - set(folders) or len(set(names)) < len(names):
            raise ValueError(
                f"`class_names` of {_OWNER} must be folders of {str(directory)!r}, each once: "
                f"{check.shown(folders)}. Received: class_names={check.shown(names)}"
            )
        found = [
            (path, number)
            for number, name in enumerate(names)
            for path in _pictures(directory / name, follow_links)
        ]
        _refuse_none(found, directory)
        return [path for path, _ in found], [number for _, number in found], names
    if class_names is not None:
        raise ValueError(
            f'`class_names` of {_OWNER} are for labels="inferred". Received: '
            f"class_names={check.shown(class_names)}, labels={check.shown(labels)}"
        )
    paths = _pictures(directory, follow_links)
    _refuse_none(paths, directory)
    if labels is None:
        return paths, None, None
    if not isinstance(labels, (list, tuple, np.ndarray)):
        raise ValueError(
            f'`labels` of {_OWNER} must be "inferred", a list of whole numbers, or None. '
            f"Received: labels={check.shown(labels)}"
        )
    if len(labels) != len(paths):
        raise ValueError(
            f"`labels` of {_OWNER} must be one for each picture. "
            f"Received: {len(labels)} labels and {len(paths)} pictures"
        )
    if not all(map(check.is_int, labels)):
        raise ValueError(
            f"`labels` of {_OWNER} must be whole numbers. Received: labels={check.shown(labels)}"
        )
    return paths, [int(label) for label in labels], [str(i) for i in sorted(set(labels))]


def _pictures(folder: pathlib.Path, follow_links: bool) -> list[pathlib.Path]:
    """The pictures in a folder and those within: its own first, then folder by folder."""
    roots = sorted(os.walk(folder, followlinks=follow_links), key=lambda visit: visit[0])
    return [
        pathlib.Path(root, name)
        for root, _, names in roots
        for name in sorted(names)
        if name.lower().endswith(_ENDINGS)
    ]


def _targets(numbers: Any, names: Any, label_mode: str) -> Any:
    if numbers is None:
        return None
    if label_mode == "int":
        return np.array(numbers, "int32")
    if label_mode == "binary" and len(names) != 2:
        raise ValueError(
            f'label_mode="binary" of {_OWNER} is for two classes. Received: {check.shown(names)}'
        )
    if not 0 <= min(numbers) <= max(numbers) < len(names):
        raise ValueError(
            f"`labels` of {_OWNER} must count the classes from 0 for label_mode={label_mode!r}. "
            f"Received: labels from {min(numbers)} to {max(numbers)} of {len(names)} classes"
        )
    if label_mode == "binary":
        return np.array(numbers, "float32")[:, None]
    return np.eye(len(names), dtype="float32")[numbers]


def _check_parts(validation_split: Any, subset: Any, shuffle: bool, seed: Any) -> None:
    if (validation_split is None) != (subset is None):
        raise ValueError(
            f"`validation_split` and `subset` of {_OWNER} go together. "
            f"Received: validation_split={validation_split}, subset={subset!r}"
        )
    if subset is None:
        return
    check.one_of(_SUBSETS, subset, "subset", _OWNER)
    if not isinstance(validation_split, (int, float)) or not 0 < validation_split < 1:
        raise ValueError(
            f"`validation_split` of {_OWNER} must be a fraction between 0 and 1. "
            f"Received: validation_split={check.shown(validation_split)}"
        )
    if shuffle and seed is None:
        raise ValueError(
            f"{_OWNER} needs a `seed` to mix before it splits, lest a picture be in both parts. "
            f"Give the same one for each, or shuffle=False. Received: seed=None, subset={subset!r}"
        )


def _parts(order: np.ndarray, validation_split: Any, subset: str, verbose: bool) -> list[Any]:
    """The places of the part, or of both, that are asked for."""
    count = len(order) - int(float(validation_split) * len(order))
    places = {"training": order[:count], "validation": order[count:]}
    asked = ("training", "validation") if subset == "both" else (subset,)
    for name in asked:
        if verbose:
            print(f"Using {len(places[name])} files for {name}.")
        if not len(places[name]):
            raise ValueError(
                f"{_OWNER} has no pictures for {name}: validation_split={validation_split} of "
                f"{len(order)} pictures. Choose another fraction."
            )
    return [places[name] for name in asked]


def _refuse_none(found: list[Any], directory: pathlib.Path) -> None:
    if not found:
        raise ValueError(
            f"{_OWNER} finds no pictures in {str(directory)!r}: no {', '.join(_ENDINGS)}."
        )
