"""The modules that compose the pages of distributions, held to torch.distributions and torchrl.modules."""

from __future__ import annotations

import inspect
from unittest import mock

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, kl_divergence
from torchrl.modules import (
    Delta,
    IndependentNormal,
    MaskedCategorical,
    MaskedOneHotCategorical,
    OneHotCategorical,
    TanhNormal,
)

from rlref.distributions import categorical, delta, normal, one_hot_categorical, tanh_normal

SHAPE = (4, 2, 3)
MODULES = (normal, tanh_normal, categorical, one_hot_categorical, delta)
BOUNDS = {"low": torch.tensor([-2.0, -1.0, 0.5], dtype=torch.float64),
          "high": torch.tensor([2.0, 1.0, 8.0], dtype=torch.float64)}
ARRAYS = {name: x.numpy() for name, x in BOUNDS.items()}
MASK = np.array([[[1, 1, 1], [1, 0, 1]], [[0, 1, 1], [0, 0, 1]], [[1, 1, 0], [1, 1, 1]], [[1, 0, 0], [0, 1, 1]]]) > 0


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


# categorical

LOGITS, OTHERS = real(8), real(9)
ACTION = np.array([[2, 0], [1, 2], [0, 1], [0, 2]])
ONE_HOT = np.eye(3, dtype=int)[ACTION]
MASKS = pytest.mark.parametrize("mask", [None, MASK], ids=["all-legal", "masked"])
FORMS = pytest.mark.parametrize("module, action", [(categorical, ACTION), (one_hot_categorical, ONE_HOT)],
                                ids=["index", "one-hot"])


def made(logits, mask, one_hot=False):
    """torchrl's own class for it."""
    if mask is None:
        return OneHotCategorical(logits=logits) if one_hot else Categorical(logits=logits)
    return (MaskedOneHotCategorical if one_hot else MaskedCategorical)(logits=logits, mask=torch.tensor(mask))


@FORMS
@MASKS
def test_categorical_log_prob(module, action, mask):
    logits = leaf(LOGITS)
    y = made(logits, mask, module is one_hot_categorical).log_prob(torch.tensor(action))
    same(module.log_prob(action, LOGITS, mask), y)
    same(module.log_prob_vjp(BY, action, LOGITS, mask).logits, *gradients([y], [BY], [logits]))


@FORMS
@MASKS
def test_categorical_entropy(module, action, mask):
    logits = leaf(LOGITS)
    y = made(logits, mask, module is one_hot_categorical).entropy()
    by = np.clip(BY, -1, 1)  # a larger cotangent makes torchrl's NaN where masked
    same(module.entropy(LOGITS, mask), y)
    same(module.entropy_vjp(by, LOGITS, mask).logits, *gradients([y], [by], [logits]))


@FORMS
@MASKS
def test_categorical_kl(module, action, mask):
    """Legal actions picked out of torch's, whose derivative is NaN where some are masked."""
    logits, others = leaf(LOGITS), leaf(OTHERS)
    p, q = (torch.log_softmax(x if mask is None else x.masked_fill(~torch.tensor(mask), -1e30), -1)
            for x in (logits, others))
    y = (p.exp() * (p - q)).sum(-1)
    same(module.kl(LOGITS, OTHERS, mask), kl_divergence(made(logits, mask), made(others, mask)))
    same(module.kl(LOGITS, OTHERS, mask), y)
    by = module.kl_vjp(BY, LOGITS, OTHERS, mask)
    for got, right in zip((by.logits, by.other_logits), gradients([y], [BY], [logits, others]), strict=True):
        same(got, right)


@FORMS
@MASKS
def test_categorical_log_probs(module, action, mask):
    logits, by = leaf(LOGITS), real(10)
    y = made(logits, mask).logits
    same(module.log_probs(LOGITS, mask), y)
    finite = torch.tensor(np.ones(SHAPE, bool) if mask is None else mask)
    got = module.log_probs_vjp(np.where(finite, by, np.nan), LOGITS, mask).logits
    same(got, torch.autograd.grad(y[finite], [logits], torch.tensor(by)[finite])[0])


