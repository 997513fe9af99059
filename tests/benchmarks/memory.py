"""How much memory a process holds, and held at most, in MB; nan where the system does not say."""

import re


def now():
    return _status("VmRSS")


def peak():
    """Not `ru_maxrss`: on Linux a new process inherits that from the one that started it."""
    return _status("VmHWM")


def _status(name):
    try:
        with open("/proc/self/status") as file:
            return int(re.search(rf"{name}:\s+(\d+) kB", file.read()).group(1)) / 1024
    except (OSError, AttributeError):
        return float("nan")
