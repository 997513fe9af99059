"""The second core: another Python thread for half of the work, and BLAS on one thread meanwhile.

BLAS has threads of its own, but one product of small matrices gives them too little to do, and
what is not a product stays on one core. NumPy releases Python's lock in its loops and in BLAS, so
two Python threads over two pieces of the work do better, with BLAS told to stay on the thread that
calls it. How the work is cut depends on its size alone, never on the number of cores: the
numbers are the same on one core, where the pieces are done one after the other.

Linux wakes a thread on the core of the one that woke it and leaves it waiting there, for longer
than a piece of work takes. The second thread is therefore kept off the core that the first one
is on.

There is no second thread where there is one core, where BLAS was told to use one thread
(`OPENBLAS_NUM_THREADS=1`, `threadpoolctl`), or while the thread is busy for somebody else.
"""

from __future__ import annotations

import contextvars
import ctypes
import os
import threading
from collections.abc import Callable
from typing import Any

WORTH = 2**22  # multiply-adds in both halves, from which a second thread has done its own in time


class _Blas:
    """How many threads the BLAS libraries use, through threadpoolctl where it is installed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.depth = 0  # how many blocks of `single_blas` are under way, in all threads
        self.allowed = 1  # how many threads there were before the first of them
        self.libraries: list[Any] | None = None

    def find(self) -> list[Any]:
        if self.libraries is None:
            try:
                import threadpoolctl

                found = threadpoolctl.ThreadpoolController().lib_controllers
            except ImportError:
                found = []
            self.libraries = [library for library in found if library.user_api == "blas"]
        return self.libraries

    def enter(self) -> None:
        with self.lock:
            self.depth += 1
            if self.depth == 1:
                libraries = self.find()
                self.allowed = max((one.get_num_threads() for one in libraries), default=1)
                if self.allowed > 1:
                    for one in libraries:
                        one.set_num_threads(1)

    def leave(self) -> None:
        with self.lock:
            self.depth -= 1
            if self.depth == 0 and self.allowed > 1:
                for one in self.libraries or ():
                    one.set_num_threads(self.allowed)


_blas = _Blas()


class single_blas:
    """Inside this `with` block BLAS computes on the thread that calls it."""

    def __enter__(self) -> None:
        _blas.enter()

    def __exit__(self, *error: object) -> None:
        _blas.leave()


class _Second:
    """The second thread: it waits for work, does it, and waits again."""

    def __init__(self) -> None:
        self.free = threading.Lock()
        self.begin, self.end = threading.Semaphore(0), threading.Semaphore(0)
        self.work: Callable[[], Any] | None = None
        self.result: Any = None
        self.error: BaseException | None = None
        self.cores: set[int] = set()
        self.thread: threading.Thread | None = None

    def start(self, work: Callable[[], Any]) -> None:
        if self.thread is None:
            self.thread = threading.Thread(target=self._run, name="npkeras", daemon=True)
            self.thread.start()
        self._keep_off(_core())
        self.work = contextvars.copy_context().run, work  # type: ignore[assignment]
        self.begin.release()

    def wait(self) -> Any:
        self.end.acquire()
        result, error = self.result, self.error
        self.work = self.result = self.error = None
        self.free.release()
        if error is not None:
            raise error
        return result

    def _run(self) -> None:
        while True:
            self.begin.acquire()
            try:
                run, work = self.work  # type: ignore[misc]
                self.result = run(work)
            except BaseException as error:
                self.error = error
            run = work = None
            self.end.release()

    def _keep_off(self, core: int | None) -> None:
        if core is None or self.thread is None:
            return
        cores = os.sched_getaffinity(0) - {core}
        if cores and cores != self.cores:
            os.sched_setaffinity(self.thread.native_id, cores)  # type: ignore[arg-type]
            self.cores = cores


_second = _Second()


def _forget() -> None:
    """A forked process has no second thread until it starts one of its own."""
    global _second, _blas
    _second, _blas = _Second(), _Blas()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)

_sched_getcpu = getattr(ctypes.CDLL(None), "sched_getcpu", None) if os.name == "posix" else None


def _core() -> int | None:
    """The core this thread runs on; None where the system does not say."""
    if _sched_getcpu is None or not hasattr(os, "sched_setaffinity"):
        return None
    return _sched_getcpu()


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def beside(work: Callable[[], Any]) -> Callable[[], Any]:
    """Begin with some work on the second thread; within `single_blas` only.

    Returns:
        A function that waits until the work is done and returns its result, or raises its error.
        It must be called once.
    """
    second = _second
    if _blas.allowed > 1 and cores() > 1 and second.free.acquire(blocking=False):
        second.start(work)
        return second.wait
    result = work()
    return lambda: result


def together(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
    """The results of two pieces of work, done at the same time where there is a second core."""
    with single_blas():
        wait = beside(second)
        try:
            mine = first()
        except BaseException:
            wait()
            raise
        return mine, wait()


def in_halves(run: Callable[[slice], Any], rows: int, work: int) -> list[Any]:
    """The results of `run` for two halves of the rows, or for all at once.

    Args:
        run: Computes the rows of a slice.
        rows: How many there are.
        work: Multiply-adds of all rows; too few are not worth a second thread.
    """
    if rows < 2 or work < WORTH:
        with single_blas():
            return [run(slice(0, rows))]
    first, second = halves(rows)
    return list(together(lambda: run(first), lambda: run(second)))


def halves(length: int) -> tuple[slice, slice]:
    """Two slices that make up `length` rows."""
    middle = (length + 1) // 2
    return slice(0, middle), slice(middle, length)


def slices(length: int, most: int) -> list[slice]:
    """Slices of at most so many rows, about equal, none longer than the first: `length` in all."""
    count = -(-length // most)
    ends = [length - i * length // count for i in range(count, -1, -1)] if count else [0]
    return [slice(a, b) for a, b in zip(ends, ends[1:], strict=False)]
