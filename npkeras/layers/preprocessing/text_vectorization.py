"""TextVectorization: texts as the numbers of their words."""

import math
import re
import string

import numpy as np

from npkeras.core import check
from npkeras.core.dtypes import get_dtype_policy
from npkeras.core.registry import deserialize, is_config, register, serialize
from npkeras.core.symbolic import KerasTensor
from npkeras.layers.base import Layer
from npkeras.layers.preprocessing import categories
from npkeras.layers.preprocessing.string_lookup import StringLookup
from npkeras.layers.preprocessing.strings import check_encoding, strings
from npkeras.layers.preprocessing.vocabulary import OUTPUT_MODES, without_files

# As in TensorFlow only ASCII has capitals and white space.
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_WORDS = re.compile(r"[^ \t\n\v\f\r]+")

STANDARDIZE = {
    "lower_and_strip_punctuation": {**_LOWER, **_NO_PUNCTUATION},
    "lower": _LOWER,
    "strip_punctuation": _NO_PUNCTUATION,
}
SPLIT = {"whitespace": _WORDS.findall, "character": list}


@register("layers")
class TextVectorization(Layer):
    """Texts as numbers of words, one row of numbers, or one vector, for each text.

    Each text is standardized, split into tokens, these are joined to n-grams, and all are looked
    up in a vocabulary (see `StringLookup`): in the output mode `"int"` 0 fills up short rows and 1
    is for tokens out of vocabulary; in other modes 0 is for these.

    Args:
        max_tokens: How many tokens there may be, the special ones included. None: any number.
        standardize: `"lower_and_strip_punctuation"`, `"lower"`, `"strip_punctuation"`, None, or a
            function from an array of strings to another of the same shape. Only ASCII letters
            become small.
        split: `"whitespace"`, `"character"`, None (inputs are tokens already), or a function from
            an array of strings to a list of tokens for each.
        ngrams: An integer n, for n-grams of 1 ... n tokens, or a tuple of their sizes. None: 1.
        output_mode: `"int"`, `"multi_hot"`, `"count"`, `"tf_idf"` or `"one_hot"`.
        output_sequence_length: With `"int"`: rows are cut, or filled up with 0, to this length.
            None: to that of the longest of a batch.
        pad_to_max_tokens: Whether vectors have `max_tokens` entries, however many tokens there are.
        vocabulary: A list or array of tokens, or the name of a text file with a token on each
            line. None: `adapt` finds it.
        idf_weights: In the output mode `"tf_idf"`: a weight for each token of `vocabulary`.
        sparse, ragged: Not supported; only False is taken.
        encoding: Only `"utf-8"` is taken.

    Shapes:
        inputs (batch) or (batch, 1) of strings -> (batch, time) of int64 with `"int"`, (batch,
        size) with vectors for texts, (batch, time, size) with `"one_hot"`

    Example:
        >>> layer = TextVectorization()
        >>> layer.adapt(["The cat sat.", "The dog sat!"])
        >>> layer.get_vocabulary()
        ['', '[UNK]', 'the', 'sat', 'dog', 'cat']
        >>> layer(["The cat", "a dog sat"])
        array([[2, 5, 0],
               [1, 4, 3]])
    """

    compute_dtype = variable_dtype = dtype = input_dtype = "string"

    def __init__(
        self,
        max_tokens=None,
        standardize="lower_and_strip_punctuation",
        split="whitespace",
        ngrams=None,
        output_mode="int",
        output_sequence_length=None,
        pad_to_max_tokens=False,
        vocabulary=None,
        idf_weights=None,
        sparse=False,
        ragged=False,
        encoding="utf-8",
        name=None,
        **kwargs,
    ):
        kwargs.pop("vocabulary_size", None)  # in configs
        if get_dtype_policy(kwargs.get("dtype")).name == "string":
            kwargs["dtype"] = None  # nothing is computed in a dtype
        super().__init__(name=name, **kwargs)
        owner = type(self).__name__
        self.standardize = _choice(standardize, STANDARDIZE, "standardize")
        self.split = _choice(split, SPLIT, "split")
        self.ngrams = _sizes(ngrams)
        check.one_of(OUTPUT_MODES, output_mode, "output_mode", owner)
        _check_length(output_sequence_length, output_mode)
        if ragged:
            raise ValueError(
                "npkeras has no ragged tensors: leave `ragged` of TextVectorization False; short "
                f"rows are filled up with 0. Received: ragged={check.shown(ragged)}"
            )
        categories.refuse_sparse(sparse, owner)
        self.output_sequence_length = output_sequence_length
        self.encoding = check_encoding(encoding, owner)
        self.ragged = False
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            pad_to_max_tokens=pad_to_max_tokens,
            mask_token="",
            output_mode=output_mode,
        )

    max_tokens = property(lambda self: self._lookup_layer.max_tokens)
    output_mode = property(lambda self: self._lookup_layer.output_mode)
    pad_to_max_tokens = property(lambda self: self._lookup_layer.pad_to_max_tokens)
    sparse = property(lambda self: self._lookup_layer.sparse)
    keeps_its_own_files = True

    # The vocabulary

    def get_vocabulary(self, include_special_tokens=True):
        """The tokens in the order of their numbers, as a list.

        Args:
            include_special_tokens: Whether those for filling up and OOV come along.
        """
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self):
        """How many tokens there are, with the special ones."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary, idf_weights=None):
        """Replace the vocabulary: see `StringLookup.set_vocabulary`."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    def adapt(self, data, batch_size=None, steps=None):
        """Make the vocabulary of the tokens in texts, the most frequent first.

        Args:
            data: An array or a list of texts; or batches of them: a generator, a `PyDataset`, a
                data set.
            batch_size: Taken for Keras' sake: arrays are read whole.
            steps: How many batches to read. None: all.
        """
        lookup = self._lookup_layer
        if lookup.input_vocabulary is not None:
            raise ValueError(
                f"{self._title()} was given its vocabulary. Make it without `vocabulary` to have "
                "`adapt` find one."
            )
        self.reset_state()
        for batch in categories.batches(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data):
        """Count the tokens of a batch of texts."""
        texts = strings(data, self._title())
        if self.split is None and texts.ndim < 2:  # each token is a document
            texts = texts.reshape(-1, 1)
        documents, _ = self._tokens_of(texts)
        self._lookup_layer.count(documents)

    def finalize_state(self):
        """Make the vocabulary of what was counted."""
        self._lookup_layer.finalize_state()

    def reset_state(self):
        """Forget what was counted."""
        self._lookup_layer.reset_state()

    # Looking up

    def _title(self):
        return f"Layer {self.name!r} (TextVectorization)"

    def __call__(self, inputs, **kwargs):
        """The numbers of texts: see `call`."""
        return super().__call__(strings(inputs, self._title()), **kwargs)

    def call(self, inputs):
        if isinstance(inputs, KerasTensor):
            return self._inferred(inputs)
        documents, lead = self._tokens_of(inputs)
        lookup = self._lookup_layer
        if self.output_mode == "int":
            if self.split is None and not inputs.ndim:
                return np.array(lookup.numbers_of(documents[0])[0], "int64")
            return self._rows(documents, lead, inputs.shape[-1] if self.split is None else 0)
        if self.output_mode == "one_hot":
            return self._one_hot(documents, lead)
        rows = [lookup.encode(np.array(lookup.numbers_of(d), "int64")) for d in documents]
        if not rows:
            empty = lookup.encode(np.array(lookup.numbers_of([]), "int64").reshape(0, 0))
            return empty.reshape(*lead, empty.shape[-1])
        return np.stack(rows).reshape(*lead, rows[0].size)

    def _rows(self, documents, lead, least):
        """The numbers of the tokens of each document, in rows of one length; `least` without."""
        length = self.output_sequence_length
        if length is None:
            length = max(map(len, documents), default=least)
        rows = np.zeros((len(documents), length), "int64")
        for row, document in zip(rows, documents, strict=True):
            numbers = self._lookup_layer.numbers_of(document[:length])
            row[: len(numbers)] = numbers
        return rows.reshape(*lead, length)

    def _one_hot(self, documents, lead):
        lengths = sorted({len(document) for document in documents})
        if len(lengths) > 1:
            raise ValueError(
                f"{self._title()} makes a vector for each token in the output mode 'one_hot', and "
                f"texts of different lengths make no array. Received texts of {lengths[0]} to "
                f"{lengths[-1]} tokens. Use the output mode 'int'."
            )
        numbers = [self._lookup_layer.numbers_of(document) for document in documents]
        shape = (*lead, *lengths) if self.split is None else (*lead, *lengths, 1)
        return self._lookup_layer.encode(np.array(numbers, "int64").reshape(shape))

    def _tokens_of(self, texts):
        """The n-grams of each text, as lists, and the shape in which these lists lie."""
        texts = self._standardized(texts)
        if self.split is None:
            lead = texts.shape[:-1]
            length = texts.shape[-1] if texts.ndim else 1
            documents = texts.reshape(math.prod(lead), length).tolist()
            if self.ngrams is not None and not texts.ndim:
                raise ValueError(
                    f"{self._title()} makes n-grams of rows of tokens. Received a single one: "
                    f"{check.shown(texts[()])}"
                )
        else:
            if texts.ndim > 1:
                if texts.shape[-1] != 1:
                    raise ValueError(
                        f"{self._title()} expects texts of shape (batch,) or (batch, 1). Received "
                        f"an array of shape {texts.shape}. Set `split=None` if they are tokens."
                    )
                texts = texts[..., 0]
            lead = texts.shape
            documents = self._split(texts.ravel())
        if self.ngrams is not None:
            documents = [list(_joined(document, self.ngrams)) for document in documents]
        return documents, lead

    def _standardized(self, texts):
        if self.standardize is None:
            return texts
        if callable(self.standardize):
            return strings(self.standardize(texts), "What `standardize` returns: TextVectorization")
        table = STANDARDIZE[self.standardize]
        changed = [text.translate(table) for text in texts.ravel().tolist()]
        return np.array(changed, dtype=np.str_).reshape(texts.shape)

    def _split(self, texts):
        """The tokens of each text, as lists."""
        if not callable(self.split):
            return [SPLIT[self.split](text) for text in texts.tolist()]
        owner = "What `split` returns: TextVectorization"
        rows = [row if hasattr(row, "__array__") else list(row) for row in self.split(texts)]
        if len(rows) != len(texts):
            raise ValueError(
                f"`split` of {self._title()} must return a list of tokens for each text. "
                f"Received {len(rows)} for {len(texts)} texts."
            )
        return [strings(row, owner).tolist() for row in rows]

    def _inferred(self, inputs):
        shape = inputs.shape
        if self.split is not None and len(shape) > 1:
            shape = shape[:-1]
        if self.output_mode == "int":
            if self.split is None:
                shape = shape[:-1]
            return KerasTensor((*shape, self.output_sequence_length), "int64")
        size = self._lookup_layer._width()
        dtype = "float32" if self.output_mode == "tf_idf" else "int64"
        if self.output_mode == "one_hot":
            tokens = shape if self.split is None else (*shape, None)
            return KerasTensor((*tokens, size), dtype)
        return KerasTensor((*(shape if self.split is not None else shape[:-1]), size), dtype)

    # Files

    def get_config(self):
        """What `from_config` needs to make a layer like this one."""
        lookup = self._lookup_layer
        return {
            **super().get_config(),
            "standardize": serialize(self.standardize),
            "split": serialize(self.split),
            "vocabulary": lookup.input_vocabulary,
            "idf_weights": lookup.idf_weights,
            "vocabulary_size": lookup.vocabulary_size(),
        }

    not_in_config = frozenset({"vocabulary", "idf_weights", "standardize", "split"})

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A layer like the one whose `get_config` gave `config`."""
        config = dict(without_files(config, cls.__name__))
        for name in ("standardize", "split"):
            if is_config(config.get(name)):
                config[name] = deserialize(config[name], custom_objects)
        if isinstance(config.get("ngrams"), list):
            config["ngrams"] = tuple(config["ngrams"])
        return cls(**config)

    def save_own_variables(self, store):
        """Put the weights of the tokens into `store`, if there are some."""
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store):
        """Take the weights of the tokens from `store`."""
        self._lookup_layer.load_own_variables(store)

    def save_assets(self, dir_path):
        """Write the vocabulary into a file in a folder, unless the config has it."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path):
        """Read the vocabulary from the file in a folder that `save_assets` wrote."""
        self._lookup_layer.load_assets(dir_path)


