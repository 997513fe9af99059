"""A convolution that waits: if all that follows is a maximum over windows, both are one kernel.

Networks for images go from a convolution to a pooling that keeps one of four entries. While a tape
runs, the result of a large convolution is not computed until somebody reads it (see
`core/deferred.py`). `max_pool` does not: it asks for the largest entries alone, and what lies
between never leaves the cache.
"""

from __future__ import annotations

import math

import numpy as np

from npkeras.core.attach import attach, attached
from npkeras.core.deferred import Deferred, may_defer
from npkeras.core.op import fused_op
from npkeras.core.tape import Joint, Traced, plain, recording
from npkeras.kernels import pooled_convolution as kernels
from npkeras.ops.convolution import convolution_now, known_plan, run_kernel
from npkeras.ops.sliding import format_of, per_axis

ENTRIES = 2**15  # a smaller result is not worth the detour

_PRECISIONS = np.dtype("float32"), np.dtype("float64")


def convolution(inputs, kernel, bias=None, *, options, owner, depthwise=False, rectify=False):
    """What layers call: `conv` or `depthwise_conv`, plus a bias, and max(y, 0) if asked for.

    Args:
        inputs, kernel, bias: As in `conv`; a bias for each filter, or None.
        options: (strides, padding, data_format, dilation_rate)
        owner: Who calls, for error messages.
    """
    if not depthwise and may_defer() and _of_one_precision(inputs, kernel, bias):
        first = format_of(options[2], owner) == "channels_first"
        if kernel.shape[-2] == inputs.shape[1 if first else -1]:  # no groups
            plan, _ = known_plan(inputs.shape, kernel.shape, options, owner, False)
            if len(inputs) * math.prod(plan.lengths) * plan.channels >= ENTRIES:
                return _Waiting(inputs, kernel, bias, plan, options, owner, rectify).result()
    return convolution_now(
        inputs, kernel, bias, options=options, owner=owner, depthwise=depthwise, rectify=rectify
    )


def _of_one_precision(inputs, kernel, bias):
    if not isinstance(inputs, (np.ndarray, Traced)) or not isinstance(kernel, Traced):
        return False
    dtype = inputs.dtype
    return dtype in _PRECISIONS and kernel.dtype == dtype and (bias is None or bias.dtype == dtype)


class _Waiting:
    """What the result of a convolution follows from.

    The weights are copied: optimizers write into them, and who reads the result after an update
    must see that of before.
    """

    def __init__(self, inputs, kernel, bias, plan, options, owner, rectify):
        self.arrays = inputs, _copied(kernel), _copied(bias)
        self.plan, self.options = plan, options
        self.form = {"options": options, "owner": owner, "rectify": rectify}
        wanted = [
            (i, array.slot, None)
            for i, array in enumerate(self.arrays)
            if recording() and isinstance(array, Traced) and array.slot
        ]
        self.wanted = [i for i, _, _ in wanted]
        self._edges = Joint(self._pull, wanted) if wanted else None
        self._backward = None

    def result(self):
        first = format_of(self.options[2], self.form["owner"]) == "channels_first"
        rows, channels = (len(self.arrays[0]),), (self.plan.channels,)
        lengths = tuple(self.plan.lengths)
        shape = (*rows, *channels, *lengths) if first else (*rows, *lengths, *channels)
        y = Deferred(shape, self.arrays[0].dtype, self._computed, self._edges)
        attach(y, "convolution", self)
        return y

    def _computed(self):
        arrays = [plain(array) for array in self.arrays]
        y, self._backward = convolution_now.function(*arrays, wanted=self.wanted, **self.form)
        return y

    def _pull(self, dy):
        if self._backward is None:  # nobody has read the result
            self._computed()
        return self._backward(dy)

    def pooled(self, size):
        return _pooled_convolution(*self.arrays, size=size, **self.form)


def _copied(array):
    """A weight as it is now, whose gradient still belongs to the variable."""
    if isinstance(array, Traced):
        return Traced(array.value.copy(), array.slot)
    return array


def waiting_maximum(inputs, pool_size, strides, padding, data_format):
    """The largest entries of a convolution that waits; None if `inputs` is anything else.

    Windows that overlap, or of which one would reach beyond the convolution's result, are left to
    others.
    """
    if not isinstance(inputs, Deferred) or not inputs.unread:
        return None
    waiting = attached(inputs, "convolution")
    if waiting is None:
        return None
    owner, lengths = "`max_pool`", waiting.plan.lengths
    size = per_axis(pool_size, len(lengths), "pool_size", owner)
    apart = strides is None or per_axis(strides, len(lengths), "strides", owner) == size
    pairs = list(zip(lengths, size, strict=True))
    whole = padding == "valid" or not any(n % s for n, s in pairs)
    fits = apart and whole and max(size) > 1 and all(n >= s for n, s in pairs)
    alike = format_of(data_format, owner) == format_of(waiting.options[2], owner)
    if not (fits and alike and padding in ("valid", "same")):
        return None
    return waiting.pooled(size)


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
