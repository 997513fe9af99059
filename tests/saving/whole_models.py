"""Models of many kinds, built alike by npkeras and by Keras, with data to train them on."""

import functools

import numpy as np

RNG = np.random.default_rng(3)
X = RNG.normal(size=(6, 4)).astype("float32")
STEPS = RNG.normal(size=(6, 5, 3)).astype("float32")
TOKENS = RNG.integers(0, 10, (6, 5)).astype("int32")
Y = RNG.uniform(0.1, 0.9, size=(6, 2)).astype("float32")
Y1 = Y[:, :1]
CLASSES = (np.arange(6) % 3).astype("int32")


def compiled(model, optimizer="adam", loss="mse", **options):
    model.compile(optimizer, loss, **options)
    return model


def dense(k):
    layers = [k.Input((4,)), k.layers.Dense(5, "relu"), k.layers.Dense(2)]
    return compiled(k.Sequential(layers, name="plain"), metrics=["mae", "mse"])


def not_compiled(k):
    return k.Sequential([k.Input((4,)), k.layers.Dense(2, "tanh")])


def without_input(k):
    model = compiled(k.Sequential([k.layers.Dense(3, "elu"), k.layers.Dense(2)]), "sgd")
    model(X)
    return model


def words(k):
    optimizer = k.optimizers.RMSprop(0.01, momentum=0.5)
    layers = [
        k.Input((5,), dtype="int32"),
        k.layers.Embedding(10, 3, mask_zero=True),
        k.layers.LSTM(4, return_sequences=True),
        k.layers.LSTM(4),
        k.layers.Dense(3, activation="softmax"),
    ]
    model = k.Sequential(layers)
    return compiled(model, optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])


def recurrent(k):
    layers = [
        k.Input((None, 3)),
        k.layers.Bidirectional(k.layers.GRU(3, return_sequences=True), merge_mode="concat"),
        k.layers.SimpleRNN(4, return_sequences=True),
        k.layers.GRU(2, reset_after=False),
    ]
    return compiled(k.Sequential(layers), k.optimizers.Nadam(0.01))


def nested(k):
    rate = k.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True)
    inner = k.Sequential([k.layers.Dense(4, "relu"), k.layers.Dense(3)], name="inner")
    layers = [
        k.Input((5, 3)),
        k.layers.TimeDistributed(k.layers.Dense(2)),
        k.layers.RNN(k.layers.StackedRNNCells([k.layers.LSTMCell(3), k.layers.LSTMCell(2)])),
        inner,
        k.Sequential([k.Input((3,)), k.layers.Dense(2)]),
    ]
    return compiled(k.Sequential(layers), k.optimizers.Adam(rate, amsgrad=True))


def with_objects(k):
    shared = k.initializers.GlorotNormal(seed=3)
    first = k.layers.Dense(
        3,
        activation=k.activations.gelu,
        kernel_initializer=shared,
        bias_initializer=k.initializers.Constant(0.1),
        kernel_regularizer=k.regularizers.L1L2(0.01, 0.02),
        bias_regularizer="l2",
        kernel_constraint=k.constraints.MaxNorm(2.0),
    )
    second = k.layers.Dense(2, "sigmoid", kernel_initializer=shared)
    optimizer = k.optimizers.SGD(0.1, momentum=0.9, nesterov=True, use_ema=True, clipnorm=1.0)
    model = k.Sequential([k.Input((4,), batch_size=6), first, second])
    return compiled(
        model,
        optimizer,
        k.losses.BinaryCrossentropy(label_smoothing=0.1),
        metrics=[k.metrics.MeanSquaredError(name="q"), k.losses.mean_absolute_error],
        weighted_metrics=["mape"],
        loss_weights=[0.5],
    )


def small_layers(k):
    layers = [
        k.Input((5, 3)),
        k.layers.Masking(0.0),
        k.layers.Activation("tanh"),
        k.layers.ReLU(max_value=2.0, negative_slope=0.1),
        k.layers.Reshape((3, 5)),
        k.layers.Flatten(),
        k.layers.Dense(2, use_bias=False),
        k.layers.Softmax(),
        k.layers.Dropout(0.0),
    ]
    optimizer = k.optimizers.AdamW(0.01, weight_decay=0.02, gradient_accumulation_steps=2)
    return compiled(k.Sequential(layers), optimizer, "kl_divergence")


def partly_frozen(k):
    frozen = k.layers.Dense(5, "relu", trainable=False)
    model = k.Sequential([k.Input((4,)), frozen, k.layers.Dense(2)])
    return compiled(model, k.optimizers.Adadelta(0.5), "huber")


