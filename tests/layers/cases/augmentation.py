"""Cases of layers that change images at random."""

from hypothesis import strategies as st

from tests.layers.cases.common import IMAGES, Case, flags, floats, formats, seeds

TRAINING = {"training": True}
AS_THEY_ARE = {"training": False}
RANGE = (-4, 4)


def _drawn(name, **options):
    """A case of training: what is drawn differs from sample to sample."""
    return Case(name, {**options, "seed": 1}, (IMAGES,), TRAINING, False, False)


CASES = [
    Case("RandomFlip", {}, (IMAGES,), AS_THEY_ARE),
    _drawn("RandomFlip"),
    _drawn("RandomFlip", mode="vertical", data_format="channels_first"),
    Case("RandomRotation", {"factor": 0.2}, (IMAGES,), AS_THEY_ARE),
    _drawn("RandomRotation", factor=0.2),
    _drawn("RandomRotation", factor=(0.1, 0.4), fill_mode="constant", data_format="channels_first"),
    Case("RandomZoom", {"height_factor": 0.2}, (IMAGES,), AS_THEY_ARE),
    _drawn("RandomZoom", height_factor=0.2),
    _drawn("RandomZoom", height_factor=(0.1, 0.4), width_factor=0.5, fill_mode="nearest"),
    Case("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.3}, (IMAGES,), AS_THEY_ARE),
    _drawn("RandomTranslation", height_factor=0.2, width_factor=(-0.5, 0), fill_mode="wrap"),
    Case("RandomContrast", {"factor": 0.5}, (IMAGES,), AS_THEY_ARE),
    _drawn("RandomContrast", factor=0.5, value_range=RANGE),
    Case("RandomBrightness", {"factor": 0.5}, (IMAGES,), AS_THEY_ARE),
    _drawn("RandomBrightness", factor=0.5, value_range=RANGE),
    _drawn("RandomCrop", height=2, width=3),
    _drawn("RandomCrop", height=4, width=3),
]

_calls = st.sampled_from([TRAINING, TRAINING, {}, AS_THEY_ARE])


@st.composite
def _factors(draw, low, high):
    ends = sorted((draw(st.integers(low, high)) / 8, draw(st.integers(low, high)) / 8))
    return draw(st.sampled_from([ends[1], ends]))


@st.composite
def _images(draw):
    """One image or a batch of images."""
    x = draw(floats(4))
    return x[0] if draw(flags) else x


@st.composite
def flips(draw):
    modes = st.sampled_from(["horizontal", "vertical", "horizontal_and_vertical"])
    options = {"mode": draw(modes), "seed": draw(seeds), "data_format": draw(formats)}
    return Case("RandomFlip", options, (draw(_images()),), draw(_calls))


@st.composite
def moves(draw, name):
    """Without what jumps at some places: a place in the last of 24 bits would tell there."""
    options = {
        "fill_mode": draw(st.sampled_from(["reflect", "constant", "nearest"])),
        "fill_value": draw(st.sampled_from([0.0, 1.5])),
        "seed": draw(seeds),
        "data_format": draw(formats),
    }
    if name == "RandomRotation":
        options["factor"] = draw(_factors(-8, 8))
    else:
        options["height_factor"] = draw(_factors(-7, 8))
        options["width_factor"] = draw(_factors(-7, 8))
        if name == "RandomZoom" and draw(flags):
            options["width_factor"] = None
    return Case(name, options, (draw(_images()),), draw(_calls))


@st.composite
def tones(draw, name, low):
    options = {
        "factor": draw(_factors(low, 8)),
        "value_range": draw(st.sampled_from([(0, 255), (-1, 1), [-4.0, 4.0]])),
        "seed": draw(seeds),
        "data_format": draw(formats),
    }
    return Case(name, options, (draw(_images()),), draw(_calls))


@st.composite
def crops(draw):
    lengths = st.integers(1, 6)
    options = {
        "height": draw(lengths),
        "width": draw(lengths),
        "seed": draw(seeds),
        "data_format": draw(formats),
    }
    return Case("RandomCrop", options, (draw(_images()),), draw(_calls))


CONFIGURATIONS = {
    "RandomFlip": flips(),
    "RandomRotation": moves("RandomRotation"),
    "RandomZoom": moves("RandomZoom"),
    "RandomTranslation": moves("RandomTranslation"),
    "RandomContrast": tones("RandomContrast", 0),
    "RandomBrightness": tones("RandomBrightness", -8),
    "RandomCrop": crops(),
}
