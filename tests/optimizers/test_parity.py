"""Whole trajectories equal those of Keras on TensorFlow."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.core.rows import RowGradient
from tests.optimizers.parity import RULES, Pair

pytestmark = pytest.mark.keras

shares = st.sampled_from([0.0, 0.5, 0.9, 0.999])
small = st.sampled_from([1e-7, 1e-3, 0.1])
OWN = {
    "SGD": {"momentum": st.sampled_from([0.0, 0.5, 0.9, 1.0]), "nesterov": st.booleans()},
    "Adam": {"beta_1": shares, "beta_2": shares, "epsilon": small, "amsgrad": st.booleans()},
    "AdamW": {"beta_1": shares, "beta_2": shares, "epsilon": small, "amsgrad": st.booleans()},
    "Adamax": {"beta_1": shares, "beta_2": shares, "epsilon": small},
    "Nadam": {"beta_1": st.sampled_from([0.5, 0.9, 0.999]), "beta_2": shares, "epsilon": small},
    "RMSprop": {
        "rho": st.sampled_from([0.5, 0.9, 0.999]),
        "momentum": st.sampled_from([0.0, 0.5, 0.9]),
        "epsilon": st.sampled_from([1e-3, 0.1]),
        "centered": st.booleans(),
    },
    "Adagrad": {"initial_accumulator_value": st.sampled_from([0.1, 1.0]), "epsilon": small},
    "Adadelta": {"rho": shares, "epsilon": small},
    "Ftrl": {
        "learning_rate_power": st.sampled_from([-0.5, -0.7, 0.0]),
        "initial_accumulator_value": st.sampled_from([0.1, 1.0]),
        "l1_regularization_strength": st.sampled_from([0.0, 0.1, 1.0]),
        "l2_regularization_strength": st.sampled_from([0.0, 0.1]),
        "l2_shrinkage_regularization_strength": st.sampled_from([0.0, 0.1]),
        "beta": st.sampled_from([0.0, 0.1]),
    },
    "Lamb": {"beta_1": shares, "beta_2": shares, "epsilon": small},
    "Adafactor": {
        "beta_2_decay": st.sampled_from([-0.8, -0.3]),
        "epsilon_1": st.sampled_from([1e-30, 1e-3]),
        "epsilon_2": st.sampled_from([1e-3, 1.0]),
        "clip_threshold": st.sampled_from([0.1, 1.0, 5.0]),
        "relative_step": st.booleans(),
    },
    "Lion": {"beta_1": st.sampled_from([0.5, 0.9]), "beta_2": shares},
}
COMMON = {
    "learning_rate": st.sampled_from(
        [
            0.01,
            0.1,
            ("ExponentialDecay", dict(initial_learning_rate=0.1, decay_steps=2, decay_rate=0.5)),
        ]
    ),
    "weight_decay": st.sampled_from([0.004, 0.1]),
    "loss_scale_factor": st.sampled_from([2.0, 10.0]),
    "gradient_accumulation_steps": st.sampled_from([2, 3]),
    "ema": st.sampled_from(
        [
            dict(use_ema=True),
            dict(use_ema=True, ema_momentum=0.5),
            dict(use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=2),
        ]
    ),
    "clip": st.sampled_from(
        [dict(clipnorm=0.5), dict(clipvalue=0.3), dict(global_clipnorm=1.0), dict(clipnorm=1e6)]
    ),
}


@st.composite
def arguments(draw, name):
    chosen = draw(st.fixed_dictionaries(OWN[name], optional=COMMON))
    for group in ("ema", "clip"):
        chosen.update(chosen.pop(group, {}))
    return chosen


@pytest.mark.parametrize("name", RULES)
def test_every_rule_with_every_option_goes_where_that_of_keras_goes(keras, name):
    @settings(max_examples=20, deadline=None)
    @given(
        arguments(name),
        st.sampled_from(["float32", "float64"]),
        st.integers(0, 1000),
        st.booleans(),
    )
    def check(chosen, dtype, seed, rows):
        if rows:
            chosen.pop("loss_scale_factor", None)  # Keras cannot divide rows by it
            chosen.pop("centered", None)  # NaN in Keras; see test_rmsprop.py
        pair = Pair(keras, name, dtype, seed=seed, **chosen)
        for _ in range(6):
            gradients = pair.gradients()
            if rows:
                gradients[2] = some_rows(pair.random, (6, 2), dtype)
            pair.step(gradients)
        # v - a**2 loses digits; and steps divided by epsilon alone are thousands of times larger
        forgetful = rows and chosen.get("beta_2") == 0
        rough = dtype == "float32" and (chosen.get("centered") or forgetful)
        tolerance = 1e-5 if rough else 1e-6
        # z of Ftrl is made of differences of powers, divided by the learning rate
        state = 1e-4 if name == "Ftrl" and dtype == "float32" else tolerance
        pair.check(tolerance, tolerance, state)

    check()


def some_rows(random, shape, dtype, lookups=5):
    """The gradient of an embedding of which some rows were used, one of them twice."""
    indices = random.integers(0, shape[0] - 1, size=lookups)
    indices[0] = indices[1]
    return RowGradient(indices, random.normal(size=(lookups, shape[1])).astype(dtype), shape)
