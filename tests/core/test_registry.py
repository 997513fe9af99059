"""What is known by name, and how objects become JSON and come back."""

import inspect
import json
import sys
import threading

import numpy as np
import pytest

import npkeras
from npkeras.core import registry
from npkeras.core.registry import Configurable

ZEROS = {
    "module": "keras.initializers",
    "class_name": "Zeros",
    "config": {},
    "registered_name": None,
}


class Scaled(Configurable):
    def __init__(self, factor=2.0, inner=None):
        self.factor = factor
        self.inner = inner

    def __call__(self, x):
        return self.factor * x


def thrice(x):
    return 3 * x


@pytest.fixture(autouse=True)
def _forget_registrations():
    """Registrations hold for the process: put back what was there before."""
    custom, their_names = dict(registry.CUSTOM), dict(registry._CUSTOM_NAMES)
    tables = {kind: dict(table) for kind, table in registry._TABLES.items()}
    yield
    registry.CUSTOM.clear()
    registry.CUSTOM.update(custom)
    registry._CUSTOM_NAMES.clear()
    registry._CUSTOM_NAMES.update(their_names)
    for kind in list(registry._TABLES):
        registry._TABLES[kind] = tables.get(kind, {})


class TestRegister:
    def test_a_class_is_known_by_name_snake_case_and_alias(self):
        @registry.register("plants", "rosa")
        class WildRose:
            pass

        assert all(
            registry.find("plants", name) is WildRose for name in ("WildRose", "wild_rose", "rosa")
        )

    def test_members_lists_each_thing_once(self):
        @registry.register("plants", "rosa")
        class WildRose:
            pass

        assert registry.members("plants") == {"WildRose": WildRose}

    def test_an_unknown_name_is_refused_with_the_nearest(self):
        with pytest.raises(ValueError, match=r"Unknown loss.*'mean_sqared_error'.*Did you mean"):
            registry.find("losses", "mean_sqared_error")

    def test_an_unknown_name_far_from_all_has_no_suggestion(self):
        with pytest.raises(ValueError, match="'zzzzqqqq'") as caught:
            registry.find("losses", "zzzzqqqq")
        assert "Did you mean" not in str(caught.value)

    def test_custom_objects_go_before_what_is_registered(self):
        assert registry.find("activations", "relu", {"relu": thrice}) is thrice


class TestResolve:
    def test_none_stays_none(self):
        assert registry.resolve("losses", None) is None

    def test_a_name_of_a_class_gives_an_object(self):
        assert isinstance(registry.resolve("initializers", "zeros"), npkeras.initializers.Zeros)

    def test_a_name_of_a_function_gives_the_function(self):
        assert registry.resolve("losses", "mse") is npkeras.losses.mean_squared_error

    def test_a_class_gives_an_object(self):
        assert isinstance(registry.resolve("losses", Scaled), Scaled)

    def test_a_config_gives_an_object(self):
        assert isinstance(registry.resolve("initializers", ZEROS), npkeras.initializers.Zeros)

    def test_objects_and_callables_stay_what_they_are(self):
        scaled = Scaled()
        assert registry.resolve("losses", scaled) is scaled
        assert registry.resolve("losses", thrice) is thrice

    @pytest.mark.parametrize("wrong", [{}, {"class_name": "Zeros"}, 3, 2.5, [], ("zeros",)])
    def test_anything_else_is_refused(self, wrong):
        shown = str(wrong).replace("(", r"\(").replace(")", r"\)").replace("[", r"\[")
        with pytest.raises(ValueError, match=f"Expected one of initializers.*{shown}"):
            registry.resolve("initializers", wrong)

    @pytest.mark.parametrize(
        "module", ["initializers", "losses", "metrics", "regularizers", "constraints"]
    )
    @pytest.mark.parametrize("wrong", [{}, 3, "", {"class_name": "Nope", "config": {}}])
    @pytest.mark.keras
    def test_every_get_refuses_what_keras_refuses(self, keras, module, wrong):
        for library in (keras, npkeras):
            with pytest.raises(ValueError):
                getattr(library, module).get(wrong)


class A(Configurable):
    def __init__(self, a, b):
        self.a, self.b = a, b


class RepeatsOne(A):
    def __init__(self, b):
        super().__init__(1, b)


class AddsOne(A):
    def __init__(self, c, *args, d=0, **kwargs):
        super().__init__(*args, **kwargs)
        self.c, self.d = c, d


class RepeatsAndPasses(A):
    def __init__(self, b, **kwargs):
        super().__init__(b=b, **kwargs)


class HasNone(A):
    def __init__(self):
        super().__init__(1, 2)


class InheritsAll(AddsOne):
    pass


