"""Attention by heads of the query, of which groups share one of key and value."""

from npkeras.core import check, names
from npkeras.core.registry import register
from npkeras.layers.heads import Heads


@register("layers", "GroupedQueryAttention")
class GroupQueryAttention(Heads):
    """Attention by several heads of the query, of which groups share one head of key and value.

    With as many heads of the query as of the key this is `MultiHeadAttention`; fewer heads of the
    key take less memory and time. Source: Ainslie et al., 2023, arxiv.org/abs/2305.13245.

    Args:
        head_dim: How many features each head has.
        num_query_heads: How many heads the query has.
        num_key_value_heads: How many heads key and value have: a divisor of `num_query_heads`.
        dropout: The share of the softmax that is set to 0 in training.
        use_bias: Whether a bias is added to all four products.
        sliding_window, flash_attention: As for `MultiHeadAttention`.
        kernel_initializer, bias_initializer: What the weights are before training.
        kernel_regularizer, bias_regularizer: Penalties on the weights, added to the loss.
        activity_regularizer: Penalty on the outputs, of this layer and of those within.
        kernel_constraint, bias_constraint: Applied to the weights after every update.
        use_gate, seed: As for `MultiHeadAttention`.

    Call arguments:
        as those of `MultiHeadAttention`; the mask of the query is the one given, if any

    Shapes:
        query (batch, T, features), value and key (batch, S, any) -> (batch, T, features), and the
        softmax (batch, num_query_heads, T, S) if asked for

    Example:
        >>> query, value = np.ones((1, 5, 8)), np.ones((1, 7, 3))
        >>> layer = GroupQueryAttention(head_dim=4, num_query_heads=4, num_key_value_heads=2)
        >>> layer(query, value).shape
        (1, 5, 8)
    """

    name_in_files = "GroupedQueryAttention"  # what the class is called in Keras

    def __init__(
        self,
        head_dim,
        num_query_heads,
        num_key_value_heads,
        dropout=0.0,
        use_bias=True,
        sliding_window=None,
        flash_attention=None,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        use_gate=False,
        seed=None,
        **kwargs,
    ):
        if kwargs.get("name") is None:
            kwargs["name"] = names.auto_name(self.name_in_files)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        owner = "GroupQueryAttention"
        self.head_dim = check.positive_int(head_dim, "head_dim", owner)
        heads = check.positive_int(num_query_heads, "num_query_heads", owner)
        few = check.positive_int(num_key_value_heads, "num_key_value_heads", owner)
        if heads % few:
            raise ValueError(
                f"`num_query_heads` of {owner} must be a multiple of `num_key_value_heads`. "
                f"Received: {num_query_heads=}, {num_key_value_heads=}"
            )
        self.num_query_heads = self._query_heads = heads
        self.num_key_value_heads = few
        self._keep(dropout, use_bias, sliding_window, flash_attention, use_gate, seed)
        self._keep_weights(
            (kernel_initializer, bias_initializer),
            (kernel_regularizer, bias_regularizer),
            (kernel_constraint, bias_constraint),
        )
        self._penalty_within = self.activity_regularizer

    quiet_activity_regularizer = False

    def build(self, query_shape, value_shape, key_shape=None):
        key_shape = value_shape if key_shape is None else key_shape
        shapes = query_shape, value_shape, key_shape
        if any(len(shape) != 3 for shape in shapes) or value_shape[1] != key_shape[1]:
            raise ValueError(
                f"Layer {self.name!r} (GroupQueryAttention) expects query, value and key of shape "
                "(batch, steps, features), the last two with as many steps. "
                f"Received shapes: {', '.join(map(str, shapes))}"
            )

        def projection(name, heads, shape, **options):
            ends = (None, heads, self.head_dim)
            return self._projection(name, "abc,cde->abde", ends, "de", shape, **options)

        self._query_dense = projection("query", self.num_query_heads, query_shape)
        self._key_dense = projection("key", self.num_key_value_heads, key_shape)
        if self.use_gate:
            gate = projection("gate", self.num_query_heads, query_shape, activation="sigmoid")
            self._gate_dense = gate
        self._value_dense = projection("value", self.num_key_value_heads, value_shape)
        self._build_weighting(-1)
        self._output_dense = self._projection(
            "attention_output",
            "abcd,cde->abe",
            (None, query_shape[-1]),
            "e",
            (*query_shape[:-1], self.num_query_heads, self.head_dim),
        )

    def _axes(self, ndim):
        return (1,)
