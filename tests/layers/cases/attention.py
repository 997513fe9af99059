"""Cases of the layers of attention, and of the dense layer over any axes within them."""

import numpy as np
from hypothesis import strategies as st

from tests.layers.cases.common import (
    IMAGES,
    ROWS,
    SEQUENCES,
    STEPS,
    Case,
    activations,
    constraints,
    flags,
    glorot,
    initializers,
    normal,
    regularizers,
    seeds,
    small,
)

QUERIES = normal(3, 4, 4)
VALUES = normal(3, 5, 2)
WEIGHTS = {"kernel_initializer": glorot(), "bias_initializer": small()}
HEADS = {"num_heads": 2, "key_dim": 3, **WEIGHTS}
GROUPS = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2, **WEIGHTS}
PAIRS = np.random.default_rng(6).random((3, 4, 5)) < 0.7  # some query sees nothing
PAIRS[1, 2] = False

CASES = [
    Case("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 2, **WEIGHTS}, (ROWS,)),
    Case(
        "EinsumDense",
        {"equation": "abc,cde->abde", "output_shape": (None, 2, 3), "bias_axes": "de", **WEIGHTS},
        (SEQUENCES,),
    ),
    Case(
        "EinsumDense",
        {"equation": "abcd,cde->abe", "output_shape": (None, 3), "activation": "tanh", **WEIGHTS},
        (IMAGES,),
    ),
    Case(
        "EinsumDense",
        {"equation": "...x,xy->...y", "output_shape": 3, "bias_axes": "y", **WEIGHTS},
        (SEQUENCES,),
    ),
    Case(
        "EinsumDense",
        {"equation": "abc,bd->adc", "output_shape": (2, None), "bias_axes": "d", **WEIGHTS},
        (SEQUENCES,),
    ),
    Case("MultiHeadAttention", HEADS, (QUERIES, VALUES)),
    Case("MultiHeadAttention", HEADS, (QUERIES, VALUES), {"attention_mask": PAIRS}),
    Case("MultiHeadAttention", HEADS, (QUERIES, VALUES), {"value_mask": STEPS}),
    Case("MultiHeadAttention", {**HEADS, "use_gate": True}, (QUERIES, VALUES, normal(3, 5, 3))),
    Case("MultiHeadAttention", {**HEADS, "value_dim": 2}, (QUERIES, QUERIES)),
    Case(
        "MultiHeadAttention",
        {**HEADS, "dropout": 0.5, "seed": 1},
        (QUERIES, VALUES),
        {"attention_mask": PAIRS, "return_attention_scores": True},
    ),
    Case(
        "MultiHeadAttention",
        {**HEADS, "dropout": 0.5, "seed": 1},
        (QUERIES, VALUES),
        {"attention_mask": PAIRS, "use_causal_mask": True},
    ),
    Case(
        "MultiHeadAttention",
        {**HEADS, "attention_axes": 2, "output_shape": (2, 2)},
        (IMAGES, IMAGES),
    ),
    Case(
        "MultiHeadAttention",
        {**HEADS, "use_bias": False, "kernel_regularizer": "l2", "activity_regularizer": "l2"},
        (IMAGES, IMAGES),
    ),
    Case("MultiHeadAttention", {**HEADS, "sliding_window": 2}, (QUERIES, VALUES)),
    Case("GroupQueryAttention", GROUPS, (QUERIES, VALUES)),
    Case("GroupQueryAttention", GROUPS, (QUERIES, VALUES), {"attention_mask": PAIRS}),
    Case(
        "GroupQueryAttention",
        {**GROUPS, "use_gate": True, "activity_regularizer": "l2"},
        (QUERIES, VALUES, normal(3, 5, 3)),
        {"return_attention_scores": True, "query_mask": STEPS[:, :4]},
    ),
    Case(
        "GroupQueryAttention",
        {**GROUPS, "num_key_value_heads": 1, "dropout": 0.5},
        (QUERIES, VALUES),
    ),
    Case("Attention", {}, ([QUERIES, SEQUENCES],)),
    Case(
        "Attention",
        {"use_scale": True},
        ([QUERIES, VALUES, SEQUENCES],),
        {"mask": [STEPS[:, :4], STEPS], "return_attention_scores": True},
    ),
    Case("Attention", {"use_scale": True, "score_mode": "concat"}, ([QUERIES, SEQUENCES],)),
    Case("Attention", {"score_mode": "concat", "dropout": 0.5}, ([QUERIES, SEQUENCES],)),
    Case(
        "Attention", {"dropout": 0.5, "seed": 3}, ([QUERIES, SEQUENCES],), {"use_causal_mask": True}
    ),
    Case("AdditiveAttention", {}, ([QUERIES, SEQUENCES],)),
    Case("AdditiveAttention", {"use_scale": False}, ([QUERIES, VALUES, SEQUENCES],)),
    Case("AdditiveAttention", {}, ([QUERIES, VALUES, SEQUENCES],)),
    Case(
        "AdditiveAttention",
        {"dropout": 0.5, "seed": 3},
        ([QUERIES, SEQUENCES],),
        {"mask": [None, STEPS]},
    ),
]

# Keras takes a bias of shape (n, 1) for one along another axis of that length. No two axes are of
# one length here, and below no head has a single feature.
EQUATIONS = [
    ("ab,bc->ac", 3, ["c", None]),
    ("abc,cd->abd", (None, 3), ["d", None]),
    ("abc,cd->abd", (5, 3), ["d", "bd", "b"]),
    ("abc,dc->adb", (3, None), ["d", None]),
    ("abc,cde->abde", (None, 2, 3), ["de", "e", "d"]),
    ("abc,bcd->ad", (3,), ["d"]),
    ("abcd,cde->abe", (None, 3), ["e", None]),
    ("...x,xy->...y", 3, ["y", None]),
    ("ab...,bc->ac...", 3, ["c", None]),
]


def _drawn(draw, **strategies):
    return {name: draw(strategy) for name, strategy in strategies.items()}


def _of_weights(draw):
    return _drawn(
        draw,
        kernel_initializer=initializers,
        bias_initializer=initializers,
        kernel_regularizer=regularizers,
        bias_regularizer=regularizers,
        activity_regularizer=regularizers,
        kernel_constraint=constraints,
        bias_constraint=constraints,
    )


@st.composite
def einsum_dense(draw):
    equation, output_shape, biases = draw(st.sampled_from(EQUATIONS))
    options = {
        "equation": equation,
        "output_shape": output_shape,
        "bias_axes": draw(st.sampled_from(biases)),
        "activation": draw(activations),
        **_of_weights(draw),
    }
    axes = equation.index(",")
    shape = {"ab": (2, 3), "abc": (2, 5, 4), "abcd": (2, 3, 2, 4), "...x": (2, 3, 4)}
    shape = shape.get(equation[:axes], (2, 3, 4))
    x = np.random.default_rng(draw(seeds)).normal(size=shape).astype("float32")
    return Case("EinsumDense", options, (x,))


@st.composite
def sequences(draw):
    """Query, value and perhaps a key, in one batch; and arguments of the call."""
    batch, steps, keys = (draw(st.integers(1, 4)) for _ in range(3))
    random = np.random.default_rng(draw(seeds))

    def array(length):
        return random.normal(size=(batch, length, draw(st.integers(1, 4)))).astype("float32")

    arrays = [array(steps), array(keys), *([array(keys)] if draw(flags) else [])]
    call = draw(st.sampled_from([{}, {"training": True}, {"return_attention_scores": True}]))
    call = {**call, **draw(st.sampled_from([{}, {"use_causal_mask": True}]))}
    return arrays, call, random


@st.composite
def heads(draw, name, sizes):
    arrays, call, random = draw(sequences())
    batch, steps, keys = arrays[0].shape[0], arrays[0].shape[1], arrays[1].shape[1]
    for mask, shape in {
        "value_mask": (batch, keys),
        "key_mask": (batch, keys),
        "attention_mask": (batch, steps, keys),
    }.items():
        if draw(st.integers(0, 2)) == 0:
            call[mask] = random.random(shape) < 0.6
    options = {
        **sizes(draw),
        **_of_weights(draw),
        **_drawn(
            draw,
            dropout=st.sampled_from([0.0, 0.0, 0.4]),
            use_bias=flags,
            use_gate=flags,
            sliding_window=st.sampled_from([None, None, 2]),
            seed=seeds,
        ),
    }
    return Case(name, options, tuple(arrays), call)


def _heads_sizes(draw):
    return _drawn(
        draw,
        num_heads=st.integers(1, 3),
        key_dim=st.integers(2, 4),
        value_dim=st.sampled_from([None, 2, 3]),
        output_shape=st.sampled_from([None, 2, (2, 3)]),
    )


def _groups_sizes(draw):
    few = draw(st.integers(1, 2))
    return {
        "head_dim": draw(st.integers(2, 4)),
        "num_query_heads": few * draw(st.integers(1, 2)),
        "num_key_value_heads": few,
    }


@st.composite
def without_heads(draw, name):
    arrays, call, random = draw(sequences())
    features = draw(st.integers(1, 4))
    lengths = features, draw(st.integers(1, 4)) if len(arrays) == 3 else features, features
    arrays = [
        random.normal(size=(*x.shape[:2], length)).astype("float32")
        for x, length in zip(arrays, lengths, strict=False)
    ]
    masks = [random.random(x.shape[:2]) < 0.7 if draw(flags) else None for x in arrays[:2]]
    if draw(flags):
        call["mask"] = masks
    options = _drawn(draw, use_scale=flags, dropout=st.sampled_from([0.0, 0.4]), seed=seeds)
    if name == "Attention":
        options["score_mode"] = draw(st.sampled_from(["dot", "concat"]))
    return Case(name, options, (arrays,), call)


CONFIGURATIONS = {
    "EinsumDense": einsum_dense(),
    "MultiHeadAttention": heads("MultiHeadAttention", _heads_sizes),
    "GroupQueryAttention": heads("GroupQueryAttention", _groups_sizes),
    "Attention": without_heads("Attention"),
    "AdditiveAttention": without_heads("AdditiveAttention"),
}
