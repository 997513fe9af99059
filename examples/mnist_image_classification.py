"""An LSTM reads handwritten digits row by row, in npkeras and in Keras side by side.

Each 28 x 28 picture is a sequence of 28 rows. What the LSTM makes of them is averaged over
time and classified:

    python examples/mnist_image_classification.py                      # both engines, 20 epochs
    python examples/mnist_image_classification.py --recipe scratch     # normal weights, decay
"""

from side_by_side import Data, main, model_data

from npkeras import callbacks, datasets

RECIPES = {
    "tensorflow": dict(epochs=20, learning_rate=1.0),
    "scratch": dict(epochs=100, learning_rate=1.0, decay=0.2),
}
# At this learning rate rounding errors grow tenfold every twenty steps or so: with most seeds the
# engines part within the first epoch, with this one they stay together for all of it.
DEFAULTS = dict(batch_size=64, train_size=10_000, test_size=10_000, seed=29)


def load_data(options):
    (x_train, y_train), (x_test, y_test) = model_data(
        options, datasets.mnist.load_data, datasets.stand_in.mnist
    )
    train, test = options.train_size, options.test_size
    scaled = (x.astype("float32") / 255 for x in (x_train[:train], x_test[:test]))
    return Data(next(scaled), y_train[:train], next(scaled), y_test[:test])


def build_model(keras, data, options):
    weights = {}
    if options.recipe == "scratch":
        weights = dict(kernel_initializer="random_normal", bias_initializer="zeros")
    recurrent = (
        dict(recurrent_initializer="random_normal", unit_forget_bias=False) if weights else {}
    )
    return keras.Sequential(
        [
            keras.Input(data.x_train.shape[1:]),
            keras.layers.LSTM(128, return_sequences=True, **weights, **recurrent),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(10, activation="softmax", **weights),
        ]
    )


def make_callbacks(keras, options):
    return [callbacks.LearningRateDecay(options.decay)] if options.decay else []


if __name__ == "__main__":
    main(__doc__, "mnist", RECIPES, DEFAULTS, load_data, build_model, make_callbacks)
