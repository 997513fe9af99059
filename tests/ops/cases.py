"""Example inputs for every op: what the common checks of `tests/common/test_ops.py` run on.

A new op needs one line here. Inputs stay away from kinks and ties, where numeric gradients say
nothing; what happens there is tested with the op.
"""

import dataclasses
from typing import Any

import numpy as np

from tests.ops import cases_sliding

_random = np.random.default_rng(7)


def _uniform(low, high, *shape):
    return _random.uniform(low, high, shape)


X = _uniform(-2, 2, 3, 4)
Y = _uniform(-2, 2, 3, 4)
ROW = _uniform(-2, 2, 4)
POSITIVE = _uniform(0.2, 3, 3, 4)
UNIT = _uniform(-0.9, 0.9, 3, 4)
ABOVE_1 = _uniform(1.1, 3, 3, 4)
CUBE = _uniform(-2, 2, 2, 3, 4)
OTHER_CUBE = _uniform(-2, 2, 2, 4, 3)
SQUARE = _uniform(-1, 1, 2, 3, 3) + 2 * np.eye(3)
SYMMETRIC = SQUARE + SQUARE.swapaxes(-1, -2) + 2 * np.eye(3)
TALL = _uniform(-1, 1, 4, 3)
HOLES = np.where(np.eye(3, 4, 1) + np.eye(3, 4, -2), np.nan, X)
FLAGS = X > 0
NUMBERS = np.array([[1, 2, 4], [7, 0, 12]], "int32")
OTHERS = np.array([[3, 1, 2], [2, 3, 8]], "int32")
INDICES = np.array([2, 0, 2, 1], "int32")


@dataclasses.dataclass
class Case:
    """One call of an op.

    Args:
        name: The op.
        arrays: Its array arguments; floats among them are cast to the dtype under test.
        options: Its other arguments.
        constant: Positions of float arguments to which no gradient is meant to flow.
        differentiable: Whether gradients are compared with numeric ones.
        keras: Whether values and gradients are those of Keras.
        half: Whether the op is tried in float16.
        single: Whether in float32 too (numbers that float32 cannot tell apart: no).
        unknown: Whether the shape rule must bear axes of unknown length.
        rtol: How far float32 results may be from Keras'.
    """

    name: str
    arrays: tuple
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    constant: tuple = ()
    differentiable: bool = True
    keras: bool = True
    half: bool = True
    unknown: bool = True
    rtol: float = 1e-5

    def __str__(self):
        options = ",".join(f"{name}={value}" for name, value in self.options.items())
        shapes = " ".join(str(np.shape(array)).replace(" ", "") for array in self.arrays)
        return f"{self.name}({options}) {shapes}"


CASES: list[Case] = []


def _add(names, *arrays, options=({},), **more):
    for name in names.split():
        CASES.extend(Case(name, arrays, chosen, **more) for chosen in options)


ALONG = (
    {},
    {"axis": 0},
    {"axis": -1, "keepdims": True},
    {"axis": (0, 2), "keepdims": True},
    {"axis": (-1, 0)},
)
ALONG_ONE = ({}, {"axis": 1}, {"axis": -1, "keepdims": True})
QUANTILES = ({"q": 0.3}, {"q": [0.1, 0.8], "axis": 1}, {"q": 0.4, "axis": -1, "keepdims": True})
METHODS = [{"q": 0.3, "method": m} for m in ("lower", "higher", "midpoint", "nearest")]
RUNNING = ({}, {"axis": 0}, {"axis": -1})

# Elementwise -------------------------------------------------------------------------------------

