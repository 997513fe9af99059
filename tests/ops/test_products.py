"""Products: shapes of every rank, batches, dtypes, einsum's grammar, messages, Keras' numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import KerasTensor, Variable, ops
from npkeras.core.dtypes import dtype_of
from npkeras.core.tape import GradientTape
from tests.checks import check_gradients, recorded_gradients

random = np.random.default_rng(3)
DTYPES = "bool uint8 uint16 int8 int16 int32 int64 float16 float32 float64".split()


def numbers(*shape):
    return random.normal(size=shape)


RANKS = [
    ((3,), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3,)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((1, 2, 3), (5, 3, 4)),
    ((6, 1, 2, 3), (5, 3, 4)),
    ((0, 3), (3, 4)),
    ((2, 0), (0, 4)),
]


@pytest.mark.parametrize("first, second", RANKS)
def test_matmul_of_every_rank(first, second):
    a, b = numbers(*first), numbers(*second)
    np.testing.assert_allclose(ops.matmul(a, b), np.matmul(a, b), rtol=1e-12)
    assert ops.matmul(KerasTensor(first), KerasTensor(second)).shape == np.matmul(a, b).shape
    check_gradients(ops.matmul, a, b)


def test_a_kernel_gets_its_gradient_from_all_rows_at_once():
    x, kernel = numbers(4, 5, 3), Variable(numbers(3, 2))
    with GradientTape() as tape:
        y = x @ kernel
    np.testing.assert_allclose(
        tape.gradient(y, kernel), x.reshape(-1, 3).T @ np.ones((20, 2)), rtol=1e-12
    )


def test_arrays_that_are_not_contiguous():
    a, b = numbers(3, 4, 2).transpose(1, 2, 0), numbers(5, 3).T
    check_gradients(ops.matmul, a, b)
    np.testing.assert_allclose(ops.matmul(a, b), np.matmul(a, b))


def test_halves_are_multiplied_in_float32():
    a = np.full((1, 4000), 0.5, "float16")
    y = ops.matmul(a, a.T)
    assert (y.item(), y.dtype) == (1000, "float16")


def test_products_of_int8_are_added_up_in_int32():
    a = np.full((2, 2), 100, "int8")
    assert ops.matmul(a, a).tolist() == [[20000, 20000]] * 2
    assert ops.matmul(KerasTensor((2, 2), "int8"), a).dtype == "int32"


@pytest.mark.parametrize("wrap", [np.ones, KerasTensor], ids=["arrays", "symbolic"])
def test_what_does_not_fit(wrap):
    with pytest.raises(ValueError, match=r"`matmul` expects.*\(2, 3\) and \(2, 3\)"):
        ops.matmul(wrap((2, 3)), wrap((2, 3)))
    with pytest.raises(ValueError, match=r"`matmul` expects.*\(4, 2, 3\) and \(2, 3\)"):
        ops.matmul(wrap((4, 2, 3)), wrap((2, 3)))
    with pytest.raises(ValueError, match=r"`matmul` expects arrays with axes.*\(\) and \(3,\)"):
        ops.matmul(wrap(()), wrap((3,)))
    with pytest.raises(ValueError, match=r"`dot` expects.*\(2, 3\), \(2, 3\)"):
        ops.dot(wrap((2, 3)), wrap((2, 3)))
    with pytest.raises(ValueError, match=r"`inner` expects.*\(2, 3\), \(2, 4\)"):
        ops.inner(wrap((2, 3)), wrap((2, 4)))
    with pytest.raises(ValueError, match=r"`vdot` expects.*\(2, 3\) and \(4,\)"):
        ops.vdot(wrap((2, 3)), wrap((4,)))
    with pytest.raises(ValueError, match=r"`tensordot` expects.*\(2, 3\), \(2, 3\)"):
        ops.tensordot(wrap((2, 3)), wrap((2, 3)), axes=1)
    with pytest.raises(ValueError, match="`tensordot` cannot sum over axes=3"):
        ops.tensordot(wrap((2, 3)), wrap((2, 3)), axes=3)
    with pytest.raises(ValueError, match="`axes` of tensordot must come in pairs"):
        ops.tensordot(wrap((2, 3)), wrap((2, 3)), axes=([0, 1], [0]))
    with pytest.raises(ValueError, match=r"`cross` expects vectors of length 2 or 3.*\(4, 3\)"):
        ops.cross(wrap((2, 4)), wrap((2, 3)))
    with pytest.raises(ValueError, match=r"`einsum ij,ij->ij` expects.*\(1, 2\), \(3, 2\)"):
        ops.einsum("ij,ij->ij", wrap((1, 2)), wrap((3, 2)))
    with pytest.raises(ValueError, match="'ijk' does not fit an array with 2 axes"):
        ops.einsum("ijk->i", wrap((1, 2)))
    with pytest.raises(ValueError, match="'i' does not fit an array with 2 axes"):
        ops.einsum("i->i", wrap((1, 2)))
    with pytest.raises(ValueError, match="`einsum` expects 2 arrays for 'i,i'. Received: 1"):
        ops.einsum("i,i", wrap((2,)))
    for subscripts in ("ij->ii", "i->j", "i1->i"):
        with pytest.raises(ValueError, match=f"each once. Received: '{subscripts}'"):
            ops.einsum(subscripts, wrap((2,) * len(subscripts.split("->")[0])))
    with pytest.raises(TypeError, match="`einsum` expects an equation first"):
        ops.einsum(wrap((2,)), "i")


EQUATIONS = {
    "ij,jk->ik": [(2, 3), (3, 4)],
    "ij,jk": [(2, 3), (3, 4)],
    "i j , j k -> k i": [(2, 3), (3, 4)],
    "ij,kj->ik": [(2, 3), (4, 3)],
    "ji,jk->ki": [(3, 2), (3, 4)],
    "bij,bjk->bik": [(5, 2, 3), (5, 3, 4)],
    "btnh,bsnh->bnts": [(2, 3, 4, 5), (2, 6, 4, 5)],
    "bnts,bsnh->btnh": [(2, 4, 3, 6), (2, 6, 4, 5)],
    "abc,cde->abde": [(2, 3, 4), (4, 5, 6)],
    "abcd,cde->abe": [(2, 3, 4, 5), (4, 5, 6)],
    "...x,xy->...y": [(2, 3, 4), (4, 5)],
    "x...,xy->y...": [(4, 2, 3), (4, 5)],
    "...i,...i->...": [(2, 1, 3), (4, 3)],
    "...i,...j->...": [(2, 3), (2, 4)],
    "i,j": [(2,), (3,)],
    "i,i->": [(3,), (3,)],
    "i,i->i": [(3,), (3,)],
    "ij,ij->": [(2, 3), (2, 3)],
    "ij->": [(2, 3)],
    "ij->ji": [(2, 3)],
    "ij->j": [(2, 3)],
    "ii": [(3, 3)],
    "ii->i": [(3, 3)],
    "ijj,j->i": [(2, 3, 3), (3,)],
    "ij,jk,kl->il": [(2, 3), (3, 4), (4, 5)],
    "i,ij,j->": [(2,), (2, 3), (3,)],
    "ab,cd,ef->": [(2, 3), (1, 2), (2, 2)],
    ",i->i": [(), (3,)],
    "a,b,c->bca": [(2,), (3,), (4,)],
}


@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum_is_numpys_and_has_a_gradient(equation):
    arrays = [numbers(*shape) for shape in EQUATIONS[equation]]
    expected = np.einsum(equation.replace(" ", ""), *arrays)
    np.testing.assert_allclose(ops.einsum(equation, *arrays), expected, rtol=1e-10)
    spec = ops.einsum(equation, *map(KerasTensor, EQUATIONS[equation]))
    assert spec.shape == expected.shape
    check_gradients(lambda *xs: ops.einsum(equation, *xs), *arrays)


def test_einsum_knows_what_is_not_known():
    spec = ops.einsum("...ab,bc->...ac", KerasTensor((None, 2, 3)), KerasTensor((3, None)))
    assert spec.shape == (None, 2, None)
    spec = ops.einsum("...a,...a->...", KerasTensor((1, 3)), KerasTensor((None, 3)))
    assert spec.shape == (None,)


def test_numpys_einsum_and_matmul_call_the_ops():
    x = Variable(numbers(2, 3))
    with GradientTape() as tape:
        y = np.einsum("ij,ij->i", x, x, optimize=True) + np.dot(x, np.ones(3))
    np.testing.assert_allclose(tape.gradient(y, x), 2 * x.value + 1)


def test_vectors_in_the_plane_have_a_number_as_cross_product():
    a, b = numbers(4, 2), numbers(4, 2)
    np.testing.assert_allclose(ops.cross(a, b), a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    a = numbers(3, 4)
    np.testing.assert_allclose(
        ops.cross(a, numbers(4, 3) * 0 + 1, axisa=0, axisb=1, axisc=0),
        np.cross(a, np.ones((4, 3)), axisa=0, axisb=1, axisc=0),
    )


def test_the_trace_of_small_integers_is_an_int32():
    assert ops.trace(np.eye(2, dtype="bool")) == 2
    assert ops.trace(KerasTensor((2, 2), "int8")).dtype == "int32"


# Keras -------------------------------------------------------------------------------------------


def keras_dtype(function, *args):
    try:
        return function(*args).dtype.name
    except Exception:
        return None


@pytest.mark.keras
@pytest.mark.parametrize("name", "matmul dot inner outer vdot tensordot".split())
def test_dtypes_are_those_of_keras(name, keras):
    function = getattr(ops, name)
    for first in DTYPES:
        for second in DTYPES:
            a, b = np.eye(2).astype(first), np.eye(2).astype(second)
            theirs = keras_dtype(getattr(keras.ops, name), a, b)
            wider = name == "matmul" and {first, second} == {"bool", "int8"}
            if theirs is not None and not wider:
                assert dtype_of(function(a, b)) == theirs, (first, second)
                specs = KerasTensor((2, 2), first), KerasTensor((2, 2), second)
                assert function(*specs).dtype == theirs, (first, second)


lengths = st.integers(1, 3)


@pytest.mark.keras
@given(
    batch=st.lists(lengths, max_size=2).map(tuple),
    rows=lengths,
    inner=lengths,
    columns=lengths,
    spread=st.booleans(),
)
@settings(max_examples=20, deadline=None)
def test_batches_of_products_are_those_of_keras(batch, rows, inner, columns, spread, keras, tf):
    a = numbers(*batch, rows, inner).astype("float32")
    other = tuple(1 for _ in batch) if spread else batch
    b = numbers(*other, inner, columns).astype("float32")
    ours, dys = recorded_gradients(ops.matmul, [a, b])
    with tf.GradientTape() as tape:
        variables = [tf.Variable(a), tf.Variable(b)]
        y = keras.ops.matmul(*[tf.convert_to_tensor(v) for v in variables])
    np.testing.assert_allclose(ops.matmul(a, b), y, rtol=1e-5, atol=1e-5)
    for mine, theirs in zip(ours, tape.gradient(y, variables, dys[0]), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)
