"""Configs that ask for code, for files, for modules, or for more than there is."""

import base64
import json
import marshal

import pytest

from tests.saving.attacks import victims
from tests.saving.attacks.cage import MARK, assert_harmless, assert_refused, job, opened


def code(mark):
    """Compiled code, as Keras stores that of a lambda, which would leave a mark."""
    function = eval(f"lambda x: open({mark!r}, 'w')")
    return base64.b64encode(marshal.dumps(function.__code__)).decode()


def lambda_layer(config):
    function = {"class_name": "__lambda__", "config": {"code": code(MARK), "value": code(MARK)}}
    config["config"]["layers"].append(
        {"module": "keras.layers", "class_name": "Lambda", "config": {"function": function}}
    )


def function_layer(module, name, **config):
    """A layer made of a function that the file names."""

    def change(model):
        function = {"module": module, "class_name": "function", "config": name}
        function["registered_name"] = name
        model["config"]["layers"].append(
            {
                "module": "keras.layers",
                "class_name": "Lambda",
                "config": {"function": function, **config},
                "registered_name": None,
            }
        )

    return change


def activation(module, name, registered=None):
    def change(model):
        victims.layer_of(model)["config"]["activation"] = {
            "module": module,
            "class_name": "function",
            "config": name,
            "registered_name": registered or name,
        }

    return change


def layer_class(module, name, config=None, registered=None):
    def change(model):
        model["config"]["layers"].append(
            {
                "module": module,
                "class_name": name,
                "config": config or {},
                "registered_name": registered,
            }
        )

    return change


def root_class(module, name, config=None):
    return lambda model: {"module": module, "class_name": name, "config": config or {}}


def unsafe_first(model):
    function_layer("keras.config", "enable_unsafe_deserialization")(model)
    lambda_layer(model)


def initializer(config):
    def change(model):
        victims.layer_of(model)["config"]["kernel_initializer"] = config

    return change


def named(name):
    def change(model):
        victims.layer_of(model)["config"]["name"] = name

    return change


def units(value, **more):
    def change(model):
        victims.layer_of(model)["config"].update(units=value, **more)

    return change


def compiled(**changes):
    def change(model):
        model["compile_config"].update(changes)

    return change


def many_layers(model):
    layer = victims.layer_of(model)
    model["config"]["layers"] += [
        {**layer, "config": {**layer["config"], "name": f"d{i}"}} for i in range(50_000)
    ]


def cyclic(model):
    history = {"shape": [None, 2], "dtype": "float32", "keras_history": ["a", 0, 0]}
    node = {"args": [{"class_name": "__keras_tensor__", "config": history}], "kwargs": {}}
    layer = {**victims.layer_of(model), "name": "a", "inbound_nodes": [node]}
    layer["config"] = {**layer["config"], "name": "a"}
    inner = {"name": "m", "trainable": True, "layers": [layer]}
    inner.update(input_layers=[["a", 0, 0]], output_layers=[["a", 0, 0]])
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": inner,
        "registered_name": "Functional",
    }


def twice_the_name(model):
    victims.layer_of(model, 2)["config"]["name"] = "first"


def unrolled(model):
    """A recurrent layer that is to be written out for a vast number of steps."""
    victims.layer_of(model, 0)["config"]["batch_shape"] = [None, 10**12, 4]
    config = {"name": "r", "units": 1, "unroll": True}
    layer_class("keras.layers", "SimpleRNN", config)(model)


def tensor_bomb(model):
    victims.layer_of(model)["config"]["kernel_initializer"] = {
        "class_name": "__numpy__",
        "config": {"value": [0.0], "dtype": "V1000000000"},
    }


VOCABULARY = {"name": "s", "vocabulary": "/etc/hostname", "output_mode": "int"}
ADAM = {"module": "keras.optimizers", "class_name": "Adam"}

