"""What cannot be carried over from an older file."""


class NotExpressibleError(ValueError):
    """An older file holds something that there is no counterpart of."""
