"""The line that shows how far training has come.

In a terminal or a notebook it is redrawn in place, by tqdm; elsewhere (a file, a pipe) each
finished line is written once, as plain text. With `npkeras.config.disable_interactive_logging()`
nothing is drawn, and the finished lines go to the logger `npkeras`.
"""

import functools
import logging
import shutil
import sys
import time

import numpy as np

from npkeras.core import config

BOLD, GREEN, WHITE, PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"
SMALLEST_DECIMAL = 1e-3  # a value not above it is shown with an exponent

clock = time.perf_counter
_unfinished = False  # whether the last thing drawn was a line that is still to be redrawn


class Progbar:
    """A progress bar: `2/3 ━━━━━━━━━━━━━━━━━━━━ 0s 10ms/step - accuracy: 0.5000 - loss: 1.2345`.

    Before the end the time is what is still to come, at the end what it took. A value is shown
    as its average over the steps so far, or, if it is "stateful", as it was last given.

    Args:
        target: How many steps there are. None if nobody knows.
        width: How many characters long the bar is.
        verbose: 0 for nothing, 1 for the bar, 2 for one line at the end.
        interval: The least number of seconds between two drawings.
        stateful_metrics: The names of the values not to be averaged.
        stateless_metrics: The names of the values to be averaged, if all others are not.
        unit_name: What a step is called.

    Example:
        >>> bar = Progbar(3, verbose=2)
        >>> bar.update(1, [("loss", 1.0)])
        >>> bar.update(3, [("loss", 0.5)])  # doctest: +ELLIPSIS
        3/3 - 0s - ...s/step - loss: 0.5000
    """

    def __init__(
        self,
        target,
        width=20,
        verbose=1,
        interval=0.05,
        stateful_metrics=None,
        stateless_metrics=None,
        unit_name="step",
    ):
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self.stateful_metrics = set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self._values = {}  # name -> what is shown
        self._sums = {}  # name -> sum over the steps, steps; of those that are averaged
        self._seen = 0
        self._start = clock()
        self._after_first_step = None
        self._last_drawing = float("-inf")
        self._drawing = None

    def update(self, current, values=None, finalize=None):
        """Show that `current` steps are done.

        Args:
            current: How many steps are done.
            values: Pairs of a name and a number.
            finalize: Whether this is the end. None: if the target is reached.
        """
        if not self.verbose:
            return
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        for name, value in values or ():
            self._take(name, value, current, finalize)
        self._seen = current
        now = clock()
        if finalize:
            self._finish(current, now)
        elif self.verbose == 1 and now - self._last_drawing >= self.interval:
            self._draw(current, now)
        if self._after_first_step is None and current > 0:
            self._after_first_step = now

    def add(self, n, values=None):
        """Show that `n` more steps are done."""
        self.update(self._seen + n, values)

    def _take(self, name, value, current, finalize):
        known = finalize or value is None or isinstance(value, str) or self._is_stateful(name)
        if not known:
            steps = max(current - self._seen, 1)
            total, count = self._sums.get(name, (-0.0, 0))  # -0.0 changes no number, not even -0.0
            self._sums[name] = total, count = total + value * steps, count + steps
            value = total / count
        self._values[name] = value

    def _is_stateful(self, name):
        if self.stateless_metrics is not None:
            return name not in self.stateless_metrics
        return name in self.stateful_metrics

    def _draw(self, current, now):
        global _unfinished
        self._last_drawing = now
        if is_live(sys.stdout):
            self._live_line().draw(self._line(current, now, False, colors=True))
            _unfinished = True

    def _finish(self, current, now):
        global _unfinished
        if self.verbose == 2:
            say(self._short_line(current, now))
        elif is_live(sys.stdout):
            self._live_line().draw(self._line(current, now, True, colors=True), whole=True)
            say("")
            self._drawing.close()
            self._drawing = None
        else:
            say(self._line(current, now, True, colors=False))
        _unfinished = False

    def _live_line(self):
        if self._drawing is None:
            self._drawing = _live_line()(file=sys.stdout)
        return self._drawing

    def _line(self, current, now, finalize, colors):
        if self.target and not finalize:
            times = remaining(self._step_time(current, now) * (self.target - current))
        else:
            times = f"{now - self._start:.0f}s"
        bold, plain = (BOLD, PLAIN) if colors else ("", "")
        return (
            f"{self._counter(current, colors)}{self._bar(current, colors)} {bold}{times}{plain} "
            f"{self._pace(current, now)}{self._shown_values()}"
        )

    def _short_line(self, current, now):
        return (
            f"{self._counter(current, False).strip()} - {now - self._start:.0f}s - "
            f"{self._pace(current, now)}{self._shown_values(short=True)}"
        )

    def _counter(self, current, colors):
        if not self.target:
            return f"{current:7d}/Unknown"
        text = f"{current:{len(str(self.target))}d}/{self.target}"
        return f"{BOLD}{text}{PLAIN}" if colors else text

    def _bar(self, current, colors):
        if not self.target:
            return ""
        full, empty = "━━" if _can_write("━") else "=-"
        done = int(self.width * min(current / self.target, 1))
        done, rest = full * done, (empty if colors else " ") * (self.width - done)
        if not colors:
            return f" {done}{rest}"
        return f" {GREEN if done else ''}{done}{PLAIN if done else ''}{WHITE}{rest}{PLAIN}"

    def _step_time(self, current, now):
        """Seconds per step; the first step, which prepares things, counts only while alone."""
        if current > 1 and self._after_first_step is not None:
            return (now - self._after_first_step) / (current - 1)
        return (now - self._start) / current if current else 0.0

    def _pace(self, current, now):
        seconds = self._step_time(current, now)
        if seconds >= 1 or seconds == 0:
            return f"{seconds:.0f}s/{self.unit_name}"
        if seconds >= 1e-3:
            return f"{seconds * 1e3:.0f}ms/{self.unit_name}"
        return f"{seconds * 1e6:.0f}us/{self.unit_name}"

    def _shown_values(self, short=False):
        items = self._values.items()
        return "".join(f" - {name}: {_shown(value, short)}" for name, value in items)


