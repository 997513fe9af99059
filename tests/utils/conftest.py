"""The cache folder and the web site of the tests of data sets serve here, too."""

from tests.datasets.conftest import home, no_network, site  # noqa: F401
