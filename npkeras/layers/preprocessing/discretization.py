"""Discretization: numbers as the bins they lie in."""

import numpy as np

from npkeras.core import check
from npkeras.core.registry import register
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import plain
from npkeras.layers.base import Layer
from npkeras.layers.preprocessing import categories


@register("layers")
class Discretization(Layer):
    """Numbers as the bins they lie in.

    Bin 0 ends below the first boundary, bin i begins with boundary i - 1, and the last bin has no
    end: n boundaries make n + 1 bins. NaN lies in the last one.

    Args:
        bin_boundaries: The boundaries, rising. None: `adapt` finds them.
        num_bins: How many bins `adapt` makes, with about as many numbers in each. Either this or
            `bin_boundaries` is to be given.
        epsilon: How much `adapt` may err, as a part of all numbers. A smaller one takes longer.
        output_mode: `"int"`: the number of the bin. `"one_hot"`, `"multi_hot"`, `"count"`: vectors,
            as of `CategoryEncoding`.
        sparse: Not supported; only False is taken.

    Shapes:
        inputs (...) -> (...) of int32 with `"int"`; else as `CategoryEncoding`

    Example:
        >>> Discretization([0.0, 1.0])(np.array([-1.5, 0.0, 3.5]))
        array([0, 1, 2], dtype=int32)
    """

    def __init__(
        self,
        bin_boundaries=None,
        num_bins=None,
        epsilon=0.01,
        output_mode="int",
        sparse=False,
        dtype=None,
        name=None,
    ):
        super().__init__(name=name, dtype="float32" if dtype is None else dtype, autocast=False)
        if (num_bins is None) == (bin_boundaries is None):
            raise ValueError(
                "Discretization takes either `num_bins` or `bin_boundaries`. Received: "
                f"num_bins={check.shown(num_bins)}, bin_boundaries={check.shown(bin_boundaries)}"
            )
        if num_bins is not None:
            check.non_negative_int(num_bins, "num_bins", "Discretization")
        modes = ("int", *categories.MODES)
        self.output_mode = check.one_of(modes, output_mode, "output_mode", "Discretization")
        categories.refuse_sparse(sparse, "Discretization")
        self.epsilon = check.number(epsilon, "epsilon", "Discretization", 0)
        self.num_bins, self.sparse = num_bins, sparse
        self.bin_boundaries = None if bin_boundaries is None else _rising(bin_boundaries)
        self._were_given = bin_boundaries is not None
        self.reset_state()

    def adapt(self, data, steps=None):
        """Find the boundaries that part data into bins with about as many numbers in each.

        Args:
            data: An array or a list; or batches of them: a generator, a `PyDataset`, a data set.
            steps: How many batches to read. None: all.
        """
        if self._were_given:
            raise ValueError(
                f"Layer {self.name!r} (Discretization) was given its boundaries. Make it with "
                "`num_bins` to have `adapt` find them."
            )
        self.reset_state()
        for batch in categories.batches(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data):
        """Take in a batch of numbers."""
        numbers = np.sort(np.asarray(plain(data)).astype("float32"), axis=None)
        step = max(numbers.size * self.epsilon, 1)
        kept = numbers[int(step) - 1 :: int(step)]  # each is the last of `step` numbers
        batch = np.stack([kept, np.full(len(kept), step, "float32")])
        if self._summary is not None:
            batch = np.concatenate([self._summary, batch], axis=1)
            batch = batch[:, np.argsort(batch[0], kind="stable")]
        self._summary = _fewer(batch, self.epsilon)

    def finalize_state(self):
        """Make boundaries of what was taken in."""
        if not self._were_given and self._summary is not None:
            bins = _fewer(self._summary, 1 / self.num_bins if self.num_bins else np.inf)
            self.bin_boundaries = bins[0, :-1].tolist()

    def reset_state(self):
        """Forget what was taken in."""
        self._summary = None

    def __call__(self, inputs, **kwargs):
        """The bins: see `call`."""
        return super().__call__(categories.bare(inputs), **kwargs)

    def call(self, inputs):
        boundaries = self.bin_boundaries
        size = self.num_bins if boundaries is None else len(boundaries) + 1
        if isinstance(inputs, KerasTensor):
            if self.output_mode == "int":
                return KerasTensor(inputs.shape, "int32")
            shape = categories.encoded_shape(inputs.shape, size, self.output_mode)
            return KerasTensor(shape, self.compute_dtype)
        if boundaries is None:
            raise ValueError(
                f"Layer {self.name!r} (Discretization) has no boundaries yet: call `adapt`, or "
                "give `bin_boundaries`."
            )
        numbers = np.asarray(plain(inputs))
        if numbers.size and numbers.dtype.kind not in "biuf":
            raise TypeError(
                f"Layer {self.name!r} (Discretization) expects numbers. "
                f"Received an array of dtype {numbers.dtype}."
            )
        bins = np.searchsorted(
            np.array(boundaries, "float32"), numbers.astype("float32"), side="right"
        )
        if self.output_mode == "int":
            return np.asarray(bins, "int32")
        return categories.encoded(bins, size, self.output_mode, self.compute_dtype)

    def get_config(self):
        """What `from_config` needs to make a layer like this one."""
        return {
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "name": self.name,
            "dtype": self.dtype,
        }

    @classmethod
    def from_config(cls, config):
        """A layer like the one whose `get_config` gave `config`, with what `adapt` found."""
        found = config.get("bin_boundaries")
        if found is None or config.get("num_bins") is None:
            return cls(**config)
        layer = cls(**{**config, "bin_boundaries": None})
        layer.bin_boundaries = _rising(found)
        return layer


def _rising(boundaries):
    array = np.asarray(plain(boundaries))
    if array.ndim != 1 or (array.size and array.dtype.kind not in "biuf"):
        raise ValueError(
            "`bin_boundaries` of Discretization must be a list of numbers. "
            f"Received: bin_boundaries={check.shown(boundaries)}"
        )
    if (np.diff(array.astype("float64")) < 0).any():
        raise ValueError(
            "`bin_boundaries` of Discretization must rise. "
            f"Received: bin_boundaries={check.shown(boundaries)}"
        )
    return array.tolist()


def _fewer(summary, part):
    """A summary of no more than about 1 / part points: values, and how many numbers they are for.

    The new points lie at equal steps of the cumulative weight.

    Shapes:
        summary (2, points) -> (2, fewer points)
    """
    if summary.shape[1] * part < 1 or not summary.shape[1]:
        return summary
    wanted = part + np.arange(0.0, 1.0, part)
    reached = np.cumsum(summary[1])
    shares = reached / reached[-1]
    values = np.interp(wanted, shares, summary[0])
    weights = np.diff(np.interp(wanted, shares, reached), prepend=0)
    return np.stack([values, weights]).astype("float32")


__all__ = ["Discretization"]
