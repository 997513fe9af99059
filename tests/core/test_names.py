"""Names: snake case as Keras writes it, counting, scopes."""

import re
import threading

import pytest

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
