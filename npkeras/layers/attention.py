"""Attention without weights for its inputs: by products, or by sums."""

import numpy as np

from npkeras import ops, random
from npkeras.core import check
from npkeras.core.random import SeedGenerator
from npkeras.core.registry import register
from npkeras.core.shapes import shape_of, spreads_to
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import plain
from npkeras.layers.base import Layer

_FAR = {"float16": 65504.0}  # how far down the scores of what is masked go; else 1e9


@register("layers")
class Attention(Layer):
    """For each query the mean of the values, each counting the more the better its key fits.

    With scores (T, S) of how well queries and keys fit, the result is softmax(scores) @ value.
    Source: Luong et al., 2015, arxiv.org/abs/1508.04025, Section 3.1.

    Args:
        use_scale: Whether the scores are multiplied by a weight that is trained.
        score_mode: "dot": query @ key'. "concat": sums of tanh(query + key), for every pair.
        dropout: The share of the softmax that is set to 0 in training.
        seed: Where the random numbers of the dropout start.

    Call arguments:
        inputs: A list [query, value] or [query, value, key]. The key is the value if left out.
        mask: A list [query_mask, value_mask]; either may be None. Results of masked queries are
            0, masked values do not count.
        return_attention_scores: Whether the softmax is returned too.
        use_causal_mask: Whether a query sees only the values up to its own step.

    Shapes:
        query (batch, T, features), value (batch, S, any), key (batch, S, features)
        -> (batch, T, any), and the softmax (batch, T, S) if asked for

    Example:
        >>> query, value = np.ones((1, 2, 3)), np.ones((1, 4, 3))
        >>> Attention()([query, value]).shape
        (1, 2, 3)
    """

    supports_masking = True

    def __init__(self, use_scale=False, score_mode="dot", dropout=0.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        owner = type(self).__name__
        self.use_scale = use_scale
        self.score_mode = check.one_of(("dot", "concat"), score_mode, "score_mode", owner)
        self.dropout = check.number(dropout, "dropout", owner, low=0, high=1)
        self.seed = seed
        if self.dropout > 0:
            self.seed_generator = SeedGenerator(seed)

    def build(self, input_shape):
        self._check_inputs(input_shape)
        self.scale = self.concat_score_weight = None
        if self.use_scale:
            self.scale = self.add_weight(shape=(), initializer="ones", name="scale")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(
                shape=(), initializer="ones", name="concat_score_weight"
            )

    def call(
        self,
        inputs,
        mask=None,
        training=False,
        return_attention_scores=False,
        use_causal_mask=False,
    ):
        self._check_inputs(inputs)
        query_mask, value_mask = self._two_masks(mask, inputs)
        query, value, key = (*inputs, inputs[1])[:3]
        scores = self._scores(query, key)
        if not isinstance(scores, KerasTensor):
            scores = _masked(scores, _seen(value_mask, use_causal_mask, shape_of(scores)))
        weights = ops.softmax(scores)
        if training and self.dropout > 0 and not isinstance(weights, KerasTensor):
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        result = ops.matmul(weights, value)
        if query_mask is not None:
            kept = ops.cast(ops.expand_dims(query_mask, -1), result.dtype)
            result = ops.multiply(result, kept)
        return (result, weights) if return_attention_scores else result

    def compute_mask(self, inputs, mask=None):
        """The mask of the queries."""
        return None if mask is None else mask[0]

    def _scores(self, query, key):
        """How well each query fits each key."""
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -1, -2))
            return scores if self.scale is None else ops.multiply(scores, self.scale)
        sums = _all_sums(query, key)
        if self.scale is not None:
            sums = ops.multiply(sums, self.scale)
        return ops.multiply(self.concat_score_weight, ops.sum(ops.tanh(sums), axis=-1))

    def _check_inputs(self, inputs):
        if not isinstance(inputs, list) or len(inputs) not in (2, 3):
            what = f"{len(inputs)} of them" if isinstance(inputs, list) else check.shown(inputs)
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) expects a list of inputs, [query, "
                f"value] or [query, value, key]. Received: {what}"
            )

    def _two_masks(self, mask, inputs):
        """The masks of query and value. There is none for the key, which goes with the value."""
        if mask is None:
            return None, None
        if not isinstance(mask, list) or len(mask) not in (2, 3):
            what = f"{len(mask)} of them" if isinstance(mask, list) else check.shown(mask)
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) expects a list of masks, "
                f"[query_mask, value_mask], of which either may be None. Received: {what}"
            )
        for part, x, name in zip(mask, inputs, ("query", "value"), strict=False):
            shape, expected = () if part is None else shape_of(part), shape_of(x)[:-1]
            if not spreads_to(shape, expected):
                raise ValueError(
                    f"Layer {self.name!r} ({type(self).__name__}) expects a mask of the {name} "
                    f"that has all its axes but the last, {expected}. Received shape: {shape}"
                )
        return mask[:2]


@register("layers")
class AdditiveAttention(Attention):
    """Attention that compares query and key by a sum: `sum(scale * tanh(query + key))`.

    Source: Bahdanau et al., 2014, arxiv.org/abs/1409.0473.

    Args:
        use_scale: Whether there is a weight `scale`, of one number for each feature of the query,
            that is trained.
        dropout: The share of the softmax that is set to 0 in training.

    Call arguments and shapes:
        as those of `Attention`

    Example:
        >>> query, value = np.ones((1, 2, 3)), np.ones((1, 4, 3))
        >>> AdditiveAttention()([query, value]).shape
        (1, 2, 3)
    """

    supports_masking = True
    not_in_config = frozenset({"score_mode"})

    def __init__(self, use_scale=True, dropout=0.0, **kwargs):
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape):
        self._check_inputs(input_shape)
        self.scale = None
        if self.use_scale:
            features = (input_shape[0][-1],)
            self.scale = self.add_weight(shape=features, initializer="glorot_uniform", name="scale")

    def _scores(self, query, key):
        found = ops.tanh(_all_sums(query, key))
        if self.scale is None:
            return ops.sum(found, axis=-1)
        if shape_of(found)[-1] == self.scale.shape[0]:
            return ops.matmul(found, self.scale)
        return ops.sum(ops.multiply(found, self.scale), axis=-1)  # a query with a single feature


def _all_sums(query, key):
    """query + key for every pair: (..., T, features) and (..., S, features) -> (..., T, S, ...)"""
    features = {shape_of(query)[-1], shape_of(key)[-1]} - {None, 1}
    if len(features) > 1:
        raise ValueError(
            "Attention that adds queries and keys expects as many features in both. Received a "
            f"query of shape {shape_of(query)} and a key (or value) of shape {shape_of(key)}."
        )
    return ops.add(ops.expand_dims(query, -2), ops.expand_dims(key, -3))


def _seen(value_mask, is_causal, shape):
    """Where a query may see a value; None: everywhere."""
    seen = None
    if value_mask is not None:
        seen = np.asarray(plain(value_mask), bool)[..., None, :]
    if is_causal:
        past = np.tri(*shape[-2:], dtype=bool)
        seen = past if seen is None else seen & past
    return seen


def _masked(scores, seen):
    """Scores so far down where nothing is to be seen that the softmax gives 0.

    A query that may see nothing sees everything alike.
    """
    if seen is None:
        return scores
    dtype = np.dtype(str(scores.dtype))
    far = dtype.type(_FAR.get(dtype.name, 1e9))
    return ops.subtract(scores, np.where(seen, dtype.type(0), far))
