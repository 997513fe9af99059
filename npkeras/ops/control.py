"""Branches and loops: plain Python, since nothing here is compiled.

Each may be differentiated through, as the ops inside are recorded one by one. On symbolic
tensors the function that was given runs once, to find out what it makes.
"""

from __future__ import annotations

import builtins

from npkeras.core import check, tree
from npkeras.core.dtypes import dtype_of
from npkeras.core.shapes import normalize_axis, shape_of
from npkeras.core.symbolic import KerasTensor, apply, is_symbolic
from npkeras.core.tape import Traced, no_grad, plain, record, recording
from npkeras.ops.arrange import concatenate, expand_dims, flip, reshape, stack, unstack
from npkeras.ops.composed import composed
from npkeras.ops.create import convert_to_tensor
from npkeras.ops.indexing import get_item


def _spec(x):
    return KerasTensor(shape_of(x), dtype_of(x))


def _specs(structure):
    """The shapes and dtypes in a nest, as fresh symbolic tensors."""
    return tree.map(lambda x: None if x is None else _spec(x), structure)


def _tensors(structure):
    """A nest of arrays: Python's numbers become arrays too, as what a loop begins with does."""
    return tree.map(lambda x: None if x is None else convert_to_tensor(x), structure)


def _callable(function, name, owner):
    if not callable(function):
        raise TypeError(
            f"`{name}` of `{owner}` must be a function. Received: {name}={check.shown(function)}"
        )


# Branches.


@composed
def cond(pred, true_fn, false_fn):
    """What `true_fn()` returns if `pred` is true, what `false_fn()` returns otherwise."""
    _callable(true_fn, "true_fn", "cond")
    _callable(false_fn, "false_fn", "cond")
    if isinstance(pred, KerasTensor):
        return _one_spec([true_fn(), false_fn()], "cond")
    return true_fn() if pred else false_fn()


@composed
def switch(index, branches, *operands):
    """What `branches[index](*operands)` returns. An index out of range means the nearest one."""
    if isinstance(index, KerasTensor) or is_symbolic(operands):
        return _one_spec([branch(*operands) for branch in branches], "switch")
    nearest = min(max(int(index), 0), len(branches) - 1)
    return branches[nearest](*operands)


def _one_spec(results, owner):
    """What the branches of a choice have in common."""
    specs = [_specs(result) for result in results]
    first = tree.leaves(specs[0])
    for other in specs[1:]:
        forms = [(x.shape, x.dtype) for x in tree.leaves(other) if x is not None]
        wanted = [(x.shape, x.dtype) for x in first if x is not None]
        if not tree.same(specs[0], other) or forms != wanted:
            raise ValueError(
                f"The branches of `{owner}` must return values of the same shapes and dtypes. "
                f"Received: {wanted} and {forms}"
            )
    return specs[0]


# Loops.


@composed
def while_loop(cond, body, loop_vars, maximum_iterations=None):
    """The variables after `loop_vars = body(*loop_vars)` as long as `cond(*loop_vars)` holds.

    Args:
        cond: A function of the variables that tells whether to go on.
        body: A function of the variables that returns them for the next round.
        loop_vars: A list or tuple of values, or a single one. Python's numbers become arrays.
        maximum_iterations: How many rounds to make at most. None: any number.

    Example:
        >>> ops.while_loop(lambda i, total: i < 5, lambda i, total: (i + 1, total + i), (0, 0))
        (array(5, dtype=int32), array(10, dtype=int32))
    """
    several = isinstance(loop_vars, (list, tuple))
    values = tuple(loop_vars) if several else (loop_vars,)
    if is_symbolic(values):
        return _specs(values) if several else _specs(values)[0]
    values, rounds = _tensors(values), 0
    while (maximum_iterations is None or rounds < maximum_iterations) and cond(*values):
        result = body(*values)
        values = tuple(result) if isinstance(result, (list, tuple)) else (result,)
        rounds += 1
    values = _tensors(values)
    return values if several else values[0]


@composed
def fori_loop(lower, upper, body_fun, init_val):
    """The value after `value = body_fun(i, value)` for i from `lower` up to, not with, `upper`."""
    if is_symbolic([lower, upper, init_val]):
        return _specs(init_val)
    value = _tensors(init_val)
    for i in range(int(lower), int(upper)):
        value = body_fun(i, value)
    return _tensors(value)


