"""Batches of arrays: their form, order, weights, and what is refused."""

import array
import subprocess
import sys
import warnings

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import data
from npkeras.data import rows

x4, y4 = np.arange(12.0, dtype="float32").reshape(4, 3), np.arange(4)


def labels(adapter):
    return [batch[1].tolist() for batch in adapter]


def test_a_batch_always_has_three_parts():
    ((x, y, sample_weight),) = data.adapt(x4)
    assert (x.shape, y, sample_weight) == ((4, 3), None, None)


def test_the_last_batch_may_be_smaller():
    adapter = data.adapt(np.zeros((7, 2)), np.arange(7), batch_size=3)
    assert labels(adapter) == [[0, 1, 2], [3, 4, 5], [6]]
    assert (adapter.num_batches, adapter.num_samples, adapter.batch_size) == (3, 7, 3)
    assert (adapter.has_partial_batch, adapter.partial_batch_size) == (True, 1)


def test_the_usual_batch_has_32_rows():
    assert [len(x) for x, _, _ in data.adapt(np.zeros((65, 1)))] == [32, 32, 1]


def test_batches_are_views_without_shuffling():
    for x, _, _ in data.adapt(x4, batch_size=3):
        assert np.shares_memory(x, x4)


@pytest.mark.parametrize(
    "given_dtype, expected",
    [
        ("float64", "float32"),
        ("float16", "float32"),
        (">f4", "float32"),
        ("int64", "int64"),
        (">i4", "int32"),
        ("uint8", "uint8"),
        ("bool", "bool"),
    ],
)
def test_floats_become_floatx_and_whole_numbers_stay(given_dtype, expected):
    ((x, y, _),) = data.adapt(np.ones((2, 2), given_dtype), np.ones(2, given_dtype))
    assert (x.dtype, y.dtype) == (expected, expected)
    assert x.dtype.isnative and (x == 1).all()


def test_numbers_too_large_for_floatx_are_said_to_be_so():
    with pytest.warns(UserWarning, match="`x` holds numbers too large for float32"):
        ((x, _, _),) = data.adapt(np.array([[1e300]]))
    assert np.isinf(x).all()


def test_nests_keep_their_form():
    x, y = {"a": x4, "b": [x4, x4]}, (y4, None)
    ((bx, by, _),) = data.adapt(x, y)
    assert bx["a"].shape == (4, 3) and type(bx["b"]) is list and len(bx["b"]) == 2
    assert type(by) is tuple and by[1] is None


def test_lists_of_numbers_are_arrays():
    ((x, y, _),) = data.adapt([[1, 2], [3, 4]], [0.5, 1.5])
    assert x.tolist() == [[1, 2], [3, 4]] and y.tolist() == [0.5, 1.5] and y.dtype == "float32"


def test_tables_and_columns_of_pandas_have_two_axes():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4, 5, 6]})
    ((x, y, _),) = data.adapt(frame, frame["b"])
    assert x.tolist() == [[1, 4], [2, 5], [3, 6]] and x.dtype == "float32"
    assert y.tolist() == [[4], [5], [6]]


def mixed_table(**columns):
    pandas = pytest.importorskip("pandas")
    given = {"a": [1.0, 2.5], "b": [4, 5], "c": [True, False], **columns}
    return pandas.DataFrame(given)


def test_tables_of_pandas_may_have_columns_of_several_dtypes():
    frame = mixed_table()
    assert frame.to_numpy().dtype == object
    ((x, y, _),) = data.adapt(frame, frame[["b", "c"]])
    assert x.tolist() == [[1, 4, 1], [2.5, 5, 0]] and x.dtype == "float32"
    assert y.tolist() == [[4, 1], [5, 0]] and y.dtype.kind == "i"


def test_numbers_that_pandas_keeps_in_its_own_way_are_numbers():
    frame = mixed_table().astype({"b": "Int64", "c": "boolean"})
    ((x, y, _),) = data.adapt(frame, frame["c"])
    assert x.tolist() == [[1, 4, 1], [2.5, 5, 0]] and y.tolist() == [[True], [False]]
    frame = mixed_table(d=[7, 8]).astype({"d": "object"})
    ((x, _, _),) = data.adapt(frame)
    assert x[:, 3].tolist() == [7, 8]


