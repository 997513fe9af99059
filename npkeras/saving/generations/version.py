"""The version of Keras that wrote a file."""

from __future__ import annotations

import re


def parse_version(text: object) -> tuple[int, ...]:
    """`"2.3.1"` -> (2, 3, 1), `"2.2.4-tf"` -> (2, 2, 4); (1,) for None: Keras 1 wrote none."""
    if not isinstance(text, str) or not re.match(r"\d+", text):
        return (1,)
    numbers = re.match(r"\d{1,9}(\.\d{1,9})*", text)
    return tuple(map(int, numbers[0].split("."))) if numbers else (1,)
