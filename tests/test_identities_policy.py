"""What the policy-gradient pages say of each other, of expectations, of limits; and numbers at the end of float64."""

from __future__ import annotations

import inspect
import math
import warnings

import mpmath
import numpy as np
import pytest
import torch
from tensordict import TensorDict
from tensordict.nn import ProbabilisticTensorDictModule, ProbabilisticTensorDictSequential, TensorDictModule
from torch.distributions import Categorical
from torchrl.objectives import PPOLoss

from rlref.losses import a2c, clip_ppo, kl_penalty_ppo, ppo, reinforce
from rlref.returns import standardize

PPOS = (ppo, clip_ppo, kl_penalty_ppo)
SETTINGS = {"entropy_coeff": 0.25, "critic_coeff": 0.5, "loss_function": "smooth_l1", "clip_epsilon": 0.2,
            "beta": 0.75, "dtarg": 0.5, "increment": 2.0, "decrement": 0.5}
NEW, OLD = np.array([1.0, -0.5, 2.0, 0.25]), np.array([0.0, 3.0, -1.0, 0.5])  # logits of four actions
each_page = pytest.mark.parametrize("page", (reinforce, a2c, *PPOS), ids=lambda page: page.__name__.rpartition(".")[2])
each_ppo = pytest.mark.parametrize("page", PPOS, ids=lambda page: page.__name__.rpartition(".")[2])
each_form = pytest.mark.parametrize("form", ("loop", "vectorized"))


def given(page, **arrays):
    """The arguments of ``page``: these, and for the rest zeros and SETTINGS."""
    zeros = np.zeros(np.shape(next(iter(arrays.values()))))
    return {name: arrays.get(name, SETTINGS.get(name, zeros)) for name in inspect.signature(page.loop).parameters}


def drawn(page, size=50, **arrays):
    random = np.random.default_rng(0)
    names = ("log_prob", "sample_log_prob", "advantage", "entropy", "state_value", "value_target", "kl")
    return given(page, **{name: random.normal(size=size) for name in names} | arrays)


def value(page, form, **arrays):
    return getattr(page, form)(**arrays)


def gradient(page, weight=1.0, **arrays):
    """By the cotangent ``weight`` everywhere."""
    like = page.vectorized(**arrays)
    return page.vjp(type(like)(*(np.full(x.shape, weight) for x in like)), **arrays)


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum())


def loudly(function, **arrays):
    """What it gives, where any floating-point error but underflow is an error."""
    with np.errstate(all="raise", under="ignore"), warnings.catch_warnings(action="error"):
        return function(**arrays)


# reinforce: A alike for all actions


def test_a_baseline_costs_no_bias():
    log_pi = log_softmax(NEW)
    x = given(reinforce, log_prob=log_pi, advantage=np.full(4, 3.0))
    by_log_prob = gradient(reinforce, **x).loss_actor.log_prob
    scores = np.eye(4) - np.exp(log_pi)  # d log pi(a) / d logits
    np.testing.assert_allclose(np.exp(log_pi) * by_log_prob @ scores, 0, atol=1e-15)


def test_the_policy_gradient_is_that_of_the_expected_return():
    log_pi, returns = log_softmax(NEW), np.array([1.0, 5.0, -2.0, 0.5])
    by_log_prob = gradient(reinforce, **given(reinforce, log_prob=log_pi, advantage=returns)).loss_actor.log_prob
    moved = [np.exp(log_softmax(NEW + 1e-6 * step)) @ returns for sign in (1, -1) for step in sign * np.eye(4)]
    numerical = (np.array(moved[:4]) - moved[4:]) / 2e-6
    np.testing.assert_allclose(-np.exp(log_pi) * by_log_prob @ (np.eye(4) - np.exp(log_pi)), numerical, atol=1e-9)


# a2c: REINFORCE's terms; PPO's derivatives at r = 1