def test_what_is_missing_in_a_table_is_nan():
    frame = mixed_table(b=[4, None]).astype({"b": "Int64"})
    ((x, _, _),) = data.adapt(frame)
    np.testing.assert_array_equal(x, np.array([[1, 4, 1], [2.5, np.nan, 0]]))


@pytest.mark.parametrize("values", [["u", "v"], [[1], [2, 3]], [1, "2"]])
def test_the_column_of_a_table_that_holds_no_numbers_is_named(values):
    frame = mixed_table(words=values)
    with pytest.raises(ValueError, match="`x` must hold numbers.*column 'words' of dtype"):
        data.adapt(frame)
    with pytest.raises(ValueError, match="`y` must hold numbers.*column 'words' of dtype"):
        data.adapt(frame[["a"]], frame["words"])


def test_masked_arrays_without_gaps_are_arrays():
    ((x, y, _),) = data.adapt(np.ma.masked_array(x4), np.ma.masked_array(y4, [False] * 4))
    assert type(x) is np.ndarray and x.tolist() == x4.tolist() and y.tolist() == y4.tolist()


def test_arrays_of_python_are_arrays():
    ((x, y, _),) = data.adapt(memoryview(x4), array.array("i", y4))
    assert x.tolist() == x4.tolist() and y.tolist() == y4.tolist()


def test_whether_batches_are_alike():
    assert data.adapt(x4, batch_size=2).batches_are_alike
    assert data.adapt(x4, batch_size=4).batches_are_alike
    assert not data.adapt(x4, batch_size=3).batches_are_alike
    assert not data.adapt(x4, batch_size=5).batches_are_alike
    assert not data.adapt(iter([x4])).batches_are_alike


def test_a_sparse_matrix_becomes_dense_batch_by_batch():
    sparse = pytest.importorskip("scipy.sparse")
    matrix = sparse.random(10, 4, density=0.5, format="coo", random_state=0)
    batches = [x for x, _, _ in data.adapt(matrix, batch_size=4)]
    np.testing.assert_allclose(np.concatenate(batches), matrix.toarray(), rtol=1e-6)


class Matrix:
    """What a sparse matrix of SciPy looks like."""

    def __init__(self, dense):
        self.dense, self.shape, self.dtype = dense, dense.shape, dense.dtype

    def tocsr(self):
        return self

    def toarray(self):
        return self.dense

    def __getitem__(self, index):
        return Matrix(self.dense[index])


def test_what_looks_like_a_sparse_matrix_is_one():
    batches = [x.tolist() for x, _, _ in data.adapt(Matrix(x4.astype("float64")), batch_size=3)]
    assert batches == [x4[:3].tolist(), x4[3:].tolist()]


class Tensor:
    """A tensor of another library."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


def test_tensors_of_other_libraries_are_read_as_arrays():
    ((x, y, _),) = data.adapt(Tensor(x4), Tensor(y4))
    assert x is not None and y.tolist() == y4.tolist()


class Watched:
    """An array in a file, which notes what is read."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.reads = array, array.shape, array.dtype, []

    def __len__(self):
        return len(self.array)

    def __getitem__(self, index):
        self.reads.append(index)
        return self.array[index]


def test_files_are_read_block_by_block():
    source = Watched(x4.astype("float64"))
    batches = [x for x, _, _ in data.adapt(source, batch_size=3)]
    assert source.reads == [slice(0, 3), slice(3, 4)]
    assert batches[0].dtype == "float32" and batches[1].tolist() == x4[3:].tolist()


@pytest.mark.parametrize("shuffle", [False, True, "batch"])
def test_hdf5_gives_what_memory_gives(tmp_path, shuffle):
    x, y = np.random.normal(size=(11, 2)), np.arange(11)
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"], file["y"] = x, y
        np.random.seed(1)
        stored = list(data.adapt(file["x"], file["y"], batch_size=4, shuffle=shuffle))
    np.random.seed(1)
    for a, b in zip(data.adapt(x, y, batch_size=4, shuffle=shuffle), stored, strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])


