"""The modules that compose the pages of distributions, held to torch.distributions and torchrl.modules."""

from __future__ import annotations

import inspect
from unittest import mock

import numpy as np
import pytest
import torch
from discrete import ACTION, LOGITS, MASK, ONE_HOT
from torch.distributions import kl_divergence
from torchrl.modules import (
    Delta,
    IndependentNormal,
    TanhNormal,
)

from rlref.distributions import categorical, delta, normal, one_hot_categorical, tanh_normal

SHAPE = (4, 2, 3)
MODULES = (normal, tanh_normal, categorical, one_hot_categorical, delta)
BOUNDS = {"low": torch.tensor([-2.0, -1.0, 0.5], dtype=torch.float64),
          "high": torch.tensor([2.0, 1.0, 8.0], dtype=torch.float64)}
ARRAYS = {name: x.numpy() for name, x in BOUNDS.items()}


class Given:
    """A source of the numbers that it is given."""

    def __init__(self, noise):
        self.noise = noise

    def standard_normal(self, size):
        assert self.noise.shape == tuple(size)
        return self.noise

    gumbel = standard_normal


def real(seed, shape=SHAPE):
    return np.random.default_rng(seed).standard_normal(shape)


def leaf(x):
    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


def same(got, expected):
    """Equal to what torch computes in float64, to a few roundings."""
    expected = expected.detach().numpy() if isinstance(expected, torch.Tensor) else expected
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def gradients(y, by, leaves):
    return torch.autograd.grad(y, leaves, [torch.tensor(x) for x in by], materialize_grads=True, retain_graph=True)


def torch_draws(noise):
    return mock.patch("torch.distributions.normal._standard_normal", lambda *_, **__: torch.tensor(noise))


NORMALS = pytest.mark.parametrize("module, make, bounds", [
    (normal, IndependentNormal, {}), (tanh_normal, lambda *p: TanhNormal(*p, **BOUNDS), ARRAYS),
    (tanh_normal, TanhNormal, {})], ids=["normal", "tanh_normal", "tanh_normal-default"])
LOC, SCALE, NU, TAU = real(0), np.exp(real(1) / 2), real(2), np.exp(real(3) / 2)
BY, NOISE = real(5, SHAPE[:2]), real(4)


@NORMALS
def test_normal_log_prob(module, make, bounds):
    leaves = sample, loc, scale = leaf(module.sample(Given(NOISE), LOC, SCALE, **bounds)), leaf(LOC), leaf(SCALE)
    y = make(loc, scale).log_prob(sample)
    same(module.log_prob(sample.detach().numpy(), LOC, SCALE, **bounds), y)
    by = module.log_prob_vjp(BY, sample.detach().numpy(), LOC, SCALE, **bounds)
    for got, expected in zip((by.sample, by.loc, by.scale), gradients([y], [BY], leaves), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-9)


@NORMALS
def test_normal_kl(module, make, bounds):
    leaves = tuple(map(leaf, (LOC, SCALE, NU, TAU)))
    y = kl_divergence(IndependentNormal(*leaves[:2]), IndependentNormal(*leaves[2:]))
    same(module.kl(LOC, SCALE, NU, TAU, **bounds), y)
    by = module.kl_vjp(BY, LOC, SCALE, NU, TAU, **bounds)
    for got, expected in zip((by.loc, by.scale, by.other_loc, by.other_scale), gradients([y], [BY], leaves),
                             strict=True):
        same(got, expected)


@NORMALS
def test_normal_rsample(module, make, bounds):
    """Sample and log-density of the same noise, and both derivatives at once."""
    leaves = loc, scale = leaf(LOC), leaf(SCALE)
    distribution = make(loc, scale)
    with torch_draws(NOISE):
        if module is tanh_normal:
            expected = distribution.rsample_and_log_prob()
        else:
            x = distribution.rsample()
            expected = x, distribution.log_prob(x)
    draw = module.rsample(Given(NOISE), LOC, SCALE, **bounds)
    same(draw.sample, expected[0])
    same(draw.log_prob, expected[1])
    assert np.array_equal(draw.noise, NOISE)
    assert np.array_equal(module.sample(Given(NOISE), LOC, SCALE, **bounds), draw.sample)
    by = module.rsample_vjp((real(6), BY), draw.noise, LOC, SCALE, **bounds)
    for got, right in zip((by.loc, by.scale), gradients(expected, [real(6), BY], leaves), strict=True):
        same(got, right)


@NORMALS
def test_normal_mode(module, make, bounds):
    leaves = loc, scale = leaf(LOC), leaf(SCALE)
    y = make(loc, scale).deterministic_sample
    same(module.mode(LOC, SCALE, **bounds), y)
    by = module.mode_vjp(real(6), LOC, SCALE, **bounds)
    for got, right in zip((by.loc, by.scale), gradients([y], [real(6)], leaves), strict=True):
        same(got, right)


