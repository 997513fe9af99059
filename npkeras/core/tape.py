"""Reverse-mode differentiation: note down what is computed, then walk the notes backwards.

An op that is given a `Traced` value while a `GradientTape` runs computes its result and leaves
a record: the slot of the result, and for each argument a slot and a *pullback*, the function
that takes the gradient of the result to the gradient of the argument. Ops are recorded in the
order in which they run, so the list read backwards is already a valid order for the chain
rule: nothing has to be sorted, and no graph is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from operator import iadd
from typing import Any

import numpy as np

from npkeras.core import check, tree

Pullback = Callable[[Any], Any]
Edge = tuple[object, Pullback]


class Joint:
    """The edges of an op whose gradients are all computed at once.

    Args:
        backward: A function of dy that returns one gradient per argument of the op, or None.
        wanted: (place among the arguments, slot, dtype or None) of those that are asked for; in
            that dtype, if it is not the one they were computed in.
    """

    __slots__ = ("backward", "wanted")

    def __init__(self, backward: Pullback, wanted: list[tuple[int, object, Any]]) -> None:
        self.backward, self.wanted = backward, wanted

    def pull(self, dy: Any) -> list[tuple[object, Any]]:
        """(slot, gradient) of each."""
        gradients = self.backward(dy)
        return [
            (slot, gradients[i] if dtype is None else _as_dtype(gradients[i], dtype))
            for i, slot, dtype in self.wanted
        ]


Edges = list[Edge] | Joint


def _as_dtype(gradient: Any, dtype: Any) -> Any:
    return None if gradient is None else gradient.astype(dtype)


class Operators:
    """Python's arithmetic signs. Each is filled in by the op that owns it (see `op.py`)."""

    __slots__ = ()

    def __pos__(self) -> Any:
        return self


class Traced(Operators):
    """An array, and the slot where its gradient will be gathered (None: not wanted)."""

    __slots__ = ("value", "slot", "notes", "__weakref__")

    value: Any
    slot: object | None

    def __init__(self, value: Any, slot: object | None) -> None:
        self.value = value
        self.slot = slot
        self.notes: dict[str, Any] | None = None  # a mask, say: see `attach.py`

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    dtype = property(lambda self: self.value.dtype)
    size = property(lambda self: self.value.size)

    def numpy(self) -> np.ndarray:
        """The bare array. Nothing computed from it is recorded."""
        return np.asarray(self.value)

    def item(self) -> Any:
        return self.value.item()

    def tolist(self) -> Any:
        return self.value.tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.value, dtype=dtype, copy=copy)

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self.value)))  # type: ignore[index]

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __format__(self, spec: str) -> str:
        return format(self.value if self.ndim else self.value.item(), spec)

    def __repr__(self) -> str:
        return f"<Traced shape={self.shape} dtype={self.dtype} value={self.value}>"


class _Thread(threading.local):
    tapes: tuple[GradientTape, ...] = ()  # those recording in this thread


_thread = _Thread()

# Bare arrays under `tape.watch`: id -> (the array, its slot). Empty nearly always.
watched: dict[int, tuple[np.ndarray, object]] = {}


