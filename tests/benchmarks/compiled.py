"""Would the steps of an LSTM gain from being compiled? Needs Numba.

    python -m tests.benchmarks.compiled

What lies between two matmuls of a step is done by NumPy, call by call, and by one compiled loop;
the whole forward pass of the kernel stands beside it, to see what the difference could save.
"""

import math
import time

import numba
import numpy as np

from npkeras.kernels.recurrent import lstm

HALF = np.float32(0.5)
SIZES = {  # batch, time, features, units
    "mnist, one half": (32, 28, 28, 128),
    "imdb": (32, 200, 50, 32),
    "ptb, one half": (64, 60, 50, 32),
}


def views(gates, c_next, products, h):
    """What the kernel has at hand for a step; gates (6, U, B) are o, i, f, g, c, tanh(c)."""
    return (
        (gates[:4], gates[:3], gates[1:3], gates[3:5], gates[5], gates[0], *products),
        (gates, c_next, products, h),
    )


def by_numpy(parts, arrays):
    four, sigmoids, i_f, g_c, tanh_c, o, i_g, f_c = parts
    _, c_next, products, h = arrays
    np.tanh(four, out=four)
    np.multiply(sigmoids, HALF, out=sigmoids)
    np.add(sigmoids, HALF, out=sigmoids)
    np.multiply(i_f, g_c, out=products)
    np.add(i_g, f_c, out=c_next)
    np.tanh(c_next, out=tanh_c)
    np.multiply(o, tanh_c, out=h)


@numba.njit(fastmath=True)
def _all(gates, c_next, h):
    for u in range(h.shape[0]):
        for b in range(h.shape[1]):
            o = 0.5 + 0.5 * math.tanh(gates[0, u, b])
            i = 0.5 + 0.5 * math.tanh(gates[1, u, b])
            f = 0.5 + 0.5 * math.tanh(gates[2, u, b])
            g = math.tanh(gates[3, u, b])
            c = i * g + f * gates[4, u, b]
            t = math.tanh(c)
            gates[0, u, b], gates[1, u, b], gates[2, u, b], gates[3, u, b] = o, i, f, g
            gates[5, u, b], c_next[u, b], h[u, b] = t, c, o * t


def all_compiled(parts, arrays):
    gates, c_next, _, h = arrays
    _all(gates, c_next, h)


@numba.njit(fastmath=True)
def _between(gates, c_next):
    for u in range(c_next.shape[0]):
        for b in range(c_next.shape[1]):
            gates[0, u, b] = np.float32(0.5) + np.float32(0.5) * gates[0, u, b]
            i = np.float32(0.5) + np.float32(0.5) * gates[1, u, b]
            f = np.float32(0.5) + np.float32(0.5) * gates[2, u, b]
            gates[1, u, b], gates[2, u, b] = i, f
            c_next[u, b] = i * gates[3, u, b] + f * gates[4, u, b]


def tanh_by_numpy(parts, arrays):
    """The loops compiled, tanh left to NumPy's vector functions."""
    four, _, _, _, tanh_c, o, _, _ = parts
    gates, c_next, _, h = arrays
    np.tanh(four, out=four)
    _between(gates, c_next)
    np.tanh(c_next, out=tanh_c)
    np.multiply(o, tanh_c, out=h)


def seconds(function, *arguments):
    function(*arguments)
    best = math.inf
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(500):
            function(*arguments)
        best = min(best, (time.perf_counter() - start) / 500)
    return best


def main():
    print("us a step       | NumPy | compiled | compiled, tanh by NumPy | whole forward step")
    random = np.random.default_rng(1)
    for name, (batch, steps, features, units) in SIZES.items():
        gates = random.normal(size=(6, units, batch)).astype("float32")
        place = np.zeros((4, units, batch), "float32")
        ways = by_numpy, all_compiled, tanh_by_numpy
        arguments = views(gates, place[0], place[1:3], place[3])
        times = [1e6 * seconds(way, *arguments) for way in ways]
        x, kernel, recurrent = (
            (0.1 * random.normal(size=shape)).astype("float32")
            for shape in ((batch, steps, features), (features, 4 * units), (units, 4 * units))
        )
        whole = min(1e6 * timed(lstm, x, kernel, recurrent, keep=True) for _ in range(20)) / steps
        shown = " | ".join(f"{t:.1f}" for t in (*times, whole))
        print(f"{name:15} | {shown}")


def timed(function, *arguments, **options):
    start = time.perf_counter()
    function(*arguments, **options)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
