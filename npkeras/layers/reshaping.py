"""Layers that only rearrange."""

import math

from npkeras import ops
from npkeras.core import check, config
from npkeras.core.registry import register
from npkeras.core.symbolic import KerasTensor
from npkeras.layers.base import Layer
from npkeras.layers.input_spec import InputSpec


def data_format_of(data_format, owner):
    """`"channels_last"` or `"channels_first"`; None stands for the global setting."""
    if data_format is None:
        return config.image_data_format()
    return check.one_of(("channels_last", "channels_first"), data_format, "data_format", owner)


def refuse_no_int(value, name, owner):
    """What is no integer is a TypeError, as in Keras; one out of range is not."""
    if not check.is_int(value):
        raise TypeError(
            f"`{name}` of {owner} must be an integer. Received: {name}={check.shown(value)}"
        )


def _with_samples_of(inputs, lengths):
    """The inputs with samples of another shape; the first axis stays."""
    if None not in lengths:
        batch = inputs.shape[0]
        return ops.reshape(inputs, (-1 if batch is None else batch, *lengths))
    return KerasTensor((inputs.shape[0], *lengths), inputs.dtype)  # only shapes have unknown axes


@register("layers")
class Flatten(Layer):
    """All entries of a sample in one axis.

    Args:
        data_format: Where the inputs keep their channels. With `"channels_first"` they are moved
            to the end first, so that weights that follow are the same for both.

    Shapes:
        inputs (batch, ...) -> (batch, product of the rest)

    Example:
        >>> Flatten()(np.ones((2, 3, 4))).shape
        (2, 12)
    """

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_of(data_format, "Flatten")
        self.input_spec = InputSpec(min_ndim=1)
        self.built = True

    def call(self, inputs):
        ndim = len(inputs.shape)
        if self.data_format == "channels_first" and ndim > 1:
            inputs = ops.transpose(inputs, (0, *range(2, ndim), 1))
        lengths = inputs.shape[1:]
        return _with_samples_of(inputs, [None if None in lengths else math.prod(lengths)])


@register("layers")
class Reshape(Layer):
    """The entries of a sample in another shape.

    Args:
        target_shape: The new shape of a sample, without the batch axis. One entry may be -1 or
            None, for what is left.

    Shapes:
        inputs (batch, ...) -> (batch, *target_shape)

    Example:
        >>> Reshape((2, -1))(np.ones((5, 6))).shape
        (5, 2, 3)
    """

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        self.target_shape = _target(target_shape)
        self.built = True

    def call(self, inputs):
        return _with_samples_of(inputs, self._resolved(inputs.shape[1:]))

    def _resolved(self, lengths):
        """The target with -1 worked out, where the input's shape allows."""
        target = [-1 if n is None else n for n in self.target_shape]
        if None in lengths:
            return [None if n == -1 else n for n in target]
        total, known = math.prod(lengths), math.prod(n for n in target if n != -1)
        rest = total // known if known else 0
        if math.prod(rest if n == -1 else n for n in target) != total:
            raise ValueError(
                f"Layer {self.name!r} (Reshape) cannot give samples of shape {tuple(lengths)} the "
                f"shape {self.target_shape}: they have {total} entries."
            )
        return [rest if n == -1 else n for n in target]


def _target(target_shape):
    target = (target_shape,) if check.is_int(target_shape) else target_shape
    if not isinstance(target, (tuple, list)) or not all(
        n is None or (check.is_int(n) and n >= -1) for n in target
    ):
        raise ValueError(
            "`target_shape` of Reshape must hold integers that are not negative, or -1 for what is "
            f"left. Received: target_shape={check.shown(target_shape)}"
        )
    if sum(n in (-1, None) for n in target) > 1:
        raise ValueError(
            "`target_shape` of Reshape can have one entry of -1 or None. "
            f"Received: target_shape={tuple(target)}"
        )
    return tuple(n if n is None else int(n) for n in target)


@register("layers")
class Permute(Layer):
    """The axes of a sample in another order.

    Args:
        dims: Which axis of the inputs comes first, second, ...; the first axis of a sample is 1.

    Shapes:
        inputs (batch, a, b) with dims=(2, 1) -> (batch, b, a)

    Example:
        >>> Permute((2, 1))(np.ones((5, 2, 3))).shape
        (5, 3, 2)
    """

    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        if (
            not isinstance(dims, (tuple, list))
            or not all(map(check.is_int, dims))
            or sorted(dims) != list(range(1, len(dims) + 1))
        ):
            raise ValueError(
                "`dims` of Permute must hold the numbers 1, 2, ... of the axes of a sample, each "
                f"once. Received: dims={check.shown(dims)}"
            )
        self.dims = tuple(int(n) for n in dims)
        self.input_spec = InputSpec(ndim=len(dims) + 1)

    def call(self, inputs):
        return ops.transpose(inputs, (0, *self.dims))


@register("layers")
class RepeatVector(Layer):
    """Every sample several times, along a new axis of steps.

    Args:
        n: How many steps.

    Shapes:
        inputs (batch, features) -> (batch, n, features)

    Example:
        >>> RepeatVector(2)(np.array([[1.0, 3.0]]))
        array([[[1., 3.],
                [1., 3.]]], dtype=float32)
    """

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        refuse_no_int(n, "n", "RepeatVector")
        self.n = check.positive_int(n, "n", "RepeatVector")
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs):
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)
