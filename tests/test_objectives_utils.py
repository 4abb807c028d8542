"""distance_loss, next_state_value, hold_out_net and hold_out_params against torchrl's."""

from __future__ import annotations

import estimator_twins as est
import numpy as np
import pytest
import torch
import torch_twins as twins
from torchrl.objectives import utils as torch_utils

from rlref.networks import MLP, QNetwork, leaves
from rlref.objectives import Actor, ValueOperator
from rlref.objectives.data import put
from rlref.objectives.utils import distance_loss, hold_out_net, hold_out_params, next_state_value

POLICY, CRITIC = MLP(3, 2, (5,)), QNetwork(3, 2, (6, 4), "relu")
BY_POLICY, BY_CRITIC = POLICY.init(np.random.default_rng(1)), CRITIC.init(np.random.default_rng(2))


@pytest.mark.parametrize("loss_function", ["l1", "l2", "smooth_l1"])
@pytest.mark.parametrize("shapes", [((4, 6, 1), (4, 6, 1)), ((5,), (5,)), ((), ()), ((4, 6, 1), (6, 1))], ids=str)
def test_distance_loss(shapes, loss_function):
    v1, v2 = (2 * np.random.default_rng(i).normal(size=shape) for i, shape in enumerate(shapes))
    strict = shapes[0] == shapes[1]
    expected = (torch_utils.distance_loss(torch.tensor(v1), torch.tensor(v2), loss_function, strict) if strict else
                torch_utils.distance_loss(torch.tensor(v1), torch.tensor(v2).expand(shapes[0]), loss_function))
    twins.close(distance_loss(v1, v2, loss_function, strict), expected)


def rollout(**more):
    # torchrl rounds rewards to float32: these are not changed by it.
    data = est.rollout((4, 6), truncated=(1,), terminated=(3,)) | more
    data["next"]["reward"] = np.round(data["next"]["reward"] * 8) / 8
    return data


@pytest.mark.parametrize("gamma", [0.5, 0.0, 1.0])
@pytest.mark.parametrize("more", [{}, {"steps_to_next_obs": np.arange(24).reshape(4, 6, 1) % 3 + 1}], ids=["1", "n"])
def test_next_state_value(more, gamma):
    data = rollout(**more)
    td = twins.tensordict(data, [4, 6])
    td["next", "done"] = td["next", "terminated"]  # torchrl's ends a bootstrap where it is done: see below
    options = {"next_val_key": "state_value", "gamma": gamma}
    expected = torch_utils.next_state_value(td.clone(), est.torch_network(), **options)
    twins.close(next_state_value(data, ValueOperator(est.NETWORK, est.PARAMETERS), **options), expected)
    given = np.random.default_rng(3).normal(size=(4, 6, 1))
    expected = torch_utils.next_state_value(td, gamma=gamma, pred_next_val=torch.tensor(given))
    twins.close(next_state_value(data, gamma=gamma, pred_next_val=given), expected)


def test_next_state_value_where_all_are_done():
    data = rollout()
    data["next"]["done"][:] = data["next"]["terminated"][:] = True
    td = twins.tensordict(data, [4, 6])
    given = np.full((4, 6, 1), np.nan)
    twins.close(next_state_value(data, pred_next_val=given), torch_utils.next_state_value(
        td, pred_next_val=torch.tensor(given)))


def test_torchrl_takes_truncation_for_termination():
    """Where a step is cut off, r + gamma V(s') is right, and r alone is torchrl's."""
    data, given = rollout(), np.random.default_rng(3).normal(size=(4, 6, 1))
    reward, done, terminated = (data["next"][name][..., 0] for name in ("reward", "done", "terminated"))
    cut = done & ~terminated
    assert cut.any()
    got = next_state_value(data, gamma=0.5, pred_next_val=given)
    theirs = torch_utils.next_state_value(twins.tensordict(data, [4, 6]), gamma=0.5, pred_next_val=torch.tensor(given))
    twins.close(got[cut], (reward + 0.5 * given[..., 0])[cut])
    twins.close(theirs.numpy()[cut], reward[cut])
    del data["next"]["terminated"]
    twins.close(next_state_value(data, gamma=0.5, pred_next_val=given), theirs)


