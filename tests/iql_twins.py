"""IQLLoss of ours and of torchrl with the same parameters, and what of both must agree."""

from __future__ import annotations

import numpy as np
import torch
import torch_twins as twins
from tensordict.nn import NormalParamExtractor as TorchExtractor
from tensordict.nn import TensorDictModule
from torchrl.modules import ProbabilisticActor as TorchActor
from torchrl.modules import TanhNormal
from torchrl.objectives import IQLLoss as TorchIQLLoss
from torchrl.objectives import ValueEstimators as TorchEstimators

from rlref.distributions import tanh_normal
from rlref.networks import MLP, Activation, NormalParamExtractor, QNetwork, Sequential, leaves, tree_map
from rlref.objectives import IQLLoss, ProbabilisticActor, ValueEstimators, ValueOperator

NETWORKS = ("actor_network", "qvalue_network", "value_network")


def pair(keys=("state_action_value", "state_value"), read="observation", **options):
    """Ours and theirs, with the same parameters, and targets that are not the same as what is trained.

    The critics and the value network ``read`` that of the state.
    """
    actor, their_actor = twins.tanh_actors()
    critic, value = QNetwork(3, 2, (6, 4), "relu"), MLP(3, 1, (5,))
    rng = np.random.default_rng(2)
    critics = [ValueOperator(critic, critic.init(rng), [read, "action"], [keys[0]])
               for _ in range(options.get("num_qvalue_nets", 2))]
    state = value.init(rng)
    ours = IQLLoss(actor, critics, ValueOperator(value, state, [read], [keys[1]]), **options)
    their_critics = [TensorDictModule(twins.Concatenated(twins.mlp(5, 1, (6, 4), "relu", one.parameters)),
                                      [read, "action"], [keys[0]]) for one in critics]
    their_value = TensorDictModule(twins.mlp(3, 1, (5,), "tanh", state), [read], [keys[1]])
    theirs = TorchIQLLoss(their_actor, their_critics, their_value, **options)
    move_targets(ours, theirs)
    return ours, theirs


def move_targets(ours, theirs):
    """A single critic has no axis of its own in torchrl."""
    ours.delayed["qvalue_network"] = tree_map(lambda x: 1.25 * x + 0.125, ours.delayed["qvalue_network"])
    for x in twins.flat(theirs.target_qvalue_network_params).values():
        x.data.mul_(1.25).add_(0.125)


def estimate(ours, theirs, name="TD0"):
    hyper = {"gamma": 0.5} | ({"lmbda": 0.5} if name == "TDLambda" else {})
    ours.make_value_estimator(ValueEstimators[name], **hyper)
    theirs.make_value_estimator(TorchEstimators[name], **hyper)


def batch(shape=(4, 6), seed=0, **more):
    """Actions within the policy's bounds, -2 and 1."""
    data = twins.batch(shape, seed=seed, **more)
    return data | {"action": np.random.default_rng(seed).uniform(-1.9, 0.9, size=(*shape, 2))}


def agree(ours, theirs, data, names=("loss_actor", "loss_qvalue", "loss_value", "entropy")):
    """Losses, what is reported, and the gradient of every loss by every parameter."""
    td = twins.tensordict(data, data["observation"].shape[:-1])
    expected, got = theirs(td), ours(data)
    none = ours.reduction == "none"
    assert set(got) == {*ours.out_keys, ours.tensor_keys["priority"]}
    twins.same_outputs(got, expected, [name for name in names if not (none and name == "entropy")])
    twins.close(got[ours.tensor_keys["priority"]], td[theirs.tensor_keys.priority])
    twins.close(got["entropy"], -td["_log_prob"].mean(), "entropy")
    if none:
        return
    again, gradients = ours.value_and_grad(data)
    assert all(np.array_equal(again[name], got[name]) for name in got)
    assert {name: set(by) for name, by in gradients.items()} == {f"loss_{name.partition('_')[0]}": {name}
                                                                 for name in NETWORKS}
    for loss in gradients.keys() & set(names):
        for network in NETWORKS:
            parameters = twins.flat(getattr(theirs, f"{network}_params"))
            if network == "qvalue_network" and ours.modules[network].network.members == 1:
                own = gradients[loss].get(network)
                gradients[loss] |= {} if own is None else {network: unstacked(own)}
            twins.same_gradients(gradients, expected, loss, network, parameters)


def unstacked(tree):
    """A single critic has one more axis in ours."""
    return {name: unstacked(x) if isinstance(x, dict) else x[0] for name, x in tree.items()}


def shared(apart):
    """A value network whose first layer is the policy's, and one critic whose first bias is that layer's, too."""
    rng = np.random.default_rng(1)
    common, policy, value, critic = MLP(3, 6, ()), MLP(6, 4, (5,)), MLP(6, 1, ()), QNetwork(3, 2, (6,))
    by_common, by_policy, by_value, by_critic = (network.init(rng) for network in (common, policy, value, critic))
    by_critic["0"]["bias"] = by_common["0"]["bias"]
    ours = IQLLoss(ProbabilisticActor(Sequential(common, Activation("tanh"), policy, NormalParamExtractor()),
                                      {"0": by_common, "2": by_policy}, tanh_normal, low=-2.0, high=1.0),
                   ValueOperator(critic, by_critic, ["observation", "action"]),
                   ValueOperator(Sequential(common, value), {"0": by_common, "1": by_value}), separate_losses=apart,
                   rng=rng)
    layer = twins.mlp(3, 6, (), "tanh", by_common)
    of_action = twins.mlp(5, 1, (6,), "relu", by_critic)
    of_action[0].bias = layer[0].bias
    module = torch.nn.Sequential(layer, torch.nn.Tanh(), twins.mlp(6, 4, (5,), "tanh", by_policy), TorchExtractor())
    theirs = TorchIQLLoss(
        TorchActor(TensorDictModule(module, ["observation"], ["loc", "scale"]), in_keys=["loc", "scale"],
                   distribution_class=TanhNormal, distribution_kwargs={"low": -2.0, "high": 1.0}),
        TensorDictModule(twins.Concatenated(of_action), ["observation", "action"], ["state_action_value"]),
        TensorDictModule(torch.nn.Sequential(layer, twins.mlp(6, 1, (), "tanh", by_value)), ["observation"],
                         ["state_value"]), separate_losses=apart)
    for tree, params in ((ours.parameters, theirs.qvalue_network_params),
                         (ours.delayed, theirs.target_qvalue_network_params)):
        own = dict(leaves(tree["qvalue_network"]))  # each side draws members by itself
        for place, x in twins.flat(params).items():
            if place in own:
                x.data.copy_(torch.tensor(own[place]))
    move_targets(ours, theirs)
    return ours, theirs
