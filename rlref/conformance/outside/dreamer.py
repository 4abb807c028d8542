"""Dreamer's losses as worked by hand and as rlax gives their parts."""

from __future__ import annotations

import numpy as np

from rlref.conformance.outside import HAND, RLAX, Outside, array

# Deviations 1 and 2, means 0 and 1, of the prior; 1/2 and 2, 1 and 3, of the posterior. By hand:
# ((1/2)^2 + 1^2 - 1)/2 + log 2 = 0.125 + 0.693147 and (1 + 1 - 1)/2 + 0 = 0.5, together 1.318147
LATENT = {"prior_mean": array([0, 1]), "prior_std": array([1, 2]), "posterior_mean": array([1, 3]),
          "posterior_std": array([0.5, 2])}
SEEN = {"observation": array([1, 0]), "reco_observation": array([0.5, 2]), "reward": array(1),
        "reco_reward": array(-0.5)}
ONE = {"lambda_kl": 1.0, "lambda_reco": 1.0, "lambda_reward": 1.0}
# Two samples whose divergences are 2 (means 2 apart, deviations equal) and 0
TWO = {"prior_mean": array([0], [1]), "prior_std": array([1], [2]), "posterior_mean": array([2], [1]),
       "posterior_std": array([1], [2]), "observation": array([1, 2, 3], [0, 0, 0]),
       "reco_observation": array([1, 1, 1], [1, 1, 2]), "reward": array(1, 0), "reco_reward": array(3, 1)}
STEPS = {"reward": array(1, 0, -1, 0, 1), "next_state_value": array(0.5, -1, 2, -0.25, 3)}

OUTSIDE: tuple[Outside, ...] = (
    Outside("losses.dreamer_model", "rlax-normal-kl", "two latent features, their sum",
            RLAX + "multivariate_normal_kl_divergence(posterior mean and std, prior mean and std)", 1e-15,
            {**LATENT, **SEEN, **ONE, "free_nats": 0.0, "delayed_clamp": False, "global_average": False},
            {"loss_model_kl": [1.3181471805599454]}),
    Outside("losses.dreamer_model", "hand-each", "divergences 2 and 0, one free nat each",
            HAND + "max(2, 1), max(0, 1); 0 + 1 + 4, 1 + 1 + 4; (3 - 1)^2, 1^2", 0.0,
            {**TWO, **ONE, "free_nats": 1.0, "delayed_clamp": False, "global_average": False},
            {"loss_model_kl": [2, 1], "loss_model_reco": [5, 6], "loss_model_reward": [4, 1]}),
    Outside("losses.dreamer_model", "hand-delayed", "the same, the mean of the divergences clamped at 1/2",
            HAND + "max((2 + 0)/2, 1/2) twice, halved; 1/4 of 5 and 6; 2 of 4 and 1", 0.0,
            {**TWO, "lambda_kl": 0.5, "lambda_reco": 0.25, "lambda_reward": 2.0, "free_nats": 0.5,
             "delayed_clamp": True, "global_average": False},
            {"loss_model_kl": [0.5, 0.5], "loss_model_reco": [1.25, 1.5], "loss_model_reward": [8, 2]}),
    Outside("losses.dreamer_model", "hand-average", "divergences 2 and 0 of two features, averaged over everything",
            HAND + "(max(2, 1) + max(0, 1))/2; (0 + 4 + 0)/3", 0.0,
            {"prior_mean": array([0, 1]), "prior_std": array([1, 2]), "posterior_mean": array([2, 1]),
             "posterior_std": array([1, 2]), "observation": array([1, 2, 3]), "reco_observation": array([1, 0, 3]),
             "reward": array(2), "reco_reward": array(2), **ONE, "free_nats": 1.0, "delayed_clamp": False,
             "global_average": True},
            {"loss_model_kl": [1.5], "loss_model_reco": [4 / 3], "loss_model_reward": [0]}),
    Outside("losses.dreamer_actor", "rlax-lambda-returns", "discounts and lambdas that vary in time, no weights",
            RLAX + "-lambda_returns(r, discount, v_t, lambda)", 1e-14,
            {**STEPS, "gamma": array(0.9, 0.81, 0.7, 0.9, 0.8), "lmbda": array(0.75, 0.5, 1.0, 0.25, 0.5),
             "discount_loss": False},
            {"loss_actor": [-0.679849890625, 0.640963125, 0.582625, -0.5962500000000001, -3.4000000000000004]}),
    Outside("losses.dreamer_actor", "rlax-lambda-returns-weighed", "gamma 0.9, lambda 0.8, weights 1, 0.9, 0.81, ...",
            RLAX + "-0.9**t lambda_returns(r, 0.9, v_t, 0.8)", 1e-14,
            {**STEPS, "gamma": 0.9, "lmbda": 0.8, "discount_loss": True},
            {"loss_actor": [-1.6061605120000004, -0.6452006400000005, -1.0090008000000006, -1.9092510000000007,
                            -2.4275700000000002]}),
    Outside("losses.dreamer_actor", "hand-halves", "gamma = lambda = 1/2, three steps",
            HAND + "G = 4 + 8/2 = 8, 2 + (4/2 + 8/2)/2 = 5, 1 + (2/2 + 5/2)/2 = 2.75; -2.75, -5/2, -8/4",
            0.0, {"reward": array(1, 2, 4), "next_state_value": array(2, 4, 8), "gamma": 0.5, "lmbda": 0.5,
                  "discount_loss": True}, {"loss_actor": [-2.75, -2.5, -2]}),
    Outside("losses.dreamer_value", "hand-halves", "differences 1, -2, 4 and 0, weights 1, 1/2, 1/4, 1/8",
            HAND + "1, 4/2, 16/4, 0", 0.0,
            {"state_value": array(1, 0, 4, 7), "value_target": array(0, 2, 0, 7), "gamma": 0.5, "discount_loss": True},
            {"loss_value": [1, 2, 4, 0]}),
    Outside("losses.dreamer_value", "rlax-l2", "half of the square, so twice it; no weights",
            RLAX + "2 * l2_loss(v, g)", 0.0,
            {"state_value": array(-2, 0.5, 3), "value_target": array(0, 0, 1), "gamma": 0.5, "discount_loss": False},
            {"loss_value": [4, 0.25, 4]}),
    Outside("losses.dreamer_value", "hand-predicted-end", "a discount of 0 at the second step",
            HAND + "3^2, 1/2 3^2, 0, 0", 0.0,
            {"state_value": np.full(4, 3.0), "value_target": np.zeros(4), "gamma": array(0.5, 0, 1, 1),
             "discount_loss": True}, {"loss_value": [9, 4.5, 0, 0]}),
)
