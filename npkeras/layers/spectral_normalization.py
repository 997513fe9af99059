"""SpectralNormalization: a layer that stretches no input by more than its length."""

import numpy as np

from npkeras import initializers, ops
from npkeras.core import check
from npkeras.core.registry import register
from npkeras.core.symbolic import KerasTensor
from npkeras.layers.input_spec import InputSpec
from npkeras.layers.wrappers import Wrapper


@register("layers")
class SpectralNormalization(Wrapper):
    """A layer whose kernel is divided by its largest singular value in every step of training.

    That value is estimated by power iteration: v <- u W' / |u W'|, u <- v W / |v W|, and then
    v W u'. The kernel itself is replaced. Source: Miyato et al., 2018, arxiv.org/abs/1802.05957.

    Args:
        layer: A layer with a `kernel`, or with `embeddings`.
        power_iterations: How often u and v are updated in a step.

    Example:
        >>> layer = SpectralNormalization(Dense(2), power_iterations=30)
        >>> y = layer(np.ones((1, 3)), training=True)
        >>> round(float(np.linalg.svd(layer.layer.kernel.numpy())[1][0]), 3)
        1.0
    """

    def __init__(self, layer, power_iterations=1, **kwargs):
        super().__init__(layer, **kwargs)
        self.power_iterations = check.positive_int(
            power_iterations, "power_iterations", "SpectralNormalization"
        )

    def build(self, input_shape):
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        self.kernel = getattr(self.layer, "kernel", getattr(self.layer, "embeddings", None))
        if self.kernel is None:
            raise ValueError(
                f"`layer` of SpectralNormalization must have a `kernel` or `embeddings`. Received "
                f"{self.layer.name!r} ({type(self.layer).__name__})."
            )
        self.vector_u = self.add_weight(
            shape=(1, self.kernel.shape[-1]),
            initializer=initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            dtype=self.kernel.dtype,
            name="vector_u",
        )

    def call(self, inputs, training=False):
        if training and not isinstance(inputs, KerasTensor):
            self._normalize_kernel()
        y = self.layer(inputs)
        return y if y.dtype == inputs.dtype else ops.cast(y, str(inputs.dtype))

    def _normalize_kernel(self):
        kernel, u = self.kernel.value, self.vector_u.value
        if not kernel.any():
            return
        dtype = np.result_type(kernel, np.float32)
        weights, u = kernel.reshape(-1, kernel.shape[-1]).astype(dtype), u.astype(dtype)
        for _ in range(self.power_iterations):
            v = _unit(u @ weights.T)
            u = _unit(v @ weights)
        self.vector_u.assign(u)
        self.kernel.assign(kernel / (v @ weights @ u.T))


def _unit(vector):
    return vector / max(np.linalg.norm(vector), 1e-12)
