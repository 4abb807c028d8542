"""The recursion and its transpose, on every path of the code, against exact fractions and plain loops."""

from __future__ import annotations

import contextlib
import tracemalloc
import warnings
from fractions import Fraction
from itertools import chain
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlref import recurrence
from rlref.recurrence import BLOCK, WIDE, solve, solve_per_start, solve_per_start_transposed, solve_transposed
from rlref.returns import gae

EPS = np.finfo(np.float64).eps
QUANTUM = 2.0**-1074  # the smallest float: what a step may lose to underflow
UNITS = 16  # of eps times the same quantity from absolute values, as for every page
BOTH = pytest.mark.parametrize("solver", [solve, solve_transposed], ids=["solve", "transposed"])

# On both sides of WIDE and of BLOCK, and more than two blocks.
SHAPES = [(1,), (2,), (BLOCK - 1,), (BLOCK,), (BLOCK + 1,), (2 * BLOCK + 3,), (1, 1), (2, 1), (3, 2), (1, 8),
          (BLOCK // 8 - 1, 8), (BLOCK // 8, 8), (BLOCK // 8 + 1, 8), (BLOCK // 8 * 2 + 1, 8), (5000, 3),
          (1, WIDE - 1), (2, WIDE - 1), (300, WIDE - 1), (1, WIDE), (2, WIDE), (300, WIDE), (7, WIDE + 1),
          (40, 4, 5, 2), (40, 4, 8, 4), (600, 7, 9)]


def plain(solver, a, x):
    """The definition: one step at a time, in any number type; a, x and the result are lists of rows."""
    def step(x_t, a_t, before):
        return [v + c * y if c else v for v, c, y in zip(x_t, a_t, before, strict=True)]

    rows, steps = [None] * len(x), range(len(x))
    if solver is solve:
        for t in reversed(steps):
            rows[t] = x[t] if t == steps[-1] else step(x[t], a[t], rows[t + 1])
    else:
        for t in steps:
            rows[t] = x[t] if t == 0 else step(x[t], a[t - 1], rows[t - 1])
    return rows


def check(solver, a, x, got, number=float):
    """got is plain(solver, a, x), but for the rounding of each product and sum, and what comes of it later.

    With ``number`` = Fraction that is the truth; with float it is rounded as often itself.
    """
    def rows(z):
        return [[number(v) for v in row] for row in z.reshape(len(z), -1).tolist()]

    assert got.shape == x.shape and got.dtype == np.float64 and got.flags.c_contiguous
    right, sizes = plain(solver, rows(a), rows(x)), plain(solver, rows(a), rows(abs(x)))
    rounding = [[number(EPS) * v + number(QUANTUM) for v in row] for row in sizes]
    bounds = plain(solver, rows(a), rounding)
    for r, bound, g in zip(*map(chain.from_iterable, (right, bounds, rows(got))), strict=True):
        assert abs(g - r) <= (1 if number is Fraction else 2) * bound


def numbers(rng, shape):
    """Coefficients with zeros, ones and some above 1 (as with V-trace's c_thresh), and anything to add."""
    a = rng.choice([0.0, 1.0, 0.5, 0.99, 1.5], shape, p=[0.1, 0.2, 0.1, 0.5, 0.1])
    return a * np.where(rng.random(shape) < 0.5, rng.random(shape), 1.0), rng.normal(size=shape)


@contextlib.contextmanager
def paths(wide, block):
    with mock.patch.object(recurrence, "WIDE", wide), mock.patch.object(recurrence, "BLOCK", block):
        yield


@BOTH
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_plain_loop(solver, shape):
    a, x = numbers(np.random.default_rng(len(shape)), shape)
    check(solver, a, x, solver(a, x))


@BOTH
@pytest.mark.parametrize("columns", [2, 4, 8, 16])
def test_all_in_one_block(solver, columns):
    """NumPy 2.4.6: np.negative with out= is wrong for 8 columns, and as many steps, of float64."""
    a, x = numbers(np.random.default_rng(2), (3000, columns))
    with paths(10**9, 10**9):
        check(solver, a, x, solver(a, x))


floats = st.one_of(st.floats(-1e6, 1e6),
                   st.sampled_from([0.0, -0.0, 1e300, -1e300, 1e-300, QUANTUM, 2.0**-1022]))
ratios = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0, QUANTUM, 1e-300, 1e-160, 3.5]))


