"""npkeras: Keras in NumPy. The same API, the same numbers, the same files, and it trains."""

from npkeras import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    dtype_policies,
    initializers,
    layers,
    losses,
    metrics,
    mixed_precision,
    models,
    ops,
    optimizers,
    preprocessing,
    random,
    regularizers,
    saving,
    tree,
    utils,
    wrappers,
)
from npkeras.core import absent as _absent
from npkeras.core.dtypes import DTypePolicy, FloatDTypePolicy
from npkeras.core.names import name_scope
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import GradientTape, no_grad
from npkeras.core.variable import Variable
from npkeras.initializers import Initializer
from npkeras.layers import Input, InputSpec, Layer
from npkeras.losses import Loss
from npkeras.metrics import Metric
from npkeras.models import Model, Sequential
from npkeras.optimizers import Optimizer
from npkeras.regularizers import Regularizer

__version__ = "0.1.0"

__all__ = [
    "DTypePolicy",
    "FloatDTypePolicy",
    "GradientTape",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Variable",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "name_scope",
    "no_grad",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "tree",
    "utils",
    "version",
    "wrappers",
]


def version():
    """The version of npkeras, which is not that of Keras."""
    return __version__


_absent.explain(__name__)
