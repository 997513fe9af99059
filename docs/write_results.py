"""Write docs/results.md, and the table of the README, from the results of the examples.

Each run of an example with `--json FILE` leaves a file; this script puts those of a folder into
one table, each beside the published figures for the same recipe:

    python docs/write_results.py FOLDER

Rows of runs that are not in the folder stay as they are. Runs on made-up data are left out: their
figures measure nothing.
"""

import json
import math
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"

# What the first proof is measured against: test accuracy, train accuracy (%), train loss; for
# the Treebank the test loss and the train loss. Keys: example, recipe, and what distinguishes;
# below them, by epochs, what was published.
PUBLISHED = {
    ("mnist", "tensorflow", ""): {20: (96.4, 98.4, 0.05)},
    ("mnist", "scratch", ""): {100: (93.4, 97.2, 0.13)},
    ("imdb", "tensorflow", "frozen"): {50: (78.6, 92.7, 0.196)},
    ("imdb", "tensorflow", "updated"): {50: (81.8, 100.0, 0.004)},
    ("imdb", "scratch", "frozen"): {50: (73.0, 81.7, 0.460)},
    ("imdb", "scratch", "updated"): {50: (77.4, 86.6, 0.413)},
    ("ptb", "tensorflow", "sgd"): {50: (6.23, 6.28)},
    ("ptb", "scratch", "sgd"): {50: (6.15, 6.19)},
    ("ptb", "tensorflow", "adam"): {50: (5.85, 5.86), 100: (5.71, 5.65)},
}
TITLES = {
    "mnist": "MNIST rows: LSTM(128), mean over time, Dense(10)",
    "imdb": "IMDB reviews: GloVe embedding, LSTM(32), mean over the words, Dense(2)",
    "ptb": "Penn Treebank: frozen GloVe embedding, LSTM(32), Dense(10000) at each of 60 steps",
}


def main(folder):
    runs = {}
    for file in sorted(pathlib.Path(folder).glob("*.json")):
        results = json.loads(file.read_text())
        if results[0]["options"]["stand_in"]:
            print(f"{file.name}: made-up data, left out")
            continue
        runs[file.stem] = results
    runs = dict(sorted(runs.items(), key=lambda run: (order_of(run[1][0]), run[0])))
    page, readme = (HERE / "results.md").read_text(), README.read_text()
    sections = (section(example, runs, rows_of(page)) for example in TITLES)
    (HERE / "results.md").write_text("\n".join([INTRODUCTION, *sections, NOTES]))
    before, rest = readme.split(BEGIN)
    old, after = rest.split(END)
    README.write_text(f"{before}{BEGIN}\n{overview(runs, rows_of(old))}\n{END}{after}")
    print(f"Wrote results.md and the table of the README from {len(runs)} runs.")


def rows_of(text):
    """The rows of the tables in a page, by the run that they tell of."""
    rows = {}
    for line in text.splitlines():
        stem = line.strip("| ").split(" |")[0].split(",")[0]
        if line.startswith("| ") and stem.split("-")[0] in TITLES:
            rows.setdefault(stem, []).append(line)
    return rows


def merged(old, new):
    """The old rows with the new ones in their places, those of other runs at the end."""
    return [line for lines in {**old, **new}.values() for line in lines]


def published_for(result):
    """What was published for as many epochs; all that was, if nothing was for so many."""
    found = PUBLISHED.get(key_of(result), {})
    return {e: v for e, v in found.items() if e == result["epochs"]} or found


def order_of(result):
    """Where a run stands in the tables: as in PUBLISHED, others last."""
    keys = list(PUBLISHED)
    key = key_of(result)
    return keys.index(key) if key in keys else len(keys)


