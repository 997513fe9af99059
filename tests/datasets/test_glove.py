"""GloVe: vectors for a vocabulary, out of files large and malformed."""

import os
import zipfile

import numpy as np
import pytest

from npkeras.datasets import DataUnavailableError, glove

TEXT = "the 0.5 -1 2e-1\nof 1 2 3\ncafé 4 5 6\n"
VECTORS = {"the": [0.5, -1, 0.2], "of": [1, 2, 3], "café": [4, 5, 6]}


@pytest.fixture
def file(home, tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_rows_are_those_of_the_word_index(file):
    matrix, found = glove.load(file, {"of": 3, "the": 1, "none": 2}, verbose=0)
    expected = [[0, 0, 0], VECTORS["the"], [0, 0, 0], VECTORS["of"]]
    np.testing.assert_array_equal(matrix, np.array(expected, "float32"))
    assert matrix.dtype == "float32" and found.tolist() == [False, True, False, True]


def test_list_of_words_is_numbered_by_place(file):
    matrix, found = glove.load(file, ["café", "none", "of"], dimension=3, verbose=0)
    expected = [VECTORS["café"], [0, 0, 0], VECTORS["of"]]
    np.testing.assert_array_equal(matrix, np.array(expected, "float32"))
    assert found.tolist() == [True, False, True]


def test_without_words_the_whole_file_comes(file):
    matrix, found = glove.load(file, verbose=0)
    np.testing.assert_array_equal(matrix, np.array(list(VECTORS.values()), "float32"))
    assert found.all() and glove.get_word_index(file) == {"the": 0, "of": 1, "café": 2}
    pairs = {word: vector.tolist() for word, vector in glove.vectors(file)}
    assert pairs == {word: np.float32(vector).tolist() for word, vector in VECTORS.items()}


def test_coverage_is_printed(file, capsys):
    glove.load(file, ["the", "none"])
    assert capsys.readouterr().out == (
        "1 of 2 words (50.0%) have a vector of 3 numbers in vectors.txt.\n"
    )
    glove.load(file, {})
    assert capsys.readouterr().out.startswith("0 of 0 words (0.0%)")


def test_result_is_kept_beside_the_data_and_used_again(file, home, monkeypatch):
    first = glove.load(file, ["of", "none"], verbose=0)
    (kept,) = (home / "datasets" / "glove").iterdir()
    assert kept.name.startswith("vectors.") and kept.suffix == ".npy"
    monkeypatch.setattr(glove, "_vectors", None)
    for ours, theirs in zip(glove.load(file, ["of", "none"], verbose=0), first, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_is_kept_is_for_these_words_and_this_file_only(file):
    glove.load(file, ["of"], verbose=0)
    assert glove.load(file, ["the"], verbose=0)[0].tolist() == [[0.5, -1, np.float32(0.2)]]
    file.write_text(TEXT.replace("of 1", "of 7"), encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert glove.load(file, ["of"], verbose=0)[0].tolist() == [[7, 2, 3]]


def test_damaged_result_is_made_again(file, home):
    glove.load(file, ["of"], verbose=0)
    (kept,) = (home / "datasets" / "glove").iterdir()
    content = kept.read_bytes()
    for damage in (b"", content[:50], content[:-1], b"x" * len(content)):
        kept.write_bytes(damage)
        assert glove.load(file, ["of"], verbose=0)[0].tolist() == [[1, 2, 3]]


def test_result_that_cannot_be_kept_is_given_all_the_same(file, home):
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "glove").touch()
    with pytest.warns(UserWarning, match="could not keep its result: .*glove") as told:
        assert glove.load(file, ["of"], verbose=0)[0].tolist() == [[1, 2, 3]]
    assert told[0].filename == __file__


def test_first_of_several_lines_counts(file):
    file.write_text("a 1\nb 2\na 3\n")
    assert glove.load(file, ["a"], verbose=0)[0].tolist() == [[1]]
    assert glove.load(file, verbose=0)[0].tolist() == [[1], [2]]


def test_first_line_of_counts_is_passed_over(file):
    file.write_text("2 3\nthe 1 2 3\nof 4 5 6\n")
    assert glove.get_word_index(file) == {"the": 0, "of": 1}


def test_words_may_hold_blanks(file):
    file.write_text("the 1 2\n. . . 3 4\nat name@domain 5 6 \r\n")
    assert glove.get_word_index(file) == {"the": 0, ". . .": 1, "at name@domain": 2}


@pytest.mark.parametrize(
    "line", [b"bad 1 2", b"bad", b"", b"bad 1 2 3 4", b"bad  1 2", b"b\xff 1 2 3"]
)
@pytest.mark.parametrize("words", [["of"], None])
def test_malformed_line_is_told_by_its_number(file, line, words):
    file.write_bytes(b"the 1 2 3\n" + line + b"\nof 1 2 3\n")
    with pytest.raises(ValueError, match=r"Line 2 of .*vectors\.txt' (must|is no text)") as caught:
        glove.load(file, words, verbose=0)
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize("line", ["of 1 x 3", "of 1 2 nan", "of 1 2 1e99", "of 1 inf 3"])
def test_what_is_no_number_is_told_by_its_line(file, line):
    file.write_text("the 1 2 3\n" + line + "\n")
    with pytest.raises(ValueError, match="Line 2 of .* holds (something|a number)"):
        glove.load(file, ["of"], verbose=0)


def test_endless_line_is_not_read_whole(file):
    with open(file, "wb") as stream:
        stream.write(b"the 1 2 3\n")
        stream.truncate(1 << 30)
    with pytest.raises(ValueError, match="Line 2 of"):
        glove.load(file, ["of"], verbose=0)


def test_wrong_dimension_is_told(file):
    with pytest.raises(ValueError, match="Line 1 of .* must be a word and 4 numbers"):
        glove.load(file, ["of"], dimension=4, verbose=0)
    with pytest.raises(ValueError, match="Line 1 of .* must be a word and 2 numbers"):
        glove.load(file, ["of"], dimension=2, verbose=0)
    with pytest.raises(ValueError, match="`dimension` of glove.load .*dimension=0"):
        glove.load(file, ["of"], dimension=0)


@pytest.mark.parametrize("content", ["", "3 4\n"])
def test_empty_file_is_told(file, content):
    file.write_text(content)
    for words in (["of"], None):
        for dimension in (None, 3):
            with pytest.raises(ValueError, match=r"vectors\.txt' holds no word vectors"):
                glove.load(file, words, dimension, verbose=0)


@pytest.mark.parametrize("words", ["the", 3])
def test_words_must_be_an_index_or_a_list(file, words):
    with pytest.raises(TypeError, match="`words` of glove.load .*words="):
        glove.load(file, words)


@pytest.mark.parametrize("words", [{"the": -1}, {"the": 1.5}, {3: 1}, [4]])
def test_words_must_have_rows(file, words):
    with pytest.raises(ValueError, match="`words` of glove.load must give each word a row"):
        glove.load(file, words)


def test_missing_file_says_what_to_do(home):
    for path in ("glove.6B.50d.txt", home / "nowhere.txt"):
        with pytest.raises(DataUnavailableError) as caught:
            glove.load(path, ["the"])
        assert "https://nlp.stanford.edu/data/glove.6B.zip" in str(caught.value)
        assert str(home / "datasets") in str(caught.value)


def test_bare_name_is_one_in_the_cache(home):
    folder = home / "datasets"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "glove.6B.zip", "w") as archive:
        archive.writestr("glove.6B.2d.txt", "the 1 2\n")
        archive.writestr("glove.6B.3d.txt", "the 3 4 5\n")
    assert glove.load("glove.6B.2d.txt", ["the"], verbose=0)[0].tolist() == [[1, 2]]
    zipped = folder / "glove.6B.zip"
    assert glove.load(zipped, ["the"], dimension=3, verbose=0)[0].tolist() == [[3, 4, 5]]
    with pytest.raises(ValueError, match="dimension=None and glove.6B.2d.txt, glove.6B.3d.txt"):
        glove.load(zipped, ["the"])
    (folder / "glove.6B.2d.txt").write_text("the 8 9\n")
    assert glove.load("glove.6B.2d.txt", ["the"], verbose=0)[0].tolist() == [[8, 9]]


@pytest.mark.parametrize("inner", [".", "glove"])
def test_folder_stands_for_the_file_in_it(home, tmp_path, inner):
    folder = tmp_path / "vectors" / inner
    folder.mkdir(parents=True)
    (folder / "glove.2d.txt").write_text("the 1 2\n")
    assert glove.load(tmp_path / "vectors", ["the"], verbose=0)[0].tolist() == [[1, 2]]
    (folder / "glove.3d.txt").write_text("the 1 2 3\n")
    assert glove.load(tmp_path / "vectors", ["the"], 2, verbose=0)[0].tolist() == [[1, 2]]
    with pytest.raises(ValueError, match="dimension=None and glove.2d.txt, glove.3d.txt"):
        glove.load(tmp_path / "vectors", ["the"])


def test_real_vectors_are_those_in_the_file(data_folder, home):
    path = data_folder / "glove" / "glove.imdb_ptb.50d.txt"
    index = glove.get_word_index(path)
    assert len(index) == 23_257
    words = ["<eos>", "the", "N", "<unk>", "nosuchword"]
    matrix, found = glove.load(path, words, verbose=0)
    assert found.tolist() == [True] * 4 + [False]
    with open(path, encoding="utf-8") as lines:
        expected = {line.split(" ")[0]: line.split(" ")[1:] for line in lines}
    for word, row in zip(words[:4], matrix, strict=False):
        np.testing.assert_array_equal(row, np.array(expected[word], "float32"))
