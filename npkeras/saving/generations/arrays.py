"""Weights and the state of optimizers, as older generations of Keras arranged them."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np

Arrays = list[np.ndarray]

# -- Weights -------------------------------------------------------------------------------------


def fitted(layer: Any, variables: list[Any], arrays: Arrays, version: tuple[int, ...],
           backend: str | None = None) -> Arrays:  # fmt: skip
    """The arrays of one layer of an older file, arranged as its variables are today.

    What is not understood is left as it is: that its shapes do not fit is found out later.

    Args:
        layer: The layer.
        variables: Its variables, in the order of the file.
        arrays: What the file holds for it.
        version: The `keras_version` of the file.
        backend: The `backend` of the file.
    """
    if version[0] >= 3:
        return arrays
    if version[0] == 1:
        arrays = _from_keras_1(layer, arrays)
    if len(arrays) == len(variables):
        arrays = _from_fused(layer, variables, arrays)
        if backend == "theano":
            arrays = _from_theano(layer, variables, arrays)
    return arrays


def _from_keras_1(layer: Any, arrays: Arrays) -> Arrays:
    """Keras 1 had an array for each gate, and other axes in convolutions."""
    kind = type(layer).__name__
    if hasattr(layer, "layers"):
        return _from_model_of_keras_1(layer, arrays)
    if kind == "TimeDistributed":
        return _from_keras_1(layer.layer, arrays)
    if kind == "Bidirectional":
        half = len(arrays) // 2
        return [
            *_from_keras_1(layer.forward_layer, arrays[:half]),
            *_from_keras_1(layer.backward_layer, arrays[half:]),
        ]
    if kind == "LSTM" and len(arrays) == 12:  # i, c, f, o: W, U and b of each
        return _side_by_side(arrays, (0, 2, 1, 3))
    if kind == "GRU" and len(arrays) == 9:  # z, r, h
        return _side_by_side(arrays, (0, 1, 2))
    if kind in ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose") and arrays:
        return [_convolution_of_keras_1(layer, kind, arrays[0]), *arrays[1:]]
    return arrays


def _from_model_of_keras_1(model: Any, arrays: Arrays) -> Arrays:
    """A model within another: the weights that are trained first, of all its layers, then others.

    What each layer had is known from its class, so that the arrays can be dealt out.
    """
    parts = [part for part in _parts_of(model) if part.weights]
    counts = [[_count_of_keras_1(part, len(_own(part)[kind])) for part in parts] for kind in (0, 1)]
    if sum(map(sum, counts)) != len(arrays):
        return arrays
    waiting = iter(arrays)
    dealt = [[list(itertools.islice(waiting, count)) for count in kind] for kind in counts]
    done: tuple[Arrays, Arrays] = ([], [])
    for part, trained, others in zip(parts, *dealt, strict=True):
        changed, count = _from_keras_1(part, trained + others), len(_own(part)[0])
        done[0].extend(changed[:count])
        done[1].extend(changed[count:])
    return [*done[0], *done[1]]


def _own(layer: Any) -> tuple[list[Any], list[Any]]:
    return layer.trainable_weights, layer.non_trainable_weights


def _parts_of(model: Any) -> list[Any]:
    found = []
    for layer in model.layers:
        found += _parts_of(layer) if hasattr(layer, "layers") else [layer]
    return found


def _count_of_keras_1(layer: Any, count: int) -> int:
    """How many arrays Keras 1 had for a layer that has `count` today."""
    kind = type(layer).__name__
    if kind in ("TimeDistributed", "Bidirectional"):
        inner = layer.layer if kind == "TimeDistributed" else layer.forward_layer
        return _count_of_keras_1(inner, count)
    gates = {"LSTM": 4, "GRU": 3}.get(kind, 1)
    return gates * count


def _side_by_side(arrays: Arrays, gates: tuple[int, ...]) -> Arrays:
    return [np.concatenate([arrays[3 * gate + i] for gate in gates], axis=-1) for i in range(3)]


def _convolution_of_keras_1(layer: Any, kind: str, kernel: np.ndarray) -> np.ndarray:
    if kind == "Conv1D" and kernel.ndim == 4:
        size = (layer.kernel_size[0], 1)
        if kernel.shape[:2] != size or kernel.shape[3] != layer.filters:
            kernel = kernel.transpose(2, 3, 1, 0)
        return kernel[:, 0]
    first = getattr(layer, "data_format", None) == "channels_first"
    if kind == "Conv2D" and first and kernel.ndim == 4:
        return kernel.transpose(2, 3, 1, 0)
    if kind == "Conv3D" and first and kernel.ndim == 5:
        return kernel.transpose(2, 3, 4, 1, 0)
    if kind == "Conv2DTranspose" and kernel.ndim == 4:
        return kernel.transpose((2, 3, 0, 1) if first else (0, 1, 3, 2))
    return kernel


_FUSED_GATES = {"LSTMCell": 4, "GRUCell": 3}


def _from_fused(layer: Any, variables: list[Any], arrays: Arrays) -> Arrays:
    """CuDNNLSTM and CuDNNGRU: known by a bias for the inputs and one for the states, in a row."""
    places = {id(variable): i for i, variable in enumerate(variables)}
    arrays = list(arrays)
    for cell in layer._flatten_layers():
        gates = _FUSED_GATES.get(type(cell).__name__)
        bias = getattr(cell, "bias", None)
        if gates is None or id(bias) not in places:
            continue
        at = places[id(bias)]
        if arrays[at].shape != (2 * gates * cell.units,):
            continue
        kernel, recurrent = places[id(cell.kernel)], places[id(cell.recurrent_kernel)]
        arrays[kernel] = _per_gate(arrays[kernel], gates, lambda w: w.T.reshape(w.shape, order="F"))
        arrays[recurrent] = _per_gate(arrays[recurrent], gates, np.transpose)
        halves = arrays[at].reshape(2, -1)
        arrays[at] = halves.sum(axis=0) if gates == 4 else halves
    return arrays


def _per_gate(weights: np.ndarray, gates: int, change: Any) -> np.ndarray:
    return np.hstack([change(gate) for gate in np.hsplit(weights, gates)])


_SPATIAL_AXES = {"Conv1D": 1, "Conv2D": 2, "Conv3D": 3, "Conv2DTranspose": 2, "ConvLSTM2DCell": 2}


def _from_theano(layer: Any, variables: list[Any], arrays: Arrays) -> Arrays:
    """Theano turned kernels around before it moved them over the image."""
    places = {id(variable): i for i, variable in enumerate(variables)}
    arrays = list(arrays)
    for part in layer._flatten_layers():
        axes = _SPATIAL_AXES.get(type(part).__name__)
        if axes is None:
            continue
        for name in ("kernel", "recurrent_kernel", "_kernel"):
            at = places.pop(id(getattr(part, name, None)), None)
            if at is not None:
                arrays[at] = np.flip(arrays[at], tuple(range(axes)))
    return arrays


# -- Optimizers ----------------------------------------------------------------------------------

_SLOTS = {
    "m": "momentum", "v": "velocity", "vhat": "velocity_hat", "u": "norm", "rms": "velocity",
    "mg": "average_gradient", "accum_grad": "accumulated_grad",
    "accum_var": "accumulated_delta_var",
}  # fmt: skip
_SAME = frozenset(
    """momentum velocity average_gradient accumulator accumulated_grad accumulated_delta_var linear
    average""".split()
)


def upgraded_state(optimizer: Any, arrays: Arrays, names: list[str] | None = None) -> Arrays | None:
    """The state of an optimizer of Keras 1 or 2, for `optimizer.variables` of today.

    The learning rate was not saved then; it stays what the optimizer was made with.

    Args:
        optimizer: The optimizer, built.
        arrays: What the file holds, the number of updates first.
        names: The arrays' names, in `.h5` files; None for `.weights.h5` and `.keras` files, which
            have the order of Keras 2.11 and later.

    Returns:
        The arrays, or None if they do not fit.
    """
    if not arrays or arrays[0].size != 1:
        return None
    kinds = None if names is None else [_kind(name, optimizer) for name in names[1:]]
    if kinds is None or None in kinds:
        found = _by_place(optimizer, arrays[1:], together=names is not None)
    else:
        found = {}
        for kind, array in zip(kinds, arrays[1:], strict=True):
            found.setdefault(str(kind), []).append(array)
    return _filled_in(optimizer, arrays[0].reshape(()), found)


def _kind(name: str, optimizer: Any) -> str | None:
    """The slot an array belongs to: the second or the last part of its name."""
    parts = re.sub(r":\d+$", "", name).split("/")
    if parts[0] == "training":
        return None  # before Keras 2.4: numbered, the arrays of each slot together
    if parts[-1] == "momentum_cache":
        return "momentum_cache"
    norm = {"v": "norm"} if type(optimizer).__name__ == "Adamax" else {}
    for part in (parts[1] if len(parts) > 2 else "", parts[-1]):
        slot = norm.get(part) or _SLOTS.get(part) or (part if part in _SAME else None)
        if slot is not None:
            return slot
    return None


def _slots_of(optimizer: Any) -> list[tuple[str, ...]]:
    groups = [tuple(group) for group in getattr(optimizer, "slots", ())]
    return [("average",), *groups] if getattr(optimizer, "use_ema", False) else groups


def _variables_of(optimizer: Any, slot: str) -> list[Any]:
    ending = f"_{slot}"
    return [variable for variable in optimizer.variables if variable.name.endswith(ending)]


def _by_place(optimizer: Any, arrays: Arrays, together: bool) -> dict[str, Arrays]:
    """The arrays of each slot, by their order alone.

    Args:
        optimizer: The optimizer.
        arrays: The arrays, without the number of updates.
        together: Whether all arrays of one slot come before those of the next, as they did
            before Keras 2.11; otherwise those of a group of slots go together for each weight.
    """
    arrays = [array for array in arrays if array.ndim or not together]
    groups = _slots_of(optimizer)
    if together:
        groups = [(slot,) for group in groups for slot in group]
    found: dict[str, Arrays] = {}
    for group in groups:
        count = len(_variables_of(optimizer, group[0]))
        for i, slot in enumerate(group):
            found[slot] = arrays[i : count * len(group) : len(group)]
        arrays = arrays[count * len(group) :]
    return found


def _filled_in(optimizer: Any, updates: np.ndarray, found: dict[str, Arrays]) -> Arrays | None:
    chosen = {id(variable): variable.value for variable in optimizer.variables}
    chosen[id(optimizer.variables[0])] = updates
    for group in _slots_of(optimizer):
        for slot in group:
            variables, arrays = _variables_of(optimizer, slot), found.get(slot, [])
            shapes = [array.shape for array in arrays]
            if [variable.shape for variable in variables] != shapes:
                return None
            chosen.update({id(v): array for v, array in zip(variables, arrays, strict=True)})
    product = getattr(optimizer, "_product", None)
    if product is not None:  # Nadam: Keras 2 did not keep it, but it follows from the rest
        steps = np.arange(1, int(updates) + 1)
        shares = optimizer.beta_1 * (1 - 0.5 * 0.96**steps)
        chosen[id(product)] = np.asarray(np.prod(shares), product.value.dtype)
    return [chosen[id(variable)] for variable in optimizer.variables]
