"""Helpers around training: labels, sequences, files, seeds."""

from npkeras.utils.files import get_file
from npkeras.utils.numerical import normalize, to_categorical
from npkeras.utils.seeding import set_random_seed
from npkeras.utils.sequence import pad_sequences

__all__ = ["get_file", "normalize", "pad_sequences", "set_random_seed", "to_categorical"]
