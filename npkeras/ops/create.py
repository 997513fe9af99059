"""New arrays. Few of them have a gradient."""

from __future__ import annotations

import numpy as np

from npkeras.core import check, shapes, tree
from npkeras.core.dtypes import as_array, dtype_of, numpy_dtype, result_type, standardize_dtype
from npkeras.core.op import numpy_function, op
from npkeras.core.shapes import kind_of, normalize_axis, shape_of, unbroadcast
from npkeras.core.symbolic import KerasTensor, UnknownLengthError, thread
from npkeras.core.tape import Operators, Traced, plain
from npkeras.core.variable import Variable
from npkeras.ops.arrange import broadcast_to, ravel, reshape, stack
from npkeras.ops.composed import composed
from npkeras.ops.elementwise import cast


def _float_dtype(dtype):
    return numpy_dtype(standardize_dtype(dtype))


def zeros(shape, dtype=None):
    """An array of zeros."""
    return np.zeros(shape, _float_dtype(dtype))


def ones(shape, dtype=None):
    """An array of ones."""
    return np.ones(shape, _float_dtype(dtype))


def empty(shape, dtype=None):
    """An array of zeros: what was never set is better known."""
    return np.zeros(shape, _float_dtype(dtype))


def full(shape, fill_value, dtype=None):
    """An array with one value everywhere."""
    if isinstance(fill_value, Operators):
        return broadcast_to(cast(fill_value, standardize_dtype(dtype)), shape)
    return np.full(shape, fill_value, _float_dtype(dtype))


def _like_infer(x, dtype=None):
    return KerasTensor(shape_of(x), dtype_of(x) if dtype is None else standardize_dtype(dtype))


def _full_like_infer(x, fill_value, dtype=None):
    return _like_infer(x, dtype)


def _dtype_like(x, dtype):
    return x.dtype if dtype is None else _float_dtype(dtype)


@op(_like_infer, numpy=np.zeros_like)
def zeros_like(x, dtype=None):
    """Zeros in the shape of `x`, and in its dtype unless another is given."""
    return np.zeros_like(x, _dtype_like(x, dtype))


@op(_like_infer, numpy=np.ones_like)
def ones_like(x, dtype=None):
    """Ones in the shape of `x`, and in its dtype unless another is given."""
    return np.ones_like(x, _dtype_like(x, dtype))


@op(_like_infer, numpy=np.empty_like)
def empty_like(x, dtype=None):
    """Zeros in the shape of `x`, and in its dtype unless another is given."""
    return np.zeros_like(x, _dtype_like(x, dtype))


def _full_like_back(y, x, fill_value, dtype=None):
    if y.dtype.kind not in "fc":
        return None
    shape, source = fill_value.shape, fill_value.dtype
    return lambda dy: unbroadcast(dy, shape).astype(source)


@op(_full_like_infer, vjps=(None, _full_like_back), numpy=np.full_like)
def full_like(x, fill_value, dtype=None):
    """One value everywhere, in the shape of `x`, and in its dtype unless another is given."""
    return np.full_like(x, fill_value, _dtype_like(x, dtype))


def arange(start, stop=None, step=None, dtype=None):
    """Evenly spaced numbers from `start` (0 if there is no `stop`) up to, not including, `stop`."""
    bounds = [plain(n) for n in (start, stop, step) if n is not None]
    if start is None or (stop is None and _is_unknown_stop(start, step)):
        raise UnknownLengthError(
            "`arange` needs numbers. Received: "
            f"start={start}, stop={stop}, step={step}. Is it a length that is not known yet?"
        )
    if dtype is None:
        dtype = result_type(*map(kind_of, bounds))
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    return np.arange(plain(start), plain(stop), plain(step)).astype(_float_dtype(dtype))


def _is_unknown_stop(start, step):
    """Whether None was passed as `stop`, most likely, by a `call` that runs on shapes."""
    return thread.inferring and not thread.made_up and (step is not None or plain(start) == 0)


def eye(N, M=None, k=0, dtype=None):
    """Ones on the k-th diagonal of N rows and M columns (M = N if None), zeros elsewhere."""
    return np.eye(N, M, k, _float_dtype(dtype))


def identity(n, dtype=None):
    """Ones on the diagonal of n rows and columns, zeros elsewhere."""
    return np.eye(n, dtype=_float_dtype(dtype))


def tri(N, M=None, k=0, dtype=None):
    """Ones on and below the k-th diagonal of N rows and M columns, zeros above it."""
    return np.tri(N, M, k, _float_dtype(dtype))


def _one_hot_infer(x, num_classes, axis=-1, dtype=None, sparse=False):
    shape = list(shape_of(x))
    shape.insert(normalize_axis(axis, len(shape) + 1), num_classes)
    return KerasTensor(shape, standardize_dtype(dtype))


@op(_one_hot_infer)
def one_hot(x, num_classes, axis=-1, dtype=None, sparse=False):
    """A row of zeros with a single one, for each integer.

    Args:
        x: Integers. One outside [0, num_classes) gives a row without a one.
        num_classes: How long the rows are.
        axis: Where the new axis stands.
        dtype: The dtype of the result. None: `floatx()`.
        sparse: Only False is supported.
    """
    _no_sparse(sparse, "one_hot")
    classes = np.arange(num_classes)
    y = (x[..., None] == classes).astype(_float_dtype(dtype))
    return np.moveaxis(y, -1, axis)


def _no_sparse(sparse, owner):
    if sparse:
        raise ValueError(f"`{owner}` makes dense arrays only. Received: sparse={sparse}")


def _multi_hot_infer(inputs, num_classes, axis=-1, dtype=None, sparse=False):
    hot = _one_hot_infer(inputs, num_classes, axis, dtype)
    return KerasTensor(_without_first_set(hot.shape, len(shape_of(inputs))), hot.dtype)


