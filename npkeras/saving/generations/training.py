"""How older files say how a model is trained: optimizer, losses, metrics."""

from __future__ import annotations

import inspect
from typing import Any

from npkeras.core import registry
from npkeras.core.names import snake_case
from npkeras.saving.errors import warn

Config = dict[str, Any]

_TAKEN = (
    "optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly",
    "steps_per_execution", "jit_compile",
)  # fmt: skip
_NO_MEANING = ("jit_compile", "is_legacy_optimizer", "decay", "schedule_decay")


def upgrade_training(
    config: Any, generation: int, outputs: tuple[str, ...] = ()
) -> dict[str, Any] | None:
    """What `compile_from_config` takes, from a `compile_config` or a `training_config`.

    Args:
        config: The parsed JSON of either; None if the model was not compiled.
        generation: The generation of Keras that wrote it.
        outputs: The names of the model's outputs, where it has several.
    """
    if not config:
        return None
    given = dict(config)
    if "optimizer_config" in given:
        given["optimizer"] = given.pop("optimizer_config")
    given["loss"] = _each(given.get("loss"), lambda one: _located(one, "losses"))
    for name in ("metrics", "weighted_metrics"):
        given[name] = _each(given.get(name), lambda one: _located(one, "metrics"))
    if generation < 3:
        given["optimizer"] = upgrade_optimizer(given.get("optimizer"))
        given["loss"] = _each(given.get("loss"), upgrade_loss)
        for name in ("metrics", "weighted_metrics"):
            given[name] = _each(given.get(name), upgrade_metric)
            _take_prefixes_off(given[name], outputs)
        given["metrics"] = _as_lists(given["metrics"])
    for name in ("loss", "metrics", "weighted_metrics"):
        given[name] = _named(given[name])
    given = {k: v for k, v in given.items() if k in _TAKEN and v is not None}
    return given if given.get("optimizer") is not None else None


def _each(value: Any, change: Any) -> Any:
    if registry.is_config(value):
        return change(value)
    if isinstance(value, dict):
        return {k: _each(v, change) for k, v in value.items()}
    if isinstance(value, list):
        return [_each(v, change) for v in value]
    return value


def _named(value: Any) -> Any:
    """The names of the user's own functions as configs: looked up now, while they are known."""
    if isinstance(value, str):
        own = inspect.isfunction(registry.get_registered_object(value))
        if not own:
            return value
        return {"module": "builtins", "class_name": "function", "config": value,
                "registered_name": "function"}  # fmt: skip
    if isinstance(value, dict) and not registry.is_config(value):
        return {k: _named(v) for k, v in value.items()}
    return [_named(v) for v in value] if isinstance(value, list) else value


def _located(config: Config, kind: str) -> Config:
    """A loss or metric with its module, which `.h5` files leave out: some share their names."""
    if "module" not in config and config["class_name"] in registry.table(kind):
        return {**config, "module": f"keras.{kind}", "registered_name": None}
    return config


def _as_lists(metrics: Any) -> Any:
    return [metrics] if isinstance(metrics, str) else metrics


def _take_prefixes_off(metrics: Any, outputs: tuple[str, ...]) -> None:
    """Metrics of several outputs were saved under the names of their results: `output_mae`."""
    if not isinstance(metrics, list) or len(metrics) != len(outputs) or len(outputs) < 2:
        return
    for output, several in zip(outputs, metrics, strict=True):
        for metric in several if isinstance(several, list) else [several]:
            if registry.is_config(metric) and isinstance(metric["config"], dict):
                name = metric["config"].get("name")
                if isinstance(name, str):
                    metric["config"]["name"] = name.removeprefix(f"{output}_")


# -- Optimizers ----------------------------------------------------------------------------------


def upgrade_optimizer(value: Any) -> Any:
    """An optimizer of Keras 1 or 2, as a config of today."""
    if not registry.is_config(value) or not isinstance(value["config"], dict):
        return value
    name = str(value["class_name"]).removeprefix("Custom>")
    known = registry.table("optimizers").get(name)
    if known is None:
        return value  # the user's own: looked up under the name that it has
    config = dict(value["config"])
    if "inner_optimizer" in config:
        config["inner_optimizer"] = upgrade_optimizer(config["inner_optimizer"])
    if "lr" in config:
        config["learning_rate"] = config.pop("lr")
    if config.get("epsilon", 0) is None:
        config["epsilon"] = 1e-7
    config["learning_rate"] = _with_decay(known.__name__, config)
    if config["learning_rate"] is None:
        del config["learning_rate"]
    taken = registry.argument_names(known)
    unknown = [k for k in config if k not in taken and k not in _NO_MEANING]
    if unknown:
        warn(
            f"The optimizer {name!r} of the file has settings that there is no counterpart of: "
            f"{', '.join(unknown)}. They were left out."
        )
    return {
        "module": "keras.optimizers", "class_name": known.__name__,
        "config": {k: v for k, v in config.items() if k in taken}, "registered_name": None,
    }  # fmt: skip


def _with_decay(name: str, config: Config) -> Any:
    """The learning rate, which `decay` made smaller with every update."""
    rate, decay = config.get("learning_rate"), config.get("decay")
    if not decay or not isinstance(rate, (int, float)) or not isinstance(decay, (int, float)):
        return rate
    if name == "Nadam":  # there it is another name of `schedule_decay`
        warn(
            "The Nadam of the file is that of Keras before 2.11, whose momentum follows another "
            "schedule: training goes on a little differently."
        )
        return rate
    return {
        "module": "keras.optimizers.schedules", "class_name": "InverseTimeDecay",
        "config": {"initial_learning_rate": rate, "decay_steps": 1, "decay_rate": decay,
                   "staircase": False, "name": "InverseTimeDecay"},
        "registered_name": None,
    }  # fmt: skip


# -- Losses and metrics --------------------------------------------------------------------------


def upgrade_loss(value: Config) -> Any:
    """A loss: `reduction` "auto" meant the mean over all samples wherever models are compiled."""
    if value["class_name"] == "function" or not isinstance(value["config"], dict):
        return value
    config = dict(value["config"])
    if config.get("reduction") == "auto":
        config["reduction"] = "sum_over_batch_size"
    function = config.pop("fn", None)
    if value["class_name"] == "LossFunctionWrapper" and function is not None:
        return _name_of(function)
    return {**value, "config": config}


def upgrade_metric(value: Config) -> Any:
    """A metric; one made of a function becomes the class that is made of the same function."""
    if not isinstance(value["config"], dict):
        return value
    config = dict(value["config"])
    function = config.pop("fn", None)
    if value["class_name"] not in ("MeanMetricWrapper", "SumOverBatchSizeMetricWrapper"):
        return {**value, "config": config}
    name = _name_of(function)
    known = _class_of(name)
    if known is None:
        return name  # a function of the user's
    return {
        "module": "keras.metrics", "class_name": known, "config": config, "registered_name": None,
    }  # fmt: skip


def _name_of(function: Any) -> Any:
    if registry.is_config(function) and function["class_name"] == "function":
        return function["config"]
    return function


def _class_of(function: Any) -> str | None:
    for name, metric in registry.members("metrics").items():
        if isinstance(metric, type) and snake_case(name) == function:
            return name
    return {"cosine_proximity": "CosineSimilarity", "kullback_leibler_divergence": "KLDivergence",
            "kld": "KLDivergence", "logcosh": "LogCoshError", "log_cosh": "LogCoshError",
            "root_mean_squared_error": "RootMeanSquaredError"}.get(str(function))  # fmt: skip
