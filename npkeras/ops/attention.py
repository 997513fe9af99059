"""Scaled dot-product attention: softmax(QK')V, with its way back."""

from __future__ import annotations

import math

import numpy as np

from npkeras.core.op import fused_op
from npkeras.core.shapes import float_dtype, shape_of, unbroadcast
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import plain
from npkeras.kernels import softmax as kernels
from npkeras.ops.activation import wide

# B batch, T query steps, S key steps, N heads of the query, K of the key, G = N / K, H features.


def _check(query, key, value):
    shapes = [shape_of(x) for x in (query, key, value)]
    if any(len(shape) != 4 for shape in shapes):
        raise ValueError(
            "`dot_product_attention` expects queries, keys and values of shape (batch, steps, "
            f"heads, features). Received shapes: {', '.join(map(str, shapes))}"
        )
    heads, key_heads = shapes[0][2], shapes[1][2]
    if None not in (heads, key_heads) and (not key_heads or heads % key_heads):
        raise ValueError(
            "The heads of the query must be a multiple of those of the key in "
            f"`dot_product_attention`. Received: {heads} and {key_heads}"
        )


def _attention_infer(query, key, value, *args, **options):
    _check(query, key, value)
    shape = (*shape_of(query)[:-1], shape_of(value)[-1])
    return KerasTensor(shape, float_dtype(query, key, value))


def _grouped(x, groups):
    """(B, steps, K * G, H) -> (B, K, G, steps, H)"""
    batch, steps, heads, features = x.shape
    return x.reshape(batch, steps, heads // groups, groups, features).transpose(0, 2, 3, 1, 4)


def _ungrouped(x):
    """(B, K, G, steps, H) -> (B, steps, K * G, H)"""
    batch, heads, groups, steps, features = x.shape
    return x.transpose(0, 3, 1, 2, 4).reshape(batch, steps, heads * groups, features)


def _per_group(x, groups):
    """(B or 1, N or 1, T, S) -> (B or 1, K or 1, G or 1, T, S)"""
    x = x.reshape((1,) * (4 - x.ndim) + x.shape)
    if x.shape[1] == 1:
        return x[:, :, None]
    return x.reshape(x.shape[0], -1, groups, *x.shape[2:])


def _seen(mask, is_causal, groups, shape):
    """Where a query may see a key; None: everywhere."""
    seen = None if mask is None else _per_group(np.asarray(plain(mask), bool), groups)
    if is_causal:
        past = np.tri(*shape[-2:], dtype=bool)
        seen = past if seen is None else seen & past
    return seen


@fused_op(_attention_infer, promote=True, arrays=4)
def dot_product_attention(
    query,
    key,
    value,
    bias=None,
    mask=None,
    scale=None,
    is_causal=False,
    flash_attention=None,
    attn_logits_soft_cap=None,
    *,
    wanted,
):
    """softmax(scale * query @ key' + bias) @ value, for each head.

    Source: Vaswani et al., 2017, arxiv.org/abs/1706.03762, Section 3.2.1.

    Args:
        query, key, value: What is asked, what it is compared with, and what is taken of it. The
            query may have more heads than the key: several then share one of the key's.
        bias: Added to the scores.
        mask: False where a query may not see a key.
        scale: What the scores are multiplied by. None: 1 / sqrt(features).
        is_causal: Whether a query sees only the keys up to its own step.
        flash_attention: None or False: there is one way to compute this.
        attn_logits_soft_cap: Only None is supported.

    Shapes:
        query (batch, T, heads, features), key and value (batch, S, key_heads, features),
        bias and mask (batch or 1, heads or 1, T, S) -> (batch, T, heads, features)
    """
    if flash_attention or attn_logits_soft_cap is not None:
        raise ValueError(
            "`dot_product_attention` has neither flash attention nor a cap on its scores. "
            f"Received: {flash_attention=}, {attn_logits_soft_cap=}"
        )
    _check(query, key, value)
    dtype, groups = query.dtype, query.shape[2] // key.shape[2]
    q, k, v = _grouped(wide(query), groups), _grouped(wide(key), 1), _grouped(wide(value), 1)
    scale = q.dtype.type(1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    scores = np.matmul(q * scale, k.swapaxes(-1, -2))
    if bias is not None:
        scores += _per_group(bias, groups)
    seen = _seen(mask, is_causal, groups, scores.shape)
    if seen is not None:  # next to a number that large the score itself is rounded away
        scores += ~seen * scores.dtype.type(-0.7 * np.finfo(scores.dtype).max)
    weights = kernels.softmax(scores, -1)
    y = _ungrouped(np.matmul(weights, v)).astype(dtype, copy=False)

    def backward(dy):
        dy = _grouped(wide(dy), groups)
        dweights = np.matmul(dy, v.swapaxes(-1, -2))
        dscores = weights * (dweights - np.vecdot(dweights, weights)[..., None])
        if seen is not None:
            dscores *= seen
        dq = np.matmul(dscores, k) * scale if 0 in wanted else None
        dk = np.matmul(dscores.swapaxes(-1, -2), q * scale) if 1 in wanted else None
        dv = np.matmul(weights.swapaxes(-1, -2), dy) if 2 in wanted else None
        found = [
            None if dx is None else _ungrouped(_summed(dx, i)) for i, dx in enumerate((dq, dk, dv))
        ]
        found = [None if dx is None else dx.astype(dtype, copy=False) for dx in found]
        return *found, _bias_gradient(dscores, bias, groups) if 3 in wanted else None

    return y, backward


def _summed(dx, i):
    """The gradients of keys and values that several heads of the query share, added up."""
    return dx if i == 0 else dx.sum(axis=2, keepdims=True)


def _bias_gradient(dscores, bias, groups):
    form = _per_group(bias, groups).shape
    return unbroadcast(dscores, form).reshape(bias.shape).astype(bias.dtype, copy=False)
