"""Each line of ``Limits`` of the distributions, what distrax, rlax and SciPy say, and numbers that are hard to hold."""

from __future__ import annotations

import math
import warnings

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from test_by_hand import both

from rlref.conformance import reference
from rlref.distributions import (
    normal_entropy,
    normal_kl,
    normal_log_prob,
    normal_rsample,
    tanh_loc,
    tanh_normal_log_prob,
    tanh_normal_rsample,
)
from rlref.pages import find

data = given(data=st.data())
EPS = 2.0**-52
BOUNDS = {"low": -1.0, "high": 1.0}
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(20)  # exact for polynomials of degree 39 under a standard normal
WEIGHTS = WEIGHTS / math.sqrt(2 * math.pi)


def within(page, inputs, got, expected, units=1.0):
    """Equal within some of the units in which errors of this page are counted."""
    for name, scale in reference.outputs(find(page), inputs).scales.items():
        limit = units * reference.UNITS * EPS * scale
        assert np.all(np.abs(np.asarray(got[name]) - expected[name]) <= limit), (name, got, expected)


def real(shape, seed):
    return np.random.default_rng(seed).standard_normal(shape)


# normal


def test_at_the_mean_nothing_pulls_it_and_one_deviation_away_nothing_pulls_the_deviation():
    loc, scale = real((4, 2), 0), np.full((4, 2), 0.5)
    assert not normal_log_prob.vjp((np.ones(4),), loc, loc, scale).loc.any()
    assert not normal_log_prob.vjp((np.ones(4),), 2 + scale, np.full_like(loc, 2), scale).scale.any()


def test_the_density_of_independent_dimensions_is_a_product():
    x, loc, scale = real((5, 3), 1), real((5, 3), 2), np.exp(real((5, 3), 3))
    each = [normal_log_prob.vectorized(*(a[:, d : d + 1] for a in (x, loc, scale))).log_prob for d in range(3)]
    np.testing.assert_allclose(normal_log_prob.vectorized(x, loc, scale).log_prob, sum(each), rtol=1e-14)


@both
def test_normal_entropy_is_the_mean_of_minus_the_log_density(form):
    """By quadrature, which is exact for a parabola."""
    scale = np.array([[0.3, 2.0], [7.0, 0.01]])
    samples = NODES[:, None, None] * scale
    each = [normal_log_prob.vectorized(samples[..., d : d + 1], np.zeros((20, 2, 1)),
                                       np.broadcast_to(scale[:, d : d + 1], (20, 2, 1))).log_prob for d in range(2)]
    expected = -sum(WEIGHTS @ log_p for log_p in each)
    np.testing.assert_allclose(getattr(normal_entropy, form)(scale=scale).entropy, expected, rtol=1e-13)


@both
def test_limits_of_normal_entropy(form):
    entropy = getattr(normal_entropy, form)
    assert abs(entropy(scale=[[1 / math.sqrt(2 * math.pi * math.e)]]).entropy[0]) <= 4 * EPS
    assert entropy(scale=[[0.2]]).entropy[0] < 0
    more = entropy(scale=[[2.0, 3.0]]).entropy - entropy(scale=[[1.0, 1.5]]).entropy
    assert abs(more[0] - 2 * math.log(2)) <= 16 * EPS


@both
def test_normal_kl_is_the_cross_entropy_less_the_entropy(form):
    inputs = {"loc": real((6, 1), 4), "scale": np.exp(real((6, 1), 5)), "other_loc": real((6, 1), 6),
              "other_scale": np.exp(real((6, 1), 7))}
    samples = inputs["loc"] + inputs["scale"] * NODES[:, None, None]
    other = normal_log_prob.vectorized(samples, *(np.broadcast_to(inputs[name], (20, 6, 1))
                                                  for name in ("other_loc", "other_scale"))).log_prob
    expected = -(WEIGHTS @ other) - normal_entropy.vectorized(inputs["scale"]).entropy
    np.testing.assert_allclose(getattr(normal_kl, form)(**inputs).kl, expected, rtol=1e-12, atol=1e-14)