def test_normal_entropy():
    loc, scale = leaf(LOC), leaf(SCALE)
    y = IndependentNormal(loc, scale).entropy()
    same(normal.entropy(LOC, SCALE), y)
    by = normal.entropy_vjp(BY, LOC, SCALE)
    for got, right in zip((by.loc, by.scale), gradients([y], [BY], (loc, scale)), strict=True):
        same(got, right)


def test_the_score_of_a_normal_draw_does_not_lose_its_noise():
    """A mean of 1e12 and a deviation of 1e-6: mu + sigma epsilon has no digit of epsilon, and log p all of them."""
    loc, scale = np.full(SHAPE, 1e12), np.full(SHAPE, 1e-6)
    draw = normal.rsample(Given(NOISE), loc, scale)
    expected = normal.rsample(Given(NOISE), 0 * loc, 0 * loc + 1).log_prob + 3 * np.log(1e6)
    np.testing.assert_allclose(draw.log_prob, expected, rtol=1e-13)


@pytest.mark.parametrize("samples", [1, 5])
def test_tanh_normal_entropy_is_minus_the_mean_of_log_p(samples):
    noise, leaves = real(7, (samples, *SHAPE)), (leaf(LOC), leaf(SCALE))
    with torch_draws(noise):
        _, log_prob = TanhNormal(*leaves, **BOUNDS).rsample_and_log_prob((samples,))
    estimate = tanh_normal.entropy(Given(noise), LOC, SCALE, samples=samples, **ARRAYS)
    same(estimate.entropy, -log_prob.mean(0))
    by = tanh_normal.entropy_vjp(BY, estimate.noise, LOC, SCALE, **ARRAYS)
    for got, right in zip((by.loc, by.scale), gradients([-log_prob.mean(0)], [BY], leaves), strict=True):
        same(got, right)


