"""One definition for each op: its NumPy function, its shape rule, its derivatives.

The same call serves three kinds of input, and only this file knows that there are three:
plain arrays are computed with and nothing else; a `Traced` among them is computed with too,
and the running tapes note how to go back; a `KerasTensor` makes the shape rule answer.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from npkeras.core import autocast, check, shapes
from npkeras.core.autocast import read
from npkeras.core.deferred import Deferred
from npkeras.core.dtypes import as_array, numpy_dtype
from npkeras.core.shapes import common_dtype, float_dtype, unbroadcast
from npkeras.core.symbolic import KerasTensor, remember
from npkeras.core.tape import Joint, Operators, Traced, record, recording, watched

OPS: dict[str, Op] = {}
# NumPy's function -> ours: `np.exp(traced)` is `exp(traced)`
_BY_NUMPY: dict[Any, Callable[..., Any]] = {}

VJP = Callable[..., Callable[[Any], Any]]
_NUMBERS = (float, int)  # Python's own, which take the dtype of a float array beside them


def _taken_in(op: Op, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """What a value that nobody has read yet makes of an op on it; None: the op has to read it."""
    first = args[0]
    return first.taken_in(op, args[1:], options) if type(first) is Deferred else None


def _symbolic(op: Op, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Call an op on symbolic tensors: infer what comes out, remember the call."""
    return remember(op, args, options, op.infer(*autocast.specs(args), **options))


def _op_named(name: str) -> Op:
    return OPS[name]


