"""The table: how the config of each class changed from one generation of Keras to the next.

A generation is the first number of the `keras_version` in a file: 1, 2 or 3. Every row tells which
generation was the last to write something, for which classes, and what becomes of it. Rows are
taken from top to bottom, so that a row may rely on those above it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from npkeras.core import check
from npkeras.saving.errors import UnsafeModelError
from npkeras.saving.generations.errors import NotExpressibleError

Config = dict[str, Any]


class Owner(NamedTuple):
    """Which object of a file is being read, for messages and decisions."""

    class_name: str
    name: str
    version: tuple[int, ...]  # the `keras_version` of the file

    @property
    def generation(self) -> int:
        return self.version[0]

    def refuse(self, reason: str) -> NotExpressibleError:
        version = ".".join(map(str, self.version))
        return NotExpressibleError(
            f"Layer {self.name!r} ({self.class_name}) was saved by Keras {version} and cannot be "
            f"loaded: {reason}"
        )


Change = Callable[[Config, Owner], Config]


class Row(NamedTuple):
    until: int  # the last generation that wrote it so
    classes: frozenset[str] | None  # None: all layers
    change: Change
    becomes: str | None = None  # the class of today, where it has another name


# -- What a row may do ---------------------------------------------------------------------------


def drop(*names: str) -> Change:
    """Arguments without a meaning today."""
    return lambda config, owner: {k: v for k, v in config.items() if k not in names}


def rename(**names: str) -> Change:
    """Arguments that go by another name today: `old="new"`."""
    return lambda config, owner: {names.get(k, k): v for k, v in config.items()}


def refuse(name: str, allowed: tuple[Any, ...], reason: str) -> Change:
    """An argument that can be dropped where it has one of these values."""

    def change(config: Config, owner: Owner) -> Config:
        if name in config and not any(config[name] == value for value in allowed):
            raise owner.refuse(f"{name}={check.shown(config[name], 40)}: {reason}")
        return {k: v for k, v in config.items() if k != name}

    return change


def default(**values: Any) -> Change:
    """What an argument meant that was not written."""
    return lambda config, owner: {**values, **config}


def never(reason: str) -> Change:
    """A class that there is no counterpart of."""

    def change(config: Config, owner: Owner) -> Config:
        raise owner.refuse(reason)

    return change


def _same(config: Config, owner: Owner) -> Config:
    return config


def _first_of_axes(config: Config, owner: Owner) -> Config:
    axis = config.get("axis")
    if isinstance(axis, list):
        if len(axis) != 1:
            raise owner.refuse(f"axis={axis}: it normalizes over one axis here.")
        return {**config, "axis": axis[0]}
    return config


def _recurrent_default(config: Config, owner: Owner) -> Config:
    """`recurrent_activation` where it was not written: Keras 2.3 gave it another default."""
    old = owner.version < (2, 3)
    return {"recurrent_activation": "hard_sigmoid" if old else "sigmoid", **config}


def _from_lambda(config: Config, owner: Owner) -> Config:
    function = config.get("function")
    if config.get("function_type", "function") != "function" or not isinstance(function, str):
        reason = (
            "it is a Lambda layer whose function the file holds as compiled Python code, which "
            "npkeras never runs. Build the model in your own code and use `load_weights`."
        )
        raise UnsafeModelError(str(owner.refuse(reason)))
    named = {
        "module": "builtins", "class_name": "function", "config": function,
        "registered_name": "function",
    }  # fmt: skip
    gone = ("function_type", "module", "output_shape_type", "output_shape_module")
    return {**{k: v for k, v in config.items() if k not in gone}, "function": named}


def _slopes(config: Config, owner: Owner) -> Config:
    """`alpha` of LeakyReLU, saved as an array by some versions."""
    slope = config.get("negative_slope")
    if isinstance(slope, dict):
        slope = slope.get("value", (slope.get("config") or {}).get("value"))
        return {**config, "negative_slope": slope}
    return config


def _sizes(config: Config, owner: Owner) -> Config:
    """Keras 1: the size of a kernel as a number for each axis; steps under names of their own."""
    config = {**config}
    for old in (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3")):
        if old[0] in config:
            config["kernel_size"] = [config.pop(name) for name in old]
    for name, new in (("filter_length", "kernel_size"), ("subsample_length", "strides"),
                      ("subsample", "strides"), ("atrous_rate", "dilation_rate"),
                      ("pool_length", "pool_size"), ("stride", "strides")):  # fmt: skip
        if name in config:
            config[new] = config.pop(name)
    return config


def _paddings(config: Config, owner: Owner) -> Config:
    """Keras 1: four numbers of a ZeroPadding2D, in a row or by name; two for each axis today."""
    padding = config.get("padding")
    if isinstance(padding, dict):
        sides = ("top_pad", "bottom_pad", "left_pad", "right_pad")
        padding = [padding.get(side, 0) for side in sides]
    if isinstance(padding, list) and len(padding) == 4:
        return {**config, "padding": [padding[:2], padding[2:]]}
    return config


def _bins(config: Config, owner: Owner) -> Config:
    """`bins` of a Discretization: where they end, or how many there are to be."""
    config = {**config}
    if "bins" in config:
        bins = config.pop("bins")
        config["num_bins" if isinstance(bins, int) else "bin_boundaries"] = bins
    return config


def _orderings(config: Config, owner: Owner) -> Config:
    """Keras 1: `dim_ordering` "tf" or "th"."""
    config = {**config}
    ordering = config.pop("dim_ordering", None)
    if ordering in ("tf", "th"):
        config["data_format"] = {"tf": "channels_last", "th": "channels_first"}[ordering]
    elif ordering not in (None, "default"):
        raise owner.refuse(f"dim_ordering={check.shown(ordering, 40)} has no meaning.")
    return config


def _first_input(config: Config, owner: Owner) -> Config:
    """Keras 1: `input_dim` and `input_length` on a first layer that is no Embedding."""
    config = {**config}
    dim, length = config.pop("input_dim", None), config.pop("input_length", None)
    if dim is not None and "batch_input_shape" not in config:
        steps = owner.class_name in SEQUENCES or owner.class_name.endswith("1D")
        config["batch_input_shape"] = [None, length, dim] if steps else [None, dim]
    return config


# -- Classes -------------------------------------------------------------------------------------


def names(text: str) -> frozenset[str]:
    return frozenset(text.split())


CELLS = names("SimpleRNNCell LSTMCell GRUCell")
RECURRENT = names("RNN SimpleRNN LSTM GRU ConvLSTM1D ConvLSTM2D ConvLSTM3D")
DEPTHWISE = names("DepthwiseConv1D DepthwiseConv2D")
SEPARABLE = names("SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D")
TRANSPOSED = names(
    "Conv1DTranspose Conv2DTranspose Conv3DTranspose Convolution1DTranspose "
    "Convolution2DTranspose Convolution3DTranspose Deconvolution2D"
)
FUSED = names("CuDNNLSTM CuDNNGRU")
SEQUENCES = RECURRENT | names("TimeDistributedDense")
KERAS_1_SIZES = names(
    "Convolution1D Convolution2D Convolution3D AtrousConvolution1D AtrousConvolution2D "
    "SeparableConvolution2D Deconvolution2D ConvLSTM2D MaxPooling1D AveragePooling1D"
)

# -- The rows ------------------------------------------------------------------------------------

_KERAS_1 = [
    Row(1, None, drop("input_dtype", "consume_less", "create_input_layer")),
    Row(1, None, rename(init="kernel_initializer", bias="use_bias", border_mode="padding",
                        W_regularizer="kernel_regularizer", b_regularizer="bias_regularizer",
                        W_constraint="kernel_constraint", b_constraint="bias_constraint",
                        inner_init="recurrent_initializer", nb_filter="filters",
                        inner_activation="recurrent_activation", dropout_W="dropout",
                        U_regularizer="recurrent_regularizer", dropout_U="recurrent_dropout")),
    Row(1, None, _orderings),
    Row(1, names("Dense TimeDistributedDense"), rename(output_dim="units")),
    Row(1, RECURRENT, rename(output_dim="units")),
    Row(1, names("LSTM ConvLSTM2D"), rename(forget_bias_init="unit_forget_bias")),
    Row(1, names("LSTM ConvLSTM2D"), lambda config, owner: {
        **config, "unit_forget_bias": config.get("unit_forget_bias", "one") in ("one", "ones")}),
    Row(1, names("Embedding"), rename(kernel_initializer="embeddings_initializer",
                                      kernel_regularizer="embeddings_regularizer",
                                      kernel_constraint="embeddings_constraint")),
    Row(1, names("Embedding"), refuse("dropout", (0, 0.0, None),
                                      "dropout of whole words is not built.")),
    Row(1, names("PReLU"), rename(kernel_initializer="alpha_initializer")),
    Row(1, names("Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D GaussianDropout"),
        rename(p="rate")),
    Row(1, names("GaussianNoise"), rename(sigma="stddev")),
    Row(1, names("BatchNormalization"), rename(gamma_init="gamma_initializer",
                                               beta_init="beta_initializer")),
    Row(1, names("BatchNormalization"),
        refuse("mode", (0,), "only mode 0 was kept by later versions.")),
    Row(1, KERAS_1_SIZES, _sizes),
    Row(1, names("UpSampling1D"), rename(length="size")),
    Row(1, names("ZeroPadding2D"), _paddings),
    Row(1, names("Merge"), never("Merge layers became Add, Concatenate and others in Keras 2. "
                                 "Load and save the model with Keras 2 first.")),
    Row(1, names("MaxoutDense Highway SReLU ParametricSoftplus"),
        never("the class was removed in Keras 2.")),
    Row(1, None, lambda config, owner: (
        config if owner.class_name == "Embedding" else _first_input(config, owner))),
    Row(1, names("TimeDistributedDense"), _same, becomes="Dense"),
    Row(1, names("Convolution1D AtrousConvolution1D"), _same, becomes="Conv1D"),
    Row(1, names("Convolution2D AtrousConvolution2D"), _same, becomes="Conv2D"),
    Row(1, names("Convolution3D"), _same, becomes="Conv3D"),
    Row(1, names("Deconvolution2D"), drop("output_shape"), becomes="Conv2DTranspose"),
    Row(1, names("SeparableConvolution2D"), _same, becomes="SeparableConv2D"),
]  # fmt: skip

_KERAS_2 = [
    Row(2, FUSED, default(activation="tanh", recurrent_activation="sigmoid", use_bias=True)),
    Row(2, names("CuDNNGRU"), default(reset_after=True)),
    Row(2, names("CuDNNLSTM"), _same, becomes="LSTM"),
    Row(2, names("CuDNNGRU"), _same, becomes="GRU"),
    Row(2, RECURRENT | CELLS | FUSED | names("StackedRNNCells Bidirectional"),
        refuse("time_major", (False, None),
               "steps come second here. Save the model with time_major=False.")),
    Row(2, RECURRENT | CELLS | FUSED | names("StackedRNNCells"),
        drop("implementation", "num_constants", "input_dim", "input_length")),
    Row(2, names("GRU GRUCell"), default(reset_after=False)),
    Row(2, names("LSTM GRU LSTMCell GRUCell"), _recurrent_default),
    Row(2, names("StackedRNNCells"), drop("reverse_state_order")),
    Row(2, DEPTHWISE | SEPARABLE | TRANSPOSED,
        refuse("groups", (1, None), "the layer has no groups here.")),
    Row(2, DEPTHWISE | SEPARABLE,
        drop("kernel_initializer", "kernel_regularizer", "kernel_constraint")),
    Row(2, DEPTHWISE, drop("filters")),
    Row(2, names("MultiHeadAttention"),
        drop("query_shape", "key_shape", "value_shape", "softmax_robust_masking")),
    Row(2, names("Embedding"), drop("input_length", "sparse")),
    Row(2, names("BatchNormalization SyncBatchNormalization BatchNormalizationV1 "
                 "BatchNormalizationV2"), drop("fused", "virtual_batch_size", "adjustment")),
    Row(2, names("BatchNormalization SyncBatchNormalization BatchNormalizationV1 "
                 "BatchNormalizationV2"), _first_of_axes),
    Row(2, names("BatchNormalizationV1 BatchNormalizationV2"), _same, becomes="BatchNormalization"),
    Row(2, names("SyncBatchNormalization"), default(synchronized=True),
        becomes="BatchNormalization"),
    Row(2, names("SpatialDropout1D SpatialDropout2D SpatialDropout3D"),
        drop("noise_shape", "trainable")),
    Row(2, names("LeakyReLU"), rename(alpha="negative_slope")),
    Row(2, names("LeakyReLU"), _slopes),
    Row(2, names("ThresholdedReLU"),
        rename(theta="threshold"), becomes="ReLU"),
    Row(2, names("Lambda"), _from_lambda),
    Row(2, names("LocallyConnected1D LocallyConnected2D"),
        never("layers whose weights differ from place to place were removed in Keras 3.")),
    Row(2, names("DenseFeatures SequenceFeatures"),
        never("it is made of feature columns of TensorFlow.")),
    Row(2, names("TensorFlowOpLayer"), never("it holds a node of a TensorFlow graph.")),
    Row(2, names("ClassMethod InstanceMethod InstanceProperty"),
        never("it calls a method of a TensorFlow tensor.")),
    Row(2, names("InputLayer"), rename(batch_input_shape="batch_shape")),
    Row(2, names("InputLayer"), refuse("ragged", (False, None), "rows of different lengths.")),
    Row(2, names("InputLayer"), refuse("sparse", (False, None), "sparse tensors.")),
    Row(2, names("Masking RepeatVector Dense"), drop("input_dim", "input_length")),
    Row(2, names("Discretization"), _bins),
    Row(2, names("Normalization"), drop("is_adapted")),
    Row(2, None, drop("batch_input_shape", "input_spec", "build_input_shape", "dynamic")),
]  # fmt: skip

ROWS = [*_KERAS_1, *_KERAS_2]


def upgrade_layer(config: Config, owner: Owner) -> tuple[str, Config]:
    """The class and the arguments that a layer of an older file has today."""
    becomes = owner.class_name
    for row in ROWS:
        if owner.generation <= row.until and (
            row.classes is None or owner.class_name in row.classes
        ):
            config = row.change(config, owner)
            becomes = row.becomes or becomes
    return becomes, config