@MASKS
def test_categorical_mode(mask):
    same(categorical.mode(LOGITS, mask), made(leaf(LOGITS), mask).mode)
    same(one_hot_categorical.mode(LOGITS, mask), made(leaf(LOGITS), mask, True).deterministic_sample)


def test_of_equal_logits_the_first_is_the_mode():
    """torchrl's one-hot mode is then no action: it has two ones."""
    logits = np.array([[1.0, 3.0, 3.0]])
    assert categorical.mode(logits).tolist() == [1] and one_hot_categorical.mode(logits).tolist() == [[0, 1, 0]]
    assert categorical.mode(logits, [[True, False, True]]).tolist() == [2]
    assert OneHotCategorical(logits=torch.tensor(logits)).mode.tolist() == [[0, 1, 1]]


def test_categorical_samples_are_as_frequent_as_they_are_probable():
    """Four standard deviations; what is masked never comes, though it has the largest logit."""
    logits = np.broadcast_to([0.5, 9.0, -0.5, 1.5], (100_000, 4))
    mask = np.broadcast_to([True, False, True, True], (100_000, 4))
    p = np.exp(categorical.log_probs(logits[:1], mask[:1]))[0]
    index = categorical.sample(np.random.default_rng(2), logits, mask)
    one_hot = one_hot_categorical.sample(np.random.default_rng(3), logits, mask)
    assert index.dtype == one_hot.dtype == np.int64 and np.all(one_hot.sum(axis=-1) == 1)
    for seen in (np.bincount(index, minlength=4) / 100_000, one_hot.mean(axis=0)):
        assert np.all(np.abs(seen - p) <= 4 * np.sqrt(p * (1 - p) / 100_000)) and seen[1] == 0


@MASKS
def test_one_hot_rsample_is_straight_through(mask):
    """torchrl's PassThrough with the same action; the log-probability has its own derivative beside it."""
    logits, noise = leaf(LOGITS), np.random.default_rng(4).gumbel(size=SHAPE)
    draw = one_hot_categorical.rsample(Given(noise), LOGITS, mask)
    distribution = made(logits, mask, True)
    with mock.patch.object(type(distribution), "sample", lambda *_: torch.tensor(draw.sample)):
        y = distribution.rsample(), distribution.log_prob(torch.tensor(draw.sample))
    same(draw.sample, y[0])
    same(draw.log_prob, y[1])
    assert draw.sample.dtype == np.float64 and np.all((draw.sample == 0) | (draw.sample == 1))
    by = real(11)
    same(one_hot_categorical.rsample_vjp((by, BY), draw.noise, LOGITS, mask).logits, *gradients(y, [by, BY], [logits]))


def test_without_a_mask_minus_infinity_is_one():
    masked = np.where(MASK, LOGITS, -np.inf)
    for module, action in ((categorical, ACTION), (one_hot_categorical, ONE_HOT)):
        assert np.array_equal(module.log_prob(action, masked), module.log_prob(action, LOGITS, MASK))
        assert np.array_equal(module.entropy(masked), module.entropy(LOGITS, MASK))
        assert np.array_equal(module.log_probs(masked), module.log_probs(LOGITS, MASK))
        assert np.array_equal(module.kl(masked, np.where(MASK, OTHERS, -np.inf)), module.kl(LOGITS, OTHERS, MASK))
    with pytest.raises(ValueError, match=r"other_logits: expected minus infinity where logits has it.* \(0, 1, 1\)"):
        categorical.kl(masked, OTHERS)


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
    (lambda: tanh_normal.entropy_vjp(BY[:1], NOISE[None], LOC, SCALE), ValueError, r"cotangent: expected shape \(4, 2\)"),
    (lambda: categorical.log_prob(ACTION, LOGITS, ~MASK), ValueError, "action_mask: expected True somewhere along A"),
    (lambda: categorical.log_prob(0 * ACTION, LOGITS, MASK), ValueError, "action: expected one that action_mask allows"),
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
