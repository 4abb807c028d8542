"""Networks in float32 stay in float32: outputs, gradients, what is trained and targets. Pages compute in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch_twins as twins

from rlref.distributions import tanh_normal
from rlref.networks import MLP, Adam, NormalParamExtractor, QNetwork, Sequential, leaves, tree_map
from rlref.objectives import Actor, DDPGLoss, HardUpdate, ProbabilisticActor, SACLoss, SoftUpdate, ValueOperator


class Seen:
    """``network``, of whose inputs and outputs the types are noted, and those of the derivatives by them."""

    def __init__(self, network, types):
        self.network, self.types = network, types

    def __call__(self, parameters, *inputs):
        y, back = self.network(parameters, *inputs)
        outputs = y if isinstance(y, tuple) else (y,)
        self.types.update(x.dtype.name for x in (*inputs, *outputs))

        def pullback(by):
            by_parameters, *by_inputs = back(by)
            self.types.update(x.dtype.name for x in (*by_inputs, *(x for _, x in leaves(by_parameters))))
            return by_parameters, *by_inputs

        return y, pullback


def ddpg(kind, types):
    rng = np.random.default_rng(1)
    policy, critic = MLP(3, 2, (5,)), QNetwork(3, 2, (6,))
    return DDPGLoss(Actor(Seen(policy, types), of(kind, policy.init(rng))),
                    ValueOperator(Seen(critic, types), of(kind, critic.init(rng)), ["observation", "action"]))


def sac(kind, types):
    rng = np.random.default_rng(1)
    policy, critic, value = Sequential(MLP(3, 4, (5,)), NormalParamExtractor()), QNetwork(3, 2, (6,)), MLP(3, 1, (4,))
    critics = [ValueOperator(Seen(critic, types), of(kind, critic.init(rng)), ["observation", "action"])
               for _ in range(2)]
    return SACLoss(ProbabilisticActor(Seen(policy, types), of(kind, policy.init(rng)), tanh_normal), critics,
                   ValueOperator(Seen(value, types), of(kind, value.init(rng))))


def of(kind, tree):
    return tree_map(lambda x: x.astype(np.float32).astype(kind), tree)


@pytest.mark.parametrize("updater", [lambda loss: SoftUpdate(loss, tau=np.float64(0.25)),
                                     lambda loss: HardUpdate(loss, value_network_update_interval=2)])
@pytest.mark.parametrize("make", [ddpg, sac])
def test_single_precision(make, updater):
    """The batch is in float64. A few steps of training end near those in double precision."""
    found = {}
    for kind in ("float32", "float64"):
        types = set()
        loss = make(kind, types)
        adam, update = Adam(1e-2), updater(loss)
        for step in range(4):
            _, gradients = loss.value_and_grad(twins.batch((4,), seed=step), np.random.default_rng(step))
            loss.parameters = adam.step(loss.parameters, loss.total(gradients))
            update.step()
        assert types == {kind}
        found[kind] = {f"{of}.{place}": x for of, trees in (("trained", loss.parameters), ("target", loss.delayed))
                       for place, x in leaves(trees) if place != "log_alpha"}
        assert {x.dtype.name for x in found[kind].values()} == {kind}
    for place, x in found["float64"].items():
        np.testing.assert_allclose(found["float32"][place], x, rtol=1e-3, atol=1e-4, err_msg=place)