def test_a_memory_map_is_read_as_plain_arrays(tmp_path):
    stored = np.memmap(tmp_path / "x", "float32", "w+", shape=(5, 2))
    stored[:] = np.arange(10).reshape(5, 2)
    for x, _, _ in data.adapt(stored, batch_size=2, shuffle=True):
        assert type(x) is np.ndarray


def test_shuffling_draws_a_permutation_for_each_epoch():
    adapter = data.adapt(np.zeros(10), np.arange(10), batch_size=4, shuffle=True)
    np.random.seed(3)
    drawn = [sum(labels(adapter), []) for _ in range(2)]
    np.random.seed(3)
    assert drawn == [np.random.permutation(10).tolist() for _ in range(2)]


def test_shuffling_by_batch_keeps_the_blocks():
    adapter = data.adapt(np.zeros(10), np.arange(10), batch_size=4, shuffle="batch")
    np.random.seed(3)
    drawn = labels(adapter)
    np.random.seed(3)
    blocks = [(0, 4), (4, 4), (8, 2)]
    assert drawn == [(start + np.random.permutation(n)).tolist() for start, n in blocks]


@pytest.mark.parametrize(
    "arrange",
    [
        np.ascontiguousarray,
        np.asfortranarray,
        lambda x: x[::-1][::-1],
        lambda x: x.astype(">f8"),
        lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),  # cannot be written to
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    ],
)
def test_rows_are_the_same_however_the_array_lies_in_memory(arrange):
    x = np.random.RandomState(0).normal(size=(20, 3, 2))
    np.random.seed(1)
    batches = [x for x, _, _ in data.adapt(arrange(x), batch_size=7, shuffle=True)]
    np.random.seed(1)
    expected = x[np.random.permutation(20)].astype("float32")
    np.testing.assert_array_equal(np.concatenate(batches), expected)


def test_all_parts_are_shuffled_alike():
    adapter = data.adapt(
        {"a": np.arange(20.0)}, np.arange(20), np.arange(20), batch_size=6, shuffle=True
    )
    for x, y, sample_weight in adapter:
        assert x["a"].tolist() == y.tolist() == sample_weight.tolist()


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 40), size=st.integers(1, 45), shuffle=st.sampled_from([False, True, "batch"])
)
def test_every_row_comes_once(n, size, shuffle):
    adapter = data.adapt(np.zeros(n), np.arange(n), batch_size=size, shuffle=shuffle)
    batches = labels(adapter)
    assert sorted(sum(batches, [])) == list(range(n))
    assert [len(b) for b in batches[:-1]] == [size] * (adapter.num_batches - 1)


def test_many_epochs_have_many_orders():
    adapter = data.adapt(np.zeros(8), np.arange(8), batch_size=8, shuffle=True)
    np.random.seed(0)
    orders = {tuple(labels(adapter)[0]) for _ in range(50)}
    assert len(orders) == 50  # of 40320


def test_one_array_of_sample_weights_serves_all_outputs():
    ((_, _, weights),) = data.adapt(x4, {"a": y4, "b": y4}, np.ones(4))
    assert set(weights) == {"a", "b"}


def test_sample_weights_come_in_the_form_of_the_targets():
    with pytest.raises(ValueError, match=r"y=\[\(4,\), \(4,\)\], sample_weight=\[\(4,\)\]"):
        data.adapt(x4, [y4, y4], [np.ones(4)])


def test_sample_weights_are_numbers():
    with pytest.raises(
        ValueError, match="`sample_weight` must hold finite numbers.*nan for sample 2"
    ):
        data.adapt(x4, y4, np.array([1, 1, np.nan, 1]))


def test_class_weights_become_sample_weights():
    batches = list(data.adapt(x4, y4, batch_size=3, class_weight={0: 2, 1: 0.5, 2: 3, 3: 4}))
    assert [weights.tolist() for _, _, weights in batches] == [[2, 0.5, 3], [4]]
    assert batches[0][2].dtype == "float32"