_add("negative absolute fabs square exp exp2 expm1 sin cos tan sinh cosh tanh arctan arcsinh", X)
_add("deg2rad rad2deg erf erfc sinc real conjugate cbrt", X)
_add("i0", X, rtol=1e-4)
_add("sqrt rsqrt reciprocal log log2 log10 log1p", POSITIVE)
_add("arcsin arccos arctanh erfinv", UNIT)
_add("arccosh", ABOVE_1)
_add("sign", X)
_add("floor ceil trunc round", X, constant=(0,))
_add("round", X * 10, options=({"decimals": 1}, {"decimals": -1}), constant=(0,), half=False)
_add("isfinite isinf isnan isneginf isposinf isreal signbit logical_not imag", X, constant=(0,))
_add("angle", X, constant=(0,))
_add("add subtract multiply maximum minimum fmax fmin arctan2 hypot logaddexp logaddexp2", X, Y)
_add("add subtract multiply maximum minimum hypot logaddexp", X, ROW)
_add("divide divide_no_nan", X, POSITIVE)
_add("divide divide_no_nan mod fmod", CUBE, ABOVE_1)
_add("power", POSITIVE, X)
_add("power", X, np.array(2.0), differentiable=False)
_add("floor_divide", X, POSITIVE, constant=(0, 1))
_add("heaviside", X, Y, constant=(0,))
_add("nextafter", X, Y, constant=(1,), half=False, differentiable=False)
_add("equal not_equal less less_equal greater greater_equal", X, ROW, constant=(0, 1))
_add("logical_and logical_or logical_xor", X, Y, constant=(0, 1))
_add("isclose allclose", X, Y, constant=(0, 1))
_add("ldexp", X, np.array([1, -2, 0, 3], "int32"))
_add("gcd lcm bitwise_and bitwise_or bitwise_xor", NUMBERS, OTHERS)
_add("bitwise_left_shift bitwise_right_shift", NUMBERS, OTHERS)
_add("bitwise_invert", NUMBERS)
_add("stop_gradient", X, constant=(0,))
_add("cast", X, options=({"dtype": "float32"}, {"dtype": "float16"}), differentiable=False)
_add("cast", X, options=({"dtype": "int32"}, {"dtype": "bool"}), constant=(0,))
_add("saturate_cast", X * 100, options=({"dtype": "int8"},), constant=(0,))
_add("saturate_cast", X, options=({"dtype": "float16"},), differentiable=False)
_add("clip", X, np.array(-0.7), np.array(1.1))
_add("clip", CUBE, ROW - 3, ROW + 0.5)
_add("where", FLAGS, X, Y)
_add("where", FLAGS, CUBE, ROW)
_add("nan_to_num", HOLES, differentiable=False)

# Reductions --------------------------------------------------------------------------------------

_add("sum mean var std max min amax amin logsumexp", CUBE, options=ALONG)
_add("prod", CUBE, options=ALONG, rtol=1e-4)
_add("all any", CUBE > -1, options=ALONG)
_add("argmax argmin", CUBE, options=ALONG_ONE, constant=(0,))
_add("count_nonzero", NUMBERS, options=({}, {"axis": 0}, {"axis": (0, 1)}))
_add("ptp median", CUBE, options=ALONG, half=False)
_add("average", CUBE, options=({}, {"axis": 1}))
_add("average", CUBE, None, np.abs(CUBE), options=({},), rtol=1e-4)
_add("average", CUBE, 2, POSITIVE[0])
_add("cumsum cumprod", CUBE, options=RUNNING, rtol=1e-4)
_add("diff", CUBE, options=({}, {"axis": 0}, {"n": 2, "axis": 1}), half=False)
_add("sort", CUBE, options=({}, {"axis": 0}, {"axis": None}), half=False)
_add("argsort", CUBE, options=({}, {"axis": 0}, {"axis": None}), constant=(0,), half=False)
_add("argpartition", CUBE, options=({"kth": 1},), constant=(0,), keras=False, half=False)
_add("top_k", CUBE, options=({"k": 2},), half=False)
_add("in_top_k", np.array([1, 3, 0], "int32"), X, options=({"k": 2},), constant=(1,))
_add("quantile", CUBE, options=(*QUANTILES, *METHODS), half=False)
_add("percentile", CUBE, options=({"q": 30},), half=False)
_add("nansum nanmean nanmax nanmin nanvar nanstd nanprod", HOLES, options=ALONG_ONE, rtol=1e-4)
_add("nancumsum nancumprod", HOLES, options=RUNNING, rtol=1e-4)
_add("nanmedian", HOLES, options=ALONG_ONE, half=False)
_add("nanquantile", HOLES, options=({"q": 0.3},), half=False)
_add("nanpercentile", HOLES, options=({"q": 30, "axis": 1},), half=False)
_add("nanargmax nanargmin", HOLES, options=ALONG_ONE, constant=(0,))

