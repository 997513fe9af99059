"""Tests that take `engine` run twice: on npkeras, and on live Keras, of which the same is true."""

import pytest

import npkeras


@pytest.fixture(params=["npkeras", pytest.param("keras", marks=pytest.mark.keras)])
def engine(request):
    """npkeras, or live Keras."""
    if request.param == "npkeras":
        return npkeras
    keras = request.getfixturevalue("keras")
    keras.utils.clear_session(free_memory=False)  # collecting garbage takes half a second
    return keras
