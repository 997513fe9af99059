"""Arrays of strings, from whatever holds strings."""

import numpy as np

from npkeras.core import check
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import plain
from npkeras.core.texts import as_texts


def strings(inputs, owner):
    """The inputs as an array of NumPy's strings (kind "U"); what is symbolic stays as it is.

    Args:
        inputs: A string, a list of strings, or an array of kind U, S or O. Bytes are UTF-8.
        owner: Who wants strings, for messages.
    """
    if isinstance(inputs, KerasTensor):
        return inputs
    try:
        array = np.asarray(plain(inputs))
    except ValueError as error:
        raise ValueError(
            f"{owner} expects an array of strings, with rows of one length. "
            f"Received: {check.shown(inputs)}"
        ) from error
    if array.dtype.kind == "U":
        return array
    if not array.size:
        return array.astype("U1")
    texts = as_texts(array)
    if texts is None:
        raise TypeError(
            f"{owner} expects strings. Received: {check.shown(inputs)} (of dtype {array.dtype})"
        )
    return texts


def as_bytes(text):
    """The UTF-8 of a string."""
    return text.encode("utf-8", "surrogateescape")


def check_encoding(encoding, owner):
    """Refuse what TensorFlow would not take for UTF-8."""
    if str(encoding).lower().replace("_", "-") not in ("utf-8", "utf8"):
        raise ValueError(
            f"`encoding` of {owner} must be 'utf-8'. Received: encoding={check.shown(encoding)}. "
            "Decode bytes first, with `numpy.char.decode(array, encoding)`."
        )
    return encoding
