"""One example a page, to be checked in the head: C51, reductions, clipped values, target updates."""

from __future__ import annotations

import numpy as np
import pytest
from test_by_hand import both, equal

from rlref.bootstraps import categorical_projection
from rlref.losses import clipped_value, distributional_dqn, reduction
from rlref.targets import hard_update, soft_update

NAN = np.nan

# categorical_projection, atoms 0, 1, 2, 4, p = 1/8, 1/8, 1/4, 1/2, gamma = 1/2.
# r = 1:    y = 1, 3/2, 2, 3: atom 1; halves of 1 and 2; atom 2; halves of 2 and 4
#           m = 0, 1/8 + 1/16, 1/16 + 1/4 + 1/4, 1/4
# r = -1:   y = -1, -1/2, 0, 1: all below or on atom 0, and atom 1        m = 1/2, 1/2, 0, 0
# r = 3, terminated: y = 3 four times, halves of 2 and 4                  m = 0, 0, 1/2, 1/2
PROJECTION = {"next_atom_probs": [[0.125, 0.125, 0.25, 0.5]] * 3, "reward": [1.0, -1.0, 3.0],
              "terminated": [False, False, True], "gamma": 0.5, "support": [0.0, 1.0, 2.0, 4.0]}


@both
def test_categorical_projection(form):
    equal(getattr(categorical_projection, form)(**PROJECTION),
          [[0, 0.1875, 0.5625, 0.25], [0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])


def test_categorical_projection_gradient():
    # each atom reads 1, 2, 4, 8 where it went: atom 1 (2), halves of 2 and 4 (3), 4, halves of 4 and 8 (6); ...
    equal(categorical_projection.vjp(([[1, 2, 4, 8]] * 3,), **PROJECTION),
          [[2, 3, 4, 6], [1, 1, 1, 2], [6, 6, 6, 6]])


# distributional_dqn: 1/4 x 1 + 3/4 x 2 = 1.75; nothing on the impossible atom, 1 x 3 = 3
DQN = {"action_log_probs": [[[-1.0, -2.0], [-8.0, -9.0]], [[-5.0, -6.0], [-np.inf, -3.0]]], "action": [0, 1],
       "target_probs": [[0.25, 0.75], [0.0, 1.0]]}


@both
def test_distributional_dqn(form):
    equal(getattr(distributional_dqn, form)(**DQN), [1.75, 3])


def test_distributional_dqn_gradient():
    # -m at the action taken, times the cotangents 1 and 2
    equal(distributional_dqn.vjp(([1, 2],), **DQN), [[[-0.25, -0.75], [0, 0]], [[0, 0], [0, -2]]])


# reduction: the second of four is masked. W = 1 + 2 + 1 = 4
# none: 1 x 3, 2 x -1, 1 x 8     sum: 3 - 2 + 8 = 9     mean: 9 / 4
REDUCTION = {"loss": [3.0, NAN, -1.0, 8.0], "weight": [1.0, NAN, 2.0, 1.0], "mask": [True, False, True, True]}
REDUCED = {"none": [3, 0, -2, 8], "sum": 9, "mean": 2.25}
each = pytest.mark.parametrize("how", REDUCED)


@each
@both
def test_reduction(form, how):
    equal(getattr(reduction, form)(**REDUCTION, reduction=how), REDUCED[how])


@each
def test_reduction_gradient(how):
    # the weights, each times its own cotangent, or 2 times all of them, or that over W
    cotangent, expected = {"none": ([2, 5, 3, 4], [2, 0, 6, 4]), "sum": (2, [2, 0, 4, 2]),
                           "mean": (2, [0.5, 0, 1, 0.5])}[how]
    equal(reduction.vjp((cotangent,), **REDUCTION, reduction=how), expected)


# clipped_value, epsilon_V = 1/2. V - V_old = 1/2 (at the clip), 2, 2, -2
# l2:  (1/2)^2    V_clip = 1/2: max(1^2, (5/2)^2) = 25/4    max(2^2, (1/2)^2) = 4    V_clip = -1/2: max(1, (5/2)^2)
CLIPPED = {"state_value": [0.5, 2.0, 2.0, -2.0], "old_state_value": [0.0] * 4, "value_target": [1.0, 3.0, 0.0, -3.0],
           "clip_value": 0.5}


@both
def test_clipped_value(form):
    equal(getattr(clipped_value, form)(**CLIPPED, loss_function="l2"), [0.25, 6.25, 4, 6.25], [0, 1, 1, 1])
    equal(getattr(clipped_value, form)(**CLIPPED, loss_function="l1"), [0.5, 2.5, 2, 2.5], [0, 1, 1, 1])


def test_clipped_value_gradient():
    # 2 (V - G) = -1 and 4, times the cotangents 1 and 3, where V's own loss is the larger; clip_fraction's does nothing
    equal(clipped_value.vjp(([1, 2, 3, 4], [9] * 4), **CLIPPED, loss_function="l2"), [-1, 0, 12, 0])


# soft_update: 1/4 x 8 + 3/4 x 4 = 5,  1/4 x -4 + 3/4 x 4 = 2
SOFT = {"params": [8.0, -4.0], "target_params": [4.0, 4.0], "tau": 0.25}


@both
def test_soft_update(form):
    equal(getattr(soft_update, form)(**SOFT), [5, 2])


def test_soft_update_gradient():
    equal(soft_update.vjp(([4, 8],), **SOFT), [1, 2], [3, 6])


# hard_update every 3: updates 3 and 6 copy, 4 does not
HARD = {"params": [8.0, -4.0], "target_params": [4.0, 5.0], "interval": 3}


@both
def test_hard_update(form):
    function = getattr(hard_update, form)
    equal(function(**HARD, step=3), [8, -4])
    equal(function(**HARD, step=6), [8, -4])
    equal(function(**HARD, step=4), [4, 5])


def test_hard_update_gradient():
    equal(hard_update.vjp(([1, 2],), **HARD, step=3), [1, 2], [0, 0])
    equal(hard_update.vjp(([1, 2],), **HARD, step=4), [0, 0], [1, 2])
