"""Files, and objects as JSON."""

from npkeras.core.registry import (
    CustomObjectScope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from npkeras.saving.errors import CorruptFileError, WeightsMismatchError
from npkeras.saving.objects import deserialize_keras_object, serialize_keras_object
from npkeras.saving.weights_h5 import load as load_weights
from npkeras.saving.weights_h5 import save as save_weights

custom_object_scope = CustomObjectScope

__all__ = [
    "CorruptFileError",
    "CustomObjectScope",
    "WeightsMismatchError",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_weights",
    "register_keras_serializable",
    "save_weights",
    "serialize_keras_object",
]
