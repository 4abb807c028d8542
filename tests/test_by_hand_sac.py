"""One example a page, to be checked in the head: sac, sac_value, redq, discrete_sac. As tests/test_by_hand.py."""

from __future__ import annotations

import math

import numpy as np
from test_by_hand import both, equal

from rlref.losses import discrete_sac, redq, sac, sac_value

# Differences 2, 0 and 1/2, -1. The least Q of the policy's action: 3/2, the second critic's; -1, the first of a tie.
CRITICS = {"state_action_value": [[3.0, 1.0], [0.5, -1.0]], "value_target": [1.0, 0.0], "log_prob": [-0.5, 2.0],
           "policy_action_value": [[4.0, 1.5], [-1.0, -1.0]]}
HALF = math.log(0.5)  # whose exponential is 1/2 in float64
SAC = CRITICS | {"log_alpha": HALF, "target_entropy": -1.0}


@both
def test_sac(form):
    # alpha 1/2: -1/4 - 3/2, 1 + 1.  4 + 0, 1/4 + 1.  log 2 (-1/2 - 1), log 2 (2 - 1)
    equal(getattr(sac, form)(**SAC, loss_function="l2"), [-1.75, 2], [4, 1.25], [1.5 * HALF, -HALF], [2, 1], [0.5, -2])
    # |2| - 1/2, (1/2)^2 / 2 + |1| - 1/2
    assert getattr(sac, form)(**SAC, loss_function="smooth_l1").loss_qvalue.tolist() == [1.5, 0.625]


def test_sac_gradient():
    # loss_actor, times 1 and 3: alpha each; -1 for the least. loss_qvalue, times 1 and 2: 2 delta.
    # loss_alpha, times 1 and 4: -(-1/2 - 1) - 4 (2 - 1). The cotangents of td_error and entropy do nothing
    gradient = sac.vjp(([1, 3], [1, 2], [1, 4], [5, 5], [5, 5]), **SAC, loss_function="l2")
    equal(gradient.loss_actor, [0.5, 1.5], [[0, -1], [-3, 0]])
    equal(gradient.loss_qvalue, [[4, 0], [2, -4]])
    equal(gradient.loss_alpha, -2.5)


# The soft value is 3/2 + 1/4 and -1 - 1: V is a quarter too large, and right
VALUE = SAC | {"state_value": [2.0, -2.0]}


@both
def test_sac_value(form):
    equal(getattr(sac_value, form)(**VALUE, loss_function="l2"),
          [-1.75, 2], [4, 1.25], [1.5 * HALF, -HALF], [0.0625, 0], [2, 1], [0.5, -2])


def test_sac_value_gradient():
    # as sac, and 2 (1/4), times 8
    gradient = sac_value.vjp(([1, 3], [1, 2], [1, 4], [8, 8], [5, 5], [5, 5]), **VALUE, loss_function="l2")
    equal(gradient.loss_actor, [0.5, 1.5], [[0, -1], [-3, 0]])
    equal(gradient.loss_qvalue, [[4, 0], [2, -4]])
    equal(gradient.loss_alpha, -2.5)
    equal(gradient.loss_value, [4, 0])


@both
def test_redq(form):
    # -1/4 - 11/4, 1 + 1.  Halves of 4 and 5/4.  -1/2 (-1/2 - 1), -1/2 (2 - 1)
    equal(getattr(redq, form)(**SAC, loss_function="l2"), [-3, 2], [2, 0.625], [0.75, -0.5], [2, 1], [0.5, -2])


def test_redq_gradient():
    # half of each critic; loss_alpha is its own derivative: 3/4 - 4/2
    gradient = redq.vjp(([1, 3], [1, 2], [1, 4], [5, 5], [5, 5]), **SAC, loss_function="l2")
    equal(gradient.loss_actor, [0.5, 1.5], [[-0.5, -0.5], [-1.5, -1.5]])
    equal(gradient.loss_qvalue, [[2, 0], [1, -2]])
    equal(gradient.loss_alpha, -1.25)


# Step 0: action 1 for certain, the others masked, least Q 3; action 0 taken, 2 and 5 against 4.
# Step 1: probabilities 1/2, 1/2, and one masked, least Q 1 and 2 (and -64); action 1 taken, 2 and 3 against 2
DISCRETE = {"action_value": [[[2.0, 5.0], [3.0, 4.0], [-64.0, 1.0]], [[1.0, 1.0], [2.0, 3.0], [-64.0, 64.0]]],
            "action": [0, 1], "value_target": [4.0, 2.0],
            "log_probs": [[-np.inf, 0.0, -np.inf], [HALF, HALF, -np.inf]], "log_alpha": 0.0, "target_entropy": 0.5}


@both
def test_discrete_sac(form):
    # alpha 1: 0 - 3; log(1/2) - 1/2 - 1.  4 + 1, 0 + 1.  log alpha is 0
    equal(getattr(discrete_sac, form)(**DISCRETE, loss_function="l2"),
          [-3, HALF - 1.5], [5, 1], [0, 0], [2, 1], [0, -HALF])
    # log alpha 4: -4 (1/2 - 0), -4 (1/2 - log 2)
    assert getattr(discrete_sac, form)(**DISCRETE | {"log_alpha": 4.0}, loss_function="l2").loss_alpha.tolist() == [
        -2, -4 * (0.5 + HALF)]


def test_discrete_sac_gradient():
    # pi (log pi + 1 - min Q), times 2 and 4: (0 + 1 - 3); (log(1/2) + 1 - 1) / 2, (log(1/2) + 1 - 2) / 2; 0 if masked.
    # 2 delta at the action taken, times 1 and 3. -(1/2 - 0) - (1/2 - log 2), times 1 and 1
    gradient = discrete_sac.vjp(([2, 4], [1, 3], [1, 1], [5, 5], [5, 5]), **DISCRETE, loss_function="l2")
    equal(gradient.loss_actor, [[0, -4, 0], [2 * HALF, 2 * (HALF - 1), 0]])
    equal(gradient.loss_qvalue, [[[-4, 2], [0, 0], [0, 0]], [[0, 0], [0, 6], [0, 0]]])
    equal(gradient.loss_alpha, -1 - HALF)
