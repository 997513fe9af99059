"""What all sources of batches have in common: one epoch at a time, with or without `steps`."""

import warnings

from npkeras.core import check


class Adapter:
    """Batches `(x, y, sample_weight)`, None for what there is not; one epoch per iteration.

    Without `steps` an epoch is one pass over the data. With `steps` it is that many batches,
    and the next epoch goes on where the last one stopped; data that can be read again begin
    anew when they end between two epochs.

    Attributes:
        kind: What the data are, for messages.
        length: How many batches one pass has; None if nobody knows.
        num_batches: How many batches one epoch has; None if nobody knows.
        batch_size: How many samples a batch has; None if the data decide.
        num_samples: How many samples there are; None if nobody knows.
        repeatable: Whether the data can be read more than once.

    Example:
        >>> from npkeras import data
        >>> for x, y, sample_weight in data.adapt(np.zeros((5, 2)), np.ones(5), batch_size=3):
        ...     print(x.shape, y.shape, sample_weight)
        (3, 2) (3,) None
        (2, 2) (2,) None
    """

    kind = "data"
    length = None
    batch_size = None
    num_samples = None
    repeatable = True

    def __init__(self, steps=None):
        self.steps = None if steps is None else check.positive_int(steps, "steps", "the data")
        self._pass = None

    @property
    def num_batches(self):
        return self.length if self.steps is None else self.steps

    @property
    def partial_batch_size(self):
        """How many samples the last batch of a pass has, if it is smaller; None if nobody knows."""
        if self.num_samples is None or self.batch_size is None:
            return None
        return self.num_samples % self.batch_size

    @property
    def has_partial_batch(self):
        return bool(self.partial_batch_size)

    @property
    def batches_are_alike(self):
        """Whether all batches have the same number of rows, known before they are read."""
        return False

    def batches(self):
        """One pass over the data."""
        raise NotImplementedError(f"{type(self).__name__} must define `batches()`.")

    def on_epoch_begin(self):
        """Called by the loop before each epoch."""

    def on_epoch_end(self):
        """Called by the loop after each epoch."""

    def limit(self, steps):
        """Let an epoch have at most that many batches. None: no limit."""
        if steps is not None and (self.num_batches is None or self.num_batches > steps):
            warnings.warn(
                f"An epoch is limited to {steps} batches by `npkeras.config`.", stacklevel=4
            )
            self.steps = steps

    def reset(self):
        """Let the next epoch begin at the first batch again, if the data can do so."""
        self._pass = None

    def __iter__(self):
        return self._whole_pass() if self.steps is None else self._next_steps()

    def _whole_pass(self):
        expected = self.length
        count = 0
        for batch in self.batches():
            yield batch
            count += 1
        if count < (expected or 0) or (count == 0 and expected is None):
            self._warn_of_end(count, expected)

    def _next_steps(self):
        going_on = self._pass is not None
        if not going_on:
            self._pass = iter(self.batches())
        for done in range(self.steps):
            batch = next(self._pass, None)
            if batch is None and done == 0 and going_on and self.repeatable:
                self._pass = iter(self.batches())
                batch = next(self._pass, None)
            if batch is None:
                self._pass = None
                self._warn_of_end(done, self.steps)
                return
            yield batch

    def _warn_of_end(self, done, expected):
        steps = f"{done} of {expected} steps" if expected else f"{done} steps"
        advice = (
            "Give fewer steps, or data that repeat."
            if self.repeatable
            else "It cannot be read again: make it endless and give the number of steps."
        )
        warnings.warn(
            f"The {self.kind} ran out of data: this epoch ends after {steps}. {advice}",
            stacklevel=3,
        )