def overview(runs, old):
    """The table of the README: on what each engine scores, and how long an epoch takes."""
    heads = ["run", "published", "npkeras", "Keras", "s/epoch, npkeras", "s/epoch, Keras"]
    lines = {}
    for stem, results in runs.items():
        published = published_for(results[0])
        words = results[0]["example"] == "ptb"
        epochs = results[0]["epochs"]
        shown = f"{stem}, {epochs} epochs"
        if words:
            expected = "; ".join(f"{e} epochs: {v[0]:.2f}" for e, v in published.items())
            scores = [f"{result['test_loss']:.2f}" for result in results]
        else:
            expected = "".join(f"{v[0]:.1f} %" for v in published.values())
            scores = [f"{100 * result['test_accuracy']:.1f} %" for result in results]
        seconds = [f"{result['seconds_per_epoch']:.1f}" for result in results]
        lines[stem] = [row([shown, expected, *pair(scores), *pair(seconds)])]
    return "\n".join([row(heads), row(["---"] * len(heads)), *merged(old, lines)])


def pair(cells):
    return [*cells, ""][:2]


def section(example, runs, old):
    chosen = {stem: r for stem, r in runs.items() if r[0]["example"] == example}
    old = {stem: rows for stem, rows in old.items() if stem.split("-")[0] == example}
    lines = {}
    words = example == "ptb"
    scores = ["test loss (perplexity)", "train loss (perplexity)"]
    if not words:
        scores = ["test accuracy", "train accuracy", "train loss"]
    heads = ["run", "engine", *scores, "epochs", "seconds", "s/epoch", "peak MB", "curves apart"]
    for stem, results in chosen.items():
        lines[stem] = []
        for epochs, published in published_for(results[0]).items():
            cells = treebank(published) if words else accuracies(published, percent=True)
            lines[stem].append(row([stem, "published", *cells, str(epochs), "", "", "", ""]))
        for result in results:
            lines[stem].append(row([stem, *measured(result, words), apart(results)]))
    top = [f"## {TITLES[example]}", "", row(heads), row(["---"] * len(heads))]
    return "\n".join([*top, *merged(old, lines), ""])


def key_of(result):
    options = result["options"]
    kind = ""
    if result["example"] == "imdb":
        kind = "updated" if options["update_embedding"] else "frozen"
    if result["example"] == "ptb":
        kind = options["optimizer"]
    return result["example"], options["recipe"], kind


def measured(result, words):
    version = result["versions"][result["engine"]]
    if words:
        cells = treebank((result["test_loss"], result["train_loss"]))
    else:
        names = ("test_accuracy", "train_accuracy", "train_loss")
        cells = accuracies([result[name] for name in names])
    return [
        f"{result['engine']} {version}",
        *cells,
        str(result["epochs"]),
        f"{result['seconds']:.0f}",
        f"{result['seconds_per_epoch']:.2f}",
        f"{result['peak_memory_mb']:.0f}",
    ]


def accuracies(values, percent=False):
    test, train, loss = values
    scale = 1 if percent else 100
    return [f"{test * scale:.1f} %", f"{train * scale:.1f} %", f"{loss:.3f}"]


def treebank(losses):
    return [f"{loss:.2f} ({math.exp(loss):.0f})" for loss in losses]


def apart(results):
    """The largest difference between the two engines' loss curves."""
    if len(results) < 2:
        return ""
    curves = zip(*(r["history"]["loss"] for r in results), strict=False)
    return f"{max(abs(a - b) for a, b in curves):.1e}"


def row(cells):
    return "| " + " | ".join(cells) + " |"


INTRODUCTION = """\
# Results

The three examples, as published and as run here: on npkeras, and on Keras with TensorFlow beside
it, with the same data in the same order and the same seed. Each engine ran in a process of its
own. "curves apart" is the largest difference between the two engines' training
losses over all epochs. Every row comes from the JSON that an example writes; this page is
written by `python docs/write_results.py FOLDER`.
"""

NOTES = (HERE / "results_notes.md").read_text() if (HERE / "results_notes.md").exists() else ""

if __name__ == "__main__":
    main(*sys.argv[1:])
