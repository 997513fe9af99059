"""Attention by several heads at once, each with weights of its own."""

import math
import string

import numpy as np

from npkeras import constraints, initializers, ops, regularizers
from npkeras.core import check, names
from npkeras.core.attach import get_mask
from npkeras.core.random import dropout_mask
from npkeras.core.registry import register, serialize
from npkeras.core.shapes import axes_of, shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import Traced, plain
from npkeras.layers.activation import Softmax
from npkeras.layers.base import Layer
from npkeras.layers.einsum_dense import EinsumDense
from npkeras.layers.regularization import Dropout
from npkeras.ops.attention import dropped_attention


class _Heads(Layer):
    """What attention by heads shares: masks, dropout, gates, and what happens to the scores.

    A subclass makes the layers within, and says by `_axes` along which axes attention goes.
    """

    supports_masking = True
    not_in_config = frozenset({"flash_attention"})
    _gate_dense = None

    def _keep(self, dropout, use_bias, sliding_window, flash_attention, use_gate, seed):
        """Check and store the arguments that are the same for all."""
        owner = type(self).__name__
        self.dropout = check.number(dropout, "dropout", owner, low=0, high=1)
        self.use_bias = use_bias
        if sliding_window is not None:
            check.positive_int(sliding_window, "sliding_window", owner)
        self.sliding_window = sliding_window
        if flash_attention:
            raise ValueError(
                f"npkeras does not support `flash_attention` of {owner}: there is one way to "
                f"compute attention. Leave it None. Received: {flash_attention=}"
            )
        self.use_gate = use_gate
        self.seed = seed

    def _keep_weights(self, initial, penalties, limits):
        """Store initializers, regularizers and constraints: for kernels and for biases."""
        self.kernel_initializer, self.bias_initializer = map(initializers.get, initial)
        self.kernel_regularizer, self.bias_regularizer = map(regularizers.get, penalties)
        self.kernel_constraint, self.bias_constraint = map(constraints.get, limits)

    def _projection(self, name, equation, output_shape, bias_axes, input_shape, **options):
        """A layer within that mixes features, built."""
        layer = EinsumDense(
            equation,
            output_shape=output_shape,
            bias_axes=bias_axes if self.use_bias else None,
            name=name,
            dtype=self.dtype_policy,
            kernel_initializer=_another(self.kernel_initializer),
            bias_initializer=_another(self.bias_initializer),
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            activity_regularizer=self._penalty_within,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            **options,
        )
        layer.build(input_shape)
        return layer

    def _build_weighting(self, axes):
        """The softmax and the dropout between scores and values."""
        self._softmax = Softmax(axis=axes, dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self.dropout, seed=self.seed, dtype=self.dtype_policy)

    def _finish_building(self, shapes):
        super()._finish_building({k: v for k, v in shapes.items() if v is not None})

    def call(
        self,
        query,
        value,
        key=None,
        query_mask=None,
        value_mask=None,
        key_mask=None,
        attention_mask=None,
        return_attention_scores=False,
        training=None,
        use_causal_mask=False,
    ):
        key = value if key is None else key
        query_mask = self._mask_of_query(query, query_mask)
        seen = None
        if not isinstance(query, KerasTensor):
            masks = query_mask, value_mask, key_mask, attention_mask
            lengths = shape_of(query), shape_of(value)
            seen = self._seen(*masks, use_causal_mask, *lengths)
        query, value, key = map(_without_mask, (query, value, key))
        heads = self._query_dense(query), self._key_dense(key), self._value_dense(value)
        if return_attention_scores or not self._is_plain(shape_of(query)):
            found, scores = self._step_by_step(*heads, seen, training)
        else:
            found, scores = self._at_once(*heads, seen, training), None
        if self._gate_dense is not None:
            found = ops.multiply(found, self._gate_dense(query))
        outputs = self._output_dense(found)
        return (outputs, scores) if return_attention_scores else outputs

    def _mask_of_query(self, query, given):
        return given

    def _seen(self, query_mask, value_mask, key_mask, given, causal, query_shape, value_shape):
        """Where a query may see a value, from all masks; None: everywhere.

        Its last axes are those of the scores; that of the heads is 1 long.
        """
        axes = self._axes(len(query_shape))
        parts = []
        if query_mask is not None:
            parts.append(_booleans(query_mask)[..., None])
        parts += [_booleans(m)[..., None, :] for m in (value_mask, key_mask) if m is not None]
        if (causal or parts or self.sliding_window) and len(axes) > 1:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) attends to the axes {axes} at once, "
                "where steps have no order and masks of steps do not fit. Give `attention_mask`, "
                "with the axes of the scores, instead."
            )
        if causal or self.sliding_window:
            steps, keys = query_shape[axes[0]], value_shape[axes[0]]
            ahead = np.arange(keys) - np.arange(steps)[:, None]
            if causal:
                parts.append((ahead <= 0)[None])
            if self.sliding_window:
                parts.append((abs(ahead) < self.sliding_window)[None])
        if given is not None:
            parts.append(_booleans(given))
        if not parts:
            return None
        scores = self._scores_shape(query_shape, value_shape)
        seen = True
        for part in parts:
            while part.ndim < len(scores):
                part = np.expand_dims(part, -2 * len(axes) - 1 if part.ndim >= 2 * len(axes) else 0)
            self._check_mask(part.shape, scores)
            seen = seen & part
        return seen

    def _check_mask(self, shape, scores):
        if len(shape) > len(scores) or any(
            n not in (1, m) for n, m in zip(shape, scores, strict=True)
        ):
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) expects masks that broadcast with "
                f"its scores, of shape {scores}. Received a mask that becomes one of shape {shape}."
            )

    def _scores_shape(self, query_shape, value_shape):
        axes = self._axes(len(query_shape))
        rest = [n for i, n in enumerate(query_shape[:-1]) if i not in axes]
        steps, keys = ([shape[i] for i in axes] for shape in (query_shape, value_shape))
        return (*rest, self._query_heads, *steps, *keys)

    def _is_plain(self, query_shape):
        """Whether attention goes along the only axis there is beside batch and features."""
        return len(query_shape) == 3 and self._axes(3) == (1,)

    def _at_once(self, query, key, value, seen, training):
        """Heads (batch, T, N, features) of the result, with scores that nobody gets to see."""
        scale = 1 / math.sqrt(shape_of(query)[-1])
        if isinstance(query, KerasTensor):
            return dropped_attention(query, key, value, scale=scale)
        factors = None
        if self.dropout > 0 and training:
            batch, steps, heads, _ = shape_of(query)
            shape, seed = (
                (batch, heads, steps, shape_of(key)[1]),
                self._dropout_layer.seed_generator,
            )
            factors = dropout_mask(shape, self.dropout, seed, query.dtype)
        return dropped_attention(
            query, key, value, seen, scale, factors, blind_sees_all=self.dropout == 0
        )

    def _step_by_step(self, query, key, value, seen, training):
        """The result and the scores, which are those before dropout."""
        groups = shape_of(query)[-2] // shape_of(key)[-2]
        if groups > 1:
            key, value = ops.repeat(key, groups, axis=-2), ops.repeat(value, groups, axis=-2)
        compare, combine = self._equations(len(shape_of(query)))
        scaled = ops.multiply(query, 1 / math.sqrt(shape_of(query)[-1]))
        scores = self._softmax(ops.einsum(compare, key, scaled), mask=seen)
        dropped = self._dropout_layer(scores, training=training)
        return ops.einsum(combine, dropped, value), scores

    def _equations(self, ndim):
        """How scores come of keys and queries, and results of scores and values."""
        axes = self._axes(ndim - 1)
        query = string.ascii_lowercase[:ndim]
        behind = dict(zip(axes, string.ascii_lowercase[ndim:], strict=False))
        key = "".join(behind.get(i, letter) for i, letter in enumerate(query))
        rest = "".join(letter for i, letter in enumerate(query[:-2]) if i not in axes)
        steps, keys = ("".join(word[i] for i in axes) for word in (query, key))
        scores = rest + query[-2] + steps + keys
        return f"{key},{query}->{scores}", f"{scores},{key}->{query}"


