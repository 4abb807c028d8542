"""Exact evaluation, held to exact arithmetic of another kind: ``fractions`` and ``decimal``."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest
from module_laws import split

import rlref
from rlref.conformance import cases, exact, reference
from rlref.conformance.edges import edges
from rlref.conformance.jet import Jet
from rlref.pages import find, pages

PAGES = tuple(pages().values())
AFFINE = tuple(page for page in PAGES if page.name.startswith("returns.")  # + - * / alone, and no product of inputs
               and not {"exp", "log", "sqrt"} & vars(page.module).keys())
short = {"ids": lambda page: page.short}


def fractions(page, inputs, cotangents, where=None):
    """The outputs, and sum(cotangent * output), as fractions; with 1 added to one element of one input."""
    def number(x, name, index):
        return Fraction(x) + (where == (name, index)) if math.isfinite(x) else x  # what is never read

    result = page.loop.run(inputs, number)
    total = sum(Fraction(c) * y for name, ys in zip(page.outputs, result, strict=True)
                for c, y in zip(cotangents[name].ravel().tolist(), ys.ravel(), strict=True))
    return result, total


def same_bits(got, expected):
    for name, x in expected.items():
        assert got[name].tobytes() == x.tobytes(), f"{name}: {got[name]} is not {x}"


def nearest(got, exact):
    """No float is nearer. Of two that are as near as each other, a difference quotient may give either."""
    half_ulp = Fraction(max(math.ulp(got), math.ulp(float(exact)))) / 2
    return abs(Fraction(got) - exact) <= half_ulp * (1 + Fraction(1, 10**15))


def correctly_rounded(page, inputs, cotangents):
    """Values are the nearest floats, and so are gradients: as the loop is affine, what a change of 1 changes."""
    result, total = fractions(page, inputs, cotangents)
    same_bits(exact.outputs(page, inputs), {
        name: np.array([float(y) for y in ys.ravel()]).reshape(ys.shape)
        for name, ys in zip(page.outputs, result, strict=True)})
    for name, gradient in exact.gradients(page, inputs, cotangents).items():
        for i, (x, slope) in enumerate(zip(inputs[name].ravel(), gradient.ravel(), strict=True)):
            change = fractions(page, inputs, cotangents, (name, i))[1] - total if math.isfinite(x) else 0
            assert nearest(slope, change), (name, i, slope, float(change))


def forward(page, inputs, cotangents, derivative, index):
    """The derivative of sum(cotangent * output) by one element of one input, and the size of its terms."""
    where = derivative.by, index
    with mpmath.workdps(60):
        result = page.loop.run(inputs, lambda x, *at: Jet(mpmath.mpf(x), mpmath.mpf(at == where)))
        terms = [(mpmath.mpf(c) * y.slope, abs(mpmath.mpf(c)) * y.slope_size)
                 for name, ys in zip(page.outputs, result, strict=True) if name in derivative.terms
                 for c, y in zip(cotangents[name].ravel().tolist(), ys.ravel(), strict=True) if isinstance(y, Jet)]
        return tuple(float(sum(parts)) for parts in zip((0, 0), *terms, strict=True))


def example(page, seed):
    """Small inputs and cotangents, every other time with all bits."""
    pick = cases.seeded(f"exact {seed}")
    inputs = cases.sample(page, pick, (1 + seed % 6, *((), (2,))[seed % 4 == 3]), full=seed % 2 == 1)
    return inputs, cases.cotangents(page, pick, inputs, full=seed % 2 == 1)


def test_most_pages_are_plain_arithmetic():
    assert {page.short for page in AFFINE} == {"td0", "td1", "td_lambda", "gae", "reward_to_go"}


@pytest.mark.parametrize("page", AFFINE, **short)
def test_edges_are_correctly_rounded(page):
    for case in edges(page):
        if math.prod(page.steps(case.inputs)) <= 12:
            correctly_rounded(page, case.inputs, cases.cotangents(page, cases.seeded(case.id), case.inputs))


@pytest.mark.parametrize("page", AFFINE, **short)
def test_samples_are_correctly_rounded(page):
    for seed in range(24):
        correctly_rounded(page, *example(page, seed))


@pytest.mark.parametrize("page", [page for page in AFFINE if split(page) == "per_trajectory"], **short)
def test_a_derivative_far_smaller_than_the_value(page):
    """gamma = 1e-8 to the power of up to 8, beside values of order 1: further down than 60 digits reach."""
    inputs = {"done": np.zeros(9, bool), "terminated": np.zeros(9, bool), "gamma": 1e-8, "lmbda": 1.0,
              "rolling_gamma": True}
    inputs = {name: inputs.get(name, np.ones(9)) for name in page.arguments}
    cotangents = {name: np.eye(9)[0] for name in page.outputs}  # of the first step only
    expected = [float(Fraction(1e-8) ** k * len(page.outputs)) for k in range(9)]
    assert exact.gradients(page, inputs, cotangents)["reward"].tolist() == expected


def test_subnormal_numbers_are_rounded_once():
    """1/2 + 2^-54 of the smallest number is nearer to it than to 0; rounded to 53 bits first, it would be a tie."""
    least = math.ulp(0.0)
    inputs = {"reward": np.array([0.0, 0.5, 2.0**-54]), "done": np.zeros(3, bool), "gamma": np.array([least, 1.0, 1.0])}
    assert float(Fraction(least) * (Fraction(1, 2) + Fraction(1, 2**54))) == least
    assert exact.outputs(find("reward_to_go"), inputs)["reward_to_go"][0] == least


@pytest.mark.parametrize("log_w", [-0.25, -1.0, -3.5, -0.001, -30.0])
def test_exp_is_correctly_rounded(log_w):
    """One step of V-trace with reward 1 and nothing else is its importance weight."""
    zero, mask = np.zeros(1), np.zeros(1, bool)
    got = exact.outputs(find("vtrace"), {
        "reward": np.ones(1), "state_value": zero, "next_state_value": zero, "log_pi": np.array([log_w]),
        "log_mu": zero, "done": mask, "terminated": mask, "gamma": 1.0, "rho_thresh": 1.0, "c_thresh": 1.0})
    with localcontext(prec=60):
        assert got["advantage"][0] == float(Decimal(log_w).exp())


@pytest.mark.parametrize("advantage", [[1.0, 2.0, 4.0], [0.1, 0.7, -0.3], [1e6, 1e6 + 1, 1e6 + 3], [1e-3, 2.0, 7e5]])
def test_sqrt_is_correctly_rounded(advantage):
    got = exact.outputs(find("standardize"), {"advantage": np.array(advantage), "ddof": 1, "std_min": 1e-9})
    with localcontext(prec=60):
        centred = [Decimal(a) - sum(map(Decimal, advantage)) / 3 for a in advantage]
        std = (sum(c * c for c in centred) / 2).sqrt()
        assert got["advantage"].tolist() == [float(c / std) for c in centred]


@pytest.mark.parametrize("page", PAGES, **short)
def test_the_central_difference_is_the_slope(page):
    """Forward differentiation of the loop gives the same, at ties and elsewhere: a last bit, or the 35th digit."""
    for seed in range(8):
        inputs, cotangents = example(page, seed)
        gradients = exact.gradients(page, inputs, cotangents)
        for derivative in page.derivatives:
            for index, got in enumerate(gradients[derivative.name].ravel().tolist()):
                slope, size = forward(page, inputs, cotangents, derivative, index)
                assert abs(got - slope) <= math.ulp(slope) + 1e-35 * size, (derivative.name, index, got, slope)


@pytest.mark.parametrize("page", PAGES, **short)
def test_twice_is_the_same_bits_whatever_the_precision_around_it(page):
    pick = cases.seeded("twice")
    inputs = cases.sample(page, pick, (4, 2), full=True)
    cotangents = cases.cotangents(page, pick, inputs, full=True)
    values, gradients = exact.outputs(page, inputs), exact.gradients(page, inputs, cotangents)
    with mpmath.workdps(9):
        same_bits(exact.outputs(page, inputs), values)
        same_bits(exact.gradients(page, inputs, cotangents), gradients)
        assert mpmath.mp.dps == 9
    assert not any(np.signbit(x[x == 0]).any() for x in (*values.values(), *gradients.values()))


# Ties. Each page says which side owns it; both sides have another derivative, and their mean is neither.


def test_the_tie_of_vtrace_belongs_to_the_weight():
    """On-policy with thresholds 1, one step: A = rho (r - V), so dA / d log pi = 3 - 1; just above the tie it is 0."""
    zero, mask = np.zeros(1), np.zeros(1, bool)
    inputs = {"reward": np.array([3.0]), "state_value": np.ones(1), "next_state_value": zero, "log_pi": zero,
              "log_mu": zero, "done": mask, "terminated": mask, "gamma": 1.0, "rho_thresh": 1.0, "c_thresh": 1.0}
    page, cotangents = find("vtrace"), {"advantage": np.ones(1), "value_target": zero}
    for log_pi, expected in ((0.0, 2.0), (-1e-18, 2.0), (1e-18, 0.0)):
        changed = inputs | {"log_pi": np.array([log_pi])}
        for gradients in (exact.gradients(page, changed, cotangents),
                          reference.gradients(page, changed, cotangents).values,
                          page.vjp(page.output(**cotangents), **changed)._asdict()):
            assert gradients["log_pi"].tolist() == [expected] and gradients["log_mu"].tolist() == [-expected]


def test_the_tie_of_standardize_belongs_to_the_floor():
    """A = -1, 1, ddof 0: sigma = 1. At the floor, out = A - m; above it, sigma cancels all of the rest."""
    page, cotangents = find("standardize"), {"advantage": np.array([0.0, 1.0])}
    for std_min, expected in ((1.0, [-0.5, 0.5]), (np.nextafter(1.0, 0.0), [0.0, 0.0])):
        inputs = {"advantage": np.array([-1.0, 1.0]), "ddof": 0, "std_min": std_min}
        for gradients in (exact.gradients(page, inputs, cotangents),
                          reference.gradients(page, inputs, cotangents).values,
                          page.vjp(page.output(**cotangents), **inputs)._asdict()):
            np.testing.assert_allclose(gradients["advantage"], expected, rtol=0, atol=1e-15)


BLOCKED = """
import sys
sys.modules["mpmath"] = None  # what import finds when it is not installed
import rlref.conformance.cases, rlref.conformance.edges, rlref.conformance.reference, rlref.returns
import rlref.conformance.exact
"""


def test_without_mpmath_it_says_what_to_install():
    """And nothing but exact evaluation needs it."""
    env = os.environ | {"PYTHONPATH": str(Path(rlref.__file__).parents[1])}
    run = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True, env=env, check=False)
    assert run.returncode == 1
    assert run.stderr.rstrip().endswith("ImportError: exact evaluation needs mpmath: pip install 'rlref[golden]'")
