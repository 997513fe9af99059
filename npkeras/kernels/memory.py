"""Keeping memory that was freed: the next training step asks for the same amount again.

By default the C library hands larger arrays back to the system as soon as they are freed, and the
system then has to clear every page of the next ones: a quarter of the time of a training step.
"""

from __future__ import annotations

import ctypes
import os

# The parameters of mallopt(3) of the GNU C library, and the largest threshold that it takes.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_ARRAY = 32 * 2**20

_KEPT = 256 * 2**20


def keep_freed_memory() -> bool:
    """Let the process keep up to 256 MB of freed memory, in arrays of up to 32 MB each.

    Nothing happens, and False is returned, where the C library is another one, or where the
    environment already says what to do (`MALLOC_TRIM_THRESHOLD_`, `MALLOC_MMAP_THRESHOLD_` or
    `GLIBC_TUNABLES`).
    """
    if any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or another system
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _LARGEST_ARRAY) and mallopt(_TRIM_THRESHOLD, _KEPT))
