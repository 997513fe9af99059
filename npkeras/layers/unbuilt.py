"""What stands for a weight while a layer is not built."""


class MadeByBuild:
    """A class attribute in place of a weight that `build` makes, which then hides it.

    Whoever reads it before is told when there will be one; `hasattr` is False.

    Example:
        >>> hasattr(npkeras.layers.Dense(2), "kernel")
        False
    """

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, layer, owner=None):
        if layer is None:
            return self
        raise AttributeError(
            f"Layer {getattr(layer, 'name', None)!r} ({type(layer).__name__}) has no `{self.name}` "
            "yet: its weights are made when it is built. Call it on inputs, or "
            "`build(input_shape)` it, first."
        )
