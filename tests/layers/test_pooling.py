"""Global pooling over time: means and maxima, and what masks do to them."""

import numpy as np
import pytest

from npkeras import layers
from npkeras.core.tape import GradientTape, Traced
from npkeras.layers import GlobalAveragePooling1D, GlobalMaxPooling1D
from tests.layers.engines import array, mask_of, masked, ones

X = np.array([[[1.0, 8.0], [2.0, 4.0], [6.0, 0.0]]], "float32")
MASK = np.array([[True, False, True]])
BOTH = ["GlobalAveragePooling1D", "GlobalMaxPooling1D"]


@pytest.mark.parametrize(
    "name, options, y",
    [
        ("GlobalAveragePooling1D", {}, [[3, 4]]),
        ("GlobalMaxPooling1D", {}, [[6, 8]]),
        ("GlobalAveragePooling1D", {"keepdims": True}, [[[3, 4]]]),
        ("GlobalMaxPooling1D", {"keepdims": True}, [[[6, 8]]]),
        ("GlobalAveragePooling1D", {"data_format": "channels_first"}, [[4.5, 3, 3]]),
        ("GlobalMaxPooling1D", {"data_format": "channels_first"}, [[8, 4, 6]]),
        (
            "GlobalMaxPooling1D",
            {"data_format": "channels_first", "keepdims": True},
            [[[8], [4], [6]]],
        ),
    ],
)
def test_steps_become_one(engine, name, options, y):
    np.testing.assert_allclose(array(getattr(engine.layers, name)(**options)(X)), y)


def test_the_mean_is_over_the_steps_that_count(engine):
    layer = engine.layers.GlobalAveragePooling1D()
    np.testing.assert_allclose(array(layer(X, mask=MASK)), [[3.5, 4]])
    y = layer(masked(engine, X, MASK))
    np.testing.assert_allclose(array(y), [[3.5, 4]])
    assert mask_of(y) is None


def test_the_mean_of_masked_steps_where_channels_come_first(engine):
    layer = engine.layers.GlobalAveragePooling1D("channels_first", keepdims=True)
    x = X.transpose(0, 2, 1)
    np.testing.assert_allclose(array(layer(x, mask=MASK)), [[[3.5], [4]]])


def test_a_mask_is_the_same_as_a_shorter_sequence():
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    mask = np.array([[1, 1, 1, 0, 0]] * 2, bool)
    layer = GlobalAveragePooling1D()
    np.testing.assert_allclose(layer(x, mask=mask), layer(x[:, :3]), rtol=1e-6)


def test_the_mean_of_no_step_is_zero_and_has_no_gradient():
    x, mask = Traced(np.concatenate([X, X]), object()), np.array([[0, 0, 0], [1, 1, 0]], bool)
    with GradientTape() as tape:
        y = GlobalAveragePooling1D()(x, mask=mask)
    np.testing.assert_allclose(y.value, [[0, 0], [1.5, 6]])
    gradient = tape.gradient(y, x)
    assert not gradient[0].any()
    np.testing.assert_allclose(gradient[1], [[0.5, 0.5], [0.5, 0.5], [0, 0]])


def test_the_maximum_does_not_look_at_masks(engine):
    with pytest.warns(UserWarning, match="global_max_pooling1d.*mask"):
        y = engine.layers.GlobalMaxPooling1D()(masked(engine, X, [[False, True, False]]))
    assert array(y).tolist() == [[6, 8]]


@pytest.mark.parametrize("name, dtype", list(zip(BOTH, ["float32", "int64"], strict=True)))
def test_integers_have_float_means_and_integer_maxima(engine, name, dtype):
    assert array(getattr(engine.layers, name)()(X.astype("int64"))).dtype == dtype


@pytest.mark.parametrize("name", BOTH)
def test_other_names(engine, name):
    short = name.replace("Average", "Avg").replace("Pooling", "Pool")
    assert getattr(engine.layers, short) is getattr(engine.layers, name)


@pytest.mark.parametrize("name", BOTH)
def test_sequences_of_vectors_are_expected(engine, name):
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        getattr(engine.layers, name)()(ones(2, 3))
    with pytest.raises(ValueError, match="data_format='?last"):
        getattr(engine.layers, name)(data_format="last")


@pytest.mark.parametrize("layer", [GlobalAveragePooling1D, GlobalMaxPooling1D])
@pytest.mark.parametrize("data_format, shape", [(None, (2, 0, 3)), ("channels_first", (2, 3, 0))])
def test_sequences_without_steps_are_refused(layer, data_format, shape):
    with pytest.raises(ValueError, match=rf"'p' \({layer.__name__}\).*one step.*{shape[1]}, "):
        layer(data_format, name="p")(ones(*shape))


def test_nan_is_the_maximum():
    x = X.copy()
    x[0, 1, 0] = np.nan
    y = GlobalMaxPooling1D()(x)
    assert np.isnan(y[0, 0]) and y[0, 1] == 8


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_other_names_of_poolings_with_windows(engine, kind, rank):
    for prefix in ("", "Global"):
        name, short = f"{prefix}{kind}Pooling{rank}D", f"{prefix}{kind[:3]}Pool{rank}D"
        short = short.replace("Ave", "Avg")
        assert getattr(engine.layers, name) is getattr(engine.layers, short)


def test_strides_are_the_windows_unless_given(engine):
    layer = engine.layers.MaxPooling2D((2, 3))
    assert layer.strides == (2, 3) and layer.pool_size == (2, 3)
    assert engine.layers.AveragePooling1D(2, 1).strides == (1,)
    assert engine.layers.MaxPooling2D(2, padding="SAME").get_config()["padding"] == "SAME"


@pytest.mark.parametrize("options", [{"pool_size": 0}, {"pool_size": (1, 2, 3)}])
def test_bad_windows_are_refused(engine, options):
    with pytest.raises(ValueError, match="pool_size"):
        engine.layers.MaxPooling2D(**options)


@pytest.mark.parametrize("options", [{"strides": 0}, {"padding": "full"}, {"data_format": "last"}])
def test_more_is_checked_at_once(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        layers.AveragePooling2D(2, **options)


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_images_without_pixels_are_refused(kind, rank):
    with pytest.raises(ValueError, match="at least one entry"):
        getattr(layers, f"Global{kind}Pooling{rank}D")()(ones(2, 0, *(3,) * rank))


@pytest.mark.parametrize("name", ["GlobalMaxPooling1D", "GlobalAveragePooling1D"])
@pytest.mark.parametrize("keepdims, shape", [(None, (2, 3)), (0, (2, 3)), (1, (2, 1, 3))])
def test_whatever_is_true_keeps_the_axis(engine, name, keepdims, shape):
    layer = getattr(engine.layers, name)(keepdims=keepdims)
    assert tuple(layer(ones(2, 4, 3)).shape) == shape


@pytest.mark.parametrize("kind", ["Max", "Average"])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_windows_have_something_to_see(kind, padding):
    layer = getattr(layers, f"{kind}Pooling1D")(2, padding=padding)
    with pytest.raises(ValueError, match="at least one entry along each axis"):
        layer(ones(2, 0, 3))
