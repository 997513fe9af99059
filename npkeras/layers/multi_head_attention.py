"""Attention by several heads at once, each with weights of its own."""

import string

from npkeras import regularizers
from npkeras.core import check
from npkeras.core.attach import get_mask
from npkeras.core.registry import register, serialize
from npkeras.core.shapes import axes_of
from npkeras.layers.heads import Heads


@register("layers")
class MultiHeadAttention(Heads):
    """Attention by several heads, each of which looks for something of its own.

    For each head h, with weights Q, K, V of its own, and once for all heads together:

        result_h = softmax((query Q_h) (key K_h)' / sqrt(key_dim)) (value V_h)
        outputs = sum over h of result_h O_h

    Source: Vaswani et al., 2017, arxiv.org/abs/1706.03762, Section 3.2.2.

    Args:
        num_heads: How many heads there are.
        key_dim: How many features of query and key a head compares.
        value_dim: How many features a head's result has. None: as many.
        dropout: The share of the softmax that is set to 0 in training.
        use_bias: Whether a bias is added to all four products.
        output_shape: The lengths of the last axes of the outputs. None: that of the query.
        attention_axes: The axes along which attention goes. None: all but the first and last.
        sliding_window: How near a value must be to be seen: a query at step t sees those at
            steps t - sliding_window + 1 to t + sliding_window - 1. None: all.
        flash_attention: None or False: there is one way to compute this.
        kernel_initializer, bias_initializer: What the weights are before training.
        kernel_regularizer, bias_regularizer: Penalties on the weights, added to the loss.
        activity_regularizer: Penalty on the outputs of the layers within.
        kernel_constraint, bias_constraint: Applied to the weights after every update.
        use_gate: Whether results of the heads are multiplied by sigmoid(query G): Qiu et al.,
            2025, arxiv.org/abs/2505.06708.
        seed: Where the random numbers of the dropout start.

    Call arguments:
        query, value, key: Arrays. The key is the value if left out.
        query_mask, value_mask, key_mask: True where a step counts. By default the masks that
            came along with the arrays. That of the query is always the one that came along.
        attention_mask: True where a query may see a value, (batch, T, S).
        return_attention_scores: Whether the softmax is returned too.
        use_causal_mask: Whether a query sees only the values up to its own step.

    Shapes:
        query (batch, T, any), value (batch, S, any), key (batch, S, any) -> (batch, T, any), and
        the softmax (batch, num_heads, T, S) if asked for

    Example:
        >>> query, value = np.ones((1, 5, 8)), np.ones((1, 7, 3))
        >>> MultiHeadAttention(num_heads=2, key_dim=4)(query, value).shape
        (1, 5, 8)
    """

    def __init__(
        self,
        num_heads,
        key_dim,
        value_dim=None,
        dropout=0.0,
        use_bias=True,
        output_shape=None,
        attention_axes=None,
        sliding_window=None,
        flash_attention=None,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        use_gate=False,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        owner = "MultiHeadAttention"
        self.num_heads = self._query_heads = check.positive_int(num_heads, "num_heads", owner)
        self.key_dim = check.positive_int(key_dim, "key_dim", owner)
        value_dim = key_dim if value_dim is None else value_dim
        self.value_dim = check.positive_int(value_dim, "value_dim", owner)
        self._keep(dropout, use_bias, sliding_window, flash_attention, use_gate, seed)
        self.output_shape = output_shape
        if output_shape is not None:
            self.output_shape = check.shape(output_shape, "output_shape", owner)
        self.attention_axes = _checked_axes(attention_axes)
        self._keep_weights(
            (kernel_initializer, bias_initializer),
            (kernel_regularizer, bias_regularizer),
            (kernel_constraint, bias_constraint),
        )
        self._penalty_within = regularizers.get(activity_regularizer)

    def build(self, query_shape, value_shape, key_shape=None):
        key_shape = value_shape if key_shape is None else key_shape
        self._check_shapes(query_shape, value_shape, key_shape)
        self.attention_axes = axes = self._axes(len(query_shape))
        letters = string.ascii_lowercase[: len(query_shape) + 2]
        *front, features, heads, each = letters
        front = "".join(front)
        split = f"{front}{features},{features}{heads}{each}->{front}{heads}{each}"
        steps = (None,) * (len(front) - 1)

        def projection(name, size, shape, **options):
            ends = (*steps, self.num_heads, size)
            return self._projection(name, split, ends, heads + each, shape, **options)

        self.query_dense = projection("query", self.key_dim, query_shape)
        self.key_dense = projection("key", self.key_dim, key_shape)
        if self.use_gate:
            gate = projection("gate", self.value_dim, query_shape, activation="sigmoid")
            self._gate_dense = gate
        self.value_dense = projection("value", self.value_dim, value_shape)
        self._build_weighting(tuple(range(-len(axes), 0)))
        ends = (query_shape[-1],) if self.output_shape is None else self.output_shape
        new = string.ascii_lowercase[len(front) + 2 :][: len(ends)]
        last = front + letters[len(front) : len(front) + 2]
        self.output_dense = self._projection(
            "attention_output",
            f"{last},{last[-2:]}{new}->{front}{new}",
            (*steps, *ends),
            new,
            (*query_shape[:-1], self.num_heads, self.value_dim),
        )

    _query_dense = property(lambda self: self.query_dense)
    _key_dense = property(lambda self: self.key_dense)
    _value_dense = property(lambda self: self.value_dense)
    _output_dense = property(lambda self: self.output_dense)

    def get_config(self):
        """What `from_config` needs to make a layer like this one."""
        penalty = serialize(self._penalty_within)
        return {**super().get_config(), "activity_regularizer": penalty}

    def _mask_of_query(self, query, given):
        return get_mask(query)

    def _axes(self, ndim):
        if self.attention_axes is None:
            return tuple(range(1, ndim - 1))
        return axes_of(tuple(self.attention_axes), ndim)

    def _check_shapes(self, query_shape, value_shape, key_shape):
        where = f"Layer {self.name!r} (MultiHeadAttention)"
        if len(query_shape) < 3 or len(query_shape) != len(value_shape):
            raise ValueError(
                f"{where} expects query and value with the same number of axes, three or more. "
                f"Received shapes: {query_shape} and {value_shape}"
            )
        if value_shape[:-1] != key_shape[:-1]:
            raise ValueError(
                f"{where} expects value and key of the same shape, but for the last axis. "
                f"Received shapes: {value_shape} and {key_shape}"
            )
        axes, features = self._axes(len(query_shape)), len(query_shape) - 1
        if features in axes:
            raise ValueError(
                f"{where} cannot attend along the last axis, that of the features. "
                f"Received: attention_axes={self.attention_axes}, and inputs with "
                f"{features + 1} axes."
            )
        pairs = zip(query_shape[:-1], value_shape, strict=False)
        if any(None not in (n, m) and n != m for i, (n, m) in enumerate(pairs) if i not in axes):
            raise ValueError(
                f"{where} expects query and value of the same lengths along all axes but the "
                f"last and those that it attends to, {axes}. "
                f"Received shapes: {query_shape} and {value_shape}"
            )


def _checked_axes(axes):
    """The axes as a tuple or list; a single one as a tuple."""
    if axes is None or isinstance(axes, (list, tuple)) and all(map(check.is_int, axes)):
        return axes
    if not check.is_int(axes):
        raise ValueError(
            "`attention_axes` of MultiHeadAttention must be an integer, a list or a tuple of "
            f"integers, or None. Received: attention_axes={check.shown(axes)}"
        )
    return (int(axes),)