def test_torchrl_rounds_rewards_to_float32():
    data, zero = rollout(), np.zeros((4, 6, 1))
    data["next"]["reward"][:] = 0.1
    expected = torch_utils.next_state_value(twins.tensordict(data, [4, 6]), pred_next_val=torch.tensor(zero))
    assert (expected == float(np.float32(0.1))).all()
    assert (next_state_value(data, pred_next_val=zero) == 0.1).all()


def both():
    """A policy and a critic of its action: ours, and for torch."""
    return (Actor(POLICY, BY_POLICY), ValueOperator(CRITIC, BY_CRITIC, ["observation", "action"]),
            twins.mlp(3, 2, (5,), "tanh", BY_POLICY), twins.Concatenated(twins.mlp(5, 1, (6, 4), "relu", BY_CRITIC)))


def test_hold_out_net():
    data = twins.batch((4,))
    actor, critic, torch_actor, torch_critic = both()
    observation = torch.tensor(data["observation"])
    with torch_utils.hold_out_net(torch_critic):
        torch_critic(observation, torch_actor(observation)).sum().backward()
    assert all(x.grad is None for x in torch_critic.parameters())
    action, by_actor = actor(data)
    acted = put(data, "action", action["action"])
    with hold_out_net(critic) as held:
        assert held is critic
        value, by_critic = critic(acted)
    after, by_critic_after = critic(acted)
    np.testing.assert_array_equal(value["state_action_value"], after["state_action_value"])
    one = {"state_action_value": np.ones((4, 1))}
    nothing, by_inputs = by_critic(one)
    assert nothing == {}
    gradient, _ = by_actor({"action": by_inputs["action"]})
    for name, x in leaves(gradient):
        twins.close(x, dict(torch_actor.named_parameters())[name].grad, name)
    torch_critic(observation, torch_actor(observation)).sum().backward()  # it is held no longer
    for name, x in leaves(by_critic_after(one)[0]):
        twins.close(x, dict(torch_critic.mlp.named_parameters())[name].grad, name)


def test_hold_out_net_lets_go_after_an_error():
    _, critic, *_ = both()
    with pytest.raises(KeyError), hold_out_net(critic):
        critic({})
    assert critic.network is CRITIC


def test_hold_out_net_of_a_network_of_ones_own():
    def times(parameters, x):
        return parameters["a"] * x, lambda by: ({"a": (by * x).sum()}, parameters["a"] * by)

    scaled = ValueOperator(times, {"a": np.array(2.0)})
    data = {"observation": np.ones((4, 1))}
    with hold_out_net(scaled):
        nothing, by_inputs = scaled(data)[1]({"state_value": np.ones((4, 1))})
    assert nothing == {}
    np.testing.assert_array_equal(by_inputs["observation"], np.full((4, 1), 2.0))


def test_hold_out_params():
    x = np.random.default_rng(3).normal(size=(4, 3))
    network, torch_x = est.torch_network().module, torch.tensor(x, requires_grad=True)
    named = dict(network.named_parameters())
    with torch_utils.hold_out_params(named.values()) as detached:
        torch.func.functional_call(network, dict(zip(named, detached, strict=True)), torch_x).sum().backward()
    with hold_out_params(est.PARAMETERS) as still:
        y, pullback = est.NETWORK(still, x)
    nothing, by_x = pullback(np.ones_like(y))
    assert nothing == {}
    assert all(x.grad is None for x in named.values())
    twins.close(by_x, torch_x.grad)
    assert all(x is y for (_, x), (_, y) in zip(leaves(still), leaves(est.PARAMETERS), strict=True))
    assert est.NETWORK(est.PARAMETERS, x)[1](np.ones_like(y))[0].keys() == est.PARAMETERS.keys()


@pytest.mark.parametrize("wrong, message", [
    (lambda: distance_loss(np.ones((2, 1)), np.ones(2), "l2"), r"v2: expected shape \(2, 1\) like v1, got \(2,\)"),
    (lambda: distance_loss(np.ones(2), np.ones(2), "l3"), "loss_function: expected one of"),
    (lambda: next_state_value(twins.batch((4,))), "operator: expected a module where pred_next_val is not given"),
])
def test_what_is_wrong(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
