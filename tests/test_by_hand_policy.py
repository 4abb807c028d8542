"""One example a page, to be checked in the head: policy gradients. As tests/test_by_hand.py.

log r is 0, or so large or small that the clip, or -inf, makes a power of two of it.
"""

from __future__ import annotations

import numpy as np
from test_by_hand import both, equal

from rlref.losses import a2c, clip_ppo, kl_penalty_ppo, ppo, reinforce

INF = np.inf

# V - G = 2 and -1/2: l2 gives 4 and 1/4, smooth_l1 3/2 and 1/8; slopes 4 and -1, 1 and -1/2
VALUES = {"state_value": [3.0, 0.0], "value_target": [1.0, 0.5]}

# reinforce: -(-1)(4), -(-2)(-1/2)
REINFORCE = {"log_prob": [-1.0, -2.0], "advantage": [4.0, -0.5], **VALUES}


@both
def test_reinforce(form):
    equal(getattr(reinforce, form)(**REINFORCE, loss_function="l2"), [4, -1], [4, 0.25])
    equal(getattr(reinforce, form)(**REINFORCE, loss_function="smooth_l1"), [4, -1], [1.5, 0.125])


def test_reinforce_gradient():
    # -A times the cotangents 1 and 2; the slopes 4 and -1 times 1 and 3
    gradient = reinforce.vjp(([1, 2], [1, 3]), **REINFORCE, loss_function="l2")
    equal(gradient.loss_actor, [-4, 1])
    equal(gradient.loss_value, [4, -3])


# a2c: the same; -H/2 of 1 and -4; the critic times 2
A2C = {**REINFORCE, "entropy": [1.0, -4.0], "entropy_coeff": 0.5, "critic_coeff": 2.0, "loss_function": "l2"}


@both
def test_a2c(form):
    equal(getattr(a2c, form)(**A2C), [4, -1], [-0.5, 2], [8, 0.5])


def test_a2c_gradient():
    gradient = a2c.vjp(([1, 2], [1, 3], [1, 3]), **A2C)
    equal(gradient.loss_objective, [-4, 1])
    equal(gradient.loss_entropy, [-0.5, -1.5])
    equal(gradient.loss_critic, [8, -6])


# ppo: r = 1, 1, 0, and e^900 of an action with no advantage, next to which all other ratios are 0: ESS = 1/4
REST = {"entropy": [1.0, -4.0, 2.0, 0.0], "state_value": [3.0, 0.0, 1.0, 1.0], "value_target": [1.0, 0.5, 1.0, 2.0],
        "entropy_coeff": 0.5, "critic_coeff": 2.0, "loss_function": "l2"}
ENTROPIES, CRITICS = [-0.5, 2, -1, 0], [8, 0.5, 0, 2]
PPO = {"log_prob": [-1.0, -3.0, -INF, 400.0], "sample_log_prob": [-1.0, -3.0, -1.0, -500.0],
       "advantage": [4.0, -0.5, 8.0, 0.0], **REST}


@both
def test_ppo(form):
    equal(getattr(ppo, form)(**PPO), [-4, 0.5, 0, 0], ENTROPIES, CRITICS, [0, 0, INF, -900], 0.25)
    half = {"log_prob": [-1.0, -3.0, -INF, -2000.0], "sample_log_prob": [-1.0, -3.0, -1.0, -1.0]}  # r = 1, 1, 0, 0
    equal(getattr(ppo, form)(**PPO | half), [-4, 0.5, 0, 0], ENTROPIES, CRITICS, [0, 0, INF, 1999], 0.5)


def test_ppo_gradient():
    gradient = ppo.vjp(([1, 2, 3, 4], [1, 3, 0, 0], [1, 3, 1, 1], [7] * 4, 7), **PPO)
    equal(gradient.loss_objective, [-4, 1, 0, 0])
    equal(gradient.loss_entropy, [-0.5, -1.5, 0, 0])
    equal(gradient.loss_critic, [8, -6, 0, -4])


# clip_ppo, eps 1/2 down and 1 up. r = e^900 is clipped to 2 where A > 0: -2 x 4. r = 0 to 1/2 where A < 0: 1/2 x 8.
# r = 0 where A > 0 is not: 0. r = 1 is not: -A. The largest ratio outweighs all others: ESS = 1/4.
CLIP_PPO = {"log_prob": [400.0, -INF, -INF, -3.0], "sample_log_prob": [-500.0, -1.0, -1.0, -3.0],
            "advantage": [4.0, -8.0, 8.0, 0.5], **REST, "clip_epsilon": [0.5, 1.0]}


@both
def test_clip_ppo(form):
    equal(getattr(clip_ppo, form)(**CLIP_PPO), [-8, 4, 0, -0.5], ENTROPIES, CRITICS, [-900, INF, INF, 0], [1, 1, 1, 0],
          0.25)
    # eps 1/4 on both sides: 5/4 x 4, 3/4 x 8
    equal(getattr(clip_ppo, form)(**CLIP_PPO | {"clip_epsilon": 0.25}), [-5, 6, 0, -0.5], ENTROPIES, CRITICS,
          [-900, INF, INF, 0], [1, 1, 1, 0], 0.25)


def test_clip_ppo_gradient():
    # flat, flat, r = 0, and -r A = -1/2 times the cotangent 3
    gradient = clip_ppo.vjp(([1, 2, 1, 3], [1, 3, 0, 0], [1, 3, 1, 1], [7] * 4, [7] * 4, 7), **CLIP_PPO)
    equal(gradient.loss_objective, [0, 0, 0, -1.5])
    equal(gradient.loss_entropy, [-0.5, -1.5, 0, 0])
    equal(gradient.loss_critic, [8, -6, 0, -4])


# kl_penalty_ppo, beta 1/2: -r A + KL/2, with the ratios of ppo. The mean KL is (2 + 1 + 4 + 1)/4 = 2, above 1.5.
KL_PENALTY_PPO = {**PPO, "kl": [2.0, 1.0, 4.0, 1.0], "beta": 0.5, "dtarg": 1.0, "increment": 2.0, "decrement": 0.25}


@both
def test_kl_penalty_ppo(form):
    terms = [-3, 1, 2, 0.5], ENTROPIES, CRITICS, [0, 0, INF, -900]
    page = getattr(kl_penalty_ppo, form)
    equal(page(**KL_PENALTY_PPO), *terms, 1)
    equal(page(**KL_PENALTY_PPO | {"dtarg": 2.0}), *terms, 0.5)
    equal(page(**KL_PENALTY_PPO | {"dtarg": 4.0}), *terms, 0.125)


def test_kl_penalty_ppo_gradient():
    # beta = 1/2 times the cotangents by KL, though beta is to be 1
    gradient = kl_penalty_ppo.vjp(([1, 2, 3, 4], [1, 3, 0, 0], [1, 3, 1, 1], [7] * 4, 7), **KL_PENALTY_PPO)
    equal(gradient.loss_objective, [-4, 1, 0, 0], [0.5, 1, 1.5, 2])
    equal(gradient.loss_entropy, [-0.5, -1.5, 0, 0])
    equal(gradient.loss_critic, [8, -6, 0, -4])
