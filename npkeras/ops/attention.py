"""Scaled dot-product attention: softmax(QK')V, with its way back."""

from __future__ import annotations

import math

import numpy as np

from npkeras.core.op import fused_op
from npkeras.core.shapes import float_dtype, shape_of, spreads_to, unbroadcast
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import plain
from npkeras.kernels import attention as kernels
from npkeras.kernels import heads as whole
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
    samples = {shape[0] for shape in shapes}
    features = {shapes[0][3], shapes[1][3]}
    steps, key_heads = ({shape[axis] for shape in shapes[1:]} for axis in (1, 2))
    if any(len(lengths - {None}) > 1 for lengths in (samples, features, steps, key_heads)):
        raise ValueError(
            "`dot_product_attention` expects a query, key and value of as many samples, of which "
            "query and key have as many features, and key and value as many steps and heads. "
            f"Received shapes: {', '.join(map(str, shapes))}"
        )


def _check_broadcast(x, name, query, key):
    """A mask or a bias broadcasts with the scores."""
    (batch, steps, heads, _), keys = shape_of(query), shape_of(key)[1]
    scores, shape = (batch, heads, steps, keys), () if x is None else shape_of(x)
    if not spreads_to(shape, scores):
        raise ValueError(
            f"`{name}` of `dot_product_attention` must broadcast with the scores, of shape "
            f"(batch, heads, query steps, key steps), here {scores}. Received shape: {shape}"
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


def _seen(mask, is_causal, groups, steps):
    """Where a query may see a key; None: everywhere."""
    seen = None if mask is None else _per_group(np.asarray(plain(mask), bool), groups)
    if is_causal:
        past = np.tri(*steps, dtype=bool)
        seen = past if seen is None else seen & past
    return seen


@fused_op(_attention_infer, promote=slice(0, 3), arrays=4)
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
        mask: False where a query may not see a key. One that may see none sees all alike.
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
    _check_broadcast(mask, "mask", query, key)
    _check_broadcast(bias, "bias", query, key)
    groups = query.shape[2] // key.shape[2]
    seen = _seen(mask, is_causal, groups, (query.shape[1], key.shape[1]))
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    return _attend(query, key, value, bias, seen, scale, wanted)


@fused_op(_attention_infer, promote=True, arrays=3)
def dropped_attention(
    query, key, value, mask=None, scale=None, factors=None, blind_sees_all=True, *, wanted
):
    """`dot_product_attention` with dropout between its softmax and the values.

    Args:
        factors: What the weights are multiplied by, of shape (batch, heads, T, S).
        blind_sees_all: Whether a query that may see no key gets the mean of all values, or 0.
    """
    _check(query, key, value)
    groups = query.shape[2] // key.shape[2]
    seen = _seen(mask, False, groups, None)
    if factors is not None:
        factors = _per_group(wide(factors), groups)
    return _attend(query, key, value, None, seen, scale, wanted, factors, blind_sees_all)


def _heads_infer(query, key, value, *weights, **options):
    return KerasTensor((*shape_of(query)[:-1], shape_of(weights[3])[-1]), float_dtype(query))


@fused_op(_heads_infer, promote=True, arrays=11)
def attention_by_heads(
    query,
    key,
    value,
    query_kernel,
    key_kernel,
    value_kernel,
    output_kernel,
    query_bias=None,
    key_bias=None,
    value_bias=None,
    output_bias=None,
    *,
    mask=None,
    factors=None,
    blind_sees_all=True,
    wanted,
):
    """`dropped_attention` of three products, and the product of its result, in float32 or float64.

    Args:
        query, key, value: None for a key or a value: it is the same as the one before.
        query_kernel, key_kernel, value_kernel: What they are multiplied by.
        output_kernel: What the result is multiplied by.
        query_bias, key_bias, value_bias, output_bias: What is added to the products: None or not
            for the first three alike.
        mask: Where a query may see a key, (batch or 1, heads or 1, T, S).
        factors, blind_sees_all: As for `dropped_attention`.

    Shapes:
        query (batch, T, any), key and value (batch, S, any), kernels of these (any, heads,
        features), output_kernel (heads, features, outputs) -> (batch, T, outputs)
    """
    arrays = [None if x is None else np.ascontiguousarray(x) for x in (query, key, value)]
    kernels_3d = query_kernel, key_kernel, value_kernel
    columns = [w.reshape(len(w), -1) for w in kernels_3d]
    last = output_kernel.reshape(-1, output_kernel.shape[-1])
    biases = [
        None if b is None else b.reshape(-1)
        for b in (query_bias, key_bias, value_bias, output_bias)
    ]
    weights = whole.Weights((*columns, last), biases)
    heads = key_kernel.shape[1], query_kernel.shape[1] // key_kernel.shape[1]
    scale = 1 / math.sqrt(query_kernel.shape[-1])
    hidden = kernels.mask_of(_seen(mask, False, heads[1], None), query.dtype)
    factors = None if factors is None else _per_group(factors, heads[1])
    options = hidden, factors
    y, kept = whole.attention_by_heads(
        *arrays, weights, heads, scale, *options, blind_sees_all, bool(wanted)
    )

    def backward(dy):
        want_inputs = not {0, 1, 2}.isdisjoint(wanted)
        found = whole.attention_by_heads_backward(
            np.ascontiguousarray(dy), weights, heads, kept, *options, want_inputs
        )
        inputs = iter(found.inputs)
        like = *kernels_3d, output_kernel, query_bias, key_bias, value_bias, output_bias
        return (
            *(next(inputs, None) if x is not None else None for x in arrays),
            *(
                None if x is None else gradient.reshape(x.shape)
                for x, gradient in zip(like, found.kernels + found.biases, strict=True)
            ),
        )

    return y, backward


def _attend(query, key, value, bias, seen, scale, wanted, factors=None, blind_sees_all=True):
    dtype, groups = query.dtype, query.shape[2] // key.shape[2]
    if 0 in (query.shape[0], query.shape[1], key.shape[1]):
        return _nothing_attended(query, key, value, bias)
    q, k, v = _grouped(wide(query), groups), _grouped(wide(key), 1), _grouped(wide(value), 1)
    added = None if bias is None else _per_group(bias.astype(q.dtype, copy=False), groups)
    mask = kernels.mask_of(seen, q.dtype)
    found = kernels.attention(
        q, k, v, float(scale), added, mask, factors, blind_sees_all, bool(wanted)
    )

    def backward(dy):
        want = tuple(i in wanted for i in range(4))
        arrays = _grouped(wide(dy), groups), q, k, v
        options = float(scale), found, mask, factors, want
        *gradients, dscores = kernels.attention_backward(*arrays, *options)
        gradients = [
            None if dx is None else _ungrouped(dx).astype(dtype, copy=False) for dx in gradients
        ]
        return *gradients, None if dscores is None else _bias_gradient(dscores, bias, groups)

    return _ungrouped(found.y).astype(dtype, copy=False), backward


def _nothing_attended(query, key, value, bias):
    """The result where there are no queries or no keys: sums of nothing, which are 0."""
    arrays = query, key, value, bias

    def backward(dy):
        return [None if x is None else np.zeros_like(x) for x in arrays]

    return np.zeros((*query.shape[:-1], value.shape[-1]), query.dtype), backward


def _bias_gradient(dscores, bias, groups):
    form = _per_group(bias, groups).shape
    return unbroadcast(dscores, form).reshape(bias.shape).astype(bias.dtype, copy=False)
