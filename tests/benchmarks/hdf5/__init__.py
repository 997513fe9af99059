"""Two ways to read HDF5, measured: the library h5py behind checks, and a small reader of our own.

`python -m tests.benchmarks.hdf5 --write` measures both and puts the table into
docs/decisions/0005-reading-hdf5.md. The small reader is `reader.py` and what it imports; npkeras
does not use it.
"""
