"""Ops in the graph of a model, under the names that Keras' files have for them.

Keras has a class for each op. Some of an op's arguments belong to the object, and are in its
config; the others are what it is called with. `_CLASSES` says which, for all of them.
"""

from __future__ import annotations

import functools
import inspect
import re

from npkeras import ops
from npkeras.core import tree
from npkeras.core.names import auto_name, snake_case
from npkeras.core.op import OPS
from npkeras.core.symbolic import KerasTensor

# By module: the arguments in the config, in parentheses, then the classes that have these.
_CLASSES = {
    "keras.src.ops.numpy": """
        (k axes) Rot90
        () Absolute Abs Fabs Add Angle Arccos Arccosh Arcsin Arcsinh Arctan Arctan2 Arctanh
        Heaviside BitwiseAnd BitwiseInvert BitwiseNot BitwiseOr BitwiseXor BitwiseLeftShift
        LeftShift BitwiseRightShift RightShift Cbrt Ceil Conjugate Conj Copy Cos Cosh Deg2rad
        Rad2deg Digitize Dot Dstack Equal Exp Exp2 Expm1 Fliplr Flipud Floor Gcd GetItem Greater
        GreaterEqual Hstack Hypot Imag I0 Isfinite Isinf Isnan Isneginf Isposinf Isreal Kron Lcm
        Ldexp Less LessEqual Log Log10 Log1p Log2 Logaddexp Logaddexp2 LogicalAnd LogicalNot
        LogicalOr Matmul Maximum Fmax Minimum Fmin Mod Fmod Ndim Nonzero NotEqual Outer Ravel Real
        Reciprocal Sign Signbit Sin Sinc Sinh Size Tan Tanh Trunc Vdot Inner Vstack Where Subtract
        Multiply Divide DivideNoNan TrueDivide Power Negative Nextafter Square Sqrt FloorDivide
        LogicalXor Corrcoef Select Slogdet
        (axis keepdims) All Any Amax Amin Argmax Argmin Median Nanargmax Nanargmin Nanmax Nanmean
        Nanmedian Nanmin Nanprod Nanstd Nansum Nanvar Ptp Std Mean Var Sum
        (rtol atol equal_nan) AllClose
        (axis) Append Argsort Average Concatenate CountNonzero ExpandDims Flip Sort Stack Take
        TakeAlongAxis Squeeze
        (dtype) Arange Array View EmptyLike FullLike OnesLike ZerosLike
        (weights minlength sparse) Bincount
        (shape) BroadcastTo UnravelIndex
        (x_min x_max) Clip
        (axisa axisb axisc axis) Cross
        (axis dtype) Cumprod Cumsum Nancumsum Nancumprod
        (k) Diag Diagflat Tril Triu
        (offset axis1 axis2) Diagonal Trace
        (n axis) Diff
        (subscripts) Einsum
        (shape dtype) Full
        (num endpoint dtype axis) Geomspace
        (indices_or_sections) Hsplit Vsplit Dsplit
        (equal_nan) Isclose
        (assume_unique invert) IsIn
        (num endpoint retstep dtype axis) Linspace
        (num endpoint base dtype axis) Logspace
        (axis keepdims initial) Max Min
        (indexing) Meshgrid
        (source destination) Moveaxis
        (axis method keepdims) Nanpercentile Nanquantile Percentile Quantile
        (nan posinf neginf) NanToNum
        (pad_width mode) Pad
        (axis keepdims dtype) Prod
        (repeats axis) Repeat
        (newshape) Reshape
        (shift axis) Roll
        (decimals) Round
        (side) SearchSorted
        (indices_or_sections axis) Split ArraySplit
        (axis1 axis2) Swapaxes
        (axes) Tensordot Transpose
        (repeats) Tile
        (x dx axis) Trapezoid
        (N increasing) Vander
        (mode) Correlate
        (kth axis) Argpartition
        (bins range) Histogram
        (sorted return_index return_inverse return_counts axis size fill_value) Unique
    """,
    "keras.src.ops.nn": """
        () Relu Relu6 Sigmoid SparseSigmoid Softplus Softsign SparsePlus Silu LogSigmoid
        HardSigmoid HardSilu Selu TanhShrink HardTanh Polar
        (threshold) SoftShrink HardShrink
        (b) Squareplus
        (negative_slope) LeakyRelu
        (alpha) Elu Celu
        (approximate) Gelu
        (axis) Glu Softmax LogSoftmax Sparsemax
        (threshold default_value) Threshold
        (pool_size strides padding data_format) MaxPool AveragePool
        (output_size data_format) AdaptiveMaxPool AdaptiveAveragePool
        (strides padding data_format dilation_rate) Conv DepthwiseConv SeparableConv
        (strides padding output_padding data_format dilation_rate) ConvTranspose
        (num_classes axis dtype sparse) OneHot MultiHot
        (from_logits) BinaryCrossentropy
        (from_logits axis) CategoricalCrossentropy SparseCategoricalCrossentropy
        (axes keepdims synchronized) Moments
        (axis epsilon) BatchNorm RMSNorm
        (mask_index) CTCLoss
        (strategy beam_width top_paths merge_repeated mask_index) CTCDecode
        (axis order epsilon) Normalize
        (max_val) PSNR
        (is_causal flash_attention attn_logits_soft_cap) DotProductAttention
        (axis epsilon rms_scaling) LayerNorm
        (kernel_size dilation padding stride) Unfold
        (output_size kernel_size dilation padding stride) Fold
        (block_size data_format) DepthToSpace SpaceToDepth
    """,
    "keras.src.ops.math": """
        (num_segments sorted) SegmentSum SegmentMax SegmentMin SegmentProd
        (k sorted) TopK
        (k) InTopK
        (axis keepdims) Logsumexp
        () CDist FFT FFT2 IFFT2 Rsqrt Erf Erfc Erfinv Logdet ViewAsComplex ViewAsReal
        (sequence_length sequence_stride) ExtractSequences
        (fft_length) RFFT IRFFT
        (sequence_length sequence_stride fft_length window center) STFT
        (sequence_length sequence_stride fft_length length window center) ISTFT
    """,
    "keras.src.ops.core": """
        (shape) Scatter Slice
        (reduction) ScatterUpdate
        () SliceUpdate StopGradient
        (num axis) Unstack
        (dtype) Cast SaturateCast
        (dtype sparse ragged) ConvertToTensor
    """,
    "keras.src.ops.linalg": """
        (upper) Cholesky CholeskyInverse
        () Det Eig Eigh Inv LuFactor Solve
        (ord axis keepdims) Norm
        (mode) Qr
        (lower) SolveTriangular
        (full_matrices compute_uv) SVD
        (rcond) Lstsq Pinv
        (tol) MatrixRank
    """,
    "keras.src.ops.image": """
        (data_format) RGBToGrayscale RGBToHSV HSVToRGB SobelEdges
        (size interpolation antialias crop_to_aspect_ratio pad_to_aspect_ratio fill_mode
        fill_value data_format) Resize
        (interpolation fill_mode fill_value data_format) AffineTransform
        (size strides dilation_rate padding data_format) ExtractPatches
        (order fill_mode fill_value) MapCoordinates
        (top_padding left_padding bottom_padding right_padding target_height target_width
        data_format) PadImages
        (top_cropping left_cropping bottom_cropping right_cropping target_height target_width
        data_format) CropImages
        (interpolation fill_value data_format) PerspectiveTransform
        (kernel_size sigma data_format) GaussianBlur
        (alpha sigma interpolation fill_mode fill_value seed data_format) ElasticTransform
        (spatial_dims method antialias) ScaleAndTranslate
        (max_val filter_size filter_sigma k1 k2 data_format) SSIM
    """,
    "keras.src.ops.einops": """
        () Rearrange
    """,
    "keras.src.activations.activations": "(negative_slope max_value threshold) ReLU",
}

