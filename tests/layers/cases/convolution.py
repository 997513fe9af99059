"""Cases of the layers whose windows slide over images and sequences, and of what goes with them."""

import numpy as np
from hypothesis import strategies as st

from tests.layers.cases.common import (
    Case,
    activations,
    constraints,
    flags,
    formats,
    glorot,
    initializers,
    normal,
    regularizers,
    seeds,
    small,
)


def distinct(*shape):
    """Entries far enough from each other that a small step does not change which is largest."""
    size = int(np.prod(shape))
    return np.random.default_rng(3).permutation(np.linspace(-1, 1, size)).reshape(shape)


STEPS = normal(3, 6, 4)
PHOTOS = normal(2, 5, 6, 4)
VOLUMES = normal(2, 3, 4, 3, 2)
DISTINCT = {1: distinct(2, 6, 3), 2: distinct(2, 5, 6, 3), 3: distinct(2, 3, 4, 4, 2)}
INPUTS = {1: STEPS, 2: PHOTOS, 3: VOLUMES}
FIRST = {"data_format": "channels_first"}
SAME = {"padding": "same"}

BIAS = {"bias_initializer": small()}
FILTERS = {"filters": 2, "kernel_initializer": glorot(), **BIAS}
DEPTHWISE = {"depthwise_initializer": glorot(), **BIAS}
SEPARABLE = {"filters": 2, "pointwise_initializer": glorot(4), **DEPTHWISE}

NO_KERNEL = {"keras": False}  # TensorFlow computes these on a CPU in float32 alone, or not at all