class TestArgumentNames:
    @pytest.mark.parametrize(
        "cls, names",
        [
            (A, ["a", "b"]),
            (RepeatsOne, ["b"]),
            (AddsOne, ["a", "b", "c", "d"]),
            (RepeatsAndPasses, ["a", "b"]),
            (HasNone, []),
            (InheritsAll, ["a", "b", "c", "d"]),
        ],
    )
    def test_are_those_the_constructor_takes(self, cls, names):
        assert registry.argument_names(cls) == names

    @pytest.mark.parametrize(
        "thing",
        [A(1, 2), RepeatsOne(5), AddsOne(3, a=1, b=2, d=4), RepeatsAndPasses(2, a=1), HasNone()],
        ids=lambda thing: type(thing).__name__,
    )
    def test_a_config_makes_an_equal_object(self, thing):
        again = type(thing).from_config(thing.get_config())
        assert vars(again) == vars(thing)


class TestSerialize:
    @pytest.mark.parametrize("value", [None, True, 3, 2.5, "text", [1, [2, None]], {"a": [1]}])
    def test_plain_values_stay(self, value):
        assert registry.serialize(value) == value
        assert registry.deserialize(value) == value

    def test_numpy_numbers_become_python_numbers(self):
        assert type(registry.serialize(np.float32(2))) is float
        assert type(registry.serialize(np.int64(2))) is int
        assert registry.serialize(np.dtype("int32")) == "int32"

    @pytest.mark.parametrize(
        "value", [np.arange(3), np.ones((2, 2), "float32"), b"text", slice(1, None), Ellipsis]
    )
    def test_values_without_a_word_in_json_come_back(self, value):
        text = json.dumps(registry.serialize(value))
        again = registry.deserialize(json.loads(text))
        assert type(again) is type(value)
        np.testing.assert_array_equal(again, value)
        assert getattr(again, "dtype", None) == getattr(value, "dtype", None)

    def test_an_object_of_npkeras_names_its_keras_module(self):
        assert registry.serialize(npkeras.initializers.Zeros()) == ZEROS

    def test_an_object_of_the_user_names_its_own_module(self):
        config = registry.serialize(Scaled(3.0))
        assert config == {
            "module": __name__,
            "class_name": "Scaled",
            "config": {"factor": 3.0, "inner": None},
            "registered_name": "Scaled",
        }

    def test_objects_within_objects_come_back(self):
        config = registry.serialize(Scaled(inner=Scaled(5.0)))
        again = registry.deserialize(json.loads(json.dumps(config)), {"Scaled": Scaled})
        assert again.inner.factor == 5.0

    def test_a_lambda_is_code_which_is_told(self):
        with pytest.warns(UserWarning, match="lambda in line.*register_keras_serializable"):
            config = registry.serialize(lambda x, plus=1: x + plus)
        assert config["class_name"] == "__lambda__"
        _, *rest = config["config"]["value"]
        assert rest == [[1], None]

    @pytest.mark.parametrize("value", [object(), range(3), 1 + 2j, np.tanh])
    def test_what_has_no_config_is_refused(self, value):
        with pytest.raises(TypeError, match="no `get_config`"):
            registry.serialize(value)

    def test_activations_are_names_in_configs_and_configs_elsewhere(self):
        dense = npkeras.layers.Dense(2, activation="relu")
        assert dense.get_config()["activation"] == "relu"
        config = npkeras.saving.serialize_keras_object(npkeras.activations.relu)
        again = npkeras.saving.deserialize_keras_object(config)
        assert again is npkeras.activations.relu


@pytest.mark.keras
class TestBesideKeras:
    @pytest.mark.parametrize(
        "make",
        [
            lambda k: k.initializers.Zeros(),
            lambda k: k.initializers.GlorotUniform(seed=3),
            lambda k: k.activations.relu,
            lambda k: k.losses.mean_squared_error,
            lambda k: k.losses.BinaryCrossentropy(from_logits=True, name="b"),
            lambda k: k.regularizers.L1L2(0.5, 0.25),
            lambda k: k.constraints.MaxNorm(3),
            lambda k: k.metrics.BinaryAccuracy(threshold=0.25),
            lambda k: k.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5),
            lambda k: k.layers.Dense(2, activation="tanh", name="d"),
            lambda k: [1, (2, slice(3)), {"a": np.arange(2)}, b"x", ...],
        ],
    )
    def test_the_json_is_that_of_keras_and_each_reads_the_others(self, keras, make):
        ours = npkeras.saving.serialize_keras_object(make(npkeras))
        theirs = keras.saving.serialize_keras_object(make(keras))
        ours, theirs = json.loads(json.dumps(ours)), json.loads(json.dumps(theirs))
        assert ours == theirs
        for text, library in ((theirs, npkeras), (ours, keras)):
            again = library.saving.deserialize_keras_object(text)
            assert json.loads(json.dumps(library.saving.serialize_keras_object(again))) == text

    def test_registration_writes_the_same_config(self, keras):
        configs = []
        for library in (keras, npkeras):

            @library.saving.register_keras_serializable("garden", "Rose")
            class Flower:
                def get_config(self):
                    return {"petals": 5}

            configs.append(library.saving.serialize_keras_object(Flower()))
            assert library.saving.get_registered_name(Flower) == "garden>Rose"
            assert library.saving.get_registered_object("garden>Rose") is Flower
            assert library.saving.get_registered_object("garden>Tulip") is None
        assert configs[0] == configs[1]