def test_class_and_sample_weights_exclude_each_other():
    with pytest.raises(ValueError, match="`class_weight` or `sample_weight`, not both"):
        data.adapt(x4, y4, np.ones(4), class_weight={0: 1.0})


@pytest.mark.parametrize("class_weight, y", [({0: 1.0}, [y4, y4]), ({0: 1.0}, None)])
def test_class_weights_need_one_target(class_weight, y):
    with pytest.raises(ValueError, match="single output, and its targets"):
        list(data.adapt(x4, y, class_weight=class_weight))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((np.zeros((2, 2)), np.zeros(3)), "x: 2; y: 3"),
        ((np.zeros((2, 2)), np.zeros(2), np.zeros(5)), "x: 2; y: 2; sample_weight: 5"),
        (([np.zeros(2), np.zeros(3)],), "x: 2, 3"),
        ((np.float32(3.0),), "`x` must have a batch axis"),
        ((np.array(3.0),), "`x` must have a batch axis"),
        ((np.array([["a"]]),), "`x` must hold numbers. Received: dtype=<U1.*strings"),
        ((np.array([[1], [2, 3]], object),), "dtype=object.*padding"),
        ((x4, np.array([b"a"] * 4)), "`y` must hold numbers. Received: dtype=.*S1"),
        ((np.ones((2, 2), complex),), "dtype=complex128.*real and imaginary"),
        ((np.ones(2, "M8[s]"),), "dtype=datetime64.*times"),
        ((np.ma.masked_array([[1.0]], [[True]]),), "`x` is a masked array"),
        (([[1, 2], [3]],), r"`x` has rows of different lengths: \[\[1, 2\], \[3\]\]"),
        (([x4, {"a": "b"}],), r"`x\[1\]\['a'\]` must be an array.*'b' of type str"),
        ((3,), "`x` must be an array.*3 of type int"),
        (("abc",), "`x` must be an array.*'abc' of type str"),
        ((None,), "`fit` needs data. Received: x=None"),
        ((object(),), "`fit` needs arrays, a data set.*of type object"),
    ],
)
def test_what_is_no_data_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        data.adapt(*arguments)
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, "a", True])
def test_a_batch_has_a_whole_number_of_rows(batch_size):
    with pytest.raises(ValueError, match=f"`batch_size` of `fit` must be.*={batch_size!r}"):
        data.adapt(x4, batch_size=batch_size)


def test_steps_are_a_whole_number():
    with pytest.raises(ValueError, match="`steps` of the data must be.*steps=0"):
        data.adapt(x4, steps=0)


def test_an_order_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="`shuffle` of `fit` must be one of True, False, 'batch'"):
        data.adapt(x4, shuffle="abc")


def test_no_samples_are_refused_where_something_is_to_be_learnt():
    with pytest.raises(ValueError, match=r"`evaluate` needs at least one sample.*\(0, 3\)"):
        data.adapt(np.zeros((0, 3)), owner="evaluate")


