"""Arrays of any kind, read a few rows at a time as plain NumPy arrays.

Everything that `fit` takes as data becomes a nest of these: arrays in memory, arrays in a file
(`h5py`), sparse matrices. `read` is given a slice, or an array of row numbers.
"""

import array as arrays_of_python
import mmap
import warnings

import numpy as np

from npkeras.core import check, config, dtypes, tree
from npkeras.core.symbolic import KerasTensor

NUMBERS = "biuf"  # the kinds of dtype a model can be fed with
_BUFFERS = (memoryview, arrays_of_python.array)  # Python's own arrays, which NumPy can read
_HELD = 2**25  # about so many bytes of a mapped file are held at a time
_AROUND = 2**21  # what the system may map around one row that is read


class Rows:
    """An array in memory: slices are views of it.

    Args:
        array: The array.
        name: How the user knows it ("x", "y['output']"), for messages.
    """

    def __init__(self, array, name):
        self.array = array
        self.name = name
        self.shape = array.shape
        self.dtype = read_dtype(array.dtype, name)
        if not self.shape:
            raise ValueError(
                f"`{name}` must have a batch axis. Received a single number: {check.shown(array)}"
            )
        self._as_it_is = self.dtype == array.dtype
        # `take` is up to five times as fast as an index, but copies all of some arrays first
        flags = getattr(array, "flags", None)
        self._can_take = len(self.shape) > 1 and flags is not None and flags.carray

    def __len__(self):
        return self.shape[0]

    def read(self, index):
        """The rows of a slice or of an array of row numbers, in the dtype for the model."""
        if self._can_take and not isinstance(index, slice):
            rows = self.array.take(index, axis=0)
        else:
            rows = self.array[index]
        return rows if self._as_it_is else cast(rows, self.dtype, self.name)

    def part(self, start, stop):
        """The rows from `start` up to `stop`, as data of the same kind; nothing is read."""
        return self.array[start:stop]


class MappedRows(Rows):
    """A file mapped into memory (`np.memmap`), of which only what was read last is held.

    Pages of the file that were read stay with the process until the system needs them, so that it
    seems to grow by the whole file. They are given back now and then; whoever still looks at them
    has them read again.
    """

    def __init__(self, array, name):
        super().__init__(np.asarray(array), name)
        self.mapped = array
        self._group = max(1, _HELD // max(array[:1].nbytes, _AROUND))
        self._seen = 0

    def read(self, index):
        if isinstance(index, slice):
            rows = super().read(index)
            self._seen += rows.nbytes
            if self._seen > _HELD:
                self._give_back()
            return rows
        rows = np.empty((len(index), *self.shape[1:]), self.dtype)
        for start in range(0, len(index), self._group):
            part = slice(start, start + self._group)
            rows[part] = super().read(index[part])
            self._give_back()
        return rows

    def _give_back(self):
        self._seen = 0
        self.mapped._mmap.madvise(mmap.MADV_DONTNEED)

    def part(self, start, stop):
        return self.mapped[start:stop]


class FileRows(Rows):
    """An array that is read from elsewhere, such as an `h5py.Dataset`, or a part of one."""

    def __init__(self, array, name, start=0, stop=None):
        super().__init__(array, name)
        self.start = start
        stop = len(array) if stop is None else stop
        self.shape = (stop - start, *array.shape[1:])

    def read(self, index):
        if isinstance(index, slice):
            first, last, _ = index.indices(len(self))
            return self._block(slice(self.start + first, self.start + last))
        # files are read in rising order, each row once
        rising, back = np.unique(index, return_inverse=True)
        return self._block(rising + self.start)[back]

    def part(self, start, stop):
        return FileRows(self.array, self.name, self.start + start, self.start + stop)

    def _block(self, index):
        return cast(np.asarray(self.array[index]), self.dtype, self.name)


class SparseRows(Rows):
    """A SciPy sparse matrix. The rows that are read become dense."""

    def __init__(self, matrix, name):
        super().__init__(matrix.tocsr(), name)

    def read(self, index):
        return cast(self.array[index].toarray(), self.dtype, self.name)


def read_dtype(dtype, name):
    """The dtype in which an array of that dtype reaches the model.

    Floats become `floatx()`, whole numbers and truth values stay what they are.
    """
    dtype = np.dtype(dtype)
    if dtype.kind == "f" or dtype.name in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):
        return np.dtype(dtypes.numpy_dtype(config.floatx()))
    if dtype.kind in NUMBERS:
        return dtype.newbyteorder("=")
    advice = {
        "O": "Rows of different lengths need padding (`pad_sequences`), others a numeric dtype.",
        "U": "Turn strings into numbers first.",
        "S": "Turn strings into numbers first.",
        "c": "Split it into real and imaginary part.",
        "M": "Turn times into numbers first.",
        "m": "Turn times into numbers first.",
    }.get(dtype.kind, "")
    raise ValueError(f"`{name}` must hold numbers. Received: dtype={dtype}. {advice}".rstrip())


def cast(rows, dtype, name):
    """The rows in that dtype, with a warning where a number is too large for it."""
    if rows.dtype == dtype:
        return rows
    try:
        with np.errstate(over="raise"):
            return rows.astype(dtype)
    except FloatingPointError:
        warnings.warn(
            f"`{name}` holds numbers too large for {dtype}: they became infinite. "
            "Scale the data, or use `set_floatx('float64')`.",
            stacklevel=3,
        )
        with np.errstate(over="ignore"):
            return rows.astype(dtype)