class TestDeserialize:
    def test_code_is_refused_even_with_custom_objects(self):
        config = {"class_name": "__lambda__", "config": {"value": ["4wEA", None, None]}}
        with pytest.raises(ValueError, match="compiled Python code.*never runs.*custom_objects"):
            registry.deserialize(config, {"__lambda__": thrice})

    @pytest.mark.parametrize(
        "module, name",
        [
            ("os", "system"),
            ("builtins", "open"),
            ("builtins", "eval"),
            ("subprocess", "Popen"),
            ("keras.src.utils.file_utils", "File"),
            ("keras.utils", "get_file"),
            ("npkeras.core.registry", "CUSTOM"),
            ("antigravity", "anything"),
        ],
    )
    @pytest.mark.parametrize("as_function", [True, False])
    def test_nothing_is_imported_or_fetched_by_name(self, module, name, as_function):
        config = {"module": module, "class_name": name, "config": {}, "registered_name": name}
        if as_function:
            config.update(class_name="function", config=name)
        before = set(sys.modules)
        with pytest.raises(ValueError, match=f"Unknown class or function '{name}' of module"):
            registry.deserialize(config)
        assert set(sys.modules) == before

    def test_a_known_name_in_a_foreign_module_is_refused(self):
        with pytest.raises(ValueError, match="'Zeros' of module 'os'"):
            registry.deserialize({**ZEROS, "module": "os"})

    def test_a_module_of_keras_narrows_the_search(self):
        with pytest.raises(ValueError, match="'Zeros' of module 'keras.losses'"):
            registry.deserialize({**ZEROS, "module": "keras.losses"})

    @pytest.mark.parametrize("module", [None, "builtins", "keras.src.initializers.constant"])
    def test_a_module_that_says_nothing_leaves_all_tables(self, module):
        assert isinstance(
            registry.deserialize({**ZEROS, "module": module}), npkeras.initializers.Zeros
        )

    @pytest.mark.parametrize("name", [3, None, ["Zeros"], {"a": 1}])
    def test_a_name_that_is_no_text_is_refused(self, name):
        with pytest.raises(ValueError, match="Unknown class or function"):
            registry.deserialize({"class_name": name, "config": {}})

    def test_a_config_that_is_no_dict_is_refused(self):
        with pytest.raises(ValueError, match="config of 'Zeros' must be a dict. Received: 3"):
            registry.deserialize({**ZEROS, "config": 3})

    @pytest.mark.parametrize(
        "name, config",
        [
            ("__numpy__", {"value": [1]}),
            ("__numpy__", {"value": [[1], [2, 3]], "dtype": "float32"}),
            ("__numpy__", {"value": [1], "dtype": "nonsense"}),
            ("__bytes__", {"value": 3}),
            ("__slice__", []),
            ("__slice__", {}),
        ],
    )
    def test_a_broken_plain_value_is_refused(self, name, config):
        with pytest.raises(ValueError, match=f"no config of '{name}'") as caught:
            registry.deserialize({"class_name": name, "config": config})
        assert len(str(caught.value)) <= 300

    def test_a_class_without_from_config_is_refused(self):
        class Bare:
            pass

        with pytest.raises(ValueError, match="'Bare' cannot be made from a config"):
            registry.deserialize({"class_name": "Bare", "config": {}}, {"Bare": Bare})

    def test_a_message_holds_no_whole_config(self):
        config = {"class_name": "x" * 100_000, "config": {}, "module": "m" * 100_000}
        with pytest.raises(ValueError) as caught:
            registry.deserialize(config)
        assert len(str(caught.value)) <= 400


