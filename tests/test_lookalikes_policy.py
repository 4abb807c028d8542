"""Right programs of clipped PPO in other conventions: found right, and accused of no known mistake."""

from __future__ import annotations

import numpy as np
import pytest
from mistaken import error, same, tried
from scipy.special import logsumexp

from rlref.conformance import reference
from rlref.conformance.mistakes import known, unchecked
from rlref.pages import find

PAGE = find("clip_ppo")
OF_FAR_RATIOS = ("log-ratio-clamped", "approx-kl-of-clamped-ratio", "ess-of-vanishing-ratios")  # not tried here


def rest(x, loss_objective):
    """The other outputs, as any of these programs has them."""
    (low, high), log_ratio = pair(x), (x["log_prob"] - x["sample_log_prob"]).ravel()
    difference = np.abs(x["state_value"] - x["value_target"])
    distance = {"l1": difference, "l2": difference**2,
                "smooth_l1": np.where(difference < 1, difference**2 / 2, difference - 0.5)}[x["loss_function"]]
    ess = np.exp(2 * logsumexp(log_ratio) - logsumexp(2 * log_ratio))
    ratio = np.exp(x["log_prob"] - x["sample_log_prob"])
    return {"loss_objective": loss_objective, "loss_entropy": -x["entropy_coeff"] * x["entropy"],
            "loss_critic": x["critic_coeff"] * distance, "kl_approx": x["sample_log_prob"] - x["log_prob"],
            "clip_fraction": ((ratio < 1 - low) | (ratio > 1 + high)).astype(float),
            "ESS": np.asarray(ess / log_ratio.size)}


def pair(x):
    return np.broadcast_to(x["clip_epsilon"], 2)


def maximum_of_losses(x):  # ok-ppo-max-of-losses and ok-neglogp-ratio, as in baselines
    (low, high), neglogp, old_neglogp = pair(x), -x["log_prob"], -x["sample_log_prob"]
    ratio = np.exp(old_neglogp - neglogp)
    losses, losses2 = -x["advantage"] * ratio, -x["advantage"] * np.clip(ratio, 1 - low, 1 + high)
    return rest(x, np.maximum(losses, losses2))


def one_sided_clamp(x):  # ok-one-sided-ppo-clamp: from above where A >= 0, from below where A < 0, as torchrl once did
    (low, high), ratio = pair(x), np.exp(x["log_prob"] - x["sample_log_prob"])
    clamped = np.where(x["advantage"] >= 0, np.minimum(ratio, 1 + high), np.maximum(ratio, 1 - low))
    return rest(x, -clamped * x["advantage"])


def bound_of_the_advantage(x):  # Spinning Up's g(eps, A)
    (low, high), ratio = pair(x), np.exp(x["log_prob"] - x["sample_log_prob"])
    bound = np.where(x["advantage"] > 0, 1 + high, 1 - low) * x["advantage"]
    return rest(x, -np.minimum(ratio * x["advantage"], bound))


@pytest.mark.parametrize("function", [maximum_of_losses, one_sided_clamp, bound_of_the_advantage])
def test_a_lookalike_is_right_and_no_mistake(function):
    first, then, _ = tried(PAGE.name)
    judged = []
    for x in (case.inputs for case in first + then):
        log_ratio = x["log_prob"] - x["sample_log_prob"]
        if np.abs(log_ratio).max() < 700:  # they take the exponential of it, come what may
            expected, got = reference.outputs(PAGE, x), function(x)
            assert error(got, expected) <= reference.UNITS
            judged.append((x, got, expected))
    assert len(judged) >= 20
    for name, one in known(PAGE.name).items():
        if not one.gradient and name not in OF_FAR_RATIOS:
            wrong = one.apply(unchecked(PAGE))
            accused = all(same(wrong(**x)._asdict(), got, expected) for x, got, expected in judged)
            assert not accused, f"accused of {name}"
