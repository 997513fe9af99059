"""What layers share in which several heads attend, each with weights of its own."""

import math
import string

import numpy as np

from npkeras import activations, constraints, initializers, ops, regularizers
from npkeras.core import check
from npkeras.core.attach import get_mask
from npkeras.core.random import dropout_mask
from npkeras.core.shapes import shape_of, spreads_to
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import Traced, plain
from npkeras.layers.activation import Softmax
from npkeras.layers.base import Layer
from npkeras.layers.einsum_dense import EinsumDense
from npkeras.layers.regularization import Dropout
from npkeras.ops.attention import attention_by_heads, dropped_attention

_LINEAR = activations.get("linear")


class Heads(Layer):
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
        if not return_attention_scores and self._fits(query, key, value):
            return self._whole(query, key, value, seen, training)
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
        if not spreads_to(shape, scores):
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

    def _fits(self, query, key, value):
        """Whether the layers within are plain products that `attention_by_heads` can make."""
        within = self._query_dense, self._key_dense, self._value_dense, self._output_dense
        if self._gate_dense is not None or not all(map(_is_product, within)):
            return False
        shapes = [() if isinstance(x, KerasTensor) else shape_of(x) for x in (query, key, value)]
        kernels = [dense.kernel.shape for dense in within]
        return (
            all(len(shape) == 3 for shape in (*shapes, *kernels))
            and self._is_plain(shapes[0])
            and shapes[0][0] == shapes[1][0]
            and shapes[1][:2] == shapes[2][:2]
            and 0 not in (*shapes[0], *shapes[1])
            and [shape[-1] for shape in shapes] == [shape[0] for shape in kernels[:3]]
        )

    def _whole(self, query, key, value, seen, training):
        """The outputs, with heads that nobody gets to see."""
        within = self._query_dense, self._key_dense, self._value_dense, self._output_dense
        value = None if _is_same(value, key) else value
        key = None if _is_same(key, query) else key
        factors = self._factors(shape_of(query), shape_of(query if key is None else key), training)
        return attention_by_heads(
            *(None if x is None else _without_mask(x) for x in (query, key, value)),
            *(dense.kernel for dense in within),
            *(dense.bias for dense in within),
            mask=seen,
            factors=factors,
            blind_sees_all=self.dropout == 0,
        )

    def _factors(self, query_shape, key_shape, training):
        """What dropout multiplies the softmax by; None: nothing."""
        if not (self.dropout > 0 and training):
            return None
        shape = query_shape[0], self._query_heads, query_shape[1], key_shape[1]
        return dropout_mask(
            shape, self.dropout, self._dropout_layer.seed_generator, self.compute_dtype
        )

    def _at_once(self, query, key, value, seen, training):
        """Heads (batch, T, N, features) of the result, with scores that nobody gets to see."""
        scale = 1 / math.sqrt(shape_of(query)[-1])
        if isinstance(query, KerasTensor):
            return dropped_attention(query, key, value, scale=scale)
        factors = self._factors(shape_of(query), shape_of(key), training)
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


def _another(initializer):
    """An initializer like this one, which draws numbers of its own unless it has a seed."""
    return initializer.clone() if hasattr(initializer, "clone") else initializer


def _is_product(layer):
    """Whether a layer is nothing but a product and a bias, in one precision of numbers."""
    return (
        type(layer) is EinsumDense
        and layer.activation in (None, _LINEAR)
        and layer.activity_regularizer is None
        and layer.compute_dtype == layer.variable_dtype
        and layer.compute_dtype in ("float32", "float64")
    )


def _is_same(x, other):
    """Whether two arguments are one value, with one gradient."""
    if isinstance(x, Traced) and isinstance(other, Traced):
        return x.value is other.value and x.slot is other.slot
    return x is other


def _booleans(mask):
    return np.asarray(plain(mask)).astype(bool)


def _without_mask(x):
    """The same values without the mask: the layers within are not to ask about it."""
    if get_mask(x) is None:
        return x
    if isinstance(x, KerasTensor):
        return KerasTensor(x.shape, x.dtype)
    return Traced(x.value, x.slot) if isinstance(x, Traced) else x.view()