def _slices(structure, length=None):
    """The nests that hold the slices of each array along its first axis."""
    columns = [unstack(convert_to_tensor(leaf)) for leaf in tree.leaves(structure)]
    for column in columns:
        if length is not None and len(column) != length:
            raise ValueError(
                "All arrays must have the same length along their first axis. "
                f"Received: {length} and {len(column)}"
            )
        length = len(column)
    return [tree.pack(structure, list(row)) for row in zip(*columns, strict=True)]


def _stacked(rows):
    """A nest of arrays, made of the nests that hold their slices."""
    columns = zip(*(tree.leaves(row) for row in rows), strict=True)
    return tree.pack(rows[0], [_stacked_column(column) for column in columns])


def _stacked_column(column):
    return None if column[0] is None else stack([convert_to_tensor(x) for x in column])


def _first_lengths(structure):
    lengths = {shape_of(leaf)[:1] for leaf in tree.leaves(structure)}
    return next(iter(lengths))


def _row_specs(structure):
    return tree.map(lambda x: KerasTensor(shape_of(x)[1:], dtype_of(x)), structure)


def _with_length(structure, length):
    return tree.map(lambda x: KerasTensor((*length, *shape_of(x)), dtype_of(x)), structure)


@composed
def scan(f, init, xs=None, length=None, reverse=False, unroll=1):
    """Step through arrays with a state: `state, y = f(state, x)` for each slice x.

    Args:
        f: A function of the state and a slice that returns the next state and a result.
        init: The first state, a value or a nest of them.
        xs: The arrays to walk along their first axis, or a nest of them. None: f gets None.
        length: How many steps to make; needed only without `xs`.
        reverse: Whether to start at the end. The results still stand in the order of `xs`.
        unroll: Taken for Keras' sake: there is nothing to unroll.

    Returns:
        The last state, and the results stacked along a new first axis.
    """
    _callable(f, "f", "scan")
    if not isinstance(unroll, bool) and (not check.is_int(unroll) or unroll < 1):
        raise ValueError(
            f"`unroll` of `scan` must be a positive integer or a boolean. Received: unroll={unroll}"
        )
    if xs is None and length is None:
        raise ValueError("`scan` needs `xs` or `length`. Received: xs=None, length=None")
    if is_symbolic([init, xs]):
        state, y = f(_specs(init), None if xs is None else _row_specs(xs))
        steps = (length,) if xs is None else _first_lengths(xs)
        return _specs(state), _with_length(y, steps)
    rows = [None] * length if xs is None else _slices(xs, length)
    state, results = _tensors(init), []
    for row in reversed(rows) if reverse else rows:
        state, y = f(state, row)
        results.append(y)
    if not results:
        raise ValueError("`scan` needs at least one step. Received arrays of length 0.")
    return state, _stacked(results[::-1] if reverse else results)


@composed
def map(f, xs):
    """The results of `f` for each slice of the arrays along their first axis, stacked."""
    _callable(f, "f", "map")
    return _mapped(f, xs)


@composed
def vectorized_map(function, elements):
    """The results of a function for each slice of the arrays along their first axis, stacked."""
    _callable(function, "function", "vectorized_map")
    return _mapped(function, elements)


def _mapped(function, xs):
    if is_symbolic(xs):
        return _with_length(function(_row_specs(xs)), _first_lengths(xs))
    rows = _slices(xs)
    if not rows:
        raise ValueError("There is nothing to map over: the arrays have length 0.")
    return _stacked([function(row) for row in rows])


