"""Each line of ``Limits`` of the bootstraps, what rlax and SciPy say of them, and numbers that are hard to hold."""

from __future__ import annotations

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rlax
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from test_by_hand import both
from test_identities import close

from rlref.bootstraps import double_q, expected_soft_q, max_q, min_q, soft_min_q, subset_min_q, target_policy_smoothing
from rlref.conformance import reference
from rlref.pages import find

MAX_Q, DOUBLE_Q, MIN_Q, SOFT_MIN_Q, SUBSET_MIN_Q, EXPECTED_SOFT_Q, SMOOTHING = (find(f"bootstraps.{name}") for name in (
    "max_q", "double_q", "min_q", "soft_min_q", "subset_min_q", "expected_soft_q", "target_policy_smoothing"))
data = given(data=st.data())
INF = np.inf


def same(page, inputs, other, others, cotangents, names=None):
    """Both pages give the same outputs; and the derivatives called ``names``, where these are other names, too."""
    scales = reference.outputs(page, inputs).scales, reference.outputs(other, others).scales
    for form in ("loop", "vectorized"):
        got, expected = getattr(page, form)(**inputs), getattr(other, form)(**others)
        close(got._asdict(), expected._asdict(), scales, reference.UNITS)
    by = page.gradients(page.vjp(page.output(**cotangents), **inputs))
    by_other = other.gradients(other.vjp(other.output(**cotangents), **others))
    slopes = reference.gradients(page, inputs, cotangents).scales, reference.gradients(other, others, cotangents).scales
    names = names or {name: name for name in by.keys() & by_other.keys()}
    close({name: by[name] for name in names}, {name: by_other[names[name]] for name in names},
          [{name: slopes[0][name] for name in names}, {name: slopes[1][names[name]] for name in names}],
          reference.GRADIENT_UNITS)


# Limits: max_q and double_q


@data
def test_one_legal_action_is_its_value(examples, data):
    inputs, _ = data.draw(examples(MAX_Q))
    values = inputs["next_action_value"]
    legal = np.eye(values.shape[-1], dtype=bool)[np.argmax(np.isfinite(values), axis=-1)]
    for form in ("loop", "vectorized"):
        got = getattr(max_q, form)(np.where(legal, values, -INF)).next_state_value
        assert np.array_equal(got, np.where(legal, values, 0.0).sum(axis=-1))


@data
def test_double_q_of_two_networks_that_agree_is_max_q(examples, data):
    inputs, cotangents = data.draw(examples(MAX_Q))
    values = inputs["next_action_value"]
    same(DOUBLE_Q, {"next_action_value": values, "online_next_action_value": values}, MAX_Q, inputs, cotangents)


@data
def test_double_q_is_never_above_max_q(examples, data):
    inputs, _ = data.draw(examples(DOUBLE_Q))
    for form in ("loop", "vectorized"):
        one = getattr(double_q, form)(**inputs).next_state_value
        assert np.all(one <= getattr(max_q, form)(inputs["next_action_value"]).next_state_value)


def test_double_q_is_below_it_where_the_networks_disagree():
    for form in ("loop", "vectorized"):
        assert getattr(double_q, form)([[1.0, 2.0]], [[2.0, 1.0]]).next_state_value == [1.0]


# Limits: min_q, soft_min_q, subset_min_q


@data
def test_one_critic_is_its_value(examples, data):
    inputs, _ = data.draw(examples(SOFT_MIN_Q))
    one = inputs["next_state_action_value"][..., :1]
    for form in ("loop", "vectorized"):
        assert np.array_equal(getattr(min_q, form)(one).next_state_value, one[..., 0])
        soft = getattr(soft_min_q, form)(**inputs | {"next_state_action_value": one}).next_state_value
        assert np.array_equal(soft, one[..., 0] - inputs["alpha"] * inputs["next_log_prob"])


