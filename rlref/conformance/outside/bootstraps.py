"""Bootstraps worked by hand, by rlax and SciPy, and with settings that papers and authors give."""

from __future__ import annotations

import numpy as np

from rlref.conformance.outside import HAND, RLAX, Outside, array

NEXT = array([99, 98, -3.5], [91, 90.5, 95.25], [-1, -0.25, -7])
ONLINE = array([2, 1, -4], [10, 2, 1], [0.5, 0.25, 3])
POLICY = array([0.5, 0.25, 0.25], [0.25, 0.25, 0.5], [0.125, 0.125, 0.75])
LOG_2, LOG_4 = 0.6931471805599453094, 1.3862943611198906188
AT_MEAN = -0.9189385332046727418  # log density of a standard normal variable at its mean: log(2 pi) / -2
Q = array([2, 1], [-0.5, 3], [4, 4])
TEN = array([5, 3, 8, 1, 9, 2, 7, 4, 6, 0], [0, 9, 1, 8, 2, 7, 3, 6, 4, 5])
SCIPY = "SciPy 1.17.1: "
PAPER = {"policy_noise": 0.2, "noise_clip": 0.5, "action_low": -1.0, "action_high": 1.0}

OUTSIDE: tuple[Outside, ...] = (
    Outside("bootstraps.max_q", "rlax-q-learning", "three states, three actions",
            RLAX + "q_learning([0, 0, 0], 0, 0, 1, q_t), the target of no reward without discount", 0.0,
            {"next_action_value": NEXT}, {"next_state_value": [99, 95.25, -0.25]}),
    Outside("bootstraps.max_q", "hand-illegal", "the largest of the legal ones", HAND + "max(-2, -1), max(-4, -5), -6",
            0.0, {"next_action_value": array([-np.inf, -2, -1], [-4, -np.inf, -5], [-6, -np.inf, -np.inf])},
            {"next_state_value": [-1, -4, -6]}),
    Outside("bootstraps.max_q", "hand-ties", "tied values count once", HAND + "max(1, 1, 0), max(-2, -2, -2)", 0.0,
            {"next_action_value": array([1, 1, 0], [-2, -2, -2])}, {"next_state_value": [1, -2]}),
    Outside("bootstraps.double_q", "rlax-double-q-learning", "the same states, selected by other values",
            RLAX + "double_q_learning([0, 0, 0], 0, 0, 1, q_t_value, q_t_selector)", 0.0,
            {"next_action_value": NEXT, "online_next_action_value": ONLINE}, {"next_state_value": [99, 91, -7]}),
    Outside("bootstraps.double_q", "hand-roles-swapped", "the same, with the roles swapped: 1 of [10, 2, 1]",
            HAND + "ONLINE at the best of NEXT: actions 0, 2, 1", 0.0,
            {"next_action_value": ONLINE, "online_next_action_value": NEXT}, {"next_state_value": [2, 1, 0.25]}),
    Outside("bootstraps.double_q", "hand-online-tie", "of equal online values the first", HAND + "actions 1, 0", 0.0,
            {"next_action_value": array([3, 5, 7], [3, 5, 7]), "online_next_action_value": array([0, 1, 1], [2, 2, 2])},
            {"next_state_value": [5, 3]}),
    Outside("bootstraps.min_q", "hand-twins", "two critics", HAND + "min(2, 1), min(-1/2, 3), min(4, 4)", 0.0,
            {"next_state_action_value": Q}, {"next_state_value": [1, -0.5, 4]}),
    Outside("bootstraps.min_q", "hand-ten", "ten critics", HAND + "the last, and the first", 0.0,
            {"next_state_action_value": TEN}, {"next_state_value": [0, 0]}),
    Outside("bootstraps.min_q", "hand-one", "one critic: the bootstrap of DDPG", HAND + "the value itself", 0.0,
            {"next_state_action_value": array([-3], [7])}, {"next_state_value": [-3, 7]}),
    Outside("bootstraps.soft_min_q", "uniform-density", "a uniform policy on [-1, 1] has the density 1/2",
            HAND + "min Q + log(2) / 2; log 2 = 0.69314718055994530942", 1e-15,
            {"next_state_action_value": Q, "next_log_prob": np.full(3, -LOG_2), "alpha": 0.5},
            {"next_state_value": [1 + LOG_2 / 2, -0.5 + LOG_2 / 2, 4 + LOG_2 / 2]}),
    Outside("bootstraps.soft_min_q", "normal-at-its-mean", "a standard normal policy that takes its mean",
            HAND + "min Q + log(2 pi) / 2; log(2 pi) / 2 = 0.91893853320467274178", 1e-15,
            {"next_state_action_value": Q, "next_log_prob": np.full(3, AT_MEAN), "alpha": 1.0},
            {"next_state_value": [1.9189385332046727418, 0.4189385332046727418, 4.9189385332046727418]}),
    Outside("bootstraps.soft_min_q", "hand-powers-of-two", "alpha 1/4, log-probabilities -4, 2 and 0",
            HAND + "1 + 1, -1/2 - 1/2, 4", 0.0,
            {"next_state_action_value": Q, "next_log_prob": array(-4, 2, 0), "alpha": 0.25},
            {"next_state_value": [2, -1, 4]}),
    Outside("bootstraps.subset_min_q", "paper-two-of-ten", "N = 10, M = 2, as in the paper's experiments",
            HAND + "min(4, 1) + 1/4 8, min(6, 8) + 1/4 8", 0.0,
            {"next_state_action_value": TEN, "next_log_prob": array(-8, -8), "alpha": 0.25,
             "subset": np.array([7, 3])}, {"next_state_value": [3, 8]}),
    Outside("bootstraps.subset_min_q", "hand-all-of-them", "M = N: the bootstrap of SAC", HAND + "-1/2 2, -1/2 -2", 0.0,
            {"next_state_action_value": TEN, "next_log_prob": array(2, -2), "alpha": 0.5, "subset": np.arange(10)},
            {"next_state_value": [-1, 1]}),
    Outside("bootstraps.subset_min_q", "normal-at-its-mean-of-one", "M = 1, a standard normal policy at its mean",
            HAND + "Q_4 + log(2 pi) / 2; log(2 pi) / 2 = 0.91893853320467274178", 2e-15,
            {"next_state_action_value": TEN, "next_log_prob": np.full(2, AT_MEAN), "alpha": 1.0,
             "subset": np.array([4])}, {"next_state_value": [9.9189385332046727418, 2.9189385332046727418]}),
    Outside("bootstraps.expected_soft_q", "rlax-expected-sarsa", "without entropy it is expected SARSA",
            RLAX + "expected_sarsa([0, 0, 0], 0, 0, 1, q_t, probs)", 1e-13,
            {"next_action_value": NEXT[..., None], "next_log_probs": np.log(POLICY), "alpha": 0.0},
            {"next_state_value": [73.125, 93, -5.40625]}),
    Outside("bootstraps.expected_soft_q", "entropy-of-four", "no values, four actions, all as likely",
            HAND + "the entropy log 4 = 1.38629436111989061883", 1e-15,
            {"next_action_value": np.zeros((1, 4, 2)), "next_log_probs": np.full((1, 4), -LOG_4), "alpha": 1.0},
            {"next_state_value": [LOG_4]}),
    Outside("bootstraps.expected_soft_q", "scipy-soft-maximum", "softmax(q / alpha) attains the soft maximum",
            SCIPY + "0.5 * logsumexp(q / 0.5), log_softmax(q / 0.5) for q = [0.25, -1, 2]", 2e-15,
            {"next_action_value": array([[0.25, 1], [-1, 0], [2, 2.5]]),
             "alpha": 0.5,
             "next_log_probs": array([-3.532153622683158, -6.0321536226831585, -0.03215362268315814])},
            {"next_state_value": [2.0160768113415792]}),
    Outside("bootstraps.expected_soft_q", "rlax-softmax-entropy", "no values: the entropy of softmax([0.25, -1, 2])",
            RLAX + "softmax().entropy(logits), and SciPy's log_softmax", 1e-15,
            {"next_action_value": np.zeros((1, 3, 1)), "alpha": 1.0,
             "next_log_probs": array([-1.951765469284433, -3.201765469284433, -0.2017654692844331])},
            {"next_state_value": [0.5723768256139264]}),
    Outside("bootstraps.target_policy_smoothing", "paper-settings", "sigma 0.2, c 0.5, actions in [-1, 1]",
            "Fujimoto et al. 2018, section 6.1; worked by hand: 0.2 1, 0.2 3 to 0.5, 0.2 -4 to -0.5", 1e-15,
            {"next_action": array([0.25, 0.9], [0.4, 0.6], [0.25, -0.75]), "noise": array([1, 1], [3, 3], [-4, -4]),
             **PAPER}, {"next_action": [[0.45, 1], [0.9, 1], [-0.25, -1]]}),
    Outside("bootstraps.target_policy_smoothing", "author-scaled", "actions in [-0.4, 0.4]: 0.2 and 0.5, times 0.4",
            "https://github.com/sfujim/TD3/issues/43; worked by hand: 0.08 1, 0.08 3 to 0.2, 0.08 -2", 1e-15,
            {"next_action": array([0.25], [0.1], [-0.3]), "noise": array([1], [3], [-2]), "policy_noise": 0.08,
             "noise_clip": 0.2, "action_low": -0.4, "action_high": 0.4}, {"next_action": [[0.33], [0.3], [-0.4]]}),
    Outside("bootstraps.target_policy_smoothing", "hand-bounds-by-dimension", "each dimension has its bounds",
            HAND + "1/2 1 and 1/2 -4 to -1; 0 + 1/2, 1 - 1 to 1/2", 0.0,
            {"next_action": array([0, 1]), "noise": array([1, -4]), "policy_noise": 0.5, "noise_clip": 1.0,
             "action_low": np.array([-2.0, 0.5]), "action_high": np.array([0.75, 4.0])},
            {"next_action": [[0.5, 0.5]]}),
)
