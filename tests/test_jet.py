"""Jets against mpmath's numerical derivatives, and their sizes against the errors that float64 makes."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from rlref.conformance import cases, exact, reference
from rlref.conformance.jet import Jet
from rlref.pages import pages
from rlref.scalars import exp, log, log1p, pi, softplus, sqrt, tanh

FUNCTIONS = {
    "x+3": lambda x: x + 3, "3+x": lambda x: 3 + x, "x-3": lambda x: x - 3, "3-x": lambda x: 3 - x, "-x": lambda x: -x,
    "x*x": lambda x: x * x, "x*2.5": lambda x: x * 2.5, "2.5*x": lambda x: 2.5 * x, "x/3": lambda x: x / 3,
    "3/x": lambda x: 3 / x, "x/(x+1)": lambda x: x / (x + 1), "exp": exp, "exp(-x)": lambda x: exp(-x), "log": log,
    "sqrt": sqrt, "log(x)/x": lambda x: log(x) / x, "sqrt(exp)": lambda x: sqrt(exp(x)),
    "exp(log*sqrt)": lambda x: exp(log(x) * sqrt(x)), "rational": lambda x: (x - 2) * (x + 5) / (1 + x * x),
    "cancelling": lambda x: (x + 1000000) - 1000000, "spread": lambda x: (x - 1000) * (x - 1000) / sqrt(x),
    "log1p": log1p, "log1p(exp(-x))": lambda x: log1p(exp(-x)), "tanh": tanh, "tanh(-x/2)": lambda x: tanh(-x / 2),
    "x*tanh": lambda x: x * tanh(x), "softplus": softplus, "softplus(-x)": lambda x: softplus(-x),
    "log(2*pi*x)": lambda x: log(2 * pi(x) * x),
}
POINTS = (0.1, 0.75, 1.0, 2.0, 3.3, 17.0)
every = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)


@every
@pytest.mark.parametrize("at", POINTS)
def test_slope_at_60_digits(function, at):
    with mpmath.workdps(60):
        x = mpmath.mpf(at)
        jet = function(Jet(x, mpmath.mpf(1)))
        assert abs(jet.value - function(x)) <= mpmath.mpf("1e-50") * jet.size
        assert abs(jet.slope - mpmath.diff(function, x)) <= mpmath.mpf("1e-25") * jet.slope_size


@every
@pytest.mark.parametrize("at", POINTS)
def test_sizes_bound_the_numbers_and_their_rounding_errors(function, at):
    """The size of a result is at least the result, and eps times a few sizes at least what float64 gets wrong."""
    jet = function(Jet(at, 1.0))
    with mpmath.workdps(60):
        exactly = function(Jet(mpmath.mpf(at), mpmath.mpf(1)))
        assert abs(jet.value) <= jet.size and abs(jet.slope) <= jet.slope_size
        assert abs(jet.value - exactly.value) <= 4 * reference.EPS * jet.size
        assert abs(jet.slope - exactly.slope) <= 4 * reference.EPS * jet.slope_size


def test_sizes_of_terms_add_and_multiply():
    a, b = Jet(5.0, 1.0), Jet(-3.0, 0.0)
    assert (a + b).size == (a - b).size == 8.0 and (a + b).value == 2.0
    assert (a * b).slope == -3.0
    assert 15.0 <= (a * b).size <= 15.0 + 1e-12 and 3.0 <= (a * b).slope_size <= 3.0 + 1e-12


def test_a_small_difference_of_large_terms():
    """It may be off by eps times its terms, so its square by twice the difference times that: not by their square."""
    difference = Jet(1e6) - Jet(1e6 - 1)
    assert difference.size == 2e6 - 1
    square = difference * difference
    assert 2e6 <= square.size <= 5e6


def test_slopes_may_be_vectors():
    x, y = Jet(3.0, np.array([1.0, 0.0])), Jet(4.0, np.array([0.0, 1.0]))
    product = x * y + x / y
    assert product.slope.tolist() == [4.25, 3.0 - 3.0 / 16.0]
    assert np.all(product.slope_size >= np.abs(product.slope))


def test_comparisons_are_of_values():
    small, large = Jet(1.0, 5.0), Jet(2.0, -5.0)
    assert small < large and large > small and small <= large and large >= small and small <= 1.0 and small >= 1.0
    assert small < 1.5 and not small < 1.0 and small > 0.5 and not small > 1.0


@pytest.mark.parametrize("slope", [1.0, np.ones(3)], ids=["number", "vector"])
def test_where_a_function_ends_its_slope_is_zero(slope):
    """exp(-inf) = 0 and log(0) = -inf, as scalars have it: a step of either is flat, never NaN."""
    assert exp(Jet(-math.inf, slope)).value == 0.0 and not np.any(exp(Jet(-math.inf, slope)).slope)
    assert log(Jet(0.0, slope)).value == -math.inf and not np.any(log(Jet(0.0, slope)).slope)
    assert log(Jet(math.inf, slope)).value == math.inf and not np.any(log(Jet(math.inf, slope)).slope)


def test_softplus_neither_overflows_nor_vanishes():
    """log(1 + e^800) = 800, log(1 + e^-700) = e^-700; at 0 it is log 2, with slope 1/2 from either branch."""
    assert softplus(800.0) == 800.0 and softplus(-800.0) == 0.0
    assert softplus(-700.0) == math.exp(-700.0)
    middle = softplus(Jet(0.0, 1.0))
    assert (middle.value, middle.slope) == (math.log(2.0), 0.5)
    assert softplus(Jet(800.0, 3.0)).slope == 3.0 and softplus(Jet(-800.0, 3.0)).slope == 0.0


def test_tanh_of_a_saturated_number_has_a_slope():
    """1 - tanh(30)^2 = 4 e^-60 / (1 + e^-60)^2 is 0 as written on the left, in float64 and at 60 digits almost."""
    assert tanh(30.0) == 1.0
    expected = 4 * math.exp(-60.0)
    assert abs(tanh(Jet(30.0, 1.0)).slope - expected) <= 1e-14 * expected
    assert tanh(Jet(30.0, 1.0)).slope_size >= 2.0
    with mpmath.workdps(60):
        slope = tanh(Jet(mpmath.mpf(-200), mpmath.mpf(1))).slope
        assert abs(slope - 4 * mpmath.exp(-400)) <= mpmath.mpf("1e-55") * slope


def test_pi_is_as_precise_as_its_company():
    assert pi(1.0) == pi(Jet(1.0)) == math.pi
    with mpmath.workdps(60):
        assert pi(mpmath.mpf(1)) == pi(Jet(mpmath.mpf(1))) == +mpmath.pi
        assert abs(mpmath.sin(pi(mpmath.mpf(1)))) < mpmath.mpf("1e-58")


def test_division_by_a_whole_number_keeps_every_digit():
    """1 / 3 of a 60-digit number, not of a float."""
    with mpmath.workdps(60):
        third = Jet(mpmath.mpf(1), mpmath.mpf(1)) / 3
        assert abs(third.value * 3 - 1) < mpmath.mpf("1e-58") and abs(third.slope * 3 - 1) < mpmath.mpf("1e-58")


@pytest.mark.parametrize("page", pages().values(), ids=lambda page: page.short)
def test_reference_values_are_the_loop(page):
    """A loop on Jets gives the very values it gives on floats, and those of 60 digits within its own units."""
    for seed in range(12):
        inputs = cases.sample(page, cases.seeded(f"jet {seed}"), full=seed % 2 == 1)
        got, loop, exactly = reference.outputs(page, inputs), page.loop(**inputs)._asdict(), exact.outputs(page, inputs)
        for name, x in got.values.items():
            np.testing.assert_array_equal(x, loop[name])
            assert np.all(np.abs(x) <= got.scales[name])
            assert reference.worst_error(x, exactly[name], got.scales[name]) <= reference.UNITS


@pytest.mark.parametrize("got, expected, units", [
    ([1.0, 2.0], [1.0, 2.0], 0.0), ([1.0, 2.0 + 2 * reference.EPS], [1.0, 2.0], 1.0),
    ([math.inf], [math.inf], 0.0), ([math.inf], [1.0], math.inf), ([1.0], [math.inf], math.inf),
    ([math.nan], [1.0], math.inf), ([math.nan, 1.0], [1.0, 1.0], math.inf), ([2.0**-1022], [0.0], 1.0),
])
def test_worst_error(got, expected, units):
    """In eps times the scale; NaN is infinitely wrong; the unit is never below the smallest normal number."""
    got, expected = np.array(got), np.array(expected)
    scale = np.where(np.isfinite(expected), np.abs(expected), 1.0)
    assert reference.worst_error(got, expected, scale) == units
