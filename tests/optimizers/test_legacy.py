"""Names of Keras 2."""

import pytest

from npkeras.optimizers import legacy


def test_an_optimizer_of_keras_2_is_refused_with_the_name_of_its_successor():
    with pytest.raises(ImportError, match=r"no `optimizers.legacy.SGD`.*Use `optimizers.SGD`"):
        from npkeras.optimizers.legacy import SGD  # noqa: F401
    assert not hasattr(legacy, "Other")
