"""Names: snake case as Keras writes it, counting, scopes."""

import re
import threading

import numpy as np
import pytest

import npkeras
from npkeras.core import names

SNAKE = {
    "LSTM": "lstm",
    "ReLU": "re_lu",
    "PReLU": "p_re_lu",
    "LeakyReLU": "leaky_re_lu",
    "Conv2D": "conv2d",
    "Conv2DTranspose": "conv2d_transpose",
    "ConvLSTM2D": "conv_lstm2d",
    "UpSampling2D": "up_sampling2d",
    "GlobalAveragePooling1D": "global_average_pooling1d",
    "StackedRNNCells": "stacked_rnn_cells",
    "RMSprop": "rm_sprop",
    "AdamW": "adam_w",
    "SGD": "sgd",
    "Dense": "dense",
    "_Foo": "__foo",
    "My_Layer": "my__layer",
    "HTTPServer2": "http_server2",
    "aB": "a_b",
    "A": "a",
    "Foo-Bar": "foo_bar",
    "Größe": "größe",
    "": "",
}


@pytest.mark.parametrize("name", SNAKE)
def test_snake_case(name):
    assert names.snake_case(name) == SNAKE[name]


@pytest.mark.keras
def test_objects_of_keras_have_the_same_names(keras):
    arguments = {"LSTM": (1,), "Conv2DTranspose": (1, 1)}
    for cls in ("LSTM", "ReLU", "LeakyReLU", "GlobalAveragePooling1D", "Conv2DTranspose"):
        layer = getattr(keras.layers, cls)(*arguments.get(cls, ()))
        assert re.sub(r"_\d+$", "", layer.name) == SNAKE[cls]


def test_the_first_has_no_number_and_the_next_are_counted_from_one():
    assert [names.auto_name("Dense") for _ in range(3)] == ["dense", "dense_1", "dense_2"]


def test_each_class_is_counted_by_itself():
    names.auto_name("Dense")
    assert names.auto_name("LSTM") == "lstm"


def test_classes_with_one_snake_case_name_are_counted_together():
    assert [names.auto_name("LSTM"), names.auto_name("Lstm")] == ["lstm", "lstm_1"]


def test_reset_begins_anew():
    names.auto_name("Dense")
    names.reset()
    assert names.auto_name("Dense") == "dense"


def test_scopes_lengthen_paths():
    with names.name_scope("model"), names.name_scope("dense"):
        assert names.path_of("kernel") == "model/dense/kernel"
        assert names.current_scope() == ("model", "dense")
    assert names.path_of("kernel") == "kernel"


def test_a_scope_ends_with_an_error_too():
    with pytest.raises(KeyError):
        with names.name_scope("model"):
            raise KeyError
    assert names.current_scope() == ()


def test_a_scope_belongs_to_its_thread():
    seen = []
    with names.name_scope("model"):
        look = threading.Thread(target=lambda: seen.append(names.path_of("kernel")))
        look.start()
        look.join()
    assert seen == ["kernel"]


def test_the_next_number_is_counted_with_the_names():
    assert [names.get_uid("dense"), names.get_uid("dense")] == [1, 2]
    assert names.auto_name("Dense") == "dense_2"
    assert (names.get_uid("dense"), names.get_uid()) == (4, 1)
    names.reset()
    assert names.get_uid("dense") == 1


@pytest.mark.keras
def test_numbers_and_scopes_are_those_of_keras(keras):
    import npkeras

    found = []
    for engine in (npkeras, keras):
        engine.backend.clear_session()
        numbers = [engine.backend.get_uid("dense") for _ in range(2)]
        with engine.name_scope(""):
            paths = [engine.Variable(1.0, name="b").path]
        with engine.name_scope("a"):
            paths += [engine.Variable(1.0, name="b").path]
            layer = engine.layers.Dense(2)
            layer.build((1, 2))
        paths += [weight.path for weight in layer.weights]
        found.append((numbers, paths, engine.backend.get_uid("dense")))
        for name in ("a/b", 3, None):
            with pytest.raises(ValueError, match="must be a string"):
                engine.name_scope(name)
    assert found[0] == found[1]


