"""Files of older generations of Keras, brought to the layout of Keras 3 in one place.

`upgrade` does so for the config of a model, `upgrade_training` for how it is compiled, `arrays`
for weights and the state of optimizers. What changed in which class says `table`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from npkeras.core import check
from npkeras.saving.errors import CorruptFileError
from npkeras.saving.generations import training
from npkeras.saving.generations.arrays import fitted, upgraded_state
from npkeras.saving.generations.errors import NotExpressibleError
from npkeras.saving.generations.model import output_names, upgrade_model
from npkeras.saving.generations.values import hard_sigmoid_of_keras_2
from npkeras.saving.generations.version import parse_version

__all__ = [
    "NotExpressibleError",
    "fitted",
    "hard_sigmoid_of_keras_2",
    "output_names",
    "parse_version",
    "upgrade",
    "upgrade_training",
    "upgraded_state",
]


def upgrade(config: Any, version: str | None) -> dict[str, Any]:
    """The config of a model as Keras 3 would write it.

    Args:
        config: The parsed `config.json` of a `.keras` file, or `model_config` of a `.h5` file.
        version: The `keras_version` of the file; None where it names none, as before Keras 2.

    Returns:
        The config. Its `compile_config`, if there is one, is that of Keras 3 too.

    Raises:
        NotExpressibleError: Where the file holds what there is no counterpart of. The message
            names the layer and the reason.

    Example:
        >>> from npkeras.saving.generations import upgrade
        >>> layer = {"class_name": "LeakyReLU", "config": {"name": "bend", "alpha": 0.5}}
        >>> upgrade(layer, "2.15.0")["config"]
        {'name': 'bend', 'negative_slope': 0.5}
    """
    if not isinstance(config, dict) or "class_name" not in config or "config" not in config:
        raise CorruptFileError(
            "The config of a model must be a dict with `class_name` and `config`. "
            f"Received: {check.shown(config)}"
        )
    with _reading(version):
        return upgrade_model(config, parse_version(version))


def upgrade_training(
    config: Any, version: str | None, outputs: tuple[str, ...] = ()
) -> dict[str, Any] | None:
    """How a model is trained, as `compile_from_config` takes it; None if it is not.

    Args:
        config: The parsed `training_config` of a `.h5` file, or a `compile_config`.
        version: The `keras_version` of the file.
        outputs: The names of the model's outputs, where it has several.
    """
    with _reading(version):
        return training.upgrade_training(config, parse_version(version)[0], outputs)


@contextlib.contextmanager
def _reading(version: str | None) -> Iterator[None]:
    """Errors met in a config, as what they say of the file."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError) as error:
        raise CorruptFileError(
            f"The config of the model is not as Keras {version or 1} writes it: "
            f"{type(error).__name__}: {str(error)[:100]}"
        ) from error
