"""StringLookup: words as numbers, and numbers as words."""

from npkeras.core.registry import register
from npkeras.layers.preprocessing.strings import check_encoding, strings
from npkeras.layers.preprocessing.vocabulary import VocabularyLookup


@register("layers")
class StringLookup(VocabularyLookup):
    """Strings as their places in a vocabulary, or the strings at places.

    The places, from 0: the mask token, if there is one and the output mode is `"int"`; tokens that
    are out of vocabulary ("OOV"); the vocabulary. With several places for OOV tokens a hash of the
    token says which it has.

    Args:
        max_tokens: How many tokens there may be, the special ones included. None: any number.
        num_oov_indices: How many places there are for OOV tokens. 0: they are an error.
        mask_token: A token that stands for nothing, at place 0. In other output modes than `"int"`
            it counts for nothing. None: there is none.
        oov_token: What places of OOV tokens are called in the vocabulary.
        vocabulary: A list or array of tokens, or the name of a text file with a token on each
            line. None: `adapt` finds it.
        idf_weights: In the output mode `"tf_idf"`: a weight for each token of `vocabulary`.
        invert: Whether to go back, from places to tokens.
        output_mode: `"int"`: places. `"one_hot"`: a vector for each place. `"multi_hot"`,
            `"count"`: a vector for each sample, of which tokens it has, or how often. `"tf_idf"`:
            the same as `"count"`, times log(1 + documents / (1 + documents with the token)).
        pad_to_max_tokens: Whether vectors have `max_tokens` entries, however many tokens there are.
        sparse: Not supported; only False is taken.
        encoding: Only `"utf-8"` is taken.
        salt: An integer, or two, for another hash than the usual one (FarmHash, then SipHash).

    Shapes:
        inputs (...) of strings -> (...) of int64 with `"int"`; (batch, time) -> (batch, time, size)
        with `"one_hot"`; (batch, time) -> (batch, size) with the others

    Example:
        >>> StringLookup(vocabulary=["cat", "dog"])(["dog", "cow", "cat"])
        array([2, 0, 1])
    """

    compute_dtype = variable_dtype = dtype = input_dtype = "string"

    def __init__(
        self,
        max_tokens=None,
        num_oov_indices=1,
        mask_token=None,
        oov_token="[UNK]",
        vocabulary=None,
        idf_weights=None,
        invert=False,
        output_mode="int",
        pad_to_max_tokens=False,
        sparse=False,
        encoding="utf-8",
        name=None,
        salt=None,
        **kwargs,
    ):
        self.encoding = check_encoding(encoding, type(self).__name__)
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
            name=name,
            salt=salt,
            **kwargs,
        )

    _kind_of_token = "a string"

    def _is_token(self, value):
        return isinstance(value, str)

    def _as_tokens(self, vocabulary):
        return strings(vocabulary, "`vocabulary` of StringLookup").ravel().tolist()

    def _token_of_line(self, line):
        return line

    def _standardized(self, inputs):
        return strings(inputs, self._title())
