"""npkeras.models: layers put together, with `fit`."""

from npkeras.models.model import Model
from npkeras.models.sequential import Sequential

__all__ = ["Model", "Sequential"]