def _fresh(engine):
    return engine.Sequential([engine.layers.Dense(1), engine.layers.Dense(2)])


def _with_input(engine):
    return engine.Sequential([engine.Input((4,)), *_fresh(engine).layers])


def _one_by_one(engine, rebuild=True):
    model = engine.Sequential()
    model.add(engine.Input((4,)))
    for _ in range(3):
        model.add(engine.layers.Dense(1), rebuild=rebuild)
    return model


def _called(model):
    model(np.ones((2, 4), "float32"))
    return model


def _built(model, times=1):
    for _ in range(times):
        model.build((None, 4))
    return model


def _popped(model, times=1):
    for _ in range(times):
        model.pop()
    return model


def _nested(engine):
    inner = _fresh(engine)
    x = engine.Input((4,))
    inner(x)
    return engine.Model(x, inner(x))


USES = {
    "none": lambda engine: None,
    "not built": _fresh,
    "an input": _with_input,
    "only an input": lambda engine: engine.Sequential([engine.Input((4,))]),
    "a name": lambda engine: engine.Sequential(
        [engine.Input((4,)), engine.layers.Dense(1)], name="s"
    ),
    "one by one": _one_by_one,
    "one by one, in vain": lambda engine: _one_by_one(engine, rebuild=False),
    "one by one, then built": lambda engine: _one_by_one(engine, rebuild=False).build(),
    "called": lambda engine: _called(_called(_fresh(engine))),
    "built": lambda engine: _built(_fresh(engine)),
    "built twice": lambda engine: _built(_fresh(engine), 2),
    "an input, built": lambda engine: _built(_with_input(engine)),
    "an input, built without a shape": lambda engine: _with_input(engine).build(),
    "popped": lambda engine: _popped(_with_input(engine)),
    "popped empty": lambda engine: _popped(_with_input(engine), 2),
    "called and popped": lambda engine: _called(_popped(_called(_fresh(engine)))),
    "only popped": lambda engine: _popped(_fresh(engine)),
    "cloned": lambda engine: engine.models.clone_model(_with_input(engine)),
    "cloned before it is built": lambda engine: engine.models.clone_model(_fresh(engine)),
    "from a config": lambda engine: engine.Sequential.from_config(_one_by_one(engine).get_config()),
    "from a config of what was built later": lambda engine: engine.Sequential.from_config(
        _built(_fresh(engine)).get_config()
    ),
    "from a config before it is built": lambda engine: engine.Sequential.from_config(
        _fresh(engine).get_config()
    ),
    "in a sequential model": lambda engine: engine.Sequential([engine.Input((4,)), _fresh(engine)]),
    "in a graph": _nested,
    "a shape asked for": lambda engine: _fresh(engine).compute_output_shape((None, 4)),
}


@pytest.mark.keras
@pytest.mark.parametrize("use", USES)
def test_sequential_models_take_names_of_functional_ones_as_in_keras(keras, use):
    found = []
    for engine in (npkeras, keras):
        engine.backend.clear_session()
        USES[use](engine)
        x = engine.Input((4,))
        found.append(engine.Model(x, engine.layers.Dense(1)(x)).name)
    assert found[0] == found[1]


@pytest.mark.keras
@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_loading_takes_names_of_functional_ones_as_in_keras(keras, ending, tmp_path):
    found = []
    for engine in (npkeras, keras):
        engine.backend.clear_session()
        _with_input(engine).save(tmp_path / f"{engine.__name__}{ending}")
        engine.saving.load_model(tmp_path / f"{engine.__name__}{ending}")
        x = engine.Input((4,))
        found.append(engine.Model(x, engine.layers.Dense(1)(x)).name)
    assert found[0] == found[1]
