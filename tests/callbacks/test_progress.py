"""The progress line: its text, and where it is drawn."""

import io
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from npkeras.callbacks import ProgbarLogger, progress
from npkeras.callbacks.progress import Progbar, remaining

CONTROL = re.compile(r"\x1b\[\d*m|\x08+ *|\r")


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    time = __call__


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "clock", clock)
    return clock


@pytest.fixture
def open_terminal(monkeypatch):
    """Opens a terminal; within the test, since pytest sets `sys.stdout` before it."""

    def make(columns=120):
        monkeypatch.setattr(sys, "stdout", Terminal())
        monkeypatch.setenv("COLUMNS", str(columns))
        return sys.stdout

    return make


def run(bar, clock, steps, seconds=0.1, **values):
    for i, step in enumerate(steps):
        clock.now += seconds
        bar.update(step, [(name, series[i]) for name, series in values.items()])


def test_one_plain_line_where_nothing_can_be_redrawn(clock, capsys):
    run(Progbar(3), clock, [1, 2, 3], accuracy=[0.1, 0.2, 0.5], loss=[3.0, 2.0, 1e-4])
    line = "3/3 ━━━━━━━━━━━━━━━━━━━━ 0s 100ms/step - accuracy: 0.5000 - loss: 1.0000e-04\n"
    assert capsys.readouterr().out == line


def test_verbose_2_is_one_short_line(clock, capsys):
    run(Progbar(3, verbose=2), clock, [1, 2, 3], loss=[3.0, 2.0, 1.0])
    assert capsys.readouterr().out == "3/3 - 0s - 100ms/step - loss: 1.0000\n"


def test_verbose_0_is_silent(clock, capsys):
    run(Progbar(3, verbose=0), clock, [1, 2, 3], loss=[3.0, 2.0, 1.0])
    assert capsys.readouterr().out == ""


def test_a_terminal_shows_each_step_in_place(clock, open_terminal):
    terminal = open_terminal()
    run(Progbar(20), clock, [1, 10, 20], loss=[3.0, 2.0, 1.0])
    first, middle, last = [part.rstrip("\n") for part in terminal.getvalue().split("\r")[1:]]
    green, white, bold, plain = "\x1b[32m", "\x1b[37m", "\x1b[1m", "\x1b[0m"
    assert first.startswith(f"{bold} 1/20{plain} {green}━{plain}{white}{'━' * 19}{plain} {bold}1s")
    assert CONTROL.sub("", middle).rstrip() == f"10/20 {'━' * 20} 0s 11ms/step - loss: 2.1000"
    assert CONTROL.sub("", last).rstrip() == f"20/20 {'━' * 20} 0s 11ms/step - loss: 1.0000"
    assert terminal.getvalue().endswith("\n")


def test_a_terminal_is_not_redrawn_too_often(clock, open_terminal):
    terminal = open_terminal()
    run(Progbar(100), clock, range(1, 100), seconds=0.01)
    assert terminal.getvalue().count("\r") == 20  # 0.99 seconds, every 0.05


def test_a_line_is_cut_at_the_edge_until_it_is_the_last(clock, open_terminal):
    terminal = open_terminal(40)
    run(Progbar(2), clock, [1, 2], a_rather_long_name=[1.0, 1.0])
    first, last = terminal.getvalue().split("\r")[1:]
    assert len(CONTROL.sub("", first)) == 39
    assert "a_rather_long_name: 1.0000" in last


def test_a_notebook_is_live(monkeypatch):
    class ZMQInteractiveShell:
        pass

    class IPython:
        get_ipython = ZMQInteractiveShell

    assert not progress.is_live(io.StringIO())
    monkeypatch.setitem(sys.modules, "IPython", IPython)
    assert progress.is_live(io.StringIO())


@pytest.mark.parametrize("stream", [None, object()])
def test_what_is_no_stream_is_not_live(stream):
    assert not progress.is_live(stream)


def test_a_closed_stream_is_not_live():
    stream = io.StringIO()
    stream.close()
    assert not progress.is_live(stream)