def is_array(value):
    """Whether this is one array, of whatever library, rather than a nest of them."""
    if isinstance(value, (np.ndarray, Rows, *_BUFFERS)):
        return True
    if isinstance(value, (np.generic, KerasTensor, type)):
        return isinstance(value, np.generic)
    return (
        hasattr(value, "__array__")
        or _is_sparse(value)
        or (hasattr(value, "shape") and hasattr(value, "dtype"))
    )


def is_numbers(value):
    """Whether this is a number, or a list of (lists of) numbers, judged by its first one."""
    while isinstance(value, (list, tuple)):
        if not value or any(is_array(item) or isinstance(item, dict) for item in value):
            return False
        value = value[0]
    return isinstance(value, (bool, int, float, complex, str))


def rows_of(structure, name):
    """The same nest, with each array (and each list of numbers) as `Rows`. None stays None."""
    if structure is None:
        return None
    if is_array(structure):
        return _rows(structure, name)
    if isinstance(structure, dict):
        items = {key: rows_of(item, f"{name}[{key!r}]") for key, item in structure.items()}
        return type(structure)(items)
    if isinstance(structure, (list, tuple)) and structure and not is_numbers(structure):
        items = [rows_of(item, f"{name}[{i}]") for i, item in enumerate(structure)]
        return type(structure)(*items) if hasattr(structure, "_fields") else type(structure)(items)
    if isinstance(structure, (list, tuple)):
        return Rows(plain(structure, name), name)
    raise ValueError(
        f"`{name}` must be an array or a nest (list, tuple, dict) of arrays. "
        f"Received: {check.shown(structure)} of type {type(structure).__name__}"
    )


def read(structure, index):
    """The same nest, with the rows at `index` in place of each `Rows`."""
    if isinstance(structure, Rows):
        return structure.read(index)
    return tree.map(lambda rows: None if rows is None else rows.read(index), structure)


def common_length(**structures):
    """How many rows all the arrays in these nests have. The keywords name them."""
    lengths = {
        name: [len(rows) for rows in tree.leaves(structure) if rows is not None]
        for name, structure in structures.items()
    }
    distinct = {length for found in lengths.values() for length in found}
    if len(distinct) > 1:
        sizes = "; ".join(f"{name}: {', '.join(map(str, n))}" for name, n in lengths.items() if n)
        raise ValueError(
            f"All arrays must have the same number of samples (rows). Received: {sizes}"
        )
    return distinct.pop() if distinct else 0


def plain(array, name):
    """One array of whatever library, or one list of numbers, as a NumPy array."""
    if np.ma.is_masked(array):
        raise ValueError(
            f"`{name}` is a masked array with gaps, which a model would not see. "
            "Fill the gaps (`.filled(value)`) and use a `Masking` layer or sample weights."
        )
    if hasattr(array, "iloc") and hasattr(array, "to_numpy"):  # pandas
        table = np.ascontiguousarray(_table(array, name))
        return table[:, None] if table.ndim == 1 else table
    if hasattr(array, "detach"):  # PyTorch
        array = array.detach().cpu()
    if hasattr(array, "numpy") and not hasattr(array, "__array__"):
        array = array.numpy()
    if _is_sparse(array):
        return array.toarray()
    try:
        return np.asarray(array)
    except ValueError as error:
        raise ValueError(
            f"`{name}` has rows of different lengths: {check.shown(array)}. "
            "Pad them first (`pad_sequences`)."
        ) from error


def _table(frame, name):
    """A table or column of pandas as an array; as a whole, columns of several dtypes are objects.

    A column may hold numbers that pandas keeps in its own way: those that may be missing are NaN.
    """
    table = frame.to_numpy()
    if table.dtype.kind != "O":
        return table
    if frame.ndim == 1:
        return _column(frame, name)
    columns = [_column(frame.iloc[:, i], name) for i in range(frame.shape[1])]
    return np.stack(columns, axis=1) if columns else table


def _column(series, name):
    values = series.to_numpy()
    if values.dtype.kind == "O":
        missing = series.isna().to_numpy()
        held = [np.nan if gap else v for v, gap in zip(values.tolist(), missing, strict=True)]
        try:
            values = np.array(held)
        except ValueError:  # lists of different lengths
            pass
    if values.ndim != 1 or values.dtype.kind not in NUMBERS:
        raise ValueError(
            f"`{name}` must hold numbers. Received: column {series.name!r} of dtype "
            f"{series.dtype}. Turn it into numbers (`pandas.get_dummies` makes columns of truth "
            "values of it), or leave it out."
        )
    return values


def _rows(array, name):
    if isinstance(array, Rows):
        return array
    if _is_sparse(array):
        return SparseRows(array, name)
    if type(array).__module__.partition(".")[0] == "h5py":
        return FileRows(array, name)
    if _is_mapped(array):
        return MappedRows(array, name)
    if isinstance(array, _BUFFERS) or hasattr(array, "__array__") or hasattr(array, "numpy"):
        return Rows(plain(array, name), name)
    return FileRows(array, name)


def _is_mapped(array):
    """Whether it is a large mapped file whose pages can be given back: they are all in the file."""
    return (
        isinstance(array, np.memmap)
        and array.ndim > 0
        and array.nbytes > _HELD
        and array.mode != "c"  # copied on writing: the process alone has what was written
        and hasattr(array._mmap, "madvise")
        and hasattr(mmap, "MADV_DONTNEED")
    )


def _is_sparse(value):
    return hasattr(value, "tocsr") and hasattr(value, "toarray")
