"""Recurrent layers of ours and of live Keras, side by side."""

import numpy as np

from npkeras import layers
from npkeras.core.random import reset_global_seed
from npkeras.core.tape import GradientTape, Traced, plain

BATCH, STEPS, FEATURES, UNITS = 3, 5, 2, 4
X = (BATCH, STEPS, FEATURES)


def arrays(seed=0, states=1):
    """A sequence and so many states."""
    random = np.random.default_rng(seed)
    shapes = [X, *[(BATCH, UNITS)] * states]
    return [random.normal(size=shape).astype("float32") for shape in shapes]


def some_mask(seed=0):
    return np.random.default_rng(seed).random((BATCH, STEPS)) < 0.6


def twins(keras, make, copy=True):
    """A layer of Keras and one of ours, made by one function and built from one random seed."""
    keras.utils.set_random_seed(11)
    theirs = make(keras.layers)
    theirs.build(X)
    reset_global_seed(11)
    ours = make(layers)
    ours.build(X)
    if copy:
        ours.set_weights(theirs.get_weights())
    return theirs, ours


def same(found, expected, what=""):
    expected = np.asarray(expected)
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(plain(found), expected, rtol=1e-5, atol=2e-6 * scale, err_msg=what)


def listed(outputs):
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def compare_calls(tf, theirs, ours, x, states=None, **options):
    """Outputs, states and all gradients of one call, with something flowing back from each."""
    given = [x, *(states or ())]

    def call(layer, tensors):
        more = {"initial_state": tensors[1:]} if states else {}
        return listed(layer(tensors[0], **more, **options))

    with tf.GradientTape() as tape:
        tensors = [tf.constant(a) for a in given]
        tape.watch(tensors)
        outputs = call(theirs, tensors)
        random = np.random.default_rng(1)
        dys = [random.normal(size=y.shape).astype("float32") for y in outputs]
        loss = sum(tf.reduce_sum(y * dy) for y, dy in zip(outputs, dys, strict=True))
    expected = tape.gradient(loss, [*tensors, *theirs.trainable_weights])
    with GradientTape() as tape:
        traced = [Traced(a, object()) for a in given]
        found = call(ours, traced)
    gradients = tape.gradient(found, [*traced, *ours.trainable_weights], dys)
    for y, expected_y in zip(found, outputs, strict=True):
        same(y, expected_y)
    names = ["x", *["state"] * len(states or ()), *[w.path for w in ours.weights]]
    for name, dx, expected_dx in zip(names, gradients, expected, strict=True):
        same(dx, tf.convert_to_tensor(expected_dx), name)
    assert seed_states(ours) == seed_states(theirs)


def seed_states(layer):
    """How far the random generators within have come."""
    return [np.asarray(v).tolist() for v in layer.variables if "seed_generator" in v.path]
