"""Images seen through a map of their points: each pixel of the result looks one up in the image.

A transform is eight numbers. The pixel (x, y) of the result, column and row, looks at

    ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k),    k = c0 x + c1 y + 1

of the image, for a transform (a0, a1, a2, b0, b1, b2, c0, c1). All of it is in float32 and in
TensorFlow's order, so that no pixel falls on the other side of an edge.
"""

from __future__ import annotations

import numpy as np

from npkeras.kernels import kernel

Array = np.ndarray

INTERPOLATIONS = ("nearest", "bilinear")
FILL_MODES = ("constant", "nearest", "wrap", "reflect")

_CHUNK = 1 << 16  # pixels looked up at once, so that they stay in the cache


@kernel
def affine(
    images: Array,
    transforms: Array,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0.0,
) -> Array:
    """Each image through its transform.

    Args:
        images, transforms: One transform for each image, or a single one for all.
        interpolation: `"nearest"` takes the closest pixel, `"bilinear"` blends four.
        fill_mode: What lies beyond the edges: `"constant"` (`fill_value`), `"nearest"` (the edge),
            `"wrap"` (the image again) or `"reflect"` (the image mirrored at its edge).
        fill_value: What `"constant"` means; also what a point at infinity shows.

    Shapes: images (n, rows, columns, channels), transforms (n, 8) or (1, 8) -> like images
    """
    y = np.empty_like(images)
    rows, columns = images.shape[1:3]
    if not y.size:
        return y
    look = _nearest if interpolation == "nearest" else _bilinear
    fill = _in_dtype(np.array(fill_value), y.dtype)
    step = max(1, _CHUNK // (rows * columns))
    for start in range(0, len(images), step):
        part = slice(start, start + step)
        places = _places(transforms[part] if len(transforms) > 1 else transforms, rows, columns)
        (across, down), lost = _within(places, (columns, rows), fill_mode)
        found = look(images[part], across, down, fill)
        if lost.any():
            found[np.broadcast_to(lost, found.shape[:3])] = fill
        y[part] = _in_dtype(found, y.dtype)
    return y


def inverse(transforms: Array) -> Array:
    """The transforms that lead back. nan for those that do not."""
    matrices = np.ones((len(transforms), 9), np.float32)
    matrices[:, :8] = transforms
    try:
        back = np.linalg.inv(matrices.reshape(-1, 3, 3)).reshape(-1, 9)
    except np.linalg.LinAlgError:
        back = np.array([_inverse_or_nan(matrix) for matrix in matrices.reshape(-1, 3, 3)])
    with np.errstate(all="ignore"):
        return (back / back[:, 8:])[:, :8].astype(np.float32)


def _inverse_or_nan(matrix: Array) -> Array:
    try:
        return np.linalg.inv(matrix).reshape(9)
    except np.linalg.LinAlgError:
        return np.full(9, np.nan, np.float32)


def _places(transforms: Array, rows: int, columns: int) -> tuple[Array, Array, Array]:
    """Where each pixel looks: columns, rows, and the divisor. Shapes: (n, rows, columns)."""
    a0, a1, a2, b0, b1, b2, c0, c1 = transforms.astype(np.float32, copy=False).T[..., None, None]
    x = np.arange(columns, dtype=np.float32)
    y = np.arange(rows, dtype=np.float32)[:, None]
    across, down = a0 * x + a1 * y + a2, b0 * x + b1 * y + b2
    if not c0.any() and not c1.any():
        return across, down, np.ones((1, 1, 1), np.float32)
    return across, down, c0 * x + c1 * y + np.float32(1)


def _within(
    places: tuple[Array, Array, Array], lengths: tuple[int, int], fill_mode: str
) -> tuple[list[Array], Array]:
    """The points looked at, moved into the image as the mode says; and which there are none."""
    across, down, divisor = places
    lost = divisor == 0
    moved = []
    with np.errstate(all="ignore"):
        for place, length in zip((across, down), lengths, strict=True):
            place = place / divisor if divisor.size > 1 else place
            if fill_mode == "reflect":
                place = _reflected(place, length)
            elif fill_mode == "wrap":
                place = _wrapped(place, length)
            if fill_mode != "constant":
                place = np.clip(place, np.float32(0), np.float32(length - 1))
            moved.append(place)
    lost = lost | ~(np.isfinite(moved[0]) & np.isfinite(moved[1]))
    if lost.any():
        moved = [np.where(lost, np.float32(0), place) for place in moved]
    return moved, lost


def _reflected(place: Array, length: int) -> Array:
    """d c b a | a b c d | d c b a"""
    if length <= 1:
        return np.zeros_like(place)
    period = np.float32(2 * length)
    low = np.where(place < -period, period * np.trunc(-place / period) + place, place)
    low = np.where(low < -length, low + period, -low - np.float32(1))
    high = place - period * np.trunc(place / period)
    high = np.where(high >= length, period - high - np.float32(1), high)
    return np.where(place < 0, low, np.where(place > length - 1, high, place))


def _wrapped(place: Array, length: int) -> Array:
    """a b c d | a b c d | a b c d, with nothing between d and a.

    As in TensorFlow turns are counted by length - 1, one too many where a place is far out; such a
    place then shows an edge.
    """
    if length <= 1:
        return np.zeros_like(place)
    last, period = np.float32(length - 1), np.float32(length)
    low = place + period * (np.trunc(-place / last) + np.float32(1))
    high = place - period * np.trunc(place / last)
    return np.where(place < 0, low, np.where(place > last, high, place))


def _index(place: Array, length: int) -> tuple[Array, Array | None]:
    """Whole places as numbers of entries, and which are beyond the edges; None for none of them."""
    kept = np.clip(place, np.float32(0), np.float32(length - 1))
    beyond = kept != place
    return kept.astype(np.intp), beyond if beyond.any() else None


def _at(images: Array, rows: tuple, columns: tuple, fill: Array) -> Array:
    """The pixels at the places of two `_index`; `fill` where there are none."""
    n, height, width, channels = images.shape
    place = rows[0] * width
    place += columns[0]
    if len(place) == n:
        place += (np.arange(n) * (height * width))[:, None, None]
        found = images.reshape(-1, channels).take(place.reshape(-1), axis=0)
    else:
        found = images.reshape(n, -1, channels).take(place.reshape(-1), axis=1)
    found = found.reshape(n, *place.shape[1:], channels)
    for beyond in (rows[1], columns[1]):
        if beyond is not None:
            found[np.broadcast_to(beyond, found.shape[:3])] = fill
    return found


def _nearest(images: Array, x: Array, y: Array, fill: Array) -> Array:
    height, width = images.shape[1:3]
    return _at(images, _index(_rounded(y), height), _index(_rounded(x), width), fill)


def _rounded(place: Array) -> Array:
    """To whole numbers; halves away from zero."""
    whole = np.trunc(place)
    return whole + np.copysign(np.abs(place - whole) >= np.float32(0.5), place)


def _bilinear(images: Array, x: Array, y: Array, fill: Array) -> Array:
    height, width = images.shape[1:3]
    left, top = np.floor(x), np.floor(y)
    right, bottom = left + np.float32(1), top + np.float32(1)
    to_left, to_right = (right - x)[..., None], (x - left)[..., None]
    before, after = _index(left, width), _index(right, width)
    sums = []
    for row in (_index(top, height), _index(bottom, height)):
        value = _at(images, row, before, fill).astype(np.float32, copy=False)
        value *= to_left
        other = _at(images, row, after, fill).astype(np.float32, copy=False)
        other *= to_right
        value += other
        sums.append(value)
    upper, lower = sums
    upper *= (bottom - y)[..., None]
    lower *= (y - top)[..., None]
    upper += lower
    return upper


def _in_dtype(y: Array, dtype: np.dtype) -> Array:
    if dtype.kind in "iu" and y.dtype != dtype:
        limits = np.iinfo(dtype)
        y = np.clip(np.trunc(y.astype(np.float64)), limits.min, limits.max)
    return y.astype(dtype, copy=False)
