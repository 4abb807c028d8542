"""One example a page, to be checked in the head: Dreamer's losses. As tests/test_by_hand.py."""

from __future__ import annotations

import pytest
from test_by_hand import both, equal

from rlref.losses import dreamer_actor, dreamer_model, dreamer_value

# dreamer_model. Deviations are equal, so kl = shift^2 / 2: of sample 0, shifts 2 and 0: 2 and 0; of sample 1, shifts 1
# and -1 of deviations 2 (means 2 apart): 1/2 and 1/2. Squared errors: 1 + 4, 0 + 1; rewards 2^2 and 1^2.
MODEL = {"prior_mean": [[0.0, 1.0], [2.0, 2.0]], "prior_std": [[1.0, 4.0], [2.0, 2.0]],
         "posterior_mean": [[2.0, 1.0], [4.0, 0.0]], "posterior_std": [[1.0, 4.0], [2.0, 2.0]],
         "observation": [[1.0, 2.0], [0.0, 3.0]], "reco_observation": [[0.0, 4.0], [0.0, 4.0]],
         "reward": [1.0, 2.0], "reco_reward": [3.0, 1.0], "lambda_kl": 0.5, "lambda_reco": 1.0, "lambda_reward": 2.0}
KL = {  # delayed_clamp, global_average: with 1 free nat, times 1/2
    (False, False): [1.0, 0.5],     # max(2, 1), max(1, 1)
    (False, True): [0.75, 0.5],     # (max(2, 1) + max(0, 1))/2, max(1/2, 1)
    (True, False): [0.75, 0.75],    # max((2 + 1)/2, 1)
    (True, True): [0.5, 0.5],       # max((2 + 0 + 1/2 + 1/2)/4, 1)
}
SHIFT = [[2, 0], [0.5, -0.5]]       # (mu_q - mu_p) / sigma_p^2: the derivative of kl_d by mu_q
STD = [[4, 0], [0.5, 0.5]]          # shift^2 / sigma_p: less, the derivative by sigma_p
BY = {  # what arrives at each kl_d, for cotangents 1 and 4
    (False, False): [[0.5, 0.5], [2, 2]],       # the tie at 1 free nat is the divergence's
    (False, True): [[0.25, 0], [0, 0]],
    (True, False): [[1.25, 1.25]] * 2,          # half of (1 + 4)/2
    (True, True): [[0, 0]] * 2,
}
modes = pytest.mark.parametrize("mode", KL)


@modes
@both
def test_dreamer_model(form, mode):
    settings = {"free_nats": 1.0, "delayed_clamp": mode[0], "global_average": mode[1]}
    reco = [2.5, 0.5] if mode[1] else [5, 1]
    equal(getattr(dreamer_model, form)(**MODEL, **settings), KL[mode], reco, [8, 2])


@modes
def test_dreamer_model_gradient(mode):
    settings = {"free_nats": 1.0, "delayed_clamp": mode[0], "global_average": mode[1]}
    gradient = dreamer_model.vjp(([1, 4], [1, 2], [1, 3]), **MODEL, **settings)
    mean = [[by * d for by, d in zip(*rows, strict=True)] for rows in zip(BY[mode], SHIFT, strict=True)]
    std = [[by * d for by, d in zip(*rows, strict=True)] for rows in zip(BY[mode], STD, strict=True)]
    # The ratio of the deviations is 1: by sigma_q nothing, by sigma_p what the shift does.
    equal(gradient.loss_model_kl, [[-x for x in row] for row in mean], [[-x for x in row] for row in std], mean,
          [[0, 0], [0, 0]])
    half = 2 if mode[1] else 1
    equal(gradient.loss_model_reco, [[-2 / half, 4 / half], [0, 4 / half]])     # 2 (o^ - o), times 1 and 2
    equal(gradient.loss_model_reward, [8, -12])                                 # 2 * 2 (r^ - r), times 1 and 3


def test_dreamer_model_deviations():
    # One feature, no shift, sigma_q/sigma_p = 2 and 1/2: by sigma_q ratio/sigma_p - 1/sigma_q, by sigma_p
    # (1 - ratio^2)/sigma_p: with 1 and 2: 2 - 1/2, -3; with 2 and 1: 1/4 - 1, 3/8
    one = {name: [[0.0], [0.0]] for name in ("prior_mean", "posterior_mean", "observation", "reco_observation")}
    one |= {"prior_std": [[1.0], [2.0]], "posterior_std": [[2.0], [1.0]], "reward": [0.0] * 2, "reco_reward": [0.0] * 2}
    settings = {"lambda_kl": 1.0, "lambda_reco": 1.0, "lambda_reward": 1.0, "free_nats": 0.0, "delayed_clamp": False,
                "global_average": False}
    gradient = dreamer_model.vjp(([1, 1], [0, 0], [0, 0]), **one, **settings)
    equal(gradient.loss_model_kl, [[0], [0]], [[-3], [0.375]], [[0], [0]], [[1.5], [-0.75]])


# dreamer_actor, gamma = lambda = 1/2
# G_2 = 4 + 8/2 = 8     G_1 = 2 + (4/2 + 8/2)/2 = 5     G_0 = 1 + (2/2 + 5/2)/2 = 2.75
ACTOR = {"reward": [1.0, 2.0, 4.0], "next_state_value": [2.0, 4.0, 8.0], "gamma": 0.5, "lmbda": 0.5}


@both
def test_dreamer_actor(form):
    equal(getattr(dreamer_actor, form)(**ACTOR, discount_loss=False), [-2.75, -5, -8])
    equal(getattr(dreamer_actor, form)(**ACTOR, discount_loss=True), [-2.75, -2.5, -2])
    # gamma_0 = 1, then an end that is predicted: G_1 = 2, G_0 = 1 + (2/2 + 2/2); weights 1, 1, 0
    ends = ACTOR | {"gamma": [1.0, 0.0, 0.5]}
    equal(getattr(dreamer_actor, form)(**ends, discount_loss=True), [-3, -2, 0])


def test_dreamer_actor_gradient():
    # -G_0 = -r_0 - V_0/4 - 1/4 (r_1 + V_1/4 + 1/4 (r_2 + V_2/2))
    equal(dreamer_actor.vjp(([1, 0, 0],), **ACTOR, discount_loss=True), [-1, -0.25, -0.0625],
          [-0.25, -0.0625, -0.03125])
    # All three, weighed 1, 1/2, 1/4: by r_1 also -1/2, by r_2 also -1/8 and -1/4
    equal(dreamer_actor.vjp(([1, 1, 1],), **ACTOR, discount_loss=True), [-1, -0.75, -0.4375],
          [-0.25, -0.1875, -0.21875])


# dreamer_value: differences 1, -2 and 4
VALUE = {"state_value": [1.0, 0.0, 4.0], "value_target": [0.0, 2.0, 0.0]}


@both
def test_dreamer_value(form):
    equal(getattr(dreamer_value, form)(**VALUE, discount_loss=False, gamma=0.5), [1, 4, 16])
    equal(getattr(dreamer_value, form)(**VALUE, discount_loss=True, gamma=0.5), [1, 2, 4])
    equal(getattr(dreamer_value, form)(**VALUE, discount_loss=True, gamma=[0.25, 0.5, 0.75]), [1, 1, 2])


def test_dreamer_value_gradient():
    # 2 w (V - G), times 1, 3 and 1
    equal(dreamer_value.vjp(([1, 3, 1],), **VALUE, discount_loss=True, gamma=0.5), [2, -6, 2])
