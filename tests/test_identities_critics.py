"""The limits of td3, iql, vdn and qmix, each with its condition, and what they do far out."""

from __future__ import annotations

import warnings
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_by_hand import both

from rlref.conformance import exact
from rlref.losses import ddpg, dqn, iql, qmix, td3, vdn
from rlref.pages import find

data = given(data=st.data())
FORMS = ("loop", "vectorized")


def same(one, other):
    np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


# td3


@data
def test_td3_of_one_critic_is_ddpg(examples, data):
    inputs, cotangents = data.draw(examples(find("td3")))
    value = inputs["state_action_value"][..., 0]
    inputs["state_action_value"] = value[..., None]
    for form in FORMS:
        got, expected = getattr(td3, form)(**inputs), getattr(ddpg, form)(**inputs | {"state_action_value": value})
        for one, other in zip(got, expected, strict=True):
            same(one, other)
    got = td3.vjp(td3.TD3(**cotangents), **inputs)
    expected = ddpg.vjp(ddpg.DDPG(*cotangents.values()), **inputs | {"state_action_value": value})
    same(got.loss_actor.policy_action_value, expected.loss_actor.policy_action_value)
    same(got.loss_qvalue.state_action_value[..., 0], expected.loss_value.state_action_value)


@data
def test_td3_trains_each_critic_as_if_it_were_alone(examples, data):
    inputs, cotangents = data.draw(examples(find("td3")))
    together = td3.vjp(td3.TD3(**cotangents), **inputs).loss_qvalue.state_action_value
    for i in range(together.shape[-1]):
        alone = inputs | {"state_action_value": inputs["state_action_value"][..., i:i + 1]}
        same(together[..., i], td3.vjp(td3.TD3(**cotangents), **alone).loss_qvalue.state_action_value[..., 0])


@both
def test_td3_critics_that_cancel_still_cost(form):
    """delta = 3 and -3: the squares add up to 18, where the square of the sum is 0."""
    result = getattr(td3, form)([[4.0, -2.0]], [1.0], [0.0], loss_function="l2")
    same(result.loss_qvalue, [18])
    same(result.td_error, [3])


# iql


@data
def test_iql_at_inverse_temperature_zero_is_cloning(examples, data):
    inputs, cotangents = data.draw(examples(find("iql")))
    inputs["temperature"] = 0.0
    for form in FORMS:
        same(getattr(iql, form)(**inputs).loss_actor, -inputs["log_prob"])
    same(iql.vjp(iql.IQL(**cotangents), **inputs).loss_actor.log_prob, -cotangents["loss_actor"])


@data
def test_iql_at_expectile_one_half_is_half_the_square(examples, data):
    inputs, cotangents = data.draw(examples(find("iql")))
    inputs["expectile"] = 0.5
    u = inputs["target_state_action_value"].min(axis=-1) - inputs["state_value"]
    for form in FORMS:
        same(getattr(iql, form)(**inputs).loss_value, u * u / 2)
    same(iql.vjp(iql.IQL(**cotangents), **inputs).loss_value.state_value, -cotangents["loss_value"] * u)


def test_iql_settles_on_the_expectile():
    """The V whose gradients add up to 0: of 0 and 4, for tau 3/4, where 3/4 (4 - V) = 1/4 V, at V = 3."""
    arguments = {"log_prob": [-1.0] * 2, "state_value": [3.0] * 2, "state_action_value": [[0.0]] * 2,
                 "target_state_action_value": [[0.0], [4.0]], "value_target": [0.0] * 2, "temperature": 1.0,
                 "expectile": 0.75, "loss_function": "l2"}
    by = iql.vjp(([0, 0], [0, 0], [1, 1], [0, 0]), **arguments).loss_value.state_value
    same(by, [1.5, -1.5])


FAR = {"log_prob": [-1.0, -800.0, -1.0, -800.0], "state_value": [0.0] * 4, "value_target": [0.0] * 4,
       "state_action_value": [[0.0, 0.0]] * 4, "target_state_action_value": [[800.0, 900.0], [1e5, 1e6],
                                                                             [-800.0, 0.0], [-1e5, -1e5]]}


@both
def test_iql_weights_neither_overflow_nor_warn(form):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = getattr(iql, form)(**FAR, temperature=1.0, expectile=0.75, loss_function="l2")
        same(result.loss_actor, [100, 80000, 0, 0])
        same(result.loss_value, [480000, 7.5e9, 160000, 2.5e9])
        gradient = iql.vjp(([1] * 4,) * 4, **FAR, temperature=1.0, expectile=0.75, loss_function="l2")
    same(gradient.loss_actor.log_prob, [-100, -100, 0, 0])
    same(gradient.loss_value.state_value, [-1200, -150000, 400, 50000])


@both
def test_iql_ties(form):
    """At u = 0 nothing is lost, by either weight, and V stays; critics that agree are one minimum."""
    tie = {"log_prob": [-2.0], "state_value": [1.5], "state_action_value": [[1.5, 1.5]], "value_target": [1.5],
           "target_state_action_value": [[1.5, 1.5]], "temperature": 3.0, "expectile": 0.875, "loss_function": "l1"}
    same(np.array(getattr(iql, form)(**tie))[:, 0], [2, 0, 0, 0])
    gradient = iql.vjp(([1],) * 4, **tie)
    same(gradient.loss_value.state_value, [0])
    same(gradient.loss_qvalue.state_action_value, [[0, 0]])


# vdn


