"""Embedding: rows of a table, and the numbers it refuses."""

import numpy as np
import pytest

from npkeras.core.rows import RowGradient
from npkeras.core.tape import GradientTape
from npkeras.layers import Embedding
from tests.layers.engines import array, mask_of

TABLE = np.arange(8, dtype="float32").reshape(4, 2)


def lookup(engine, **options):
    return engine.layers.Embedding(4, 2, weights=[TABLE], **options)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "int8", "float32", "float64"])
def test_each_number_gives_its_row(engine, dtype):
    numbers = np.array([[3, 0], [1, 1]])
    y = lookup(engine)(numbers.astype(dtype))
    np.testing.assert_array_equal(array(y), TABLE[numbers])


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4), (0, 3), (2, 0)])
def test_an_axis_is_added(engine, shape):
    assert tuple(lookup(engine)(np.zeros(shape, "int32")).shape) == (*shape, 2)


def test_the_table_may_be_given(engine):
    for weights in (TABLE, [TABLE]):
        layer = engine.layers.Embedding(4, 2, weights=weights)
        np.testing.assert_array_equal(layer.get_weights()[0], TABLE)
        assert "weights" not in layer.get_config()
    with pytest.raises(ValueError, match=r"\(4, 2\).*\(3, 2\)"):
        engine.layers.Embedding(4, 2, weights=TABLE[:3])


def test_a_table_that_was_given_is_not_kept_twice():
    assert "weights" not in Embedding(4, 2, weights=TABLE)._given[1]


def test_zeros_are_masked_if_asked_for(engine):
    numbers = np.array([[3, 0, 1, 0]])
    assert mask_of(lookup(engine, mask_zero=True)(numbers)) == [[True, False, True, False]]
    assert mask_of(lookup(engine)(numbers)) is None
    layer = lookup(engine, mask_zero=True)
    assert array(layer.compute_mask(numbers)).tolist() == [[True, False, True, False]]
    assert lookup(engine).compute_mask(numbers) is None


def test_numbers_are_not_cast_to_a_short_float(engine):
    layer = engine.layers.Embedding(4000, 1, dtype="float16", embeddings_initializer="zeros")
    layer.build()
    layer.set_weights([np.arange(4000).reshape(-1, 1) % 7])
    y = layer(np.array([2049.0, 3999.0]))
    assert array(y).tolist() == [[2049 % 7], [3999 % 7]] and array(y).dtype == "float16"


@pytest.mark.parametrize("dtype", ["int32", "float32", "bool", "uint8"])
def test_symbolic_numbers_of_any_dtype_give_floats(engine, dtype):
    y = engine.layers.Embedding(4, 2)(engine.Input((3,), dtype=dtype))
    assert (y.shape, y.dtype) == ((None, 3, 2), "float32")


def test_only_the_rows_used_have_a_gradient():
    layer = Embedding(4, 2, weights=TABLE)
    with GradientTape() as tape:
        y = layer(np.array([1, 3, 1]))
    gradient = tape.gradient(y, layer.embeddings, np.array([[1, 2], [3, 4], [5, 6]]))
    assert isinstance(gradient, RowGradient)
    np.testing.assert_array_equal(np.asarray(gradient), [[0, 0], [6, 8], [0, 0], [3, 4]])


@pytest.mark.parametrize(
    "numbers, wrong",
    [
        ([[0, 4]], "4"),
        ([[-1, 0]], "-1"),
        ([[2**31 - 1]], "2147483647"),
        ([[2.0**31]], "2147483648"),
        ([[7.0, 0.0]], "7"),
    ],
)
def test_a_number_without_a_row_is_refused(numbers, wrong):
    layer = Embedding(4, 2, name="words")
    message = rf"'words' \(Embedding\) has rows 0 to 3. Received the number {wrong}\. "
    with pytest.raises(ValueError, match=message):
        layer(np.array(numbers))


@pytest.mark.parametrize(
    "numbers, wrong",
    [([0.0, 0.7], "0.7"), ([1.99], "1.99"), ([np.nan], "nan"), ([np.inf], "inf")],
)
def test_a_number_that_is_not_whole_is_refused(numbers, wrong):
    layer = Embedding(4, 2, name="words")
    with pytest.raises(ValueError, match=rf"'words' \(Embedding\) expects whole.*{wrong}"):
        layer(np.array(numbers, "float32"))


@pytest.mark.parametrize("wrong", [0, -1, 3.5, "3", None])
def test_the_size_of_the_table_is_positive(engine, wrong):
    with pytest.raises(ValueError, match=f"input_dim='?{wrong}"):
        engine.layers.Embedding(wrong, 2)
    with pytest.raises(ValueError, match=f"output_dim='?{wrong}"):
        engine.layers.Embedding(2, wrong)


def test_the_length_of_sequences_may_be_given_as_it_used_to_be():
    from npkeras import Sequential

    assert Sequential([Embedding(4, 2, input_length=5)]).output_shape == (None, 5, 2)


@pytest.mark.parametrize("argument", ["lora_rank", "lora_alpha", "quantization_config"])
def test_what_is_not_supported_is_refused(argument):
    with pytest.raises(ValueError, match=f"`{argument}` of Embedding.*{argument}=2"):
        Embedding(4, 2, **{argument: 2})


def test_words_are_refused_that_have_no_numbers_yet():
    with pytest.raises(ValueError, match=r"expects whole numbers.*<U3.*number first"):
        Embedding(4, 2)(np.array([["one", "two"]]))


def test_the_advice_for_a_negative_number_is_not_a_larger_table():
    with pytest.raises(ValueError, match=r"number -1\. Rows are not counted from the end"):
        Embedding(3, 2)(np.array([[-1]]))
