"""IMDB: the same reviews as Keras gives for the same file and arguments."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.datasets import DataUnavailableError, imdb


def objects(rows):
    array = np.empty(len(rows), object)
    for i, row in enumerate(rows):
        array[i] = row
    return array


def write(path, train, test, y_train=None, y_test=None):
    np.savez(
        path,
        x_train=objects(train),
        x_test=objects(test),
        y_train=np.arange(len(train)) % 2 if y_train is None else y_train,
        y_test=np.arange(len(test)) % 2 if y_test is None else y_test,
    )
    return path


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    """A file of 60 reviews of 1 to 20 words."""
    generator = np.random.RandomState(1)
    rows = [generator.randint(1, 50, 1 + i % 20).tolist() for i in range(60)]
    return write(tmp_path_factory.mktemp("imdb") / "imdb.npz", rows[:40], rows[40:])


def as_lists(data):
    return [([list(row) for row in x], y.tolist()) for x, y in data]


def test_reviews_get_a_start_and_room_for_special_numbers(tmp_path):
    path = write(tmp_path / "imdb.npz", [[1, 2]], [[5], [3, 3, 3]])
    train, test = imdb.load_data(path, num_words=8)
    assert as_lists([train]) == [([[1, 4, 5]], [0])]
    rows = dict(zip(map(tuple, test[0]), test[1].tolist(), strict=True))
    assert rows == {(1, 2): 0, (1, 6, 6, 6): 1}


def test_result_is_a_row_of_lists_even_if_all_are_equally_long(tmp_path):
    path = write(tmp_path / "imdb.npz", [[1, 2], [3, 4]], [[5, 6]])
    (x_train, _), (x_test, _) = imdb.load_data(path)
    assert x_train.shape == (2,) and x_train.dtype == object
    assert type(x_test[0]) is list and type(x_test[0][0]) is int


def test_empty_reviews_stay_empty(tmp_path):
    path = write(tmp_path / "imdb.npz", [[]], [[]])
    train, test = imdb.load_data(path, start_char=None)
    assert as_lists([train, test]) == [([[]], [0]), ([[]], [0])]


def test_without_a_network_the_message_says_what_to_do(home, no_network):
    for load, name in ((imdb.load_data, "imdb.npz"), (imdb.get_word_index, "imdb_word_index.json")):
        with pytest.raises(DataUnavailableError) as caught:
            load()
        assert str(home / "datasets" / name) in str(caught.value)
        assert f"tf-keras-datasets/{name}" in str(caught.value)


class Gadget:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_gadget_in_the_file_does_nothing(tmp_path):
    marker = tmp_path / "marker"
    path = write(tmp_path / "imdb.npz", [Gadget(str(marker))], [[1]])
    with pytest.raises(ValueError, match=r"Array 'x_train' .* names _?io\.open"):
        imdb.load_data(path)
    path = write(tmp_path / "imdb.npz", [[1]], [[1]], y_train=objects([Gadget(str(marker))]))
    with pytest.raises(ValueError, match="Array 'y_train' .*dtype object"):
        imdb.load_data(path)
    assert not marker.exists()


@pytest.mark.parametrize("labels", [np.zeros(3, int), np.zeros(2), np.zeros((2, 1), int)])
def test_each_review_has_a_label(tmp_path, labels):
    path = write(tmp_path / "imdb.npz", [[1], [2, 3]], [[1]], y_train=labels)
    with pytest.raises(ValueError, match=r"Array 'y_train' .* of shape \(2,\), one for each"):
        imdb.load_data(path)


def test_maxlen_that_keeps_nothing_is_an_error(reviews):
    with pytest.raises(ValueError, match="none is shorter than maxlen=1. Choose a larger"):
        imdb.load_data(reviews, maxlen=1)


@pytest.mark.parametrize(
    "options",
    [
        {"num_words": -1},
        {"skip_top": 1.5},
        {"maxlen": "5"},
        {"start_char": "a"},
        {"oov_char": 1.5},
        {"index_from": True},
    ],
)
def test_arguments_must_be_integers(reviews, options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"`{name}` of imdb.load_data .* {name}={value!r}"):
        imdb.load_data(reviews, **options)


@pytest.mark.parametrize(
    "content, reason",
    [
        ("{", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("[1]", r"Received: \[1\]"),
        ('{"a": 1.5}', r"Received: \{'a': 1.5\}"),
    ],
)
def test_word_index_must_be_one(tmp_path, content, reason):
    (tmp_path / "imdb_word_index.json").write_text(content)
    with pytest.raises(ValueError, match=f"imdb.get_word_index .*{reason}") as caught:
        imdb.get_word_index(tmp_path)
    assert len(str(caught.value)) <= 300


def test_word_index_is_read_from_a_file_or_a_folder(tmp_path):
    index = {"the": 1, "café": 2}
    path = tmp_path / "imdb_word_index.json"
    path.write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")
    assert imdb.get_word_index(path) == imdb.get_word_index(tmp_path) == index


def test_real_reviews_read_as_words(data_folder):
    (x_train, y_train), (x_test, y_test) = imdb.load_data(data_folder, num_words=10_000)
    index = imdb.get_word_index(data_folder)
    assert [len(a) for a in (x_train, y_train, x_test, y_test)] == [25_000] * 4
    assert y_train.sum() == y_test.sum() == 12_500
    assert len(index) == 88_581
    highest = max(max(row) for row in x_train)
    assert highest == 9_999
    flat = np.load(data_folder / "imdb_flat.npz")
    order = np.arange(25_000)
    np.random.RandomState(113).shuffle(order)
    begin, end = flat["train_offsets"][order[0] : order[0] + 2]
    expected = flat["train_tokens"][begin:end] + 3
    expected[expected >= 10_000] = 2
    assert x_train[0] == [1, *expected.tolist()]


optional = st.none() | st.integers(0, 6)


@pytest.mark.keras
@given(
    num_words=st.none() | st.integers(0, 60),
    skip_top=st.integers(0, 20),
    maxlen=st.none() | st.just(0) | st.integers(6, 30),
    seed=st.integers(0, 2**32 - 1),
    start_char=optional,
    oov_char=optional,
    index_from=optional,
)
@settings(max_examples=60, deadline=None)
def test_equal_to_keras(keras, reviews, **arguments):
    from keras.src.datasets import imdb as theirs

    if arguments["start_char"] is not None and arguments["index_from"] is None:
        arguments["index_from"] = 3  # Keras adds None to a number
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(theirs, "get_file", lambda **options: str(reviews))
        expected = theirs.load_data(**arguments)
    ours = imdb.load_data(reviews, **arguments)
    assert as_lists(ours) == as_lists(expected)
    assert [y.dtype for _, y in ours] == [y.dtype for _, y in expected]


@pytest.mark.keras
def test_addresses_hashes_and_arguments_are_those_of_keras(keras, monkeypatch):
    import inspect

    from keras.src.datasets import imdb as theirs

    asked = []

    def get_file(fname, origin, file_hash):
        asked.append((fname, origin, file_hash))
        raise InterruptedError

    monkeypatch.setattr(theirs, "get_file", get_file)
    for load in (theirs.load_data, theirs.get_word_index):
        with pytest.raises(InterruptedError):
            load()
    assert asked == [imdb._REVIEWS, imdb._WORDS]
    ours = inspect.signature(imdb.load_data).parameters.values()
    named = [
        p
        for p in inspect.signature(theirs.load_data).parameters.values()
        if p.kind != p.VAR_KEYWORD
    ]
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in named]
