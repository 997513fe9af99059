"""What the examples share: options, the run of one engine, and the comparison of two.

Each engine runs in a process of its own, so that its time and its peak memory are its own. Both
get the same data in the same order and the same seed, and so the same initial weights.
"""

import argparse
import csv
import dataclasses
import importlib.util
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

import numpy as np

from npkeras import datasets

LOSS = "sparse_categorical_crossentropy"
STYLES = dict(linewidth=4, alpha=0.4), dict(linestyle="--")  # both seen where curves meet


@dataclasses.dataclass
class Data:
    """What a model learns from and is tested on."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    validation: tuple | None = None
    vectors: np.ndarray | None = None


def main(description, name, recipes, defaults, load_data, build_model, make_callbacks):
    """Run an example from its command line."""
    options = parse(description, name, recipes, defaults)
    if options.engine == "both":
        results = [run_apart(engine, options) for engine in ("npkeras", "keras")]
    else:
        results = [run(options, load_data, build_model, make_callbacks)]
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=1) + "\n")
    if not options.quiet:
        print("\n" + report(results))
        if options.plot:
            plot(results, options.plot)


def parse(description, name, recipes, defaults):
    """The options: the command line's, or else the recipe's, or else the example's."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--recipe", choices=list(recipes), default="tensorflow")
    add("--engine", choices=["npkeras", "keras", "both"], help="both, where Keras is installed")
    for option in ("epochs", "batch-size", "train-size", "test-size"):
        add(f"--{option}", type=int)
    add("--learning-rate", type=float)
    add("--seed", type=int)
    add("--data", metavar="DIR", help="a folder of your own data; else it is downloaded")
    add("--json", metavar="FILE", help="write the results there")
    add("--plot", metavar="FILE", help="draw the loss curves there")
    add("--resume", metavar="DIR", help="keep the state there, and go on from it")
    if "update_embedding" in defaults:
        add("--update-embedding", action=argparse.BooleanOptionalAction)
    if "words" in defaults:
        add("--words", type=int, help="how many of the most frequent words to know")
        add("--length", type=int, help="how many words of each text to read")
        add("--truncating", choices=["pre", "post"], help="which end of a longer text to drop")
    if "optimizer" in defaults:
        add("--optimizer", choices=["sgd", "adam"])
    add("--quiet", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    standing = {"decay": 0.0, "optimizer": "sgd", "seed": 42, **defaults, **recipes[options.recipe]}
    if getattr(options, "optimizer", None) == "adam":
        standing["learning_rate"] = 0.001
    for key, value in standing.items():
        if getattr(options, key, None) is None:
            setattr(options, key, value)
    options.example = name
    options.stand_in = False
    options.engine = options.engine or default_engine()
    return options


def default_engine():
    if importlib.util.find_spec("keras") and importlib.util.find_spec("tensorflow"):
        return "both"
    print("Keras on TensorFlow is not installed here: npkeras runs alone.")
    return "npkeras"


def model_data(options, load, stand_in, **arguments):
    """The real data; made-up data where they cannot be had, which the output then says."""
    try:
        return load(options.data, **arguments) if options.data else load(**arguments)
    except datasets.DataUnavailableError as error:
        print(f"{error}\nGoing on with made-up data: the figures below are no measure.")
        options.stand_in = True
        return stand_in()


def word_vectors(options, word_index, dimension):
    """GloVe's vectors for the words, from the folder of data or the cache."""
    if not options.stand_in:
        try:
            folder = options.data and glove_file(options.data)
            return datasets.glove.load(*([folder] if folder else []), words=word_index)
        except (datasets.DataUnavailableError, FileNotFoundError) as error:
            print(f"{error}\nGoing on with made-up vectors: the figures below are no measure.")
            options.stand_in = True
    return datasets.stand_in.glove(word_index, dimension)


def glove_file(folder):
    """The file of vectors in a folder of data that holds the most words."""
    files = sorted(pathlib.Path(folder).glob("**/glove*.txt"), key=lambda f: f.stat().st_size)
    return files[-1] if files else folder


def run_apart(engine, options):
    """The results of one engine, run in a process of its own."""
    print(f"\n=== {engine} ===", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "results.json")
        command = [sys.executable, *sys.argv, "--engine", engine, "--json", str(file), "--quiet"]
        subprocess.run(command, check=True)
        return json.loads(file.read_text())[0]


def engine_module(engine):
    if engine == "npkeras":
        import npkeras

        return npkeras
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    return keras


def run(options, load_data, build_model, make_callbacks):
    """Train and test the model on one engine."""
    data = load_data(options)
    keras = engine_module(options.engine)
    keras.utils.set_random_seed(options.seed)
    model = build_model(keras, data, options)
    optimizer = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}[options.optimizer]
    model.compile(optimizer(options.learning_rate), LOSS, metrics=["accuracy"])
    model.summary()
    log, keepers = resuming(keras, model, options)
    train = batches(keras, data, options)
    clock = epoch_clock(keras, train)
    model.fit(
        train,
        validation_data=data.validation,
        epochs=options.epochs,
        shuffle=False,
        callbacks=[*make_callbacks(keras, options), *keepers, clock],
    )
    scores = {}
    for part, x, y in (
        ("train", data.x_train, data.y_train),
        ("test", data.x_test, data.y_test),
    ):
        loss, accuracy = model.evaluate(x, y, batch_size=options.batch_size, verbose=0)
        scores |= {f"{part}_loss": loss, f"{part}_accuracy": accuracy}
    return summary_of(keras, options, history_of(model, log), scores, clock.seconds)