def _set_axis(ndim):
    """The axis of `inputs` along which the labels of one sample lie."""
    return 1 if ndim > 1 else 0


def _without_first_set(shape, ndim):
    axis = _set_axis(ndim)
    return shape[:axis] + shape[axis + 1 :]


@op(_multi_hot_infer)
def multi_hot(inputs, num_classes=None, axis=-1, dtype=None, sparse=False):
    """A row of zeros with ones at all the integers of a sample.

    Args:
        inputs: Integers, (batch, labels) or (labels,). Those outside [0, num_classes) count as
            absent.
        num_classes: How long the rows are.
        axis: Where the axis of classes stands.
        dtype: The dtype of the result. None: `floatx()`.
        sparse: Only False is supported.
    """
    if num_classes is None:
        raise ValueError("`multi_hot` needs to know `num_classes`. Received: num_classes=None")
    _no_sparse(sparse, "multi_hot")
    return one_hot(inputs, num_classes, axis, dtype).max(axis=_set_axis(inputs.ndim))


# From Python values and back.


def array(x, dtype=None):
    """An array, recorded value or symbolic tensor of a number, list, array or value."""
    return convert_to_tensor(x, dtype)


@op(shapes.same, vjps=(lambda y, x: lambda dy: dy,))
def _value(x):
    return x


def convert_to_tensor(x, dtype=None, sparse=None, ragged=None):
    """An array of anything: an array is returned as it is, unless another dtype is asked for.

    Args:
        x: A number, an array, a variable, a recorded value, or a list of those. Python's floats
            become `floatx()`, its integers int32.
        dtype: The dtype of the result. None: that of `x`.
        sparse, ragged: Only dense arrays exist here, so None and False are the choices.
    """
    if sparse or ragged:
        raise ValueError(
            "`convert_to_tensor` makes dense arrays only. "
            f"Received: sparse={sparse}, ragged={ragged}"
        )
    if isinstance(x, Variable):
        x = _value(x)
    elif isinstance(x, (list, tuple)) and any(
        isinstance(leaf, Operators) for leaf in tree.leaves(x)
    ):
        x = stack([convert_to_tensor(item, dtype) for item in x])
    elif not isinstance(x, Operators):
        x = as_array(x)
    if dtype is None or dtype_of(x) == standardize_dtype(dtype):
        return x
    return cast(x, dtype)


def convert_to_numpy(x):
    """The bare array behind a value."""
    return np.asarray(plain(x))


def is_tensor(x):
    """Whether `x` is an array or a recorded value."""
    return isinstance(x, (np.ndarray, np.generic, Traced))


@op(shapes.same, vjps=(lambda y, x: lambda dy: dy,), numpy=np.copy)
def copy(x):
    """The same entries in an array of their own."""
    return np.array(x)


def shape(x):
    """The shape as a tuple; None stands for the unknown axes of a symbolic tensor."""
    return shape_of(x)


def ndim(x):
    """How many axes an array has."""
    return len(shape_of(x))


def dtype(x):
    """The name of the dtype, such as `"float32"`."""
    return dtype_of(x)


def _array_equal(a1, a2, equal_nan=False):
    return np.array_equal(plain(a1), plain(a2), equal_nan)


numpy_function(np.shape, shape)
numpy_function(np.ndim, ndim)
numpy_function(np.array_equal, _array_equal)


# Ladders and grids.


def _ladder_dtype(dtype, *bounds):
    return _float_dtype(result_type(*map(kind_of, bounds), float) if dtype is None else dtype)


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """`num` evenly spaced numbers from `start` to `stop`.

    Args:
        start, stop: Numbers or arrays.
        num: How many.
        endpoint: Whether `stop` is the last of them.
        retstep: Whether to return the distance between two of them too.
        dtype: The dtype of the result. None: the float dtype that `start` and `stop` call for.
        axis: Where their axis stands, if the bounds are arrays.
    """
    dtype = _ladder_dtype(dtype, start, stop)
    numbers, step = np.linspace(
        plain(start), plain(stop), num, endpoint, retstep=True, dtype=dtype, axis=axis
    )
    return (numbers, np.asarray(step, dtype)) if retstep else numbers


def logspace(start, stop, num=50, endpoint=True, base=10, dtype=None, axis=0):
    """`num` numbers from base**start to base**stop whose logarithms are evenly spaced."""
    dtype = _ladder_dtype(dtype, start, stop)
    return np.logspace(plain(start), plain(stop), num, endpoint, base, dtype, axis)


def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """`num` numbers from `start` to `stop`, each the same multiple of the one before."""
    dtype = _ladder_dtype(dtype, start, stop)
    return np.geomspace(plain(start), plain(stop), num, endpoint, dtype, axis)


@composed
def meshgrid(*x, indexing="xy"):
    """The coordinates of the points of a grid: for each axis, the array of its coordinates.

    Args:
        *x: The coordinates along each axis.
        indexing: `"xy"`: the first axis runs along the columns. `"ij"`: it runs along the rows.
    """
    check.one_of(("xy", "ij"), indexing, "indexing", "`meshgrid`")
    rows = [ravel(a) for a in x]
    lengths = [shape_of(row)[0] for row in rows]
    swapped = indexing == "xy" and len(x) > 1
    if swapped:
        lengths[:2] = lengths[1], lengths[0]
    grids = []
    for i, row in enumerate(rows):
        place = 1 - i if swapped and i < 2 else i
        form = [-1 if j == place else 1 for j in range(len(x))]
        grids.append(broadcast_to(reshape(row, form), lengths))
    return grids
