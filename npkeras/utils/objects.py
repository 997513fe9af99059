"""What the user made known to configs."""

from __future__ import annotations

from typing import Any

from npkeras.core import registry


def get_custom_objects() -> dict[str, Any]:
    """The dict of all classes and functions that configs may name besides npkeras' own.

    What is put into it is known from then on, in the whole process; `custom_object_scope`
    does the same for a few lines.

    Example:
        >>> get_custom_objects()["twice"] = lambda x: 2 * x
        >>> del get_custom_objects()["twice"]
    """
    return registry.CUSTOM
