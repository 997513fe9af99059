"""BackupAndRestore: training that was cut off goes on where it was."""

import math
import os
import random as python_random
import warnings

import numpy as np

from npkeras.callbacks.backup import BackupFolder
from npkeras.callbacks.base import Callback
from npkeras.callbacks.progress import announce
from npkeras.core import check, random
from npkeras.core.registry import register


@register("callbacks")
class BackupAndRestore(Callback):
    """Backs up training while it runs, and lets it go on after it was cut off.

    Run the same program again: `fit` begins at the epoch that was not finished, with the weights,
    the state of the optimizer, of the random numbers (Python's, NumPy's, npkeras') and of the
    other callbacks (what they name in `kept_state`). So it ends with the very weights it would
    have had. A backup within an epoch lets that epoch begin anew, with the newer weights.

    The two newest backups are kept: if one file is damaged, the older backup serves. A backup that
    cannot be written, because the disk is full, is said to be missing; training goes on.

    Args:
        backup_dir: A folder for this training alone.
        save_freq: "epoch", or after how many batches to make a backup.
        double_checkpoint: Taken for Keras' sake: the last backup but one is always kept.
        delete_checkpoint: Whether to remove the backups when training has ended.
    """

    comes_last = True  # when the others have forgotten what they knew, or learnt what is new
    companions = ()  # the other callbacks; the list that holds them all fills this in

    def __init__(
        self, backup_dir, save_freq="epoch", double_checkpoint=False, delete_checkpoint=True
    ):
        if not backup_dir:
            raise ValueError(
                f"`backup_dir` of BackupAndRestore must name a folder. Received: {backup_dir!r}"
            )
        if save_freq != "epoch":
            check.positive_int(save_freq, "save_freq", "BackupAndRestore")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._folder = BackupFolder(backup_dir)
        self._epoch = self._batches = 0

    def on_train_begin(self, logs=None):
        self._batches = 0
        found = self._folder.newest()
        if found is None:
            return
        weights, state = found
        if not getattr(self.model, "built", True):
            raise ValueError(
                "BackupAndRestore can restore a model only if it is built. "
                f"Received: {check.shown(self.model)}. Give it an `Input`, or call `build`."
            )
        optimizer = getattr(self.model, "optimizer", None)
        if not getattr(optimizer, "built", True):  # Keras would leave its state out
            optimizer.build(self.model.trainable_variables)
        self.model.load_weights(weights)
        self.model._initial_epoch = state["epoch"]
        self._restore(state)
        params = self.params or {}
        if state["epoch"] < params.get("epochs", math.inf) and params.get("verbose", 1):
            announce(f"BackupAndRestore: training goes on at epoch {state['epoch'] + 1}.")

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self._batches += 1
        if self.save_freq != "epoch" and self._batches % self.save_freq == 0:
            self._save(self._epoch)

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq == "epoch":
            self._save(epoch + 1)

    def on_train_end(self, logs=None):
        self.model._initial_epoch = None
        if self.delete_checkpoint:
            self._folder.clear()

    def _save(self, epoch):
        state = {
            "epoch": epoch,
            "random": python_random.getstate(),
            "numpy": np.random.get_state(),
            "seeds": [np.array(seed.numpy()) for seed in self._seeds()],
            "callbacks": [_kept(callback) for callback in self._keeping()],
        }
        try:
            self._folder.save(lambda path: self.model.save_weights(path, overwrite=True), state)
        except OSError as error:
            warnings.warn(
                f"BackupAndRestore could not back up epoch {epoch} in {self.backup_dir!r}: "
                f"{error}. Training goes on.",
                stacklevel=2,
            )

    def _seeds(self):
        """The state of each random generator: the global one and those of layers (dropout)."""
        variables = getattr(self.model, "variables", ())
        own = [variable for variable in variables if variable.name == "seed_generator_state"]
        return [random.global_seed_generator().state, *own]

    def _keeping(self):
        return [callback for callback in self.companions if getattr(callback, "kept_state", ())]

    def _restore(self, state):
        python_random.setstate(state["random"])
        np.random.set_state(state["numpy"])
        seeds = self._seeds()
        if len(seeds) != len(state["seeds"]):
            raise ValueError(
                f"The backup in {self.backup_dir!r} is of another model. Expected "
                f"{len(state['seeds'])} random generators (of dropout and the like, and the global "
                f"one). Received a model with {len(seeds)}."
            )
        for seed, value in zip(seeds, state["seeds"], strict=True):
            seed.assign(value)
        names = [type(callback).__name__ for callback in self._keeping()]
        if names != [name for name, _ in state["callbacks"]]:
            warnings.warn(
                "BackupAndRestore found other callbacks than those of the backup: they begin "
                f"anew. Received: {', '.join(names) or 'none'}",
                stacklevel=3,
            )
            return
        for callback, (_, kept) in zip(self._keeping(), state["callbacks"], strict=True):
            vars(callback).update(kept)


def _kept(callback):
    """The name of a callback's class, and what it wants to know again."""
    kept = {name: getattr(callback, name) for name in callback.kept_state}
    return type(callback).__name__, kept
