"""Files, and objects as JSON."""

from npkeras.core.registry import (
    CustomObjectScope,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from npkeras.core.registry import deserialize as deserialize_keras_object
from npkeras.core.registry import serialize as serialize_keras_object
from npkeras.saving.errors import CorruptFileError, WeightsMismatchError

custom_object_scope = CustomObjectScope

__all__ = [
    "CorruptFileError",
    "CustomObjectScope",
    "WeightsMismatchError",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_registered_name",
    "get_registered_object",
    "register_keras_serializable",
    "serialize_keras_object",
]
