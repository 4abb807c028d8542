"""Losses over several critics or agents, with numbers by hand, by rlax and jax, and by IQL's own published lines."""

from __future__ import annotations

import numpy as np

from rlref.conformance.outside import HAND, RLAX, Outside, array

TWIN, TARGETS = array([0.5, 2], [-1, 0.25], [3, -2]), array(1, 0.5, -0.5)
TD3 = {"state_action_value": TWIN, "value_target": TARGETS, "policy_action_value": array(1, -2, 0)}

# V is a half below, a whole above, one and a half below and eight below the smaller target critic.
IQL = {"log_prob": array(-1.5, -0.25, -2, -0.75), "state_value": array(0.5, 0.5, 1, 2),
       "target_state_action_value": array([1, 1.25], [0, -0.5], [2.5, 4], [11, 10]),
       "state_action_value": array([1, 3], [0, 0], [2, 5], [4, 4]), "value_target": array(2, 1, 3, 4)}
CODE = "github.com/ikostrikov/implicit_q_learning on jax 0.10.2, float64: "

TEAM, TEAM_TARGETS = array([1, -2, 0.5], [0.25, 0.5, 4]), array(0.5, 4)
VDN = {"local_value": TEAM, "value_target": TEAM_TARGETS}

MIX = {"local_value": array([1, -2], [0.5, 1.5], [-1, 0.25]), "value_target": array(0, 1, -2),
       "hidden_weight": array([[1, -0.5], [0.25, 2]], [[-1, 0.5], [0.75, -0.25]], [[2, 1], [-1, 0.5]]),
       "hidden_bias": array([0.5, 1], [-0.25, 0.75], [0.25, -0.5]),
       "output_weight": array([1, -2], [0.5, 0.25], [-1.5, 1]), "output_bias": array(0.5, -1, 0.25)}
MIXED = [-0.33583000275220227, 0.03125, -1.662465163972609]
# x = 1/2 + 1 + 2/4 = 2 and 0 + 4 + 3/2 = 5.5; then -1 - 1 + 2 = 0, a tie of ELU, and 0 - 1/2 + 1 = 1/2
LINEAR = {"local_value": array([1, 2], [-1, 2]), "value_target": array(9, 0.5),
          "hidden_weight": array([[-1, 4], [0.25, -0.75]], [[1, 0.5], [1, -0.5]]),
          "hidden_bias": array([0.5, 0], [-1, 0]), "output_weight": array([1, -1], [3, -1]),
          "output_bias": array(-0.5, 1)}

