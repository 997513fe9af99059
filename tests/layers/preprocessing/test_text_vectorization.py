"""TextVectorization. What takes `engine` is true of Keras too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.data import Dataset
from npkeras.layers import TextVectorization
from tests.layers.preprocessing.side_by_side import adapted, assert_same, with_vocabulary

TEXTS = ["Foo, bar! foo-baz", "BAR\u00a0x \t\u00c9t\u00e9's", "", "  foo  "]
OPTIONS = [
    {},
    {"standardize": None},
    {"standardize": "lower"},
    {"standardize": "strip_punctuation"},
    {"split": "character"},
    {"split": None},
    {"ngrams": 2},
    {"ngrams": 3, "split": "character"},
    {"ngrams": (3, 1)},
    {"max_tokens": 4},
    {"output_sequence_length": 2},
    {"output_sequence_length": 9},
    {"output_sequence_length": 0},
    {"split": None, "output_sequence_length": 2},
    {"output_mode": "multi_hot"},
    {"output_mode": "count", "ngrams": 2},
    {"output_mode": "count", "max_tokens": 30, "pad_to_max_tokens": True},
    {"output_mode": "tf_idf"},
    {"output_mode": "tf_idf", "max_tokens": 5},
    {"output_mode": "count", "split": None},
    {"output_mode": "tf_idf", "split": None},
]


def layer(engine, **options):
    return engine.layers.TextVectorization(**options)


@pytest.mark.keras
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_texts_become_the_numbers_of_keras(keras, options):
    column = np.array(TEXTS)[:, None]
    for data in (TEXTS, column, TEXTS[:1]):
        assert_same(keras, lambda e, d: adapted(layer(e, **options), d).get_vocabulary(), d=data)
        assert_same(keras, lambda e, d: adapted(layer(e, **options), TEXTS)(d), d=data)
    if options.get("split", "") is not None:
        assert_same(keras, lambda e: adapted(layer(e, **options), TEXTS)("foo bar, x"))


@pytest.mark.keras
@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(st.text("aAbB ,.!\t\n\x1c\u00c4\u3000'_-"), min_size=1, max_size=6),
    options=st.sampled_from(OPTIONS[:11]),
)
def test_any_text_becomes_the_numbers_of_keras(keras, texts, options):
    texts = [*texts, "a A b"]
    assert_same(keras, lambda e: adapted(layer(e, **options), texts).get_vocabulary())
    assert_same(keras, lambda e: adapted(layer(e, **options), texts)(texts))


def test_no_ngrams_are_no_tokens(engine):
    made = layer(engine, vocabulary=["a"], ngrams=0)(["a b", "a"])
    assert np.asarray(made).shape == (2, 0)


@pytest.mark.parametrize("data", [[], ["", ""], ""], ids=repr)
def test_no_tokens_make_no_numbers(engine, data):
    numbers = np.asarray(layer(engine, vocabulary=["a"])(data))
    assert (numbers.shape, numbers.dtype) == ((*np.shape(data), 0), "int64")


@pytest.mark.keras
@pytest.mark.parametrize("shape", [(0,), (0, 1)], ids=str)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"output_sequence_length": 3},
        {"split": None},
        {"output_mode": "count"},
        {"output_mode": "tf_idf", "idf_weights": [1.0]},
    ],
    ids=str,
)
def test_no_texts_make_no_rows(keras, options, shape):
    assert_same(keras, lambda e: layer(e, vocabulary=["a"], **options)(np.zeros(shape, "U1")))


def test_token_rows_may_have_many_axes(engine):
    texts = np.array([[["foo"]], [["bar foo"]]])
    made = np.asarray(layer(engine, vocabulary=["foo"])(texts).__array__())
    assert made.tolist() == [[[2, 0]], [[1, 2]]]


def test_one_hot_tokens_of_one_text(engine):
    made = layer(engine, vocabulary=["foo"], output_mode="one_hot")("foo bar foo")
    assert np.asarray(made).tolist() == [[0, 1], [1, 0], [0, 1]]


def test_functions_standardize_and_split():
    made = TextVectorization(
        standardize=np.char.upper, split=lambda texts: [text.split("|") for text in texts]
    )
    made.adapt(["a b|c", "c"])
    assert made.get_vocabulary() == ["", "[UNK]", "C", "A B"]
    assert made([["c|d|a b"], [""]]).tolist() == [[2, 1, 3], [0, 0, 0]]


def test_batches_and_datasets():
    data = Dataset(lambda: iter([np.array(["a b"]), np.array(["b"])]), 2)
    made = adapted(TextVectorization(), data)
    assert made.get_vocabulary() == ["", "[UNK]", "b", "a"]
    assert [row.tolist() for row in data.map(made)] == [[[3, 2]], [[2]]]
    assert adapted(TextVectorization(), data, steps=1).vocabulary_size() == 4


def test_vocabularies_are_given(engine, tmp_path):
    (tmp_path / "words.txt").write_text("x\ny\n")
    from_file = layer(engine, vocabulary=str(tmp_path / "words.txt"))
    assert from_file.get_vocabulary() == ["", "[UNK]", "x", "y"]
    assert from_file.get_vocabulary(include_special_tokens=False) == ["x", "y"]
    made = with_vocabulary(layer(engine), ["", "[UNK]", "x"])
    assert (made.get_vocabulary(), made.vocabulary_size()) == (["", "[UNK]", "x"], 3)
    weighted = layer(engine, vocabulary=["x"], idf_weights=[0.5], output_mode="tf_idf")
    np.testing.assert_allclose(np.asarray(weighted(["x x z"])), [[0.5, 1.0]])


@pytest.mark.keras
@pytest.mark.parametrize("options", [{}, {"vocabulary": ["a"]}, {"ngrams": (1, 2)}], ids=str)
def test_configs_are_those_of_keras(keras, options):
    assert_same(keras, lambda e: layer(e, **options).get_config())
    assert_same(keras, lambda e: adapted(layer(e), ["a b"]).get_config())
    config = TextVectorization(**options).get_config()
    assert TextVectorization.from_config(config).get_config() == config


@pytest.mark.parametrize(
    "options",
    [
        {"standardize": "upper"},
        {"split": "comma"},
        {"output_mode": "vector"},
        {"ngrams": "two"},
        {"ngrams": [1, 2]},
        {"output_sequence_length": "long"},
        {"output_sequence_length": 3, "output_mode": "count"},
        {"ragged": True, "output_mode": "count"},
        {"sparse": True},
        {"pad_to_max_tokens": True},
        {"max_tokens": 1},
        {"vocabulary": ["a"], "output_mode": "tf_idf"},
        {"vocabulary": ["a"], "idf_weights": [1.0]},
        {"unknown": 1},
    ],
    ids=str,
)
def test_bad_arguments_are_refused(engine, options):
    with pytest.raises(ValueError):
        layer(engine, **options)


@pytest.mark.parametrize(
    "call, kind, message",
    [
        (lambda: TextVectorization()(["a"]), RuntimeError, "no vocabulary yet"),
        (lambda: TextVectorization(ragged=True), ValueError, "no ragged.*ragged=True"),
        (lambda: TextVectorization(encoding="ascii"), ValueError, "`encoding`.*'ascii'"),
        (
            lambda: TextVectorization(vocabulary=["a"])([["a", "b"]]),
            ValueError,
            r"\(batch, 1\).*\(1, 2\).*split=None",
        ),
        (lambda: TextVectorization(vocabulary=["a"])([1]), TypeError, r"expects strings.*\[1\]"),
        (
            lambda: TextVectorization(vocabulary=["a"], output_mode="one_hot")(["a", "a a"]),
            ValueError,
            "1 to 2 tokens",
        ),
        (lambda: TextVectorization(vocabulary=["a"]).adapt(["b"]), ValueError, "given its voc"),
        (
            lambda: TextVectorization(vocabulary=["a"], split=lambda x: [["a"]])(["a", "b"]),
            ValueError,
            "Received 1 for 2 texts",
        ),
        (
            lambda: TextVectorization(vocabulary=["a"], split=None, ngrams=2)("a"),
            ValueError,
            "rows of tokens",
        ),
    ],
)
def test_messages(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.keras
@pytest.mark.parametrize("options", [{}, {"output_sequence_length": 4}], ids=str)
def test_symbolic_numbers_have_the_shape_of_keras(keras, options):
    for shape in ((None,), (None, 1), (5, 1)):
        assert_same(
            keras,
            lambda e, s: tuple(layer(e, vocabulary=["a"], **options).compute_output_shape(s)),
            s=shape,
        )