class GradientTape:
    """Inside its `with` block, every op applied to a recorded value leaves a record.

    Trainable variables are recorded by themselves; other values after `watch`.

    Args:
        persistent: Whether `gradient` may be called more than once. It then keeps what the
            pullbacks need until the tape itself is dropped.
        watch_accessed_variables: Whether trainable variables are recorded without `watch`.

    Example:
        >>> x = npkeras.Variable(3.0)
        >>> with npkeras.GradientTape() as tape:
        ...     y = x * x
        >>> float(tape.gradient(y, x))
        6.0
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self.persistent = persistent
        self.watch_accessed_variables = watch_accessed_variables
        self.records: list[tuple[Any, Edges]] = []
        self._watched: dict[int, tuple[Any, object]] = {}
        self._lent: list[Traced] = []  # watched values that had no slot of their own
        self._entered: list[int] = []  # keys of `watched` that no outer tape had entered before
        self._used = False

    def __enter__(self) -> GradientTape:
        if self in _thread.tapes:
            raise ValueError(
                "This GradientTape is recording already: leave its `with` block before entering it "
                "again, or make a second tape."
            )
        self._outer = _thread.tapes
        _thread.tapes = (*self._outer, self)
        return self

    def __exit__(self, *error: object) -> None:
        _thread.tapes = self._outer
        for value in self._lent:
            value.slot = None
        for key in self._entered:
            del watched[key]
        self._lent, self._entered = [], []

    def watch(self, tensor: Any) -> Any:
        """Record what is computed from a value, or from each value of a nest.

        Integers and booleans have no gradient: they are returned as they are.

        A bare array cannot intercept Python's own signs: give it to ops, layers and models as
        it is, or go on with what this method returns, on which `x * x` is recorded too.
        """
        return tree.map(self._watch, tensor)

    def _watch(self, value: Any) -> Any:
        if not isinstance(value, (Traced, np.ndarray)):
            raise TypeError(
                f"`GradientTape.watch` expects arrays or variables. Received: {value!r:.80}"
            )
        if plain(value).dtype.kind not in "fc":
            return value
        if isinstance(value, Traced):
            if value.slot is None:
                value.slot = object()
                self._lent.append(value)
            self._watched[id(value)] = (value, value.slot)
            return value
        if id(value) not in watched:
            watched[id(value)] = (value, object())
            self._entered.append(id(value))
        self._watched[id(value)] = watched[id(value)]
        return Traced(*watched[id(value)])

    def stop_recording(self) -> no_grad:
        """A `with` block inside which this tape records nothing; others go on."""
        return no_grad(self)

    def reset(self) -> None:
        """Forget everything recorded so far."""
        self.records.clear()
        self._used = False

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: str = "none",
    ) -> Any:
        """The gradient of sum(target) with respect to each source.

        Args:
            target: What was computed: a value or a nest of values, which are summed.
            sources: A variable, a watched value, or a nest of them.
            output_gradients: Weights for the entries of the targets; ones if None.
            unconnected_gradients: `"none"` or `"zero"`: the answer for a source on which the
                target does not depend.

        Returns:
            Arrays in a nest like `sources`. They share no memory, so they may be written into.

        Raises:
            RuntimeError: On a second call, unless the tape is persistent. Records are used
                up as they are walked, and with each go the arrays that only it still needed.
            TypeError: If a target or a source is no array, recorded value or variable.
        """
        targets, wanted = tree.leaves(target), tree.leaves(sources)
        _check_values(targets, "target")
        _check_values(wanted, "sources")
        if unconnected_gradients not in ("none", "zero"):
            check.one_of(
                ("none", "zero"), unconnected_gradients, "unconnected_gradients", "gradient"
            )
        if self._used and not self.persistent:
            raise RuntimeError(
                "This GradientTape was used up by an earlier call of `gradient`. "
                "Make it with `GradientTape(persistent=True)` to ask it more than once."
            )
        self._used = True
        totals = self._start(targets, output_gradients)
        slots = [self._slot_of(source) for source in wanted]
        self._walk(totals, {slot for slot in slots if slot is not None})
        zeros = unconnected_gradients == "zero"
        results = [
            self._result(source, totals.get(slot), zeros)
            for source, slot in zip(wanted, slots, strict=True)
        ]
        return tree.pack(sources, _apart(results))

    def _start(self, targets: list[Any], output_gradients: Any) -> dict[object, Any]:
        seeds = [None] * len(targets) if output_gradients is None else tree.leaves(output_gradients)
        if len(seeds) != len(targets):
            raise ValueError(
                "`output_gradients` must hold one array for each target. "
                f"Received: {len(seeds)} for {len(targets)} targets"
            )
        totals: dict[object, Any] = {}
        for value, seed in zip(targets, seeds, strict=True):
            slot = self._slot_of(value)
            if slot is None:
                continue  # a constant: nothing depends on it
            dy = np.ones_like(plain(value))
            if seed is not None:
                dy = _weighted(dy, np.asarray(plain(seed), dy.dtype))
            totals[slot] = totals[slot] + dy if slot in totals else dy
        return totals

    def _walk(self, totals: dict[object, Any], keep: set[object]) -> None:
        sums: set[object] = set()  # slots whose total was allocated here: adding in place is safe
        for slot, edges in self._backwards():
            if type(slot) is tuple:
                dy = _gather(slot, totals, keep)
            elif slot in keep:
                dy = totals.get(slot)
            else:
                dy = totals.pop(slot, None)
            if dy is None:
                continue  # the target does not depend on this output
            pulled = (
                edges.pull(dy)
                if type(edges) is Joint
                else [(source, pullback(dy)) for source, pullback in edges]
            )
            for source, dx in pulled:
                if dx is None:
                    continue
                total = totals.get(source)
                if total is None:
                    totals[source] = dx  # perhaps a view, perhaps shared: never written to
                elif source in sums:
                    totals[source] = iadd(total, dx)
                else:
                    totals[source] = total + dx
                    sums.add(source)

    def _backwards(self) -> Any:
        """The records from the newest on: a total is complete before it is used."""
        if self.persistent:
            yield from reversed(self.records)
        while self.records and not self.persistent:
            yield self.records.pop()

    def _slot_of(self, value: Any) -> object | None:
        if id(value) in self._watched:
            return self._watched[id(value)][1]
        if not isinstance(value, Traced):
            return None
        unasked = getattr(value, "trainable", False) and not self.watch_accessed_variables
        # A variable frozen since it was recorded still has its gradient.
        return None if unasked else value.slot or getattr(value, "home", None)

    def _result(self, source: Any, gradient: Any, zeros: bool) -> Any:
        if gradient is None:
            return np.zeros_like(plain(source)) if zeros else None
        if isinstance(gradient, np.generic):
            gradient = np.asarray(gradient)
        if _thread.tapes and _thread.tapes != (self,):
            return _first_order_only(gradient)
        return gradient


def _check_values(leaves: list[Any], name: str) -> None:
    for leaf in leaves:
        if not isinstance(leaf, (Traced, np.ndarray, np.generic, float, int)):
            raise TypeError(
                f"`{name}` of `gradient` must be an array, a recorded value, a variable or a nest "
                f"of them. Received: {check.shown(leaf)}"
            )


def _weighted(dy: Any, seed: Any) -> Any:
    try:
        return dy * np.broadcast_to(seed, dy.shape)
    except ValueError:
        raise ValueError(
            "`output_gradients` must have the shapes of the targets. "
            f"Received: an array of shape {seed.shape} for a target of shape {dy.shape}"
        ) from None


def _apart(gradients: list[Any]) -> list[Any]:
    """The gradients, copied where two share memory or one is a view that must not be written to."""
    if len(set(map(id, gradients))) == len(gradients) and all(map(_owns_itself, gradients)):
        return gradients
    result: list[Any] = []
    by_owner: dict[int, list[np.ndarray]] = {}
    for gradient in gradients:
        if isinstance(gradient, np.ndarray):
            owner = gradient
            while isinstance(owner.base, np.ndarray):
                owner = owner.base
            others = by_owner.setdefault(id(owner), [])
            shared = any(np.may_share_memory(gradient, other) for other in others)
            if shared or not gradient.flags.writeable:
                gradient = gradient.copy()
            else:
                others.append(gradient)
        result.append(gradient)
    return result


def _owns_itself(gradient: Any) -> bool:
    return type(gradient) is np.ndarray and gradient.base is None and gradient.flags.writeable


def _gather(slots: tuple[object, ...], totals: dict[object, Any], keep: set[object]) -> Any:
    """The gradients of an op's several outputs: None where nothing flowed back."""
    found = tuple(totals.get(s) if s in keep else totals.pop(s, None) for s in slots)
    return None if all(dy is None for dy in found) else found


