"""The benchmarks' own reckoning and models. No time is asserted anywhere."""

import numpy as np
import pytest

import npkeras
from tests.benchmarks import (
    architectures,
    child,
    engines,
    learners,
    measure,
    others,
    report,
    workloads,
)
from tests.benchmarks.workloads import WORKLOADS

by_workload = pytest.mark.parametrize("name", list(WORKLOADS))


def some(name):
    """A workload's model, and two rows of its data."""
    workload = WORKLOADS[name]
    return workload.compiled(npkeras), [part[:2] for part in workload.data(2)]


@by_workload
def test_every_workload_builds_and_learns(name):
    model, (x, y) = some(name)
    history = model.fit(x, y, verbose=0).history
    assert list(history) == ["accuracy", "loss"] and np.isfinite(history["loss"]).all()


@by_workload
def test_keras_has_weights_of_the_same_shapes(name, keras):
    ours, theirs = (WORKLOADS[name].build(module) for module in (npkeras, keras))
    for kind in ("weights", "trainable_weights"):
        assert [w.shape for w in getattr(ours, kind)] == [w.shape for w in getattr(theirs, kind)]


@by_workload
def test_its_twin_in_pytorch_computes_the_same(name):
    torch = pytest.importorskip("torch")
    from tests.benchmarks import twins

    model, (x, _) = some(name)
    twin = twins.TWINS[name]().eval()
    twins.set_weights(twin, model.get_weights())
    with torch.inference_mode():
        theirs = twin(twins.inputs_for(name, x)).softmax(-1)
    np.testing.assert_allclose(model.predict(x, verbose=0), theirs, atol=1e-6)
    learned = sum(p.numel() for p in twin.parameters() if p.requires_grad)
    assert learned == sum(np.size(w) for w in model.get_weights()[-len(model.trainable_weights) :])


@by_workload
def test_all_engines_get_the_same_data(name):
    for once, again in zip(*(WORKLOADS[name].data(8) for _ in range(2)), strict=True):
        np.testing.assert_array_equal(once, again)


def test_reviews_are_padded_in_front():
    x, _ = workloads.reviews(100)
    real = x != 0
    assert (np.diff(real.astype(int), axis=1) >= 0).all() and real[:, -1].all()
    assert 0 < (~real).mean() < 0.5


def test_a_text_is_guessed_one_word_ahead():
    x, y = workloads.stream(3)
    np.testing.assert_array_equal(x.ravel()[1:], y.ravel()[:-1])


def test_multiply_adds_are_those_of_the_matmuls():
    assert workloads.dense_work(rows=2, inputs=3, units=4) == 3 * 24
    assert workloads.dense_work(rows=2, inputs=3, units=4, first=True) == 2 * 24
    forward, states, inputs = 2 * 5 * (3 + 4) * 16, 2 * 5 * 4 * 16, 2 * 5 * 3 * 16
    assert workloads.lstm_work(2, 5, 3, 4) == 2 * forward + states + inputs
    assert workloads.lstm_work(2, 5, 3, 4, first=True) == 2 * forward + states


def result(engine, workload, peak=100.0, **medians):
    measured = {k: {"median": v, "minimum": v / 2, "values": 4} for k, v in medians.items()}
    return {
        "engine": engine,
        "workload": workload,
        "measured": measured,
        "peak_mb": peak,
        "versions": {"python": "3"},
        "threads": {"cores": 2},
    }


def runs(ours=0.01):
    where = {"processor": "P", "system": "S", "date": "D", "load": 0.5, "rounds": 1, "seconds": 1}
    product = result("npkeras", "matmul", product=0.2)
    return {
        "mnist": {
            "machine": where,
            "results": [
                result("npkeras", "mnist", step=ours),
                result("keras-tensorflow", "mnist", peak=900, step=0.02),
                product,
            ],
        },
        "memory": {
            "machine": where,
            "results": [result("npkeras", "memory", **{"growth (MB)": 3, "predicts (count)": 9})],
        },
    }


