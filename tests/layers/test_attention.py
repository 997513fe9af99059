"""Attention and AdditiveAttention: masks, inputs, messages."""

import numpy as np
import pytest

import npkeras
from npkeras.layers import AdditiveAttention, Attention
from tests.layers.engines import array, mask_of, masked, ones

RANDOM = np.random.default_rng(0)
QUERY = RANDOM.normal(size=(2, 4, 3)).astype("float32")
VALUE = RANDOM.normal(size=(2, 5, 3)).astype("float32")
QUERY_MASK = np.array([[True, True, False, True], [False, True, True, True]])
VALUE_MASK = np.array([[True, False, True, True, False], [False] * 5])

by_layer = pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])


@by_layer
def test_results_of_masked_queries_are_0_and_masked_values_do_not_count(engine, name):
    layer = getattr(engine.layers, name)()
    y, scores = layer([QUERY, VALUE], mask=[QUERY_MASK, VALUE_MASK], return_attention_scores=True)
    y, scores = array(y), array(scores)
    assert not y[~QUERY_MASK].any() and y[QUERY_MASK].all()
    assert not scores[0][:, ~VALUE_MASK[0]].any()


@by_layer
def test_a_query_that_may_see_nothing_sees_the_mean(engine, name):
    y = getattr(engine.layers, name)()([QUERY, VALUE], mask=[None, VALUE_MASK])
    expected = np.broadcast_to(VALUE[1].mean(0), (4, 3))
    np.testing.assert_allclose(array(y)[1], expected, rtol=1e-5, atol=1e-6)


@by_layer
def test_masks_come_along_with_the_inputs(engine, name):
    layer = getattr(engine.layers, name)()
    query, value = masked(engine, QUERY, QUERY_MASK), masked(engine, VALUE, VALUE_MASK)
    y = layer([query, value])
    assert mask_of(y) == QUERY_MASK.tolist()
    assert mask_of(layer([QUERY, value])) is None
    given = layer([QUERY, VALUE], mask=[QUERY_MASK, VALUE_MASK])
    np.testing.assert_array_equal(array(y), array(given))


@by_layer
def test_the_key_has_no_mask_of_its_own(engine, name):
    layer = getattr(engine.layers, name)()
    key = masked(engine, VALUE, VALUE_MASK)
    y = layer([QUERY, VALUE, key])
    np.testing.assert_array_equal(array(y), array(layer([QUERY, VALUE, VALUE])))


@by_layer
@pytest.mark.parametrize("ndim", [2, 4])
def test_inputs_may_have_any_number_of_axes(engine, name, ndim):
    shape = (5, 3) if ndim == 2 else (2, 2, 5, 3)
    x = RANDOM.normal(size=shape).astype("float32")
    assert getattr(engine.layers, name)()([x, x]).shape == shape


@pytest.mark.keras
@by_layer
def test_dropout_drops_the_scores_of_keras(keras, name):
    theirs, ours = (
        getattr(layers, name)(dropout=0.4, seed=3, use_scale=False)
        for layers in (keras.layers, npkeras.layers)
    )
    for _ in range(2):
        expected = theirs([QUERY, VALUE], training=True, return_attention_scores=True)
        found = ours([QUERY, VALUE], training=True, return_attention_scores=True)
        for y, expected_y in zip(found, expected, strict=True):
            np.testing.assert_allclose(y, array(expected_y), rtol=1e-5, atol=1e-6)
        assert (found[1] == 0).any()


@by_layer
@pytest.mark.parametrize("inputs", ["an array", "one", "four", "a tuple"])
def test_other_inputs_than_a_list_of_two_or_three_are_refused(engine, name, inputs):
    x = ones(2, 4, 3)
    inputs = {"an array": x, "one": [x], "four": [x] * 4, "a tuple": (x, x)}[inputs]
    with pytest.raises(ValueError, match="list"):
        getattr(engine.layers, name)()(inputs)


@pytest.mark.parametrize(
    "mask, message",
    [(QUERY_MASK, r"array of shape \(2, 4\)"), ([QUERY_MASK], "1 of them")],
)
def test_other_masks_than_a_list_of_two_are_refused(mask, message):
    with pytest.raises(ValueError, match=rf"'a' \(Attention\) expects a list of masks.*{message}"):
        Attention(name="a")([QUERY, VALUE], mask=mask)


@pytest.mark.keras
@pytest.mark.parametrize("features", [(3, 7, 3), (3, 1, 3), (1, 2, 4)])
def test_scale_has_an_entry_for_each_feature_of_the_query(keras, features):
    inputs = [
        RANDOM.normal(size=(2, steps, length)).astype("float32")
        for steps, length in zip((4, 5, 5), features, strict=True)
    ]
    theirs, ours = keras.layers.AdditiveAttention(), AdditiveAttention()
    expected = theirs(inputs)
    ours(inputs)
    assert ours.scale.shape == tuple(theirs.scale.shape) == features[:1]
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(inputs), array(expected), rtol=1e-5, atol=1e-6)


@by_layer
@pytest.mark.parametrize(
    "masks, message",
    [
        ([QUERY_MASK[:, :2], None], r"mask of the query.*\(2, 4\)\. Received shape: \(2, 2\)"),
        ([None, np.ones((3, 5), bool)], r"mask of the value.*\. Received shape: \(3, 5\)"),
        ([None, np.ones((1, 2, 5), bool)], r"mask of the value.*\. Received shape: \(1, 2, 5\)"),
    ],
)
def test_masks_that_do_not_fit_are_refused(name, masks, message):
    with pytest.raises(ValueError, match=rf"'a' \({name}\) expects a {message}"):
        getattr(npkeras.layers, name)(name="a")([QUERY, VALUE], mask=masks)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"score_mode": "sum"}, "`score_mode` of Attention must be one of 'dot', 'concat'.*'sum'"),
        ({"dropout": 1.5}, "`dropout` of Attention must be a number.*dropout=1.5"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Attention(**options)


def test_the_config_of_additive_attention_has_no_score_mode(engine):
    config = engine.layers.AdditiveAttention(seed=3).get_config()
    assert "score_mode" not in config and config["seed"] == 3


def test_only_a_layer_with_dropout_has_a_generator():
    layers = Attention(), AdditiveAttention(dropout=0.5)
    assert [hasattr(layer, "seed_generator") for layer in layers] == [False, True]


def test_queries_and_keys_that_are_added_have_as_many_features():
    with pytest.raises(ValueError, match=r"as many features.*\(1, 2, 4\).*\(1, 5, 3\)"):
        AdditiveAttention()([np.ones((1, 2, 4)), np.ones((1, 5, 3))])