# Functions whose names do not follow from those of the classes.
_FUNCTIONS = {
    "AllClose": "allclose",
    "BatchNorm": "batch_normalization",
    "CDist": "cdist",
    "CTCDecode": "ctc_decode",
    "CTCLoss": "ctc_loss",
    "FFT2": "fft2",
    "IFFT2": "ifft2",
    "IsIn": "isin",
    "LayerNorm": "layer_normalization",
    "PSNR": "psnr",
    "RMSNorm": "rms_normalization",
    "ReLU": "bent_relu",
    "SearchSorted": "searchsorted",
}


class Operation:
    """One op in the graph of a model: what it does, and the options it does it with.

    Each of Keras' classes of ops is a subclass, made when it is first asked for.
    """

    function = ""  # the name of the op
    options: tuple[str, ...] = ()  # the arguments that are in the config

    def __init__(self, name=None, **config):
        self.name = name or auto_name(type(self).__name__)
        self.config = config
        unknown = set(config) - set(self.options)
        if unknown:
            raise ValueError(
                f"{type(self).__name__} has no option {sorted(unknown)[0]!r}. "
                f"It has: {', '.join(self.options) or 'none'}"
            )

    def __call__(self, *args, **kwargs):
        """Call the op. In a graph of symbolic tensors the call gets this operation's name."""
        if self.function == "get_item" and len(args) > 1 and isinstance(args[1], list):
            args = (args[0], tuple(args[1]), *args[2:])  # JSON has no tuples
        outputs = _op_named(self.function, type(self).__name__)(*args, **kwargs, **self.config)
        for y in tree.leaves(outputs):
            if isinstance(y, KerasTensor) and y.node is not None:
                y.node.name = self.name
        return outputs

    def get_config(self):
        return {"name": self.name, **self.config}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"