CASES = [
    Case("Conv1D", {**FILTERS, "kernel_size": 3}, (STEPS,)),
    Case("Conv1D", {**FILTERS, "kernel_size": 2, "padding": "causal", "strides": 2}, (STEPS,)),
    Case("Conv1D", {**FILTERS, "kernel_size": 3, "dilation_rate": 2, **SAME}, (STEPS,)),
    Case(
        "Conv1D", {**FILTERS, "kernel_size": 2, **FIRST, "padding": "causal"}, (STEPS,), **NO_KERNEL
    ),
    Case("Conv2D", {**FILTERS, "kernel_size": 3, "activation": "tanh"}, (PHOTOS,)),
    Case("Conv2D", {**FILTERS, "kernel_size": (2, 3), "activation": "relu", **SAME}, (PHOTOS,)),
    Case("Conv2D", {**FILTERS, "kernel_size": 3, "strides": 2, "use_bias": False}, (PHOTOS,)),
    Case("Conv2D", {**FILTERS, "kernel_size": 2, "groups": 2, **SAME}, (PHOTOS,)),
    Case("Conv2D", {**FILTERS, "kernel_size": 1, "kernel_regularizer": "l2"}, (PHOTOS,)),
    Case(
        "Conv2D",
        {**FILTERS, "kernel_size": 2, **FIRST, **SAME, "activation": "relu"},
        (PHOTOS,),
        **NO_KERNEL,
    ),
    Case("Conv3D", {**FILTERS, "kernel_size": 2, "activation": "relu"}, (VOLUMES,)),
    Case("Conv3D", {**FILTERS, "kernel_size": 3, "strides": 2, **SAME}, (VOLUMES,)),
    Case("Conv1DTranspose", {**FILTERS, "kernel_size": 3, "strides": 2}, (STEPS,)),
    Case(
        "Conv1DTranspose",
        {**FILTERS, "kernel_size": 2, "dilation_rate": 2, **SAME},
        (STEPS,),
        **NO_KERNEL,
    ),
    Case("Conv2DTranspose", {**FILTERS, "kernel_size": 3, "activation": "relu"}, (PHOTOS,)),
    Case("Conv2DTranspose", {**FILTERS, "kernel_size": 2, "strides": 2, **SAME}, (PHOTOS,)),
    Case(
        "Conv2DTranspose",
        {**FILTERS, "kernel_size": 3, "strides": 2, "output_padding": 1, **FIRST},
        (PHOTOS,),
        **NO_KERNEL,
    ),
    Case("Conv3DTranspose", {**FILTERS, "kernel_size": 2, "strides": 2}, (VOLUMES,)),
    Case("DepthwiseConv1D", {**DEPTHWISE, "kernel_size": 3, "depth_multiplier": 2}, (STEPS,)),
    Case("DepthwiseConv1D", {**DEPTHWISE, "kernel_size": 2, "strides": 2, **SAME}, (STEPS,)),
    Case("DepthwiseConv2D", {**DEPTHWISE, "kernel_size": 3, "activation": "relu"}, (PHOTOS,)),
    Case("DepthwiseConv2D", {**DEPTHWISE, "kernel_size": 2, "depth_multiplier": 2}, (PHOTOS,)),
    Case("DepthwiseConv2D", {**DEPTHWISE, "kernel_size": 2, **FIRST, **SAME}, (PHOTOS,)),
    Case("SeparableConv1D", {**SEPARABLE, "kernel_size": 3, "activation": "relu"}, (STEPS,)),
    Case("SeparableConv2D", {**SEPARABLE, "kernel_size": 3, "depth_multiplier": 2}, (PHOTOS,)),
    Case("SeparableConv2D", {**SEPARABLE, "kernel_size": 2, "strides": 2, **SAME}, (PHOTOS,)),
    Case("ZeroPadding1D", {}, (STEPS,)),
    Case("ZeroPadding2D", {"padding": ((1, 0), (2, 1))}, (PHOTOS,)),
    Case("ZeroPadding2D", {"padding": (0, 2), **FIRST}, (PHOTOS,)),
    Case("ZeroPadding3D", {"padding": 1}, (VOLUMES,)),
    Case("Cropping1D", {"cropping": (2, 1)}, (STEPS,)),
    Case("Cropping2D", {"cropping": ((1, 0), (2, 1))}, (PHOTOS,)),
    Case("Cropping2D", {"cropping": (2, 1), **FIRST}, (PHOTOS,)),
    Case("Cropping3D", {"cropping": ((1, 0), (0, 1), (1, 1))}, (VOLUMES,)),
    Case("UpSampling1D", {}, (STEPS,)),
    Case("UpSampling2D", {"size": (2, 3)}, (PHOTOS,)),
    Case("UpSampling2D", {"interpolation": "bilinear"}, (PHOTOS,)),
    Case("UpSampling2D", {"interpolation": "bicubic", "size": (1, 3), **FIRST}, (PHOTOS,)),
    Case("UpSampling2D", {"interpolation": "lanczos3"}, (PHOTOS,)),
    Case("UpSampling3D", {"size": (2, 1, 2)}, (VOLUMES,)),
    *(
        Case(f"{kind}Pooling{rank}D", options, (x,), keras=rank < 3)
        for kind in ("Max", "Average")
        for rank, x in DISTINCT.items()
        for options in (
            {"pool_size": 2},
            {"pool_size": 2, "strides": 1, **SAME},
            {"pool_size": 2, **FIRST},
        )
        if options != {"pool_size": 2, **FIRST} or rank != 3
    ),
    *(
        Case(f"Global{kind}Pooling{rank}D", options, (DISTINCT[rank],))
        for kind in ("Max", "Average")
        for rank in (2, 3)
        for options in ({}, {**FIRST, "keepdims": True})
    ),
    *(
        Case(f"Adaptive{kind}Pooling{rank}D", options, (DISTINCT[rank],), keras=rank < 3)
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
        for options in ({"output_size": 2}, {"output_size": 2, **FIRST})
        if rank < 3 or options == {"output_size": 2}
    ),
    Case("Resizing", {"height": 3, "width": 9}, (PHOTOS,)),
    Case("Resizing", {"height": 3, "width": 4, "interpolation": "nearest", **FIRST}, (PHOTOS,)),
    Case(
        "Resizing",
        {"height": 3, "width": 4, "interpolation": "bicubic", "antialias": True},
        (PHOTOS,),
    ),
    Case("Resizing", {"height": 4, "width": 4, "crop_to_aspect_ratio": True}, (PHOTOS,)),
    Case("Resizing", {"height": 7, "width": 4, "pad_to_aspect_ratio": True}, (PHOTOS,)),
    Case("CenterCrop", {"height": 3, "width": 3}, (PHOTOS,)),
    Case("CenterCrop", {"height": 3, "width": 4, **FIRST}, (PHOTOS,)),
    # Keras enlarges in float32 and leaves it at that, under every policy.
    Case("CenterCrop", {"height": 6, "width": 4}, (PHOTOS,), keras=False),
]

