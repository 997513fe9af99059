"""The fixture `engine`, as for the layers."""

from tests.layers.conftest import engine  # noqa: F401