def _first_order_only(gradient: Any) -> Any:
    """A gradient which a second tape cannot differentiate, and which says so when it tries."""

    def pullback(dy: Any) -> Any:
        raise NotImplementedError(
            "npkeras differentiates once: a gradient cannot be differentiated again by an outer "
            "GradientTape. Write the inner gradient out with ops, use central differences, or, if "
            "it is a constant to the outer tape, pass it through `ops.stop_gradient`."
        )

    return record(gradient, [(object(), pullback)])


def record(y: Any, edges: Edges) -> Any:
    """Tell every running tape which inputs `y` came from, and how gradients flow back.

    A tuple `y` stands for several outputs: the pullbacks then get a tuple of gradients, with
    None for an output through which nothing flowed back.
    """
    if type(y) is tuple:
        outputs = tuple(Traced(part, object()) for part in y)
        slot: Any = tuple(output.slot for output in outputs)
        result: Any = outputs
    else:
        result = Traced(y, slot := object())
    for tape in _thread.tapes:
        tape.records.append((slot, edges))
    return result


def record_as(result: Traced, edges: Edges) -> None:
    """Tell every running tape that `result`, a value that exists already, came from its inputs."""
    result.slot = object()
    for tape in _thread.tapes:
        tape.records.append((result.slot, edges))


def recording() -> bool:
    """Whether a tape runs in this thread."""
    return bool(_thread.tapes)


class no_grad:
    """Inside this `with` block nothing is recorded.

    Args:
        tape: The only tape that stops. None: all of them do.
    """

    def __init__(self, tape: GradientTape | None = None) -> None:
        self.tape = tape
        self._outer: list[tuple[GradientTape, ...]] = []  # one entry for each block it is in

    def __enter__(self) -> no_grad:
        self._outer.append(_thread.tapes)
        stopped = _thread.tapes if self.tape is None else (self.tape,)
        _thread.tapes = tuple(tape for tape in _thread.tapes if tape not in stopped)
        return self

    def __exit__(self, *error: object) -> None:
        _thread.tapes = self._outer.pop()


def plain(x: Any) -> Any:
    """The bare array of a recorded value or variable; anything else as it is."""
    return x.value if isinstance(x, Traced) else x
