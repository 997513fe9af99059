"""The configs of layers, derived or written by users. What takes `engine` is true of Keras too."""

import pytest

import npkeras
from npkeras import layers
from tests.layers.engines import user_layers


def test_the_config_is_derived_from_the_constructor(engine):
    Scale, _, _ = user_layers(engine)
    config = Scale(4, trainable=False, dtype="float16").get_config()
    assert config["units"] == 4
    assert config["trainable"] is False
    assert config["dtype"]["config"] == {"name": "float16"}
    again = Scale.from_config(config)
    assert (again.units, again.trainable, again.compute_dtype) == (4, False, "float16")


def test_the_config_holds_arguments_as_they_were_given(engine):
    class Doubling(engine.layers.Layer):
        def __init__(self, units, rate=0.5, **kwargs):
            super().__init__(**kwargs)
            self.units = [engine.layers.Dense(units)] * 2

    config = Doubling(4).get_config()
    assert config["units"] == 4


def test_a_config_of_the_users_own_begins_with_that_of_the_base(engine):
    class Own(engine.layers.Layer):
        def __init__(self, function, **kwargs):
            super().__init__(**kwargs)
            self.function = function

        def get_config(self):
            return {**super().get_config(), "function": "by name"}

    config = Own(lambda x: x, name="own", activity_regularizer="l2").get_config()
    assert list(config) == ["name", "trainable", "dtype", "activity_regularizer", "function"]
    assert config["function"] == "by name"


def test_a_config_on_top_of_a_built_in_layer_adds_only_its_own(engine):
    class Wide(engine.layers.Dense):
        def __init__(self, factor=2, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    config = Wide(factor=3, units=4, name="w").get_config()
    assert config == {**engine.layers.Dense(4, name="w").get_config(), "factor": 3}
    assert Wide.from_config(config).get_config() == config


def test_arguments_added_to_a_built_in_layer_are_derived_too():
    class Wide(layers.Dense):
        def __init__(self, factor=2, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

    config = Wide(factor=3, units=4).get_config()
    assert (config["units"], config["factor"]) == (4, 3)
    assert Wide.from_config(config).get_config() == config


def test_a_constructor_that_takes_no_more_has_no_more_in_its_config():
    class Plain(layers.Layer):
        def __init__(self, units):
            super().__init__()
            self.units = units

    assert Plain(3).get_config() == {"units": 3}
    assert Plain.from_config(Plain(3).get_config()).units == 3


def test_layers_and_initializers_among_the_arguments_are_part_of_the_config():
    class Holder(layers.Layer):
        def __init__(self, layer, start, **kwargs):
            super().__init__(**kwargs)
            self.layer, self.start = layer, start

    holder = Holder(layers.Dense(3, name="d"), npkeras.initializers.Constant(2.0))
    again = Holder.from_config(holder.get_config())
    assert again.layer.get_config() == holder.layer.get_config()
    assert again.start.value == 2.0


def test_an_argument_without_a_config_asks_for_get_config(engine):
    class Holder(engine.layers.Layer):
        def __init__(self, thing, **kwargs):
            super().__init__(**kwargs)

    with pytest.raises(NotImplementedError, match="get_config"):
        Holder(object()).get_config()


def test_autocast_is_kept_in_the_config_of_a_users_layer(engine):
    Scale, _, _ = user_layers(engine)
    config = Scale(autocast=False).get_config()
    assert config["autocast"] is False
    assert not Scale.from_config(config).autocast
    assert "autocast" not in engine.layers.Dense(3, autocast=False).get_config()


def test_what_is_handed_to_a_layer_within_is_part_of_the_config(engine):
    class Holder(engine.layers.Layer):
        def __init__(self, kind, **kwargs):
            super().__init__()
            self.kind = kind
            self.inner = engine.layers.Conv1D(**kwargs)

    layer = Holder("a", filters=2, kernel_size=(3,), activation="relu", name="n", dtype="float16")
    config = layer.get_config()
    own = {"name": layer.name, "trainable": True, "kind": "a"}
    handed_on = {"filters": 2, "kernel_size": (3,), "activation": "relu"}
    assert config.pop("dtype")["config"] == {"name": "float32"}
    assert config == {**own, **handed_on}
    again = Holder.from_config(config)
    assert (again.inner.filters, again.inner.kernel_size) == (2, (3,))


def test_what_is_handed_to_the_base_is_in_the_config_once(engine):
    class Kind(engine.layers.Layer):
        def __init__(self, kind, **kwargs):
            super().__init__(**kwargs)
            self.kind = kind

    class More(Kind):
        def __init__(self, more, **kwargs):
            super().__init__(**kwargs)
            self.more = more

    layer = More("m", kind="k", name="n", trainable=False, activity_regularizer="l2")
    config = layer.get_config()
    assert sorted(config) == ["activity_regularizer", "dtype", "kind", "more", "name", "trainable"]
    assert (config["kind"], config["more"]) == ("k", "m")


def test_a_get_config_of_the_users_own_speaks_for_keywords_too(engine):
    class Holder(engine.layers.Layer):
        def __init__(self, kind, **kwargs):
            super().__init__()
            self.inner = engine.layers.Dense(**kwargs)

        def get_config(self):
            return super().get_config()

    assert sorted(Holder("a", units=2).get_config()) == ["dtype", "name", "trainable"]


def test_arguments_without_a_name_ask_for_get_config(engine):
    class Nameless(engine.layers.Layer):
        def __init__(self, *sizes, **kwargs):
            super().__init__(**kwargs)
            self.sizes = sizes

    with pytest.raises(NotImplementedError, match="get_config"):
        Nameless(1, 2).get_config()


def test_arguments_without_a_name_may_be_those_of_a_built_in_layer(engine):
    class Passing(engine.layers.Dense):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)

    assert Passing(3).get_config()["units"] == 3
