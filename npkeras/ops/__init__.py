"""`npkeras.ops`: everything that can be differentiated or drawn, one definition for each."""

from npkeras.ops import image, linalg, nn, numpy
from npkeras.ops.arrange import unstack
from npkeras.ops.control import (
    associative_scan,
    cond,
    custom_gradient,
    fori_loop,
    map,
    scan,
    switch,
    vectorized_map,
    while_loop,
)
from npkeras.ops.create import (
    convert_to_numpy,
    convert_to_tensor,
    dtype,
    is_tensor,
    shape,
)
from npkeras.ops.decomposition import logdet
from npkeras.ops.elementwise import cast, rsqrt, stop_gradient
from npkeras.ops.indexing import slice
from npkeras.ops.linalg import *  # noqa: F403
from npkeras.ops.measure import cdist
from npkeras.ops.nn import *  # noqa: F403
from npkeras.ops.numpy import *  # noqa: F403
from npkeras.ops.order import in_top_k, top_k
from npkeras.ops.patterns import rearrange, view_as_complex, view_as_real
from npkeras.ops.reduction import logsumexp
from npkeras.ops.scatter import (
    scatter,
    scatter_update,
    segment_max,
    segment_min,
    segment_prod,
    segment_sum,
    slice_update,
)
from npkeras.ops.signal import (
    extract_sequences,
    fft,
    fft2,
    ifft2,
    irfft,
    istft,
    rfft,
    stft,
)
from npkeras.ops.special import erf, erfc, erfinv, saturate_cast

_PARTS = ("image", "linalg", "nn", "numpy")  # the modules that are public, as in Keras

__all__ = [
    name
    for name, value in list(globals().items())
    if name in _PARTS or (callable(value) and not name.startswith("_"))
]
