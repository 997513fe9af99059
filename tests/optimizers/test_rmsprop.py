"""RMSprop where it parts from Keras: centered, with an embedding."""

import numpy as np

from npkeras.core.rows import RowGradient
from npkeras.core.variable import Variable
from npkeras.optimizers import RMSprop


def test_centered_steps_stay_finite_when_a_row_of_a_table_is_used_many_times():
    # The sum of n equal squares is n g**2, the square of their sum n**2 g**2: taken as Keras
    # takes them, the first minus the second is negative, and has no root.
    table = Variable(np.ones((3, 1), "float32"), name="table")
    optimizer = RMSprop(0.1, centered=True)
    gradient = RowGradient(np.zeros(50, np.int64), np.ones((50, 1), "float32"), (3, 1))
    for _ in range(20):
        optimizer.apply([gradient], [table])
    assert np.isfinite(table.value).all()
    dense = Variable(np.ones((3, 1), "float32"), name="table")
    optimizer = RMSprop(0.1, centered=True)
    for _ in range(20):
        optimizer.apply([gradient.to_dense()], [dense])
    np.testing.assert_allclose(table.value, dense.value, rtol=1e-6)