# Products ----------------------------------------------------------------------------------------

_add("matmul dot", X, TALL)
_add("matmul dot", CUBE, TALL)
_add("matmul", CUBE, OTHER_CUBE)
_add("matmul", CUBE[:, None], OTHER_CUBE)
_add("matmul dot", ROW, TALL)
_add("matmul dot", X, ROW)
_add("matmul dot inner vdot", ROW, POSITIVE[0])
_add("matmul", ROW, OTHER_CUBE)
_add("matmul", CUBE, ROW)
_add("dot", CUBE, OTHER_CUBE)
_add("dot inner outer", np.array(1.5), X)
_add("inner", CUBE, X)
_add("outer", X, ROW)
_add("vdot", X, Y)
_add("tensordot", CUBE, OTHER_CUBE, options=({"axes": [[2, 0], [1, 0]]},))
_add("tensordot", CUBE, TALL, options=({"axes": 1},))
_add("tensordot", CUBE, X, options=({"axes": 2}, {"axes": 0}, {"axes": (1, 0)}))
_add("einsum", CUBE, options=[{"subscripts": s} for s in ("abc->ca", "abc", "a...->...a")])
_add("einsum", SQUARE, options=[{"subscripts": s} for s in ("abb->ab", "abb->a", "abb")])
_add("einsum", CUBE, OTHER_CUBE, options=[{"subscripts": s} for s in ("abc,acd->abd", "abc,dce")])
_add(
    "einsum", CUBE, OTHER_CUBE, options=[{"subscripts": "abc,acb->"}, {"subscripts": "abc,acb->b"}]
)
_add("einsum", CUBE, TALL, options=[{"subscripts": "...a,ab->...b"}, {"subscripts": "abc,cd->dab"}])
_add("einsum", CUBE, X, ROW, options=({"subscripts": "abc,dc,c->ad"},))
_add("einsum", CUBE[:1], OTHER_CUBE, options=({"subscripts": "...ab,...bc->...ac"},))
_add("trace", SQUARE, options=({"axis1": 1, "axis2": 2}, {"offset": 1, "axis1": 2, "axis2": -2}))
_add("cross", TALL, _uniform(-1, 1, 4, 3), unknown=False)
_add("cross", TALL.T, _uniform(-1, 1, 3, 4), options=({"axis": 0},), unknown=False)
_add("cross", X[:, :2], Y[:, :2], unknown=False)
_add("cross", X[:, :2], Y[:, :3], unknown=False)
_add("kron", TALL, _uniform(-1, 1, 2, 2), unknown=False)

# Matrices ----------------------------------------------------------------------------------------

