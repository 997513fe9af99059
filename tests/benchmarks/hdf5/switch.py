"""npkeras as it was when h5py read: the functions that touch files are exchanged."""

import contextlib

from npkeras.saving import hdf5, legacy_h5
from npkeras.saving.errors import CorruptFileError
from tests.benchmarks.hdf5 import by_h5py

EXCHANGED = {
    hdf5: ("open_file", "open_within", "tree_of", "count_numbers", "read"),
    legacy_h5: ("group_within", "dataset_within", "has_member"),
}


@contextlib.contextmanager
def h5py_reads():
    """All files that npkeras reads within this are read by h5py, behind checks."""
    before = [
        (module, name, getattr(module, name))
        for module, names in EXCHANGED.items()
        for name in names
    ]
    try:
        for module, name, _ in before:
            setattr(module, name, getattr(by_h5py, name))
        yield
    finally:
        for module, name, function in before:
            setattr(module, name, function)


@contextlib.contextmanager
def no_guard():
    """The HDF5 library opens files itself, without npkeras between it and their bytes."""

    @contextlib.contextmanager
    def open_file(path):
        import h5py

        try:
            file = h5py.File(path, "r")
        except (OSError, ValueError, RuntimeError) as error:
            raise CorruptFileError(f"{str(path)!r} cannot be opened.") from error
        with file:
            yield file

    with h5py_reads():
        hdf5.open_file = open_file
        yield


BARE = "h5py, no guard"
READERS = {"h5py": h5py_reads, "small": contextlib.nullcontext}


def reading_by(reader):
    """Files are read by the reader of that name within this."""
    return no_guard() if reader == BARE else READERS[reader]()