def test_no_samples_make_no_batches_where_they_are_allowed():
    adapter = data.adapt(np.zeros((0, 3)), owner="predict", may_be_empty=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(adapter.batches()) == [] and adapter.num_batches == 0


FORMS = {
    "x": lambda x, y, w: {"x": x},
    "x, y": lambda x, y, w: {"x": x, "y": y},
    "x, y, sample weights": lambda x, y, w: {"x": x, "y": y, "sample_weight": w},
    "several inputs": lambda x, y, w: {"x": [x, x], "y": y},
    "named targets": lambda x, y, w: {"x": x, "y": {"a": y, "b": y}},
    "class weights": lambda x, y, w: {"x": x, "y": y, "class_weight": {0: 2.0, 1: 3.0, 2: 1.0}},
}


@pytest.mark.keras
@settings(max_examples=15, deadline=None)
@given(
    n=st.integers(1, 9),
    size=st.one_of(st.none(), st.integers(1, 5)),
    form=st.sampled_from(sorted(FORMS)),
    dtype=st.sampled_from(["float32", "float64", "float16", "int32", "uint8", "bool"]),
    one_hot=st.booleans(),
)
def test_a_training_step_receives_what_it_does_in_keras(keras, n, size, form, dtype, one_hot):
    received = []

    class Model(keras.Model):
        def call(self, x):
            return 0.0

        def train_step(self, batch):
            received.append(keras.tree.map_structure(np.asarray, batch))
            return {"loss": 0.0}

    x, y = np.arange(n * 2).reshape(n, 2).astype(dtype), np.arange(n) % 3
    y = np.eye(3)[y] if one_hot else y
    arguments = FORMS[form](x, y, np.linspace(0, 1, n))
    model = Model()
    model.compile(loss="mse", run_eagerly=True)
    model.fit(**arguments, batch_size=size, shuffle=False, verbose=0)
    ours = [data.pack_x_y_sample_weight(*b) for b in data.adapt(**arguments, batch_size=size)]
    assert len(ours) == len(received)
    for batch, expected in zip(ours, received, strict=True):
        expected = keras.tree.flatten(expected)
        batch = keras.tree.flatten(batch)
        assert len(batch) == len(expected)
        for a, b in zip(batch, expected, strict=True):
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
            np.testing.assert_array_equal(a, b)


class TestLargeMappedFiles:
    """Pages that were read are given back, and what is read stays right."""

    @pytest.fixture
    def stored(self, tmp_path, monkeypatch):
        monkeypatch.setattr(rows, "_HELD", 64)
        array = np.memmap(tmp_path / "x", "float32", "w+", shape=(50, 4))
        array[:] = np.arange(200).reshape(50, 4)
        array.flush()
        return array

    @pytest.mark.parametrize("mode", ["r", "r+", "c"])
    @pytest.mark.parametrize("shuffle", [False, True, "batch"])
    def test_batches_are_those_of_memory(self, stored, mode, shuffle):
        mapped = np.memmap(stored.filename, "float32", mode, shape=(50, 4))
        if mode == "c":
            mapped[3] = -1  # stands in memory alone: its pages must not be given back
        expected = np.array(mapped)
        np.random.seed(3)
        found = [x.copy() for x, _, _ in data.adapt(mapped, batch_size=7, shuffle=shuffle)]
        np.random.seed(3)
        for x, (y, _, _) in zip(
            found, data.adapt(expected, batch_size=7, shuffle=shuffle), strict=True
        ):
            np.testing.assert_array_equal(x, y)

    def test_what_was_written_is_still_there(self, stored):
        stored[:] = 7  # not flushed
        for x, _, _ in data.adapt(stored, batch_size=7, shuffle=True):
            assert (x == 7).all()
        assert (stored == 7).all()

    def test_parts_are_mapped_too(self, stored):
        (x, _, _), (x_val, _, _) = data.train_validation_split((stored, None, None), 0.2)
        assert isinstance(x, np.memmap) and isinstance(x_val, np.memmap)
        np.testing.assert_array_equal(
            np.concatenate([b for b, _, _ in data.adapt(x_val, batch_size=3)]), stored[40:]
        )

    def test_little_is_held(self, tmp_path):
        """A process that reads 400 MB in order and shuffled grows by far less."""
        if not sys.platform.startswith("linux"):
            pytest.skip("only Linux says how much a process held")
        size = 100_000
        np.memmap(tmp_path / "x", "float32", "w+", shape=(size, 1_000))[::100] = 1
        code = (
            "import sys, numpy as np\n"
            "from npkeras import data\n"
            "from tests.benchmarks import memory\n"
            f"x = np.memmap(sys.argv[1], 'float32', 'r', shape=({size}, 1000))\n"
            "before = memory.peak()\n"
            "for shuffle in (False, True):\n"
            "    for batch, _, _ in data.adapt(x, batch_size=1000, shuffle=shuffle):\n"
            "        assert batch.mean() >= 0\n"
            "print(memory.peak() - before)\n"
        )
        command = [sys.executable, "-c", code, str(tmp_path / "x")]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
        assert float(done.stdout) < 150
