"""Right programs in other conventions. Each must be found right, and accused of no known mistake."""

from __future__ import annotations

import numpy as np
import pytest
from mistaken import error, same, tried
from scipy.signal import lfilter

from rlref.conformance import reference
from rlref.conformance.mistakes import known, unchecked
from rlref.pages import find

LOOKALIKES = []


def everything(x):
    return x


def lookalike(page, resembles, narrow=everything):
    """Register a program that must equal ``page`` on what ``narrow`` makes of its cases (None: not this one)."""
    def register(function):
        LOOKALIKES.append(pytest.param(find(page), resembles, narrow, function, id=f"{page}:{function.__name__}"))
        return function
    return register


def full(x, name):
    return np.broadcast_to(x[name], x["reward"].shape)


def unread(x):
    """Some value where none is read, as a network would give, for programs that multiply by masks."""
    return x | {"next_state_value": np.where(x["terminated"], 7.0, x["next_state_value"])}


def one_rollout(x):
    """V(s'_t) = V(s_{t+1}), and ends that are terminations only, but for the last step."""
    following = np.concatenate([x["state_value"][1:], unread(x)["next_state_value"][-1:]])
    done = x["terminated"].copy()
    return x | {"next_state_value": following, "done": done}


def rolling(x):
    return unread(x) if x["rolling_gamma"] else None


def one_episode_a_row(x):
    if not x["rolling_gamma"]:
        return None
    last = {name: np.concatenate([np.zeros_like(x[name][:-1]), x[name][-1:]]) for name in ("done", "terminated")}
    return one_rollout(x | last)


def one_endless_episode(x):
    return None if np.ndim(x["gamma"]) else x | {"done": np.zeros_like(x["done"])}


def backwards(x, step, later):
    """later = step(t, later) from the last step to the first; all of them."""
    out = np.empty(x["reward"].shape)
    for t in reversed(range(len(out))):
        out[t] = later = step(t, later)
    return out


@lookalike("gae", "no-termination-mask")
def unmasked_delta_with_values_masked_before(x):  # ok-tianshou-gae-unmasked-delta
    v_next = np.where(x["terminated"], 0.0, x["next_state_value"])
    delta = x["reward"] + v_next * x["gamma"] - x["state_value"]
    discount = (1.0 - x["done"]) * (x["gamma"] * x["lmbda"])
    advantage = backwards(x, lambda t, gae: delta[t] + discount[t] * gae, 0.0)
    return advantage, advantage + x["state_value"]


@lookalike("gae", "done-read-one-step-late", one_rollout)
def done_of_t_plus_1(x):  # ok-cleanrl-done-t-plus-1: dones[t] says that observation t starts an episode
    dones = np.concatenate([np.zeros_like(x["done"][:1]), x["done"][:-1]]).astype(float)
    next_done, next_value, last = x["done"][-1], x["next_state_value"][-1], len(dones) - 1
    gamma, lmbda, values = full(x, "gamma"), full(x, "lmbda"), x["state_value"]

    def step(t, lastgaelam):
        nonterminal = 1.0 - (next_done if t == last else dones[t + 1])
        nextvalues = next_value if t == last else values[t + 1]
        delta = x["reward"][t] + gamma[t] * nextvalues * nonterminal - values[t]
        return delta + gamma[t] * lmbda[t] * nonterminal * lastgaelam

    advantage = backwards(x, step, 0.0)
    return advantage, advantage + values


@lookalike("gae", "last-advantage-zero", one_rollout)
def no_lambda_at_the_last_step(x):  # ok-rlax-gae-last-step: T + 1 values
    values = np.concatenate([x["state_value"], x["next_state_value"][-1:]])
    discount = x["gamma"] * (1.0 - x["terminated"])
    delta = x["reward"] + discount * values[1:] - values[:-1]
    advantage = backwards(x, lambda t, acc: delta[t] + (discount * x["lmbda"])[t] * acc, 0.0)
    return advantage, advantage + values[:-1]


@lookalike("gae", "gae-carry-seeded-with-bootstrap", one_rollout)
def lambda_return_minus_value(x):  # ok-lambda-return-seeded: with the last value, as in Dreamer
    discount, following = x["gamma"] * (1.0 - x["terminated"]), x["next_state_value"]
    interim = x["reward"] + discount * following * (1 - x["lmbda"])
    value_target = backwards(x, lambda t, later: interim[t] + (discount * x["lmbda"])[t] * later, following[-1])
    return value_target - x["state_value"], value_target


@lookalike("gae", "timeout-bootstraps-current-state")
def timeout_patched_into_the_reward(x):  # Isaac Gym's way, but with V(s'_t)
    patched = x["reward"] + np.where(x["done"] & ~x["terminated"], x["gamma"] * x["next_state_value"], 0.0)
    following = np.where(x["done"], 0.0, x["next_state_value"])
    going_on = 1.0 - x["done"]
    delta = patched + x["gamma"] * following - x["state_value"]
    advantage = backwards(x, lambda t, gae: delta[t] + (x["gamma"] * x["lmbda"] * going_on)[t] * gae, 0.0)
    return advantage, advantage + x["state_value"]


@lookalike("td_lambda", "one-minus-lambda-missing", rolling)
def seeded_with_the_last_value(x):  # ok-lambda-return-seeded: as in torchrl
    gamma, lmbda, done = full(x, "gamma"), full(x, "lmbda"), x["done"].astype(float)
    following = x["next_state_value"] * (1.0 - x["terminated"])

    def step(t, g):
        g = (1 - done[t]) * g + done[t] * following[t]
        return x["reward"][t] + gamma[t] * ((1 - lmbda[t]) * following[t] + lmbda[t] * g)

    value_target = backwards(x, step, following[-1])
    return value_target - x["state_value"], value_target