def doubles(k):
    layers = [k.Input((4,), dtype="float64"), k.layers.Dense(2, dtype="float64")]
    return compiled(k.Sequential(layers), "adagrad", "log_cosh")


def with_halves(k):
    layers = [k.Input((4,)), k.layers.Dense(2, dtype="mixed_float16")]
    return compiled(k.Sequential(layers), k.optimizers.LossScaleOptimizer(k.optimizers.SGD(0.1)))


@functools.cache
def classes_of(k):
    """Classes of a user's own, registered with an engine."""
    register = k.saving.register_keras_serializable("tests")

    @register
    class Scale(k.layers.Layer):
        def __init__(self, factor=1.0, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def build(self, input_shape):
            self.gain = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="gain")

        def call(self, inputs):
            return inputs * self.gain * self.factor

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    @register
    class Net(k.Model):
        def __init__(self, units=3, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.blocks = [k.layers.Dense(units), Scale(2.0)]
            self.named = {"x": k.layers.Dense(units)}
            self.head = k.layers.Dense(2)

        def call(self, inputs):
            x = inputs
            for block in self.blocks:
                x = block(x)
            return self.head(self.named["x"](x))

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    @register
    class Pair(k.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.left = k.layers.Dense(2, name="left")
            self.right = k.layers.Dense(1, name="right")

        def call(self, inputs):
            a, b = inputs
            return {"left": self.left(a), "right": self.right(b)}

    @register
    class Stack(k.Sequential):
        pass

    @register
    def squared(y_true, y_pred):
        return k.ops.mean(k.ops.square(y_true - y_pred), axis=-1)

    return {"Scale": Scale, "Net": Net, "Pair": Pair, "Stack": Stack, "squared": squared}


def subclassed(k):
    model = compiled(classes_of(k)["Net"](4, name="net"), "adam", metrics=["mae"])
    model(X)
    return model


def two_outputs(k):
    model = compiled(
        classes_of(k)["Pair"](),
        k.optimizers.Ftrl(0.1),
        {"left": "mse", "right": k.losses.Huber()},
        loss_weights={"left": 0.3, "right": 1.0},
        metrics={"left": ["mae"], "right": [k.metrics.MeanSquaredError(name="q")]},
    )
    model([X, X])
    return model


def own_loss(k):
    own = classes_of(k)
    model = own["Stack"]([k.Input((4,)), own["Scale"](3.0), k.layers.Dense(2)])
    return compiled(model, k.optimizers.Lion(0.01), own["squared"], metrics=[own["squared"]])


def shared_layer(k):
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    shared = k.layers.Dense(3, "tanh", name="shared")
    one, other = shared(a), shared(b)
    both = k.layers.Concatenate()([one, other * 2.0])
    outputs = {"left": k.layers.Dense(2, name="left")(both), "right": k.layers.Dense(1)(one)}
    loss = {"left": "mse", "right": k.losses.Huber()}
    return compiled(k.Model({"a": a, "b": b}, outputs), "adamax", loss, loss_weights=None)


def model_within(k):
    start = k.Input((5, 3))
    inner = k.Model(start, k.layers.LSTM(3)(start), name="inner")
    inputs = k.Input((5, 3))
    outputs = k.layers.Dense(2)(k.layers.Add()([inner(inputs), inner(k.ops.flip(inputs, 1))]))
    return compiled(k.Model(inputs, outputs), "lion")


# Name -> (how it is made, inputs, targets)
MODELS = {
    "dense": (dense, X, Y),
    "without input": (without_input, X, Y),
    "words": (words, TOKENS, CLASSES),
    "recurrent": (recurrent, STEPS, Y),
    "nested": (nested, STEPS, Y),
    "with objects": (with_objects, X, Y),
    "small layers": (small_layers, STEPS, Y),
    "partly frozen": (partly_frozen, X, Y),
    "doubles": (doubles, X.astype("float64"), Y.astype("float64")),
    "with halves": (with_halves, X, Y),
    "subclassed": (subclassed, X, Y),
    "two outputs": (two_outputs, [X, X], {"left": Y, "right": Y1}),
    "own loss": (own_loss, X, Y),
    "shared layer": (shared_layer, {"a": X, "b": X[::-1].copy()}, {"left": Y, "right": Y1}),
    "model within": (model_within, STEPS, Y),
    "not compiled": (not_compiled, X, None),
}