@data
def test_soft_min_q_of_alpha_zero_is_min_q(examples, data):
    inputs, cotangents = data.draw(examples(SOFT_MIN_Q))
    hard = {"next_state_action_value": inputs["next_state_action_value"]}
    same(SOFT_MIN_Q, inputs | {"alpha": 0.0}, MIN_Q, hard, cotangents)


@data
def test_subset_min_q_of_all_critics_is_soft_min_q(examples, data):
    """In whichever order they are named: only a tie tells, in whose derivative the first named comes first."""
    inputs, cotangents = data.draw(examples(SOFT_MIN_Q))
    everyone = np.arange(inputs["next_state_action_value"].shape[-1])
    same(SUBSET_MIN_Q, inputs | {"subset": everyone}, SOFT_MIN_Q, inputs, cotangents)
    backwards = subset_min_q.vectorized(**inputs, subset=everyone[::-1])
    assert np.array_equal(backwards.next_state_value, soft_min_q.vectorized(**inputs).next_state_value)


@data
def test_subset_min_q_of_one_critic_is_that_one_s(examples, data):
    inputs, cotangents = data.draw(examples(SUBSET_MIN_Q))
    one = inputs["subset"][:1]
    alone = {name: inputs[name] for name in ("next_log_prob", "alpha")}
    alone["next_state_action_value"] = inputs["next_state_action_value"][..., one]
    same(SUBSET_MIN_Q, inputs | {"subset": one}, SOFT_MIN_Q, alone, cotangents, {"next_log_prob": "next_log_prob"})


@data
def test_a_larger_subset_is_never_above(examples, data):
    inputs, _ = data.draw(examples(SUBSET_MIN_Q))
    for form in ("loop", "vectorized"):
        values = [getattr(subset_min_q, form)(**inputs | {"subset": inputs["subset"][:m + 1]}).next_state_value
                  for m in range(len(inputs["subset"]))]
        assert all(np.all(later <= earlier) for earlier, later in pairwise(values))


# Limits: expected_soft_q


@data
def test_a_certain_policy_gives_the_value_of_its_action(examples, data):
    """And the derivative by that value, as soft_min_q of log-probability 0 does."""
    inputs, cotangents = data.draw(examples(EXPECTED_SOFT_Q))
    values, action = np.nan_to_num(inputs["next_action_value"], neginf=1.0), np.argmax(inputs["next_log_probs"], -1)
    certain = np.where(np.eye(values.shape[-2], dtype=bool)[action], 0.0, -INF)
    inputs |= {"next_action_value": values, "next_log_probs": certain}
    of_action = np.take_along_axis(values, action[..., None, None], axis=-2)[..., 0, :]
    for form in ("loop", "vectorized"):
        assert np.array_equal(getattr(expected_soft_q, form)(**inputs).next_state_value, of_action.min(axis=-1))
    by = expected_soft_q.vjp(EXPECTED_SOFT_Q.output(**cotangents), **inputs).next_action_value
    expected = min_q.vjp(MIN_Q.output(**cotangents), of_action).next_state_action_value
    assert np.array_equal(np.take_along_axis(by, action[..., None, None], axis=-2)[..., 0, :], expected)
    assert np.array_equal(by.sum(axis=(-1, -2)), expected.sum(axis=-1))


@data
def test_expected_soft_q_of_alpha_zero_is_the_expected_value(examples, data):
    inputs, _ = data.draw(examples(EXPECTED_SOFT_Q))
    inputs |= {"alpha": 0.0}
    prob = np.exp(inputs["next_log_probs"])
    q = np.where(prob > 0, inputs["next_action_value"].min(axis=-1), 0.0)
    scale = reference.outputs(EXPECTED_SOFT_Q, inputs).scales["next_state_value"]
    for form in ("loop", "vectorized"):
        error = np.abs(getattr(expected_soft_q, form)(**inputs).next_state_value - np.einsum("...a,...a", prob, q))
        assert np.all(error <= reference.UNITS * reference.EPS * scale + 1e-300)


SOFTMAX = np.array([[[0.25, 3.0], [-1.0, 0.5], [2.0, 2.0]], [[-4.0, 1.0], [0.0, -2.0], [-3.0, 8.0]]])


