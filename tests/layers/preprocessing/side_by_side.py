"""Asking npkeras and live Keras the same, and comparing what they say."""

import numpy as np

import npkeras


def assert_same(keras, ask, **more):
    """Both engines answer alike, in values, shapes and dtypes, or both refuse."""
    ours, theirs = answer(npkeras, ask, **more), answer(keras, ask, **more)
    assert type(ours) is type(theirs), f"ours {ours!r}, theirs {theirs!r}"
    if isinstance(ours, np.ndarray):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        if ours.dtype.kind == "f":
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
            return
        ours, theirs = ours.tolist(), theirs.tolist()
    assert ours == theirs


def answer(engine, ask, **more):
    """What an engine says, as plain Python values and arrays of NumPy."""
    return _plain(ask(engine, **more))


def adapted(layer, data, **more):
    layer.adapt(data, **more)
    return layer


def with_vocabulary(layer, *vocabulary):
    layer.set_vocabulary(*vocabulary)
    return layer


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if key != "name"}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, (np.str_, np.integer)):
        return value.item()
    if hasattr(value, "numpy"):
        value = value.numpy()
        value = np.array(value, object if isinstance(value, bytes) else None)
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        decoded = [item.decode() for item in value.ravel()]
        return np.array(decoded, dtype="U9").reshape(value.shape)
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return value.astype("U9")
    return value
