"""The one thing that programs with a training step of their own have to ask the engine for."""


def gradient_tape(keras):
    """`npkeras.GradientTape`, or TensorFlow's where Keras computes with that."""
    if hasattr(keras, "GradientTape"):
        return keras.GradientTape
    import tensorflow

    return tensorflow.GradientTape