def batches(keras, data, options):
    """The same batches in the same order for every engine: epoch n is shuffled by seed and n."""

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return -(-len(data.x_train) // options.batch_size)

        def __getitem__(self, index):
            rows = self.order[index * options.batch_size : (index + 1) * options.batch_size]
            return data.x_train[rows], data.y_train[rows]

        def shuffle(self, epoch):
            generator = np.random.default_rng([options.seed, epoch])
            self.order = generator.permutation(len(data.x_train))

    return Batches()


def epoch_clock(keras, batches):
    class EpochClock(keras.callbacks.Callback):
        """Shuffles the batches before each epoch, and takes its time."""

        def on_epoch_begin(self, epoch, logs=None):
            batches.shuffle(epoch)
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds.append(time.perf_counter() - self.start)

    clock = EpochClock()
    clock.seconds = []
    batches.shuffle(0)  # an engine may look at a batch before the first epoch
    return clock


def resuming(keras, model, options):
    """Where the log of all epochs is, and what keeps it and the state of training."""
    if not options.resume:
        return None, []
    folder = pathlib.Path(options.resume, f"{options.example}-{options.recipe}-{options.engine}")
    folder.mkdir(parents=True, exist_ok=True)
    model.optimizer.build(model.trainable_variables)  # so that its state can be restored
    return folder / "log.csv", [
        keras.callbacks.CSVLogger(str(folder / "log.csv"), append=True),
        keras.callbacks.BackupAndRestore(str(folder / "backup"), delete_checkpoint=False),
    ]


def history_of(model, log):
    """What each epoch logged, by name; with a log, of earlier runs as well."""
    if log is None:
        return model.history.history
    with open(log, newline="") as file:  # an epoch that was cut off may stand there twice
        epochs = {row.pop("epoch"): row for row in csv.DictReader(file)}
    names = next(iter(epochs.values()), {})
    history = {name: [row[name] for row in epochs.values()] for name in names}
    return {name: values for name, values in history.items() if "NA" not in values}


def summary_of(keras, options, history, scores, seconds):
    """All that is known of a run, as JSON can hold it."""
    kept = {key: value for key, value in vars(options).items() if key not in ("json", "plot")}
    steady = seconds[1:] or seconds  # an engine that compiles does so in its first epoch
    return {
        "example": options.example,
        "engine": options.engine,
        "options": {key: value for key, value in kept.items() if key not in ("data", "resume")},
        "history": {key: [float(v) for v in values] for key, values in history.items()},
        **scores,
        "epochs": max(map(len, history.values()), default=0),
        "seconds": sum(seconds),
        "seconds_per_epoch": float(np.median(steady)) if steady else 0.0,
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "peak_memory_mb": peak_memory(),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            options.engine: keras.__version__,
        },
    }


def peak_memory():
    """The most memory this process has held, in MB; nan where the system does not say."""
    try:
        import resource
    except ImportError:
        return float("nan")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def report(results):
    """The table of engines, and how far apart their loss curves are."""
    words = results[0]["example"] == "ptb"
    columns = ["engine", *(["test loss", "perplexity"] if words else ["test acc.", "test loss"])]
    columns += ["train loss", "perplexity"] if words else ["train acc.", "train loss"]
    columns += ["epochs", "seconds", "s/epoch", "peak MB"]
    rows = [columns, *(table_row(result, words) for result in results)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    if results[0]["options"]["stand_in"]:
        lines.append("Made-up data: these figures are no measure of anything but speed.")
    if len(results) == 2:
        ours, theirs = (np.array(r["history"]["loss"]) for r in results)
        both = min(len(ours), len(theirs))
        apart = np.abs(ours[:both] - theirs[:both])
        if both:
            lines.append(
                f"Loss curves: {apart[0]:.2e} apart after the first epoch, "
                f"at most {apart.max():.2e} (epoch {apart.argmax() + 1})."
            )
    return "\n".join(lines)


def table_row(result, words):
    cells = [result["engine"]]
    for part in ("test", "train"):
        loss, accuracy = result[f"{part}_loss"], result[f"{part}_accuracy"]
        if words:
            cells += [f"{loss:.3f}", f"{np.exp(loss):.2f}"]
        else:
            cells += [f"{accuracy:.2%}", f"{loss:.4f}"]
    cells += [str(result["epochs"]), f"{result['seconds']:.1f}"]
    return [*cells, f"{result['seconds_per_epoch']:.2f}", f"{result['peak_memory_mb']:.0f}"]


def plot(results, file):
    """The loss curves of all engines in one picture."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for result, style in zip(results, STYLES, strict=False):
        losses = result["history"]["loss"]
        axes.plot(range(1, len(losses) + 1), losses, label=result["engine"], **style)
    axes.set(xlabel="epoch", ylabel="training loss", title=results[0]["example"])
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    figure.savefig(file, dpi=150)
    print(f"Loss curves are drawn in {file}.")
