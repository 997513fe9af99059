"""npkeras.optimizers: rules by which gradients change weights."""

from npkeras.core import registry
from npkeras.optimizers import legacy, schedules
from npkeras.optimizers.adadelta import Adadelta
from npkeras.optimizers.adafactor import Adafactor
from npkeras.optimizers.adagrad import Adagrad
from npkeras.optimizers.adam import Adam, Adamax, AdamW, Nadam
from npkeras.optimizers.base import Optimizer
from npkeras.optimizers.ftrl import Ftrl
from npkeras.optimizers.lamb import Lamb
from npkeras.optimizers.lion import Lion
from npkeras.optimizers.loss_scale import LossScaleOptimizer
from npkeras.optimizers.rmsprop import RMSprop
from npkeras.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "legacy",
    "schedules",
    "serialize",
]


def get(identifier):
    """An optimizer by its name, in small letters or as written, by its config, or as it is.

    Example:
        >>> type(npkeras.optimizers.get("rmsprop")).__name__
        'RMSprop'
    """
    if isinstance(identifier, str):
        table = registry.table("optimizers")
        identifier = identifier if identifier in table else identifier.lower()
    if callable(identifier) and not isinstance(identifier, type):
        raise ValueError(f"An optimizer was expected. Received: {identifier!r:.80}")
    return registry.resolve("optimizers", identifier)


def serialize(optimizer):
    """An optimizer as JSON can hold it."""
    return registry.serialize(optimizer)


def deserialize(config, custom_objects=None):
    """The optimizer that `serialize` described. `Custom>Adam`, as Keras 2 wrote, is Adam."""
    if isinstance(config, dict) and isinstance(config.get("class_name"), str):
        name = config["class_name"].removeprefix("Custom>")
        table = registry.table("optimizers")
        if name in table or name.lower() in table:
            config = {**config, "class_name": name if name in table else name.lower()}
    with registry.CustomObjectScope(custom_objects):  # for a schedule inside
        return registry.deserialize(config, custom_objects, "optimizers")
