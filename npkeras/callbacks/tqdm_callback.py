"""TqdmCallback: progress drawn by tqdm in its own style."""

from npkeras.callbacks.base import Callback, plain
from npkeras.core import check
from npkeras.core.registry import register


@register("callbacks")
class TqdmCallback(Callback):
    """Draws a bar of epochs, and one of batches below it, in tqdm's own style.

    Pass `verbose=0` to `fit` beside it. tqdm chooses what fits a terminal or a notebook.

    Args:
        epochs: How many epochs there are. None: what `fit` says.
        data_size, batch_size: How many samples there are, in batches of how many. None: the
            number of batches is what `fit` says.
        verbose: 0 for the epochs alone, 1 for a bar of the batches of the present epoch, 2 for
            one for each epoch, which stays.
        tqdm_class: The class that draws. None: `tqdm.auto.tqdm`.
        **tqdm_kwargs: Passed on to both bars.
    """

    def __init__(
        self,
        epochs=None,
        data_size=None,
        batch_size=None,
        verbose=1,
        tqdm_class=None,
        **tqdm_kwargs,
    ):
        if (data_size is None) != (batch_size is None):
            raise ValueError(
                "TqdmCallback needs both `data_size` and `batch_size`, or neither. "
                f"Received: data_size={data_size}, batch_size={batch_size}"
            )
        self.epochs = epochs
        self.batches = None if data_size is None else -(-data_size // batch_size)
        self.verbose = check.one_of((0, 1, 2), verbose, "verbose", "TqdmCallback")
        self.tqdm_class = tqdm_class
        self.tqdm_kwargs = tqdm_kwargs
        self.epoch_bar = self.batch_bar = None

    def on_train_begin(self, logs=None):
        params = self.params or {}
        total = params.get("epochs") if self.epochs is None else self.epochs
        self.epoch_bar = self._bar(desc="epochs", unit="epoch", total=total)

    def on_epoch_begin(self, epoch, logs=None):
        if self.epoch_bar.n < epoch:  # training goes on from an earlier one
            self.epoch_bar.update(epoch - self.epoch_bar.n)
        if self.verbose:
            total = (self.params or {}).get("steps") if self.batches is None else self.batches
            self.batch_bar = self._bar(
                desc=f"epoch {epoch + 1}", unit="batch", total=total, leave=self.verbose == 2
            )

    def on_train_batch_end(self, batch, logs=None):
        if self.batch_bar is not None:
            _advance(self.batch_bar, batch + 1, logs)

    def on_epoch_end(self, epoch, logs=None):
        _advance(self.epoch_bar, epoch + 1, logs)
        if self.batch_bar is not None:
            self.batch_bar.close()
            self.batch_bar = None

    def on_train_end(self, logs=None):
        self.on_train_abandoned()

    def on_train_abandoned(self):
        for bar in (self.batch_bar, self.epoch_bar):
            if bar is not None:
                bar.close()

    def display(self):
        """Show the bars in a notebook, where they may be made before they are shown."""
        show = getattr(self.epoch_bar, "container", None)
        if show is not None:
            from IPython.display import display

            display(show)

    def _bar(self, **settings):
        if self.tqdm_class is None:
            from tqdm.auto import tqdm

            self.tqdm_class = tqdm
        return self.tqdm_class(**{"dynamic_ncols": True, **settings, **self.tqdm_kwargs})


def _advance(bar, count, logs):
    """Set a bar to `count`. tqdm itself decides whether it is time to draw it."""
    numbers = {name: plain(value) for name, value in (logs or {}).items()}
    bar.set_postfix(numbers, refresh=False)
    bar.update(count - bar.n)
