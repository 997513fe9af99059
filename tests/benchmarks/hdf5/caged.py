"""The cage of tests/saving/attacks with files read by one reader or the other.

    python -m tests.benchmarks.hdf5.caged READER ...

It takes the place of the program that the cage would run, which is named after the reader.
"""

import sys

from tests.benchmarks.hdf5.switch import reading_by
from tests.saving.attacks import cage

if __name__ == "__main__":
    with reading_by(sys.argv[1]):
        cage._main()
