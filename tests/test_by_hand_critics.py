"""One example a page, to be checked in the head: td3, iql, vdn, qmix. As tests/test_by_hand.py."""

from __future__ import annotations

from test_by_hand import both, equal

from rlref.losses import iql, qmix, td3, vdn

# td3: critics 3 0 and 1 1, targets 1 and 1/2: delta = 2 -1 and 1/2 1/2
TD3 = {"state_action_value": [[3.0, 0.0], [1.0, 1.0]], "value_target": [1.0, 0.5], "policy_action_value": [7.0, -2.0]}


@both
def test_td3(form):
    equal(getattr(td3, form)(**TD3, loss_function="l2"), [-7, 2], [4 + 1, 0.25 + 0.25], [2, 0.5])
    equal(getattr(td3, form)(**TD3, loss_function="smooth_l1"), [-7, 2], [1.5 + 0.5, 0.125 + 0.125], [2, 0.5])
    equal(getattr(td3, form)(**TD3, loss_function="l1"), [-7, 2], [2 + 1, 0.5 + 0.5], [2, 0.5])


def test_td3_gradient():
    # 2 delta times the cotangents 1 and 3, each critic by its own; that of td_error does nothing
    gradient = td3.vjp(([1, 2], [1, 3], [5, 5]), **TD3, loss_function="l2")
    equal(gradient.loss_actor, [-1, -2])
    equal(gradient.loss_qvalue, [[4, -2], [3, 3]])


# iql, beta = 2, tau = 3/4, V = 1. Target critics 1 4, 65 66 and 2 -511: u = 0, 64 and -512.
# w = e^0 = 1, 100 for e^128, and 0 for e^-1024, which no float holds. Critics miss by 1 -1, 2 0 and 0 0.
IQL = {"log_prob": [-3.0, -0.5, -8.0], "state_value": [1.0, 1.0, 1.0], "value_target": [2.0, 1.0, 0.5],
       "state_action_value": [[3.0, 1.0], [3.0, 1.0], [0.5, 0.5]],
       "target_state_action_value": [[1.0, 4.0], [65.0, 66.0], [2.0, -511.0]],
       "temperature": 2.0, "expectile": 0.75, "loss_function": "l2"}


@both
def test_iql(form):
    # 3/4 64^2 = 3072,  1/4 512^2 = 65536
    equal(getattr(iql, form)(**IQL), [3, 50, 0], [1 + 1, 4, 0], [0, 3072, 65536], [1, 2, 0])


def test_iql_gradient():
    gradient = iql.vjp(([1, 2, 3], [1, 1, 1], [1, 1, 3], [5, 5, 5]), **IQL)
    equal(gradient.loss_actor, [-1, -200, 0])
    equal(gradient.loss_qvalue, [[2, -2], [4, 0], [0, 0]])
    # -2 3/4 64 = -96,  -2 1/4 (-512) 3 = 768
    equal(gradient.loss_value, [0, -96, 768])


# vdn: Q_tot = 3 and -1/2, targets 1 and 0: delta = 2 and -1/2
VDN = {"local_value": [[1.0, 2.0], [-1.0, 0.5]], "value_target": [1.0, 0.0]}


@both
def test_vdn(form):
    equal(getattr(vdn, form)(**VDN, loss_function="l2"), [4, 0.25], [2, 0.5], [3, -0.5])
    equal(getattr(vdn, form)(**VDN, loss_function="smooth_l1"), [1.5, 0.125], [2, 0.5], [3, -0.5])


def test_vdn_gradient():
    # 2 delta = 4 and -1, times the cotangents 1 and 3, to every agent
    equal(vdn.vjp(([1, 3], [5, 5], [7, 7]), **VDN, loss_function="l2"), [[4, 4], [-3, -3]])


# qmix, two agents, two hidden units.
# Step 0: x = 1 + 2 1 + 1/2 (-2) = 2 and -2000 + 1 - 2 = -2001;  y = 2 and -1;  Q_tot = 1/2 + 3 2 + 2 (-1) = 9/2
# Step 1: x = 0 + 1 - 1 = 0 and 1 + 1 - 1 = 1, y = 0 and 1, the weight of which is 0;  Q_tot = -1
QMIX = {"local_value": [[1.0, -2.0], [1.0, -1.0]], "value_target": [2.5, 0.0],
        "hidden_weight": [[[2.0, -1.0], [-0.5, 1.0]], [[1.0, 1.0], [-1.0, 1.0]]],
        "hidden_bias": [[1.0, -2000.0], [0.0, 1.0]], "output_weight": [[-3.0, 2.0], [2.0, 0.0]],
        "output_bias": [0.5, -1.0]}


@both
def test_qmix(form):
    equal(getattr(qmix, form)(**QMIX, loss_function="l2"), [4, 1], [2, 1], [4.5, -1])
    equal(getattr(qmix, form)(**QMIX, loss_function="smooth_l1"), [1.5, 0.5], [2, 1], [4.5, -1])


def test_qmix_gradient():
    # by Q_tot: 2 delta = 4 and -2, which is that by b'.  By w: its sign times y: -2 4, -1 4; 0 (-2), 0 at a weight of 0
    # by x: |w| times the slope of y: 3 4, and 0 where y is flat; 2 (-2), the slope at x = 0 is 1, and 0
    # by W: its sign times Q_g times that by x: 12, and -(-2) 12; -4, and -(-1) (-4). By Q_g: |W| times that by x
    equal(qmix.vjp(([1, 1], [5, 5], [7, 7]), **QMIX, loss_function="l2"),
          [[24, 6], [-4, -4]], [[[12, 0], [24, 0]], [[-4, 0], [-4, 0]]], [[12, 0], [-4, 0]],
          [[-8, -4], [0, 0]], [4, -2])
