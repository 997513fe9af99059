"""Input: where data enters a model."""

from npkeras.core import check, tree
from npkeras.core.dtypes import dtype_of, standardize_dtype
from npkeras.core.registry import register
from npkeras.core.symbolic import KerasTensor, remember
from npkeras.layers.base import Layer


@register("layers")
class InputLayer(Layer):
    """The entry of a model: it passes on what it is fed, and knows its shape.

    Args:
        shape: The shape of one sample, without the batch axis. None entries: any length.
        batch_size: The length of the batch axis, if it is fixed.
        dtype: The dtype of the data. None: `floatx()`.
        sparse, ragged: Not supported; only False and None are taken.
        batch_shape: The whole shape, in place of `shape` and `batch_size`.
        input_tensor: A symbolic tensor to stand for the input.
        optional: Whether None may be fed.
        name: A name.
    """

    def __init__(
        self,
        shape=None,
        batch_size=None,
        dtype=None,
        sparse=None,
        ragged=None,
        batch_shape=None,
        input_tensor=None,
        optional=False,
        name=None,
        **kwargs,
    ):
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        if "input_shape" in kwargs:
            shape = kwargs.pop("input_shape")
        if input_tensor is not None:
            batch_shape, dtype = input_tensor.shape, dtype or input_tensor.dtype
        if sparse or ragged:
            raise ValueError(
                "npkeras has no sparse or ragged inputs. Feed dense arrays, padded where needed, "
                f"to InputLayer. Received: sparse={sparse}, ragged={ragged}"
            )
        if shape is None and batch_shape is None:
            raise ValueError("InputLayer needs `shape` (or `batch_shape`). Received neither.")
        if shape is not None and batch_shape is not None:
            raise ValueError(
                "InputLayer takes either `shape` or `batch_shape`, not both. "
                f"Received: shape={shape}, batch_shape={batch_shape}"
            )
        if batch_shape is None:
            batch_shape = (batch_size, *check.shape(shape, "shape", "InputLayer"))
        super().__init__(name=name, dtype=None, **kwargs)
        self.batch_shape = check.shape(batch_shape, "batch_shape", "InputLayer")
        self._dtype = standardize_dtype(dtype)
        self.sparse = False
        self.ragged = False
        self.optional = optional
        self.built = True
        tensor = input_tensor
        if tensor is None:
            tensor = KerasTensor(self.batch_shape, self._dtype, name=self.name)
        self._tensor = tensor
        if tensor.node is None:
            remember(self, (), {}, tensor)
            self._inbound_nodes.append(tensor.node)

    @property
    def dtype(self):
        return self._dtype

    @property
    def output(self):
        return self._tensor

    def call(self):
        return self._tensor

    def get_config(self):
        return {
            "batch_shape": list(self.batch_shape),
            "dtype": self._dtype,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
            **({"optional": True} if self.optional else {}),
        }


def Input(
    shape=None,
    batch_size=None,
    dtype=None,
    sparse=None,
    ragged=None,
    batch_shape=None,
    name=None,
    tensor=None,
    optional=False,
):
    """A symbolic tensor that stands for data to come: see `InputLayer` for the arguments.

    Example:
        >>> npkeras.Input((28, 28)).shape
        (None, 28, 28)
    """
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        input_tensor=tensor,
        optional=optional,
        name=name,
    )
    return layer.output


def input_like(x):
    """An `Input` for data like `x`, of any batch size."""
    return tree.map(lambda a: KerasTensor((None, *a.shape[1:]), dtype_of(a)), x)