@data
def test_vdn_of_one_agent_is_dqn_of_its_action(examples, data):
    inputs, cotangents = data.draw(examples(find("vdn")))
    inputs["local_value"] = inputs["local_value"][..., :1]
    other = {"action_value": inputs["local_value"], "action": np.zeros(inputs["value_target"].shape, int),
             "value_target": inputs["value_target"], "loss_function": inputs["loss_function"]}
    for form in FORMS:
        got, expected = getattr(vdn, form)(**inputs), getattr(dqn, form)(**other)
        same(got.loss, expected.loss)
        same(got.td_error, expected.td_error)
    same(vdn.vjp(vdn.VDN(**cotangents), **inputs).local_value,
         dqn.vjp(dqn.DQN(cotangents["loss"], cotangents["td_error"]), **other).action_value)


# qmix

LEVELS = np.array(list(product([1.0, 2.0, 4.0], [0.5, 3.0])))  # two agents with positive values
VALUES = np.array(list(product([-2.0, 0.5, 1.0], [-3.0, -1.0, 2.0])))  # and with any: nine joint actions
OF_VDN = {"hidden_weight": [[[-1.0], [1.0]]] * 6, "hidden_bias": [[0.0]] * 6, "output_weight": [[-1.0]] * 6,
          "output_bias": [0.0] * 6}


@both
def test_qmix_with_unit_weights_is_vdn_where_the_sum_is_positive(form):
    inputs = {"local_value": LEVELS, "value_target": np.ones(6), "loss_function": "smooth_l1"}
    got, expected = getattr(qmix, form)(**inputs, **OF_VDN), getattr(vdn, form)(**inputs)
    for one, other in zip(got, expected, strict=True):
        same(one, other)
    cotangent = ([1.0] * 6,) * 3
    same(qmix.vjp(cotangent, **inputs, **OF_VDN).local_value, vdn.vjp(cotangent, **inputs).local_value)
    below = inputs | {"local_value": -LEVELS}  # and where it is negative, ELU bends it
    assert (getattr(qmix, form)(**below, **OF_VDN).global_value > getattr(vdn, form)(**below).global_value).all()


@both
def test_qmix_is_linear_where_hidden_units_are_positive(form):
    """Q_tot of the mean is the mean of the Q_tot, of any two teams; with lower biases it is not."""
    mixer = {"hidden_weight": [[[1.0, -0.5], [0.25, 2.0]]], "output_weight": [[1.0, -4.0]], "output_bias": [1.0],
             "loss_function": "l2"}

    def mixed(values, bias):
        return getattr(qmix, form)([values], [0.0], **mixer, hidden_bias=[[bias, bias]]).global_value

    one, other, between = [1.0, 2.0], [-1.0, 4.0], [0.0, 3.0]
    same(mixed(between, 8.0), (mixed(one, 8.0) + mixed(other, 8.0)) / 2)
    assert mixed(between, -5.0) != (mixed(one, -5.0) + mixed(other, -5.0)) / 2


@data
def test_qmix_is_monotonic(examples, data):
    """Raising any agent's value never lowers Q_tot, at 60 digits; nor is any derivative negative."""
    inputs, _ = data.draw(examples(find("qmix")))
    agent = data.draw(st.integers(0, inputs["local_value"].shape[-1] - 1))
    before = exact.outputs(find("qmix"), inputs)["global_value"]
    cotangent = qmix.QMIX(np.ones_like(before), np.zeros_like(before), np.zeros_like(before))
    below = inputs | {"value_target": before - 1 - np.abs(before), "loss_function": "l1"}
    assert (qmix.vjp(cotangent, **below).local_value >= 0).all()
    inputs["local_value"][..., agent] += 0.25
    assert (exact.outputs(find("qmix"), inputs)["global_value"] >= before).all()


@both
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_qmix_s_best_joint_action_is_each_agent_s_best(form, sign):
    """Of nine joint actions, whatever the signs of the hypernetworks' outputs: eq. 4 of the paper."""
    weights = {"hidden_weight": [[[sign, 0.5], [2.0, -sign]]] * 9, "hidden_bias": [[-1.0, 0.5]] * 9,
               "output_weight": [[-sign, 1.5]] * 9, "output_bias": [-3.0] * 9}
    result = getattr(qmix, form)(VALUES, np.zeros(9), **weights, loss_function="l2")
    assert tuple(VALUES[np.argmax(result.global_value)]) == (1.0, 2.0)


@both
def test_qmix_far_below_zero_is_flat_and_silent(form):
    """ELU of -800 and of -1e300 is -1, and passes nothing back."""
    inputs = {"local_value": [[-800.0], [-1e300]], "value_target": [0.0, 0.0], "hidden_weight": [[[1.0]], [[-1.0]]],
              "hidden_bias": [[0.0], [0.0]], "output_weight": [[2.0], [-2.0]], "output_bias": [1.0, 1.0],
              "loss_function": "l1"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same(getattr(qmix, form)(**inputs).global_value, [-1, -1])
        gradient = qmix.vjp(([1, 1],) * 3, **inputs)
    same(gradient.local_value, [[0], [0]])
    same(gradient.output_weight, [[1], [-1]])


def test_qmix_keeps_small_numbers():
    """ELU of -2^-60 is itself, less 2^-121: not lost beside the 1 of exp(x) - 1."""
    result = qmix.vectorized([[-(2.0**-60)]], [0.0], [[[1.0]]], [[0.0]], [[1.0]], [0.0], loss_function="l1")
    same(result.global_value, [-(2.0**-60)])
