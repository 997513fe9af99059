"""The optimizers of Keras 2, of which Keras 3 has none: classes that say what to use instead.

They can be imported, as in Keras, so that a file that merely names them still runs.
"""

__all__ = ["Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "Optimizer", "RMSprop", "SGD"]


class _Gone:
    def __init__(self, *args, **kwargs):
        name = type(self).__name__
        raise ImportError(
            f"There is no `optimizers.legacy.{name}`, as there is none in Keras 3. "
            f"Use `optimizers.{name}`."
        )


class Adadelta(_Gone):
    """Gone: use `npkeras.optimizers.Adadelta`."""


class Adagrad(_Gone):
    """Gone: use `npkeras.optimizers.Adagrad`."""


class Adam(_Gone):
    """Gone: use `npkeras.optimizers.Adam`."""


class Adamax(_Gone):
    """Gone: use `npkeras.optimizers.Adamax`."""


class Ftrl(_Gone):
    """Gone: use `npkeras.optimizers.Ftrl`."""


class Nadam(_Gone):
    """Gone: use `npkeras.optimizers.Nadam`."""


class Optimizer(_Gone):
    """Gone: use `npkeras.optimizers.Optimizer`."""


class RMSprop(_Gone):
    """Gone: use `npkeras.optimizers.RMSprop`."""


class SGD(_Gone):
    """Gone: use `npkeras.optimizers.SGD`."""
