"""CSVLogger: the logs as a table."""

import numpy as np
import pytest

from npkeras.callbacks import CSVLogger
from tests.callbacks.stage import train, values

TABLES = {
    "plain": [{"loss": 1.0, "accuracy": 0.5}, {"loss": 0.5, "accuracy": 0.75}],
    "validated": values(3.5, 2.25),
    "arrays": [{"a": np.float32(2.5), "b": np.array(3.0), "c": np.array([1, 2]), "d": [1.5, 2]}],
    "text": [{"a": "x;y", "b": None}],
    "missing": [{"a": 1.0, "val_a": 3}, {"a": 2.0}, {}],
    "validated later": [{"b": 1.0, "a": 1.0}, {"a": 2.0, "val_a": 5.0, "val_b": 6.0}],
}


def written(callback, *tables):
    for logs in tables:
        train(callback, logs)
    with open(callback.filename, newline="", encoding="utf-8") as file:
        return file.read()


def test_an_epoch_is_a_line(tmp_path):
    text = written(CSVLogger(tmp_path / "a.csv"), TABLES["validated"])
    assert text == "epoch,loss,val_loss\r\n0,1.0,3.5\r\n1,1.0,2.25\r\n"


def test_what_is_missing_is_written_na(tmp_path):
    text = written(CSVLogger(tmp_path / "a.csv", separator=";"), TABLES["missing"])
    assert text == "epoch;a;val_a\r\n0;1.0;3\r\n1;2.0;NA\r\n2;NA;NA\r\n"


def test_validation_that_begins_later_has_its_columns(tmp_path):
    text = written(CSVLogger(tmp_path / "a.csv"), TABLES["validated later"])
    assert text.splitlines() == ["epoch,a,b,val_a,val_b", "0,1.0,1.0,NA,NA", "1,2.0,NA,5.0,6.0"]


def test_a_file_is_written_anew(tmp_path):
    text = written(CSVLogger(tmp_path / "a.csv"), values(1.0, 2.0), values(3.0))
    assert text == "epoch,loss,val_loss\r\n0,1.0,3.0\r\n"


def test_or_gone_on_with_in_its_own_columns(tmp_path):
    written(CSVLogger(tmp_path / "a.csv"), values(1.0))
    callback = CSVLogger(tmp_path / "a.csv", append=True)
    text = written(callback, [{"val_loss": 2.0, "loss": 3.0, "more": 4.0}])
    assert text.splitlines() == ["epoch,loss,val_loss", "0,1.0,1.0", "0,3.0,2.0"]


def test_a_file_that_is_empty_gets_its_header(tmp_path):
    (tmp_path / "a.csv").touch()
    text = written(CSVLogger(tmp_path / "a.csv", append=True), values(1.0))
    assert text.startswith("epoch,loss,val_loss\r\n")


def test_every_line_is_in_the_file_at_once(tmp_path):
    callback = CSVLogger(tmp_path / "a.csv")
    callback.on_train_begin()
    callback.on_epoch_end(0, {"loss": 1.0})
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines == ["epoch,loss,val_loss", "0,1.0,NA"]
    callback.on_train_abandoned()
    assert callback.csv_file is None
    callback.on_train_abandoned()


@pytest.mark.keras
@pytest.mark.parametrize("logs", TABLES.values(), ids=TABLES.keys())
@pytest.mark.parametrize("separator", [",", ";"])
def test_the_file_is_that_of_keras(keras, tmp_path, logs, separator):
    ours = written(CSVLogger(str(tmp_path / "ours.csv"), separator), logs)
    theirs = keras.callbacks.CSVLogger(str(tmp_path / "theirs.csv"), separator)
    assert ours == written(theirs, logs)
