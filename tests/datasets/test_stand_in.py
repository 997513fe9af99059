"""Stand-ins: the form of the real data, and something to learn in it."""

import numpy as np
import pytest

from npkeras.datasets import imdb, ptb, stand_in


@pytest.mark.parametrize(
    "make",
    [
        lambda: stand_in.mnist(5, 5),
        lambda: stand_in.imdb(5, 5),
        lambda: stand_in.ptb(),
        lambda: stand_in.glove(["a"]),
    ],
    ids=["mnist", "imdb", "ptb", "glove"],
)
def test_result_says_that_it_stands_in(make, capsys):
    result = make()
    printed = capsys.readouterr().out
    assert isinstance(result, tuple) and type(result) is stand_in.StandIn
    assert "in place of" in result.description
    assert printed == f"Stand-in: {result.description}.\n"
    assert repr(result) == f"<StandIn: {result.description}>"


def test_digits_have_the_form_of_mnist():
    (x_train, y_train), (x_test, y_test) = stand_in.mnist(300, 150, verbose=0)
    assert x_train.shape == (300, 28, 28) and x_test.shape == (150, 28, 28)
    assert y_train.shape == (300,) and y_test.shape == (150,)
    assert {a.dtype.name for a in (x_train, y_train, x_test, y_test)} == {"uint8"}
    assert set(y_test.tolist()) == set(range(10))
    assert x_train.max() > 200 and np.median(x_train) < 30


def test_same_seed_same_digits():
    first, again, other = (stand_in.mnist(20, 5, seed=seed, verbose=0) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[0][0], again[0][0])
    assert (first[0][0] != other[0][0]).any()


def test_digits_are_to_be_told_apart_though_not_by_single_pixels():
    (x_train, y_train), (x_test, y_test) = stand_in.mnist(3000, 500, verbose=0)
    x_train, x_test = (x.reshape(len(x), -1) / 255.0 for x in (x_train, x_test))
    gram = x_train.T @ x_train + 30 * np.eye(28 * 28)
    weights = np.linalg.solve(gram, x_train.T @ (np.eye(10)[y_train] - 0.1))
    linear = np.mean((x_test @ weights).argmax(axis=1) == y_test)
    distances = (x_train**2).sum(axis=1) - 2 * x_test @ x_train.T
    neighbour = np.mean(y_train[distances.argmin(axis=1)] == y_test)
    assert 0.6 < linear < 0.93
    assert linear < neighbour


def test_reviews_have_the_form_of_imdb_and_read_as_words():
    (x_train, y_train), (x_test, y_test) = stand_in.imdb(200, 50, verbose=0)
    assert x_train.shape == y_train.shape == (200,) and x_test.shape == y_test.shape == (50,)
    assert x_train.dtype == object and y_train.dtype == "int64"
    assert 0.35 < y_train.mean() < 0.65
    index = stand_in.imdb_word_index(200, 50)
    assert sorted(index.values()) == list(range(1, len(index) + 1))
    word_of = {rank + 3: word for word, rank in index.items()}
    assert all(row[0] == 1 for row in x_train)
    counts = np.bincount([number for row in x_train for number in row[1:] if number > 2])
    most_frequent = counts[4:]
    assert (np.diff(most_frequent[:-1]) <= 0).all()  # ranks are by frequency
    assert word_of[4] == "the"


def test_arguments_of_the_loader_do_what_they_do_there():
    plain = stand_in.imdb(50, 20, start_char=None, oov_char=None, index_from=None, verbose=0)
    limited = stand_in.imdb(50, 20, num_words=20, maxlen=60, verbose=0)
    assert min(min(row) for row in plain[0][0]) >= 1
    assert max(max(row) for row in limited[0][0]) < 20
    assert max(len(row) for row in limited[0][0]) < 60
    with pytest.raises(ValueError, match="imdb.load_data .*maxlen=-1"):
        stand_in.imdb(50, 20, maxlen=-1)


def test_reviews_mean_more_than_their_words():
    (x_train, y_train), (x_test, y_test) = stand_in.imdb(2000, 500, verbose=0)
    bags = [
        np.array([np.bincount(row, minlength=300) for row in x]).astype(float)
        for x in (x_train, x_test)
    ]
    weights = np.linalg.solve(bags[0].T @ bags[0] + np.eye(300), bags[0].T @ (2 * y_train - 1))
    assert 0.6 < np.mean((bags[1] @ weights > 0) == y_test) < 0.9


def test_text_has_the_form_of_the_treebank():
    train, valid, test, index = stand_in.ptb(verbose=0)
    assert len(train) > 10 * len(valid) and min(len(valid), len(test)) > 1000
    assert train.dtype == "int32" and set(index.values()) == set(range(len(index)))
    first = {number: place for place, number in reversed(list(enumerate(train.tolist())))}
    assert list(first) and sorted(first, key=first.get) == list(range(len(index)))
    assert ptb.END in index and ptb.UNKNOWN in index and "N" in index
    assert max(valid.max(), test.max()) < len(index)


def test_text_keeps_to_the_number_of_words_asked_for():
    train, _, _, index = stand_in.ptb(num_words=100, index_from=1, verbose=0)
    assert len(index) == 100 and train.min() == 1 and train.max() == 100


def test_vectors_depend_on_the_word_alone():
    matrix, found = stand_in.glove({"a": 2, "b": 0}, 1000, verbose=0)
    again, _ = stand_in.glove(["a"], 1000, verbose=0)
    assert found.tolist() == [True, False, True] and matrix.dtype == "float32"
    np.testing.assert_array_equal(matrix[2], again[0])
    assert not matrix[1].any() and (matrix[0] != matrix[2]).all()
    assert abs(matrix[2].mean()) < 0.05 and abs(matrix[2].std() - 0.4) < 0.04


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: stand_in.mnist(0), "`train` of stand_in.mnist .*train=0"),
        (lambda: stand_in.mnist(test=-1), "`test` of stand_in.mnist .*test=-1"),
        (lambda: stand_in.imdb(1.5), "`train` of stand_in.imdb .*train=1.5"),
        (lambda: stand_in.ptb(0), "`num_words` of stand_in.ptb .*num_words=0"),
        (lambda: stand_in.ptb(index_from=-1), "`index_from` of stand_in.ptb .*index_from=-1"),
        (lambda: stand_in.glove(["a"], 0), "`dimension` of stand_in.glove .*dimension=0"),
    ],
)
def test_sizes_must_be_positive(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_loaders_take_the_arguments_that_stand_ins_take():
    import inspect

    theirs = inspect.signature(imdb.load_data).parameters
    ours = inspect.signature(stand_in.imdb).parameters
    shared = [name for name in theirs if name != "path"]
    assert [ours[name].default for name in shared] == [theirs[name].default for name in shared]
