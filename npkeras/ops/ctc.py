"""Connectionist temporal classification: labels without a time, for inputs that have one.

Source: Graves et al., 2006, "Connectionist Temporal Classification: Labelling Unsegmented Sequence
Data with Recurrent Neural Networks", Section 4.
"""

from __future__ import annotations

import sys

import numpy as np

from npkeras.core import check
from npkeras.core.dtypes import as_array
from npkeras.core.op import fused_op, op
from npkeras.core.shapes import float_dtype, shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import plain
from npkeras.kernels import softmax as kernels
from npkeras.ops.activation import wide

# B batch, T steps, C classes, L labels, S = 2 L + 1 states: the labels with blanks between them.

# What TensorFlow takes for log(0): labels that do not fit into the steps cost that much, instead
# of infinitely much, for each step that should not be possible.
_IMPOSSIBLE = float(np.log(sys.float_info.min))


def _ctc_infer(target, output, target_length, output_length, mask_index=0):
    dtype = float_dtype(output)
    return KerasTensor(shape_of(output)[:1], "float32" if dtype == "float16" else dtype)


def _check(target, output, target_length, output_length, mask_index):
    shapes = [x.shape for x in (target, output, target_length, output_length)]
    batch = output.shape[:1]
    if [len(shape) for shape in shapes] != [2, 3, 1, 1] or any(s[:1] != batch for s in shapes):
        raise ValueError(
            "`ctc_loss` expects targets (batch, labels), outputs (batch, steps, classes) and two "
            f"arrays of lengths (batch,). Received shapes: {', '.join(map(str, shapes))}"
        )
    labels, classes = target.shape[1], output.shape[-1]
    within = np.arange(labels) < target_length[:, None]
    wrong = within & ((target < 0) | (target >= classes))
    if wrong.any():
        raise ValueError(
            f"`ctc_loss` expects labels from 0 to {classes - 1}. Received the label "
            f"{target[wrong][0]} at position {tuple(np.argwhere(wrong)[0].tolist())}."
        )
    _check_blank(mask_index, classes, "ctc_loss")


def _check_blank(mask_index, classes, owner):
    if not check.is_int(mask_index) or not 0 <= mask_index < classes:
        raise ValueError(
            f"`mask_index` of `{owner}` must be one of the {classes} classes. "
            f"Received: mask_index={mask_index}"
        )


class _Lattice:
    """The states of each sample, and which may follow which.

    A state may stay, go on to the next, or skip a blank between two labels that differ.
    """

    def __init__(self, target, target_length, steps, blank):
        batch, labels = target.shape
        self.states = np.full((batch, 2 * labels + 1), blank)
        self.states[:, 1::2] = target
        places = np.arange(2 * labels + 1)
        last = 2 * target_length[:, None]
        self.exists = places <= last
        self.is_end = self.exists & (places >= last - 1)
        self.is_start = self.exists & (places < 2)
        self.skips = np.zeros(self.states.shape, bool)
        self.skips[:, 3::2] = target[:, 1:] != target[:, :-1]
        self.steps = steps

    def from_before(self, x):
        """The log-probability of coming into each state, given those of the states before."""
        ways = np.full((3, *x.shape), -np.inf, x.dtype)
        ways[0], ways[1, :, 1:] = x, x[:, :-1]
        ways[2, :, 2:] = np.where(self.skips[:, 2:], x[:, :-2], -np.inf)
        return self._with_leaps(ways, x)

    def from_behind(self, x):
        """The same backwards: the log-probability of what may follow each state."""
        ways = np.full((3, *x.shape), -np.inf, x.dtype)
        ways[0], ways[1, :, :-1] = x, x[:, 1:]
        ways[2, :, :-2] = np.where(self.skips[:, 2:], x[:, 2:], -np.inf)
        return self._with_leaps(ways, x)

    def _with_leaps(self, ways, x):
        leaps = _logsumexp(x, -1)[:, None] + x.dtype.type(_IMPOSSIBLE)
        return np.where(self.exists, np.logaddexp(_logsumexp(ways, 0), leaps), -np.inf)

    def allowed(self, where, dtype):
        """Log-probabilities of 0 where states are allowed, the worst one elsewhere."""
        inside = np.where(where, 0, _IMPOSSIBLE)
        return np.where(self.exists, inside, -np.inf).astype(dtype)


def _logsumexp(x, axis):
    largest = x.max(axis, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(x - largest).sum(axis)) + np.squeeze(largest, axis)


def _forward(lattice, emissions):
    """For each step and state the log-probability of the paths that lead there."""
    paths = np.empty_like(emissions)
    current = lattice.allowed(lattice.is_start, emissions.dtype)
    for t, emission in enumerate(emissions):
        current = current if t == 0 else lattice.from_before(current)
        current = paths[t] = current + emission
    return paths


def _backward(lattice, emissions, lengths):
    """For each step and state the log-probability of the paths from there to the end."""
    rest = np.empty_like(emissions)
    end = lattice.allowed(lattice.is_end, emissions.dtype)
    current = end
    for t in range(len(emissions) - 1, -1, -1):
        if t + 1 < len(emissions):
            onward = lattice.from_behind(current + emissions[t + 1])
            current = np.where((t + 1 < lengths)[:, None], onward, end)
        rest[t] = current
    return rest


