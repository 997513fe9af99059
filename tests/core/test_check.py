"""Checks of arguments: what passes, what does not, and how it is said."""

import fractions

import numpy as np
import pytest

from npkeras.core import check


class TestIntegers:
    @pytest.mark.parametrize("value", [1, np.int64(1), np.uint8(1)])
    def test_whole_numbers_pass_as_int(self, value):
        assert type(check.positive_int(value, "units", "Dense")) is int
        assert check.non_negative_int(0, "seed", "Dropout") == 0

    @pytest.mark.parametrize("value", [0, -1, 2.5, 2.0, "3", None, True, np.bool_(True), [1]])
    def test_others_do_not(self, value):
        with pytest.raises(ValueError) as caught:
            check.positive_int(value, "units", "Dense")
        assert str(caught.value) == (
            f"`units` of Dense must be a positive integer. Received: units={value!r}"
        )

    @pytest.mark.parametrize("value", [-1, 0.0, None])
    def test_non_negative_int_refuses(self, value):
        with pytest.raises(ValueError, match="must be a non-negative integer. Received: n="):
            check.non_negative_int(value, "n", "X")


class TestOneOf:
    @pytest.mark.parametrize("value", ["a", None, 3])
    def test_what_is_allowed_passes(self, value):
        assert check.one_of(("a", None, 3), value, "mode", "X") is value

    @pytest.mark.parametrize("value", ["A", 4, [], float("nan")])
    def test_others_do_not(self, value):
        with pytest.raises(ValueError, match="`mode` of X must be one of 'a', None. Received: m"):
            check.one_of(("a", None), value, "mode", "X")

    def test_an_array_is_not_compared_entry_by_entry(self):
        with pytest.raises(ValueError, match=r"Received: mode=array of shape \(2,\)"):
            check.one_of(("a", "b"), np.array(["a", "b"]), "mode", "X")

    def test_choices_may_come_from_an_iterator(self):
        assert check.one_of(iter("ab"), "b", "mode", "X") == "b"


class TestNumber:
    @pytest.mark.parametrize(
        "value", [0, 0.5, 1, np.float32(0.5), np.array(0.5), fractions.Fraction(1, 2)]
    )
    def test_numbers_within_bounds_pass_unchanged(self, value):
        assert check.number(value, "rate", "Dropout", 0, 1) is value

    def test_infinity_is_a_number(self):
        assert check.number(float("inf"), "threshold", "X") == float("inf")

    @pytest.mark.parametrize(
        "value",
        [-0.1, 1.1, float("nan"), np.nan, "0.5", None, True, 1j, [0.5], np.array([0.5])]
        + [np.array("a"), np.array(1j), np.array(np.nan)],
    )
    def test_others_do_not(self, value):
        with pytest.raises(ValueError) as caught:
            check.number(value, "rate", "Dropout", 0, 1)
        assert str(caught.value) == (
            "`rate` of Dropout must be a number at least 0 and at most 1. "
            f"Received: rate={check.shown(value)}"
        )

    def test_the_upper_end_may_be_left_out(self):
        assert check.number(0.999, "momentum", "SGD", 0, below=1) == 0.999
        with pytest.raises(ValueError, match="at least 0 and below 1. Received: momentum=1"):
            check.number(1, "momentum", "SGD", 0, below=1)

    def test_without_bounds_none_are_named(self):
        with pytest.raises(ValueError, match="must be a number. Received: rate='x'"):
            check.number("x", "rate", "X")


class TestShape:
    @pytest.mark.parametrize(
        "value, shape",
        [
            (3, (3,)),
            ([2, None], (2, None)),
            ((), ()),
            ((0,), (0,)),
            ((np.int64(4), np.uint8(2)), (4, 2)),
        ],
    )
    def test_lengths_become_a_tuple_of_ints(self, value, shape):
        result = check.shape(value, "shape", "Input")
        assert result == shape
        assert all(length is None or type(length) is int for length in result)

    @pytest.mark.parametrize("value", ["3", None, 2.0, {3}])
    def test_what_is_no_sequence_is_refused(self, value):
        with pytest.raises(ValueError, match="`shape` of Input must be a tuple of integers"):
            check.shape(value, "shape", "Input")

    @pytest.mark.parametrize("value", [(-1,), (2.0,), ("3",), (True,), ((3,),)])
    def test_what_is_no_length_is_refused(self, value):
        with pytest.raises(ValueError, match="must hold non-negative integers or None"):
            check.shape(value, "shape", "Input")


class TestWords:
    def test_no_more_names_what_nobody_took(self):
        check.no_more({}, "Dense")
        with pytest.raises(TypeError, match="Dense got an unexpected keyword argument: `a`, `b`"):
            check.no_more({"a": 1, "b": 2}, "Dense")

    def test_close_names_are_suggested(self):
        assert check.did_you_mean("adm", ["adam", "sgd"]) == " Did you mean 'adam'?"
        assert check.did_you_mean("zzz", ["adam", "sgd"]) == ""
        assert check.did_you_mean(3, ["adam"]) == ""

    def test_shown_is_short(self):
        assert check.shown("a") == "'a'"
        assert check.shown(np.ones((1000, 3))) == "array of shape (1000, 3)"
        assert len(check.shown(list(range(10_000)))) == 80
        assert check.shown("x" * 100, limit=10) == "'xxxxxx..."
