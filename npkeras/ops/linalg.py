"""`npkeras.ops.linalg`: matrices: their factors, inverses and norms."""

# ruff: noqa: F401 (the imports are the public names, as in `npkeras/ops/__init__.py`)

from npkeras.ops.decomposition import (
    cholesky,
    cholesky_inverse,
    det,
    eig,
    eigh,
    inv,
    lstsq,
    lu_factor,
    matrix_rank,
    pinv,
    qr,
    solve,
    solve_triangular,
    svd,
)
from npkeras.ops.measure import norm
