"""Cases of the recurrent layers."""

from hypothesis import strategies as st

from tests.layers.cases.common import (
    CELL,
    RECURRENT,
    ROWS,
    SEQUENCES,
    STEPS,
    Case,
    constraints,
    flags,
    floats,
    glorot,
    inner,
    masks_for,
    normal,
    orthogonal,
    regularizers,
    seeds,
    small,
)

WHOLE = {**RECURRENT, "return_sequences": True}
SMALL = inner("SimpleRNN", **RECURRENT)
BACK = inner("GRU", **WHOLE, go_backwards=True, name="back")

CASES = [
    Case("LSTM", RECURRENT, (SEQUENCES,)),
    Case("LSTM", WHOLE, (SEQUENCES,), {"mask": STEPS}),
    Case("LSTMCell", RECURRENT, (ROWS, [normal(4, 3), normal(4, 3)])),
    Case("GRU", RECURRENT, (SEQUENCES,)),
    Case("GRU", WHOLE, (SEQUENCES,), {"mask": STEPS}),
    Case("GRU", {**WHOLE, "reset_after": False, "return_state": True}, (SEQUENCES,)),
    Case("GRU", {**RECURRENT, "activation": "sigmoid", "use_bias": False}, (SEQUENCES,)),
    Case("GRUCell", RECURRENT, (ROWS, [normal(4, 3)])),
    Case("GRUCell", {**RECURRENT, "reset_after": False}, (ROWS, [normal(4, 3)])),
    Case("SimpleRNN", RECURRENT, (SEQUENCES,)),
    Case("SimpleRNN", {**WHOLE, "return_state": True}, (SEQUENCES,), {"mask": STEPS}),
    Case("SimpleRNN", {**RECURRENT, "activation": "sigmoid", "use_bias": False}, (SEQUENCES,)),
    Case("SimpleRNNCell", RECURRENT, (ROWS, [normal(4, 3)])),
    Case("Bidirectional", {"layer": inner("LSTM", **RECURRENT)}, (SEQUENCES,)),
    Case(
        "Bidirectional",
        {"layer": inner("GRU", **WHOLE), "merge_mode": "mul", "backward_layer": BACK},
        (SEQUENCES,),
        {"mask": STEPS},
    ),
    Case("Bidirectional", {"layer": SMALL, "merge_mode": None}, (SEQUENCES,)),
    Case(
        "Bidirectional",
        {"layer": inner("RNN", cell=CELL, return_state=True), "merge_mode": "ave"},
        (SEQUENCES,),
    ),
    Case("RNN", {"cell": CELL, "return_state": True}, (SEQUENCES,)),
    Case("StackedRNNCells", {"cells": [CELL]}, (ROWS, [[normal(4, 3), normal(4, 3)]])),
]


@st.composite
def recurrent(draw, name, activations, **more):
    """A layer with any options, on sequences of any length, with and without a mask."""
    rates = st.sampled_from([0.0, 0.0, 0.4])
    options = {
        "units": draw(st.integers(1, 4)),
        "activation": draw(st.sampled_from(activations)),
        "use_bias": draw(flags),
        "kernel_initializer": draw(st.builds(glorot, seeds)),
        "recurrent_initializer": draw(st.builds(orthogonal, seeds)),
        "bias_initializer": draw(st.builds(small, seeds)),
        "recurrent_regularizer": draw(regularizers),
        "bias_constraint": draw(constraints),
        "dropout": draw(rates),
        "recurrent_dropout": draw(rates),
        "return_sequences": draw(flags),
        "go_backwards": draw(flags),
        "zero_output_for_mask": draw(flags),
        "unroll": False,  # Keras then zeroes by the mask turned around
        **{key: draw(value) for key, value in more.items()},
    }
    x = draw(floats(3))
    return Case(name, options, (x,), draw(masks_for(x)))


@st.composite
def bidirectional(draw):
    """Either layer on the inside, and any way to merge that gives one output."""
    name = draw(st.sampled_from(["LSTM", "GRU", "SimpleRNN"]))
    case = draw(recurrent(name, ["tanh"], go_backwards=st.just(False)))
    options = {
        "layer": inner(name, name="one", **case.options),
        "merge_mode": draw(st.sampled_from(["concat", "sum", "mul", "ave"])),
    }
    return Case("Bidirectional", options, case.inputs, case.call)


GATES = {
    "recurrent_activation": st.sampled_from(["sigmoid", "sigmoid", "hard_sigmoid"]),
    "reset_after": flags,
    "activity_regularizer": regularizers,
}
CONFIGURATIONS = {
    "GRU": recurrent("GRU", ["tanh", "tanh", "relu", None], seed=st.integers(0, 9), **GATES),
    "SimpleRNN": recurrent("SimpleRNN", ["tanh", "tanh", "relu", None]),
    "Bidirectional": bidirectional(),
}

# Live Keras is asked about these in tests of their own: `tests/layers/test_recurrent_kinds.py` and
# `tests/layers/test_recurrent.py`.
ELSEWHERE = {"LSTM", "LSTMCell", "GRUCell", "RNN", "SimpleRNNCell", "StackedRNNCells"}