def _choice(value, table, name):
    """What to do with texts: a name from a table, a function, or None."""
    if value is None or callable(value) or (isinstance(value, str) and value in table):
        return value
    raise ValueError(
        f"`{name}` of TextVectorization must be one of {', '.join(map(repr, table))}, a function, "
        f"or None. Received: {name}={check.shown(value)}"
    )


def _check_length(length, output_mode):
    if length is None:
        return
    if output_mode != "int":
        raise ValueError(
            "`output_sequence_length` of TextVectorization may only be given in the output mode "
            f"'int'. Received: output_sequence_length={check.shown(length)}, "
            f"output_mode={output_mode!r}"
        )
    check.non_negative_int(length, "output_sequence_length", "TextVectorization")


def _sizes(ngrams):
    if ngrams is None or check.is_int(ngrams):
        return ngrams
    if isinstance(ngrams, tuple) and all(map(check.is_int, ngrams)):
        return ngrams
    raise ValueError(
        "`ngrams` of TextVectorization must be an integer, a tuple of integers, or None. "
        f"Received: ngrams={check.shown(ngrams)}"
    )


def _joined(tokens, ngrams):
    """The n-grams of a list of tokens: all of the first size, then those of the next."""
    for size in range(1, ngrams + 1) if isinstance(ngrams, int) else ngrams:
        for start in range(len(tokens) - size + 1) if size > 0 else ():
            yield " ".join(tokens[start : start + size])


__all__ = ["TextVectorization"]
