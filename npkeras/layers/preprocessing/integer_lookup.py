"""IntegerLookup: integers as their places in a vocabulary, and back."""

import numpy as np

from npkeras.core import check
from npkeras.core.registry import register
from npkeras.core.tape import plain
from npkeras.layers.preprocessing.vocabulary import VocabularyLookup


@register("layers")
class IntegerLookup(VocabularyLookup):
    """Integers as their places in a vocabulary, or the integers at places.

    The places, from 0: the mask token, if there is one and the output mode is `"int"`; integers
    that are out of vocabulary ("OOV"); the vocabulary.

    Args:
        max_tokens: How many tokens there may be, the special ones included. None: any number.
        num_oov_indices: How many places there are for OOV integers. 0: they are an error.
        mask_token: An integer that stands for nothing, at place 0. In other output modes than
            `"int"` it counts for nothing. None: there is none.
        oov_token: What places of OOV integers are called in the vocabulary.
        vocabulary: A list or array of integers, or the name of a text file with one on each line.
            None: `adapt` finds it.
        vocabulary_dtype: Only `"int64"` is taken.
        idf_weights: In the output mode `"tf_idf"`: a weight for each token of `vocabulary`.
        invert: Whether to go back, from places to integers.
        output_mode: `"int"`, `"one_hot"`, `"multi_hot"`, `"count"` or `"tf_idf"`: see
            `StringLookup`.
        sparse: Not supported; only False is taken.
        pad_to_max_tokens: Whether vectors have `max_tokens` entries, however many tokens there are.
        oov_method: How one of several OOV places is chosen: `"floormod"`, the remainder, or
            `"farmhash"`, a hash of the digits.
        salt: An integer, or two, for another hash than the usual one (FarmHash, then SipHash).

    Shapes:
        inputs (...) of integers -> (...) of int64 with `"int"`; (batch, time) -> (batch, time,
        size) with `"one_hot"`; (batch, time) -> (batch, size) with the others

    Example:
        >>> IntegerLookup(vocabulary=[12, 36])([36, 7, 12])
        array([2, 0, 1])
    """

    compute_dtype = variable_dtype = dtype = input_dtype = "int64"

    def __init__(
        self,
        max_tokens=None,
        num_oov_indices=1,
        mask_token=None,
        oov_token=-1,
        vocabulary=None,
        vocabulary_dtype="int64",
        idf_weights=None,
        invert=False,
        output_mode="int",
        sparse=False,
        pad_to_max_tokens=False,
        oov_method="floormod",
        salt=None,
        name=None,
        **kwargs,
    ):
        if vocabulary_dtype != "int64":
            raise ValueError(
                "`vocabulary_dtype` of IntegerLookup must be 'int64'. "
                f"Received: vocabulary_dtype={check.shown(vocabulary_dtype)}"
            )
        if salt is not None and oov_method != "farmhash":
            raise ValueError(
                "`salt` of IntegerLookup may only be given with oov_method='farmhash'. "
                f"Received: salt={check.shown(salt)}, oov_method={check.shown(oov_method)}"
            )
        self.vocabulary_dtype = vocabulary_dtype
        super().__init__(
            max_tokens,
            num_oov_indices,
            mask_token,
            oov_token,
            vocabulary,
            idf_weights,
            invert,
            output_mode,
            pad_to_max_tokens,
            sparse,
            oov_method=oov_method,
            salt=salt,
            name=name,
            **kwargs,
        )

    _kind_of_token = "an integer"

    def _is_token(self, value):
        return check.is_int(value)

    def _as_tokens(self, vocabulary):
        try:
            return np.asarray(plain(vocabulary)).astype("int64").ravel().tolist()
        except (TypeError, ValueError) as error:
            raise ValueError(
                "`vocabulary` of IntegerLookup must hold integers. "
                f"Received: vocabulary={check.shown(vocabulary)}"
            ) from error

    def _token_of_line(self, line):
        try:
            return int(np.array(int(line), "int64"))
        except (OverflowError, ValueError) as error:
            raise ValueError(
                f"A vocabulary file of {self._title()} must hold an integer on each line. "
                f"Received: {check.shown(line)}"
            ) from error

    def _bucket(self, token, buckets):
        if self.oov_method == "floormod":
            return token % buckets
        return super()._bucket(token, buckets)

    def _standardized(self, inputs):
        return self._as_numbers(inputs)
