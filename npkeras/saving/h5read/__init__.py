"""A small reader of the HDF5 that Keras, tf-keras and npkeras write, in Python and NumPy.

Why: `docs/decisions/0005-reading-hdf5.md`.
"""

from npkeras.saving.h5read.reader import Dataset, File, Group

__all__ = ["Dataset", "File", "Group"]
