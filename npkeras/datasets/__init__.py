"""Public data sets, and made-up ones for where these cannot be had."""

from npkeras.datasets import glove, imdb, mnist, ptb, stand_in
from npkeras.datasets.fetch import DataUnavailableError

__all__ = ["DataUnavailableError", "glove", "imdb", "mnist", "ptb", "stand_in"]