class TestCustomObjects:
    def test_registered_classes_and_functions_come_back(self):
        register = npkeras.saving.register_keras_serializable
        assert register("garden")(Scaled) is Scaled
        assert register()(thrice) is thrice
        assert registry.registered_name(Scaled) == "garden>Scaled"
        assert registry.deserialize(registry.serialize(Scaled(4.0))).factor == 4.0
        assert registry.deserialize(registry.serialize(thrice)) is thrice

    def test_a_subclass_of_a_registered_class_is_not_registered(self):
        npkeras.saving.register_keras_serializable("garden")(Scaled)

        class Other(Scaled):
            pass

        config = registry.serialize(Other())
        assert config["registered_name"] == "Other"
        with pytest.raises(ValueError, match="Unknown class or function 'Other'"):
            registry.deserialize(config)

    def test_a_file_may_not_name_what_is_registered_without_its_package(self):
        npkeras.saving.register_keras_serializable("garden")(thrice)
        with pytest.raises(ValueError, match="Unknown class or function 'thrice'"):
            registry.deserialize({"class_name": "function", "config": "thrice"})

    def test_a_class_without_get_config_cannot_be_registered(self):
        with pytest.raises(ValueError, match="Bare cannot be registered: it has no `get_config`"):

            @npkeras.saving.register_keras_serializable()
            class Bare:
                pass

    def test_the_last_registration_of_a_name_counts(self):
        for _ in range(2):

            @npkeras.saving.register_keras_serializable("garden", "Rose")
            class Rose(Configurable):
                pass

        assert npkeras.saving.get_registered_object("garden>Rose") is Rose

    def test_a_name_is_never_inherited_by_a_new_object_at_the_same_address(self):
        for _ in range(50):

            @npkeras.saving.register_keras_serializable("garden", "Rose")
            class Rose(Configurable):
                pass

            del Rose

            class Weed(Configurable):
                pass

            assert registry.registered_name(Weed) is None

    def test_what_is_not_registered_has_its_own_name(self):
        assert npkeras.saving.get_registered_name(thrice) == "thrice"

    def test_scopes_nest_and_the_inner_one_wins(self):
        with npkeras.saving.custom_object_scope({"own": thrice, "kept": len}):
            with npkeras.saving.CustomObjectScope({"own": abs}):
                assert npkeras.activations.get("own") is abs
                assert npkeras.activations.get("kept") is len
            assert npkeras.activations.get("own") is thrice
        with pytest.raises(ValueError, match="'own'"):
            npkeras.activations.get("own")

    def test_a_scope_ends_with_an_error_too(self):
        with pytest.raises(KeyError):
            with npkeras.saving.custom_object_scope({"own": thrice}):
                raise KeyError
        assert npkeras.saving.get_registered_object("own") is None

    def test_a_scope_belongs_to_its_thread(self):
        seen = []
        with npkeras.saving.custom_object_scope({"own": thrice}):
            look = threading.Thread(
                target=lambda: seen.append(npkeras.saving.get_registered_object("own"))
            )
            look.start()
            look.join()
        assert seen == [None]

    def test_custom_objects_reach_what_is_within(self):
        class Twice(npkeras.layers.Layer):
            def call(self, x):
                return x * 2

        model = npkeras.Sequential([npkeras.Input((3,)), Twice()])
        config = json.loads(json.dumps(npkeras.saving.serialize_keras_object(model)))
        with pytest.raises(ValueError, match="'Twice'"):
            npkeras.saving.deserialize_keras_object(config)
        again = npkeras.saving.deserialize_keras_object(config, {"Twice": Twice})
        assert isinstance(again.layers[0], Twice)

    def test_an_unregistered_function_as_argument_is_found_in_custom_objects(self):
        config = npkeras.layers.Dense(2, activation=thrice).get_config()
        with pytest.raises(ValueError, match="'thrice'"):
            npkeras.layers.Dense.from_config(config)
        with npkeras.saving.custom_object_scope({"thrice": thrice}):
            assert npkeras.layers.Dense.from_config(config).activation is thrice


def everything_public(module, seen):
    """The functions and classes that are reachable by name from a module of the package."""
    for name, thing in list(vars(module).items()):
        if inspect.ismodule(thing):
            if thing.__name__.startswith("npkeras") and thing.__name__ not in seen:
                seen.add(thing.__name__)
                yield from everything_public(thing, seen)
        elif callable(thing):
            yield module.__name__, name, thing


def test_of_all_public_names_only_registered_things_resolve():
    allowed = {id(thing) for table in registry._TABLES.values() for thing in table.values()}
    resolved = 0
    for module, name, _ in everything_public(npkeras, {"npkeras"}):
        for spelled in (module, module.replace("npkeras", "keras"), None, "builtins"):
            config = {"module": spelled, "class_name": "function", "config": name}
            try:
                found = registry.deserialize(config)
            except ValueError:
                continue
            resolved += 1
            assert id(found) in allowed, (spelled, name)
    assert resolved
