"""A layer's `call` runs on shapes when a model is built: nothing is drawn, counted or kept."""

import numpy as np

from tests.layers.engines import array, ones


def moving(engine):
    class Moving(engine.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)
            self.mean = self.add_weight(shape=(2,), initializer="zeros", trainable=False)
            self.seeds = engine.random.SeedGenerator(3)
            self.size = engine.metrics.Mean(name="size")

        def call(self, x):
            mean = engine.ops.mean(x, axis=0)
            self.count.assign_add(1.0)
            self.mean.assign(0.5 * self.mean + 0.5 * mean)
            self.mean.assign_sub(0.1 * mean)
            self.size.update_state(engine.ops.mean(x))
            noise = engine.random.normal(engine.ops.shape(x), seed=self.seeds)
            return engine.random.dropout(x + noise, 0.5, seed=self.seeds)

    return Moving()


def test_building_changes_no_state(engine):
    layer = moving(engine)
    model = engine.Sequential([engine.Input((2,)), layer, engine.layers.Dense(1)])
    assert model.output_shape == (None, 1)
    assert array(layer.count) == 0 and not array(layer.mean).any()
    assert array(layer.seeds.state).tolist() == [3, 0]
    assert array(layer.size.result()) == 0


def test_training_does(engine):
    layer = moving(engine)
    model = engine.Sequential([engine.Input((2,)), layer, engine.layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(3 * ones(4, 2), ones(4, 1), verbose=0, batch_size=2).history
    assert history["size"] == [3.0] and array(layer.count) == 2
    np.testing.assert_allclose(array(layer.mean), [1.8, 1.8], rtol=1e-6)
    assert array(layer.seeds.state).tolist() == [3, 4]


def test_layers_within_are_released_too(engine):
    class Outer(engine.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = moving(engine)

        def call(self, x):
            return self.inner(self.inner(x))

    layer = Outer()
    model = engine.Sequential([engine.Input((2,)), layer])
    assert array(layer.inner.count) == 0
    model(ones(2, 2))
    assert array(layer.inner.count) == 2