@composed
def associative_scan(f, elems, reverse=False, axis=0):
    """All running totals of an associative function: x0, f(x0, x1), f(f(x0, x1), x2), ...

    Neighbours are combined in pairs, then pairs of pairs: the function is called a number of
    times that grows with the logarithm of the length, each time on many entries at once.

    Args:
        f: A function of two nests like `elems`, associative and elementwise along the axis.
        elems: An array or a nest of arrays of equal length along the axis.
        reverse: Whether to start at the end.
        axis: The axis.
    """
    _callable(f, "f", "associative_scan")
    if is_symbolic(elems):
        return _specs(elems)
    leaves = [convert_to_tensor(leaf) for leaf in tree.leaves(elems)]
    lengths = {shape_of(x)[normalize_axis(axis, len(shape_of(x)))] for x in leaves}
    if len(lengths) != 1:
        raise ValueError(
            "`associative_scan` expects arrays of one length along the axis. "
            f"Received lengths: {sorted(lengths)}"
        )

    def combine(a, b):
        return tree.leaves(f(tree.pack(elems, a), tree.pack(elems, b)))

    leaves = [flip(x, axis) for x in leaves] if reverse else leaves
    totals = _running(combine, leaves, axis)
    return tree.pack(elems, [flip(x, axis) for x in totals] if reverse else totals)


def _cut(arrays, axis, start, stop=None, step=None):
    """The same slice of each array along an axis."""
    cut = builtins.slice(start, stop, step)
    keys = [(builtins.slice(None),) * normalize_axis(axis, len(shape_of(x))) for x in arrays]
    return [get_item(x, (*key, cut)) for x, key in zip(arrays, keys, strict=True)]


def _running(combine, arrays, axis):
    length = shape_of(arrays[0])[axis]
    if length < 2:
        return arrays
    even, odd = _cut(arrays, axis, 0, length - length % 2, 2), _cut(arrays, axis, 1, None, 2)
    at_odd = _running(combine, combine(even, odd), axis)
    at_even = _cut(arrays, axis, 0, 1)
    if length > 2:
        before = _cut(at_odd, axis, 0, (length - 1) // 2)
        rest = combine(before, _cut(arrays, axis, 2, None, 2))
        pairs = zip(at_even, rest, strict=True)
        at_even = [concatenate(pair, axis=axis) for pair in pairs]
    return [_woven(a, b, axis) for a, b in zip(at_even, at_odd, strict=True)]


def _woven(even, odd, axis):
    """Entries taken from two arrays in turn along an axis."""
    axis = normalize_axis(axis, len(shape_of(even)))
    short = shape_of(odd)[axis]
    pairs = concatenate(
        [expand_dims(_cut([even], axis, 0, short)[0], axis + 1), expand_dims(odd, axis + 1)],
        axis=axis + 1,
    )
    shape = shape_of(odd)
    woven = reshape(pairs, (*shape[:axis], 2 * short, *shape[axis + 1 :]))
    return concatenate([woven, _cut([even], axis, short)[0]], axis=axis)


# A gradient of one's own.


class _CustomGradient:
    """A function that brings its own derivative."""

    def __init__(self, function):
        self.function = function
        self.name = self.__name__ = getattr(function, "__name__", "custom_gradient")
        self.__doc__ = function.__doc__

    def infer(self, *args, **kwargs):
        return _specs(self.function(*args, **kwargs)[0])

    def __call__(self, *args, **kwargs):
        if is_symbolic([args, kwargs]):
            return apply(self, args, kwargs)
        with no_grad():
            y, gradient = self.function(*tree.map(plain, args), **tree.map(plain, kwargs))
        wanted = [i for i, x in enumerate(args) if isinstance(x, Traced) and x.slot is not None]
        if not (recording() and wanted):
            return y
        y = tuple(y) if isinstance(y, (list, tuple)) else y

        def back(dy):
            dys = dy if isinstance(y, tuple) else (dy,)
            dxs = gradient(*dys)
            return dxs if isinstance(dxs, (list, tuple)) else (dxs,)

        return record(y, [(args[i].slot, lambda dy, i=i: plain(back(dy)[i])) for i in wanted])


def custom_gradient(f):
    """Decorator: a function that returns its result and the function of its gradient.

    Args:
        f: A function of arrays that returns `(y, gradient)`; `gradient(dy)` returns the gradient
            of each argument. Inside, nothing is recorded, so no gradient reaches variables
            other than the arguments.

    Example:
        >>> @ops.custom_gradient
        ... def clipped_exp(x):
        ...     y = np.exp(np.minimum(x, 50))
        ...     return y, lambda dy: dy * y
        >>> float(clipped_exp(np.array(0.0)))
        1.0
    """
    _callable(f, "f", "custom_gradient")
    return _CustomGradient(f)
