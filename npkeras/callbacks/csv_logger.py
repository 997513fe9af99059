"""CSVLogger: the logs of every epoch as a line of a table."""

import collections.abc
import csv
import os

import numpy as np

from npkeras.callbacks.base import Callback
from npkeras.core.registry import register


@register("callbacks")
class CSVLogger(Callback):
    """Writes the logs of every epoch to a CSV file, one whole line at a time.

    The columns are `epoch`, then what the first epoch logged, by name. What a later epoch lacks
    is written `NA`.

    Args:
        filename: The file.
        separator: What stands between two columns.
        append: Whether to go on with a file that exists, rather than to write it anew.
    """

    def __init__(self, filename, separator=",", append=False):
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.keys = None
        self.csv_file = None
        self._write_header = True

    def on_train_begin(self, logs=None):
        self.keys = None
        self._write_header = True
        if self.append and os.path.exists(self.filename):
            with open(self.filename, newline="", encoding="utf-8") as file:
                header = next(csv.reader(file, delimiter=self.sep), [])
            self._write_header = not header
            self.keys = header[1:] if header[:1] == ["epoch"] else None
        mode = "a" if self.append else "w"
        self.csv_file = open(self.filename, mode, newline="", encoding="utf-8")

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        writer = csv.writer(self.csv_file, delimiter=self.sep)
        if self.keys is None:
            self.keys = _columns(logs)
        if self._write_header:
            writer.writerow(["epoch", *self.keys])
            self._write_header = False
        writer.writerow([epoch, *(_shown(logs.get(key, "NA")) for key in self.keys)])
        self.csv_file.flush()

    def on_train_end(self, logs=None):
        self.csv_file.close()
        self.csv_file = None

    def on_train_abandoned(self):
        if self.csv_file is not None:
            self.on_train_end()


def _columns(logs):
    """The columns for these logs: also for validation, which may begin in a later epoch."""
    names = sorted(logs)
    if not any(name.startswith("val_") for name in names):
        names += [f"val_{name}" for name in names]
    return names


def _shown(value):
    if isinstance(value, str) or getattr(value, "ndim", None) == 0:
        return value
    if isinstance(value, (np.ndarray, collections.abc.Iterable)):
        return f'"[{", ".join(map(str, value))}]"'
    return value