def test_tanh_normal_entropy_of_many_samples():
    """That of the normal distribution and the mean of log da/du, by quadrature; 4e5 samples: 5 standard errors."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    u = 0.5 + 0.7 * nodes
    expected = normal.entropy([[0.5]], [[0.7]])[0] + weights @ np.log(3 * (1 - np.tanh(u)**2)) / weights.sum()
    estimate = tanh_normal.entropy(np.random.default_rng(0), [[0.5]], [[0.7]], samples=400_000, low=-1.0, high=5.0)
    each = -tanh_normal.rsample(Given(estimate.noise[:, 0]), np.full((400_000, 1), 0.5), np.full((400_000, 1), 0.7),
                                low=-1.0, high=5.0).log_prob
    assert abs(estimate.entropy[0] - expected) <= 5 * each.std() / np.sqrt(400_000) < 0.01


@pytest.mark.parametrize("module, parameters, bounds", [(normal, (0.5, 2.0), {}), (tanh_normal, (0.5, 0.75), {
    "low": -3.0, "high": 1.0})], ids=["normal", "tanh_normal"])
def test_samples_have_the_density_that_they_are_scored_with(module, parameters, bounds):
    """In each of twenty intervals as many as the density says: chi^2 of 19 degrees of freedom, below 50."""
    loc, scale = (np.full((100_000, 1), x) for x in parameters)
    x = module.sample(np.random.default_rng(1), loc, scale, **bounds)[:, 0]
    edges = np.quantile(x, np.linspace(0.01, 0.99, 21))
    fine = np.linspace(edges[:-1], edges[1:], 201)
    density = np.exp([module.log_prob(row[:, None], *(np.full((20, 1), p) for p in parameters), **bounds)
                      for row in fine])
    expected = len(x) * np.trapezoid(density, fine, axis=0)
    seen = np.histogram(x, edges)[0]
    assert np.sum((seen - expected) ** 2 / expected) < 50


# delta


def test_delta():
    """1e-6 + 1e-6 |param| is not yet equal, as in torchrl."""
    param = np.array([[1.0, -2.0], [0.0, 3.0], [0.0, 0.0], [5.0, 5.0]])
    x = param + np.array([[0, 0], [0, 1e-3], [0, 9e-7], [5.9e-6, 0]])
    point = leaf(param)
    expected = Delta(point).log_prob(torch.tensor(x))
    assert delta.log_prob(x, param).tolist() == expected.tolist() == [np.inf, -np.inf, np.inf, np.inf]
    assert delta.log_prob(x, param, atol=0.01, rtol=0.0).tolist() == [np.inf] * 4
    draw = delta.rsample(np.random.default_rng(0), param)
    for got in (draw.sample, delta.sample(None, param), delta.mode(param)):
        assert np.array_equal(got, Delta(point).rsample().detach()) and not np.shares_memory(got, param)
    assert draw.log_prob.tolist() == [np.inf] * 4 and delta.entropy(param).tolist() == [-np.inf] * 4
    by = real(12, (4, 2))
    for got in (delta.rsample_vjp((by, np.ones(4)), draw.noise, param), delta.mode_vjp(by, param)):
        assert np.array_equal(got.param, by) and not np.shares_memory(got.param, by)


# all of them


def test_they_have_the_same_names():
    common = {"entropy", "log_prob", "mode", "sample"}
    for module in MODULES:
        names = {name for name, x in vars(module).items() if inspect.isfunction(x) and name[0] != "_"
                 and x.__module__.startswith("rlref.distributions.") and name in module.__all__}
        assert names >= common and names == set(module.__all__) - {"Point"}
        differentiable = {name.removesuffix("_vjp") for name in names if name.endswith("_vjp")}
        assert differentiable <= names
        assert all(inspect.getdoc(getattr(module, name)) for name in names)
        for name in differentiable - {"rsample"}:
            taken = [p for p in inspect.signature(getattr(module, name)).parameters if p not in ("rng", "samples")]
            given = [p for p in inspect.signature(getattr(module, f"{name}_vjp")).parameters if p != "noise"]
            assert given == ["cotangent", *taken], (module.__name__, name)


REFUSED = [
    (lambda: normal.rsample(0, LOC, SCALE), TypeError, "rng: expected a numpy.random.Generator, got int"),
    (lambda: categorical.sample(None, LOGITS), TypeError, "rng: expected a numpy.random.Generator, got NoneType"),
    (lambda: normal.log_prob(LOC, LOC, 0 * SCALE), ValueError, "scale: expected values > 0"),
    (lambda: normal.rsample(Given(NOISE), LOC, SCALE[:2]), ValueError, r"scale: expected shape \(4, 2, 3\)"),
    (lambda: tanh_normal.log_prob(LOC + 9, LOC, SCALE), ValueError, "sample: expected values in"),
    (lambda: tanh_normal.rsample(Given(NOISE), LOC, SCALE, low=2.0), ValueError, "high: expected values above low"),
    (lambda: tanh_normal.entropy(Given(NOISE), LOC, SCALE, samples=0), ValueError, "samples: expected an integer >= 1"),
    (lambda: tanh_normal.entropy_vjp(BY[:1], NOISE[None], LOC, SCALE), ValueError,
     r"cotangent: expected shape \(4, 2\)"),
    (lambda: categorical.log_prob(ACTION, LOGITS, ~MASK), ValueError, "action_mask: expected True somewhere along A"),
    (lambda: categorical.log_prob(0 * ACTION, LOGITS, MASK), ValueError,
     "action: expected one that action_mask allows"),
    (lambda: categorical.entropy(LOGITS * np.nan), ValueError, "logits: expected values finite, got nan"),
    (lambda: categorical.entropy("a"), TypeError, "logits: expected real numbers"),
    (lambda: categorical.entropy(LOGITS - np.inf), ValueError, "action_mask: expected True somewhere along A"),
    (lambda: categorical.log_probs(LOGITS, MASK.astype(int)), TypeError, "action_mask: expected booleans"),
    (lambda: categorical.log_probs_vjp(BY, LOGITS, MASK), ValueError, r"cotangent: expected shape \(4, 2, 3\)"),
    (lambda: one_hot_categorical.log_prob(2 * ONE_HOT, LOGITS), ValueError, "action: expected a 1 among zeros"),
    (lambda: one_hot_categorical.log_prob(0 * ONE_HOT, LOGITS), ValueError, r"got \[0, 0, 0\] at index \(0, 0\)"),
    (lambda: one_hot_categorical.log_prob("a", LOGITS), TypeError, "action: expected an array of zeros and ones"),
    (lambda: one_hot_categorical.rsample_vjp((BY, BY), LOGITS, LOGITS), ValueError, "cotangent.sample: expected shape"),
    (lambda: delta.log_prob(LOC, LOC[:1]), ValueError, r"sample: expected shape \(1, 2, 3\) like param"),
    (lambda: delta.mode([1.0]), ValueError, r"param: expected shape \[T, \*B, D\]"),
    (lambda: delta.mode([[np.nan]]), ValueError, "param: expected values finite"),
    (lambda: delta.mode_vjp(BY, LOC), ValueError, "cotangent: expected shape"),
]


@pytest.mark.parametrize("call, error, message", REFUSED, ids=[message[:40] for _, _, message in REFUSED])
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
