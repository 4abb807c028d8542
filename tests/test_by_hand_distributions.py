"""One example a page, to be checked in the head: distributions. As tests/test_by_hand.py.

Where a logarithm is no float, ``near``: within two units in the last place of the numbers that are added.
"""

from __future__ import annotations

import numpy as np
from test_by_hand import both, equal

from rlref.distributions import (
    categorical_entropy,
    categorical_kl,
    categorical_log_prob,
    normal_entropy,
    normal_kl,
    normal_log_prob,
    normal_rsample,
    tanh_loc,
    tanh_normal_log_prob,
    tanh_normal_rsample,
)

NAN = np.nan
LOG_2, LOG_3, LOG_5 = 0.6931471805599453094, 1.0986122886681096914, 1.6094379124341003746
LOG_2PI = 1.8378770664093454836


def near(result, *expected, size=4.0):
    """Each field of ``result`` is what was worked out, of numbers no larger than ``size``."""
    for name, got, x in zip(result._fields, result, expected, strict=True):
        np.testing.assert_allclose(got, np.array(x, float), rtol=0, atol=size * 2.0**-51, err_msg=name)


# normal_log_prob: z = (3 - 1) / 2 = 1 and (0 - 1) / (1/2) = -2
NORMAL_LOG_PROB = {"sample": [[3.0, 0.0]], "loc": [[1.0, 1.0]], "scale": [[2.0, 0.5]]}


@both
def test_normal_log_prob(form):
    # -(1 + 4) / 2 - log 2 pi - log 2 + log 2
    near(getattr(normal_log_prob, form)(**NORMAL_LOG_PROB), [-2.5 - LOG_2PI])


def test_normal_log_prob_gradient():
    # 2 times -z / sigma = -1/2, 4; by mu the opposite; (z^2 - 1) / sigma = 0, 6
    equal(normal_log_prob.vjp(([2.0],), **NORMAL_LOG_PROB), [[-1, 8]], [[1, -8]], [[0, 12]])


@both
def test_normal_entropy(form):
    # 1 + log 2 pi + log 2 - log 2
    near(getattr(normal_entropy, form)(scale=[[2.0, 0.5]]), [1 + LOG_2PI])


def test_normal_entropy_gradient():
    equal(normal_entropy.vjp(([2.0],), scale=[[2.0, 0.5]]), [[1, 4]])  # 2 / sigma


# normal_kl: ratios 1 and 1/2, shifts (3 - 1) / 2 = 1 and 0
NORMAL_KL = {"loc": [[3.0, 0.0]], "scale": [[2.0, 1.0]], "other_loc": [[1.0, 0.0]], "other_scale": [[2.0, 2.0]]}


@both
def test_normal_kl(form):
    # (1 + 1 - 1) / 2 + (1/4 - 1) / 2 + log 2
    near(getattr(normal_kl, form)(**NORMAL_KL), [0.125 + LOG_2])


def test_normal_kl_gradient():
    # by mu shift / tau, by sigma sigma / tau^2 - 1 / sigma, by nu the opposite of mu's,
    # by tau (1 - ratio^2 - shift^2) / tau: (1 - 1 - 1) / 2 and (1 - 1/4) / 2
    equal(normal_kl.vjp(([1.0],), **NORMAL_KL), [[0.5, 0]], [[0, -0.75]], [[-0.5, 0]], [[-0.5, 0.375]])


NOISE = {"noise": [[1.0, -2.0]], "loc": [[0.5, 3.0]], "scale": [[2.0, 0.25]]}


@both
def test_normal_rsample(form):
    equal(getattr(normal_rsample, form)(**NOISE), [[2.5, 2.5]])  # 1/2 + 2, 3 - 1/2


def test_normal_rsample_gradient():
    equal(normal_rsample.vjp(([[4.0, 3.0]],), **NOISE), [[4, 3]], [[4, -6]])


# tanh(log 2) = (4 - 1) / (4 + 1) = 3/5, and 1 - 9/25 = 16/25