@both
@pytest.mark.parametrize("alpha", [0.25, 1.0, 8.0])
def test_softmax_of_q_over_alpha_attains_the_soft_maximum(form, alpha):
    """alpha log sum exp(q / alpha) by SciPy, which no other policy exceeds; there the derivative is as if pi were
    normalized whatever is added to its logits: the same for every log-probability but for the factor pi."""
    q = SOFTMAX.min(axis=-1)
    log_probs = scipy.special.log_softmax(q / alpha, axis=-1)
    best = alpha * scipy.special.logsumexp(q / alpha, axis=-1)
    function = getattr(expected_soft_q, form)
    np.testing.assert_allclose(function(SOFTMAX, log_probs, alpha=alpha).next_state_value, best, rtol=0, atol=1e-14)
    for other in (np.zeros(3), np.array([0.0, 1.0, -2.0]), log_probs[::-1], 2 * log_probs):
        others = scipy.special.log_softmax(np.broadcast_to(other, (2, 3)), axis=-1)
        assert np.all(function(SOFTMAX, others, alpha=alpha).next_state_value < best)
    by = expected_soft_q.vjp((np.ones(2),), SOFTMAX, log_probs, alpha=alpha).next_log_probs
    np.testing.assert_allclose(by / np.exp(log_probs), (best - alpha)[:, None] * np.ones(3), rtol=0, atol=1e-13)


# Limits: target_policy_smoothing


@data
@pytest.mark.parametrize("quiet", ["policy_noise", "noise_clip"])
def test_without_noise_the_action_is_clipped(examples, quiet, data):
    inputs, _ = data.draw(examples(SMOOTHING))
    inputs |= {quiet: 0.0}
    clipped = np.minimum(np.maximum(inputs["next_action"], inputs["action_low"]), inputs["action_high"])
    for form in ("loop", "vectorized"):
        assert np.array_equal(getattr(target_policy_smoothing, form)(**inputs).next_action, clipped)


@data
def test_without_bounds_the_action_stays_within_c(examples, data):
    inputs, cotangents = data.draw(examples(SMOOTHING))
    inputs |= {"action_low": -INF, "action_high": INF}
    for form in ("loop", "vectorized"):
        moved = np.abs(getattr(target_policy_smoothing, form)(**inputs).next_action - inputs["next_action"])
        assert np.all(moved <= inputs["noise_clip"] + reference.EPS * (1 + np.abs(inputs["next_action"])))
    by = target_policy_smoothing.vjp(SMOOTHING.output(**cotangents), **inputs)
    assert np.array_equal(by.next_action, cotangents["next_action"])


# rlax: its targets of no reward, undiscounted


@data
def test_rlax_backs_up_the_same(examples, data):
    """q_learning, double_q_learning and expected_sarsa, with JAX's derivatives where nothing ties."""
    inputs, _ = data.draw(examples(DOUBLE_Q))
    target, online = (x.reshape(-1, x.shape[-1]) for x in inputs.values())
    zero = jnp.zeros(target.shape[-1])
    with jax.enable_x64(True):
        best = jax.vmap(lambda q: rlax.q_learning(zero, 0, 0.0, 1.0, q, stop_target_gradients=False))
        double = jax.vmap(lambda q, by: rlax.double_q_learning(zero, 0, 0.0, 1.0, q, by, stop_target_gradients=False))
        assert np.array_equal(best(target), max_q.vectorized(target).next_state_value)
        assert np.array_equal(double(target, online), double_q.vectorized(target, online).next_state_value)
        ones = np.ones(len(target))
        (by,) = jax.vjp(best, target)[1](ones)
        untied = np.sum(target == target.max(axis=-1, keepdims=True), axis=-1) == 1
        assert np.array_equal(by[untied], max_q.vjp((ones,), target).next_action_value[untied])
        by, _ = jax.vjp(double, target, online)[1](ones)
        assert np.array_equal(by, double_q.vjp((ones,), target, online).next_action_value)