BLENDS = ["bilinear", "bicubic", "lanczos3", "lanczos5"]
PADDED = {"pad_to_aspect_ratio": True, "fill_value": 0.5}

# TensorFlow on a CPU has no channels_first for volumes; Keras is asked about what it has.
HAS_CHANNELS_FIRST = st.sampled_from([None, "channels_last"])


@st.composite
def images(draw, rank, data_format, low=1, high=6, multiple=1):
    """An array with a batch, `rank` axes and channels in a number that is a multiple of one."""
    lengths = [draw(st.integers(low, high if rank < 3 else max(low, 4))) for _ in range(rank)]
    channels = multiple * draw(st.integers(1, 3))
    lengths = [channels, *lengths] if data_format == "channels_first" else [*lengths, channels]
    shape = (draw(st.integers(1, 3)), *lengths)
    return np.random.default_rng(draw(seeds)).normal(size=shape).astype("float32")


def per_axis(rank, low, high):
    numbers = st.integers(low, high)
    return st.one_of(numbers, st.tuples(*[numbers] * rank))


def largest(value):
    return max(value) if isinstance(value, tuple) else value


@st.composite
def window(draw, rank, even_strides=False, both=False, paddings=("valid", "same")):
    """A window, its strides or its dilation, and how far it reaches at most."""
    size = draw(per_axis(rank, 1, 3))
    options = {"kernel_size": size, "padding": draw(st.sampled_from(paddings))}
    if draw(flags):
        options["strides"] = draw(st.integers(1, 3) if even_strides else per_axis(rank, 1, 3))
    elif draw(flags):
        options["dilation_rate"] = draw(per_axis(rank, 1, 2))
    reach = (largest(size) - 1) * largest(options.get("dilation_rate", 1)) + 1
    return options, reach


@st.composite
def weighted(draw, data_format, *names):
    """Initializers, regularizers and constraints for weights of these names, and a bias.

    Where channels come first and there are as many of them as entries along the last axis, Keras
    adds the bias along the last axis; it is not asked.
    """
    options = {
        "activation": draw(activations),
        "use_bias": draw(flags) and data_format != "channels_first",
        "activity_regularizer": draw(regularizers),
    }
    for name in (*names, "bias"):
        options[f"{name}_initializer"] = draw(initializers)
        options[f"{name}_regularizer"] = draw(regularizers)
        options[f"{name}_constraint"] = draw(constraints)
    return options


@st.composite
def convolution(draw, rank):
    paddings = ("valid", "same", "causal") if rank == 1 else ("valid", "same")
    data_format = draw(formats if rank < 3 else HAS_CHANNELS_FIRST)
    sliding, reach = draw(window(rank, paddings=paddings))
    groups = draw(st.integers(1, 2))
    options = {
        "filters": groups * draw(st.integers(1, 3)),
        "groups": groups,
        "data_format": data_format,
        **sliding,
        **draw(weighted(data_format, "kernel")),
    }
    x = draw(images(rank, data_format, low=reach, high=reach + 3, multiple=groups))
    return Case(f"Conv{rank}D", options, (x,))


@st.composite
def transposed(draw, rank):
    data_format = draw(formats if rank < 3 else HAS_CHANNELS_FIRST)
    sliding, _ = draw(window(rank))
    options = {"filters": draw(st.integers(1, 3)), "data_format": data_format, **sliding}
    options.update(draw(weighted(data_format, "kernel")))
    x = draw(images(rank, data_format, high=4))
    return Case(f"Conv{rank}DTranspose", options, (x,))


@st.composite
def depthwise(draw, rank, separable=False):
    data_format = draw(formats)
    sliding, reach = draw(window(rank, even_strides=True))
    options = {
        "depth_multiplier": draw(st.integers(1, 2)),
        "data_format": data_format,
        **sliding,
        **draw(weighted(data_format, "depthwise", *(["pointwise"] if separable else []))),
    }
    if separable:
        options["filters"] = draw(st.integers(1, 3))
    x = draw(images(rank, data_format, low=reach, high=reach + 3))
    return Case(f"{'Separable' if separable else 'Depthwise'}Conv{rank}D", options, (x,))