_exact = {"half": False, "rtol": 1e-3}
_add("inv det slogdet", SQUARE, **_exact)
_add("logdet", SYMMETRIC, differentiable=False, **_exact)
_add("cholesky", SYMMETRIC, options=({}, {"upper": True}), differentiable=False, **_exact)
_add("cholesky_inverse", np.tril(SYMMETRIC[0]), differentiable=False, **_exact)
_add("solve", SQUARE, CUBE[:, :, :2], **_exact)
_add("solve", SQUARE, CUBE[:, :, 0], **_exact)
_add("solve_triangular", SQUARE, CUBE, options=({}, {"lower": True}), keras=False, **_exact)
_add("qr", TALL, keras=False, **_exact)
_add("eigh", SYMMETRIC, differentiable=False, keras=False, **_exact)
_add("eig lu_factor", SQUARE, differentiable=False, keras=False, **_exact)
_add("svd", TALL, options=({"compute_uv": False},), **_exact)
_add("svd", TALL, options=({"full_matrices": False},), differentiable=False, keras=False, **_exact)
_add("pinv", TALL, **_exact)
_add("matrix_rank", SQUARE, constant=(0,), half=False)
_add("lstsq", TALL, X.T[:, :2], differentiable=False, **_exact)
_add("norm", X, options=[{}, *({"ord": o} for o in ("fro", 1, -1, 2, -2, "nuc", np.inf))], **_exact)
_add("norm", CUBE, options=[{"axis": 1, "ord": o} for o in (1, 2, 3, np.inf, -np.inf)], **_exact)
_add("norm", CUBE, options=[{"axis": (0, 2), "ord": 1, "keepdims": True}, {"axis": -1}], **_exact)
_add("norm", CUBE, options=({"axis": 1, "ord": 0},), differentiable=False)
_add("corrcoef", X, half=False, rtol=1e-4)
_add("trapezoid", X, options=({}, {"dx": 2.0, "axis": 0}))
_add("trapezoid", X, np.cumsum(POSITIVE[0]), constant=())
_add("cdist", X, Y[:2])
_add("psnr", X, Y, options=({"max_val": 2.0},), half=False)
_add("vander", POSITIVE[0], options=({}, {"N": 3, "increasing": True}), half=False)

# Signals -----------------------------------------------------------------------------------------

_add("rfft", CUBE, options=({}, {"fft_length": 7}), half=False, rtol=1e-4)
_add("rfft", CUBE, options=({"fft_length": 3},), half=False, keras=False)
_add(
    "extract_sequences",
    _uniform(-1, 1, 2, 9),
    options=({"sequence_length": 4, "sequence_stride": 3},),
)
_add("correlate", ROW, TALL[:2, 0], options=[{"mode": m} for m in ("valid", "same", "full")])
_add("correlate", TALL[:2, 0], ROW, options=({"mode": "full"}, {"mode": "same"}))

# Arrangement -------------------------------------------------------------------------------------

