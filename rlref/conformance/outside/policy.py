"""Policy-gradient losses as others have printed them."""

from __future__ import annotations

import numpy as np

from rlref.conformance.outside import HAND, RLAX, Outside, array

# What rlax's own tests use: logits [1, 1, 1], [2, 0, 0], [-1, -2, -3] after [1, 1, 1], [2, 0, 0], [-3, -2, -1].
LOG_PROB = array(-1.0986122886681098, -2.2395447662218846, -2.4076059644443806)
OLD_LOG_PROB = array(-1.0986122886681098, -2.2395447662218846, -0.40760596444438024)
ADVANTAGE = array(0.3, 0.2, 0.1)
ENTROPY = array(1.0986122886681096, 0.6655726818986877, 0.8323955818399389)
VALUES = {"state_value": array(1.5, -1, 2), "value_target": array(1, 1, 1)}  # differences 1/2, -2, 1
WEIGHTS = {"entropy_coeff": 0.5, "critic_coeff": 0.5}
RATIOS = {"log_prob": LOG_PROB, "sample_log_prob": OLD_LOG_PROB, "advantage": ADVANTAGE, "entropy": ENTROPY}
ON_POLICY = {"log_prob": array(-1, -2, -0.5), "sample_log_prob": array(-1, -2, -0.5), "advantage": array(2, -1, 0.5),
             "entropy": array(1, 2, 4)}
PENALTY = {"beta": 0.5, "dtarg": 0.25, "increment": 2.0, "decrement": 0.5}
HALVES, HUBER = [0.125, 2, 0.5], [0.125, 1.5, 0.5]  # of the squares of the differences
STEPS = array(-1, -0.25, -0.125, 0.125, 0.25, 1)  # log-ratios
SIX = {"log_prob": STEPS, "sample_log_prob": np.zeros(6), "entropy": np.ones(6), "state_value": np.zeros(6),
       "value_target": np.zeros(6), **WEIGHTS, "loss_function": "l2", "clip_epsilon": 0.25}
PG = "policy_gradient_loss(logits, action, advantage, 1)"
CLIP = "clipped_surrogate_pg_loss(ratio, advantage, eps), one sample at a time"