class _Unlisted(Operation):
    """An op that Keras does not have."""

    def __init__(self, name, function):
        self.name, self.function, self.config = name, function, {}

    def get_config(self):
        raise ValueError(
            f"The op {self.function!r} has no name in Keras' files, so a model that holds it has "
            "no config. Put it into the `call` of a layer of your own."
        )


def _op_named(function, class_name):
    for place in (OPS, vars(ops), vars(getattr(ops, "image", ops))):
        if function in place:
            return place[function]
    raise ValueError(f"npkeras has no op for Keras' {class_name!r}.")


@functools.cache
def _classes():
    """Every class of `_CLASSES`, by its name."""
    found = {}
    for module, text in _CLASSES.items():
        options = ()
        for group, name in re.findall(r"\(([^)]*)\)|(\w+)", text):
            if not name:
                options = tuple(group.split())
                continue
            entries = {
                "__module__": module,
                "function": _FUNCTIONS.get(name, snake_case(name)),
                "options": options,
                "__reduce__": lambda self: (_again, (type(self).__name__, self.get_config())),
            }
            found[name] = type(name, (Operation,), entries)
    return found


def _again(name, config):
    return _classes()[name].from_config(config)


@functools.cache
def _class_for(function):
    return next((cls for cls in _classes().values() if cls.function == function), None)


def find(config):
    """The class of ops that an entry of a model's config names; None if it names a layer."""
    module = config.get("module") or ""
    if module.startswith(("keras.src.ops.", "keras.src.activations")):
        return _classes().get(config["class_name"])
    return None


def operation_of(node):
    """The operation behind the call of an op."""
    cls = _class_for(node.operation.name)
    if cls is None:
        return _Unlisted(node.name, node.operation.name)
    return cls(node.name, **_divided(node, cls)[1])


def arguments_of(node):
    """What an op is called with, without what is in its config."""
    return _divided(node, _class_for(node.operation.name))[0]


def _divided(node, cls):
    """The arguments of a call: those that it is made with, and those that belong to the op."""
    signature = inspect.signature(node.operation)
    bound = signature.bind(*node.args, **node.kwargs)
    given = len(bound.args)
    bound.apply_defaults()
    called, config = [], {}
    for i, (name, value) in enumerate(bound.arguments.items()):
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            called += value
        elif name in cls.options:
            config[name] = value
        elif kind is not inspect.Parameter.VAR_KEYWORD and (i < given or name in node.kwargs):
            called.append(value)
    return called, config


__all__ = ["Operation", "arguments_of", "find", "operation_of"]
