"""Training of functional models with several ends: what is logged under which name, as in Keras."""

import numpy as np
import pytest

import npkeras

rng = np.random.default_rng(0)
X = {"a": rng.normal(size=(12, 4)).astype("f4"), "b": rng.normal(size=(12, 3)).astype("f4")}
Y = {"o1": rng.normal(size=(12, 2)).astype("f4"), "o2": rng.normal(size=(12, 1)).astype("f4")}
W = {name: rng.uniform(size=12).astype("f4") for name in Y}
WEIGHTS = [rng.normal(size=s).astype("f4") for s in ((4, 3), (3,), (6, 2), (2,), (6, 1), (1,))]


def model(keras, form):
    L = keras.layers
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    h = keras.ops.concatenate([L.Dense(3, name="da")(a), b], axis=-1)
    o1, o2 = L.Dense(2, name="o1")(h), L.Dense(1, name="o2")(h)
    forms = {
        "list": [o1, o2],
        "turned": [o2, o1],
        "dict": {"p": o1, "q": o2},
        "turned dict": {"q": o2, "p": o1},
        "lists in a dict": {"p": [o1, o2]},
        "dicts in a dict": {"p": {"q": o1}, "r": o2},
    }
    made = keras.Model([a, b], forms[form])
    for layer, weights in (("da", WEIGHTS[:2]), ("o1", WEIGHTS[2:4]), ("o2", WEIGHTS[4:])):
        made.get_layer(layer).set_weights(weights)
    return made


def targets(form):
    if form == "lists in a dict":
        return {"p": [Y["o1"], Y["o2"]]}
    if form == "dicts in a dict":
        return {"p": {"q": Y["o1"]}, "r": Y["o2"]}
    if "dict" in form:
        return {"p": Y["o1"], "q": Y["o2"]}
    return [Y["o1"], Y["o2"]] if form == "list" else [Y["o2"], Y["o1"]]


def logs(keras, form, x=None, y=None, sample_weight=None, **options):
    made = model(keras, form)
    made.compile(keras.optimizers.SGD(0.1), **options)
    x, y = [*X.values()] if x is None else x, targets(form) if y is None else y
    fit = {"batch_size": 4, "shuffle": False, "verbose": 0, "sample_weight": sample_weight}
    history = made.fit(x, y, epochs=2, validation_data=(x, y), **fit).history
    return history, made.evaluate(x, y, verbose=0), made.metrics_names


CASES = [
    ("list", {"loss": "mse"}),
    ("list", {"loss": {"o2": "mae", "o1": "mse"}, "loss_weights": {"o1": 0.5, "o2": 2.0}}),
    ("list", {"loss": ["mse", None]}),
    ("list", {"loss": "mse", "metrics": [["mae"], ["mse"]], "weighted_metrics": [["mse"], None]}),
    ("list", {"loss": "mse", "metrics": {"o1": "mae", "o2": ["mse", "mae"]}}),
    ("list", {"loss": ["mse", "mae"], "sample_weight": [W["o1"], W["o2"]]}),
    ("list", {"loss": ["mse", "mae"], "y": Y, "x": X}),
    ("turned", {"loss": {"o1": "mse", "o2": "mae"}, "y": Y, "metrics": {"o2": ["mae"]}}),
    ("turned", {"loss": ["mse", "mae"], "loss_weights": [1.0, 3.0]}),
    ("dict", {"loss": {"p": "mse", "q": "mae"}, "metrics": {"q": "mse"}}),
    ("dict", {"loss": "mse", "sample_weight": {"p": W["o1"], "q": W["o2"]}}),
    ("turned dict", {"loss": "mse", "metrics": [["mae"], ["mse"]]}),
    ("turned dict", {"loss": ["mse", "mae"], "weighted_metrics": {"q": ["mae"], "p": ["mse"]}}),
    ("turned dict", {"loss": {"p": "mse", "q": "mae"}}),
    ("dict", {"loss": {"q": "mse", "p": "mae"}}),
    ("lists in a dict", {"loss": "mse", "sample_weight": {"p": [W["o1"], W["o2"]]}}),
    (
        "lists in a dict",
        {
            "loss": {"p": ["mse", "mae"]},
            "loss_weights": {"p": [1.0, 0.5]},
            "metrics": {"p": [["mae"], ["mse"]]},
        },
    ),
    ("dicts in a dict", {"loss": ["mse", "mae"]}),
    ("dicts in a dict", {"loss": {"p": {"q": "mse"}, "r": "mae"}}),
]


@pytest.mark.keras
@pytest.mark.parametrize(("form", "options"), CASES, ids=lambda case: str(case)[:60])
def test_logs_are_keras(keras, form, options):
    ours, theirs = logs(npkeras, form, **options), logs(keras, form, **options)
    assert list(ours[0]) == list(theirs[0]) and ours[2] == theirs[2]
    np.testing.assert_allclose([*ours[0].values()], [*theirs[0].values()], rtol=2e-5)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=2e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"loss": {"p": "mse", "q": "mae"}},
        {"loss": "mse", "metrics": ["mae"]},
        {"loss": "mse", "metrics": {"p": "mae"}},
        {"loss": "mse", "y": {"o1": Y["o1"], "other": Y["o2"]}},
    ],
    ids=lambda options: str(options)[:40],
)
def test_names_that_no_output_has(options):
    with pytest.raises(ValueError, match=r"outputs \(o1, o2\)"):
        logs(npkeras, "list", **options)


def test_weights_by_name():
    by_name = logs(npkeras, "turned", loss="mse", y=Y, sample_weight=W)
    by_place = logs(npkeras, "turned", loss="mse", sample_weight=[W["o2"], W["o1"]])
    assert by_name[0] == by_place[0]
