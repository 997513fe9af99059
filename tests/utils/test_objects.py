"""What the user makes known to configs."""

import pytest

from npkeras import utils
from npkeras.core import registry


def test_what_is_put_into_the_dict_is_known_to_configs():
    def twice(x):
        return 2 * x

    utils.get_custom_objects()["twice"] = twice
    try:
        assert registry.resolve("activations", "twice") is twice
    finally:
        del utils.get_custom_objects()["twice"]
    with pytest.raises(ValueError, match="twice"):
        registry.resolve("activations", "twice")


def test_what_is_registered_is_in_the_dict():
    @utils.register_keras_serializable("Mine")
    def thrice(x):
        return 3 * x

    assert utils.get_custom_objects().pop("Mine>thrice") is thrice


@pytest.mark.keras
def test_every_name_is_one_of_keras(keras):
    assert [name for name in utils.__all__ if not hasattr(keras.utils, name)] == []
