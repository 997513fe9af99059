"""The optimizers of Keras 2, of which Keras 3 has none: names that say what to use instead."""

_NAMES = ("Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "Optimizer", "RMSprop", "SGD")


def __getattr__(name):
    if name in _NAMES:
        raise ImportError(
            f"There is no `optimizers.legacy.{name}`, as there is none in Keras 3. "
            f"Use `optimizers.{name}`."
        )
    raise AttributeError(f"The module {__name__!r} has no attribute {name!r}")
