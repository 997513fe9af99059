"""A program that spoils sound files by chance and opens them: `python fuzz.py NUMBER...`.

The number of a trial says all about it, so what went wrong can be had again. What is
wrong is an error of another kind than is documented, a model that is half loaded, too much time
or memory. It prints a line of JSON: the trials, how often files were refused, and what was wrong.
"""

import faulthandler
import json
import pathlib
import resource
import signal
import sys
import tempfile
import time
import warnings

import numpy as np

import npkeras
from npkeras.core import names, registry
from tests.saving.attacks import spoil

SECONDS_EACH = 20
MOST_MEMORY = 2**30  # bytes beyond what is in use when the trials begin
FORMS = {
    "m.keras": spoil.spoilt_archive,
    "m.h5": spoil.spoilt_h5_model,
    "m.weights.h5": spoil.spoilt_weights,
}


def rows():
    """A small model with a mask, two kinds of state, and an optimizer that has begun."""
    L = npkeras.layers
    model = npkeras.Sequential(
        [
            npkeras.Input((5,)),
            L.Embedding(6, 3, mask_zero=True, name="first"),
            L.Bidirectional(L.LSTM(2)),
            L.BatchNormalization(),
            L.Dropout(0.5),
            L.Dense(2, "softmax", kernel_regularizer="l2", name="out"),
        ],
        name="rows",
    )
    model.compile(npkeras.optimizers.Adam(0.01), "mse", metrics=["mae", npkeras.metrics.AUC(20)])
    model.optimizer.build(model.trainable_variables)
    return model


def graph():
    """A functional model: a shared layer, a model within, an operation, two outputs."""
    L = npkeras.layers
    a, b = npkeras.Input((4, 4, 2), name="first"), npkeras.Input((3,), name="b")
    x = L.Flatten()(L.MaxPooling2D()(L.Conv2D(2, 3, padding="same", activation="relu")(a)))
    shared = L.Dense(3, name="shared")
    inner = npkeras.Sequential([npkeras.Input((3,)), L.Dense(3, name="inside")], name="inner")
    x = L.Add()([shared(x * 2.0), inner(b)])
    model = npkeras.Model(
        [a, b], [L.Dense(1, name="one")(x), L.LayerNormalization()(x)], name="graph"
    )
    model.compile(npkeras.optimizers.SGD(0.1, momentum=0.5), ["mse", "mae"])
    model.optimizer.build(model.trainable_variables)
    return model


MODELS = {"rows": rows, "graph": graph}


def sound_files(folder):
    """The bytes of sound files, by model and form; the same each time but for the date."""
    npkeras.utils.set_random_seed(0)
    names.reset()
    found = {}
    for name, make in MODELS.items():
        for form in FORMS:
            path = pathlib.Path(folder, form)
            (make().save_weights if form == "m.weights.h5" else make().save)(path)
            found[name, form] = path.read_bytes()
            path.unlink()
    return found


class Trials:
    """Trials, and what was wrong in them.

    Args:
        folder: Where files are put.
    """

    def __init__(self, folder):
        self.folder = folder
        self.sound = sound_files(folder)
        self.models = {name: make() for name, make in MODELS.items()}
        self.before = {name: self._state(model) for name, model in self.models.items()}
        self.classes = sorted({*registry.table("layers"), *registry.table("initializers"),
                               *registry.table("optimizers")})  # fmt: skip
        self.wrong, self.refused, self.loaded = [], 0, 0

    def _state(self, model):
        return [np.array(v.value) for v in [*model.weights, *model.optimizer.variables]]

    def run(self, number):
        """Spoil a file and open it in every way that there is."""
        rng = np.random.default_rng(number)
        (name, form), data = list(self.sound.items())[number % len(self.sound)]
        path = pathlib.Path(self.folder, form)
        path.write_bytes(FORMS[form](rng, data, self.classes))
        names.reset()
        self.watched(number, "describe", form, lambda: npkeras.saving.describe(path))
        if form != "m.weights.h5":
            self.watched(number, "load_model", form, lambda: npkeras.saving.load_model(path))
        model = self.models[name]
        skip = {"skip_mismatch": True} if number % 4 == 3 else {}
        self.watched(number, "load_weights", form, lambda: model.load_weights(path, **skip), name)
        path.unlink()

    def watched(self, number, call, form, do, name=None):
        """Do something; whatever is not as it should be is noted."""
        start, memory = time.process_time(), _most_memory()
        error = None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                do()
        except (Exception, TooLong) as caught:
            error = caught
        seconds, grown = time.process_time() - start, _most_memory() - memory
        problem = _problem_of(error)
        if seconds > SECONDS_EACH / 2:
            problem = f"it took {seconds:.0f} s"
        if grown > 100e6:
            problem = f"it took {grown / 1e6:.0f} MB"
        self.refused += error is not None
        self.loaded += error is None
        if name is not None and self._undo(name) and error is not None:
            problem = "the model is half loaded"
        if problem:
            self.wrong.append(f"{number} {form} {call}: {problem}")
            print(self.wrong[-1], file=sys.stderr, flush=True)

    def _undo(self, name):
        """Give a model its state back; tell whether it had another."""
        model, changed = self.models[name], False
        variables = [*model.weights, *model.optimizer.variables]
        for variable, value in zip(variables, self.before[name], strict=True):
            if np.asarray(variable.value).tobytes() != value.tobytes():
                variable.value, changed = value.copy(), True
        return changed


def _problem_of(error):
    if error is None:
        return ""
    message = str(error)
    if not isinstance(error, ValueError):
        return f"{type(error).__name__}: {message[:200]}"
    if len(message) > 700 or not message.isprintable():
        return f"a message that cannot be read: {ascii(message)[:900]}"
    return ""


def _most_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class TooLong(BaseException):
    """A trial took too much time; nobody is to take this for an error in a file."""


def _bound():
    """Whatever needs too long or too much memory ends in an error, or ends the process."""
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_MEMORY, hard))

    def too_long(*_):
        raise TooLong()

    signal.signal(signal.SIGPROF, too_long)
    faulthandler.register(signal.SIGXCPU, chain=True)


def _begin():
    """Let the time run anew. It is that of the processor: others may be at work here."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS_EACH)
    spent = int(time.process_time())
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (spent + 2 * SECONDS_EACH, hard))


def main(numbers):
    with tempfile.TemporaryDirectory() as folder:
        _bound()
        trials = Trials(folder)
        for number in numbers:
            print(number, file=sys.stderr, flush=True)  # the last one, if the process ends
            _begin()
            trials.run(number)
            signal.setitimer(signal.ITIMER_PROF, 0)
    print(json.dumps({"refused": trials.refused, "loaded": trials.loaded, "wrong": trials.wrong}))


if __name__ == "__main__":
    main(list(map(int, sys.argv[1:])))
