"""The affine kernel: whole shifts, edges, points at infinity, and the way back."""

import numpy as np
import pytest

from npkeras.kernels import affine as kernels
from npkeras.kernels.affine import affine, inverse

ROW = np.arange(1.0, 5.0, dtype="float32").reshape(1, 1, 4, 1)
IMAGES = np.random.default_rng(0).normal(size=(5, 6, 7, 2)).astype("float32")


def shift(across, down=0.0):
    return np.array([[1, 0, across, 0, 1, down, 0, 0]], "float32")


@pytest.mark.parametrize(
    "fill_mode, expected",
    [
        ("constant", [9, 9, 9, 1, 2, 3, 4, 9, 9, 9]),
        ("nearest", [1, 1, 1, 1, 2, 3, 4, 4, 4, 4]),
        ("reflect", [3, 2, 1, 1, 2, 3, 4, 4, 3, 2]),
        ("wrap", [4, 3, 4, 1, 2, 3, 4, 1, 2, 1]),  # TensorFlow counts too many turns at both ends
    ],
)
def test_what_lies_beyond_the_edges(fill_mode, expected):
    for start in range(7):
        y = affine(ROW, shift(start - 3), "nearest", fill_mode, 9.0)
        np.testing.assert_array_equal(y.reshape(4), expected[start : start + 4])


@pytest.mark.parametrize("fill_mode", kernels.FILL_MODES)
def test_one_pixel_is_everywhere_the_same(fill_mode):
    y = affine(ROW[:, :, :1], shift(0.0, 0.0), "bilinear", fill_mode)
    np.testing.assert_array_equal(y, ROW[:, :, :1])


def test_between_pixels_there_are_both():
    y = affine(ROW, shift(0.25), "bilinear", "nearest")
    np.testing.assert_array_equal(y.reshape(4), [1.25, 2.25, 3.25, 4])
    y = affine(ROW, shift(0.5), "nearest", "nearest")
    np.testing.assert_array_equal(y.reshape(4), [2, 3, 4, 4])


def test_integers_lose_their_fractions_and_are_not_rounded():
    y = affine(ROW.astype("uint8"), shift(0.75), "bilinear", "nearest")
    np.testing.assert_array_equal(y.reshape(4), [1, 2, 3, 4])


def test_large_integers_stay_exact_where_nothing_is_blended():
    x = np.array([2**53 + 1, 2**60 + 3], "int64").reshape(1, 1, 2, 1)
    np.testing.assert_array_equal(affine(x, shift(0.0), "nearest"), x)


def test_many_small_images_are_done_in_pieces(monkeypatch):
    transforms = np.repeat(shift(0.5, -1.5), 5, axis=0)
    transforms[:, 1] = np.linspace(-1, 1, 5)
    whole = affine(IMAGES, transforms)
    monkeypatch.setattr(kernels, "_CHUNK", 2 * 6 * 7)
    np.testing.assert_array_equal(affine(IMAGES, transforms), whole)
    single = affine(IMAGES, transforms[:1])
    np.testing.assert_array_equal(single, affine(IMAGES, np.repeat(transforms[:1], 5, axis=0)))


def test_a_point_at_infinity_shows_the_fill_value():
    away = np.array([[1, 0, 0, 0, 1, 0, -1, 0]], "float32")  # divides by 1 - x
    for interpolation in kernels.INTERPOLATIONS:
        y = affine(ROW, away, interpolation, "nearest", 9.0)
        assert y[0, 0, 1, 0] == 9
        assert np.isfinite(y).all()


def test_no_images():
    assert affine(IMAGES[:0], shift(1.0)).shape == (0, 6, 7, 2)
    assert affine(IMAGES[:, :0], shift(1.0)).shape == (5, 0, 7, 2)


def test_the_inverse_leads_back():
    transforms = np.array([[0.8, 0.6, 2, -0.6, 0.8, 1, 0, 0], [1, 0.2, 0, 0, 1, 3, 0.1, 0]])
    back = inverse(transforms.astype("float32"))
    for there, then in zip(transforms, back, strict=True):
        product = np.append(there, 1).reshape(3, 3) @ np.append(then, 1).reshape(3, 3)
        np.testing.assert_allclose(product / product[2, 2], np.eye(3), atol=1e-6)


def test_what_has_no_way_back_does_not_hinder_the_others():
    flat = np.zeros((1, 8), "float32")
    back = inverse(np.concatenate([flat, shift(2.0)]))
    assert not np.isfinite(back[0]).any()
    np.testing.assert_array_equal(back[1:], shift(-2.0))


def test_pixels_of_large_images_are_told_apart():
    x = np.zeros((1, 20, 1_000_003, 1), "uint8")  # more pixels than float32 can count
    x[0, 19, 1_000_001] = 5
    across = np.array([[[1_000_000, 1_000_001, 1_000_002]]], "float32")
    y = kernels._nearest(x, across, np.full_like(across, 19), np.uint8(0))
    np.testing.assert_array_equal(y.reshape(3), [0, 5, 0])
