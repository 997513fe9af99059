"""The few settings that hold for a whole process, with Keras' names and defaults."""

from __future__ import annotations

from npkeras.core import check

_FLOATS = ("bfloat16", "float16", "float32", "float64")

_settings: dict[str, object] = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "random_stream": "tensorflow",
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
