"""Categorical distributions, held to torch.distributions and torchrl.modules."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
import torch
from discrete import ACTION, FORMS, LOGITS, MASK, MASKS, ONE_HOT, OTHERS, made, real
from test_distributions import BY, SHAPE, Given, gradients, leaf, same
from torch.distributions import kl_divergence
from torchrl.modules import (
    OneHotCategorical,
)

from rlref.distributions import categorical, one_hot_categorical


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
