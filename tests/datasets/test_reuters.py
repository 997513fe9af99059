"""Reuters: the same news as Keras gives for the same file and arguments."""

import inspect
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.datasets import DataUnavailableError, reuters
from tests.datasets.test_imdb import Gadget, as_lists, objects


def write(path, rows, labels=None):
    labels = np.arange(len(rows)) % 46 if labels is None else labels
    np.savez(path, x=objects(rows), y=labels)
    return path


@pytest.fixture(scope="module")
def news(tmp_path_factory):
    """A file of 60 news of 1 to 20 words."""
    generator = np.random.RandomState(1)
    rows = [generator.randint(1, 50, 1 + i % 20).tolist() for i in range(60)]
    return write(tmp_path_factory.mktemp("reuters") / "reuters.npz", rows)


def test_news_get_a_start_and_room_for_special_numbers(tmp_path):
    write(tmp_path / "reuters.npz", [[1, 2], [5], [3, 3, 3]])
    train, test = reuters.load_data(tmp_path, num_words=8, test_split=0.4)
    assert (len(train[0]), len(test[0])) == (1, 2)
    found = {tuple(row): label for x, y in (train, test) for row, label in zip(x, y, strict=True)}
    assert found == {(1, 4, 5): 0, (1, 2): 1, (1, 6, 6, 6): 2}


def test_result_is_a_row_of_lists_even_if_all_are_equally_long(tmp_path):
    path = write(tmp_path / "reuters.npz", [[1, 2], [3, 4], [5, 6]])
    (x_train, _), (x_test, _) = reuters.load_data(path, test_split=0.5)
    assert x_train.shape == (1,) and x_test.shape == (2,) and x_train.dtype == object
    assert type(x_test[0]) is list and type(x_test[0][0]) is int


def test_file_without_news_gives_none(tmp_path):
    path = write(tmp_path / "reuters.npz", [])
    assert as_lists(reuters.load_data(path)) == [([], []), ([], [])]


def test_without_a_network_the_message_says_what_to_do(home, no_network):
    names = {reuters.load_data: "reuters.npz", reuters.get_word_index: "reuters_word_index.json"}
    for load, name in names.items():
        with pytest.raises(DataUnavailableError) as caught:
            load()
        assert str(home / "datasets" / name) in str(caught.value)
        assert f"tf-keras-datasets/{name}" in str(caught.value)


def test_gadget_in_the_file_does_nothing(tmp_path):
    marker = tmp_path / "marker"
    path = write(tmp_path / "reuters.npz", [Gadget(str(marker))])
    with pytest.raises(ValueError, match=r"Array 'x' .* names _?io\.open"):
        reuters.load_data(path)
    path = write(tmp_path / "reuters.npz", [[1]], objects([Gadget(str(marker))]))
    with pytest.raises(ValueError, match="Array 'y' .*dtype object"):
        reuters.load_data(path)
    assert not marker.exists()


@pytest.mark.parametrize("labels", [np.zeros(3, int), np.zeros(2), np.zeros((2, 1), int)])
def test_each_of_the_news_has_a_label(tmp_path, labels):
    path = write(tmp_path / "reuters.npz", [[1], [2, 3]], labels)
    with pytest.raises(ValueError, match=r"Array 'y' .* of shape \(2,\), one for each of the news"):
        reuters.load_data(path)


def test_maxlen_that_keeps_nothing_is_an_error(news):
    with pytest.raises(ValueError, match="none is shorter than maxlen=1. Choose a larger"):
        reuters.load_data(news, maxlen=1)


@pytest.mark.parametrize(
    "options",
    [
        {"num_words": -1},
        {"skip_top": 1.5},
        {"maxlen": "5"},
        {"test_split": -0.5},
        {"test_split": 1.5},
        {"test_split": None},
        {"start_char": "a"},
        {"oov_char": 1.5},
        {"index_from": True},
    ],
)
def test_arguments_must_be_numbers(news, options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"`{name}` of reuters.load_data .* {name}={value!r}"):
        reuters.load_data(news, **options)


def test_word_index_is_read_from_a_file_or_a_folder(tmp_path):
    index = {"the": 1, "café": 2}
    path = tmp_path / "reuters_word_index.json"
    path.write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")
    assert reuters.get_word_index(path) == reuters.get_word_index(tmp_path) == index
    path.write_text("[1]")
    with pytest.raises(ValueError, match=r"reuters.get_word_index expected .* Received: \[1\]"):
        reuters.get_word_index(path)


optional = st.none() | st.integers(0, 6)


@pytest.mark.keras
@given(
    num_words=st.none() | st.integers(0, 60),
    skip_top=st.integers(0, 20),
    maxlen=st.none() | st.just(0) | st.integers(6, 30),
    test_split=st.floats(0, 1) | st.sampled_from([0, 0.1, 0.2, 0.7, 1]),
    seed=st.integers(0, 2**32 - 1),
    start_char=optional,
    oov_char=optional,
    index_from=optional,
)
@settings(max_examples=60, deadline=None)
def test_equal_to_keras(keras, news, **arguments):
    from keras.src.datasets import reuters as theirs

    if arguments["start_char"] is not None and arguments["index_from"] is None:
        arguments["index_from"] = 3  # Keras adds None to a number
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(theirs, "get_file", lambda *a, **k: str(news))
        expected = theirs.load_data(**arguments)
    ours = reuters.load_data(news, **arguments)
    assert as_lists(ours) == as_lists(expected)
    for (_, y), (_, y_keras) in zip(ours, expected, strict=True):
        # with `maxlen`, Keras has the labels of no news as float64
        assert y.dtype == (y_keras.dtype if len(y) else "int64")


@pytest.mark.keras
def test_addresses_hashes_names_and_arguments_are_those_of_keras(keras, monkeypatch):
    from keras.src.datasets import reuters as theirs

    asked = []

    def get_file(fname, origin, file_hash):
        asked.append((fname, origin, file_hash))
        raise InterruptedError

    monkeypatch.setattr(theirs, "get_file", get_file)
    for load in (theirs.load_data, theirs.get_word_index):
        with pytest.raises(InterruptedError):
            load()
    assert asked == [reuters._NEWS, reuters._WORDS]
    assert reuters.get_label_names() == theirs.get_label_names()
    for name in ("load_data", "get_word_index", "get_label_names"):
        ours, expected = (
            [(p.name, p.default) for p in inspect.signature(getattr(m, name)).parameters.values()]
            for m in (reuters, theirs)
        )
        assert ours == expected