def test_limits_of_normal_kl():
    loc, scale = real((4, 2), 8), np.exp(real((4, 2), 9))
    assert np.all(np.abs(normal_kl.vectorized(loc, scale, loc, scale).kl) <= 16 * EPS)
    assert all(not x.any() for x in normal_kl.vjp((np.ones(4),), loc, scale, loc, scale))
    far = loc + np.array([0.0, 1e3])
    alone = normal_kl.vectorized(loc[:, 1:], scale[:, 1:], far[:, 1:], scale[:, 1:]).kl
    np.testing.assert_allclose(normal_kl.vectorized(loc, scale, far, scale).kl, alone, rtol=1e-15)


@data
def test_normal_kl_is_never_negative(examples, data):
    inputs, _ = data.draw(examples(find("normal_kl")))
    scale = reference.outputs(find("normal_kl"), inputs).scales["kl"]
    assert np.all(normal_kl.vectorized(**inputs).kl >= -reference.UNITS * EPS * scale)


def test_limits_of_normal_rsample():
    noise, loc = real((4, 2), 10), real((4, 2), 11)
    assert np.array_equal(normal_rsample.vectorized(noise, loc, np.full_like(loc, 1e-300)).sample, loc)
    assert np.array_equal(normal_rsample.vectorized(noise, 0 * loc, np.ones_like(loc)).sample, noise)


def test_what_vanishes_times_what_overflows_is_nothing():
    """z beyond float64: minus infinity, silently; its derivative for a cotangent of 0 is 0."""
    x = np.array([[1e200]]), np.array([[-1e200]]), np.array([[1e-200]])
    with warnings.catch_warnings(action="error"):
        assert normal_log_prob.vectorized(*x).log_prob[0] == -np.inf
        assert not any(by.any() for by in normal_log_prob.vjp(([0.0],), *x))
        assert not any(by.any() for by in normal_kl.vjp(([0.0],), x[0], x[2], x[1], x[2]))
        assert normal_log_prob.vjp(([1.0],), *x).loc[0, 0] == np.inf


# tanh_loc


def test_limits_of_tanh_loc():
    loc = np.array([[0.3, -2.0, 1e-5]])
    np.testing.assert_allclose(tanh_loc.vectorized(loc, upscale=1e9).loc, loc, rtol=1e-16 * 1e2)
    assert tanh_loc.vectorized(1e6 * loc[:, :2], upscale=5.0).loc.tolist() == [[5.0, -5.0]]
    assert tanh_loc.vjp((np.ones((1, 1)),), [[0.0]], upscale=5.0).loc.tolist() == [[1.0]]


# tanh_normal


def squashed(a, mu, sigma, low, high):
    """The log-density of one action of one dimension, written down as in the paper, at 60 digits."""
    a, mu, sigma, low, high = map(mpmath.mpf, (a, mu, sigma, low, high))
    u = mpmath.atanh((2 * a - low - high) / (high - low))
    normal = -((u - mu) / sigma)**2 / 2 - mpmath.log(sigma) - mpmath.log(2 * mpmath.pi) / 2
    return normal - mpmath.log(1 - mpmath.tanh(u)**2) - mpmath.log((high - low) / 2)


INSIDE = [1 - 2.0**-k for k in range(1, 50)] + [1 - 1e-15, 1 - 9 / 2**53]