# What the file names, and which words the refusal has.
CONFIGS = {
    "lambda": (lambda_layer, "never runs"),
    "open of builtins": (activation("builtins", "open", "function"), "open"),
    "open of builtins by registered name": (activation("builtins", "open"), "open"),
    "eval": (activation("builtins", "eval"), "eval"),
    "system of os": (activation("os", "system"), "system"),
    "system of posix": (activation("posix", "system"), "system"),
    "a function of numpy": (activation("numpy", "load"), "load"),
    "a function within keras": (activation("keras.src.utils.file_utils", "File"), "File"),
    "a function within npkeras": (activation("npkeras.core.registry", "register"), "register"),
    "a download": (function_layer("keras.utils", "get_file", arguments={"origin": "file:///x"}),
                   ""),
    "the class Popen": (root_class("subprocess", "Popen", {"args": ["true"]}), "Popen"),
    "Popen as a layer": (layer_class("subprocess", "Popen", {"args": ["true"]}), "Popen"),
    "a layer of a module of its own": (layer_class("evil_module", "Layer2"), "Layer2"),
    "a wrapped torch module": (layer_class("keras.layers", "TorchModuleWrapper"), "Torch"),
    "a saved model of TensorFlow": (
        layer_class("keras.layers", "TFSMLayer", {"filepath": "/tmp/x"}),
        "TFSMLayer",
    ),
    "unsafe mode, then a lambda": (unsafe_first, ""),
    "a file as a vocabulary": (layer_class("keras.layers", "StringLookup", VOCABULARY), ""),
    "an object of the wrong kind": (root_class("keras.callbacks", "CSVLogger", {"filename": "x"}),
                                    ""),
    "a layer for a model": (root_class("keras.layers", "Dense", {"units": 2}), "not a model"),
    "a name that climbs": (named("../../evil"), "name"),
    "an absolute name": (named("/abs"), "name"),
    "a name with escape codes": (named("\x1b[2J\x1b]0;evil\x07"), "name"),
    "a name with a null": (named("a\0b"), "name"),
    "a name of 10 kB": (named("x" * 10_000), "name"),
    "a name that is a number": (named(3), "name"),
    "a huge layer": (units(2_000_000_000), "more weights than the file holds"),
    "a vast layer": (units(10**15), "more weights than the file holds"),
    "units of 10**30": (units(10**30), ""),
    "units of 3.0": (units(3.5), "units"),
    "units below zero": (units(-3), "units"),
    "units as text": (units("3"), "units"),
    "units that are no number": (units(float("nan")), "units"),
    "no units": (lambda model: victims.layer_of(model)["config"].pop("units") and None, ""),
    "a huge metric": (
        compiled(metrics=[{"module": "keras.metrics", "class_name": "MeanIoU",
                           "config": {"num_classes": 10**6}, "registered_name": None}]),
        "more weights than the file holds",
    ),
    "a metric with many thresholds": (
        compiled(metrics=[{"module": "keras.metrics", "class_name": "AUC",
                           "config": {"num_thresholds": 10**12}, "registered_name": None}]),
        "",
    ),
    "escape codes in a metric": (
        compiled(metrics=[{"module": "keras.metrics", "class_name": "AUC",
                           "config": {"num_labels": "\x1b[2J"}, "registered_name": None}]),
        "\\x1b[2J",
    ),
    "a learning rate of text": (
        compiled(optimizer={**ADAM, "config": {"learning_rate": "fast"}}),
        "learning_rate",
    ),
    "a loss of os": (compiled(loss={"module": "os", "class_name": "function",
                                    "config": "system", "registered_name": "system"}), "system"),
    "an argument of compile that is none": (compiled(colour="red"), "colour"),
    "50,000 layers": (many_layers, "layers"),
    "a cyclic graph": (cyclic, ""),
    "two layers of one name": (twice_the_name, "first"),
    "a vast number of steps": (unrolled, ""),
    "a dtype of 1 GB": (tensor_bomb, ""),
    "an initializer that is a list": (initializer([1, 2]), ""),
    "an unknown initializer": (initializer({"module": "keras.initializers", "class_name": "Evil",
                                            "config": {}}), "Evil"),
    "layers that are a number": (lambda model: model["config"].update(layers=3), ""),
    "layers that are texts": (lambda model: model["config"].update(layers=["a"]), ""),
    "no layers": (lambda model: model["config"].pop("layers") and None, ""),
    "a config that is a text": (lambda model: model.update(config="open"), ""),
    "a class that is a list": (lambda model: model.update(class_name=["Sequential"]), ""),
    "a module that is a dict": (layer_class({"a": 1}, "Dense", {"units": 2}), ""),
    "a shape that is vast": (
        lambda model: victims.layer_of(model, 0)["config"].update(batch_shape=[None, 10**12]),
        "",
    ),
}  # fmt: skip


def deep(model):
    return b'{"class_name": "Sequential", "config": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"


