"""The same steps taken by an optimizer here and by Keras on TensorFlow."""

import numpy as np

from npkeras import optimizers
from npkeras.core.rows import RowGradient
from npkeras.core.variable import Variable

SHAPES = ((3, 4), (4,), (6, 2))
RULES = [
    "SGD",
    "Adam",
    "AdamW",
    "Adamax",
    "Nadam",
    "RMSprop",
    "Adagrad",
    "Adadelta",
    "Adafactor",
    "Ftrl",
    "Lamb",
    "Lion",
]


class Pair:
    """An optimizer of each kind, and variables that begin alike."""

    def __init__(self, keras, rule, dtype="float32", shapes=SHAPES, seed=0, **arguments):
        self.keras = keras
        random = np.random.default_rng(seed)
        values = [random.normal(size=shape).astype(dtype) for shape in shapes]
        labels = ["kernel", "bias", "table", "more"]
        self.ours = [
            Variable(value, dtype=dtype, name=label)
            for value, label in zip(values, labels, strict=False)
        ]
        self.theirs = [
            keras.Variable(value, dtype=dtype, name=label)
            for value, label in zip(values, labels, strict=False)
        ]
        self.optimizer = getattr(optimizers, rule)(**convert(arguments, optimizers))
        self.reference = getattr(keras.optimizers, rule)(**convert(arguments, keras.optimizers))
        self.random = random
        self.dtype = dtype

    def gradients(self, size=1.0):
        return [(self.random.normal(size=v.shape) * size).astype(self.dtype) for v in self.ours]

    def step(self, gradients):
        import tensorflow as tf

        def theirs(gradient):
            if isinstance(gradient, RowGradient):
                return tf.IndexedSlices(
                    tf.constant(gradient.rows),
                    tf.constant(gradient.indices),
                    tf.constant(gradient.shape),
                )
            return None if gradient is None else tf.constant(gradient)

        self.optimizer.apply(gradients, self.ours)
        self.reference.apply([theirs(gradient) for gradient in gradients], self.theirs)

    def check(self, rtol=1e-6, atol=1e-6, state=1e-6):
        """Weights and state are equal, the state also in names, order, shapes and dtypes."""
        for ours, theirs in zip(self.ours, self.theirs, strict=True):
            expected = theirs.numpy()
            np.testing.assert_allclose(ours.value, expected, rtol, atol, err_msg=ours.path)
        assert [described(v) for v in self.optimizer.variables] == [
            described(v) for v in self.reference.variables
        ]
        for ours, theirs in zip(self.optimizer.variables, self.reference.variables, strict=True):
            expected = np.asarray(theirs.numpy())
            scale = float(np.abs(expected).max(initial=0))
            np.testing.assert_allclose(
                ours.value, expected, 5 * rtol, state * scale, err_msg=ours.path
            )


def described(variable):
    """Name, shape and dtype, but for the number behind the name of an optimizer."""
    return (
        variable.name.split("_")[0] if "variable" in variable.name else variable.name,
        tuple(variable.shape),
        variable.dtype,
    )


def convert(arguments, library):
    """Schedules, given as (name, arguments), as objects of one library."""
    rate = arguments.get("learning_rate")
    if isinstance(rate, tuple):
        name, values = rate
        return {**arguments, "learning_rate": getattr(library.schedules, name)(**values)}
    return arguments


def variables(*shapes, dtype="float32"):
    """Variables of ones, named `kernel`, `bias`, `table`."""
    return [
        Variable(np.ones(shape, dtype), name=name)
        for shape, name in zip(shapes, ("kernel", "bias", "table"), strict=False)
    ]


def ones(*shapes):
    """Gradients of ones."""
    return [np.ones(shape, "float32") for shape in shapes]
