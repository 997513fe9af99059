"""Writes words backwards: an encoder hands its states to a decoder, letter by letter."""

import numpy as np

LETTERS, LENGTH, UNITS, START = 6, 4, 8, 0  # letter 0 begins every answer


def words(rows=64, seed=7):
    rng = np.random.default_rng(seed)
    asked = rng.integers(1, LETTERS, (rows, LENGTH))
    answers = asked[:, ::-1]
    given = np.concatenate([np.full((rows, 1), START), answers[:, :-1]], axis=1)
    one_hot = np.eye(LETTERS, dtype="float32")
    return one_hot[asked], one_hot[given], one_hot[answers]


def training_model(keras):
    L = keras.layers
    encoder_inputs = keras.Input(shape=(None, LETTERS), name="asked")
    _, state_h, state_c = L.LSTM(UNITS, return_state=True, name="encoder")(encoder_inputs)
    decoder_inputs = keras.Input(shape=(None, LETTERS), name="given")
    decoder = L.LSTM(UNITS, return_sequences=True, return_state=True, name="decoder")
    decoded, _, _ = decoder(decoder_inputs, initial_state=[state_h, state_c])
    outputs = L.Dense(LETTERS, activation="softmax", name="letter")(decoded)
    return keras.Model([encoder_inputs, decoder_inputs], outputs)


def inference_models(keras, model):
    """The two halves of a trained model, each by itself."""
    _, state_h, state_c = model.get_layer("encoder").output
    encoder = keras.Model(model.inputs[0], [state_h, state_c])
    before = [keras.Input(shape=(UNITS,), name=name) for name in ("h", "c")]
    decoded, *after = model.get_layer("decoder")(model.inputs[1], initial_state=before)
    letter = model.get_layer("letter")(decoded)
    return encoder, keras.Model([model.inputs[1], *before], [letter, *after])


def answer(encoder, decoder, asked):
    """The likeliest letter, again and again, and how likely each was."""
    states = encoder.predict(asked, verbose=0)
    letter = np.eye(LETTERS, dtype="float32")[[[START]] * len(asked)]
    text = []
    for _ in range(LENGTH):
        scores, *states = decoder.predict([letter, *states], verbose=0)
        text.append(scores[:, -1])
        letter = np.eye(LETTERS, dtype="float32")[scores.argmax(-1)]
    return np.stack(text, axis=1)


def program(keras):
    keras.utils.set_random_seed(7)
    asked, given, answers = words()
    model = training_model(keras)
    model.compile(
        optimizer=keras.optimizers.RMSprop(0.01),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = model.fit(
        [asked, given], answers, batch_size=16, epochs=3, validation_split=0.25, shuffle=False,
        verbose=0,
    )  # fmt: skip
    encoder, decoder = inference_models(keras, model)
    return {**history.history, "answers": answer(encoder, decoder, asked[:3])}
