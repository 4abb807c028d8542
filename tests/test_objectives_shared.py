"""Networks that share layers, as torch modules do: which loss trains these, and where they stand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch_twins as twins
from tensordict.nn import NormalParamExtractor as TorchExtractor
from tensordict.nn import TensorDictModule
from torchrl.modules import ProbabilisticActor as TorchActor
from torchrl.modules import TanhNormal
from torchrl.modules import ValueOperator as TorchValueOperator
from torchrl.objectives import SACLoss as TorchSACLoss
from torchrl.objectives import SoftUpdate as TorchSoftUpdate
from torchrl.objectives import ValueEstimators as TorchEstimators

from rlref.distributions import tanh_normal
from rlref.networks import MLP, Activation, NormalParamExtractor, QNetwork, Sequential, leaves, tree_map
from rlref.objectives import ProbabilisticActor, SACLoss, SoftUpdate, ValueEstimators, ValueOperator

pytestmark = pytest.mark.usefixtures("torch_float64")


def pair(**options):
    """SAC with a value network whose first layer is the policy's."""
    rng = np.random.default_rng(1)
    common, policy, value, critic = MLP(3, 6, ()), MLP(6, 4, (5,)), MLP(6, 1, ()), QNetwork(3, 2, (6,))
    by_common, by_policy, by_value = common.init(rng), policy.init(rng), value.init(rng)
    actor = ProbabilisticActor(Sequential(common, Activation("tanh"), policy, NormalParamExtractor()),
                               {"0": by_common, "2": by_policy}, tanh_normal)
    state = ValueOperator(Sequential(common, value), {"0": by_common, "1": by_value})
    critics = [ValueOperator(critic, critic.init(rng), ["observation", "action"]) for _ in range(2)]
    ours = SACLoss(actor, critics, state, target_entropy=-1.5, **options)
    layer = twins.mlp(3, 6, (), "tanh", by_common)
    module = torch.nn.Sequential(layer, torch.nn.Tanh(), twins.mlp(6, 4, (5,), "tanh", by_policy), TorchExtractor())
    theirs = TorchSACLoss(
        TorchActor(TensorDictModule(module, ["observation"], ["loc", "scale"]), in_keys=["loc", "scale"],
                   distribution_class=TanhNormal, return_log_prob=True),
        [TorchValueOperator(twins.Concatenated(twins.mlp(5, 1, (6,), "relu", one.parameters)),
                            in_keys=["observation", "action"]) for one in critics],
        TorchValueOperator(torch.nn.Sequential(layer, twins.mlp(6, 1, (), "tanh", by_value)), in_keys=["observation"]),
        target_entropy=-1.5, **options)
    for loss, estimators in ((ours, ValueEstimators), (theirs, TorchEstimators)):
        loss.make_value_estimator(estimators.TD0, gamma=0.5)
    return ours, theirs


@pytest.mark.parametrize("apart", [False, True])
def test_which_loss_trains_what_is_shared(apart):
    ours, theirs = pair(separate_losses=apart)
    assert list(ours.parameters["value_network"]) == ["1"], "what is shared stands once"
    data = twins.batch((4, 2))
    with twins.draws(3):
        expected = theirs(twins.tensordict(data, [4, 2]))
    got, gradients = ours.value_and_grad(data, np.random.default_rng(3))
    twins.same_outputs(got, expected, ours.out_keys)
    for loss in gradients:
        twins.same_gradients(gradients, expected, loss, "actor_network", twins.flat(theirs.actor_network_params))
        own = {place: x for place, x in twins.flat(theirs.value_network_params).items() if place.startswith("1.")}
        twins.same_gradients(gradients, expected, loss, "value_network", own)
    assert apart is not np.any(gradients["loss_value"].get("actor_network", {"0": {"0": {"weight": 0}}})
                               ["0"]["0"]["weight"])


@pytest.mark.parametrize("apart", [False, True])
def test_training(apart):
    """Without a target value network: torchrl's version runs with shared layers that are now its own, now the policy's.
    """
    ours, theirs = pair(separate_losses=apart, delay_value=False)
    twins.same_training(ours, theirs, [twins.batch((4,), seed=seed) for seed in range(20)],
                        ["actor_network", "value_network", "qvalue_network"], ["log_alpha"])


def moved(loss, layer):
    """How far a target value network is behind one that was moved by 1, after an update with tau = 1/4."""
    if isinstance(loss, SACLoss):
        update, name = SoftUpdate(loss, tau=0.25), "actor_network" if layer == "0.0" else "value_network"
        loss.parameters[name] = tree_map(lambda x: x + 1, loss.parameters[name])
        update.step()
        trained, target = loss.whole("value_network"), loss.target_parameters["value_network"]
        place = f"{layer}.bias"
        return (dict(leaves(trained))[place] - dict(leaves(target))[place]).tolist()
    update = TorchSoftUpdate(loss, tau=0.25)
    x = twins.flat(loss.value_network_params)[f"{layer}.bias"]
    x.data += 1
    update.step()
    return (x - twins.flat(loss.target_value_network_params)[f"{layer}.bias"]).tolist()


@pytest.mark.parametrize("apart, layer, behind", [(False, "0.0", 0.75), (False, "1.0", 0.75), (True, "1.0", 0.75),
                                                  (True, "0.0", 1.0)])
def test_targets_of_shared_layers(apart, layer, behind):
    """With separate_losses, torchrl's updaters forget the layers of a target network that are shared: it is as far
    ``behind`` as the trained one was moved. Its updaters pass by what needs no gradient.
    """
    ours, theirs = pair(separate_losses=apart)
    np.testing.assert_allclose(moved(ours, layer), 0.75, rtol=1e-12)
    np.testing.assert_allclose(moved(theirs, layer), behind, rtol=1e-12)


def test_an_ensemble_that_borrows():
    """One critic on the policy's own first layer, kept apart: every member follows that layer, none trains it."""
    rng = np.random.default_rng(1)
    common, policy, head = MLP(3, 6, ()), MLP(6, 4, ()), MLP(6, 1, ())
    by_common = common.init(rng)
    actor = ProbabilisticActor(Sequential(common, policy, NormalParamExtractor()),
                               {"0": by_common, "1": policy.init(rng)}, tanh_normal)

    class OfState(Sequential):
        """An action value that does not read the action."""

        def __call__(self, parameters, observation, action):
            y, back = super().__call__(parameters, observation)
            return y, lambda by: (*back(by), np.zeros_like(action))

    module = ValueOperator(OfState(common, head), {"0": by_common, "1": head.init(rng)}, ["observation", "action"])
    loss = SACLoss(actor, module, num_qvalue_nets=3, separate_losses=True, rng=rng, delay_qvalue=False)
    assert list(loss.parameters["qvalue_network"]) == ["1"]
    _, gradients = loss.value_and_grad(twins.batch((4,)), rng)
    assert list(gradients["loss_qvalue"]) == ["qvalue_network"]
    assert list(gradients["loss_qvalue"]["qvalue_network"]) == ["1"]
    loss.parameters["actor_network"]["0"]["0"]["bias"] += 1.0
    held = loss.whole("qvalue_network")["0"]["0"]["bias"]
    assert held.shape == (3, 6) and np.array_equal(held, np.tile(by_common["0"]["bias"] + 1.0, (3, 1)))
