"""How npkeras is installed: what it needs to run, and the extras."""

import pathlib
import re

from setuptools import find_packages, setup

HERE = pathlib.Path(__file__).parent
VERSION = re.search(
    r'^__version__ = "(.+)"', (HERE / "npkeras/__init__.py").read_text(), re.MULTILINE
).group(1)

EXAMPLES = ["matplotlib>=3.7"]
KERAS = ["tensorflow-cpu==2.21.*; platform_machine == 'x86_64'", "keras==3.15.*"]
TEST = [
    "pytest>=8",
    "pytest-xdist>=3.5",
    "hypothesis>=6.100",
    "scipy>=1.11",
    "pandas>=2",
    "scikit-learn>=1.6",
    "ruff>=0.9",
    "mypy>=1.10",
    *EXAMPLES,
    *KERAS,
]

setup(
    name="npkeras",
    version=VERSION,
    description="Keras in NumPy: the same API, the same numbers, the same files, and it trains.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    packages=find_packages(include=["npkeras", "npkeras.*"]),
    python_requires=">=3.10",
    install_requires=["numpy>=2.0", "h5py>=3.10", "tqdm>=4.60", "threadpoolctl>=3.1"],
    extras_require={"examples": EXAMPLES, "keras": KERAS, "test": TEST},
)