def test_the_floor_is_the_work_at_the_measured_rate():
    rate = report.matmul_rate(runs()["mnist"])
    assert rate == 2048**3 / 0.1
    assert report.floor(rate, rate) == 1.0
    assert report.matmul_rate(runs()["memory"]) is None


def test_ratios_are_of_medians_of_times():
    assert report.ratios(runs()) == {"mnist": {"keras-tensorflow": 0.5}}


def test_what_became_slower_is_named():
    before = report.ratios(runs())
    assert report.became_slower(before, before)[-1].startswith("0 of 1")
    (slower, last) = report.became_slower(report.ratios(runs(ours=0.014)), before)
    assert slower.startswith("SLOWER: mnist: npkeras / keras-tensorflow is 0.7, was 0.5")
    assert last.startswith("1 of 1")
    assert "--write" in report.became_slower(before, {})[0]


def test_tables_hold_times_ratios_memory_and_conditions():
    text = report.tables(runs())
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "| workload | npkeras | keras-tensorflow | floor |" in lines
    floor = report.shown(WORKLOADS["mnist"].multiply_adds / (2048**3 / 0.1))
    assert f"| mnist | 10 ms (5 ms) | 20 ms (10 ms) | {floor} |" in lines
    assert "| mnist | 0.5 |" in lines
    assert "| mnist | 100 | 900 |" in lines
    assert "| memory: growth (MB) | 3 |" in lines
    assert "- npkeras: python 3, cores 2" in lines
    widths = [len(line) for line in text.splitlines() if line.startswith("|")][:3]
    assert len(set(widths)) == 1


def test_times_have_three_digits_and_a_unit():
    shown = [report.shown(s) for s in (12.345, 0.64512, 0.0181, 250e-6, 0.99e-6)]
    assert shown == ["12.3 s", "645 ms", "18.1 ms", "250 us", "0.99 us"]


def test_tables_go_between_the_markers_of_the_page():
    page = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
    once = report.between_markers(page, "new")
    assert once == f"before\n{report.BEGIN}\n\nnew\n{report.END}\nafter\n"
    assert report.between_markers(once, "new") == once
    assert report.BEGIN in report.PAGE.read_text() and report.END in report.PAGE.read_text()


def test_engines_may_live_in_environments_of_their_own():
    chosen = engines.interpreters(["torch,keras-torch=/there/python"])
    assert chosen["torch"] == chosen["keras-torch"] == "/there/python" != chosen["npkeras"]
    with pytest.raises(SystemExit, match="NAME=PATH"):
        engines.interpreters(["nobody=/there/python"])
    assert "nowhere" in engines.missing("npkeras", "/nowhere/python", measure.ROOT)


@pytest.mark.parametrize("name", ["predict1", "loop", "memory"])
def test_each_other_workload_takes_a_turn(name):
    measured = others.OTHERS[name].prepare("npkeras", 0.001)()
    assert measured and all(np.isfinite(values).all() for values in measured.values())


@pytest.mark.keras
def test_architectures_are_read_from_files_of_keras(keras, monkeypatch):
    monkeypatch.setattr(architectures, "SIDES", {"MobileNet": 64})
    measured = others.OTHERS["applications"].prepare("npkeras", 0.001)()
    assert set(measured) == {"MobileNet, predict_on_batch", "MobileNet, model(x)"}
    monkeypatch.setenv(architectures.PYTHON, "false")
    with pytest.raises(RuntimeError, match="no models"):
        architectures.written_by_keras("nowhere")


def test_a_summary_has_median_and_minimum():
    assert child.summary([3.0, 1.0, 2.0]) == {"median": 2.0, "minimum": 1.0, "values": 3}


def test_a_learner_times_each_epoch_per_step():
    learner = learners.make("npkeras")
    learner.learn("narrow")
    assert len(learner.epochs(2, 3)) == 3
    learner.bare_step()()