def test_a2c_is_reinforce_with_weights():
    whole, parts = (value(page, "vectorized", **drawn(page, critic_coeff=1.0)) for page in (a2c, reinforce))
    np.testing.assert_array_equal(whole.loss_objective, parts.loss_actor)
    np.testing.assert_array_equal(whole.loss_critic, parts.loss_value)


@each_ppo
def test_ppo_begins_as_a2c(page):
    log_prob = np.random.default_rng(1).normal(size=50)
    x = drawn(page, log_prob=log_prob, sample_log_prob=log_prob)
    expected = gradient(a2c, 0.5, **drawn(a2c, log_prob=log_prob))
    for term, by in gradient(page, 0.5, **x)._asdict().items():
        for name, numbers in by._asdict().items():
            if name != "kl":
                np.testing.assert_array_equal(numbers, getattr(getattr(expected, term), name))
    result = page.vectorized(**x)
    penalty = x["beta"] * x["kl"] if "kl" in x else 0.0
    np.testing.assert_array_equal(result.loss_objective, penalty - x["advantage"])
    np.testing.assert_array_equal(result.kl_approx, 0)
    assert getattr(result, "ESS", 1) == 1


# the ratio


def test_the_mean_of_kl_approx_is_the_divergence():
    new, old = log_softmax(NEW), log_softmax(OLD)
    result = ppo.vectorized(**given(ppo, log_prob=new, sample_log_prob=old))
    divergence = torch.distributions.kl_divergence(Categorical(logits=torch.tensor(OLD)),
                                                   Categorical(logits=torch.tensor(NEW)))
    np.testing.assert_allclose(np.exp(old) @ result.kl_approx, divergence.item(), rtol=1e-14)


@each_form
def test_ess(form):
    def ess(*log_ratio):
        return value(ppo, form, **given(ppo, log_prob=np.array(log_ratio))).ESS
    assert ess(5, 5, 5) == ess(-800, -800, -800) == ess(900, 900) == ess(-np.inf, -np.inf) == ess(3.5) == 1
    assert ess(0, -900, -np.inf, -900) == ess(900, 0, 0, 0) == 0.25
    assert ess(0, 0, 0, -np.inf) == 0.75
    np.testing.assert_allclose(ess(math.log(2), 0, 0), 4**2 / (3 * 6), rtol=1e-15)
    np.testing.assert_allclose(ess(math.log(2) - 800, -800, -800), 4**2 / (3 * 6), rtol=1e-13)


@each_form
@each_ppo
def test_an_action_never_taken(page, form):
    x = given(page, log_prob=np.full(3, -np.inf), advantage=np.array([2.0, 0.0, -2.0]))
    result = loudly(getattr(page, form), **x)
    np.testing.assert_array_equal(result.loss_objective, [0, 0, 1.6 if page is clip_ppo else 0])
    np.testing.assert_array_equal(result.kl_approx, np.inf)
    np.testing.assert_array_equal(gradient(page, **x).loss_objective.log_prob, 0)


@each_form
@each_ppo
@pytest.mark.parametrize("old", [0.0, -1e308], ids=str)
def test_what_float64_cannot_hold_is_inf_and_nothing_else_is(page, form, old):
    x = given(page, log_prob=np.full(4, 800.0 if old == 0 else 1e308), sample_log_prob=np.full(4, old),
              advantage=np.array([2.0, 0.0, -2.0, -1e-320]))
    result = loudly(getattr(page, form), **x)
    up = -2.4 if page is clip_ppo else -np.inf
    np.testing.assert_array_equal(result.loss_objective, [up, 0, np.inf, np.inf if old else result.loss_objective[3]])
    by = loudly(page.vjp, cotangent=type(result)(*(np.ones(np.shape(y)) for y in result)), **x).loss_objective.log_prob
    np.testing.assert_array_equal(by[:3], [0.0 if page is clip_ppo else -np.inf, 0, np.inf])
    np.testing.assert_array_equal(gradient(page, 0.0, **x).loss_objective.log_prob, 0)
    assert getattr(result, "ESS", 1) == 1


