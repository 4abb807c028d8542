"""What a loss holds still costs nothing: no derivatives by the parameters of a critic through which an actor learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch_twins as twins

from rlref.distributions import tanh_normal
from rlref.networks import MLP, NormalParamExtractor, QNetwork, Sequential, leaves
from rlref.objectives import Actor, DDPGLoss, ProbabilisticActor, SACLoss, ValueOperator


class Noted:
    """``network``; for each call of a pullback, ``calls`` has whether derivatives by parameters were made."""

    def __init__(self, network, calls):
        self.network, self.calls = network, calls

    def __call__(self, parameters, *inputs):
        y, back = self.network(parameters, *inputs)

        def pullback(by):
            by_parameters, *by_inputs = back(by)
            self.calls.append(bool(by_parameters))
            return by_parameters, *by_inputs
        return y, pullback


def made(name):
    rng, critic_calls, actor_calls = np.random.default_rng(1), [], []
    critic = QNetwork(3, 2, (6,))
    critics = [ValueOperator(Noted(critic, critic_calls), critic.init(rng), ["observation", "action"]) for _ in "12"]
    policy = MLP(3, 2, (5,)) if name == "ddpg" else Sequential(MLP(3, 4, (5,)), NormalParamExtractor())
    noted, parameters = Noted(policy, actor_calls), policy.init(rng)
    loss = (DDPGLoss(Actor(noted, parameters), critics[0]) if name == "ddpg" else
            SACLoss(ProbabilisticActor(noted, parameters, tanh_normal), critics))
    return loss, critic_calls, actor_calls


@pytest.mark.parametrize("name, members", [("ddpg", 1), ("sac", 2)])
def test_each_network_is_differentiated_once(name, members):
    loss, critic_calls, actor_calls = made(name)
    loss.value_and_grad(twins.batch((4,)), np.random.default_rng(0))
    assert sorted(critic_calls) == [False] * members + [True] * members and actor_calls == [True]


def test_the_total_of_nothing_is_zero():
    loss, *_ = made("sac")
    _, gradients = loss.value_and_grad(twins.batch((4,)), np.random.default_rng(0))
    total = loss.total({"loss_qvalue": gradients["loss_qvalue"]})
    assert total.keys() == loss.parameters.keys() and total["log_alpha"] == 0
    assert not any(x.any() for _, x in leaves(total["actor_network"]))
    assert any(x.any() for _, x in leaves(total["qvalue_network"]))
