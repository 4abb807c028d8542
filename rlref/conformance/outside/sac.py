"""Soft actor-critics with numbers by hand, by rlax, and by the lines that others publish, run in float64."""

from __future__ import annotations

import numpy as np

from rlref.conformance.outside import HAND, RLAX, Outside, array

TORCH = "on torch 2.13.0, float64, without the mean over the batch: "
SB3 = f"stable-baselines3, sac/sac.py, {TORCH}"
AUTHORS = f"github.com/watchernyu/REDQ, redq/algos/redq_sac.py, {TORCH}"
PRANZ = f"github.com/pranz24/pytorch-soft-actor-critic, branch SAC_V, {TORCH}"
CLEANRL = f"cleanrl, sac_atari.py, {TORCH}"

# Differences 2, 0 and 1, -1; the least Q of the policy's action is 3/2 and -1; alpha is 1.
HALVES = {"state_action_value": array([3, 1], [0, -2]), "value_target": array(1, -1), "log_prob": array(-0.5, 1.5),
          "policy_action_value": array([2, 1.5], [-1, 4]), "log_alpha": 0.0, "target_entropy": -1.0}
# Differences -1/2, 1/2; 0, -3/2; 2, 2
TENTHS = {"state_action_value": array([1, 2], [0.5, -1], [3, 3]), "value_target": array(1.5, 0.5, 1),
          "log_prob": array(-1.2, 0.3, -0.7), "policy_action_value": array([0.7, 0.4], [-0.2, 1.1], [2, 2]),
          "log_alpha": -0.5, "target_entropy": -2.0}
SQUARED = {"loss_function": "l2"}
HUBER = {"loss_function": "smooth_l1"}
TEMPERATURE = "-(log_ent_coef * (log_prob + target_entropy)); ent_coef * log_prob - min_qf_pi"

# log_softmax of (0.5, -1, 2) and of three equal logits
LOG_PROBS = array([-1.7413112966571571, -3.241311296657157, -0.24131129665715703], [-1.0986122886681098] * 3)
ATARI = {"action_value": np.stack([array([1, 0, -1], [2, 2.5, 3]), array([0.5, 0.25, 1], [2, 3, -1])], axis=-1),
         "action": np.array([2, 1]), "value_target": array(0.5, 2), "log_probs": LOG_PROBS, "log_alpha": -0.5,
         "target_entropy": 0.5}
LOG_2 = 0.6931471805599453
QUARTERS = {"action_value": array([[1, 3], [2, 2], [5, 4]], [[0, -1], [7, 8], [6, 6]]), "action": np.array([2, 1]),
            "value_target": array(4, 5), "log_probs": array([-LOG_2, -2 * LOG_2, -2 * LOG_2], [0, -np.inf, -np.inf]),
            "log_alpha": 0.0, "target_entropy": 1.0}