def deep_but_parsable(model):
    inner = {}
    for _ in range(300):
        inner = {"config": inner}
    return json.dumps({"class_name": "Sequential", "config": inner}).encode()


def twice_the_key(model):
    return json.dumps(model).encode().replace(b'"units": 3', b'"units": 3, "units": 4')


TEXTS = {
    "nested 200,000 deep": (deep, "nested too deep"),
    "nested 300 deep": (deep_but_parsable, "nested too deep"),
    "a number of 5,000 digits": (
        lambda model: json.dumps(model).encode().replace(b'"units": 3', b'"units": ' + b"9" * 5000),
        "digits",
    ),
    "the same key twice": (twice_the_key, "twice"),
    "not UTF-8": (lambda model: json.dumps(model).encode() + b"\xff", "UTF-8"),
    "a list": (lambda model: b"[1, 2]", "Expected a dict"),
    "cut short": (lambda model: json.dumps(model).encode()[:500], "not JSON"),
    "empty": (lambda model: b"", "not JSON"),
    "an empty dict": (lambda model: b"{}", ""),
    "null": (lambda model: b"null", "Expected a dict"),
    "five million brackets": (lambda model: b"[" + b"[]," * 5_000_000 + b"[]]", "larger"),
}
ALL = {**CONFIGS, **TEXTS}


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("attacks")
    jobs = {}
    for number, (name, (change, _)) in enumerate(ALL.items()):
        jobs[f"{name}, keras"] = job(victims.archive(folder, str(number), change))
        if name in CONFIGS and "metric" not in name and "compile" not in name:
            jobs[f"{name}, h5"] = job(victims.hdf5_model(folder, str(number), _in_h5(change)))
    for mode in (False, None):
        path = victims.archive(folder, f"unsafe-{mode}", lambda_layer)
        jobs[f"lambda, safe_mode={mode}"] = job(path, safe_mode=mode)
    config = json.loads(json.dumps(_sequential()))
    lambda_layer(config)
    for call in ("from_config", "clone_model", "from_json", "deserialize", "deserialize_object"):
        given = config["config"] if call in ("from_config", "clone_model") else config
        jobs[f"lambda, {call}"] = job(folder / "none", call, config=given, safe_mode=False)
    return jobs


def _sequential():
    from npkeras.core import registry

    return registry.serialize(victims.victim())


def _in_h5(change):
    """Changes of whole models fit both formats, save that h5 files have no `compile_config`."""

    def changed(config):
        config.setdefault("compile_config", {})
        return change(config)

    return changed


@pytest.fixture(scope="module")
def outcomes(jobs):
    return opened(jobs)


@pytest.mark.parametrize("name", list(ALL))
def test_a_keras_file_with_such_a_config_is_refused(outcomes, jobs, name):
    size = (victims.pathlib.Path(jobs[f"{name}, keras"]["path"])).stat().st_size
    assert_refused(outcomes[f"{name}, keras"], size, words=ALL[name][1])


@pytest.mark.parametrize(
    "name",
    [
        n
        for n in CONFIGS
        if "metric" not in n and "compile" not in n and "learning rate" not in n and "loss" not in n
    ],
)
def test_an_h5_file_with_such_a_config_is_refused(outcomes, jobs, name):
    size = (victims.pathlib.Path(jobs[f"{name}, h5"]["path"])).stat().st_size
    assert_refused(outcomes[f"{name}, h5"], size)


def test_code_is_refused_whatever_the_mode_and_the_way_in(outcomes):
    ways = [name for name in outcomes if name.startswith("lambda, ")]
    assert len(ways) == 9
    for name in ways:
        assert_refused(outcomes[name])
    for name in (
        "lambda, keras",
        "lambda, h5",
        "lambda, safe_mode=False",
        "lambda, safe_mode=None",
    ):
        assert "UnsafeModelError" in outcomes[name]["error"]


def test_the_cage_sees_what_is_done(tmp_path):
    """The same file without an attack loads; one that does something else is noticed."""
    sound = job(victims.archive(tmp_path, "sound"))
    calls = {call: {**sound, "call": call} for call in ("load_weights", "clone_model", "describe")}
    outcomes = opened({"sound": sound, **calls})
    for name in ("sound", "load_weights", "clone_model", "describe"):
        assert outcomes[name]["error"] == [], outcomes[name]
        assert_harmless({**outcomes[name], "unchanged": True})
