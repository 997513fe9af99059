"""A recurrent kernel over two halves of a batch, on two cores.

Rows of a batch do not see each other, so each half goes through all steps on its own; only the
gradients of the weights have to be added up. It is worth it if one step of a half is work enough:
handing the lock of Python to and fro costs a few millionths of a second each time.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any, NamedTuple

import numpy as np

from npkeras.kernels.threads import halves, single_blas, together

Array = np.ndarray

_WORK = 2**20  # multiply-adds of one step of one half


class Halves(NamedTuple):
    """What two halves of a batch kept for the backward pass."""

    middle: int  # how many rows the first has
    first: Any
    second: Any


def run_forward(
    run: Callable[..., Any],
    arrays: Sequence[Array | None],
    factors: Sequence[Array | None],
    work: int,
) -> Any:
    """`run(*arrays, *factors)`; twice, for half of the rows each, if there is work enough.

    Args:
        run: Returns (output, *states, what is kept for the backward pass, or None).
        arrays: Arrays (rows, ...); any but the first may be None.
        factors: Arrays (rows, features) or (gates, rows, features), or None.
        work: Multiply-adds of one step for one row.
    """
    rows = len(arrays[0])  # type: ignore[arg-type]
    if rows < 2 or work * (rows // 2) < _WORK:
        with single_blas():
            return run(*arrays, *factors)

    def half(part: slice) -> Any:
        own = [None if a is None else a[part] for a in arrays]
        return run(*own, *[None if f is None else f[..., part, :] for f in factors])

    first, second = halves(rows)
    one, two = together(lambda: half(first), lambda: half(second))
    outputs = [np.concatenate(pair) for pair in zip(one[:-1], two[:-1], strict=True)]
    kept = None if one[-1] is None else Halves(first.stop, one[-1], two[-1])
    return (*outputs, kept)


def run_backward(
    run: Callable[..., Any],
    gradients: Sequence[Array | None],
    kept: Any,
    of_weights: Container[str],
) -> Any:
    """`run(*gradients, kept)`; for each half on its own if the forward pass ran in halves.

    Args:
        run: Returns a named tuple of gradients, or None for some of them.
        of_weights: The names of those that are sums over rows.
    """
    if not isinstance(kept, Halves):
        with single_blas():
            return run(*gradients, kept)

    def half(part: slice, kept: Any) -> Any:
        return run(*[None if g is None else g[part] for g in gradients], kept)

    one, two = together(
        lambda: half(slice(0, kept.middle), kept.first),
        lambda: half(slice(kept.middle, None), kept.second),
    )

    def joined(name: str, a: Array | None, b: Array | None) -> Array | None:
        if a is None or b is None:
            return None
        return np.add(a, b, out=a) if name in of_weights else np.concatenate([a, b])

    return type(one)(*map(joined, one._fields, one, two))