@register("layers")
class MultiHeadAttention(_Heads):
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


@register("layers", "GroupedQueryAttention")
class GroupQueryAttention(_Heads):
    """Attention by several heads of the query, of which groups share one head of key and value.

    With as many heads of the query as of the key this is `MultiHeadAttention`; fewer heads of the
    key take less memory and time. Source: Ainslie et al., 2023, arxiv.org/abs/2305.13245.

    Args:
        head_dim: How many features each head has.
        num_query_heads: How many heads the query has.
        num_key_value_heads: How many heads key and value have: a divisor of `num_query_heads`.
        dropout: The share of the softmax that is set to 0 in training.
        use_bias: Whether a bias is added to all four products.
        sliding_window, flash_attention: As for `MultiHeadAttention`.
        kernel_initializer, bias_initializer: What the weights are before training.
        kernel_regularizer, bias_regularizer: Penalties on the weights, added to the loss.
        activity_regularizer: Penalty on the outputs, of this layer and of those within.
        kernel_constraint, bias_constraint: Applied to the weights after every update.
        use_gate, seed: As for `MultiHeadAttention`.

    Call arguments:
        as those of `MultiHeadAttention`; the mask of the query is the one given, if any

    Shapes:
        query (batch, T, features), value and key (batch, S, any) -> (batch, T, features), and the
        softmax (batch, num_query_heads, T, S) if asked for

    Example:
        >>> query, value = np.ones((1, 5, 8)), np.ones((1, 7, 3))
        >>> layer = GroupQueryAttention(head_dim=4, num_query_heads=4, num_key_value_heads=2)
        >>> layer(query, value).shape
        (1, 5, 8)
    """

    name_in_files = "GroupedQueryAttention"  # what the class is called in Keras

    def __init__(
        self,
        head_dim,
        num_query_heads,
        num_key_value_heads,
        dropout=0.0,
        use_bias=True,
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
        if kwargs.get("name") is None:
            kwargs["name"] = names.auto_name(self.name_in_files)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        owner = "GroupQueryAttention"
        self.head_dim = check.positive_int(head_dim, "head_dim", owner)
        heads = check.positive_int(num_query_heads, "num_query_heads", owner)
        few = check.positive_int(num_key_value_heads, "num_key_value_heads", owner)
        if heads % few:
            raise ValueError(
                f"`num_query_heads` of {owner} must be a multiple of `num_key_value_heads`. "
                f"Received: {num_query_heads=}, {num_key_value_heads=}"
            )
        self.num_query_heads = self._query_heads = heads
        self.num_key_value_heads = few
        self._keep(dropout, use_bias, sliding_window, flash_attention, use_gate, seed)
        self._keep_weights(
            (kernel_initializer, bias_initializer),
            (kernel_regularizer, bias_regularizer),
            (kernel_constraint, bias_constraint),
        )
        self._penalty_within = self.activity_regularizer

    quiet_activity_regularizer = False

    def build(self, query_shape, value_shape, key_shape=None):
        key_shape = value_shape if key_shape is None else key_shape
        shapes = query_shape, value_shape, key_shape
        if any(len(shape) != 3 for shape in shapes) or value_shape[1] != key_shape[1]:
            raise ValueError(
                f"Layer {self.name!r} (GroupQueryAttention) expects query, value and key of shape "
                "(batch, steps, features), the last two with as many steps. "
                f"Received shapes: {', '.join(map(str, shapes))}"
            )

        def projection(name, heads, shape, **options):
            ends = (None, heads, self.head_dim)
            return self._projection(name, "abc,cde->abde", ends, "de", shape, **options)

        self._query_dense = projection("query", self.num_query_heads, query_shape)
        self._key_dense = projection("key", self.num_key_value_heads, key_shape)
        if self.use_gate:
            gate = projection("gate", self.num_query_heads, query_shape, activation="sigmoid")
            self._gate_dense = gate
        self._value_dense = projection("value", self.num_key_value_heads, value_shape)
        self._build_weighting(-1)
        self._output_dense = self._projection(
            "attention_output",
            "abcd,cde->abe",
            (None, query_shape[-1]),
            "e",
            (*query_shape[:-1], self.num_query_heads, self.head_dim),
        )

    def _axes(self, ndim):
        return (1,)


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


def _another(initializer):
    """An initializer like this one, which draws numbers of its own unless it has a seed."""
    return initializer.clone() if hasattr(initializer, "clone") else initializer


def _booleans(mask):
    return np.asarray(plain(mask)).astype(bool)


def _without_mask(x):
    """The same values without the mask: the layers within are not to ask about it."""
    if get_mask(x) is None:
        return x
    if isinstance(x, KerasTensor):
        return KerasTensor(x.shape, x.dtype)
    return Traced(x.value, x.slot) if isinstance(x, Traced) else x.view()