def test_without_a_stream_nothing_is_drawn(clock, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    for verbose in (1, 2):
        run(Progbar(2, verbose=verbose), clock, [1, 2])


def test_a_stream_that_lacks_the_sign_gets_another(clock, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    run(Progbar(2, width=4), clock, [1, 2])
    assert stream.buffer.getvalue() == b"2/2 ==== 0s 100ms/step\n"


def test_values_are_averaged_unless_stateful(clock, open_terminal):
    terminal = open_terminal()
    bar = Progbar(10, stateful_metrics=["b"])
    run(bar, clock, [1, 5], a=[1.0, 2.0], b=[1.0, 2.0])
    assert "- a: 1.8000 - b: 2.0000" in terminal.getvalue()  # (1 + 4 * 2) / 5


def test_stateless_names_make_the_others_stateful(clock, open_terminal):
    terminal = open_terminal()
    bar = Progbar(10, stateless_metrics=["b"])
    run(bar, clock, [1, 5], a=[1.0, 2.0], b=[1.0, 2.0])
    assert "- a: 2.0000 - b: 1.8000" in terminal.getvalue()


def test_add_counts_on(clock, capsys):
    bar = Progbar(3)
    for value in range(3):
        clock.now += 0.5
        bar.add(1, [("a", value)])
    assert capsys.readouterr().out.startswith("3/3 ━━━━━━━━━━━━━━━━━━━━ 2s 500ms/step - a: 2.0")


def test_no_target_shows_the_count(clock, capsys):
    bar = Progbar(None)
    run(bar, clock, [1, 2, 3])
    assert capsys.readouterr().out == ""
    bar.update(3, finalize=True)
    assert capsys.readouterr().out == "      3/Unknown 0s 100ms/step\n"


def test_an_end_before_the_target_is_shown_as_it_is(clock, capsys):
    bar = Progbar(4, width=4)
    run(bar, clock, [1])
    bar.update(1, finalize=True)
    assert capsys.readouterr().out == "1/4 ━    0s 100ms/step\n"


@pytest.mark.parametrize(
    "value, shown",
    [
        (0.0, "0.0000e+00"),
        (1e-3, "1.0000e-03"),
        (-0.5, "-0.5000"),
        (float("nan"), "nan"),
        (np.float32(2), "2.0000"),
        (np.array(0.25), "0.2500"),
        (np.array([1.0, 2.0]), "1.5000"),
        (None, "None"),
        ("text", "text"),
    ],
)
def test_values_are_shown(clock, capsys, value, shown):
    run(Progbar(1), clock, [1], a=[value])
    assert capsys.readouterr().out.endswith(f" - a: {shown}\n")


@pytest.mark.parametrize(
    "seconds, text",
    [(0.9, "0s"), (7, "7s"), (65, "1:05"), (7207, "2:00:07"), (360000, "100:00:00")],
)
def test_what_remains_is_shown_as_a_clock(seconds, text):
    assert remaining(seconds) == text


@pytest.mark.parametrize(
    "seconds, text", [(2, "2s/step"), (0.0021, "2ms/step"), (3e-6, "3us/step"), (0, "0s/step")]
)
def test_the_pace_has_a_unit_that_fits(clock, capsys, seconds, text):
    run(Progbar(1), clock, [1], seconds)
    assert capsys.readouterr().out.endswith(f" {text}\n")


def test_messages_have_a_line_of_their_own(clock, open_terminal):
    terminal = open_terminal()
    progress.announce("before")
    run(Progbar(2), clock, [1])
    progress.announce("within")
    progress.announce("after")
    text = CONTROL.sub("", terminal.getvalue())
    assert text.startswith("before\n1/2") and text.endswith("step\nwithin\nafter\n")


def test_tqdm_is_imported_when_first_used():
    code = (
        "import sys; from npkeras.callbacks import progress;"
        "progress.Progbar(1).update(1); assert 'tqdm' not in sys.modules"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def follow(logger, clock, steps, epochs, verbose, seconds, validation=True):
    """Let a logger follow a training and an evaluation."""
    logger.set_params({"verbose": verbose, "epochs": epochs, "steps": steps})
    logger.on_train_begin()
    for epoch in range(epochs):
        logger.on_epoch_begin(epoch)
        for i in range(3):
            clock.now += seconds
            logger.on_train_batch_begin(i)
            logger.on_train_batch_end(i, {"accuracy": 0.5, "loss": 2.0 + i})
        logs = {"accuracy": 0.5, "loss": 2.0}
        if validation:
            logger.on_test_begin()
            logger.on_test_batch_end(0, {"loss": 3.0})
            logger.on_test_end({"loss": 3.0})
            logs["val_loss"] = 3.0
        logger.on_epoch_end(epoch, logs)
    logger.on_train_end()


def evaluate(logger, clock, steps, verbose, seconds):
    logger.set_params({"verbose": verbose, "epochs": 1, "steps": steps})
    for phase, logs in (("test", {"loss": 1.0}), ("predict", {"outputs": np.zeros(3)})):
        getattr(logger, f"on_{phase}_begin")()
        for i in range(2):
            clock.now += seconds
            getattr(logger, f"on_{phase}_batch_end")(i, logs)
        getattr(logger, f"on_{phase}_end")({"loss": 2.0} if phase == "test" else None)


def test_a_logger_writes_a_line_for_each_epoch(clock, capsys):
    follow(ProgbarLogger(), clock, 3, 2, "auto", 0.1)
    line = f"3/3 {'━' * 20} 0s 100ms/step - accuracy: 0.5000 - loss: 2.0000 - val_loss: 3.0000\n"
    assert capsys.readouterr().out == f"Epoch 1/2\n{line}Epoch 2/2\n{line}"


def test_an_only_epoch_is_not_numbered(clock, capsys):
    follow(ProgbarLogger(), clock, 3, 1, 2, 0.1, validation=False)
    assert capsys.readouterr().out == "3/3 - 0s - 100ms/step - accuracy: 0.5000 - loss: 2.0000\n"


def test_a_silent_logger(clock, capsys):
    follow(ProgbarLogger(), clock, 3, 2, 0, 0.1)
    evaluate(ProgbarLogger(), clock, 2, 0, 0.1)
    assert capsys.readouterr().out == ""


def test_the_number_of_steps_is_learnt_in_the_first_epoch(clock, open_terminal):
    terminal = open_terminal()
    follow(ProgbarLogger(), clock, None, 2, 1, 0.1)
    first, second = CONTROL.sub("", terminal.getvalue()).split("Epoch 2/2")
    assert "1/Unknown" in first and "3/3" in first and "1/3" in second


def test_an_epoch_that_ends_early_says_how_many_steps_it_had(clock, capsys):
    follow(ProgbarLogger(), clock, 5, 1, 1, 0.1)
    assert capsys.readouterr().out.startswith("3/5 ━━━━━━━━━━━━         0s")


@pytest.fixture
def keras_clock(keras, clock, monkeypatch):
    """The same clock for Keras."""
    module = sys.modules[keras.utils.Progbar.__module__]
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setenv("COLUMNS", "200")
    return clock


def drawn(function):
    """The lines that were drawn, without control characters and without what was drawn over."""
    before, sys.stdout = sys.stdout, Terminal()
    try:
        function()
        text = sys.stdout.getvalue()
    finally:
        sys.stdout = before
    parts = re.split(r"(?:\x08+)?\r|\n", text)
    return [line for line in (CONTROL.sub("", part).rstrip() for part in parts) if line]


@pytest.mark.keras
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    target=st.one_of(st.none(), st.integers(1, 300)),
    width=st.sampled_from([5, 20, 30]),
    verbose=st.sampled_from([0, 1, 2]),
    seconds=st.sampled_from([1e-5, 0.003, 0.06, 1.5, 75.0, 4000.0]),
    values=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5),
    stateful=st.booleans(),
    unit=st.sampled_from(["step", "sample"]),
)
def test_the_lines_are_those_of_keras(
    keras, keras_clock, target, width, verbose, seconds, values, stateful, unit
):
    assume(verbose != 2 or target)  # Keras draws nothing then
    last = target or 7
    steps = sorted({1 + (last - 1) * i // max(len(values) - 1, 1) for i in range(len(values))})
    series = values[: len(steps)]
    names = ["a"] if stateful else None

    def draw(cls):
        keras_clock.now = 100.0  # the same for both: differences of large times are rounded
        bar = cls(target, width, verbose, stateful_metrics=names, unit_name=unit)
        run(bar, keras_clock, steps, seconds, a=series, b=series)
        bar.update(last, [("a", 1.0), ("b", 2.0)], finalize=True)

    ours, theirs = (drawn(lambda cls=cls: draw(cls)) for cls in (Progbar, keras.utils.Progbar))
    assert ours == theirs


@pytest.mark.keras
@pytest.mark.parametrize("steps", [3, None])
@pytest.mark.parametrize("epochs, verbose", [(1, 1), (2, 1), (2, 2), (1, "auto"), (2, 0)])
@pytest.mark.parametrize("seconds", [0.01, 0.2])
def test_the_logger_writes_what_that_of_keras_does(
    keras, keras_clock, steps, epochs, verbose, seconds
):
    def both(cls):
        keras_clock.now = 100.0
        follow(cls(), keras_clock, steps, epochs, verbose, seconds)
        evaluate(cls(), keras_clock, 2, verbose, seconds)

    loggers = ProgbarLogger, keras.callbacks.ProgbarLogger
    ours, theirs = (drawn(lambda cls=cls: both(cls)) for cls in loggers)
    assert ours == theirs
