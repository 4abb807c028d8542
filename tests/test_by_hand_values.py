"""One example a page, to be checked in the head: distance, dqn, ddpg. As tests/test_by_hand.py."""

from __future__ import annotations

import numpy as np
import pytest
from test_by_hand import both, equal

from rlref.losses import ddpg, distance, dqn

# distance: u = 0, 1/2, -1, 3
DISTANCE = {"input": [1.0, 2.5, 1.0, 5.0], "target": [1.0, 2.0, 2.0, 2.0]}
EXPECTED = {"l1": [0, 0.5, 1, 3], "l2": [0, 0.25, 1, 9], "smooth_l1": [0, 0.125, 0.5, 2.5]}
SLOPES = {"l1": [0, 1, -1, 1], "l2": [0, 1, -2, 6], "smooth_l1": [0, 0.5, -1, 1]}
each = pytest.mark.parametrize("loss_function", EXPECTED)


@each
@both
def test_distance(form, loss_function):
    equal(getattr(distance, form)(**DISTANCE, loss_function=loss_function), EXPECTED[loss_function])


@each
def test_distance_gradient(loss_function):
    by = np.array(SLOPES[loss_function])
    equal(distance.vjp(([2.0] * 4,), **DISTANCE, loss_function=loss_function), 2 * by, -2 * by)


# dqn: Q(s, a) = 3 and 0, targets 1 and 0.5: delta = 2 and -1/2
DQN = {"action_value": [[1.0, 3.0], [0.0, 8.0]], "action": [1, 0], "value_target": [1.0, 0.5]}


@both
def test_dqn(form):
    equal(getattr(dqn, form)(**DQN, loss_function="l2"), [4, 0.25], [2, 0.5])
    equal(getattr(dqn, form)(**DQN, loss_function="smooth_l1"), [1.5, 0.125], [2, 0.5])


def test_dqn_gradient():
    # 2 delta = 4 and -1, times the cotangents 1 and 3, at the actions taken; td_error's cotangent does nothing
    equal(dqn.vjp(([1, 3], [5, 5]), **DQN, loss_function="l2"), [[0, 4], [-3, 0]])


# ddpg: delta = 2 and -1/2 again
DDPG = {"state_action_value": [3.0, 0.0], "value_target": [1.0, 0.5], "policy_action_value": [7.0, -2.0]}


@both
def test_ddpg(form):
    equal(getattr(ddpg, form)(**DDPG, loss_function="l2"), [-7, 2], [4, 0.25], [2, 0.5])


def test_ddpg_gradient():
    gradient = ddpg.vjp(([1, 2], [1, 3], [5, 5]), **DDPG, loss_function="l2")
    equal(gradient.loss_actor, [-1, -2])
    equal(gradient.loss_value, [4, -3])
