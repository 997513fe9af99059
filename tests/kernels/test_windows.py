"""Windows: against NumPy's own, SciPy's, and their limits."""

import numpy as np
import pytest

from npkeras.kernels import windows

NAMED = [*windows._COSINE_SUMS, *windows._OTHERS]
SHAPED = [("kaiser", 8.0), ("gaussian", 2.0), ("general_hamming", 0.7), ("tukey", 0.3)]
SHAPED += [("tukey", 0), ("tukey", 1)]
NUMPYS = {
    "hann": np.hanning,
    "hamming": np.hamming,
    "blackman": np.blackman,
    "bartlett": np.bartlett,
    ("kaiser", 8.0): lambda size: np.kaiser(size, 8.0),
}


@pytest.mark.parametrize("kind", NUMPYS, ids=str)
@pytest.mark.parametrize("size", [2, 3, 8, 101])
def test_windows_are_numpys(kind, size):
    np.testing.assert_allclose(windows.window(kind, size, False), NUMPYS[kind](size), atol=1e-15)


@pytest.mark.parametrize("kind", [*NAMED, *SHAPED], ids=str)
@pytest.mark.parametrize("size", [1, 2, 3, 8, 101])
@pytest.mark.parametrize("periodic", [True, False])
def test_windows_are_scipys(kind, size, periodic):
    signal = pytest.importorskip("scipy.signal")
    expected = signal.get_window(kind, size, fftbins=periodic)
    np.testing.assert_allclose(windows.window(kind, size, periodic), expected, atol=1e-14)


@pytest.mark.parametrize("kind", [*NAMED, *SHAPED], ids=str)
@pytest.mark.parametrize("size", [2, 3, 8, 101])
def test_windows_are_symmetric_and_periodic_ones_lack_their_end(kind, size):
    whole = windows.window(kind, size + 1, False)
    np.testing.assert_allclose(whole, whole[::-1], atol=1e-15)
    np.testing.assert_array_equal(windows.window(kind, size, True), whole[:size])


def test_one_weight_is_1_and_none_are_none():
    for kind in [*NAMED, *SHAPED]:
        assert windows.window(kind, 1, True).tolist() == [1.0]
        assert windows.window(kind, 0, False).shape == (0,)


def test_second_names():
    for kind, name in windows._ALIASES.items():
        np.testing.assert_array_equal(windows.window(kind, 9, True), windows.window(name, 9, True))


@pytest.mark.parametrize(
    "kind, message",
    [
        ("foo", "Unknown window.*window='foo'.*hann"),
        (3, "Unknown window.*window=3"),
        ((), r"Unknown window.*window=\(\)"),
        ("kaiser", "'kaiser' takes 1 parameter.*window='kaiser'"),
        (("hann", 2.0), r"'hann' takes 0 parameter.*window=\('hann', 2.0\)"),
        (("kaiser", "a"), "`parameter` of the window 'kaiser' must be a number.*parameter='a'"),
    ],
)
def test_unknown_windows_are_refused(kind, message):
    with pytest.raises(ValueError, match=message):
        windows.window(kind, 5, True)