@data
def test_rlax_expects_the_same(examples, data):
    """expected_sarsa of the soft values, for policies that are one."""
    inputs, _ = data.draw(examples(EXPECTED_SOFT_Q))
    q = np.nan_to_num(inputs["next_action_value"], neginf=1.0)
    log_probs = scipy.special.log_softmax(np.maximum(inputs["next_log_probs"], -700.0), axis=-1)
    inputs |= {"next_action_value": q, "next_log_probs": log_probs, "alpha": float(np.max(inputs["alpha"]))}
    soft = (q.min(axis=-1) - inputs["alpha"] * log_probs).reshape(-1, q.shape[-2])
    with jax.enable_x64(True):
        zero = jnp.zeros(q.shape[-2])
        expected = jax.vmap(lambda q, p: rlax.expected_sarsa(zero, 0, 0.0, 1.0, q, p))
        theirs = np.asarray(expected(soft, np.exp(log_probs).reshape(soft.shape))).reshape(q.shape[:-2])
    scale = reference.outputs(EXPECTED_SOFT_Q, inputs).scales["next_state_value"]
    ours = expected_soft_q.vectorized(**inputs).next_state_value
    assert np.all(np.abs(theirs - ours) <= 2 * reference.UNITS * reference.EPS * scale)


# Numbers that are hard to hold


@both
def test_a_temperature_of_1e_8_is_not_lost(form):
    """1e-8 of a log-probability of -800, beside a value of 0."""
    value = getattr(soft_min_q, form)([[0.0, 1.0]], [-800.0], alpha=1e-8).next_state_value
    assert value == [8e-6]
    value = getattr(expected_soft_q, form)(np.zeros((1, 2, 1)), np.log([[0.5, 0.5]]), alpha=1e-8).next_state_value
    np.testing.assert_allclose(value, [1e-8 * np.log(2)], rtol=4e-16)


@both
def test_an_action_that_underflows_counts_for_nothing(form):
    """e^-800 is 0 in float64; times 800 it still is; and nothing warns."""
    with np.errstate(all="raise", under="ignore"):
        value = getattr(expected_soft_q, form)([[[2.0], [1e300]]], [[0.0, -800.0]], alpha=1.0).next_state_value
        gradient = expected_soft_q.vjp(([1.0],), [[[2.0], [1e300]]], [[0.0, -800.0]], alpha=1.0)
    assert value == [2.0]
    assert gradient.next_action_value.ravel().tolist() == [1.0, 0.0]
    assert gradient.next_log_probs.tolist() == [[1.0, 0.0]]


@both
def test_what_float64_cannot_hold_is_infinite(form):
    """alpha log pi of 1e310, with the sign that it has, silently; the noise of 1e310 is clipped."""
    with np.errstate(all="raise"):
        for log_prob, expected in ((-1e300, INF), (1e300, -INF)):
            for page, more in ((soft_min_q, {}), (subset_min_q, {"subset": [0]})):
                assert getattr(page, form)([[0.0, 1.0]], [log_prob], alpha=1e10, **more).next_state_value == [expected]
        smoothed = getattr(target_policy_smoothing, form)([[1e308, 0.0]], [[1e300, -1e300]], policy_noise=1e10,
                                                          noise_clip=1e308, action_low=-1.0, action_high=2.0)
    assert smoothed.next_action.tolist() == [[2.0, -1.0]]


@both
def test_values_of_1e308_do_not_overflow(form):
    huge = np.array([[1e308, -1e308]])
    with np.errstate(all="raise"):
        assert getattr(max_q, form)(huge).next_state_value == [1e308]
        assert getattr(min_q, form)(huge).next_state_value == [-1e308]
        assert getattr(double_q, form)(huge, -huge).next_state_value == [-1e308]
        log_probs = np.log([[0.5, 0.5]])
        assert getattr(expected_soft_q, form)(huge[..., None], log_probs, alpha=0.0).next_state_value == [0.0]
