"""One example a page, to be checked in the head: the bootstraps. As tests/test_by_hand.py."""

from __future__ import annotations

import numpy as np
from test_by_hand import both, equal

from rlref.bootstraps import (
    double_q,
    expected_soft_q,
    max_q,
    min_q,
    soft_min_q,
    subset_min_q,
    target_policy_smoothing,
)

INF = np.inf

# max_q: the largest is action 1; action 2 of two legal ones, both below zero; actions 0 and 2, which tie
MAX_Q = {"next_action_value": [[1.0, 3.0, -8.0], [-INF, -4.0, -2.0], [5.0, 2.0, 5.0]]}


@both
def test_max_q(form):
    equal(getattr(max_q, form)(**MAX_Q), [3, -2, 5])


def test_max_q_gradient():
    # all of the cotangent, at the best action; of two that tie, at the first
    equal(max_q.vjp(([1, 2, 4],), **MAX_Q), [[0, 1, 0], [0, 0, 2], [4, 0, 0]])


# double_q: online, action 0 is the best; action 1, as 2 is illegal; actions 1 and 2 tie, and the first of them is taken
DOUBLE_Q = {"next_action_value": [[1.0, 3.0, -8.0], [-6.0, -4.0, -INF], [5.0, 2.0, 7.0]],
            "online_next_action_value": [[9.0, 3.0, 0.0], [-2.0, -1.0, -INF], [0.0, 1.0, 1.0]]}


@both
def test_double_q(form):
    equal(getattr(double_q, form)(**DOUBLE_Q), [1, -4, 2])


def test_double_q_gradient():
    # to the target network's value of the action that the online network took
    equal(double_q.vjp(([1, 2, 4],), **DOUBLE_Q), [[1, 0, 0], [0, 2, 0], [0, 4, 0]])


# min_q: the second critic is the smallest, then the third, then the first of two that tie
CRITICS = {"next_state_action_value": [[4.0, 1.0, 2.0], [-1.0, 0.0, -3.0], [2.0, 2.0, 8.0]]}


@both
def test_min_q(form):
    equal(getattr(min_q, form)(**CRITICS), [1, -3, 2])


def test_min_q_gradient():
    equal(min_q.vjp(([1, 2, 4],), **CRITICS), [[0, 1, 0], [0, 0, 2], [4, 0, 0]])


# target_policy_smoothing, sigma = 1/2, c = 1, bounds [-1, 2] and [-4, 1/2]
# noise 1/2 4 = 2 is clipped to 1, 1/2 -1 = -1/2, 1/2 -6 = -3 is clipped to -1, 1/2 0 = 0
# 0 + 1 = 1     1/4 - 1/2 = -1/4     -1/2 - 1 = -3/2, clipped to -1     1/2 + 0, on its bound
SMOOTHING = {"next_action": [[0.0, 0.25], [-0.5, 0.5]], "noise": [[4.0, -1.0], [-6.0, 0.0]], "policy_noise": 0.5,
             "noise_clip": 1.0, "action_low": [-1.0, -4.0], "action_high": [2.0, 0.5]}


@both
def test_target_policy_smoothing(form):
    equal(getattr(target_policy_smoothing, form)(**SMOOTHING), [[1, -0.25], [-1, 0.5]])
    # no bounds: the third is -3/2; a clip of 2 lets the first be 2
    free = {"action_low": -INF, "action_high": INF}
    equal(getattr(target_policy_smoothing, form)(**SMOOTHING | free), [[1, -0.25], [-1.5, 0.5]])
    equal(getattr(target_policy_smoothing, form)(**SMOOTHING | free | {"noise_clip": 2.0}), [[2, -0.25], [-2.5, 0.5]])


def test_target_policy_smoothing_gradient():
    # all of the cotangent but where the bounds clip; on a bound all of it, too
    equal(target_policy_smoothing.vjp(([[1, 2], [4, 8]],), **SMOOTHING), [[1, 2], [0, 8]])


# soft_min_q, alpha = 1/2: 1 + 1/2 4 = 3     -3 - 1/2 2 = -4     2 - 0
SOFT = CRITICS | {"next_log_prob": [-4.0, 2.0, 0.0], "alpha": 0.5}


@both
def test_soft_min_q(form):
    equal(getattr(soft_min_q, form)(**SOFT), [3, -4, 2])
    # alpha by step: 1 + 0     -3 - 2 2 = -7     2
    equal(getattr(soft_min_q, form)(**SOFT | {"alpha": [0.0, 2.0, 1.0]}), [1, -7, 2])


def test_soft_min_q_gradient():
    # as min_q; the log-probability -1/2 of the cotangent
    equal(soft_min_q.vjp(([1, 2, 4],), **SOFT), [[0, 1, 0], [0, 0, 2], [4, 0, 0]], [-0.5, -1, -2])


# subset_min_q, critics 2 and 0, alpha = 1/2: 2 + 2 = 4     -3 - 1 = -4     2 - 0
SUBSET = SOFT | {"subset": [2, 0]}


@both
def test_subset_min_q(form):
    equal(getattr(subset_min_q, form)(**SUBSET), [4, -4, 2])
    # critics 1 and 0 tie in the last row
    equal(getattr(subset_min_q, form)(**SUBSET | {"subset": [1, 0]}), [3, -2, 2])
    equal(getattr(subset_min_q, form)(**SUBSET | {"subset": [1]}), [3, -1, 2])


def test_subset_min_q_gradient():
    equal(subset_min_q.vjp(([1, 2, 4],), **SUBSET), [[0, 0, 1], [0, 0, 2], [4, 0, 0]], [-0.5, -1, -2])
    # of the tie in the last row, critic 1 is named first
    equal(subset_min_q.vjp(([1, 2, 4],), **SUBSET | {"subset": [1, 0]}), [[0, 1, 0], [2, 0, 0], [0, 4, 0]],
          [-0.5, -1, -2])


# expected_soft_q: one action is certain, q = 3, and the other is impossible, whatever its values: V = 3
# two actions of probability e^0 = 1 each, which no policy has but which shows the sum: 1 + min(6, 2) = 3
EXPECTED = {"next_action_value": [[[4.0, 3.0], [9.0, 9.0]], [[1.0, 5.0], [6.0, 2.0]]],
            "next_log_probs": [[0.0, -INF], [0.0, 0.0]], "alpha": 0.5}


@both
def test_expected_soft_q(form):
    equal(getattr(expected_soft_q, form)(**EXPECTED), [3, 3])
    masked = {"next_action_value": [[[4.0, 3.0], [-INF, -INF]], [[1.0, 5.0], [6.0, 2.0]]]}
    equal(getattr(expected_soft_q, form)(**EXPECTED | masked), [3, 3])


def test_expected_soft_q_gradient():
    # by q: pi, at the smallest critic. By log pi: pi (q - alpha log pi - alpha) = 3 - 1/2; 1 - 1/2 and 2 - 1/2
    equal(expected_soft_q.vjp(([1, 2],), **EXPECTED), [[[0, 1], [0, 0]], [[2, 0], [0, 2]]], [[2.5, 0], [1, 3]])
