"""Texts in folders as a data set."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np

from npkeras.core import check
from npkeras.utils import folders

_OWNER = "text_dataset_from_directory"
_KIND = folders.Kind(_OWNER, "text", (".txt",))


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """The texts of a folder, in batches.

    Each folder in `directory` is a class, and the .txt files in it, and in folders within, are
    its texts. They are read anew in each pass.

    Args:
        directory: The folder.
        labels: "inferred": by folders. A list: whole numbers, in the order of the sorted paths.
            None: texts alone.
        label_mode: Labels as whole numbers ("int"), one-hot rows ("categorical") or 0.0 and 1.0 in
            a column ("binary"). None: texts alone.
        class_names: The folders in the order of their numbers; all, or some. None: all, sorted.
        batch_size: How many texts make a batch. None: they come one by one.
        max_length: How many bytes of a text are kept, from its beginning. None: all.
        shuffle: Whether each pass has another order. Otherwise they are sorted.
        seed: For the order. None: drawn from NumPy's global numbers.
        validation_split: The fraction that is kept for validation: the last ones, after mixing.
        subset: Which part: "training", "validation", or "both" as a list of two.
        follow_links: Whether to go into folders by links.
        format: "tf" or "grain", as in Keras; both give the same.
        verbose: Whether to print how many texts there are.

    Returns:
        A `Dataset` of texts (batch,), object arrays of bytes, as TensorFlow's tensors of texts
        give them, or of pairs of texts and labels. Layers that take texts read them as UTF-8. It
        has the attributes `class_names` and `file_paths`.

    Example:
        >>> for name, text in (("ham", "See you at noon."), ("spam", "You won!")):
        ...     pathlib.Path("mails", name).mkdir(parents=True)
        ...     _ = pathlib.Path("mails", name, "1.txt").write_text(text)
        >>> data = text_dataset_from_directory("mails", shuffle=False, verbose=False)
        >>> [(x.tolist(), y.tolist()) for x, y in data], data.class_names
        ([([b'See you at noon.', b'You won!'], [0, 1])], ['ham', 'spam'])
    """
    if max_length is not None:
        max_length = check.non_negative_int(max_length, "max_length", _OWNER)

    def one(path: pathlib.Path) -> np.ndarray:
        with open(path, "rb") as file:
            return np.array(file.read(-1 if max_length is None else max_length), object)

    place = folders.Place(directory, labels, label_mode, class_names, follow_links)
    order = folders.Order(batch_size, shuffle, seed, validation_split, subset)
    return folders.read(_KIND, place, order, one, format, verbose)
