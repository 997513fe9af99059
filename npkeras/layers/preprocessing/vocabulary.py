"""What layers that look tokens up have in common: a vocabulary, given or found by counting."""

import collections
import os

import numpy as np

from npkeras.core import check
from npkeras.core.symbolic import KerasTensor
from npkeras.layers.base import Layer
from npkeras.layers.preprocessing import categories
from npkeras.layers.preprocessing.categories import batches, encoded, encoded_shape
from npkeras.layers.preprocessing.fingerprints import fingerprint, keyed_fingerprint
from npkeras.layers.preprocessing.strings import as_bytes

OUTPUT_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
ASSET = "vocabulary.txt"


class VocabularyLookup(Layer):
    """Tokens as their places in a vocabulary, and back.

    The first places belong to the mask (one, if there is a mask token and the output is numbers)
    and to tokens that are out of vocabulary ("OOV"). Subclasses say what a token is.
    """

    untracked = Layer.untracked | {
        "input_vocabulary",
        "_tokens",
        "_places",
        "_found",
        "_found_in",
        "idf_weights",
        "_idf",
    }
    not_in_config = frozenset({"vocabulary", "idf_weights", "vocabulary_size"})
    keeps_its_own_files = True  # `idf_weights` in a file has its own name, and any length

    def __init__(
        self,
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
        oov_method="floormod",
        salt=None,
        vocabulary_size=None,
        **kwargs,
    ):
        kwargs.pop("dtype", None)  # tokens have a dtype of their own
        super().__init__(**kwargs)
        self.max_tokens, self.num_oov_indices = max_tokens, num_oov_indices
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert, self.output_mode = invert, output_mode
        self.pad_to_max_tokens, self.sparse = pad_to_max_tokens, sparse
        self.oov_method, self.salt = oov_method, salt
        self._check_arguments()
        self._key = self._key_of(salt)
        self.input_vocabulary = self.idf_weights = self._idf = None
        self._tokens, self._places = None, {}
        self.reset_state()
        if idf_weights is not None and output_mode != "tf_idf":
            self._refuse_idf_weights(idf_weights)
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
            if not isinstance(vocabulary, (str, os.PathLike)):  # a file is read only once
                self.input_vocabulary = self._as_tokens(vocabulary)
                self.idf_weights = None if idf_weights is None else _floats(idf_weights).tolist()

    def _check_arguments(self):
        owner = type(self).__name__
        if self.max_tokens is not None and not (
            check.is_int(self.max_tokens) and self.max_tokens > 1
        ):
            raise ValueError(
                f"`max_tokens` of {owner} must be an integer above 1, or None. "
                f"Received: max_tokens={check.shown(self.max_tokens)}"
            )
        check.non_negative_int(self.num_oov_indices, "num_oov_indices", owner)
        check.one_of(OUTPUT_MODES, self.output_mode, "output_mode", owner)
        check.one_of(("floormod", "farmhash"), self.oov_method, "oov_method", owner)
        categories.refuse_sparse(self.sparse, owner)
        if self.invert and self.output_mode != "int":
            raise ValueError(
                f"`output_mode` of {owner} must be 'int' where `invert` is True. "
                f"Received: output_mode={self.output_mode!r}"
            )
        if self.pad_to_max_tokens and self.max_tokens is None:
            raise ValueError(
                f"`pad_to_max_tokens` of {owner} needs `max_tokens`. Received: max_tokens=None"
            )
        for name in ("mask_token", "oov_token"):
            token = getattr(self, name)
            if token is not None and not self._is_token(token):
                raise TypeError(
                    f"`{name}` of {owner} must be {self._kind_of_token} or None. "
                    f"Received: {name}={check.shown(token)}"
                )

    def _key_of(self, salt):
        if salt is None:
            return None
        if check.is_int(salt):
            return (salt, salt)
        if isinstance(salt, (tuple, list)) and len(salt) == 2 and all(map(check.is_int, salt)):
            return tuple(salt)
        raise ValueError(
            f"`salt` of {type(self).__name__} must be an integer, two integers, or None. "
            f"Received: salt={check.shown(salt)}"
        )

    def _title(self):
        return f"Layer {self.name!r} ({type(self).__name__})"

    # What subclasses say

    _kind_of_token = "a token"

    def _is_token(self, value):
        """Whether a value can be a token."""
        raise NotImplementedError

    def _as_tokens(self, vocabulary):
        """A vocabulary that was given, as a list of tokens."""
        raise NotImplementedError

    def _token_of_line(self, line):
        """The token that a line of a file holds."""
        raise NotImplementedError

    def _bucket(self, token, buckets):
        """Which of the places for unknown tokens one of them has."""
        data = as_bytes(str(token))
        number = fingerprint(data) if self._key is None else keyed_fingerprint(data, self._key)
        return number % buckets

    # The vocabulary

    def _has_mask_place(self):
        return self.mask_token is not None and self.output_mode == "int"

    def _num_special(self):
        return int(self._has_mask_place()) + self.num_oov_indices

    def _special_tokens(self):
        """The tokens before those of the vocabulary."""
        return [self.mask_token] * self._has_mask_place() + [self.oov_token] * self.num_oov_indices

    def get_vocabulary(self, include_special_tokens=True):
        """The tokens in the order of their places, as a list.

        Args:
            include_special_tokens: Whether the mask and OOV tokens come along.
        """
        return (self._special_tokens() if include_special_tokens else []) + (self._tokens or [])

    def vocabulary_size(self):
        """How many tokens there are, with those for the mask and OOV."""
        return self._num_special() + len(self._tokens or ())

    def set_vocabulary(self, vocabulary, idf_weights=None):
        """Replace the vocabulary.

        Args:
            vocabulary: A list or array of tokens, with or without all the special ones in front;
                or the name of a text file with a token on each line.
            idf_weights: In the output mode `"tf_idf"`: a weight for each of them.
        """
        if idf_weights is not None and self.output_mode != "tf_idf":
            self._refuse_idf_weights(idf_weights)
        if isinstance(vocabulary, (str, os.PathLike)):
            if self.output_mode == "tf_idf":
                raise ValueError(
                    f"{self._title()} takes no vocabulary from a file in the output mode 'tf_idf'."
                )
            self._put(self._read(vocabulary))
            return
        tokens = self._as_tokens(vocabulary)
        if not tokens:
            raise ValueError(f"{self._title()} cannot have an empty vocabulary.")
        count = self._num_special()
        with_special = 0 < count <= len(tokens) and tokens[:count] == self._special_tokens()
        own = tokens[count:] if with_special else tokens
        self._check(own)
        if self.output_mode == "tf_idf":
            weights = self._weights_for(tokens, idf_weights)
            front = weights[:count] if with_special else weights.mean()
            self._idf = front, weights[len(tokens) - len(own) :]
        self._put(own)

    def _refuse_idf_weights(self, idf_weights):
        raise ValueError(
            "`idf_weights` may only be given in the output mode 'tf_idf'. Received: "
            f"output_mode={self.output_mode!r}, idf_weights={check.shown(idf_weights)}"
        )

    def _weights_for(self, tokens, idf_weights):
        if idf_weights is None:
            raise ValueError(
                f"{self._title()} needs `idf_weights` beside the vocabulary in the output mode "
                "'tf_idf'."
            )
        weights = _floats(idf_weights)
        if weights.shape != (len(tokens),):
            raise ValueError(
                f"{self._title()} needs one of `idf_weights` for each of {len(tokens)} tokens. "
                f"Received: an array of shape {weights.shape}"
            )
        return weights

    def _all_weights(self):
        """The weights of special tokens, which are those in front or one for all, and of others."""
        front, weights = self._idf
        return np.concatenate([np.broadcast_to(front, (self._num_special(),)), weights])

    def _check(self, tokens):
        """Refuse a vocabulary with repeated tokens, special ones, or too many."""
        repeated = [token for token, n in collections.Counter(tokens).items() if n > 1]
        if repeated:
            raise ValueError(
                f"The vocabulary of {self._title()} must hold each token once. Repeated: "
                f"{check.shown(repeated)}"
            )
        reserved = [self.mask_token] if self.mask_token is not None else []
        reserved += [self.oov_token] if self.invert and self.oov_token is not None else []
        for token in reserved:
            if token in tokens:
                raise ValueError(
                    f"The vocabulary of {self._title()} holds the reserved token {token!r} where "
                    "it may not be. Leave out the special tokens, or begin with all of them, as "
                    "`get_vocabulary` has them."
                )
        size = len(tokens) + self._num_special()
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                f"The vocabulary of {self._title()} has {size} tokens with the special ones, more "
                f"than `max_tokens`. Received: max_tokens={self.max_tokens}"
            )

    def _put(self, tokens):
        """Make these the tokens of the vocabulary, and number them."""
        first = self._num_special()
        self._tokens = list(tokens)
        self._places = {token: i for i, token in enumerate(self._tokens, first)}
        self.input_vocabulary = self.idf_weights = None  # what the config holds is out of date
        if self.mask_token is not None:
            self._places[self.mask_token] = 0 if self.output_mode == "int" else -1

    def _read(self, path):
        """The tokens in the lines of a file."""
        if not os.path.isfile(path):
            raise ValueError(f"Vocabulary file {str(path)!r} does not exist.")
        lines = _lines_of(path)
        tokens = [self._token_of_line(line.removesuffix("\r")) for line in lines]
        if "" in lines:
            raise ValueError(
                f"Vocabulary file {str(path)!r} has an empty line: number {lines.index('') + 1}."
            )
        if len(set(tokens)) < len(tokens):
            repeated = [token for token, n in collections.Counter(tokens).items() if n > 1]
            raise ValueError(
                f"Vocabulary file {str(path)!r} holds tokens more than once: "
                f"{check.shown(repeated)}"
            )
        return tokens

    # Learning it

    def adapt(self, data, steps=None):
        """Make the vocabulary of the tokens in data, the most frequent first.

        Args:
            data: An array or a list; or batches of them: a generator, a `PyDataset`, a data set.
            steps: How many batches to read. None: all.
        """
        if self.input_vocabulary is not None:
            raise ValueError(
                f"{self._title()} was given its vocabulary. Make it without `vocabulary` to have "
                "`adapt` find one."
            )
        self.reset_state()
        for batch in batches(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data):
        """Count the tokens of a batch."""
        tokens = self._standardized(data)
        if self.output_mode == "tf_idf" and tokens.ndim > 2:
            raise ValueError(
                f"{self._title()} takes rows of tokens in the output mode 'tf_idf'. "
                f"Received data of shape {tokens.shape}."
            )
        rows = tokens.reshape(-1, 1) if tokens.ndim < 2 else tokens.reshape(len(tokens), -1)
        self.count(rows.tolist())

    def count(self, documents):
        """Count the tokens of documents, which are lists of tokens."""
        for document in documents:
            self._found.update(document)
            if self.output_mode == "tf_idf":
                self._found_in.update(set(document))
        self._num_documents += len(documents)

    def finalize_state(self):
        """Make the vocabulary of what was counted."""
        if self.input_vocabulary is not None or not self._num_documents:
            return
        known = {self.mask_token, self.oov_token}
        found = [(-count, token) for token, count in self._found.items() if token not in known]
        found.sort(key=lambda pair: pair[1], reverse=True)
        tokens = [token for _, token in sorted(found, key=lambda pair: pair[0])]
        if self.max_tokens is not None:
            tokens = tokens[: max(self.max_tokens - self._num_special(), 0)]
        if self.output_mode == "tf_idf":
            seen = np.array([self._found_in[token] for token in tokens], "float64")
            weights = np.log(1 + self._num_documents / (1 + seen)).astype("float32")
            self._idf = weights.mean() if len(weights) else np.float32(0), weights
        self._put(tokens)
        self.reset_state()

    def reset_state(self):
        """Forget what was counted."""
        self._found, self._found_in = collections.Counter(), collections.Counter()
        self._num_documents = 0

    # Looking up

    def __call__(self, inputs, **kwargs):
        """The places of tokens, or the tokens at places: see `call`."""
        return super().__call__(self._entry(inputs), **kwargs)

    def _entry(self, inputs):
        return self._standardized(inputs) if not self.invert else self._as_numbers(inputs)

    def _as_numbers(self, inputs):
        numbers = categories.bare(inputs)
        if isinstance(numbers, KerasTensor):
            return numbers
        if numbers.size and numbers.dtype.kind not in "biuf":
            raise TypeError(
                f"{self._title()} expects integers. Received an array of dtype {numbers.dtype}."
            )
        return numbers.astype("int64")

    def call(self, inputs):
        if isinstance(inputs, KerasTensor):
            return self._inferred(inputs)
        if self.invert:
            return self._tokens_at(inputs)
        numbers = self.numbers_of(inputs.ravel().tolist())
        return self.encode(np.array(numbers, "int64").reshape(inputs.shape))

    def numbers_of(self, tokens):
        """The places of tokens in a list."""
        if self._tokens is None:
            raise RuntimeError(
                f"{self._title()} has no vocabulary yet. Call `adapt` or `set_vocabulary` first."
            )
        places, first = self._places, int(self._has_mask_place())
        if self.num_oov_indices == 1:
            return [places.get(token, first) for token in tokens]
        found = [places.get(token) for token in tokens]
        if None not in found:
            return found
        if not self.num_oov_indices:
            unknown = [token for token, place in zip(tokens, found, strict=True) if place is None]
            raise ValueError(
                f"{self._title()} has no place for tokens that are not in its vocabulary, as "
                f"num_oov_indices=0. Received: {check.shown(unknown)}. Set `num_oov_indices=1`."
            )
        return [
            first + self._bucket(token, self.num_oov_indices) if place is None else place
            for token, place in zip(tokens, found, strict=True)
        ]

    def encode(self, numbers):
        """Numbers as the output mode has them."""
        if self.output_mode == "int":
            return numbers
        size = self._width()
        if self.output_mode != "tf_idf":
            return encoded(numbers, size, self.output_mode, "int64")
        weights = self._all_weights()
        if len(weights) != self.vocabulary_size():
            raise ValueError(
                f"{self._title()} has {len(weights)} weights for {self.vocabulary_size()} tokens. "
                "Call `adapt` or `set_vocabulary` again."
            )
        weights = np.pad(weights, (0, size - len(weights)))
        return encoded(numbers, size, "count", "float32") * weights

    def _width(self):
        """How many entries an encoded vector has; None while there is no vocabulary."""
        if self.pad_to_max_tokens:
            return self.max_tokens
        return None if self._tokens is None else self.vocabulary_size()

    def _tokens_at(self, numbers):
        if self._tokens is None:
            self.numbers_of([])  # says so
        tokens = self.get_vocabulary()
        known = (numbers >= 0) & (numbers < len(tokens))
        table = np.array([*tokens, self.oov_token])
        return np.asarray(table[np.where(known, numbers, len(tokens))])

    def _inferred(self, inputs):
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        if mode == "int":
            return KerasTensor(inputs.shape, self.compute_dtype if self.invert else "int64")
        dtype = "float32" if self.output_mode == "tf_idf" else "int64"
        return KerasTensor(encoded_shape(inputs.shape, self._width(), mode), dtype)

    # Files

    def get_config(self):
        """What `from_config` needs to make a layer like this one."""
        config = super().get_config()
        return {
            **config,
            "vocabulary": self.input_vocabulary,
            "idf_weights": self.idf_weights,
            "vocabulary_size": self.vocabulary_size(),
            "oov_method": self.oov_method,
            "salt": self.salt,
        }

    @classmethod
    def from_config(cls, config):
        """A layer like the one whose `get_config` gave `config`. It names no file to be read."""
        return cls(**without_files(config, cls.__name__))

    def get_build_config(self):
        """Nothing: no shape is needed to look things up."""
        return {}

    def save_own_variables(self, store):
        """Put the weights of the tokens into `store`, if there are some."""
        if self._idf is not None:
            store["idf_weights"] = self._all_weights()

    def load_own_variables(self, store):
        """Take the weights of the tokens from `store`."""
        if self.output_mode == "tf_idf" and "idf_weights" in store:
            weights, count = _floats(store["idf_weights"]), self._num_special()
            self._idf = weights[:count], weights[count:]

    def save_assets(self, dir_path):
        """Write the vocabulary into a file in a folder, unless the config has it."""
        if self.input_vocabulary is not None:
            return
        tokens = [str(token) for token in self.get_vocabulary()]
        broken = [token for token in tokens if "\n" in token or "\r" in token]
        if broken:
            raise ValueError(
                f"{self._title()} has tokens of several lines, which a file with a token on each "
                f"line cannot hold: {check.shown(broken)}. Give the layer its `vocabulary` when "
                "you make it: then it is kept in the config."
            )
        with open(os.path.join(dir_path, ASSET), "wb") as file:
            file.write(as_bytes("\n".join(tokens)))

    def load_assets(self, dir_path):
        """Read the vocabulary from the file in a folder that `save_assets` wrote."""
        path = os.path.join(dir_path, ASSET)
        if self.input_vocabulary is not None or not os.path.isfile(path):
            return
        lines = _lines_of(path, keep_last=True)[self._num_special() :]
        tokens = [self._token_of_line(line) for line in lines]
        self._check(tokens)
        if tokens:
            self._put(tokens)


def without_files(config, owner):
    """A config, if its vocabulary is none or a list: others' configs shall not open files here."""
    vocabulary = config.get("vocabulary")
    if vocabulary is not None and not isinstance(vocabulary, (list, tuple, np.ndarray)):
        raise ValueError(
            f"`vocabulary` in the config of {owner} must be a list or None: no file that a config "
            f"names is read. Received: vocabulary={check.shown(vocabulary)}. Make the layer anew, "
            "or call `set_vocabulary`."
        )
    return config


def _lines_of(path, keep_last=False):
    with open(path, "rb") as file:
        lines = file.read().decode("utf-8", "surrogateescape").split("\n")
    return lines if keep_last or lines[-1] else lines[:-1]


def _floats(values):
    return np.asarray(values, "float32")