class Op:
    """A NumPy function that also takes recorded and symbolic values.

    Plain arrays         forward(*arrays, **options) and nothing else.
    A `Traced` among     The same, and the running tapes get one edge per traced argument.
    A `KerasTensor`      infer(*args, **options): the graph grows by one node.

    `vjps` holds for each array argument x a function of (y, *arrays, **options) that
    returns the pullback dy -> dx. What a pullback mentions is what is kept in memory.
    None in its place, or for a pullback, says that no gradient flows to that argument.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        infer: Callable[..., Any],
        vjps: tuple[VJP | None, ...] = (),
        sign: str | None = None,
        promote: bool | slice = False,
        arrays: int | None = None,
        numpy: Any = None,
    ) -> None:
        self.forward, self.infer, self.vjps = forward, infer, vjps
        self.promote = promote
        self.name = self.__name__ = forward.__name__
        self.__doc__ = forward.__doc__
        self.__module__ = forward.__module__
        self.__signature__ = _public_signature(forward)
        self._set_arity(forward, arrays if arrays is not None else len(vjps) or 1)
        OPS[self.name] = self
        for function in (numpy,) if numpy is not None else ():
            _BY_NUMPY[function] = self
        if sign:
            _fill_in(sign, self)

    def __reduce__(self) -> Any:
        return _op_named, (self.name,)  # one of a kind: a copy is the op itself

    def _set_arity(self, function: Callable[..., Any], arrays: int) -> None:
        parameters = list(inspect.signature(function).parameters.values())
        variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.arity = 10**9 if variadic else arrays
        self.array_names = () if variadic else tuple(p.name for p in parameters[:arrays])

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def __call__(self, *args: Any, **options: Any) -> Any:
        if options:
            args, options = self._bind(args, options)
        if watched and recording():
            args = tuple(map(with_slot, args))
        plain = True
        for arg in args:
            if type(arg) is not ndarray:
                if isinstance(arg, Operators):
                    return self.lift(args, options)
                plain = False
        if not plain or (self.promote and not _of_one_dtype(args)):
            args = self._prepare(args)
        return self.forward(*args, **options)

    def _bind(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Move arrays that were given by keyword to their places."""
        for name in self.array_names[len(args) :]:
            if name not in options:
                break
            options = dict(options)
            args = (*args, options.pop(name))
        return args, options

    def _prepare(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The array arguments as arrays, in one dtype if the op wants that."""
        arrays = list(args[: self.arity])
        if self.promote:
            chosen = slice(None) if self.promote is True else self.promote
            arrays[chosen] = _in_one_dtype(arrays[chosen])
        converted = [x if x is None or type(x) is ndarray else as_array(x) for x in arrays]
        return (*converted, *args[self.arity :])

    def lift(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if (y := _taken_in(self, args, options)) is not None:
            return y
        if any(isinstance(arg, KerasTensor) for arg in args):
            return _symbolic(self, args, options)
        arrays = self._prepare(tuple(read(a) if isinstance(a, Traced) else a for a in args))
        y = self.forward(*arrays, **options)
        if not recording():
            return y
        edges = []
        for i, (arg, vjp) in enumerate(zip(args, self.vjps, strict=False)):
            if isinstance(arg, Traced) and arg.slot and vjp:
                pullback = vjp(y, *arrays, **options)
                if pullback is not None:
                    edges.append((arg.slot, _in_dtype_of(arg, arrays[i], pullback)))
        return _record(y, edges) if edges else y


def _of_one_dtype(arrays: Any) -> bool:
    dtype = arrays[0].dtype
    for array in arrays:
        if array.dtype is not dtype:
            return False
    return True


def _in_one_dtype(values: list[Any]) -> list[Any]:
    """The values as arrays of the dtype in which they meet; None stays."""
    arrays = [x for x in values if type(x) is ndarray]
    if arrays and _of_one_dtype(arrays):
        dtype = arrays[0].dtype
        if len(arrays) == len(values):
            return values
        if dtype.kind == "f" and all(
            type(x) in _NUMBERS or x is None or type(x) is ndarray for x in values
        ):
            return [x if type(x) is ndarray or x is None else np.asarray(x, dtype) for x in values]
    dtype = numpy_dtype(common_dtype(*[x for x in values if x is not None]))
    return [x if x is None else np.asarray(as_array(x), dtype=dtype) for x in values]


class FusedOp(Op):
    """An op whose function returns `(y, backward)`: both directions, side by side.

    `backward(dy)` returns one gradient per array argument, or None. `wanted` names the
    arguments whose gradient will be asked for; in inference it is empty and nothing need be
    kept.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        infer: Callable[..., Any],
        promote: bool | slice = False,
        arrays: int | None = None,
        numpy: Any = None,
    ) -> None:
        self.function = function
        if arrays is None:
            parameters = inspect.signature(function).parameters.values()
            arrays = len([p for p in parameters if p.kind is not p.KEYWORD_ONLY])
        super().__init__(function, infer, promote=promote, arrays=arrays, numpy=numpy)
        self.forward = lambda *arrays, **options: function(*arrays, wanted=(), **options)[0]

    def lift(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if (y := _taken_in(self, args, options)) is not None:
            return y
        values, wanted = [], []
        for i, arg in enumerate(args):
            if isinstance(arg, Traced):
                values.append(read(arg))
                if arg.slot:
                    wanted.append(i)
            elif isinstance(arg, KerasTensor):
                return _symbolic(self, args, options)
            else:
                values.append(arg)
        arrays = self._prepare(tuple(values))
        if not (wanted and recording()):
            return self.forward(*arrays, **options)
        y, backward = self.function(*arrays, wanted=wanted, **options)
        asked = []
        for i in wanted:
            dtype = args[i].value.dtype
            asked.append((i, args[i].slot, None if arrays[i].dtype == dtype else dtype))
        if type(y) is tuple:
            backward = _filling(backward, y)
        return record(y, Joint(backward, asked))


def _filling(backward: Callable[[Any], Any], parts: tuple[Any, ...]) -> Callable[[Any], Any]:
    """`backward` of a result with several parts; those without a gradient count as zero."""
    forms = [(part.shape, part.dtype) for part in parts]
    return lambda dys: backward(
        tuple(np.zeros(*form) if dy is None else dy for dy, form in zip(dys, forms, strict=True))
    )


def _record(y: Any, edges: Any) -> Any:
    """Record a result; where it has several parts, those without a gradient count as zero."""
    if type(y) is not tuple:
        return record(y, edges)

    forms = [(part.shape, part.dtype) for part in y]

    def filled(dys: Any) -> Any:
        return tuple(
            np.zeros(*form) if dy is None else dy for dy, form in zip(dys, forms, strict=True)
        )

    complete = _same_object_cache(filled)

    def filling(pullback: Any) -> Any:
        return lambda dys: pullback(complete(dys))

    return record(y, [(slot, filling(pullback)) for slot, pullback in edges])


def _same_object_cache(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`function`, not computed again while it is asked about the same object."""
    last: list[Any] = [None, None]

    def ask(argument: Any) -> Any:
        if last[0] is not argument:
            last[:] = argument, function(argument)
        return last[1]

    return ask


def with_slot(arg: Any) -> Any:
    """A bare array under `GradientTape.watch` as a recorded value."""
    if isinstance(arg, ndarray) and id(arg) in watched:
        return Traced(np.asarray(arg), watched[id(arg)][1])
    return arg


def _in_dtype_of(arg: Traced, used: Any, pullback: Any) -> Any:
    """A gradient in the dtype of the argument, not in the one that was computed in."""
    dtype = arg.value.dtype
    if used.dtype == dtype:
        return pullback
    return lambda dy: pullback(dy).astype(dtype)


class Unary(Op):
    """An elementwise op of one argument, with its loops unrolled for speed."""

    def __init__(
        self, forward: Any, infer: Any, vjp: VJP | None, keeps_integers: bool, **extra: Any
    ) -> None:
        self.keeps_integers = keeps_integers
        self.vjp = vjp
        super().__init__(forward, infer, (vjp,) if vjp else (), **extra)

    def _array(self, x: Any) -> Any:
        if type(x) is not ndarray:
            x = as_array(x)
        if self.keeps_integers or x.dtype.kind in "fc":
            return x
        return x.astype(float_dtype(x))

    def __call__(self, x: Any) -> Any:
        if watched and recording():
            x = with_slot(x)
        if not isinstance(x, Operators):
            return self.forward(self._array(x))
        if not isinstance(x, Traced):
            return _symbolic(self, (x,), {})
        if (y := _taken_in(self, (x,), {})) is not None:
            return y
        array = self._array(read(x))
        y = self.forward(array)
        if self.vjp and x.slot and recording():
            return record(y, [(x.slot, _in_dtype_of(x, array, self.vjp(y, array)))])
        return y


class Binary(Op):
    """An elementwise op of two arguments that broadcast, with its loops unrolled for speed."""

    def __init__(self, forward: Any, infer: Any, vjps: Any, floats: bool, **extra: Any) -> None:
        self.floats = floats
        super().__init__(forward, infer, vjps or (None, None), arrays=2, **extra)

    def _arrays(self, a: Any, b: Any) -> tuple[Any, Any]:
        if type(a) is ndarray:
            if type(b) is ndarray:
                if a.dtype is b.dtype and (not self.floats or a.dtype.kind == "f"):
                    return a, b
            elif type(b) in _NUMBERS and a.dtype.kind == "f":
                return a, np.asarray(b, a.dtype)
        elif type(a) in _NUMBERS and type(b) is ndarray and b.dtype.kind == "f":
            return np.asarray(a, b.dtype), b
        dtype = numpy_dtype((float_dtype if self.floats else common_dtype)(a, b))
        return np.asarray(as_array(a), dtype), np.asarray(as_array(b), dtype)

    def __call__(self, x1: Any, x2: Any) -> Any:
        if watched and recording():
            x1, x2 = with_slot(x1), with_slot(x2)
        if not (isinstance(x1, Operators) or isinstance(x2, Operators)):
            return self.forward(*self._arrays(x1, x2))
        if isinstance(x1, KerasTensor) or isinstance(x2, KerasTensor):
            return _symbolic(self, (x1, x2), {})
        a, b = self._arrays(
            read(x1) if isinstance(x1, Traced) else x1,
            read(x2) if isinstance(x2, Traced) else x2,
        )
        y = self.forward(a, b)
        if not recording():
            return y
        edges = []
        for arg, used, vjp in ((x1, a, self.vjps[0]), (x2, b, self.vjps[1])):
            if isinstance(arg, Traced) and arg.slot and vjp:
                pullback = vjp(y, a, b)
                if used.shape != y.shape:
                    pullback = _summed(pullback, used.shape)
                edges.append((arg.slot, _in_dtype_of(arg, used, pullback)))
        return record(y, edges) if edges else y


def _summed(pullback: Any, shape: Any) -> Any:
    return lambda dy: unbroadcast(pullback(dy), shape)


def op(
    infer: Callable[..., Any],
    vjps: tuple[VJP | None, ...] = (),
    sign: str | None = None,
    promote: bool | slice = False,
    arrays: int | None = None,
    numpy: Any = None,
) -> Callable[[Callable[..., Any]], Op]:
    """Decorator: make an op of a function on arrays (see `Op`).

    Args:
        infer: The shape rule.
        vjps: One derivative per array argument, or None where no gradient flows.
        sign: Python's sign that stands for the op, such as `"add"`.
        promote: Whether array arguments of several dtypes are first brought to one; a slice
            of them, if not all.
        arrays: How many leading arguments are arrays, if not one per derivative.
        numpy: NumPy's function that calls this op when given a recorded or symbolic value.
    """
    return lambda forward: Op(forward, infer, vjps, sign, promote, arrays, numpy)


def fused_op(
    infer: Callable[..., Any],
    promote: bool | slice = False,
    arrays: int | None = None,
    numpy: Any = None,
) -> Callable[[Callable[..., Any]], FusedOp]:
    """Decorator: make an op of a function that returns `(y, backward)` (see `FusedOp`)."""
    return lambda function: FusedOp(function, infer, promote, arrays, numpy)


def elementwise(
    function: Any,
    doc: str,
    vjp: VJP | None = None,
    *,
    name: str | None = None,
    sign: str | None = None,
    keeps_integers: bool = False,
    infer: Any = None,
    numpy: Any = None,
) -> Unary:
    """An op of one argument made of a NumPy function; ints become floats unless kept."""
    rule = infer or (shapes.same if keeps_integers else shapes.same_float)
    forward = _named(function, name, doc, ("x",))
    made = Unary(forward, rule, vjp, keeps_integers, sign=sign, numpy=numpy or _numpy(function))
    made.forward = function  # the ufunc itself: a Python function around it costs as much again
    return made


def binary(
    function: Any,
    doc: str,
    vjps: Any = None,
    *,
    name: str | None = None,
    sign: str | None = None,
    floats: bool = False,
    infer: Any = None,
    numpy: Any = None,
) -> Binary:
    """An op of two broadcast arguments; with `floats`, ints become floats."""
    rule = infer or (shapes.broadcast_float if floats else shapes.broadcast)
    forward = _named(function, name, doc, ("x1", "x2"))
    made = Binary(forward, rule, vjps, floats, sign=sign, numpy=numpy or _numpy(function))
    made.forward = function
    return made


class _Named:
    """A ufunc under the name and with the argument names of its op."""

    def __init__(self, function: Any, name: str, doc: str, arguments: tuple[str, ...]) -> None:
        self.function, self.__name__, self.__doc__ = function, name, doc
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self.__signature__ = inspect.Signature([inspect.Parameter(a, kind) for a in arguments])

    def __call__(self, *arrays: Any) -> Any:
        return self.function(*arrays)


def _named(function: Any, name: str | None, doc: str, arguments: tuple[str, ...]) -> Any:
    return _Named(function, name or function.__name__, doc, arguments)


def _numpy(function: Any) -> Any:
    return function if isinstance(function, np.ufunc) else None


def _public_signature(function: Callable[..., Any]) -> inspect.Signature:
    signature = inspect.signature(function)
    kept = [p for p in signature.parameters.values() if p.name != "wanted"]
    return signature.replace(parameters=kept)


REFLECTED = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor")


def _fill_in(sign: str, op: Op) -> None:
    """Let Python's sign call the op, with the value on either side."""

    def forwards(a: Any, *b: Any) -> Any:
        return op(a, *b)

    def backwards(a: Any, b: Any) -> Any:
        return op(b, a)

    if sign == "eq":  # on symbolic tensors `==` stays a question of identity, as in Keras
        Traced.__eq__ = forwards  # type: ignore[assignment]
        return
    setattr(Operators, f"__{sign}__", forwards)  # for `round`, b is how many digits
    if sign in REFLECTED:
        setattr(Operators, f"__r{sign}__", backwards)


def numpy_function(function: Any, ours: Callable[..., Any]) -> None:
    """Let one more of NumPy's functions call `ours` on recorded and symbolic values."""
    _BY_NUMPY[function] = ours


def _no_op(function: Any) -> TypeError:
    name = getattr(function, "__name__", str(function))
    return TypeError(
        f"`np.{name}` has no counterpart in `npkeras.ops`, so no gradient could flow through it."
        f"{check.did_you_mean(name, OPS)} Use ops that exist, or take the bare array first: "
        "`x.numpy()`."
    )


def _array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
    op = _BY_NUMPY.get(ufunc)
    out = options.pop("out", (None,))
    if out[0] is inputs[0]:  # `array += recorded`: the name then stands for the result
        options.pop("axes", None)  # of `array @= recorded`, where they are the usual ones
        out = (None,)
    if op is None or method != "__call__" or options or out != (None,):
        raise _no_op(ufunc)
    return op(*inputs)


def _array_function(self: Any, function: Any, kinds: Any, args: Any, options: Any) -> Any:
    op = _BY_NUMPY.get(function)
    if op is None:
        raise _no_op(function)
    unknown = set(options) & {"out", "where", "initial", "casting", "order"}
    if unknown:
        raise TypeError(
            f"`np.{function.__name__}` of a recorded or symbolic value does not take "
            f"`{sorted(unknown)[0]}`."
        )
    return op(*args, **options)


Operators.__array_ufunc__ = _array_ufunc  # type: ignore[attr-defined]
Operators.__array_function__ = _array_function  # type: ignore[attr-defined]


def is_recorded(x: Any) -> bool:
    """Whether a gradient of `x` will be asked for."""
    return isinstance(x, Traced) and x.slot is not None and recording()


__all__ = [
    "OPS",
    "Op",
    "FusedOp",
    "Unary",
    "Binary",
    "binary",
    "elementwise",
    "fused_op",
    "is_recorded",
    "numpy_function",
    "op",
    "with_slot",
]