@lookalike("td_lambda", "no-termination-mask", one_episode_a_row)
def time_limit_not_stored_as_terminated(x):  # ok-pymarl-terminated: False where the limit cut it
    gamma, lmbda = full(x, "gamma"), full(x, "lmbda")
    seed = x["next_state_value"][-1] * (1.0 - x["terminated"].sum(axis=0))
    value_target = backwards(x, lambda t, ret: lmbda[t] * gamma[t] * ret + x["reward"][t] + (1 - lmbda[t]) * gamma[t]
                             * x["next_state_value"][t] * (1.0 - x["terminated"][t]), seed)
    return value_target - x["state_value"], value_target


@lookalike("td1", "nstep-bootstrap-gamma-not-powered")
def powers_of_gamma(x):  # n-step returns, each summed by itself
    gamma, value_target = full(x, "gamma"), np.zeros(x["reward"].shape)
    for index in np.ndindex(value_target.shape):
        discount, (start, *column) = 1.0, index
        for t in range(start, len(value_target)):
            at = (t, *column)
            value_target[index] += discount * x["reward"][at]
            discount *= gamma[at if x["rolling_gamma"] else index]
            if x["done"][at] or t == len(value_target) - 1:
                if not x["terminated"][at]:
                    value_target[index] += discount * x["next_state_value"][at]
                break
    return value_target - x["state_value"], value_target


@lookalike("td0", "no-termination-mask", unread)
def discount_zero_at_the_end(x):  # dm_env
    discount = np.where(x["terminated"], 0.0, x["gamma"])
    value_target = x["reward"] + discount * x["next_state_value"]
    return value_target - x["state_value"], value_target


@lookalike("vtrace", "ratio-inverted")
def negative_log_probabilities(x):  # ok-neglogp-ratio: old minus new
    neglogp, old_neglogp = -x["log_pi"], -x["log_mu"]
    with np.errstate(over="ignore"):
        ratio = np.exp(old_neglogp - neglogp)
    rho, c = np.minimum(x["rho_thresh"], ratio), np.minimum(x["c_thresh"], ratio)
    gamma, values = full(x, "gamma"), x["state_value"]
    following = np.where(x["terminated"], 0.0, x["next_state_value"])
    delta = rho * (x["reward"] + gamma * following - values)
    trace = gamma * c * (1.0 - x["done"])
    vs = values + backwards(x, lambda t, acc: delta[t] + trace[t] * acc, 0.0)
    ahead = np.where(x["done"], following, np.concatenate([vs[1:], following[-1:]]))
    return rho * (x["reward"] + gamma * ahead - values), vs


@lookalike("vtrace", "vtrace-c-clipped-at-rho-bar", one_rollout)
def discount_and_bootstrap_value(x):  # IMPALA's own program
    discounts, bootstrap_value = x["gamma"] * (1.0 - x["terminated"]), x["next_state_value"][-1:]
    with np.errstate(over="ignore"):
        rhos = np.exp(x["log_pi"] - x["log_mu"])
    clipped, cs, values = np.minimum(x["rho_thresh"], rhos), np.minimum(x["c_thresh"], rhos), x["state_value"]
    deltas = clipped * (x["reward"] + discounts * np.concatenate([values[1:], bootstrap_value]) - values)
    vs = values + backwards(x, lambda t, acc: deltas[t] + discounts[t] * cs[t] * acc, 0.0)
    following = np.concatenate([vs[1:], bootstrap_value])
    return clipped * (x["reward"] + discounts * following - values), vs


@lookalike("reward_to_go", "done-ignored")
def one_trajectory_at_a_time(x):
    gamma, out = full(x, "gamma"), np.empty(x["reward"].shape)
    for column in np.ndindex(out.shape[1:]):
        ends = np.flatnonzero(x["done"][(slice(None), *column)]) + 1
        for rows in np.split(np.arange(len(out)), ends):
            later = 0.0
            for t in rows[::-1]:
                out[(t, *column)] = later = x["reward"][(t, *column)] + gamma[(t, *column)] * later
    return (out,)


@lookalike("reward_to_go", "time-reversed", one_endless_episode)
def discount_cumsum(x):  # Spinning Up
    return (lfilter([1], [1, -x["gamma"]], x["reward"][::-1], axis=0)[::-1],)


@lookalike("standardize", "advnorm-divides-by-variance")
def whitened_by_the_reciprocal(x):
    advantage = x["advantage"]
    return ((advantage - np.mean(advantage)) * (1 / max(np.std(advantage, ddof=x["ddof"]), x["std_min"])),)


@pytest.mark.parametrize(("page", "resembles", "narrow", "function"), LOOKALIKES)
def test_a_lookalike_is_right_and_no_mistake(page, resembles, narrow, function):
    first, then, _ = tried(page.name)
    judged = []
    for case in first + then:
        if (inputs := narrow(case.inputs)) is not None:
            expected = reference.outputs(page, inputs)
            got = dict(zip(page.outputs, function(inputs), strict=True))
            assert error(got, expected) <= reference.UNITS, case.id
            judged.append((inputs, got, expected))
    assert len(judged) >= 20
    # On narrowed cases some mistakes are not to be seen, in any program; but the one that it was taken for is.
    for name in known(page.name) if narrow is everything else [resembles]:
        wrong = known(page.name)[name].apply(unchecked(page))
        alike = [same(wrong(**inputs)._asdict(), got, expected) for inputs, got, expected in judged]
        assert not all(alike), f"accused of {name}"
