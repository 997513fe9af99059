"""StringLookup and IntegerLookup. What takes `engine` is true of Keras too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.data import Dataset
from npkeras.layers import IntegerLookup, StringLookup
from tests.layers.preprocessing.side_by_side import adapted, assert_same, with_vocabulary

AB = ["a", "b"]
TF_IDF = {"output_mode": "tf_idf"}


def lookup(**options):
    return lambda engine, data: engine.layers.StringLookup(**options)(data)


@pytest.mark.keras
@pytest.mark.parametrize("data", [AB, [["a", "z"], ["b", "a"]], [[["b"], ["q"]]], "a"], ids=str)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mask_token": "a1"},
        {"num_oov_indices": 3, "mask_token": ""},
        {"num_oov_indices": 5, "salt": [3, 2**40]},
        {"num_oov_indices": 5, "salt": 7},
        {"output_mode": "one_hot"},
        {"output_mode": "one_hot", "mask_token": "z"},
        {"output_mode": "multi_hot", "num_oov_indices": 2},
        {"output_mode": "count", "mask_token": "z"},
        {"output_mode": "count", "max_tokens": 6, "pad_to_max_tokens": True},
        {**TF_IDF, "idf_weights": [0.5, 2.0]},
        {**TF_IDF, "idf_weights": [0.5, 2.0], "max_tokens": 6, "pad_to_max_tokens": True},
    ],
    ids=str,
)
def test_strings_have_the_places_that_keras_gives_them(keras, options, data):
    assert_same(keras, lookup(vocabulary=AB, **options), data=data)


@pytest.mark.keras
@settings(max_examples=40, deadline=None)
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1),
    salt=st.sampled_from([None, 5, [1, 2]]),
)
def test_unknown_text_falls_into_the_same_bucket(keras, texts, salt):
    options = {"vocabulary": ["\u2014"], "num_oov_indices": 10007, "salt": salt}
    assert_same(keras, lookup(**options), data=np.array([text * 7 for text in texts], object))


@pytest.mark.parametrize(
    "data",
    [
        np.array(AB),
        np.array([b"a", b"b"]),
        np.array(AB, object),
        np.array([b"a", b"b"], object),
        (*AB,),
    ],
    ids=repr,
)
def test_any_array_of_strings_will_do(engine, data):
    if isinstance(data, tuple):
        data = list(data)
    assert np.asarray(engine.layers.StringLookup(vocabulary=AB)(data)).tolist() == [1, 2]


@pytest.mark.keras
@pytest.mark.parametrize("shape", [(0,), (0, 2), (2, 0)], ids=str)
@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
def test_no_tokens_have_no_places(keras, shape, mode):
    assert_same(keras, lookup(vocabulary=AB, output_mode=mode), data=np.zeros(shape, "U1"))
    places = lookup(vocabulary=AB, invert=True)
    assert_same(keras, places, data=np.zeros(shape, "int32"))


@pytest.mark.keras
@pytest.mark.parametrize(
    "options", [{}, {"mask_token": ""}, {"num_oov_indices": 2, "oov_token": "?"}], ids=str
)
def test_places_become_strings_again(keras, options):
    places = np.array([[0, 1, 2], [3, 4, -1]])
    assert_same(keras, lookup(vocabulary=AB, invert=True, **options), data=places)
    assert_same(keras, lookup(vocabulary=AB, invert=True, **options), data=np.array(1))


@pytest.mark.keras
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mask_token": 0},
        {"num_oov_indices": 3},
        {"num_oov_indices": 4, "oov_method": "farmhash", "mask_token": 0},
        {"num_oov_indices": 4, "oov_method": "farmhash", "salt": 3},
        {"invert": True},
        {"output_mode": "count", "mask_token": 0},
        {**TF_IDF, "idf_weights": [1, 2, 3]},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["int32", "int64", "float32"])
def test_integers_have_the_places_that_keras_gives_them(keras, options, dtype):
    data = np.array([[0, 1, 9], [-7, 3, 4], [12, 2, 9]], dtype)
    assert_same(
        keras,
        lambda e, data: e.layers.IntegerLookup(vocabulary=[9, 2, 4], **options)(data),
        data=data,
    )


# Learning a vocabulary

LETTERS = np.array([["d", "b", "c"], ["", "b", "[UNK]"], ["a", "é", "b"], ["a", "A", "aa"]])
KNOWN = [["a", "d"], ["d", "d"]]


@pytest.mark.keras
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mask_token": ""},
        {"max_tokens": 4, "num_oov_indices": 2},
        {"num_oov_indices": 0},
        TF_IDF,
        {**TF_IDF, "max_tokens": 4},
        {**TF_IDF, "max_tokens": 20, "pad_to_max_tokens": True},
        {**TF_IDF, "num_oov_indices": 3, "mask_token": "b"},
        {"output_mode": "multi_hot", "mask_token": "b"},
    ],
    ids=str,
)
def test_adapt_finds_what_keras_finds(keras, options):
    for data in (LETTERS, LETTERS[:, 0], LETTERS.tolist()):
        assert_same(
            keras,
            lambda e, d: adapted(e.layers.StringLookup(**options), d).get_vocabulary(),
            d=data,
        )
        assert_same(keras, lambda e, d: adapted(e.layers.StringLookup(**options), d)(KNOWN), d=data)


@pytest.mark.keras
@pytest.mark.parametrize("options", [{}, {"mask_token": 3}, {"oov_token": 5}, TF_IDF], ids=str)
def test_adapt_finds_the_integers_that_keras_finds(keras, options):
    data = np.array([[5, 5, 3], [4, -1, 7], [0, 4, -1]])
    assert_same(keras, lambda e: adapted(e.layers.IntegerLookup(**options), data).get_vocabulary())


def test_batches_come_from_anywhere(engine):
    class Data(engine.utils.PyDataset):
        def __len__(self):
            return len(LETTERS)

        def __getitem__(self, i):
            return LETTERS[i]

    expected = adapted(engine.layers.StringLookup(), LETTERS).get_vocabulary()
    for data in (iter(LETTERS), (list(row) for row in LETTERS), Data()):
        assert adapted(engine.layers.StringLookup(), data).get_vocabulary() == expected


def test_datasets_are_read_and_mapped():
    data = Dataset(lambda: iter(LETTERS), 4)
    layer = adapted(StringLookup(), data)
    assert layer.get_vocabulary() == adapted(StringLookup(), LETTERS).get_vocabulary()
    assert [row.tolist() for row in data.map(layer).take(1)] == [layer(LETTERS[0]).tolist()]
    assert adapted(StringLookup(), data, steps=1).get_vocabulary() == ["[UNK]", "d", "c", "b"]


def test_adapting_again_forgets(engine):
    layer = adapted(adapted(engine.layers.StringLookup(), AB), ["c"])
    assert layer.get_vocabulary() == ["[UNK]", "c"]
    assert layer.get_vocabulary(include_special_tokens=False) == ["c"]
    assert layer.vocabulary_size() == 2


# Giving it

FILES = {"lines": "x\n y \nz\n", "windows": "x\r\ny é", "special": "[UNK]\nx\n"}


@pytest.mark.keras
@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_vocabularies_come_from_files(keras, tmp_path, text):
    (tmp_path / "words.txt").write_bytes(text.encode())
    path = str(tmp_path / "words.txt")

    def ask(engine):
        layer = engine.layers.StringLookup(vocabulary=path, mask_token="m")
        return [layer.get_vocabulary(), layer.get_config(), layer(["x", "[UNK]", "z"])]

    for i in range(3):
        assert_same(keras, lambda engine, i=i: ask(engine)[i])


@pytest.mark.keras
@pytest.mark.parametrize(
    "options, vocabulary",
    [
        ({}, (["[UNK]", "a"],)),
        ({}, (["a", "[UNK]"],)),
        ({}, (np.array(AB),)),
        ({"mask_token": "m"}, (["m", "[UNK]", "a"],)),
        ({"mask_token": "m"}, (["[UNK]", "a"],)),
        ({"num_oov_indices": 2}, (["[UNK]", "[UNK]", "b"],)),
        ({"num_oov_indices": 0}, (["[UNK]", "b"],)),
        ({"output_mode": "count", "mask_token": "m"}, (["[UNK]", "b"],)),
        (TF_IDF, (AB, [2.0, 0.5])),
        (TF_IDF, (["[UNK]", *AB], [7, 2, 0.5])),
    ],
    ids=str,
)
def test_special_tokens_may_come_first(keras, options, vocabulary):
    def layer(engine):
        return with_vocabulary(engine.layers.StringLookup(**options), *vocabulary)

    assert_same(keras, lambda engine: layer(engine).get_vocabulary())
    if options.get("num_oov_indices") != 0:
        assert_same(keras, lambda engine: layer(engine)(["a", "b", "q", "[UNK]"]))


@pytest.mark.parametrize(
    "make",
    [
        lambda L: L(vocabulary=["a", "a"]),
        lambda L: L(vocabulary=[]),
        lambda L: L(vocabulary=["a", "b", "c"], max_tokens=3),
        lambda L: L(vocabulary=["m", "a"], mask_token="m"),
        lambda L: L(vocabulary=["a", "[UNK]"], invert=True),
        lambda L: L(vocabulary="no such file"),
        lambda L: L(vocabulary=AB, output_mode="tf_idf"),
        lambda L: L(vocabulary=AB, output_mode="tf_idf", idf_weights=[1.0]),
        lambda L: L(vocabulary=AB, idf_weights=[1.0, 2.0]),
        lambda L: L(max_tokens=1),
        lambda L: L(output_mode="vector"),
        lambda L: L(num_oov_indices=-1),
        lambda L: L(invert=True, output_mode="count"),
        lambda L: L(pad_to_max_tokens=True),
        lambda L: L(sparse=True),
        lambda L: L(unknown=1),
        lambda L: L(vocabulary=AB).adapt(AB),
    ],
)
def test_bad_vocabularies_and_arguments_are_refused(engine, make):
    with pytest.raises(ValueError):
        make(engine.layers.StringLookup)


@pytest.mark.parametrize(
    "call, kind, message",
    [
        (lambda: StringLookup()(AB), RuntimeError, "no vocabulary yet.*`adapt`"),
        (lambda: StringLookup(vocabulary=AB)([1, 2]), TypeError, r"expects strings.*\[1, 2\]"),
        (
            lambda: StringLookup(vocabulary=AB)([["a"], ["a", "b"]]),
            ValueError,
            "rows of one length",
        ),
        (
            lambda: StringLookup(vocabulary=AB, num_oov_indices=0)(["a", "q"]),
            ValueError,
            r"not in its vocabulary.*\['q'\].*num_oov_indices=1",
        ),
        (lambda: StringLookup(sparse=True, output_mode="count"), ValueError, "no sparse"),
        (lambda: StringLookup(encoding="latin-1"), ValueError, "`encoding`.*'utf-8'.*'latin-1'"),
        (lambda: StringLookup(mask_token=5), TypeError, "`mask_token`.*string.*mask_token=5"),
        (lambda: StringLookup(vocabulary=AB, invert=True)(AB), TypeError, "expects integers.*<U1"),
        (lambda: IntegerLookup(vocabulary=["a"]), ValueError, "`vocabulary`.*integers.*'a'"),
        (lambda: IntegerLookup(vocabulary=[1])(AB), TypeError, "expects integers.*<U1"),
        (lambda: IntegerLookup(vocabulary_dtype="int32"), ValueError, "'int64'.*'int32'"),
        (lambda: IntegerLookup(salt=1), ValueError, "`salt`.*'farmhash'"),
        (lambda: IntegerLookup(oov_method="md5"), ValueError, "`oov_method`.*'md5'"),
        (lambda: IntegerLookup(mask_token="a"), TypeError, "`mask_token`.*integer.*'a'"),
        (lambda: StringLookup(salt="x"), ValueError, "`salt`.*two integers.*'x'"),
        (
            lambda: adapted(StringLookup(**TF_IDF), LETTERS.reshape(2, 2, 3)),
            ValueError,
            r"rows of tokens.*\(2, 2, 3\)",
        ),
    ],
)
def test_messages(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize(
    "text, message", [("a\n\nb", "empty line: number 2"), ("a\na", "than once")]
)
def test_bad_files_are_refused(tmp_path, text, message):
    (tmp_path / "words.txt").write_text(text)
    with pytest.raises(ValueError, match=message):
        StringLookup(vocabulary=tmp_path / "words.txt")


@pytest.mark.keras
@pytest.mark.parametrize("name", ["StringLookup", "IntegerLookup"])
def test_symbolic_places_have_the_shapes_of_keras(keras, name):
    vocabulary = AB if name == "StringLookup" else [1, 2]
    for mode in ("int", "one_hot", "multi_hot", "count"):
        for shape in ((None,), (4,), (None, 1), (None, 3), (2, None)):
            assert_same(
                keras,
                lambda e, m, s: tuple(
                    getattr(e.layers, name)(
                        vocabulary=vocabulary, output_mode=m
                    ).compute_output_shape(s)
                ),
                m=mode,
                s=shape,
            )
