"""Cases of the layers that turn words, numbers and categories into places and vectors."""

import numpy as np
from hypothesis import strategies as st

from tests.layers.cases.common import NUMBERS, ROWS, Case, floats

WORDS = ["cat", "dog"]

CASES = [
    Case("StringLookup", {"vocabulary": WORDS, "mask_token": ""}),
    Case("TextVectorization", {"vocabulary": WORDS, "ngrams": 2}),
    Case("IntegerLookup", {"vocabulary": [4, 2], "num_oov_indices": 2}, (NUMBERS,), {}, False),
    Case("IntegerLookup", {"vocabulary": [4, 2], "output_mode": "count"}, (NUMBERS,), {}, False),
    Case("CategoryEncoding", {"num_tokens": 5}, (NUMBERS,), {}, False, True, False),
    Case("CategoryEncoding", {"num_tokens": 5, "output_mode": "one_hot"}, (NUMBERS,), {}, False),
    Case("Discretization", {"bin_boundaries": [-0.5, 0.25]}, (ROWS,), {}, False),
    Case(
        "Discretization",
        {"bin_boundaries": [-0.5, 0.25], "output_mode": "one_hot"},
        (ROWS,),
        {},
        False,
    ),
]

NOT_CALLED = {"StringLookup": "takes strings", "TextVectorization": "takes strings"}

modes = st.sampled_from(["one_hot", "multi_hot", "count"])


@st.composite
def whole_numbers(draw):
    shape = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    return np.random.default_rng(draw(st.integers(0, 9))).integers(0, 7, shape)


@st.composite
def places(draw):
    mode = draw(st.one_of(st.just("int"), modes))
    options = {
        "vocabulary": draw(st.lists(st.integers(1, 6), min_size=1, unique=True)),
        "num_oov_indices": draw(st.integers(1, 3)),
        "mask_token": draw(st.sampled_from([None, 0])),
        "oov_method": draw(st.sampled_from(["floormod", "farmhash"])),
        "output_mode": mode,
        "max_tokens": 12,
        "pad_to_max_tokens": draw(st.booleans()),
    }
    return Case("IntegerLookup", options, (draw(whole_numbers()),))


@st.composite
def encoding(draw):
    options = {"num_tokens": draw(st.integers(1, 8)), "output_mode": draw(modes)}
    return Case("CategoryEncoding", options, (draw(whole_numbers()),))


@st.composite
def bins(draw):
    options = {
        "bin_boundaries": sorted(draw(st.lists(st.sampled_from([-1.0, -0.25, 0.0, 0.5, 2.0])))),
        "output_mode": draw(st.one_of(st.just("int"), modes)),
    }
    return Case("Discretization", options, (draw(floats(st.integers(1, 3))),))


CONFIGURATIONS = {
    "IntegerLookup": places(),
    "CategoryEncoding": encoding(),
    "Discretization": bins(),
}