@each_form
@each_ppo
def test_a_product_is_finite_though_the_ratio_is_not(page, form):
    x = given(page, log_prob=np.array([720.0, 720.0, 1400.0]), advantage=np.array([-1e-20, -1e-100, -5e-324]))
    expected = [float(-mpmath.mpf(a) * mpmath.exp(log_r))
                for log_r, a in zip(x["log_prob"], x["advantage"], strict=True)]
    np.testing.assert_allclose(value(page, form, **x).loss_objective, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient(page, **x).loss_objective.log_prob, expected, rtol=1e-12)
    by_little = gradient(page, 1e-200, **x | {"advantage": np.full(3, -1e-100)}).loss_objective.log_prob
    expected = [float(mpmath.exp(log_r) * mpmath.mpf(1e-200) * mpmath.mpf(1e-100)) for log_r in x["log_prob"]]
    np.testing.assert_allclose(by_little[:2], expected[:2], rtol=1e-12)


# the clip


def test_the_clip_is_the_papers_minimum():
    x = drawn(clip_ppo, clip_epsilon=np.array([0.3, 0.7]))
    r, a = np.exp(x["log_prob"] - x["sample_log_prob"]), x["advantage"]
    expected = -np.minimum(r * a, np.clip(r, 0.7, 1.7) * a)
    np.testing.assert_allclose(clip_ppo.vectorized(**x).loss_objective, expected, rtol=1e-14)


def test_rlax_prints_the_means_of_its_own_test():
    """clipped_surrogate_pg_loss of github.com/google-deepmind/rlax, policy_gradients_test.py."""
    logits = np.array([[1.0, 1, 1], [2, 0, 0], [-1, -2, -3]]), np.array([[1.0, 1, 1], [2, 0, 0], [-3, -2, -1]])
    new, old = (np.array([log_softmax(row)[action] for action, row in enumerate(table)]) for table in logits)
    for sign, expected in ((1, -0.17117467), (-1, 0.19333333)):
        advantage = sign * np.array([0.3, 0.2, 0.1])
        result = clip_ppo.vectorized(**given(clip_ppo, log_prob=new, sample_log_prob=old, advantage=advantage))
        np.testing.assert_allclose(result.loss_objective.mean(), expected, atol=1e-4)  # as its test does


def test_flat_beyond_the_clip_and_nowhere_else():
    log_r = np.log([0.1, 0.79, 0.81, 1.19, 1.21, 9.0])
    for sign, flat in ((1, [0, 0, 0, 0, 1, 1]), (-1, [1, 1, 0, 0, 0, 0])):
        x = given(clip_ppo, log_prob=log_r, advantage=np.full(6, 2.0 * sign))
        by = gradient(clip_ppo, **x).loss_objective.log_prob
        np.testing.assert_array_equal(by == 0, np.array(flat, bool))
        free = gradient(ppo, **given(ppo, log_prob=log_r, advantage=np.full(6, 2.0 * sign))).loss_objective.log_prob
        np.testing.assert_array_equal(by[by != 0], free[by != 0])


def test_a_clip_of_more_than_all_is_none():
    x = drawn(clip_ppo, clip_epsilon=np.array([1.5, 1e300]))
    plain, clipped = ppo.vectorized(**drawn(ppo)), clip_ppo.vectorized(**x)
    np.testing.assert_array_equal(clipped.loss_objective, plain.loss_objective)
    np.testing.assert_array_equal(clipped.clip_fraction, 0)


