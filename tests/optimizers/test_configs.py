"""Names, signatures, configs, and the state that Keras saved."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings

from npkeras import optimizers
from npkeras.core.variable import Variable
from tests.optimizers.parity import RULES, Pair, convert
from tests.optimizers.test_parity import arguments


@pytest.mark.keras
@pytest.mark.parametrize("name", [*RULES, "LossScaleOptimizer"])
def test_arguments_stand_in_the_order_of_keras_with_its_defaults(keras, name):
    ours = inspect.signature(getattr(optimizers, name))
    assert str(ours) == str(inspect.signature(getattr(keras.optimizers, name)))


@pytest.mark.keras
@pytest.mark.parametrize("name", RULES)
def test_configs_equal_those_of_keras_and_come_back(keras, name):
    @settings(max_examples=20, deadline=None)
    @given(arguments(name))
    def check(chosen):
        ours = getattr(optimizers, name)(**convert(chosen, optimizers), name="same")
        theirs = getattr(keras.optimizers, name)(**convert(chosen, keras.optimizers), name="same")
        assert ours.get_config() == theirs.get_config()
        saved = optimizers.serialize(ours)
        assert saved == keras.optimizers.serialize(theirs)
        again = optimizers.deserialize(saved)
        assert type(again) is type(ours) and again.get_config() == ours.get_config()
        if name != "Lamb":  # whose name Keras does not find
            assert keras.optimizers.deserialize(saved).get_config() == theirs.get_config()

    check()


@pytest.mark.keras
@pytest.mark.parametrize("name", RULES)
def test_state_saved_by_keras_goes_on_here(keras, name):
    pair = Pair(keras, name, learning_rate=0.1, use_ema=True)
    for _ in range(3):
        pair.step(pair.gradients())
    store = {}
    pair.reference.save_own_variables(store)
    for ours, theirs in zip(pair.ours, pair.theirs, strict=True):
        ours.assign(theirs.numpy())
    pair.optimizer = getattr(optimizers, name)(0.5, use_ema=True)
    pair.optimizer.build(pair.ours)
    pair.optimizer.load_own_variables(store)
    for _ in range(3):
        pair.step(pair.gradients())
    pair.check()


@pytest.mark.keras
@pytest.mark.parametrize("name", RULES)
def test_paths_of_state_equal_those_of_keras(keras, name):
    pair = Pair(keras, name, name="same", gradient_accumulation_steps=2, use_ema=True)
    pair.optimizer.build(pair.ours)
    pair.reference.build(pair.theirs)
    ours = [v.path for v in pair.optimizer.variables]
    theirs = [v.path for v in pair.reference.variables]
    if name == "Nadam":  # its last one has a number for a name
        assert ours.pop().startswith("variable") and theirs.pop().startswith("variable")
    assert ours == theirs


@pytest.mark.parametrize(
    ("name", "class_name"),
    [(name, name) for name in RULES]
    + [(name.lower(), name) for name in RULES]
    + [("ADAM", "Adam"), ("adamW", "AdamW"), ("rms_prop", None), ("bad", None), (3, None)],
)
def test_optimizers_are_found_by_name_in_small_letters_or_as_written(name, class_name):
    if class_name is None:
        with pytest.raises(ValueError, match=str(name)):
            optimizers.get(name)
    else:
        assert type(optimizers.get(name)).__name__ == class_name


def test_get_takes_configs_objects_and_classes():
    optimizer = optimizers.SGD(0.5)
    assert optimizers.get(optimizer) is optimizer
    assert optimizers.get(None) is None
    assert isinstance(optimizers.get(optimizers.SGD), optimizers.SGD)
    again = optimizers.get({"class_name": "SGD", "config": {"learning_rate": 0.5}})
    assert float(again.learning_rate) == 0.5
    with pytest.raises(ValueError, match="An optimizer was expected. Received: <function"):
        optimizers.get(lambda: None)


def test_names_that_keras_2_wrote_are_understood():
    config = {"class_name": "Custom>Adam", "config": {"learning_rate": 0.5}}
    assert isinstance(optimizers.deserialize(config), optimizers.Adam)
    config = {"class_name": "rmsprop", "config": {}}
    assert isinstance(optimizers.deserialize(config), optimizers.RMSprop)


def test_names_count_up():
    made = [optimizers.RMSprop().name, optimizers.AdamW().name, optimizers.RMSprop().name]
    assert made == ["rm_sprop", "adam_w", "rm_sprop_1"]


def test_a_function_as_learning_rate_is_kept_in_the_config_by_name():
    def rate():
        return 0.5

    config = optimizers.SGD(rate).get_config()
    again = optimizers.deserialize(
        {"class_name": "SGD", "config": config}, custom_objects={"rate": rate}
    )
    assert again.learning_rate == 0.5


def test_a_schedule_of_the_users_own_comes_back_through_custom_objects():
    class Fixed(optimizers.schedules.LearningRateSchedule):
        def __init__(self, rate):
            self.rate = rate

        def __call__(self, step):
            return self.rate

    saved = optimizers.serialize(optimizers.SGD(Fixed(0.25)))
    again = optimizers.deserialize(saved, custom_objects={"Fixed": Fixed})
    assert float(again.learning_rate) == 0.25
    with pytest.raises(ValueError, match="'Fixed'"):
        optimizers.deserialize(saved)


def test_arguments_may_be_given_by_position():
    optimizer = optimizers.Adam(0.5, 0.8, 0.9, 1e-3, True, 0.25)
    assert (optimizer.beta_1, optimizer.amsgrad, optimizer.weight_decay) == (0.8, True, 0.25)
    assert optimizers.AdamW(0.5, 0.25).weight_decay == 0.25
    with pytest.raises(TypeError, match="beta_1"):
        optimizers.Adam(0.5, 0.8, beta_1=0.9)


def test_state_of_integers_of_another_width_is_taken():
    w = Variable(np.ones(2, "float32"), name="w")
    optimizer = optimizers.SGD(0.5)
    optimizer.build([w])
    optimizer.load_own_variables({"0": np.int32(7), "1": np.float64(0.25)})
    assert optimizer.iterations.dtype == "int64" and int(optimizer.iterations) == 7
    assert optimizer.learning_rate.dtype == "float32"