OUTSIDE: tuple[Outside, ...] = (
    Outside("losses.reinforce", "rlax-policy-gradient", "the logits and advantages of rlax's own test",
            RLAX + f"{PG}, huber_loss(V - G, 1)", 1e-15,
            {"log_prob": LOG_PROB, "advantage": ADVANTAGE, **VALUES, "loss_function": "smooth_l1"},
            {"loss_actor": [0.3295836866004329, 0.44790895324437696, 0.24076059644443806], "loss_value": HUBER}),
    Outside("losses.reinforce", "rlax-policy-gradient-down", "the same, the advantages turned", RLAX + PG, 1e-15,
            {"log_prob": LOG_PROB, "advantage": -ADVANTAGE, **VALUES, "loss_function": "l2"},
            {"loss_actor": [-0.3295836866004329, -0.44790895324437696, -0.24076059644443806],
             "loss_value": [0.25, 4, 1]}),
    Outside("losses.reinforce", "hand-powers-of-two", "probabilities e^-1, e^-2 and e^(1/2)",
            HAND + "-(-1)(2), -(-2)(-1/2), -(1/2)(8); |1/2|, |-2|, |1|", 0.0,
            {"log_prob": array(-1, -2, 0.5), "advantage": array(2, -0.5, 8), **VALUES, "loss_function": "l1"},
            {"loss_actor": [2, -1, -4], "loss_value": [0.5, 2, 1]}),
    Outside("losses.a2c", "rlax-policy-gradient", "the logits and advantages of rlax's own test, both weights 1/2",
            RLAX + f"{PG}; entropy_loss(logits, 1) / 2; huber_loss(V - G, 1) / 2", 1e-15,
            {"log_prob": LOG_PROB, "advantage": ADVANTAGE, "entropy": ENTROPY, **VALUES, **WEIGHTS,
             "loss_function": "smooth_l1"},
            {"loss_objective": [0.3295836866004329, 0.44790895324437696, 0.24076059644443806],
             "loss_entropy": [-0.5493061443340548, -0.33278634094934386, -0.41619779091996946],
             "loss_critic": [0.0625, 0.75, 0.25]}),
    Outside("losses.a2c", "hand-l2", "weights 1/4 and 2", HAND + "-(-1)(2), ...; -1/4, -1/2, -1; 2/4, 2 x 4, 2", 0.0,
            {"log_prob": array(-1, -2, -0.5), "advantage": array(2, -1, 0.5), "entropy": array(1, 2, 4), **VALUES,
             "entropy_coeff": 0.25, "critic_coeff": 2.0, "loss_function": "l2"},
            {"loss_objective": [2, -2, 0.25], "loss_entropy": [-0.25, -0.5, -1], "loss_critic": [0.5, 8, 2]}),
    Outside("losses.a2c", "hand-no-weights", "the objective alone", HAND + "no entropy, no critic", 0.0,
            {"log_prob": array(-4, 1), "advantage": array(0.5, -3), "entropy": array(5, 7), "state_value": array(3, 2),
             "value_target": array(1, 9), "entropy_coeff": 0.0, "critic_coeff": 0.0, "loss_function": "l1"},
            {"loss_objective": [2, 3], "loss_entropy": [0, 0], "loss_critic": [0, 0]}),
    Outside("losses.ppo", "rlax-ratios", "the logits, old logits and advantages of rlax's own test",
            RLAX + "-categorical_importance_sampling_ratios(logits, old, action) * advantage; l2_loss(V - G)", 1e-15,
            {**RATIOS, **VALUES, **WEIGHTS, "loss_function": "l2"},
            {"loss_objective": [-0.3, -0.2, -0.013533528323661266], "loss_critic": HALVES, "kl_approx": [0, 0, 2]}),
    Outside("losses.ppo", "hand-on-policy", "every ratio is 1", HAND + "-A, whatever log pi is; ESS 3 of 3", 0.0,
            {**ON_POLICY, **VALUES, **WEIGHTS, "loss_function": "l1"},
            {"loss_objective": [-2, 1, -0.5], "loss_entropy": [-0.5, -1, -2], "loss_critic": [0.25, 1, 0.5],
             "kl_approx": [0, 0, 0], "ESS": 1}),
    Outside("losses.ppo", "hand-half-of-the-weight", "ratios 1, 1, 0 and 0", HAND + "ESS 2 of 4", 0.0,
            {"log_prob": array(-1, -1, -np.inf, -np.inf), "sample_log_prob": np.full(4, -1.0),
             "advantage": array(3, -2, 3, -2), "entropy": np.zeros(4), "state_value": np.zeros(4),
             "value_target": array(0, 1, 2, 3), **WEIGHTS, "loss_function": "smooth_l1"},
            {"loss_objective": [-3, 2, 0, 0], "loss_critic": [0, 0.25, 0.75, 1.25], "kl_approx": [0, 0, np.inf, np.inf],
             "ESS": 0.5}),
    Outside("losses.clip_ppo", "rlax-clipped-surrogate-up", "log-ratios -1 to 1, advantage 2, eps 1/4", RLAX + CLIP,
            1e-15, {**SIX, "advantage": np.full(6, 2.0)},
            {"loss_objective": [-0.7357588823428846, -1.5576015661428098, -1.764993805169191, -2.2662969061336526, -2.5,
                                -2.5], "clip_fraction": [1, 0, 0, 0, 1, 1]}),
    Outside("losses.clip_ppo", "rlax-clipped-surrogate-down", "the same, advantage -2", RLAX + CLIP, 1e-15,
            {**SIX, "advantage": np.full(6, -2.0)},
            {"loss_objective": [1.5, 1.5576015661428098, 1.764993805169191, 2.2662969061336526, 2.568050833375483,
                                5.436563656918091]}),
    Outside("losses.clip_ppo", "rlax-own-test", "the logits, old logits and advantages of rlax's own test, turned",
            RLAX + CLIP + " (the test prints the mean, 0.19333333)", 1e-15,
            {**RATIOS, "advantage": -ADVANTAGE, **VALUES, **WEIGHTS, "loss_function": "smooth_l1", "clip_epsilon": 0.2},
            {"loss_objective": [0.3, 0.2, 0.08], "clip_fraction": [0, 0, 1]}),
    Outside("losses.clip_ppo", "hand-pair", "ratios beyond every bound: eps 1/2 down, 1 up",
            HAND + "-2 x 3, ratio 0 of a bad action 1/2 x 4, ratio 1", 0.0,
            {"log_prob": array(800, -900, -3), "sample_log_prob": array(-100, 0, -3), "advantage": array(3, -4, 5),
             "entropy": np.zeros(3), **VALUES, **WEIGHTS, "loss_function": "l2", "clip_epsilon": array(0.5, 1)},
            {"loss_objective": [-6, 2, -5], "clip_fraction": [1, 1, 0], "kl_approx": [-900, 900, 0]}),
    Outside("losses.kl_penalty_ppo", "rlax-ratios-and-divergences", "the logits and old logits of rlax's own test",
            RLAX + "categorical_importance_sampling_ratios as in ppo; softmax().kl(old, logits) / 2", 1e-15,
            {**RATIOS, "kl": array(0, 0, 1.1504207652088827), **VALUES, **WEIGHTS, **PENALTY, "loss_function": "l2"},
            {"loss_objective": [-0.3, -0.2, 0.5752103826044414 - 0.013533528323661266], "loss_critic": HALVES,
             "next_beta": 1}),
    Outside("losses.kl_penalty_ppo", "hand-shrinks", "on-policy, a mean of 1/8 where 1/6 is the bound",
            HAND + "-A + KL / 2; beta 1/2 to 1/4", 0.0,
            {**ON_POLICY, "kl": array(0.25, 0.125, 0), **VALUES, **WEIGHTS, **PENALTY, "loss_function": "l1"},
            {"loss_objective": [-1.875, 1.0625, -0.5], "loss_entropy": [-0.5, -1, -2], "loss_critic": [0.25, 1, 0.5],
             "next_beta": 0.25}),
    Outside("losses.kl_penalty_ppo", "hand-stays", "a mean of 1/4, as aimed at", HAND + "-A + KL / 2; beta stays", 0.0,
            {**ON_POLICY, "kl": array(0.25, 0.5, 0), **VALUES, **WEIGHTS, **PENALTY, "loss_function": "smooth_l1"},
            {"loss_objective": [-1.875, 1.25, -0.5], "loss_critic": [0.0625, 0.75, 0.25], "next_beta": 0.5}),
)
