"""A convolution that waits for what follows, and takes it in.

Networks for images go from a convolution to a pooling that keeps one of four entries, or, once
they are trained, to a scale and a shift for each channel and a rectifier. While a tape runs, or
where one layer of npkeras hands it to the next, the result of a convolution is not computed until
somebody reads it (see `core/deferred.py`). Ops that can be done to a part of the result while it
is in the cache are taken in, and the numbers stay the same to the bit.
"""

from __future__ import annotations

import math

import numpy as np

from npkeras.core.deferred import Deferred, may_chain
from npkeras.core.op import fused_op
from npkeras.core.tape import Joint, Traced, plain, recording
from npkeras.kernels import pooled_convolution as kernels
from npkeras.ops.convolution import convolution_now, known_plan, run_kernel
from npkeras.ops.normalization import factor_and_shift
from npkeras.ops.sliding import format_of, per_axis

ENTRIES = 2**12  # a smaller result is not worth the detour
PLACES = 512  # of fewer, a copy of the weights would take its part of the time

_PRECISIONS = np.dtype("float32"), np.dtype("float64")


def convolution(inputs, kernel, bias=None, *, options, owner, depthwise=False, rectify=False):
    """What layers call: `conv` or `depthwise_conv`, plus a bias, and max(y, 0) if asked for.

    Args:
        inputs, kernel, bias: As in `conv`; a bias for each filter, or None.
        options: (strides, padding, data_format, dilation_rate)
        owner: Who calls, for error messages.
    """
    form = {"options": options, "owner": owner, "depthwise": depthwise, "rectify": rectify}
    if may_chain() and _of_one_precision(inputs, kernel, bias):
        plan, _ = known_plan(inputs.shape, kernel.shape, options, owner, depthwise)
        places = len(inputs) * math.prod(plan.lengths)
        if places * plan.channels >= ENTRIES and not recording():
            return _Waiting((inputs, kernel, bias), plan, form).result()
        if places * plan.channels >= ENTRIES and places >= PLACES:
            return _Waiting((inputs, _copied(kernel), _copied(bias)), plan, form).result()
    return convolution_now(inputs, kernel, bias, **form)


def _of_one_precision(inputs, kernel, bias):
    if not isinstance(inputs, (np.ndarray, Traced)) or not isinstance(kernel, Traced):
        return False
    dtype = inputs.dtype
    return dtype in _PRECISIONS and kernel.dtype == dtype and (bias is None or bias.dtype == dtype)


def _copied(array):
    """A weight as it is now, whose gradient still belongs to the variable.

    Optimizers write into weights, and who reads the result after an update must see that of before.
    """
    if isinstance(array, Traced):
        return Traced(array.value.copy(), array.slot)
    return array


class _Waiting:
    """What the result of a convolution follows from.

    Args:
        arrays: The inputs, the kernel, and the bias or None.
        plan: What the call comes to.
        form: The options of the op.
        then: What comes after that, as the op takes it.
    """

    def __init__(self, arrays, plan, form, then=()):
        self.arrays, self.plan, self.form, self.then = arrays, plan, form, then
        self.first = format_of(form["options"][2], form["owner"]) == "channels_first"
        wanted = [
            (i, array.slot, None)
            for i, array in enumerate(arrays)
            if recording() and isinstance(array, Traced) and array.slot
        ]
        self.wanted = [i for i, _, _ in wanted]
        self._edges = Joint(self._pull, wanted) if wanted else None
        self._backward = None

    def result(self):
        rows, lengths, channels = len(self.arrays[0]), self.plan.lengths, self.plan.channels
        shape = (rows, channels, *lengths) if self.first else (rows, *lengths, channels)
        dtype = self.arrays[0].dtype
        return Deferred(shape, dtype, self._computed, self._edges, self._take_in)

    def _computed(self):
        arrays = [plain(array) for array in self.arrays]
        options = {**self.form, "then": self.then, "wanted": self.wanted}
        y, self._backward = convolution_now.function(*arrays, **options)
        return y

    def _pull(self, dy):
        if self._backward is None:  # nobody has read the result
            self._computed()
        return self._backward(dy)

    def _take_in(self, op, args, options):
        take = _TAKEN_IN.get(op.name)
        return None if take is None else take(self, *args, **options)

    # Each returns None for what it leaves to others.

    def _rectified(self):
        if self.then:
            return self._clipped(0)
        form = {**self.form, "rectify": True}
        return _Waiting(self.arrays, self.plan, form).result()

    def _clipped(self, low, high=None):
        """max(y, low) and, if there is a `high`, min of that and `high`."""
        steps = [(np.maximum, low)] + ([] if high is None else [(np.minimum, high)])
        dtype = self.arrays[0].dtype
        return self._followed_by([(step, np.full(1, bound, dtype)) for step, bound in steps])

    def _bent(self, negative_slope=0.0, max_value=None, threshold=0.0):
        return None if negative_slope or threshold else self._clipped(0, max_value)

    def _followed_by(self, steps):
        if recording():
            return None
        return _Waiting(self.arrays, self.plan, self.form, (*self.then, *steps)).result()

    def _standardized(self, *statistics, axis, epsilon):
        if recording() or axis != (1 if self.first else len(self.plan.lengths) + 1):
            return None
        dtype = self.arrays[0].dtype
        _, factor, shift = factor_and_shift(*map(plain, statistics), epsilon, dtype)
        return self._followed_by([(np.multiply, factor), (np.add, shift)])

    def _pooled(self, pool_size, strides=None, padding="valid", data_format=None):
        """The largest entry of each window, if windows lie side by side within the result."""
        owner, lengths = "`max_pool`", self.plan.lengths
        kernel, form = self.arrays[1], dict(self.form)
        grouped = kernel.shape[-2] != self.arrays[0].shape[1 if self.first else -1]
        if self.then or grouped or form.pop("depthwise"):
            return None
        size = per_axis(pool_size, len(lengths), "pool_size", owner)
        apart = strides is None or per_axis(strides, len(lengths), "strides", owner) == size
        pairs = list(zip(lengths, size, strict=True))
        whole = padding == "valid" or not any(n % s for n, s in pairs)
        fits = apart and whole and max(size) > 1 and all(n >= s for n, s in pairs)
        alike = (format_of(data_format, owner) == "channels_first") == self.first
        if not (fits and alike and padding in ("valid", "same")):
            return None
        return _pooled_convolution(*self.arrays, size=size, **form)


_TAKEN_IN = {
    "relu": _Waiting._rectified,
    "relu6": lambda self: self._clipped(0, 6),
    "bent_relu": _Waiting._bent,
    "_by_statistics": _Waiting._standardized,
    "max_pool": _Waiting._pooled,
}


def _pooled_infer(inputs, kernel, bias=None, *, size, options, owner, rectify):
    raise TypeError("A convolution of symbolic tensors does not wait.")


@fused_op(_pooled_infer, promote=slice(0, 3))
def _pooled_convolution(inputs, kernel, bias=None, *, size, options, owner, rectify, wanted):
    """`max_pool` of a convolution; windows of `size`, side by side."""
    _, geometry = known_plan(inputs.shape, kernel.shape, options, owner, False)
    form, kept = kernels.pooled(geometry, size), []

    def forward(x, weights, bias, rectify):
        y, won = kernels.convolve_pooled(x, weights, bias, form, rectify, bool(wanted))
        kept.append(won)
        return y

    def back(x, weights, dy, *more):
        return kernels.convolve_pooled_back(x, weights, dy, form, kept[0], *more)

    data_format = format_of(options[2], owner)
    return run_kernel(forward, back, (inputs, kernel, bias), data_format, rectify, wanted)
