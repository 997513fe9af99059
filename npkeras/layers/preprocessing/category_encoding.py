"""CategoryEncoding: category numbers as vectors."""

import numpy as np

from npkeras.core import check
from npkeras.core.registry import register
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import plain
from npkeras.layers.base import Layer
from npkeras.layers.preprocessing import categories


@register("layers")
class CategoryEncoding(Layer):
    """Category numbers as vectors: which of them are there, or how often.

    Args:
        num_tokens: How many categories there are: numbers are 0 ... num_tokens - 1. Larger ones
            count for nothing.
        output_mode: `"one_hot"`: a vector for each number, with a 1 at its place. `"multi_hot"`: a
            vector for each sample, with 1 for each number it has. `"count"`: the same, with how
            often it has it.
        sparse: Not supported; only False is taken.

    Call arguments:
        inputs: Integers.
        count_weights: With `"count"`, what each number counts for. None: 1.

    Shapes:
        one_hot: inputs (batch, 1) -> (batch, num_tokens), else inputs (...) -> (..., num_tokens)
        others: inputs (time) -> (num_tokens), inputs (batch, time, ...) -> (batch, ..., num_tokens)

    Example:
        >>> CategoryEncoding(num_tokens=4)(np.array([[0, 1], [3, 3]]))
        array([[1., 1., 0., 0.],
               [0., 0., 0., 1.]], dtype=float32)
    """

    def __init__(self, num_tokens=None, output_mode="multi_hot", sparse=False, **kwargs):
        super().__init__(**kwargs)
        if num_tokens is None:
            raise ValueError(
                "CategoryEncoding needs `num_tokens`. Where it is not known beforehand, use "
                "IntegerLookup, which finds it. Received: num_tokens=None"
            )
        self.num_tokens = check.positive_int(num_tokens, "num_tokens", "CategoryEncoding")
        self.output_mode = check.one_of(
            categories.MODES, output_mode, "output_mode", "CategoryEncoding"
        )
        categories.refuse_sparse(sparse, "CategoryEncoding")
        self.sparse = sparse

    def __call__(self, inputs, count_weights=None, **kwargs):
        """The vectors: see `call`."""
        if count_weights is not None:
            if self.output_mode != "count":
                raise ValueError(
                    "`count_weights` of CategoryEncoding may only be given where "
                    f"output_mode='count'. Received: output_mode={self.output_mode!r}, "
                    f"count_weights={check.shown(count_weights)}"
                )
            kwargs["count_weights"] = categories.bare(count_weights)
        return super().__call__(categories.bare(inputs), **kwargs)

    def call(self, inputs, count_weights=None):
        if isinstance(inputs, KerasTensor):
            shape = categories.encoded_shape(inputs.shape, self.num_tokens, self.output_mode)
            return KerasTensor(shape, self.dtype)
        numbers = np.asarray(plain(inputs))
        if numbers.size and numbers.dtype.kind not in "biuf":
            raise TypeError(
                f"Layer {self.name!r} (CategoryEncoding) expects integers. "
                f"Received an array of dtype {numbers.dtype}."
            )
        numbers = numbers.astype("int64")
        if self.output_mode != "one_hot" and numbers.size and numbers.min() < 0:
            raise ValueError(
                f"Layer {self.name!r} (CategoryEncoding) expects numbers in 0 ... "
                f"{self.num_tokens - 1}. Received: {numbers.min()}"
            )
        weights = None if count_weights is None else np.asarray(plain(count_weights))
        if weights is not None and weights.shape != numbers.shape:
            raise ValueError(
                f"`count_weights` of layer {self.name!r} (CategoryEncoding) must have the shape of "
                f"the inputs, {numbers.shape}. Received an array of shape {weights.shape}."
            )
        mode, dtype = self.output_mode, self.dtype  # vectors stay whole in mixed precision
        return categories.encoded(numbers, self.num_tokens, mode, dtype, weights)

    def get_config(self):
        """What `from_config` needs to make a layer like this one."""
        config = super().get_config()
        del config["sparse"]  # nor has Keras it there
        return config


__all__ = ["CategoryEncoding"]
