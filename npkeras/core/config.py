"""The few settings that hold for a whole process, with Keras' names and defaults."""

from __future__ import annotations

import os

from npkeras.core import check

_FLOATS = ("bfloat16", "float16", "float32", "float64")


def _limit_from_environment(name: str) -> int | None:
    return int(os.environ[name]) if os.environ.get(name) else None


_settings: dict[str, object] = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "random_stream": "tensorflow",
    "interactive_logging": True,
    "max_epochs": _limit_from_environment("KERAS_MAX_EPOCHS"),
    "max_steps_per_epoch": _limit_from_environment("KERAS_MAX_STEPS_PER_EPOCH"),
}


def _choose(setting: str, value: str, allowed: tuple[str, ...]) -> None:
    _settings[setting] = check.one_of(allowed, value, setting, f"`set_{setting}`")


def floatx() -> str:
    """The dtype of weights and of inputs whose dtype nobody gave: `"float32"` unless set."""
    return str(_settings["floatx"])


def set_floatx(value: str) -> None:
    """Set the default float dtype: `"bfloat16"`, `"float16"`, `"float32"` or `"float64"`."""
    _choose("floatx", value, _FLOATS)


def epsilon() -> float:
    """The small number that keeps logarithms and divisions finite: 1e-7 unless set."""
    return float(_settings["epsilon"])  # type: ignore[arg-type]


def set_epsilon(value: float) -> None:
    """Set the small number that keeps logarithms and divisions finite."""
    _settings["epsilon"] = float(check.number(value, "value", "`set_epsilon`", low=0))


def image_data_format() -> str:
    """Where images keep their channels: `"channels_last"` unless set."""
    return str(_settings["image_data_format"])


def set_image_data_format(data_format: str) -> None:
    """Set where images keep their channels: `"channels_first"` or `"channels_last"`."""
    data_format = str(data_format).lower()
    _choose("image_data_format", data_format, ("channels_first", "channels_last"))


def random_stream() -> str:
    """Which generator draws dropout masks and noise: `"tensorflow"` or `"numpy"`."""
    return str(_settings["random_stream"])


def set_random_stream(name: str) -> None:
    """Choose the generator behind dropout and noise.

    `"tensorflow"`, the default, draws TensorFlow's own numbers for a given seed, so that a
    model trains as it does in Keras. `"numpy"` is as reproducible, with other numbers, and
    draws masks 4 to 9 times faster.
    """
    _choose("random_stream", name, ("tensorflow", "numpy"))


def backend() -> str:
    """The name of the engine that computes: always `"numpy"`."""
    return "numpy"


def max_epochs() -> int | None:
    """The largest number of epochs that any `fit` runs; None for no limit."""
    return _settings["max_epochs"]  # type: ignore[return-value]


def set_max_epochs(max_epochs: int | None) -> None:
    """Limit the epochs of every `fit`, to try a script quickly as it is.

    The environment variable `KERAS_MAX_EPOCHS` does the same. None: no limit.
    """
    _set_limit("max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """The largest number of batches that `fit`, `evaluate` and `predict` take in one pass."""
    return _settings["max_steps_per_epoch"]  # type: ignore[return-value]


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Limit the batches of one pass in `fit`, `evaluate` and `predict`, to try a script quickly.

    The environment variable `KERAS_MAX_STEPS_PER_EPOCH` does the same. None: no limit.
    """
    _set_limit("max_steps_per_epoch", max_steps_per_epoch)


def _set_limit(setting: str, value: int | None) -> None:
    if value is not None:
        value = check.positive_int(value, setting, f"`set_{setting}`")
    _settings[setting] = value


def is_interactive_logging_enabled() -> bool:
    """Whether progress and messages are printed: True unless disabled."""
    return bool(_settings["interactive_logging"])


def enable_interactive_logging() -> None:
    """Print progress and messages on the standard output."""
    _settings["interactive_logging"] = True


def disable_interactive_logging() -> None:
    """Give progress and messages to the logger `npkeras`, as information, instead of printing."""
    _settings["interactive_logging"] = False


def enable_unsafe_deserialization() -> None:
    """Not supported: code in a file is never run, so there is nothing to enable."""
    raise RuntimeError(
        "npkeras never runs code from a file, and no setting changes that. Pass functions and "
        "classes of your own through `custom_objects`."
    )