def remaining(seconds):
    """Seconds as `7s`, `1:05` or `2:00:07`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest}s"


def is_live(stream):
    """Whether lines can be redrawn there: in a terminal or a notebook."""
    if not config.is_interactive_logging_enabled():
        return False
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if type(shell).__name__ == "ZMQInteractiveShell":
        return True
    try:
        return stream is not None and stream.isatty()
    except (AttributeError, ValueError):  # not quite a stream, or closed
        return False


def announce(text):
    """Print a message of a callback, on a line of its own."""
    global _unfinished
    say(f"\n{text}" if _unfinished else text)
    _unfinished = False


def say(line):
    """Print a line at once, or give it to the logger where nobody watches."""
    if not config.is_interactive_logging_enabled():
        logging.getLogger("npkeras").info(line)
    elif sys.stdout is not None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _shown(value, short):
    try:
        value = float(np.mean(value) if np.ndim(value) else value)
    except (TypeError, ValueError):
        return str(value)
    size = value if short else abs(value)  # Keras' short line has an exponent below zero
    return f"{value:.4f}" if size > SMALLEST_DECIMAL else f"{value:.4e}"


def _can_write(character):
    try:
        character.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


@functools.cache
def _live_line():
    """The class that redraws a line: tqdm, with a line that somebody else has written."""
    from tqdm import tqdm
    from tqdm.utils import disp_trim

    class LiveLine(tqdm):
        monitor_interval = 0  # no thread that redraws by itself

        def __init__(self, file):
            columns, lines = shutil.get_terminal_size()
            # a delay keeps tqdm from drawing a line of its own at once
            super().__init__(file=file, ncols=columns, nrows=lines, delay=1)

        def draw(self, line, whole=False):
            """Put the line in place of the last one, cut at the edge if it may be."""
            columns = shutil.get_terminal_size().columns - 1
            self.display(line if whole else disp_trim(line, columns))

    return LiveLine
