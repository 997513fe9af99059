"""Bidirectional: sequences read from both ends."""

from npkeras import ops
from npkeras.core import check
from npkeras.core.registry import deserialize, register, serialize
from npkeras.layers.base import Layer
from npkeras.layers.signatures import call_signature, is_users

_MERGE_MODES = ("sum", "mul", "ave", "concat", None)


@register("layers")
class Bidirectional(Layer):
    """Reads sequences forwards with one layer, and backwards with another like it.

    Source: Schuster & Paliwal, 1997, "Bidirectional recurrent neural networks".

    The layer that is given serves as a pattern: both layers are made anew from its config, and so
    are their weights. With `return_sequences` what was read backwards is turned around, so that
    both outputs of a step stand side by side; at masked steps they are zero.

    Args:
        layer: A recurrent layer, such as `LSTM`, or `RNN` with a cell.
        merge_mode: What becomes of the two outputs: "sum", "mul", "ave" (their mean) or "concat"
            (side by side). None: both are returned.
        weights: Arrays for the weights to begin with: those of the forward layer, then those of
            the backward layer.
        backward_layer: The layer that reads backwards, used as it is. It must have another
            `go_backwards` than `layer`, and the same `stateful`, `return_sequences` and
            `return_state`. None: one like `layer`.

    Call arguments:
        sequences: The inputs.
        initial_state: The states to begin with: those of the forward layer, then as many of the
            backward layer.
        mask: False at steps to leave out.
        training: Whether to use dropout.

    Shapes:
        sequences (batch, steps, ...), mask (batch, steps)
        -> what the layer returns, with "concat" twice as long along the last axis; with
        `return_state` also the states of the forward layer, then those of the backward layer

    Example:
        >>> layer = Bidirectional(npkeras.layers.LSTM(4, return_sequences=True))
        >>> layer(np.ones((2, 5, 3))).shape
        (2, 5, 8)
    """

    supports_masking = True
    not_in_config = frozenset({"layer", "weights", "backward_layer"})

    def __init__(self, layer, merge_mode="concat", weights=None, backward_layer=None, **kwargs):
        _check_layer(layer, "layer")
        if backward_layer is not None:
            _check_layer(backward_layer, "backward_layer")
        self.merge_mode = check.one_of(_MERGE_MODES, merge_mode, "merge_mode", "Bidirectional")
        super().__init__(**kwargs)
        self.forward_layer = _like(layer, "forward_")
        if backward_layer is None:
            backward_layer = _like(layer, "backward_", go_backwards=True)
        self.backward_layer = backward_layer
        self._check_both()
        for one in (self.forward_layer, self.backward_layer):
            if hasattr(layer, "use_cudnn"):
                one.use_cudnn = layer.use_cudnn
            if hasattr(one, "zero_output_for_mask"):
                one.zero_output_for_mask = one.return_sequences
        self._first_weights = weights
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.input_spec, self.input_advice = layer.input_spec, layer.input_advice

    def _check_both(self):
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                "`layer` and `backward_layer` of Bidirectional must differ in `go_backwards`. "
                f"Received: go_backwards={forward.go_backwards} for both"
            )
        for name in ("stateful", "return_sequences", "return_state"):
            values = getattr(forward, name), getattr(backward, name)
            if values[0] != values[1]:
                raise ValueError(
                    f"`layer` and `backward_layer` of Bidirectional must have the same `{name}`. "
                    f"Received: {name}={values[0]} and {name}={values[1]}"
                )

    def build(self, sequences_shape, initial_state_shape=None):
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
        if self._first_weights:
            self.set_weights(self._first_weights)
            self._first_weights = None

    def call(self, sequences, initial_state=None, mask=None, training=None):
        signature = call_signature(type(self.forward_layer))
        given = {"training": training} if signature.takes_training else {}
        if signature.takes_mask:
            given["mask"] = mask
        halves = {}, {}
        if initial_state is not None:
            initial_state = self._checked(initial_state)
            half = len(initial_state) // 2
            states = initial_state[:half], initial_state[half:]
            halves = [{"initial_state": part} for part in states]
        y = self.forward_layer(sequences, **halves[0], **given)
        y_back = self.backward_layer(sequences, **halves[1], **given)
        states = ()
        if self.return_state:
            states = *y[1:], *y_back[1:]
            y, y_back = y[0], y_back[0]
        y, y_back = self._cast([y, y_back])
        if self.return_sequences:
            y_back = ops.flip(y_back, axis=1)
        output = self._merged(y, y_back)
        if not self.return_state:
            return output
        return (*output, *states) if self.merge_mode is None else (output, *states)

    def _checked(self, states):
        if isinstance(states, (list, tuple)) and len(states) % 2 == 0:
            return list(states)
        what = f"{len(states)} states" if isinstance(states, (list, tuple)) else "no list"
        raise ValueError(
            f"`initial_state` of layer {self.name!r} (Bidirectional) must be a list of states: "
            "those of the forward layer, then as many of the backward layer. "
            f"Received: {what}"
        )

    def _merged(self, y, y_back):
        if self.merge_mode == "concat":
            return ops.concatenate([y, y_back], axis=-1)
        if self.merge_mode == "mul":
            return ops.multiply(y, y_back)
        if self.merge_mode is None:
            return y, y_back
        total = ops.add(y, y_back)
        return ops.multiply(total, 0.5) if self.merge_mode == "ave" else total

    def compute_mask(self, inputs, previous_mask):
        """The mask of each output, if there is one output for each step; states have none."""
        mask = previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask
        mask = mask if self.return_sequences else None
        return [mask, mask] if self.merge_mode is None else mask

    def reset_states(self):
        """Have the next batch begin anew. Only a stateful layer remembers anything."""
        self.reset_state()

    def reset_state(self):
        """Have the next batch begin anew. Only a stateful layer remembers anything."""
        if not self.stateful:
            raise AttributeError(
                f"Layer {self.name!r} (Bidirectional) remembers nothing that could be reset. Wrap "
                "a layer with stateful=True."
            )
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    @property
    def states(self):
        """What a stateful layer remembers, the forward layer's first; otherwise None."""
        states = self.forward_layer.states, self.backward_layer.states
        return (*states[0], *states[1]) if all(states) else None

    def get_config(self):
        config = super().get_config()
        return {
            **config,
            "layer": serialize(self.forward_layer),
            "backward_layer": serialize(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A layer like the one whose `get_config` gave `config`."""
        config = dict(config)
        for name in ("layer", "backward_layer"):
            if config.get(name) is not None:
                config[name] = deserialize(config[name], custom_objects, "layers")
        return cls(**config)


def _check_layer(layer, name):
    if not isinstance(layer, Layer):
        raise ValueError(
            f"`{name}` of Bidirectional must be a Layer. Received: {name}={check.shown(layer)}"
        )
    wanted = ("go_backwards", "return_sequences", "return_state", "stateful")
    missing = [attribute for attribute in wanted if not hasattr(layer, attribute)]
    if missing:
        raise ValueError(
            f"`{name}` of Bidirectional must be a recurrent layer, with the attributes "
            f"{', '.join(wanted)}. Received: {name}={check.shown(layer)}, which has no "
            f"{', '.join(missing)}"
        )


def _like(layer, prefix, **changes):
    """A layer like `layer`, whose name begins with `prefix`."""
    config = serialize(layer)
    name = prefix + layer.name.removeprefix(prefix)
    config["config"] = {**config["config"], "name": name, **changes}
    own = {type(one) for one in layer._flatten_layers() if is_users(type(one))}
    return deserialize(config, {cls.__name__: cls for cls in own}, "layers")
