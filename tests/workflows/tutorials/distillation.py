"""A small network learns from a large one: `compile` and `compute_loss` of one's own."""

import numpy as np


def network(keras, name, width):
    L = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            L.Conv2D(width, 3, strides=2, padding="same"),
            L.LeakyReLU(negative_slope=0.2),
            L.MaxPooling2D(2, strides=1, padding="same"),
            L.Conv2D(2 * width, 3, strides=2, padding="same"),
            L.Flatten(),
            L.Dense(4),
        ],
        name=name,
    )


def distiller(keras):
    ops = keras.ops

    class Distiller(keras.Model):
        def __init__(self, student, teacher):
            super().__init__()
            self.student, self.teacher = student, teacher

        def compile(self, optimizer, metrics, student_loss, teacher_loss, share, temperature):
            super().compile(optimizer=optimizer, metrics=metrics)
            self.student_loss, self.teacher_loss = student_loss, teacher_loss
            self.share, self.temperature = share, temperature

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            wanted = self.teacher(x, training=False)
            soft = self.teacher_loss(
                ops.softmax(wanted / self.temperature, axis=1),
                ops.softmax(y_pred / self.temperature, axis=1),
            )
            hard = self.student_loss(y, y_pred)
            return self.share * hard + (1 - self.share) * soft * self.temperature**2

        def call(self, x):
            return self.student(x)

    return Distiller


def program(keras):
    keras.utils.set_random_seed(22)
    rng = np.random.default_rng(22)
    x, y = rng.uniform(size=(48, 8, 8, 1)).astype("float32"), rng.integers(0, 4, 48)
    teacher, student = network(keras, "teacher", 6), network(keras, "student", 3)
    alone = keras.models.clone_model(student)
    hard = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    teacher.compile(keras.optimizers.Adam(0.01), hard)
    results = {"teacher": teacher.fit(x, y, 16, 2, shuffle=False, verbose=0).history["loss"]}

    frozen = [np.array(w) for w in teacher.get_weights()]
    model = distiller(keras)(student, teacher)
    model.compile(
        optimizer=keras.optimizers.Adam(0.01),
        metrics=[keras.metrics.SparseCategoricalAccuracy()],
        student_loss=hard,
        teacher_loss=keras.losses.KLDivergence(),
        share=0.1,
        temperature=10,
    )
    teacher.trainable = False
    history = model.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    results["moved"] = [
        float(np.abs(a - b).max()) for a, b in zip(frozen, teacher.get_weights(), strict=True)
    ]
    results["judged"] = model.evaluate(x, y, verbose=0)
    alone.compile(keras.optimizers.Adam(0.01), hard)
    results["alone"] = alone.fit(x, y, 16, 2, shuffle=False, verbose=0).history["loss"]
    return {**results, **history.history, "logits": student.predict(x[:4], verbose=0)}