@st.composite
def systems(draw):
    steps, columns = draw(st.integers(1, 9)), draw(st.integers(1, 4))
    a, x, u = ([draw(values) for _ in range(steps * columns)] for values in (ratios, floats, floats))
    return tuple(np.array(z).reshape(steps, columns) for z in (a, x, u))


any_path = st.tuples(st.sampled_from([1, 10**9]), st.sampled_from([1, 4, 8, BLOCK]))  # WIDE, BLOCK


@BOTH
@given(systems(), any_path)
def test_the_truth(solver, system, path):
    """Exact, also where products of coefficients would underflow; and no warning."""
    a, x, _ = system
    with paths(*path), warnings.catch_warnings():
        warnings.simplefilter("error")
        check(solver, a, x, solver(a, x), number=Fraction)


@given(systems(), any_path)
def test_transposed(system, path):
    """<u, solve(a, x)> = <solve_transposed(a, u), x>."""
    a, x, u = system
    x, u = np.clip(x, -1e100, 1e100), np.clip(u, -1e100, 1e100)  # their products do not overflow
    with paths(*path):
        one, other = np.sum(u * solve(a, x)), np.sum(solve_transposed(a, u) * x)
        scale = np.sum(abs(u) * solve(a, abs(x)))
    assert abs(one - other) <= 2 * UNITS * EPS * scale + 1e-200


@BOTH
@pytest.mark.parametrize("shape", [(50, 3), (40, WIDE), (30, 5, 4), (20, 16, 16), (3000, 8)], ids=str)
@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("layout", ["reversed", "every 2nd", "every 8th", "Fortran", "swapped", "broadcast"])
def test_any_memory_layout(solver, shape, overwrite, layout):
    def laid_out(z):
        if layout == "reversed":
            return z[::-1].copy()[::-1]
        if layout.startswith("every"):
            step = int(layout[6])
            return np.repeat(z, step, axis=-1)[..., ::step]
        if layout == "broadcast":
            return np.broadcast_to(z[:1], z.shape)
        if layout == "swapped":
            return np.swapaxes(np.swapaxes(z, -1, -2).copy(), -1, -2)
        return np.asfortranarray(z)

    a, x = (laid_out(z) for z in numbers(np.random.default_rng(3), shape))
    before = a.copy(), x.copy()
    check(solver, *before, solver(a, x, overwrite=overwrite))
    np.testing.assert_array_equal(a, before[0])


@BOTH
@pytest.mark.parametrize("shape", [(1,), (9,), (1, 8), (9, 8), (9, WIDE), (1, WIDE), (9, 16, 8)], ids=str)
def test_inputs_stay_unless_given_up(solver, shape):
    a, x = numbers(np.random.default_rng(5), shape)
    before = a.copy(), x.copy()
    y = solver(a, x)
    assert not np.shares_memory(y, x) and not np.shares_memory(y, a)
    np.testing.assert_array_equal((a, x), before)
    given_up = solver(a, x, overwrite=True)
    assert given_up is x
    np.testing.assert_array_equal(given_up, y)
    np.testing.assert_array_equal(a, before[0])


