"""The table that `summary` prints: Keras' text, character by character."""

import pytest

import npkeras
from tests.layers.engines import ones

OPTIONS = [
    {},
    {"line_length": 40},
    {"line_length": 100, "expand_nested": True},
    {"show_trainable": True, "expand_nested": True},
    {"positions": [0.3, 0.6, 0.8]},
    {"positions": [20, 45, 70]},
    {"layer_range": ["dense", "dense_1"]},
    {"layer_range": ["dense_1", "den"]},
]


def text(model, **options):
    printed = []
    model.summary(print_fn=lambda line, line_break=False: printed.append(line), **options)
    return "\n".join(printed)


def plain(keras):
    L = keras.layers
    return keras.Sequential([keras.Input((4,)), L.Dense(8), L.Dropout(0.5), L.Dense(3)])


def unbuilt(keras):
    return keras.Sequential([keras.layers.Dense(8), keras.layers.Dense(3)])


def trained(keras):
    model = plain(keras)
    model.layers[0].trainable = False
    model.compile("adam", "mse")
    model.fit(ones(4, 4), ones(4, 3), verbose=0)
    return model


def nested(keras):
    L = keras.layers
    deep = keras.Sequential([L.Dense(2, name="deep")], name="middle")
    inner = keras.Sequential([L.Dense(5), deep], name="inner")
    return keras.Sequential([keras.Input((4,)), inner, L.Dense(3)])


def sequences(keras):
    L = keras.layers
    long = "a_name_that_is_so_long_that_it_does_not_fit_in_one_line_of_the_table"
    return keras.Sequential([
        keras.Input((None,)), L.Embedding(100, 50), L.LSTM(32, return_sequences=True),
        L.TimeDistributed(L.Dense(7)), L.GlobalAveragePooling1D(), L.Dense(2, name=long),
    ])  # fmt: skip


def subclassed(keras):
    L = keras.layers

    class Model(keras.Model):
        def __init__(self):
            super().__init__(name="mine")
            self.first = L.Dense(3)
            self.others = [L.Dense(2), keras.Sequential([L.Dense(5)], name="within")]
            self.unused = L.Dense(4)

        def call(self, x):
            for layer in [self.first, *self.others]:
                x = layer(x)
            return x

    model = Model()
    model(ones(2, 4))
    return model


@pytest.mark.keras
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("make", [plain, unbuilt, trained, nested, sequences, subclassed])
def test_the_text_is_keras(make, options, keras, monkeypatch):
    monkeypatch.setenv("COLUMNS", "124")
    texts = []
    for engine in (keras, npkeras):
        engine.utils.clear_session() if engine is keras else npkeras.backend.clear_session()
        try:
            texts.append(text(make(engine), **options))
        except ValueError:  # a range of names that is not there
            texts.append("error")
    assert texts[1] == texts[0]


def test_the_width_is_that_of_the_terminal(monkeypatch):
    for columns, width in [("60", 56), ("80", 76), ("200", 88)]:
        monkeypatch.setenv("COLUMNS", columns)
        assert len(text(plain(npkeras)).split("\n")[1]) == width


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"line_length": 10}, "width 10"),
        ({"positions": [0.5, 1.0]}, r"3 entries.*\[0.5, 1.0\]"),
        ({"layer_range": ["dense"]}, r"two names.*\['dense'\]"),
        ({"layer_range": [None, "dense"]}, r"two names.*\[None"),
        ({"layer_range": ["dense", "nothing"]}, "'nothing'"),
    ],
)
def test_options_that_do_not_fit(options, message):
    npkeras.backend.clear_session()
    with pytest.raises(ValueError, match=message):
        plain(npkeras).summary(print_fn=str, **options)


def test_nothing_follows_the_last_line(capsys):
    model = npkeras.Sequential([npkeras.Input((2,)), npkeras.layers.Dense(1)])
    model.summary()
    assert capsys.readouterr().out.endswith("Non-trainable params: 0 (0.00 B)\n")
