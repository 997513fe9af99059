"""Data made ready for models: what Keras keeps here as well as in `npkeras.utils`."""

from npkeras.preprocessing import image, sequence
from npkeras.utils import (
    image_dataset_from_directory,
    text_dataset_from_directory,
    timeseries_dataset_from_array,
)

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]
