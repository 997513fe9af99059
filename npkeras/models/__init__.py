"""npkeras.models: layers put together, with `fit`."""

from npkeras.models.clone import clone_model, model_from_json
from npkeras.models.model import Model
from npkeras.models.sequential import Sequential
from npkeras.saving import load_model, save_model

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]
