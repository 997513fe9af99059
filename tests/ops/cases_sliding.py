"""Cases of the ops whose windows slide over images and sequences, for `tests/ops/cases.py`."""

import numpy as np

_random = np.random.default_rng(11)


def _uniform(*shape):
    return _random.uniform(-1, 1, shape)


def _distinct(*shape):
    """Entries far enough from each other that a small step does not change which is largest."""
    return _random.permutation(np.linspace(-1, 1, int(np.prod(shape)))).reshape(shape)


STEPS = _uniform(2, 7, 4)
IMAGES = _uniform(2, 6, 7, 4)
VOLUMES = _uniform(1, 4, 3, 4, 2)
FIRST = {"data_format": "channels_first"}
SAME, CAUSAL = {"padding": "same"}, {"padding": "causal"}

CONVOLUTIONS = (
    {},
    SAME,
    {"strides": 2},
    {"strides": (2, 3), **SAME},
    {"dilation_rate": 2},
    {"dilation_rate": (1, 3), **SAME},
)
POOLS = (
    {"pool_size": 2},
    {"pool_size": 2, **SAME},
    {"pool_size": (3, 2), "strides": (1, 2)},
    {"pool_size": 3, "strides": 2, **SAME},
    {"pool_size": (1, 2), "strides": 3},
)
TRANSPOSED = (
    {},
    SAME,
    {"strides": 2},
    {"strides": (3, 2), **SAME},
    {"strides": 2, "output_padding": 1},
    {"strides": 2, "output_padding": (0, 1), **SAME},
)


FOLDS = (
    {"kernel_size": 2},
    {"kernel_size": (3, 2), "padding": (2, 1), "stride": (1, 2)},
    {"kernel_size": 2, "dilation": 2, "padding": 1, "stride": 2},
)
PATCHES = (
    {"size": 2},
    {"size": (3, 2), "strides": 1, **SAME},
    {"size": 2, "strides": 1, "dilation_rate": 2},
    {"size": 2, **FIRST},
)
SIZES = (
    {"size": (4, 9)},
    {"size": (4, 9), "interpolation": "nearest"},
    {"size": (3, 9), "interpolation": "bicubic", "antialias": True},
    {"size": (4, 4), "interpolation": "lanczos3", "crop_to_aspect_ratio": True},
)
MOVES = (
    {},
    {"fill_value": 2.0, "interpolation": "nearest"},
    {"fill_mode": "nearest"},
    {"fill_mode": "reflect", **FIRST},
)


def add_cases(add):
    """Add the cases with the `_add` of `tests/ops/cases.py`."""
    add("conv", IMAGES, _uniform(3, 2, 4, 3), options=CONVOLUTIONS)
    add("conv", IMAGES, _uniform(3, 2, 2, 4), options=({}, {"strides": 2, **SAME}))  # groups
    add("conv", IMAGES, _uniform(3, 2, 1, 8), options=({}, SAME))
    add("conv", IMAGES, _uniform(1, 1, 4, 3), options=({}, {"strides": 2}))
    add("conv", IMAGES[..., :1], _uniform(3, 3, 1, 2), options=({}, SAME))
    add("conv", IMAGES.transpose(0, 3, 1, 2), _uniform(3, 2, 4, 3), options=({**FIRST, **SAME},))
    add("conv", STEPS, _uniform(3, 4, 2), options=({}, SAME, {"strides": 2}))
    add("conv", STEPS, _uniform(3, 4, 2), options=(CAUSAL,), keras=False)
    add("conv", VOLUMES, _uniform(2, 3, 2, 2, 2), options=({}, {"strides": 2, **SAME}))
    add("depthwise_conv", IMAGES, _uniform(3, 2, 4, 2), options=({}, {"strides": 2, **SAME}))
    add("depthwise_conv", IMAGES, _uniform(3, 2, 4, 1), options=(SAME, {"dilation_rate": 2}))
    add("depthwise_conv", STEPS, _uniform(3, 4, 2), options=({}, SAME))
    separable = (IMAGES, _uniform(3, 2, 4, 2), _uniform(1, 1, 8, 3))
    add("separable_conv", *separable, options=({}, {"strides": 2, **SAME}))
    add("conv_transpose", IMAGES, _uniform(3, 2, 2, 4), options=TRANSPOSED)
    add("conv_transpose", STEPS, _uniform(2, 3, 4), options=({}, {"strides": 3, **SAME}))
    add("conv_transpose", VOLUMES, _uniform(2, 3, 2, 3, 2), options=({"strides": 2},))
    pooled = _distinct(2, 6, 7, 3)
    add("max_pool average_pool", pooled, options=POOLS)
    add("max_pool average_pool", pooled, options=({"pool_size": 2, **FIRST},))
    add("max_pool average_pool", _distinct(2, 7, 3), options=({"pool_size": 3, **SAME},))
    add("max_pool average_pool", _distinct(1, 4, 3, 4, 2), options=({"pool_size": 2, **SAME},))
    adaptive = ({"output_size": 3}, {"output_size": (2, 7), **FIRST})
    add("adaptive_max_pool adaptive_average_pool", pooled, options=adaptive[:1], keras=False)
    first = pooled.transpose(0, 3, 1, 2)
    add("adaptive_max_pool adaptive_average_pool", first, options=adaptive[1:])
    _add_windows(add)
    _add_images(add)


def _add_windows(add):
    add("unfold", _distinct(2, 6, 7, 3).transpose(0, 3, 1, 2), options=FOLDS)
    columns = _uniform(2, 12, 20)
    add("fold", columns, options=({"output_size": (5, 6), "kernel_size": 2},))
    more = {"kernel_size": (2, 3), "dilation": (1, 2), "padding": 1, "stride": 2}
    add("fold", columns, options=({"output_size": (8, 9), **more},))
    add("extract_patches", IMAGES, options=PATCHES)
    add("extract_patches", IMAGES[0], options=({"size": 2},))
    add(
        "extract_patches_3d",
        VOLUMES,
        options=({"size": 2}, {"size": (2, 1, 3), **SAME}),
    )


def _add_images(add):
    add("resize", IMAGES, options=SIZES)
    area = {"size": (9, 4), "interpolation": "area", "pad_to_aspect_ratio": True, **FIRST}
    add("resize", IMAGES, options=(area,), keras=False)  # TensorFlow has no gradient of it
    add("resize", IMAGES[0], options=({"size": (4, 9)},))
    moved = np.array([[0.9, 0.2, -0.3, -0.1, 1.1, 0.4, 0.01, -0.02]] * 2, "float32")
    # The gradient is that of TensorFlow, which is not the true one.
    add("affine_transform", IMAGES, moved, options=MOVES, differentiable=False)
    edges = {"left_cropping": 2, "bottom_cropping": 1, "target_height": 3, "target_width": 2}
    add("crop_images", IMAGES, options=(edges, {**edges, **FIRST}))
    edges = {"left_padding": 2, "bottom_padding": 1, "target_height": 8, "target_width": 10}
    add("pad_images", IMAGES, options=(edges, {**edges, **FIRST}))
    colors = np.clip(_distinct(2, 6, 7, 3), -0.97, 0.97) / 2 + 0.5
    add("rgb_to_grayscale rgb_to_hsv hsv_to_rgb", colors)
    add("rgb_to_grayscale", IMAGES[..., :1])
