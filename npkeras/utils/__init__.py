"""Helpers around training: labels, sequences, files, seeds, and what Keras keeps here as well."""

from npkeras.backend import clear_session, is_keras_tensor, standardize_dtype
from npkeras.callbacks.progress import Progbar
from npkeras.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from npkeras.data import PyDataset, Sequence, pack_x_y_sample_weight, unpack_x_y_sample_weight
from npkeras.saving import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from npkeras.utils.files import get_file
from npkeras.utils.image_folders import image_dataset_from_directory
from npkeras.utils.images import array_to_img, img_to_array, load_img, save_img
from npkeras.utils.numerical import normalize, to_categorical
from npkeras.utils.plotting import model_to_dot, plot_model
from npkeras.utils.seeding import set_random_seed
from npkeras.utils.sequence import pad_sequences
from npkeras.utils.splitting import split_dataset
from npkeras.utils.text_folders import text_dataset_from_directory
from npkeras.utils.timeseries import timeseries_dataset_from_array

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
