"""Embedding: a row of numbers for each whole number."""

import numpy as np

from npkeras import constraints, initializers, ops, regularizers
from npkeras.core import check
from npkeras.core.registry import register
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import plain
from npkeras.layers.base import Layer
from npkeras.layers.unbuilt import MadeByBuild
from npkeras.layers.unsupported import refuse_lora_and_quantization


@register("layers")
class Embedding(Layer):
    """Looks up a vector for each whole number, such as the number of a word.

    The vectors are rows of a table that is trained like any weight. Only the rows that a
    batch used have a gradient, and it stays that way: see `npkeras.core.rows.RowGradient`.

    Args:
        input_dim: How many rows the table has: the largest number fed, plus 1.
        output_dim: How long a vector is.
        embeddings_initializer: What the table is before training.
        embeddings_regularizer: Penalty on the table, added to the loss.
        embeddings_constraint: Applied to the table after every update.
        mask_zero: Whether 0 stands for padding, which layers that follow shall ignore.
        weights: The table itself, of shape (input_dim, output_dim), or a list holding it.
        lora_rank, lora_alpha, quantization_config: Not supported; only None is taken.

    Shapes:
        inputs (batch, ...) of whole numbers -> (batch, ..., output_dim)
        embeddings (input_dim, output_dim)

    Raises:
        ValueError: When a number is not in [0, input_dim).

    Example:
        >>> Embedding(10, 4)(np.array([[1, 2, 2]])).shape
        (1, 3, 4)
    """

    quiet_activity_regularizer = False
    weights_in_files = ("embeddings",)
    embeddings = MadeByBuild()
    not_in_config = frozenset({"weights", "lora_rank", "lora_alpha"})

    def __init__(
        self,
        input_dim,
        output_dim,
        embeddings_initializer="uniform",
        embeddings_regularizer=None,
        embeddings_constraint=None,
        mask_zero=False,
        weights=None,
        lora_rank=None,
        lora_alpha=None,
        quantization_config=None,
        **kwargs,
    ):
        refuse_lora_and_quantization("Embedding", lora_rank, lora_alpha, quantization_config)
        length = kwargs.pop("input_length", None)
        if length is not None and "input_shape" not in kwargs:
            kwargs["input_shape"] = (length,)
        super().__init__(**kwargs)
        self.input_dim = check.positive_int(input_dim, "input_dim", "Embedding")
        self.output_dim = check.positive_int(output_dim, "output_dim", "Embedding")
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = bool(mask_zero)
        self.autocast = False
        self.quantization_config = None
        if weights is not None:
            self.build()
            self.set_weights(weights if isinstance(weights, (list, tuple)) else [weights])
            self._given[1].pop("weights", None)  # the table is the layer's now: keep no second one

    def build(self, input_shape=None):
        self.embeddings = self.add_weight(
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
            name="embeddings",
        )

    def call(self, inputs):
        if not isinstance(inputs, KerasTensor):
            inputs = self._whole_numbers(plain(inputs))
        elif "int" not in inputs.dtype:
            inputs = ops.cast(inputs, "int32")
        rows = ops.take(self.embeddings, inputs, axis=0)
        return ops.cast(rows, self.compute_dtype)

    def _whole_numbers(self, inputs):
        """The inputs as integers that are rows of the table."""
        inputs = np.asarray(inputs)
        if inputs.dtype.kind not in "iufb":
            raise ValueError(
                f"Layer {self.name!r} (Embedding) expects whole numbers. Received an array of "
                f"dtype {inputs.dtype}. Give each word a number first."
            )
        if inputs.dtype.kind not in "iu":
            with np.errstate(invalid="ignore"):
                numbers = inputs.astype("int64")
            if not np.array_equal(numbers, inputs):
                raise ValueError(
                    f"Layer {self.name!r} (Embedding) expects whole numbers. "
                    f"Received {inputs[numbers != inputs].flat[0]!s} among them."
                )
            inputs = numbers
        if inputs.size and (inputs.min() < 0 or inputs.max() >= self.input_dim):
            wrong = inputs[(inputs < 0) | (inputs >= self.input_dim)].flat[0]
            advice = "Make `input_dim` larger than the largest number fed."
            if wrong < 0:
                advice = "Rows are not counted from the end: give words and padding numbers from 0."
            raise ValueError(
                f"Layer {self.name!r} (Embedding) has rows 0 to {self.input_dim - 1}. Received the "
                f"number {wrong}. {advice}"
            )
        return inputs

    def compute_mask(self, inputs, mask=None):
        return ops.not_equal(inputs, 0) if self.mask_zero else None