_add("reshape", CUBE, options=({"newshape": (4, -1)},), half=False)
_add("ravel transpose squeeze flip fliplr flipud rot90 copy", CUBE)
_add("expand_dims", CUBE, options=({"axis": 1}, {"axis": (0, -1)}))
_add("swapaxes", CUBE, options=({"axis1": 0, "axis2": -1},))
_add("moveaxis", CUBE, options=({"source": 0, "destination": -1},))
_add("roll", CUBE, options=({"shift": 2}, {"shift": 1, "axis": 1}))
_add("broadcast_to", ROW, options=({"shape": (3, 4)},))
_add("repeat tile", CUBE, options=({"repeats": 2},))
_add("pad", X, options=({"pad_width": ((1, 2), (0, 1))},))
_add("tril triu", SQUARE, options=({}, {"k": 1}))
_add("diagonal", SQUARE, options=({"axis1": 1, "axis2": 2},))
_add("diag diagflat", ROW)
_add("append", X, Y, options=({}, {"axis": 1}))
_add("take", X, INDICES, options=({"axis": 0},))
_add("take_along_axis", X, np.argsort(X, axis=1).astype("int32"), options=({"axis": 1},))
_add("look_up", X, INDICES, keras=False)
_add("get_item", CUBE, options=({"key": (slice(1), ..., 2)},), keras=False)
_add("slice", CUBE, options=({"start_indices": (0, 1, 1), "shape": (2, 2, 2)},))
_add("scatter", INDICES[:2, None], ROW[:2], options=({"shape": (5,)},))
_add("scatter_update", ROW, INDICES[:2, None], Y[0, :2])
_add("slice_update", X, (1, 1), Y[:2, :2], unknown=False, keras=False)
_add("segment_sum segment_prod", X, INDICES[:3], options=({"num_segments": 3},))
_add("segment_max segment_min", X, INDICES[:3] // 2, options=({"num_segments": 2},))
_add("zeros_like ones_like", X, constant=(0,))
_add("empty_like", X, constant=(0,), keras=False, half=False)
_add("full_like", X, options=({"fill_value": 2},), constant=(0,))
_add("one_hot", INDICES, options=({"num_classes": 3},), half=False)
_add("multi_hot", INDICES, options=({"num_classes": 3},), half=False)
_add("searchsorted", np.sort(ROW), X, constant=(0, 1), keras=False)
_add("digitize", X, np.sort(ROW), constant=(0, 1))
_add("bincount", INDICES, options=({"minlength": 4},), unknown=False)
_add("unravel_index", INDICES, options=({"shape": (2, 3)},))
_add("rearrange", CUBE, options=({"pattern": "a b c -> (c a) b"},), keras=False)
_add("depth_to_space", CUBE[None], options=({"block_size": 2},), half=False)
_add("space_to_depth", _uniform(-1, 1, 1, 4, 2, 3), options=({"block_size": 2},), half=False)
_add("view", NUMBERS, options=({"dtype": "float32"},))
_add("view_as_complex view_as_real", X[:, :2], differentiable=False, half=False, keras=False)
_add("polar", POSITIVE, X, differentiable=False, half=False)
_add("isin", X, X[0, :2], constant=(0, 1))
_add("nonzero", NUMBERS, unknown=False)
_add("histogram", X[0], constant=(0,), half=False)
_add("unique", INDICES, differentiable=False, unknown=False, options=({"size": 3},))

# Activations and normalization -------------------------------------------------------------------

_add("relu leaky_relu hard_sigmoid hard_silu silu gelu log_sigmoid softplus softsign", X)
_add("squareplus tanh_shrink elu selu celu sigmoid softmax log_softmax glu", X)
_add("relu6 hard_tanh hard_shrink soft_shrink sparse_plus sparse_sigmoid", X)
_add("mish bent_relu sparsemax", X, keras=False)
_add("threshold", X, options=({"threshold": 0.3, "default_value": 1.0},))
_add("moments", CUBE, options=({"axes": (0, 1)}, {"axes": (2,), "keepdims": True}))
_add("normalize layer_normalization rms_normalization", X, rtol=1e-4)
_add("batch_normalization", X, ROW, np.abs(ROW), options=({"axis": -1},), rtol=1e-4)
_add("dot_product_attention", *(_uniform(-1, 1, 2, n, 2, 4) for n in (3, 5, 5)), rtol=1e-4)
_add(
    "attention_by_heads",
    *(_uniform(-1, 1, 2, *shape) for shape in ((3, 4), (5, 3), (5, 2))),
    *(_uniform(-1, 1, *shape) for shape in ((4, 2, 2), (3, 2, 2), (2, 2, 3), (2, 3, 4))),
    keras=False,
)
_add("categorical_crossentropy", np.eye(4)[:3], X, options=({"from_logits": True},), constant=())
_add("sparse_categorical_crossentropy", INDICES[:3], X, options=({"from_logits": True},))
_add("binary_crossentropy", FLAGS.astype(float), X, options=({"from_logits": True},))

cases_sliding.add_cases(_add)

# Ops that take functions or lists, or are tried at length in tests of their own
ELSEWHERE = {
    *"cond switch while_loop fori_loop scan map vectorized_map associative_scan".split(),
    *"concatenate stack hstack vstack dstack split array_split hsplit vsplit dsplit".split(),
    *"fft fft2 ifft2 irfft stft istft".split(),
    *"ctc_loss ctc_decode select".split(),
    *"unstack meshgrid lstm gru simple_rnn rnn dropped_attention".split(),
}