@fused_op(_ctc_infer, arrays=4)
def ctc_loss(target, output, target_length, output_length, mask_index=0, *, wanted):
    """-log of the probability that an output, with blanks and repeats left out, is the target.

    Args:
        target: The labels.
        output: For each step the logits of the classes, one of which is the blank.
        target_length: How many labels each sample has.
        output_length: How many steps each sample has.
        mask_index: Which class is the blank.

    Shapes:
        target (batch, labels), output (batch, steps, classes), both lengths (batch,) -> (batch,)

    Raises:
        ValueError: For a label that is no class, naming it and its position.
    """
    _check(target, output, target_length, output_length, mask_index)
    dtype, x = output.dtype, wide(output)
    steps = x.shape[1]
    lengths = np.minimum(output_length, steps)
    within = np.arange(target.shape[1]) < target_length[:, None]
    lattice = _Lattice(np.where(within, target, mask_index), target_length, steps, mask_index)
    logs = kernels.log_softmax(x, -1)
    picked = np.broadcast_to(lattice.states[:, None], (len(x), steps, lattice.states.shape[1]))
    emissions = np.moveaxis(np.take_along_axis(logs, picked, -1), 1, 0)
    paths = _forward(lattice, emissions)
    final = paths[lengths - 1, np.arange(len(x))] + lattice.allowed(lattice.is_end, x.dtype)
    likelihood = _logsumexp(final, -1)

    def backward(dloss):
        rest = _backward(lattice, emissions, lengths)
        shares = np.exp(paths + rest - likelihood[:, None])
        dlogits = np.exp(logs)
        batch, places = np.arange(len(x))[:, None, None], np.arange(steps)[:, None]
        np.subtract.at(dlogits, (batch, places, picked), np.moveaxis(shares, 0, 1))
        dlogits *= (np.arange(steps) < lengths[:, None])[..., None]
        dlogits *= dloss[:, None, None]
        return None, dlogits.astype(dtype, copy=False), None, None

    return -likelihood, backward


# Decoding.


def _decode_infer(
    inputs,
    sequence_lengths,
    strategy="greedy",
    beam_width=100,
    top_paths=1,
    merge_repeated=True,
    mask_index=0,
):
    batch, steps, _ = shape_of(inputs)
    paths = 1 if strategy == "greedy" else top_paths
    dtype = float_dtype(inputs)
    return KerasTensor((paths, batch, steps), "int32"), KerasTensor((batch, paths), dtype)


@op(_decode_infer, arrays=1)
def ctc_decode(
    inputs,
    sequence_lengths,
    strategy="greedy",
    beam_width=100,
    top_paths=1,
    merge_repeated=True,
    mask_index=0,
):
    """The labels that outputs with blanks and repeats most probably stand for.

    Args:
        inputs: For each step the logits of the classes, one of which is the blank.
        sequence_lengths: How many steps each sample has.
        strategy: `"greedy"`: the best class of each step. `"beam_search"`: the best labels over
            all ways to spread them over the steps.
        beam_width: How many beginnings to keep from step to step: the most probable ones, once all
            have grown by a step. (TensorFlow drops some while others still grow.)
        top_paths: How many results to return for each sample, for a beam search.
        merge_repeated: Whether a greedy result merges repeats of a class.
        mask_index: Which class is the blank.

    Shapes:
        inputs (batch, steps, classes), sequence_lengths (batch,)
            -> labels (top_paths, batch, steps), filled up with -1, and scores (batch, top_paths)
    """
    check.one_of(("greedy", "beam_search"), strategy, "strategy", "`ctc_decode`")
    lengths = as_array(plain(sequence_lengths))
    batch, steps, classes = inputs.shape
    _check_blank(mask_index, classes, "ctc_decode")
    count = 1 if strategy == "greedy" else top_paths
    labels = np.full((count, batch, steps), -1, np.int32)
    scores = np.zeros((batch, count), inputs.dtype)
    logs = kernels.log_softmax(wide(inputs), -1) if strategy == "beam_search" else inputs
    for i, length in enumerate(lengths):
        if strategy == "greedy":
            found = [_greedy(logs[i, :length], merge_repeated, mask_index)]
        else:
            found = _beam_search(logs[i, :length], beam_width, mask_index)[:top_paths]
        for j, (path, score) in enumerate(found):
            labels[j, i, : len(path)], scores[i, j] = path, score
    return labels, scores


def _greedy(logits, merge_repeated, blank):
    best = logits.argmax(-1)
    kept = best != blank
    if merge_repeated:
        kept[1:] &= best[1:] != best[:-1]
    return best[kept], -logits.max(-1, initial=-np.inf).sum()


def _beam_search(logs, beam_width, blank):
    """The most probable label sequences, each with the log of its probability.

    A beginning is kept with two probabilities: of its paths that end in a blank, and of those that
    end in its last label, which a repeat of that label would only prolong.
    """
    beams = {(): (0.0, -np.inf)}
    labels = [c for c in range(logs.shape[-1]) if c != blank]
    for step in logs.astype(np.float64):
        grown: dict[tuple[int, ...], tuple[float, float]] = {}

        def add(path, ending_blank, ending_label, grown=grown):
            old = grown.get(path, (-np.inf, -np.inf))
            grown[path] = (
                np.logaddexp(old[0], ending_blank),
                np.logaddexp(old[1], ending_label),
            )

        for path, (blank_end, label_end) in beams.items():
            total = np.logaddexp(blank_end, label_end)
            stays = label_end + step[path[-1]] if path else -np.inf
            add(path, total + step[blank], stays)
            for label in labels:
                before = blank_end if path and path[-1] == label else total
                add((*path, label), -np.inf, before + step[label])
        ranked = sorted(grown.items(), key=lambda item: -np.logaddexp(*item[1]))
        beams = dict(ranked[:beam_width])
    return [(np.array(path, int), np.logaddexp(*ends)) for path, ends in beams.items()]
