"""Files, and objects as JSON."""

from npkeras.core.registry import (
    CustomObjectScope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from npkeras.saving.api import load_model, load_weights, save_model, save_weights
from npkeras.saving.describe import describe
from npkeras.saving.errors import CorruptFileError, UnsafeModelError, WeightsMismatchError
from npkeras.saving.objects import deserialize_keras_object, serialize_keras_object

custom_object_scope = CustomObjectScope

__all__ = [
    "CorruptFileError",
    "CustomObjectScope",
    "UnsafeModelError",
    "WeightsMismatchError",
    "custom_object_scope",
    "describe",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]
