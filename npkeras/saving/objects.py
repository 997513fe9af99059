"""Objects as JSON, under Keras' names."""

from __future__ import annotations

from typing import Any

from npkeras.core import check, registry


def serialize_keras_object(obj: Any) -> Any:
    """An object, or a nest of objects and plain values, as JSON can hold it.

    Args:
        obj: A layer, loss, optimizer, ...; a function with a name; numbers, texts, arrays; lists
            and dicts of these.

    Example:
        >>> npkeras.saving.serialize_keras_object(npkeras.regularizers.L2(0.5))["config"]
        {'l2': 0.5}
    """
    return registry.serialize(obj)


def deserialize_keras_object(
    config: Any,
    custom_objects: dict[str, Any] | None = None,
    safe_mode: bool = True,
    **kwargs: Any,
) -> Any:
    """The object that `serialize_keras_object` described.

    Args:
        config: What `serialize_keras_object` gave.
        custom_objects: Classes and functions of your own, by the names the config has for them.
        safe_mode: Taken for Keras' sake. Code within a config is never run, whatever it says.
        kwargs: `module_objects`, a dict like `custom_objects` in which a bare name is looked up.

    Raises:
        ValueError: For a name that is neither npkeras' nor yours (a TypeError too). Nothing is
            imported.

    Example:
        >>> config = {"class_name": "Zeros", "config": {}}
        >>> npkeras.saving.deserialize_keras_object(config)((2,))
        array([0., 0.], dtype=float32)
    """
    module_objects = kwargs.pop("module_objects", None)
    check.no_more(kwargs, "`deserialize_keras_object`")
    if isinstance(config, str) and module_objects and config in module_objects:
        return module_objects[config]
    return registry.deserialize(config, custom_objects)
