"""Data in, batches out: arrays, data sets and generators under one face."""

from npkeras.data.adapter import adapt
from npkeras.data.base import Adapter
from npkeras.data.elements import Dataset, drawn_seed
from npkeras.data.sequence import PyDataset
from npkeras.data.split import (
    pack_x_y_sample_weight,
    train_validation_split,
    unpack_x_y_sample_weight,
)

Sequence = PyDataset

__all__ = [
    "Adapter",
    "Dataset",
    "PyDataset",
    "Sequence",
    "adapt",
    "drawn_seed",
    "pack_x_y_sample_weight",
    "train_validation_split",
    "unpack_x_y_sample_weight",
]
