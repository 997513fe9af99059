"""`npkeras.ops.nn`: what networks are made of."""

# ruff: noqa: F401 (the imports are the public names, as in `npkeras/ops/__init__.py`)

from npkeras.ops.activation import (
    celu,
    elu,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    swish,
    tanh_shrink,
    threshold,
)
from npkeras.ops.attention import dot_product_attention
from npkeras.ops.convolution import conv, conv_transpose, depthwise_conv, separable_conv
from npkeras.ops.create import multi_hot, one_hot
from npkeras.ops.ctc import ctc_decode, ctc_loss
from npkeras.ops.loss import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from npkeras.ops.measure import psnr
from npkeras.ops.normalization import (
    batch_normalization,
    layer_normalization,
    moments,
    normalize,
    rms_normalization,
)
from npkeras.ops.patches import fold, unfold
from npkeras.ops.patterns import depth_to_space, polar, space_to_depth
from npkeras.ops.pooling import (
    adaptive_average_pool,
    adaptive_max_pool,
    average_pool,
    max_pool,
)