@both
def test_tanh_loc(form):
    near(getattr(tanh_loc, form)([[0.0, 2 * LOG_2]], upscale=2.0), [[0, 1.2]])


def test_tanh_loc_gradient():
    near(tanh_loc.vjp(([[1.0, 25.0]],), [[0.0, 2 * LOG_2]], upscale=2.0), [[1, 16]], size=16.0)


# tanh_normal_log_prob: a = 3 between -5 and 5 is tanh u = 3/5, so u = mu and z = 0
SQUASHED = {"sample": [[3.0]], "loc": [[LOG_2]], "scale": [[0.5]], "low": -5.0, "high": 5.0}


@both
def test_tanh_normal_log_prob(form):
    # -log(2 pi) / 2 + log 2 - log 16/25 - log 5
    near(getattr(tanh_normal_log_prob, form)(**SQUASHED), [-LOG_2PI / 2 + LOG_2 - 4 * LOG_2 + 2 * LOG_5 - LOG_5])


def test_tanh_normal_log_prob_gradient():
    # with z = 0: by a 2 tanh u / (1 - tanh(u)^2) / h = 6/5 25/16 / 5 = 3/8, by mu 0, by sigma -1 / sigma
    near(tanh_normal_log_prob.vjp(([8.0],), **SQUASHED), [[3]], [[0]], [[-16]], size=32.0)


# tanh_normal_rsample: u = 0 + log 2 1
DRAW = {"noise": [[1.0]], "loc": [[0.0]], "scale": [[LOG_2]], "low": -5.0, "high": 5.0}


@both
def test_tanh_normal_rsample(form):
    # 5 3/5; -1/2 - log(2 pi) / 2 - log log 2 - log 16/25 - log 5, log log 2 = -0.36651292058166432701
    near(getattr(tanh_normal_rsample, form)(**DRAW), [[3]],
         [-0.5 - LOG_2PI / 2 + 0.36651292058166432701 - 4 * LOG_2 + LOG_5])


def test_tanh_normal_rsample_gradient():
    # by u: 5 16/25 = 16/5 of the sample, 2 3/5 of log p; of 1 and 2 of these 28/5, times epsilon = 1, less 2 / sigma
    near(tanh_normal_rsample.vjp(([[1.0]], [2.0]), **DRAW), [[5.6]], [[5.6 - 2 / LOG_2]], size=8.0)


# categorical: p = 1/3 and 2/3, the third action is masked
LEGAL = {"logits": [[0.0, LOG_2, NAN]], "action_mask": [[True, True, False]]}


@both
def test_categorical_log_prob(form):
    near(getattr(categorical_log_prob, form)(action=[1], **LEGAL), [LOG_2 - LOG_3])


def test_categorical_log_prob_gradient():
    near(categorical_log_prob.vjp(([3.0],), action=[1], **LEGAL), [[-1, 1, 0]])  # 3 (0 - 1/3), 3 (1 - 2/3)


@both
def test_categorical_entropy(form):
    near(getattr(categorical_entropy, form)(**LEGAL), [LOG_3 - 2 * LOG_2 / 3])  # 1/3 log 3 + 2/3 (log 3 - log 2)


def test_categorical_entropy_gradient():
    # -p (log p + H): -1/3 (-2/3 log 2), -2/3 (log 2 - 2/3 log 2)
    near(categorical_entropy.vjp(([9.0],), **LEGAL), [[2 * LOG_2, -2 * LOG_2, 0]], size=8.0)


# q = 1/2 and 1/2: KL = log 2 - H
OTHER = LEGAL | {"other_logits": [[7.0, 7.0, NAN]]}


@both
def test_categorical_kl(form):
    near(getattr(categorical_kl, form)(**OTHER), [5 * LOG_2 / 3 - LOG_3])


def test_categorical_kl_gradient():
    # p (log p - log q - KL): 1/3 (-2/3 log 2), 2/3 1/3 log 2; q - p: 1/6, -1/6
    near(categorical_kl.vjp(([9.0],), **OTHER), [[-2 * LOG_2, 2 * LOG_2, 0]], [[1.5, -1.5, 0]], size=8.0)