OUTSIDE: tuple[Outside, ...] = (
    Outside("losses.sac", "published-lines", "alpha e^-1/2, twin critics, squares",
            SB3 + TEMPERATURE + "; 0.5 * sum(mse_loss(current_q, target_q)), twice", 1e-15, TENTHS | SQUARED,
            {"loss_actor": [-1.1278367916551602, 0.38195919791379007, -2.4245714617988434],
             "loss_alpha": [-1.6, -0.85, -1.35], "loss_qvalue": [0.5, 2.25, 8]}),
    Outside("losses.sac", "rlax-huber", "the same critics with the Huber loss",
            RLAX + "sum over critics of huber_loss(q - target, 1)", 0.0, TENTHS | HUBER,
            {"loss_qvalue": [0.25, 1, 3], "td_error": [0.5, 1.5, 2]}),
    Outside("losses.sac", "hand-alpha-one", "alpha 1, whose logarithm makes loss_alpha 0",
            HAND + "-1/2 - 3/2, 3/2 + 1; 4 + 0, 1 + 1", 0.0, HALVES | SQUARED,
            {"loss_actor": [-2, 2.5], "loss_qvalue": [4, 2], "loss_alpha": [0, 0], "td_error": [2, 1],
             "entropy": [0.5, -1.5]}),
    Outside("losses.sac", "hand-log-alpha", "log alpha -2: the temperature alone",
            HAND + "2 (-1/2 - 1), 2 (3/2 - 1); |2| + |0|, |1| + |-1|", 0.0,
            HALVES | {"log_alpha": -2.0, "loss_function": "l1"},
            {"loss_qvalue": [2, 2], "loss_alpha": [-3, 1], "td_error": [2, 1]}),
    Outside("losses.sac_value", "published-lines", "V against the soft value",
            PRANZ + "vf_target = min_qf_pi - alpha * log_pi; mse_loss(vf, vf_target)", 1e-15,
            TENTHS | SQUARED | {"state_value": array(0.3, -0.1, 2.5)},
            {"loss_value": [0.6853137536179089, 0.07950098928818786, 0.005689464375163338],
             "loss_actor": [-1.1278367916551602, 0.38195919791379007, -2.4245714617988434]}),
    Outside("losses.sac_value", "rlax-huber", "the same with the Huber loss",
            RLAX + "huber_loss(v - (min(q) - alpha log_pi), 1)", 1e-15,
            TENTHS | HUBER | {"state_value": array(0.3, -0.1, 2.5)},
            {"loss_value": [0.34265687680895446, 0.03975049464409393, 0.002844732187581669],
             "loss_qvalue": [0.25, 1, 3]}),
    Outside("losses.sac_value", "hand-alpha-one", "soft values of 2 and -5/2",
            HAND + "V misses by -1 and 0; the rest as in sac", 0.0,
            HALVES | SQUARED | {"state_value": array(1, -2.5)},
            {"loss_actor": [-2, 2.5], "loss_qvalue": [4, 2], "loss_alpha": [0, 0], "loss_value": [1, 0],
             "td_error": [2, 1], "entropy": [0.5, -1.5]}),
    Outside("losses.redq", "authors-lines", "the actor on the mean; the critics' sum over all N, so N times the page's",
            AUTHORS + "alpha * log_prob - mean(q, dim=1); mse_criterion(q_prediction, y_q) * num_Q", 1e-15,
            TENTHS | SQUARED,
            {"loss_actor": [-1.2778367916551603, -0.26804080208621006, -2.4245714617988434],
             "loss_qvalue": [0.25, 1.125, 4]}),
    Outside("losses.redq", "published-temperature", "the temperature of the paper on SAC",
            f"github.com/rail-berkeley/softlearning, softlearning/algorithms/sac.py, {TORCH}"
            "-1.0 * (alpha * (log_pis + target_entropy))", 1e-15, TENTHS | HUBER,
            {"loss_alpha": [1.940898111080427, 1.0311021215114768, 1.6376327812241103]}),
    Outside("losses.redq", "rlax-huber", "the Huber loss, averaged over critics",
            RLAX + "mean over critics of huber_loss(q - target, 1)", 0.0, TENTHS | HUBER,
            {"loss_qvalue": [0.125, 0.5, 1.5], "td_error": [0.5, 1.5, 2]}),
    Outside("losses.redq", "hand-alpha-one", "alpha 1: -(log pi + H)",
            HAND + "-1/2 - 7/4, 3/2 - 3/2; halves of 4 and 2; 1/2 + 1, -3/2 + 1", 0.0, HALVES | SQUARED,
            {"loss_actor": [-2.25, 0], "loss_qvalue": [2, 1], "loss_alpha": [1.5, -0.5], "td_error": [2, 1],
             "entropy": [0.5, -1.5]}),
    Outside("losses.discrete_sac", "published-lines", "three actions, alpha e^-1/2",
            CLEANRL + "action_probs * ((alpha * log_pi) - min_qf_values), action_probs * (-log_alpha * "
            "(log_pi + target_entropy)), each summed over the actions; the sum of two mse_loss", 1e-15, ATARI | SQUARED,
            {"loss_actor": [0.3209417181759207, -1.8330087028809412],
             "loss_alpha": [-0.060792302339637214, -0.2993061443340549], "loss_qvalue": [2.5, 1.25]}),
    Outside("losses.discrete_sac", "rlax-entropy", "the entropy of these policies",
            RLAX + "softmax().entropy([[0.5, -1, 2], [0, 0, 0]])", 1e-15, ATARI | HUBER,
            {"entropy": [0.6215846046792743, 1.0986122886681096]}),
    Outside("losses.discrete_sac", "hand-quarters", "probabilities 1/2, 1/4, 1/4, and a certain one, alpha 1",
            HAND + "-(1/2 + 1/2 + 1/2) log 2 - (1/2 1 + 1/4 2 + 1/4 4), and 1; critics miss by 1 0 and 2 3", 1e-15,
            QUARTERS | SQUARED,
            {"loss_actor": [-1.5 * LOG_2 - 2, 1], "entropy": [1.5 * LOG_2, 0], "loss_alpha": [0, 0],
             "loss_qvalue": [1, 13], "td_error": [1, 3]}),
    Outside("losses.discrete_sac", "hand-log-alpha", "the same at log alpha -2",
            HAND + "2 (1 - 3/2 log 2), 2 (1 - 0)", 1e-15, QUARTERS | {"log_alpha": -2.0, "loss_function": "l1"},
            {"loss_alpha": [2 - 3 * LOG_2, 2], "loss_qvalue": [1, 5], "td_error": [1, 3]}),
)