OUTSIDE: tuple[Outside, ...] = (
    Outside("losses.td3", "rlax-l2", "two critics, squared",
            RLAX + "sum over critics of 2 * l2_loss(q - target)", 0.0, TD3 | {"loss_function": "l2"},
            {"loss_actor": [-1, 2, 0], "loss_qvalue": [1.25, 2.3125, 14.5], "td_error": [1, 1.5, 3.5]}),
    Outside("losses.td3", "rlax-huber", "the same with the Huber loss",
            RLAX + "sum over critics of huber_loss(q - target, 1)", 0.0, TD3 | {"loss_function": "smooth_l1"},
            {"loss_actor": [-1, 2, 0], "loss_qvalue": [0.625, 1.03125, 4], "td_error": [1, 1.5, 3.5]}),
    Outside("losses.td3", "hand-l1", "the same with absolute values",
            HAND + "1/2 + 1; 3/2 + 1/4; 7/2 + 3/2. The larger of each is td_error", 0.0, TD3 | {"loss_function": "l1"},
            {"loss_actor": [-1, 2, 0], "loss_qvalue": [1.5, 1.75, 5], "td_error": [1, 1.5, 3.5]}),
    Outside("losses.iql", "authors-code", "temperature 3, expectile 0.7; the last weight is at its ceiling",
            CODE + "exp_a = minimum(exp((q - v) * temperature), 100); -(exp_a * log_probs); "
            "where(diff > 0, expectile, 1 - expectile) * diff**2", 1e-13,
            IQL | {"temperature": 3.0, "expectile": 0.7, "loss_function": "l2"},
            {"loss_actor": [6.722533605507097, 0.012446767091965986, 180.03426260104362, 75.0],
             "loss_value": [0.175, 0.30000000000000004, 1.575, 44.8]}),
    Outside("losses.iql", "hand-cloning", "temperature 0: -log pi; expectile 3/4 of squares 1/4, 1, 9/4, 64",
            HAND + "3/4 * 1/4, 1/4 * 1, 3/4 * 9/4, 3/4 * 64; critics miss by -1 1, -1 -1, -1 2, 0 0", 0.0,
            IQL | {"temperature": 0.0, "expectile": 0.75, "loss_function": "l2"},
            {"loss_actor": [1.5, 0.25, 2, 0.75], "loss_value": [0.1875, 0.25, 1.6875, 48],
             "loss_qvalue": [2, 2, 5, 0], "td_error": [1, 1, 2, 0]}),
    Outside("losses.iql", "hand-ceiling", "temperature 64: weights of e^32, e^-64, e^96, e^512, a ceiling of 100",
            HAND + "100 * 3/2, e^-64 / 4, 100 * 2, 100 * 3/4", 1e-27,
            IQL | {"temperature": 64.0, "expectile": 0.25, "loss_function": "smooth_l1"},
            {"loss_actor": [150, 0.25 * 1.603810890548638e-28, 200, 75], "loss_value": [0.0625, 0.75, 0.5625, 16],
             "loss_qvalue": [1, 1, 2, 0], "td_error": [1, 1, 2, 0]}),
    Outside("losses.vdn", "rlax-l2", "three agents, sums of -0.5 and 4.75",
            RLAX + "2 * l2_loss(sum(q) - target)", 0.0, VDN | {"loss_function": "l2"},
            {"loss": [1, 0.5625], "td_error": [1, 0.75], "global_value": [-0.5, 4.75]}),
    Outside("losses.vdn", "rlax-huber", "the same with the Huber loss",
            RLAX + "huber_loss(sum(q) - target, 1)", 0.0, VDN | {"loss_function": "smooth_l1"},
            {"loss": [0.5, 0.28125], "td_error": [1, 0.75], "global_value": [-0.5, 4.75]}),
    Outside("losses.vdn", "hand-l1", "the same with absolute values", HAND + "|-1/2 - 1/2|, |19/4 - 4|", 0.0,
            VDN | {"loss_function": "l1"}, {"loss": [1, 0.75], "td_error": [1, 0.75], "global_value": [-0.5, 4.75]}),
    Outside("losses.qmix", "jax-elu-l2", "two agents, two hidden units, weights of both signs",
            "jax 0.10.2, float64: einsum('bg,bgh->bh', q, abs(W)) + b, jax.nn.elu, abs(w); rlax 0.1.9: "
            "2 * l2_loss(Q_tot - target)", 1e-15, MIX | {"loss_function": "l2"},
            {"global_value": MIXED, "loss": [0.11278179074854422, 0.9384765625, 0.11392976553203779],
             "td_error": np.abs(np.array(MIXED) - MIX["value_target"])}),
    Outside("losses.qmix", "jax-elu-huber", "the same with the Huber loss",
            "jax 0.10.2, float64: einsum('bg,bgh->bh', q, abs(W)) + b, jax.nn.elu, abs(w); rlax 0.1.9: "
            "huber_loss(Q_tot - target, 1)", 1e-15, MIX | {"loss_function": "smooth_l1"},
            {"global_value": MIXED, "loss": [0.05639089537427211, 0.46923828125, 0.056964882766018896]}),
    Outside("losses.qmix", "hand-linear", "no hidden unit below 0, two weights negative, one unit at 0",
            HAND + "x = 2 and 5.5, Q_tot = 2 + 5.5 - 0.5 = 7; x = 0 and 0.5, Q_tot = 0.5 + 1 = 1.5", 0.0,
            LINEAR | {"loss_function": "l2"},
            {"global_value": [7, 1.5], "loss": [4, 1], "td_error": [2, 1]}),
)
