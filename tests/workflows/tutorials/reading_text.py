"""Reads letters in a strip of picture: CTC as a loss added within a layer, and decoding."""

import numpy as np

LETTERS, LENGTH, STEPS = 6, 3, 12


def strips(rows):
    """Each letter has a column pattern of its own, drawn at some width into noise."""
    rng = np.random.default_rng(27)
    patterns = rng.normal(size=(LETTERS + 1, 5))
    labels = rng.integers(1, LETTERS + 1, (rows, LENGTH))
    x = rng.normal(0, 0.1, (rows, STEPS, 5))
    x += np.repeat(patterns[labels], STEPS // LENGTH, axis=1)
    return x.astype("float32"), labels.astype("int32")


def program(keras):
    L, ops = keras.layers, keras.ops

    class ReadingLoss(L.Layer):
        """Adds the loss, and hands the predictions on."""

        def call(self, y_true, y_pred):
            rows = ops.shape(y_true)[0]
            steps = ops.shape(y_pred)[1] * ops.ones((rows,), dtype="int32")
            letters = ops.shape(y_true)[1] * ops.ones((rows,), dtype="int32")
            loss = ops.ctc_loss(y_true, y_pred, letters, steps, mask_index=0)
            self.add_loss(ops.mean(loss))
            return y_pred

    keras.utils.set_random_seed(27)
    x, labels = strips(24)
    strip = keras.Input((STEPS, 5), name="strip")
    label = keras.Input((LENGTH,), name="label", dtype="int32")
    h = L.Conv1D(8, 3, activation="relu", padding="same")(strip)
    h = L.Bidirectional(L.LSTM(6, return_sequences=True, dropout=0.1))(h)
    odds = L.Dense(LETTERS + 1, name="odds")(h)
    model = keras.Model([strip, label], ReadingLoss(name="loss")(label, odds))
    model.compile(optimizer=keras.optimizers.Adam(0.02))
    data = {"strip": x, "label": labels}
    history = model.fit(data, batch_size=8, epochs=12, shuffle=False, verbose=0)

    reader = keras.Model(model.inputs[0], model.get_layer("odds").output)
    logits = reader.predict(x[:6], verbose=0)
    read, scores = ops.ctc_decode(logits, np.full(6, STEPS), strategy="greedy", mask_index=0)
    return {
        **history.history,
        "logits": logits,
        "read": ops.convert_to_numpy(read),
        "scores": ops.convert_to_numpy(scores),
    }
