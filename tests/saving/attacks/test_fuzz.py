"""Files that were spoilt by chance: they load, or are refused in a documented way.

NPKERAS_FUZZ_TRIALS says how many files are spoilt, NPKERAS_FUZZ_FIRST which is the first.
"""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tests.saving.attacks import fuzz, spoil

ROOT = pathlib.Path(__file__).parent.parent.parent.parent
TRIALS = int(os.environ.get("NPKERAS_FUZZ_TRIALS", "90"))
FIRST = int(os.environ.get("NPKERAS_FUZZ_FIRST", "0"))


def outcome_of(numbers):
    """What comes of trials, which a process of their own does."""
    result = subprocess.run(
        [sys.executable, fuzz.__file__, *map(str, numbers)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
    )
    last = [line for line in result.stderr.splitlines() if line.isdigit()][-1:]
    assert result.returncode == 0, f"at trial {last}: {result.stderr[-2000:]}"
    return json.loads(result.stdout.splitlines()[-1])


def test_spoilt_files_do_no_harm():
    outcome = outcome_of(range(FIRST, FIRST + TRIALS))
    assert outcome["wrong"] == []
    assert outcome["refused"] > TRIALS / 2 and outcome["loaded"] > TRIALS / 4


def test_a_trial_can_be_had_again(tmp_path):
    data = fuzz.sound_files(tmp_path)["rows", "m.weights.h5"]
    one, same, other = (
        spoil.spoilt_weights(np.random.default_rng(seed), data, []) for seed in (5, 5, 8)
    )
    assert one == same != other and one != data


WRONG = {
    "RuntimeError: odd": RuntimeError("odd"),
    "a message that cannot be read": ValueError("a\0b"),
}


@pytest.mark.parametrize("problem", WRONG)
def test_what_is_wrong_is_noticed(tmp_path, problem):
    trials = fuzz.Trials(tmp_path)

    def fails():
        raise WRONG[problem]

    def loads_half():
        trials.models["rows"].weights[0].assign_add(np.float32(1))
        raise ValueError("refused")

    trials.watched(1, "load", "m.h5", fails)
    trials.watched(2, "load", "m.h5", loads_half, "rows")
    first, second = trials.wrong
    assert problem in first and "half loaded" in second