@BOTH
@pytest.mark.parametrize("shape", [(1,), (9, 8), (BLOCK // 8 + 1, 8), (9, WIDE)], ids=str)
def test_the_last_coefficient_is_not_read(solver, shape):
    a, x = numbers(np.random.default_rng(6), shape)
    expected = solver(a, x)
    a[-1] = np.nan
    np.testing.assert_array_equal(solver(a, x), expected)


@BOTH
@pytest.mark.parametrize("shape", [(400, 5), (400, WIDE)], ids=str)
def test_trajectories_do_not_mix(solver, shape):
    """Each column alone gives the same, and nothing comes through a coefficient of 0."""
    a, x = numbers(np.random.default_rng(7), shape)
    together = solver(a, x)
    for column in (0, 1, shape[1] - 1):
        alone = solver(a[:, column].copy(), x[:, column].copy())
        check(solver, a[:, column], x[:, column], alone)
        np.testing.assert_allclose(together[:, column], alone, rtol=0, atol=1e-12 * abs(together).max())
    a[199] = 0.0
    beyond = slice(200, None) if solver is solve else slice(200)
    near = slice(200) if solver is solve else slice(200, None)
    expected = solver(a, x)[near]
    x[beyond] *= 1e300
    a[beyond] *= 0.5
    np.testing.assert_array_equal(solver(a, x)[near], expected)


def per_start(reward, bootstrap, cut, gamma, lmbda):
    """The sum that each return is: over the steps from its start up to the first cut."""
    returns = []
    for k in range(len(reward)):
        stop = next((t for t in range(k, len(reward)) if cut[t]), len(reward) - 1)
        returns.append(sum(
            (gamma[k] * lmbda[k]) ** (t - k)
            * (reward[t] + gamma[k] * (1 if cut[t] else 1 - lmbda[k]) * bootstrap[t])
            for t in range(k, stop + 1)))
    return returns


@st.composite
def starts(draw):
    steps, columns = draw(st.integers(1, 7)), draw(st.integers(1, 3))
    values = [[draw(kind) for _ in range(steps * columns)] for kind in (
        floats, floats, floats, st.booleans(), st.floats(0, 1), st.floats(0, 1))]
    return tuple(np.array(v).reshape(steps, columns) for v in values)


@given(starts())
def test_per_start(system):
    reward, bootstrap, _, cut, gamma, lmbda = system
    got = solve_per_start(reward, bootstrap, cut, gamma, lmbda)
    assert got.shape == reward.shape
    for i in range(reward.shape[1]):
        columns = [[Fraction(v) for v in z[:, i].tolist()] for z in (reward, bootstrap, cut, gamma, lmbda)]
        sizes = [[abs(v) for v in column] for column in columns]
        for g, r, s in zip(got[:, i].tolist(), per_start(*columns), per_start(*sizes), strict=True):
            assert abs(Fraction(g) - r) <= UNITS * Fraction(EPS) * s + 64 * Fraction(QUANTUM)


@given(starts())
def test_per_start_transposed(system):
    """<u, solve_per_start(r, b)> = <by_reward, r> + <by_bootstrap, b>."""
    reward, bootstrap, u, cut, gamma, lmbda = system
    reward, bootstrap, u = (np.clip(z, -1e100, 1e100) for z in (reward, bootstrap, u))
    by_reward, by_bootstrap = solve_per_start_transposed(u, cut, gamma, lmbda)
    one = np.sum(u * solve_per_start(reward, bootstrap, cut, gamma, lmbda))
    other = np.sum(by_reward * reward) + np.sum(by_bootstrap * bootstrap)
    scale = np.sum(abs(u) * solve_per_start(abs(reward), abs(bootstrap), cut, gamma, lmbda))
    assert abs(one - other) <= 2 * UNITS * EPS * scale + 1e-200


def peak(call):
    """The most memory in use during a call, its result included, in bytes."""
    call()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", [(1000, 16), (128, 64), (20000, 8), (256, 256), (64, 4096), (4096, 130)],
                         ids=str)
def test_memory(shape):
    """At most 6 arrays of the input's size, results included: nothing grows with T squared."""
    rng = np.random.default_rng(8)
    inputs = [rng.normal(size=shape) for _ in range(3)] + [rng.random(shape) < p for p in (0.01, 0)]
    gain = gae.ValueEstimate(*inputs[:2])
    for call in (lambda: gae.vectorized(*inputs, gamma=0.99, lmbda=0.95),
                 lambda: gae.vjp(gain, *inputs, gamma=0.99, lmbda=0.95)):
        assert peak(call) <= 6 * inputs[0].nbytes + 10_000


def test_memory_per_start():
    """The time is quadratic in T, the memory is not."""
    reward, bootstrap, gamma, lmbda = np.random.default_rng(9).random((4, 200, 20))
    cut = reward > 0.99
    assert peak(lambda: solve_per_start(reward, bootstrap, cut, gamma, lmbda)) <= 6 * reward.nbytes + 10_000
    assert peak(lambda: solve_per_start_transposed(reward, cut, gamma, lmbda)) <= 6 * reward.nbytes + 10_000