@pytest.mark.parametrize("epsilon", [0.0, 1e-8, 0.1, 0.2, 0.3, 0.5, 0.9, 3.0])
def test_ties_belong_to_the_ratio(epsilon):
    """At log r = log(1 + eps) and log(1 - eps), as float64 has them, all three forms take r as not clipped."""
    log_r = np.array([math.log(1 + epsilon), math.log(1 - epsilon) if epsilon < 1 else -np.inf])
    x = given(clip_ppo, log_prob=log_r, advantage=np.array([2.0, -2.0]), clip_epsilon=epsilon)
    for form in ("loop", "vectorized"):
        np.testing.assert_array_equal(value(clip_ppo, form, **x).clip_fraction, 0)
    by_log_prob = gradient(clip_ppo, **x).loss_objective.log_prob
    np.testing.assert_allclose(by_log_prob, -np.exp(log_r) * x["advantage"], rtol=1e-15)
    inside = log_r - np.array([1e-6, -1e-6])  # the derivative is the one-sided one, from inside
    if epsilon < 1:
        moved = clip_ppo.vectorized(**x | {"log_prob": inside}).loss_objective
        slope = (clip_ppo.vectorized(**x).loss_objective - moved) / (log_r - inside)
        np.testing.assert_allclose(slope, by_log_prob, rtol=1e-5)


# the penalty


def test_no_penalty_is_ppo():
    x = drawn(kl_penalty_ppo, beta=0.0)
    penalized, plain = kl_penalty_ppo.vectorized(**x), ppo.vectorized(**drawn(ppo))
    np.testing.assert_array_equal(penalized.loss_objective, plain.loss_objective)
    assert penalized.next_beta == 0
    np.testing.assert_array_equal(gradient(kl_penalty_ppo, **x).loss_objective.kl, 0)


@each_form
def test_beta_follows_the_mean_divergence(form):
    def next_beta(*kl, **settings):
        return value(kl_penalty_ppo, form, **given(kl_penalty_ppo, kl=np.array(kl), **settings)).next_beta
    assert next_beta(0.75) == next_beta(1, 0, 0) == next_beta(0.5) == 0.75  # 1.5 x 0.5, 0.5 / 1.5
    assert next_beta(np.nextafter(0.75, 1)) == next_beta(9, 0, 0) == 1.5
    assert next_beta(np.nextafter(1 / 3, 0)) == next_beta(0.0) == next_beta(-1.0) == 0.375
    assert next_beta(1.0, increment=3.0) == 2.25 and next_beta(0.0, decrement=0.0) == 0


# the critic


@each_page
def test_no_weight_is_no_critic(page):
    x = given(page, state_value=np.full(2, 1e200), loss_function="l2", critic_coeff=0.0)
    result, by = loudly(page.vectorized, **x), gradient(page, **x)
    if page is reinforce:
        np.testing.assert_array_equal(result.loss_value, np.inf)
        np.testing.assert_array_equal(by.loss_value.state_value, 2e200)
    else:
        np.testing.assert_array_equal(result.loss_critic, 0)
        np.testing.assert_array_equal(value(page, "loop", **x).loss_critic, 0)
        np.testing.assert_array_equal(by.loss_critic.state_value, 0)


# normalize_advantage of torchrl is returns.standardize, upstream


def test_standardized_upstream_as_torchrl_does_inside():
    logits, advantage = torch.tensor(np.random.default_rng(2).normal(size=(9, 4))), np.arange(9.0) ** 2
    actions, old = torch.arange(9) % 4, torch.full((9,), -1.5, dtype=torch.float64)
    policy = ProbabilisticTensorDictSequential(
        TensorDictModule(torch.nn.Identity(), ["state"], ["logits"]),
        ProbabilisticTensorDictModule(["logits"], ["action"], distribution_class=Categorical, return_log_prob=True))
    critic = TensorDictModule(torch.nn.Linear(4, 1, dtype=torch.float64), ["state"], ["state_value"])
    data = TensorDict({"state": logits, "action": actions, "action_log_prob": old,
                       "advantage": torch.tensor(advantage)[:, None],
                       "value_target": torch.zeros(9, 1, dtype=torch.float64)}, [9])
    theirs = PPOLoss(policy, critic, normalize_advantage=True, reduction="none")(data)["loss_objective"]
    standardized = standardize.vectorized(advantage, ddof=1, std_min=1e-6).advantage
    ours = ppo.vectorized(**given(ppo, log_prob=Categorical(logits=logits).log_prob(actions).numpy(),
                                  sample_log_prob=old.numpy(), advantage=standardized)).loss_objective
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-13)
