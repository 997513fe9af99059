"""SwapEMAWeights: the running means of the weights, for evaluation alone."""

import numpy as np
import pytest

import npkeras
from tests.training.test_fit import CLASSES, X, assert_same


def averaging(engine, **options):
    engine.utils.set_random_seed(1)
    model = engine.Sequential([engine.Input((4,)), engine.layers.Dense(3, activation="softmax")])
    optimizer = engine.optimizers.SGD(0.5, **{"use_ema": True, "ema_momentum": 0.5, **options})
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


def swap(engine=npkeras, **options):
    return engine.callbacks.SwapEMAWeights(**options)


@pytest.mark.keras
@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_fit_validates_with_the_means_as_in_keras(keras, swap_on_epoch):
    def run(engine):
        model, seen = averaging(engine), []
        note = engine.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: seen.append(model.get_weights()[0])
        )
        options = {"batch_size": 8, "epochs": 3, "shuffle": False, "verbose": 0}
        callbacks = [swap(engine, swap_on_epoch=swap_on_epoch), note]
        history = model.fit(
            X, CLASSES, validation_data=(X, CLASSES), callbacks=callbacks, **options
        ).history
        return history, [*seen, *model.get_weights()]

    (ours, our_weights), (theirs, weights) = run(npkeras), run(keras)
    assert_same(ours, theirs)
    for weight, other in zip(our_weights, weights, strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_the_model_has_its_own_weights_again_afterwards(method):
    model = averaging(npkeras)
    for _ in range(3):
        model.train_on_batch(X, CLASSES)
    before = model.get_weights()
    plain = getattr(model, method)(X, *[CLASSES][: method == "evaluate"], verbose=0)
    swapped = getattr(model, method)(
        X, *[CLASSES][: method == "evaluate"], verbose=0, callbacks=[swap()]
    )
    assert not np.allclose(plain, swapped)
    for weight, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_an_error_puts_the_weights_back():
    model = averaging(npkeras)
    seen = []

    class Fail(npkeras.callbacks.Callback):
        def on_test_begin(self, logs=None):
            raise KeyboardInterrupt

    note = npkeras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(model.get_weights()[0])
    )
    with pytest.raises(KeyboardInterrupt):
        validation = (X, CLASSES)
        callbacks = [note, swap(), Fail()]
        model.fit(X, CLASSES, 8, verbose=0, validation_data=validation, callbacks=callbacks)
    np.testing.assert_array_equal(model.get_weights()[0], seen[-1])


def test_an_optimizer_without_means_is_refused():
    model = averaging(npkeras, use_ema=False)
    with pytest.raises(ValueError, match="needs an optimizer with `use_ema=True`. Received: opt"):
        model.fit(X, CLASSES, validation_data=(X, CLASSES), verbose=0, callbacks=[swap()])