@st.composite
def pooling(draw, kind, rank):
    data_format = draw(formats if rank < 3 else HAS_CHANNELS_FIRST)
    size = draw(per_axis(rank, 1, 3))
    options = {
        "pool_size": size,
        "strides": draw(st.one_of(st.none(), per_axis(rank, 1, 3))),
        "padding": draw(st.sampled_from(["valid", "same"])),
        "data_format": data_format,
    }
    x = draw(images(rank, data_format, low=largest(size)))
    return Case(f"{kind}Pooling{rank}D", options, (x,))


@st.composite
def global_pooling(draw, kind, rank):
    options = {"data_format": draw(formats), "keepdims": draw(flags)}
    return Case(f"Global{kind}Pooling{rank}D", options, (draw(images(rank, None, high=4)),))


@st.composite
def adaptive_pooling(draw, kind, rank):
    """Keras stops the program where a maximum has one window along an axis."""
    data_format = draw(formats if rank < 3 else HAS_CHANNELS_FIRST)
    size = draw(per_axis(rank, 1 if kind == "Average" else 2, 3))
    options = {"output_size": size, "data_format": data_format}
    x = draw(images(rank, data_format, low=3))
    return Case(f"Adaptive{kind}Pooling{rank}D", options, (x,))


@st.composite
def resizing(draw):
    options = {
        "height": draw(st.integers(1, 9)),
        "width": draw(st.integers(1, 9)),
        "data_format": draw(formats),
        "interpolation": draw(st.sampled_from([*BLENDS, "nearest"])),
        "antialias": draw(flags),
        **draw(st.sampled_from([{}, {"crop_to_aspect_ratio": True}, PADDED])),
    }
    return Case("Resizing", options, (draw(images(2, options["data_format"])),))


@st.composite
def center_crop(draw):
    options = {"height": draw(st.integers(1, 7)), "width": draw(st.integers(1, 7))}
    options["data_format"] = draw(formats)
    return Case("CenterCrop", options, (draw(images(2, options["data_format"])),))


def edges(rank):
    ends = st.integers(0, 2)
    pairs = st.tuples(ends, ends)
    return st.one_of(ends, pairs if rank == 1 else st.tuples(*[st.one_of(ends, pairs)] * rank))


@st.composite
def zero_padding(draw, rank):
    data_format = draw(formats)
    options = {"padding": draw(edges(rank)), "data_format": data_format}
    return Case(f"ZeroPadding{rank}D", options, (draw(images(rank, data_format)),))


@st.composite
def cropping(draw, rank):
    options = {"cropping": draw(edges(rank))}
    if rank > 1:
        options["data_format"] = draw(formats)
    x = draw(images(rank, options.get("data_format"), low=5, high=6))
    return Case(f"Cropping{rank}D", options, (x,))


@st.composite
def upsampling(draw, rank):
    options = {"size": draw(st.integers(1, 3) if rank == 1 else per_axis(rank, 1, 3))}
    if rank > 1:
        options["data_format"] = draw(formats)
    if rank == 2:
        options["interpolation"] = draw(st.sampled_from([*BLENDS, "nearest"]))
    x = draw(images(rank, options.get("data_format")))
    return Case(f"UpSampling{rank}D", options, (x,))


CONFIGURATIONS = {
    **{f"Conv{rank}D": convolution(rank) for rank in (1, 2, 3)},
    **{f"Conv{rank}DTranspose": transposed(rank) for rank in (1, 2, 3)},
    **{f"DepthwiseConv{rank}D": depthwise(rank) for rank in (1, 2)},
    **{f"SeparableConv{rank}D": depthwise(rank, separable=True) for rank in (1, 2)},
    **{
        f"{kind}Pooling{rank}D": pooling(kind, rank)
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
    },
    **{
        f"Global{kind}Pooling{rank}D": global_pooling(kind, rank)
        for kind in ("Max", "Average")
        for rank in (2, 3)
    },
    **{
        f"Adaptive{kind}Pooling{rank}D": adaptive_pooling(kind, rank)
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
    },
    "Resizing": resizing(),
    "CenterCrop": center_crop(),
    **{f"ZeroPadding{rank}D": zero_padding(rank) for rank in (1, 2, 3)},
    **{f"Cropping{rank}D": cropping(rank) for rank in (1, 2, 3)},
    **{f"UpSampling{rank}D": upsampling(rank) for rank in (1, 2, 3)},
}