@pytest.mark.parametrize("low, high", [(-1.0, 1.0), (0.0, 1.0), (-2.0, 6.0), (-0.25, 0.5)])
def test_near_its_bounds_no_digit_is_lost(low, high):
    """To within a few roundings of the terms themselves, by which one can tell a 2^-49 from a bound."""
    middle, half = (low + high) / 2, (high - low) / 2
    actions = [a for y in INSIDE for a in (middle + half * y, middle - half * y)
               if min(a - low, high - a) >= half * 9 / 2**53]
    assert len(actions) > 90
    ones = np.ones((len(actions), 1))
    for mu, sigma in ((0.0, 1.0), (3.0, 0.25)):
        got = tanh_normal_log_prob.vectorized(np.array(actions)[:, None], mu * ones, sigma * ones, low=low, high=high)
        with mpmath.workdps(60):
            for a, x in zip(actions, got.log_prob, strict=True):
                expected = squashed(a, mu, sigma, low, high)
                size = 100 + (40 / sigma) ** 2 / 2
                assert abs(x - expected) <= 4 * EPS * size, (a, x, float(expected))


@both
def test_at_a_bound_the_action_is_scored_just_inside(form):
    """1e-15 of half the range, as torchrl has it; so is what is nearer, and none of them has a derivative."""
    ones = np.ones((4, 1))
    sample = np.array([[1.0], [1 - 2.0**-53], [1 - 8 * 2.0**-53], [1 - 9 * 2.0**-53]])
    got = getattr(tanh_normal_log_prob, form)(sample, 0 * ones, ones, **BOUNDS).log_prob
    assert np.isfinite(got).all() and np.ptp(got) <= 1e-12
    with mpmath.workdps(60):
        assert abs(got[0] - squashed(1 - 9 * 2.0**-53, 0, 1, -1, 1)) <= 1e-12
    by = tanh_normal_log_prob.vjp((np.ones(4),), sample, 0 * ones, ones, **BOUNDS)
    assert by.sample[:3].tolist() == [[0.0]] * 3 and by.sample[3, 0] < -1e15
    assert np.ptp(by.loc) <= 1e-12 and by.loc[0, 0] > 17


@pytest.mark.parametrize("u", [0.0, 1.0, -1.0, 9.0, -9.0, 15.0, -15.0, 20.0, -20.0, 50.0, -300.0, 300.0, 1e5, -1e8])
@both
def test_a_draw_is_scored_however_far_tanh_is_saturated(form, u):
    """log(1 - tanh(u)^2) as written on the left, at as many digits as it takes."""
    got = getattr(tanh_normal_rsample, form)([[0.5]], [[u - 0.25]], [[0.5]], low=-2.0, high=2.0)
    with mpmath.workdps(int(abs(u)) + 60 if abs(u) < 1000 else 60):
        # beyond 1000 digits of nines: 4 e^-2|u|, right to e^-2000
        log_slope = mpmath.log(1 - mpmath.tanh(mpmath.mpf(u))**2) if abs(u) < 1000 else mpmath.log(4) - 2 * abs(u)
        expected = -mpmath.mpf(1) / 8 - mpmath.log(2 * mpmath.pi) / 2 + mpmath.log(2) - mpmath.log(2) - log_slope
        assert abs(got.log_prob[0] - expected) <= 8 * EPS * max(4, 2 * abs(u), abs(expected))
        assert abs(got.sample[0, 0] - 2 * mpmath.tanh(mpmath.mpf(u))) <= 2 * EPS


@pytest.mark.parametrize("u", [0.0, 3.0, -3.0, 25.0, -25.0, 400.0])
def test_the_gradient_of_a_saturated_draw(u):
    """By u the log-density has 2 tanh u, and the action h / cosh(u)^2, even where float64 has 1 for the tanh."""
    scored = tanh_normal_rsample.vjp(([[0.0]], [1.0]), [[0.0]], [[u]], [[1.0]], low=-2.0, high=2.0)
    moved = tanh_normal_rsample.vjp(([[1.0]], [0.0]), [[0.0]], [[u]], [[1.0]], low=-2.0, high=2.0)
    with mpmath.workdps(60):
        assert abs(scored.loc[0, 0] - 2 * mpmath.tanh(u)) <= 2 * EPS
        expected = float(2 / mpmath.cosh(u)**2)
        assert abs(moved.loc[0, 0] - expected) <= 16 * EPS * expected
    assert scored.scale[0, 0] == -1.0


