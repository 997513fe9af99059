"""Public data sets, and made-up ones for where these cannot be had."""

from npkeras.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    fashion_mnist,
    glove,
    imdb,
    mnist,
    ptb,
    reuters,
    stand_in,
)
from npkeras.datasets.fetch import DataUnavailableError

__all__ = [
    "DataUnavailableError",
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "fashion_mnist",
    "glove",
    "imdb",
    "mnist",
    "ptb",
    "reuters",
    "stand_in",
]
