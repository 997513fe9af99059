"""Two pieces of work at a time, and BLAS on one thread meanwhile."""

import contextvars
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from npkeras.kernels import threads
from npkeras.kernels.threads import beside, halves, single_blas, together

threadpoolctl = pytest.importorskip("threadpoolctl")


def blas_threads():
    libraries = threadpoolctl.threadpool_info()
    return [lib["num_threads"] for lib in libraries if lib["user_api"] == "blas"]


@pytest.fixture
def two_cores():
    """BLAS is allowed two threads; skipped where there is one core."""
    if threads.cores() < 2:
        pytest.skip("this process may use one core only")
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        yield


def test_blas_stays_on_one_thread_within_the_block_and_gets_its_own_back(two_cores):
    with single_blas():
        assert set(blas_threads()) == {1}
        with single_blas():
            assert set(blas_threads()) == {1}
        assert set(blas_threads()) == {1}
    assert set(blas_threads()) == {2}


def test_blas_gets_its_threads_back_after_an_error(two_cores):
    with pytest.raises(ZeroDivisionError), single_blas():
        raise ZeroDivisionError
    assert set(blas_threads()) == {2}


def test_both_results_come_back_from_two_threads(two_cores):
    mine, other = together(threading.get_ident, threading.get_ident)
    assert mine == threading.get_ident() != other


def test_a_core_of_ones_own(two_cores):
    """The second thread is kept off the core of the first: else it would wait for it."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system does not say which core a thread is on")
    _, allowed = together(lambda: None, lambda: os.sched_getaffinity(0))
    assert len(allowed) == threads.cores() - 1


def test_one_after_the_other_where_blas_may_use_one_thread():
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        idents = together(threading.get_ident, threading.get_ident)
    assert idents == (threading.get_ident(), threading.get_ident())


def test_work_within_work_stays_on_its_thread(two_cores):
    def inner():
        return together(threading.get_ident, threading.get_ident)

    (one, two), (three, four) = together(inner, inner)
    assert one == two != three == four


@pytest.mark.parametrize("fails", ["first", "second"])
def test_an_error_in_either_is_raised_and_the_thread_is_free_again(fails, two_cores):
    def work(name):
        if name == fails:
            raise KeyError(name)
        return name

    with pytest.raises(KeyError, match=fails):
        together(lambda: work("first"), lambda: work("second"))
    assert len(set(together(threading.get_ident, threading.get_ident))) == 2


def test_beside_begins_at_once(two_cores):
    begun = threading.Event()
    with single_blas():
        wait = beside(begun.set)
        assert begun.wait(10)
        assert wait() is None


def test_settings_of_numpy_hold_in_both(two_cores):
    with np.errstate(over="raise"):
        found = together(np.geterr, np.geterr)
    assert [setting["over"] for setting in found] == ["raise", "raise"]
    variable = contextvars.ContextVar("variable", default=0)
    variable.set(3)
    assert together(variable.get, variable.get) == (3, 3)


def test_a_forked_process_starts_its_own_second_thread(two_cores):
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    code = (
        "import os, threading\n"
        "from npkeras.kernels.threads import together\n"
        "together(int, int)\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    os._exit(len(set(together(threading.get_ident, threading.get_ident))))\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", code], timeout=60, env=environment, check=False)
    assert done.returncode == 2


@pytest.mark.parametrize("length", [0, 1, 2, 5])
def test_halves_make_up_the_whole(length):
    first, second = halves(length)
    assert [*range(length)[first], *range(length)[second]] == [*range(length)]
    assert len(range(length)[first]) - len(range(length)[second]) in (0, 1)


@pytest.mark.parametrize("most", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("length", [0, 1, 2, 7, 12, 13])
def test_slices_make_up_the_whole(length, most):
    parts = threads.slices(length, most)
    assert [i for part in parts for i in range(length)[part]] == list(range(length))
    sizes = [part.stop - part.start for part in parts]
    assert all(0 < size <= most for size in sizes)
    assert not sizes or sizes[0] == max(sizes) <= min(sizes) + 1
