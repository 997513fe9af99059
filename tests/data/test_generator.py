"""Batches that iterables yield."""

import warnings

import numpy as np
import pytest

from npkeras import data

x2, y2 = np.zeros((2, 3)), np.arange(2)


def firsts(adapter):
    return [float(x.flat[0]) for x, _, _ in adapter]


def numbered(count):
    for i in range(count):
        yield np.full((2, 1), float(i)), np.full(2, i)


@pytest.mark.parametrize(
    "batch, given_parts",
    [
        (x2, 1),
        ((x2,), 1),
        ((x2, y2), 2),
        ((x2, y2, y2), 3),
        ({"a": x2}, 1),
        (([x2, x2], {"b": y2}), 2),
        ((x2, None), 1),
    ],
)
def test_a_batch_is_x_or_a_tuple_of_up_to_three_parts(batch, given_parts):
    ((x, y, sample_weight),) = data.adapt(iter([batch]))
    parts = [part is not None for part in (x, y, sample_weight)]
    assert parts == [i < given_parts for i in range(3)]


def test_arrays_are_left_as_they_are():
    ((x, _, _),) = data.adapt(iter([(x2, y2)]))
    assert x is x2  # also float64, as in Keras: the layers cast


def test_lists_of_numbers_become_arrays():
    ((x, y, _),) = data.adapt(iter([([[1, 2], [3, 4]], [0, 1])]))
    assert x.shape == (2, 2) and y.shape == (2,)


@pytest.mark.parametrize(
    "batch, message",
    [
        ([x2, y2], "generator must yield `x`, .*a list of 2 entries"),
        (3, "must yield .* Received: 3 of type int"),
        ("abc", "of type str"),
        ((x2, y2, y2, y2), r"\(x, y, sample_weight\)`. Received: a tuple of 4 entries"),
        ((), "a tuple of 0 entries"),
        ((x2, np.zeros(3)), "x: 2; y: 3"),
        ((np.float64(1.0), y2), "must yield batches, arrays.*a single number"),
        (([[1, 2], [3]],), "has rows of different lengths"),
        ((np.ma.masked_array([1.0], [True]),), "`batch` is a masked array"),
    ],
)
def test_what_is_no_batch_is_refused(batch, message):
    with pytest.raises(ValueError, match=message):
        list(data.adapt(iter([batch])))


def test_a_generator_serves_one_epoch_and_then_says_so():
    adapter = data.adapt(numbered(2))
    assert adapter.num_batches is None and not adapter.has_partial_batch
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert firsts(adapter) == [0, 1]
    with pytest.warns(UserWarning, match="ends after 0 steps. It cannot be read again"):
        assert firsts(adapter) == []


def test_steps_take_a_generator_epoch_by_epoch():
    adapter = data.adapt(numbered(5), steps=2)
    assert firsts(adapter) == [0, 1]
    assert firsts(adapter) == [2, 3]
    with pytest.warns(UserWarning, match="generator ran out of data: .* 1 of 2 steps"):
        assert firsts(adapter) == [4]
    with pytest.warns(UserWarning, match="0 of 2 steps"):
        assert firsts(adapter) == []


def test_no_more_is_drawn_from_a_generator_than_steps():
    source = numbered(5)
    firsts(data.adapt(source, steps=2))
    assert next(source)[0][0] == 2


def test_an_endless_generator_serves_steps():
    def endless():
        while True:
            yield x2, y2

    adapter = data.adapt(endless(), steps=3)
    assert [len(list(adapter)) for _ in range(3)] == [3, 3, 3]


class Twice:
    """Batches that can be read again and again, of a known number."""

    def __len__(self):
        return 2

    def __iter__(self):
        return numbered(2)


def test_what_can_be_read_again_serves_every_epoch():
    adapter = data.adapt(Twice())
    assert adapter.num_batches == 2
    assert [firsts(adapter) for _ in range(3)] == [[0, 1]] * 3


def test_a_length_that_is_not_kept_is_noticed():
    class Short(Twice):
        def __len__(self):
            return 3

    with pytest.warns(UserWarning, match="2 of 3 steps"):
        assert firsts(data.adapt(Short())) == [0, 1]


def test_errors_of_the_generator_come_through():
    def broken():
        yield x2, y2
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        list(data.adapt(broken()))


@pytest.mark.parametrize("name", ["y", "sample_weight"])
def test_targets_and_weights_are_part_of_the_batches(name):
    with pytest.raises(ValueError, match=f"`{name}` may not be given when `x` is a generator"):
        data.adapt(numbered(1), **{name: y2})


def test_class_weights_are_refused():
    with pytest.raises(ValueError, match=r"`class_weight` may not be .* class_weight=\{0: 1.0\}"):
        data.adapt(numbered(1), class_weight={0: 1.0})
