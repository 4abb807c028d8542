"""Distances and the losses of value-based control as others have printed them."""

from __future__ import annotations

import numpy as np

from rlref.conformance.outside import HAND, RLAX, Outside, array

DIFFERENCES = array(-2, -1, -0.5, 0, 0.5, 1, 2)
OF_ZERO = {"input": DIFFERENCES, "target": np.zeros(7)}
Q_VALUES, ACTIONS = array([1, 1, 0], [1, 2, 0]), np.array([0, 1])

OUTSIDE: tuple[Outside, ...] = (
    Outside("losses.distance", "rlax-huber", "the Huber loss with delta 1", RLAX + "huber_loss(x, 1)", 0.0,
            OF_ZERO | {"loss_function": "smooth_l1"}, {"loss": [1.5, 0.5, 0.125, 0, 0.125, 0.5, 1.5]}),
    Outside("losses.distance", "rlax-l2", "half of the square, so twice it", RLAX + "2 * l2_loss(x)", 0.0,
            OF_ZERO | {"loss_function": "l2"}, {"loss": [4, 1, 0.25, 0, 0.25, 1, 4]}),
    Outside("losses.distance", "hand-l1", "the size of the difference", HAND + "|x - y|", 0.0,
            OF_ZERO | {"loss_function": "l1"}, {"loss": [2, 1, 0.5, 0, 0.5, 1, 2]}),
    Outside("losses.dqn", "rlax-q-learning", "rewards -1 and 1, discounts 0 and 1, max Q(s') 2 and 2",
            RLAX + "q_learning(q_tm1, a_tm1, [-1, 1], [0, 1], [[0, 1, 2], [1, 2, 0]]) = target - Q, squared", 0.0,
            {"action_value": Q_VALUES, "action": ACTIONS, "value_target": array(-1, 3), "loss_function": "l2"},
            {"loss": [4, 1], "td_error": [2, 1]}),
    Outside("losses.dqn", "rlax-sarsa-huber", "the same values, targets of 4 and 2.25",
            RLAX + "huber_loss(q[a] - target, 1)", 0.0,
            {"action_value": Q_VALUES, "action": ACTIONS, "value_target": array(4, 2.25),
             "loss_function": "smooth_l1"}, {"loss": [2.5, 0.03125], "td_error": [3, 0.25]}),
    Outside("losses.dqn", "hand-l1", "three actions", HAND + "|5 - 2|, |-1 - 2|", 0.0,
            {"action_value": array([5, 7, 9], [3, 4, -1]), "action": np.array([0, 2]), "value_target": array(2, 2),
             "loss_function": "l1"}, {"loss": [3, 3], "td_error": [3, 3]}),
    Outside("losses.ddpg", "hand-l2", "Q 3 and 1, targets 1 and 1.5", HAND + "2^2, (1/2)^2; actor -4, 2", 0.0,
            {"state_action_value": array(3, 1), "value_target": array(1, 1.5), "policy_action_value": array(4, -2),
             "loss_function": "l2"}, {"loss_actor": [-4, 2], "loss_value": [4, 0.25], "td_error": [2, 0.5]}),
    Outside("losses.ddpg", "hand-smooth-l1", "the same", HAND + "2 - 1/2, (1/2)^2 / 2", 0.0,
            {"state_action_value": array(3, 1), "value_target": array(1, 1.5), "policy_action_value": array(4, -2),
             "loss_function": "smooth_l1"}, {"loss_actor": [-4, 2], "loss_value": [1.5, 0.125], "td_error": [2, 0.5]}),
    Outside("losses.ddpg", "hand-l1", "the same", HAND + "|2|, |-1/2|", 0.0,
            {"state_action_value": array(3, 1), "value_target": array(1, 1.5), "policy_action_value": array(4, -2),
             "loss_function": "l1"}, {"loss_actor": [-4, 2], "loss_value": [2, 0.5], "td_error": [2, 0.5]}),
)
