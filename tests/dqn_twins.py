"""DQNLoss of ours and of torchrl on one network, in every action space, and what of both must agree."""

from __future__ import annotations

import numpy as np
import torch
import torch_twins as twins
from tensordict.nn import TensorDictModule
from torchrl.modules import QValueModule, SafeSequential
from torchrl.objectives import DQNLoss as TorchDQNLoss
from torchrl.objectives import ValueEstimators as TorchEstimators

from rlref.networks import MLP
from rlref.objectives import DQNLoss, QValueActor, ValueEstimators

SIZES = {"categorical": (5,), "one-hot": (5,), "mult-one-hot": (3, 2), "binary": (5,)}
KEYS = ("action", "action_value", "chosen_action_value")


class Binary(torch.nn.Module):
    """The best of all actions that are rows of 0 and 1, by trying every one of them."""

    def forward(self, values):
        count = values.shape[-1]
        every = (torch.arange(2**count)[:, None] >> torch.arange(count)) & 1
        worth = (values[..., None, :] * every).sum(-1)
        return every[worth.argmax(-1)], worth.max(-1, keepdim=True).values


def chooser(action_space, keys=KEYS, mask_key=None):
    """What torchrl puts behind a network of values. It has none for binary actions, see test_objectives_actions."""
    if action_space == "binary":
        return TensorDictModule(Binary(), [keys[1]], [keys[0], keys[2]])
    return QValueModule(action_space=action_space, action_value_key=keys[1], action_mask_key=mask_key, out_keys=keys,
                        var_nums=list(SIZES[action_space]))


def pair(action_space="categorical", keys=KEYS, mask_key=None, **options):
    """Ours and theirs, with the same parameters, and targets that are not the same as what is trained."""
    network = MLP(3, 5, (4,))
    parameters = network.init(np.random.default_rng(1))
    actor = QValueActor(network, parameters, out_keys=[keys[1]], action_space=action_space,
                        var_nums=SIZES[action_space], mask_key=mask_key)
    values = TensorDictModule(twins.mlp(3, 5, (4,), "tanh", parameters), ["observation"], [keys[1]])
    ours = DQNLoss(actor, **options)
    theirs = TorchDQNLoss(SafeSequential(values, chooser(action_space, keys, mask_key)), action_space=action_space,
                          **options)
    twins.move_targets(ours, theirs)
    return ours, theirs


def estimate(ours, theirs, name="TD0"):
    hyper = {"gamma": 0.5} | ({"lmbda": 0.5} if name == "TDLambda" else {})
    ours.make_value_estimator(ValueEstimators[name], **hyper)
    theirs.make_value_estimator(TorchEstimators[name], **hyper)


def batch(action_space="categorical", shape=(4, 6), seed=0, **more):
    """A random batch with actions of this space."""
    rng = np.random.default_rng(seed)
    data = twins.batch(shape, seed=seed, **more)
    chosen = [rng.integers(size, size=shape) for size in SIZES[action_space]]
    if action_space == "categorical":
        return data | {"action": chosen[0]}
    if action_space == "binary":
        return data | {"action": rng.integers(2, size=(*shape, 5))}
    rows = [np.eye(size, dtype=int)[each] for size, each in zip(SIZES[action_space], chosen, strict=True)]
    return data | {"action": np.concatenate(rows, axis=-1)}


def agree(ours, theirs, data, flat=twins.flat):
    """The loss, the priority, and every gradient."""
    td = twins.tensordict(data, data["next"]["observation"].shape[:-1])
    expected, got = theirs(td), ours(data)
    assert set(got) == {"loss", ours.tensor_keys["priority"]} and set(expected.keys()) == {"loss"}
    twins.same_outputs(got, expected, ["loss"])
    twins.close(got[ours.tensor_keys["priority"]], td[theirs.tensor_keys.priority])
    if ours.reduction == "none":
        return
    again, gradients = ours.value_and_grad(data)
    assert again["loss"] == got["loss"] and set(gradients["loss"]) == {"value_network"}
    twins.same_gradients(gradients, expected, "loss", "value_network", flat(theirs.value_network_params))
