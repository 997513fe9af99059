"""The examples run as their users run them: without data, on either engine, after a stop."""

import json
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
SMALL = {
    "mnist_image_classification": "--train-size 640 --test-size 100 --epochs 2",
    "imdb_sentiment_analysis": "--train-size 64 --test-size 32 --epochs 2",
    "ptb_language_modelling": "--train-size 32 --test-size 16 --batch-size 16 --epochs 2",
}
by_example = pytest.mark.parametrize("name", list(SMALL))


def run(name, folder, *options):
    """What an example prints, and the results that it writes."""
    file = folder / "results.json"
    command = [sys.executable, EXAMPLES / f"{name}.py", *SMALL[name].split(), "--json", file]
    environment = {
        **os.environ,
        "KERAS_HOME": str(folder / "cache"),  # empty: nothing is at hand
        "HTTPS_PROXY": "http://127.0.0.1:9",  # and nothing can be fetched
        "MPLBACKEND": "Agg",
        "COLUMNS": "100",
    }
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, env=environment, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(file.read_text())


@by_example
def test_without_data_the_example_runs_on_made_up_data_and_says_so(name, tmp_path):
    printed, (result,) = run(name, tmp_path, "--engine", "npkeras", "--plot", tmp_path / "p.png")
    assert "made-up data" in printed and "Made-up data: these figures are no measure" in printed
    assert result["options"]["stand_in"]
    assert len(result["history"]["loss"]) == result["epochs"] == 2
    assert all(np.isfinite(result["history"]["loss"]))
    assert result["seconds"] > 0
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert re.search(r"npkeras +[\d.]+", printed)


@pytest.mark.keras
@by_example
def test_both_engines_follow_the_same_curve(name, keras, tmp_path):
    printed, results = run(name, tmp_path, "--engine", "both", "--learning-rate", "0.1")
    assert [result["engine"] for result in results] == ["npkeras", "keras"]
    ours, theirs = (result["history"]["loss"] for result in results)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    assert "Loss curves:" in printed


@pytest.mark.keras
@pytest.mark.parametrize("engine", ["npkeras", "keras"])
def test_what_was_stopped_goes_on_as_if_it_had_not_been(engine, keras, tmp_path):
    name, options = "mnist_image_classification", ["--engine", engine, "--recipe", "scratch"]
    _, (whole,) = run(name, tmp_path, *options, "--epochs", "3")
    kept = [*options, "--resume", tmp_path / "state"]
    run(name, tmp_path, *kept, "--epochs", "2")
    _, (resumed,) = run(name, tmp_path, *kept, "--epochs", "3")
    assert resumed["epochs"] == 3
    for key in ("loss", "learning_rate"):
        np.testing.assert_allclose(resumed["history"][key], whole["history"][key], rtol=1e-5)
    np.testing.assert_allclose(resumed["test_loss"], whole["test_loss"], rtol=1e-5)


@by_example
def test_each_example_is_short(name):
    """Short enough to read at a glance."""
    lines = (EXAMPLES / f"{name}.py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) < 100


def test_an_unknown_folder_of_data_is_an_error_that_names_it(tmp_path):
    command = [sys.executable, EXAMPLES / "mnist_image_classification.py", "--engine", "npkeras"]
    done = subprocess.run(
        [*command, "--data", tmp_path / "nowhere"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode != 0
    assert "nowhere" in done.stderr
