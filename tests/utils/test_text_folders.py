"""Texts in folders: the files, their order, their labels and their bytes are those of Keras."""

import numpy as np
import pytest

import npkeras
from npkeras.utils import text_dataset_from_directory


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes, with files of several kinds in several places."""
    folder = tmp_path_factory.mktemp("texts")
    contents = {
        "top.txt": b"in no class",
        ".kept/away.txt": b"in no class, out of sight",
        "good/b.txt": b"fine",
        "good/a.TXT": "très bien\r\n".encode(),
        "good/.hidden.txt": b"",
        "good/more/c.txt": b"even\x00 zeros\x00",
        "good/notes.md": b"no text of this kind",
        "bad/d.txt": b"no UTF-8: \xff\xfe",
        "bad/.more/e.txt": b"awful",
        "bad/f.txt": "schlecht, äußerst".encode() * 50,
    }
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def read(package, folder, **options):
    options = {"shuffle": False, "verbose": False, **options}
    return package.utils.text_dataset_from_directory(folder, **options)


def lists(data):
    """Each batch as lists, with the dtypes of its labels."""
    batches = []
    for batch in data.as_numpy_iterator():
        texts, *labels = batch if isinstance(batch, tuple) else (batch,)
        labels = [(np.asarray(part).dtype.name, np.asarray(part).tolist()) for part in labels]
        batches.append((np.asarray(texts, object).tolist(), labels))
    return batches


def test_each_folder_is_a_class(folder):
    data = read(npkeras, folder)
    assert data.class_names == ["bad", "good"] and len(data) == 1
    ((x, y),) = data
    assert (x.dtype, x.shape, y.dtype, y.tolist()) == (object, (7,), "int32", [0] * 3 + [1] * 4)
    assert x[-1] == b"even\x00 zeros\x00"
    assert [path.rpartition("texts0")[2] for path in data.file_paths][-1] == "/good/more/c.txt"


@pytest.mark.keras
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_size": 3},
        {"batch_size": None},
        {"max_length": 7},
        {"max_length": 0},
        {"label_mode": "categorical"},
        {"label_mode": "binary"},
        {"label_mode": None},
        {"labels": None},
        {"labels": [5, 7, 7, 5, 5, 7, 5, 7, 7]},
        {"labels": [1, 0, 1, 0, 1, 0, 1, 0, 1], "label_mode": "binary"},
        {"class_names": ["good", "bad"]},
        {"class_names": ["good"]},
        {"validation_split": 0.4, "subset": "training"},
        {"validation_split": 0.4, "subset": "validation"},
    ],
    ids=str,
)
def test_options_do_what_they_do_in_keras(keras, folder, options, capsys):
    said, data = [], []
    for package in (npkeras, keras):
        data.append(read(package, folder, verbose=True, **options))
        said.append(capsys.readouterr().out)
    ours, theirs = data
    assert lists(ours) == lists(theirs)
    assert ours.class_names == theirs.class_names
    assert len(ours) == len(theirs)
    assert said[0] == said[1]


@pytest.mark.keras
def test_the_parts_are_those_of_keras(keras, folder):
    options = {"validation_split": 0.4, "seed": 3, "shuffle": True, "batch_size": None}
    ours, theirs = (
        [read(package, folder, subset="validation", **options)]
        + list(read(package, folder, subset="both", **options))
        for package in (npkeras, keras)
    )
    for data, data_keras in zip(ours, theirs, strict=True):
        assert sorted(map(str, lists(data))) == sorted(map(str, lists(data_keras)))


def test_each_pass_has_another_order_and_keeps_labels_at_their_texts(folder):
    inside = {x.item(): int(y) for x, y in read(npkeras, folder, batch_size=None)}
    data = read(npkeras, folder, batch_size=None, shuffle=True, seed=1)
    passes = [[x.item() for x, _ in data] for _ in range(3)]
    assert passes[0] != passes[1] or passes[1] != passes[2]
    assert {x.item(): int(y) for x, y in data} == inside


def test_labels_may_be_an_array(folder):
    data = read(npkeras, folder, labels=np.arange(9) % 3)
    assert next(iter(data))[1].tolist() == [0, 1, 2] * 3 and data.class_names == ["0", "1", "2"]


def test_folders_behind_links_are_passed_over_unless_asked_for(folder, tmp_path):
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "one.txt").write_bytes(b"one")
    (tmp_path / "class" / "link").symlink_to(folder / "good")
    assert len(read(npkeras, tmp_path).file_paths) == 1
    assert len(read(npkeras, tmp_path, follow_links=True).file_paths) == 5


@pytest.mark.parametrize(
    "options, message",
    [
        ({"label_mode": "text"}, "`label_mode` of .*label_mode='text'"),
        ({"format": "csv"}, "`format` of .*format='csv'"),
        ({"max_length": -1}, "`max_length` of .*max_length=-1"),
        ({"max_length": 2.5}, "`max_length` of .*max_length=2.5"),
        ({"batch_size": 0}, "`batch_size` of .*batch_size=0"),
        ({"labels": [0, 1]}, "one for each text. Received: 2 labels and 9 texts"),
        ({"class_names": ["good"], "labels": None}, 'are for labels="inferred"'),
        ({"class_names": ["good"], "label_mode": None}, 'are for labels="inferred"'),
        ({"validation_split": 0.4, "subset": "both", "shuffle": True}, "lest a text be in both"),
        ({"validation_split": 0.01, "subset": "validation"}, "no texts for validation"),
    ],
)
def test_what_does_not_fit_is_refused(folder, options, message):
    with pytest.raises(ValueError, match=message) as told:
        read(npkeras, folder, **options)
    assert "text" in str(told.value) or "batch" in str(told.value)


def test_no_folder_and_no_texts(tmp_path):
    with pytest.raises(FileNotFoundError, match="text_dataset_from_directory is no folder"):
        text_dataset_from_directory(tmp_path / "none")
    with pytest.raises(ValueError, match="text_dataset_from_directory finds no texts .* no .txt"):
        text_dataset_from_directory(tmp_path)
