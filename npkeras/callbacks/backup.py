"""A folder of backups, of which the newest whole one counts.

Each backup is two files with one number: `0000007.weights.h5`, and `0000007.npz`, which holds all
else and the checksum of the first. The second is written last and appears in one go, so that a
backup is there wholly or not at all; and the one before it is kept.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import warnings
import zipfile

import numpy as np

_KEPT = 2  # the newest, and one more in case it gets damaged
_NUMBER = re.compile(r"(\d{7})\.npz")


class BackupFolder:
    """The backups in a folder.

    Args:
        path: The folder. It is made when the first backup is.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def numbers(self):
        """The numbers of the backups, the newest first."""
        found = map(_NUMBER.fullmatch, os.listdir(self.path) if self.path.is_dir() else ())
        return sorted((int(match[1]) for match in found if match), reverse=True)

    def save(self, save_weights, state):
        """Add a backup, and remove those that are older than the last one.

        Args:
            save_weights: A function that writes a file of that name.
            state: A nest of lists, tuples, dicts, numbers, strings and arrays.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        number = max(self.numbers(), default=0) + 1
        weights = self._file(number, "weights.h5")
        save_weights(str(weights))
        part = self._file(number, "part")
        with open(part, "wb") as file:
            np.savez(file, **_pack({"checksum": _checksum(weights), "state": state}))
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self._file(number, "npz"))
        self._remove(self.numbers()[_KEPT:])

    def newest(self):
        """The file of weights and the state of the newest backup that is whole; or None."""
        for number in self.numbers():
            weights = self._file(number, "weights.h5")
            try:
                with np.load(self._file(number, "npz"), allow_pickle=False) as file:
                    content = _unpack(file)
                if content["checksum"] == _checksum(weights):
                    return str(weights), content["state"]
            except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile):
                pass
            warnings.warn(
                f"Backup {number} in {str(self.path)!r} is damaged: an older one is tried.",
                stacklevel=3,
            )
        return None

    def clear(self):
        """Remove all backups, and the folder if nothing else is in it."""
        self._remove(self.numbers())
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def _remove(self, numbers):
        for number in numbers:
            for ending in ("npz", "weights.h5"):
                self._file(number, ending).unlink(missing_ok=True)

    def _file(self, number, ending):
        return self.path / f"{number:07d}.{ending}"


def _checksum(path):
    with open(path, "rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _pack(content):
    """A nest as arrays: those in it by number, and the rest as JSON that names them."""
    arrays = []

    def plain(value):
        if isinstance(value, (np.ndarray, np.generic)):
            arrays.append(np.asarray(value))
            return {"array": len(arrays) - 1}
        if isinstance(value, dict):
            return {"dict": [[key, plain(item)] for key, item in value.items()]}
        if isinstance(value, (list, tuple)):
            return {type(value).__name__: [plain(item) for item in value]}
        return value

    text = json.dumps(plain(content)).encode()
    packed = {f"array_{i}": array for i, array in enumerate(arrays)}
    return {"json": np.frombuffer(text, np.uint8), **packed}


def _unpack(file):
    def restore(value):
        if not isinstance(value, dict):
            return value
        ((kind, content),) = value.items()
        if kind == "array":
            return file[f"array_{content}"]
        if kind == "dict":
            return {key: restore(item) for key, item in content}
        items = [restore(item) for item in content]
        return tuple(items) if kind == "tuple" else items

    return restore(json.loads(file["json"].tobytes().decode()))
