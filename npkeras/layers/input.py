"""Input: where data enters a model."""

from npkeras.core import check
from npkeras.core.dtypes import standardize_dtype
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
        shape = kwargs.pop("input_shape", shape)
        if sparse or ragged:
            raise ValueError(
                "npkeras has no sparse or ragged inputs. Feed dense arrays, padded where needed, "
                f"to InputLayer. Received: sparse={sparse}, ragged={ragged}"
            )
        if input_tensor is not None:
            if not isinstance(input_tensor, KerasTensor):
                raise ValueError(
                    "`input_tensor` of InputLayer must be a KerasTensor. "
                    f"Received: input_tensor={check.shown(input_tensor)}"
                )
            batch_shape, dtype = input_tensor.shape, dtype or input_tensor.dtype
        else:
            batch_shape = _batch_shape(shape, batch_size, batch_shape)
        super().__init__(name=name, dtype=None, **kwargs)
        self.batch_shape = batch_shape
        self._dtype = standardize_dtype(dtype)
        self.sparse = False
        self.ragged = False
        self.optional = optional
        self.built = True
        if input_tensor is None:
            input_tensor = KerasTensor(batch_shape, self._dtype, name=name)
        self._tensor = input_tensor
        if input_tensor.node is None:
            remember(self, (), {}, input_tensor)
            self._inbound_nodes.append(input_tensor.node)

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
            "batch_shape": self.batch_shape,
            "dtype": self._dtype,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
            "optional": self.optional,
        }


def _batch_shape(shape, batch_size, batch_shape):
    given = {"shape": shape, "batch_size": batch_size, "batch_shape": batch_shape}
    if shape is None and batch_shape is None:
        raise ValueError("InputLayer needs `shape` (or `batch_shape`). Received neither.")
    if batch_shape is not None and (shape is not None or batch_size is not None):
        received = ", ".join(
            f"{name}={value}" for name, value in given.items() if value is not None
        )
        raise ValueError(
            "InputLayer takes either `batch_shape`, or `shape` with or without `batch_size`. "
            f"Received: {received}"
        )
    name = "shape" if batch_shape is None else "batch_shape"
    if check.is_int(given[name]):
        raise ValueError(
            f"`{name}` of InputLayer must be a tuple: ({given[name]},) for one axis. "
            f"Received: {name}={given[name]}"
        )
    lengths = check.shape(given[name], name, "InputLayer")
    return lengths if shape is None else (batch_size, *lengths)


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
