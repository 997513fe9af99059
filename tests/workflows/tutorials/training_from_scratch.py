"""A training loop written out, with a loss, a metric, a schedule and a callback of one's own."""

import numpy as np

from tests.workflows.tutorials.engines import gradient_tape


def own_parts(keras):
    ops = keras.ops

    class PenalizedError(keras.losses.Loss):
        """Squares, and something more where too little is predicted."""

        def __init__(self, factor=2.0, name="penalized_error", **kwargs):
            super().__init__(name=name, **kwargs)
            self.factor = factor

        def call(self, y_true, y_pred):
            error = y_true - y_pred
            return ops.mean(ops.where(error > 0, self.factor, 1.0) * ops.square(error), axis=-1)

    class WithinReach(keras.metrics.Metric):
        """The share of predictions that are at most `reach` away."""

        def __init__(self, reach=0.5, name="within_reach", **kwargs):
            super().__init__(name=name, **kwargs)
            self.reach = reach
            self.hits = self.add_variable(shape=(), initializer="zeros", name="hits")
            self.count = self.add_variable(shape=(), initializer="zeros", name="count")

        def update_state(self, y_true, y_pred, sample_weight=None):
            close = ops.cast(ops.abs(y_true - y_pred) <= self.reach, self.dtype)
            self.hits.assign(self.hits + ops.sum(close))
            self.count.assign_add(ops.cast(ops.size(close), self.dtype))

        def result(self):
            return self.hits / self.count

    class Warmup(keras.optimizers.schedules.LearningRateSchedule):
        """Rises for some steps, and falls with the square root from there on."""

        def __init__(self, peak, steps):
            self.peak, self.steps = peak, steps

        def __call__(self, step):
            step = ops.cast(step, "float32") + 1
            return self.peak * ops.minimum(step / self.steps, ops.sqrt(self.steps / step))

        def get_config(self):
            return {"peak": self.peak, "steps": self.steps}

    class Notes(keras.callbacks.Callback):
        """Writes down what happens, and stops when the loss is low."""

        def on_train_begin(self, logs=None):
            self.lines = []

        def on_batch_end(self, batch, logs=None):
            self.lines.append(float(logs["loss"]))

        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                self.model.stop_training = True

    return PenalizedError, WithinReach, Warmup, Notes


def data(rows=40):
    rng = np.random.default_rng(10)
    x = rng.normal(size=(rows, 3)).astype("float32")
    return x, (x @ [[1.0], [-2.0], [0.5]] + rng.normal(0, 0.1, (rows, 1))).astype("float32")


def written_out(keras, model, loss_fn, metric, optimizer):
    Tape = gradient_tape(keras)
    x, y = data()
    curve = []
    for _ in range(2):
        for start in range(0, len(x), 8):
            rows = slice(start, start + 8)
            with Tape() as tape:
                predicted = model(x[rows], training=True)
                loss = loss_fn(y[rows], predicted) + sum(model.losses)
            weights = model.trainable_weights
            optimizer.apply(tape.gradient(loss, weights), weights)
            metric.update_state(y[rows], predicted)
            curve.append(float(loss))
        curve.append(float(metric.result()))
        metric.reset_state()
    return curve


def program(keras):
    L = keras.layers
    PenalizedError, WithinReach, Warmup, Notes = own_parts(keras)
    keras.utils.set_random_seed(10)
    inputs = keras.Input((3,))
    x = L.Dense(6, activation="tanh", kernel_regularizer=keras.regularizers.L2(0.01))(inputs)
    model = keras.Model(inputs, L.Dense(1)(x))
    optimizer = keras.optimizers.Adam(Warmup(0.02, steps=4))
    results = {"curve": written_out(keras, model, PenalizedError(), WithinReach(), optimizer)}

    notes, (x, y) = Notes(), data()
    model.compile(
        keras.optimizers.SGD(Warmup(0.05, 3)), PenalizedError(), metrics=[WithinReach(0.3)]
    )
    history = model.fit(x, y, epochs=9, batch_size=8, shuffle=False, verbose=0, callbacks=[notes])
    results["rate"] = [float(model.optimizer.learning_rate)]
    return {**results, **history.history, "notes": notes.lines, "epochs": len(history.epoch)}