@data
def test_while_tanh_is_not_saturated_a_draw_is_its_own_action(examples, data):
    """Then the two pages agree, to what eps in the action is worth in u."""
    inputs, _ = data.draw(examples(find("tanh_normal_rsample")))
    inputs |= {"loc": np.clip(inputs["loc"], -1, 1), "scale": np.clip(inputs["scale"], 0.125, 0.5),
               "noise": np.clip(inputs["noise"], -2, 2)}
    drawn = tanh_normal_rsample.vectorized(**inputs)
    scored = {name: inputs[name] for name in ("loc", "scale", "low", "high")} | {"sample": drawn.sample}
    log_prob = tanh_normal_log_prob.vectorized(**scored).log_prob
    within("tanh_normal_log_prob", scored, {"log_prob": log_prob}, {"log_prob": drawn.log_prob}, units=2.0)


@pytest.mark.parametrize("mu, sigma, low, high", [(0.0, 1.0, -1.0, 1.0), (1.5, 0.5, -1.0, 1.0), (-0.5, 2.0, 0.0, 10.0)])
def test_the_density_of_actions_has_the_area_one(mu, sigma, low, high):
    def density(a):
        return math.exp(tanh_normal_log_prob.vectorized([[a]], [[mu]], [[sigma]], low=low, high=high).log_prob[0])

    middle = [low + (high - low) * x for x in (1e-6, 1e-3, 0.5, 1 - 1e-3, 1 - 1e-6)]
    area, _ = scipy.integrate.quad(density, low, high, points=middle, limit=400)
    assert abs(area - 1) <= 1e-8


@both
def test_wider_bounds_thin_the_density(form):
    """Four times as wide in two dimensions: less by 2 log 4."""
    sample, loc, scale = 0.9 * np.tanh(real((5, 2), 12)), real((5, 2), 13), np.exp(real((5, 2), 14))
    narrow = getattr(tanh_normal_log_prob, form)(sample, loc, scale, **BOUNDS).log_prob
    wide = getattr(tanh_normal_log_prob, form)(4 * sample, loc, scale, low=-4.0, high=4.0).log_prob
    np.testing.assert_allclose(wide, narrow - 4 * math.log(2), rtol=0, atol=1e-13)


def test_small_actions_are_not_squashed():
    x = np.array([[1e-9, -2e-9]])
    plain = normal_log_prob.vectorized(x, 0 * x, np.full((1, 2), 1e-9)).log_prob
    np.testing.assert_allclose(tanh_normal_log_prob.vectorized(x, 0 * x, np.full((1, 2), 1e-9), **BOUNDS).log_prob,
                               plain, rtol=0, atol=1e-13)


def test_at_u_zero_the_slope_is_half_the_range():
    by = tanh_normal_rsample.vjp(([[1.0]], [0.0]), [[0.0]], [[0.0]], [[1.0]], low=-3.0, high=5.0)
    assert by.loc.tolist() == [[4.0]]


@pytest.mark.parametrize("low, high", [(-1.0, 0.6), (-0.1, 0.2), (-2.9, 1.5), (0.7, 0.9)])
def test_no_action_is_outside_its_bounds_by_a_rounding(low, high):
    """Their middle and half of their range, added up, are above the upper bound, or below the lower one."""
    middle, half = (low + high) / 2, (high - low) / 2
    assert middle + half > high or middle - half < low
    loc = np.array([[-1e3, 1e3, 20.0, -20.0, 18.0, -18.0]]).T
    drawn = tanh_normal_rsample.vectorized(0 * loc, loc, 1 + 0 * loc, low=low, high=high).sample
    assert drawn.min() >= low and drawn.max() <= high
    tanh_normal_log_prob.vectorized(drawn, loc, 1 + 0 * loc, low=low, high=high)
