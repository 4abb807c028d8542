"""One example a page, in powers of two, to be checked in the head; equal to the last bit.

Every page but reward_to_go and standardize meets a truncation, a termination (where V(s') is NaN) and the end of the
batch. The gradient is that of one output, so that it can be read off the equations.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from rlref.pages import pages
from rlref.returns import gae, reward_to_go, standardize, td0, td1, td_lambda, vtrace

NAN = np.nan
both = pytest.mark.parametrize("form", ["loop", "vectorized"])


def equal(result, *expected):
    """Each field of ``result`` is what was worked out."""
    for name, got, x in zip(result._fields, result, expected, strict=True):
        np.testing.assert_array_equal(got, np.array(x, float), err_msg=name)


def test_every_page_has_one():
    """Here, or in test_by_hand_*.py."""
    here = Path(__file__).parent
    found = {name for file in here.glob("test_by_hand*.py") for name in vars(importlib.import_module(file.stem))}
    names = {f"test_{page.short}{part}" for page in pages().values() for part in ("", "_gradient")}
    assert names - found == set(), "a hand-worked test is missing"


# td0. No step reads another: that the last one is truncated changes nothing.
# G = r + V'/2:  1 + 4/2 = 3,  2 (terminated),  3 + 6/2 = 6.    A = G - 8
TD0 = {"reward": [1.0, 2.0, 3.0], "state_value": [8.0, 8.0, 8.0], "next_state_value": [4.0, NAN, 6.0],
       "done": [False, True, True], "terminated": [False, True, False], "gamma": 0.5}


@both
def test_td0(form):
    equal(getattr(td0, form)(**TD0), [-5, -6, -2], [3, 2, 6])


def test_td0_gradient():
    # sum(A) + 2 G_2: each reward once, and reward 2 twice more; V' half as much, but not where terminated
    equal(td0.vjp(([1, 1, 1], [0, 0, 2]), **TD0), [1, 1, 3], [-1, -1, -1], [0.5, 0, 1.5])


# td1. Trajectories: steps 0 and 1, truncated; step 2, terminated; steps 3 and 4, where the batch ends.
# G_4 = 5 + 6/2 = 8     G_3 = 4 + 8/2 = 8     G_2 = 3     G_1 = 2 + 4/2 = 4     G_0 = 1 + 4/2 = 3    A = G - 2
TD1 = {"reward": [1.0, 2.0, 3.0, 4.0, 5.0], "state_value": [2.0] * 5, "next_state_value": [64.0, 4.0, NAN, 64.0, 6.0],
       "done": [False, True, True, False, False], "terminated": [False, False, True, False, False],
       "gamma": 0.5, "rolling_gamma": True}


@both
def test_td1(form):
    equal(getattr(td1, form)(**TD1), [1, 2, 1, 6, 6], [3, 4, 3, 8, 8])
    # gamma_0 = 1: G_0 = 1 + 1 G_1 = 1 + 4 if it rolls; else G_0 has it at both steps: 1 + (2 + 4)
    per_step = TD1 | {"gamma": [1.0, 0.5, 0.5, 0.5, 0.5]}
    equal(getattr(td1, form)(**per_step), [3, 2, 1, 6, 6], [5, 4, 3, 8, 8])
    equal(getattr(td1, form)(**per_step | {"rolling_gamma": False}), [5, 2, 1, 6, 6], [7, 4, 3, 8, 8])


def test_td1_gradient():
    # A_0 = r_0 + 1/2 (r_1 + 1/2 V'_1) - V_0
    equal(td1.vjp(([1, 0, 0, 0, 0], [0] * 5), **TD1), [1, 0.5, 0, 0, 0], [-1, 0, 0, 0, 0], [0, 0.25, 0, 0, 0])


# td_lambda, gamma = lambda = 1/2. The same trajectories.
# G_4 = 5 + 6/2 = 8     G_3 = 4 + (4/2 + 8/2)/2 = 7     G_2 = 3     G_1 = 2 + 4/2 = 4     G_0 = 1 + (8/2 + 4/2)/2 = 4
TD_LAMBDA = TD1 | {"next_state_value": [8.0, 4.0, NAN, 4.0, 6.0], "lmbda": 0.5}


@both
def test_td_lambda(form):
    equal(getattr(td_lambda, form)(**TD_LAMBDA), [2, 2, 1, 5, 6], [4, 4, 3, 7, 8])
    # lambda_0 = 1, gamma_0 = 1: G_0 = 1 + G_1 = 5 if they roll; else 1 + (2 + 4)
    per_step = TD_LAMBDA | {"gamma": [1.0, 0.5, 0.5, 0.5, 0.5], "lmbda": [1.0, 0.5, 0.5, 0.5, 0.5]}
    equal(getattr(td_lambda, form)(**per_step), [3, 2, 1, 5, 6], [5, 4, 3, 7, 8])
    equal(getattr(td_lambda, form)(**per_step | {"rolling_gamma": False}), [5, 2, 1, 5, 6], [7, 4, 3, 7, 8])


def test_td_lambda_gradient():
    # G_0 = r_0 + 1/4 V'_0 + 1/4 (r_1 + 1/2 V'_1)
    equal(td_lambda.vjp(([0] * 5, [1, 0, 0, 0, 0]), **TD_LAMBDA), [1, 0.25, 0, 0, 0], [0] * 5, [0.25, 0.125, 0, 0, 0])


# gae, gamma = lambda = 1/2. The same trajectories, V = 2.
# delta:  1 + 4/2 - 2 = 1     2 + 4/2 - 2 = 2     3 - 2 = 1     4 + 8/2 - 2 = 6     5 + 2/2 - 2 = 4
# A_4 = 4     A_3 = 6 + 4/4 = 7     A_2 = 1     A_1 = 2     A_0 = 1 + 2/4 = 1.5      G = A + 2
GAE = {name: TD1[name] for name in ("reward", "state_value", "done", "terminated", "gamma")}
GAE |= {"next_state_value": [4.0, 4.0, NAN, 8.0, 2.0], "lmbda": 0.5}


@both
def test_gae(form):
    equal(getattr(gae, form)(**GAE), [1.5, 2, 1, 7, 4], [3.5, 4, 3, 9, 6])


def test_gae_gradient():
    # A_0 = r_0 + 1/2 V'_0 - V_0 + 1/4 (r_1 + 1/2 V'_1 - V_1)
    equal(gae.vjp(([1, 0, 0, 0, 0], [0] * 5), **GAE), [1, 0.25, 0, 0, 0], [-1, -0.25, 0, 0, 0], [0.5, 0.125, 0, 0, 0])


# vtrace, gamma = 1/2, rho_bar = 1, c_bar = 1/2, V = 2. pi/mu = 1, e, e, 0: rho = 1, 1, 1, 0 and c = 1/2, 1/2, 1/2, 0.
# Step 1 truncated, step 2 terminated, step 3 the end of the batch.
# delta:  1 + 4/2 - 2 = 1     2 + 8/2 - 2 = 4     3 - 2 = 1     0 (4 + 8/2 - 2) = 0
# v_3 = 2 + 0     v_2 = 2 + 1     v_1 = 2 + 4 = 6     v_0 = 2 + 1 + 1/2 1/2 (6 - 2) = 4
# A_3 = 0     A_2 = 3 - 2 = 1     A_1 = 2 + 8/2 - 2 = 4 (its own V', not v_2)     A_0 = 1 + 6/2 - 2 = 2
VTRACE = {"reward": [1.0, 2.0, 3.0, 4.0], "state_value": [2.0] * 4, "next_state_value": [4.0, 8.0, NAN, 8.0],
          "log_pi": [-1.0, -1.0, -1.0, -np.inf], "log_mu": [-1.0, -2.0, -2.0, -1.0],
          "done": [False, True, True, False], "terminated": [False, False, True, False],
          "gamma": 0.5, "rho_thresh": 1.0, "c_thresh": 0.5}


@both
def test_vtrace(form):
    equal(getattr(vtrace, form)(**VTRACE), [2, 4, 1, 0], [4, 6, 3, 2])
    # A log-ratio of 800 clips to the thresholds, and no more.
    far = {"log_pi": [-1.0, 400.0, 400.0, -np.inf], "log_mu": [-1.0, -400.0, -400.0, 0.0]}
    equal(getattr(vtrace, form)(**VTRACE | far), [2, 4, 1, 0], [4, 6, 3, 2])


def test_vtrace_gradient():
    # A_0 = rho_0 (r_0 + 1/2 v_1 - V_0),  v_1 = V_1 + rho_1 (r_1 + 1/2 V'_1 - V_1) = r_1 + 1/2 V'_1
    # rho_0 = w_0 at the tie, so dA_0 / d log pi_0 = w_0 (1 + 6/2 - 2) = 2; rho_1 is clipped.
    equal(vtrace.vjp(([1, 0, 0, 0], [0] * 4), **VTRACE),
          [1, 0.5, 0, 0], [-1, 0, 0, 0], [0, 0.25, 0, 0], [2, 0, 0, 0], [-2, 0, 0, 0])


# reward_to_go. The reward after the cut at step 1 is missing from it.
# G_3 = 8     G_2 = 4 + 8/2 = 8     G_1 = 2     G_0 = 1 + 2/2 = 2
REWARD_TO_GO = {"reward": [1.0, 2.0, 4.0, 8.0], "done": [False, True, False, False], "gamma": 0.5}


@both
def test_reward_to_go(form):
    equal(getattr(reward_to_go, form)(**REWARD_TO_GO), [2, 2, 8, 8])


def test_reward_to_go_gradient():
    # the sum of all returns: r_1 is in G_1 and, halved, in G_0; r_3 in G_3 and G_2
    equal(reward_to_go.vjp(([1, 1, 1, 1],), **REWARD_TO_GO), [1, 1.5, 1, 1.5])


# standardize. m = 3.
# 1 1 5 5:    n = 4, A - m = -2 -2 2 2,    16 / 4 = 4 with ddof 0, sigma = 2
# 1 5 1 5 3:  n = 5, A - m = -2 2 -2 2 0,  16 / 4 = 4 with ddof 1, sigma = 2


@both
def test_standardize(form):
    function = getattr(standardize, form)
    equal(function([1.0, 1.0, 5.0, 5.0], ddof=0, std_min=1.0), [-1, -1, 1, 1])
    equal(function([1.0, 5.0, 1.0, 5.0, 3.0], ddof=1, std_min=1.0), [-1, 1, -1, 1, 0])
    equal(function([1.0, 1.0, 5.0, 5.0], ddof=0, std_min=4.0), [-0.5, -0.5, 0.5, 0.5])


def test_standardize_gradient():
    # 4 out_0 below the floor: 4 / 4 = 1 less the mean, 1/4.
    equal(standardize.vjp(([4, 0, 0, 0],), [1.0, 1.0, 5.0, 5.0], ddof=0, std_min=4.0), [0.75, -0.25, -0.25, -0.25])
    # Above it: 4 / 2 = 2 less the mean, 1/2: 3/2, -1/2, -1/2, -1/2; through sigma: less out times the mean of 2 out_0
    # and zeros, -1/2, which adds -1/2 -1/2 1/2 1/2.
    equal(standardize.vjp(([4, 0, 0, 0],), [1.0, 1.0, 5.0, 5.0], ddof=0, std_min=1.0), [1, -1, 0, 0])
