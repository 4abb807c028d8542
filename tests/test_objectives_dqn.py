"""DQNLoss against torchrl's, plain and double, in two action spaces; and target updates."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch_twins as twins
from tensordict.nn import TensorDictModule
from torchrl.modules import QValueActor as TorchQValueActor
from torchrl.objectives import DQNLoss as TorchDQNLoss
from torchrl.objectives import SoftUpdate as TorchSoftUpdate
from torchrl.objectives import ValueEstimators as TorchEstimators

from rlref.networks import MLP, leaves, tree_map
from rlref.objectives import DQNLoss, HardUpdate, QValueActor, SoftUpdate, ValueEstimators

pytestmark = pytest.mark.filterwarnings("ignore:No target network updater")
OPTIONS = [{}, {"double_dqn": True}, {"loss_function": "smooth_l1", "delay_value": False},
           {"loss_function": "l1", "reduction": "sum"}, {"reduction": "none", "double_dqn": True}]


def pair(action_space, **options):
    rng = np.random.default_rng(1)
    network = MLP(3, 4, (5,))
    parameters, later = network.init(rng), network.init(rng)
    ours = DQNLoss(QValueActor(network, parameters), action_space=action_space, **options)
    actor = TorchQValueActor(TensorDictModule(twins.mlp(3, 4, (5,), "tanh", parameters), ["observation"],
                                              ["action_value"]), in_keys=["observation"], action_space=action_space)
    theirs = TorchDQNLoss(actor, action_space=action_space, **options)
    if ours.delayed:  # targets that differ
        ours.delayed["value_network"] = later
        for name, x in twins.flat(theirs.target_value_network_params).items():
            x.data.copy_(torch.tensor(dict(leaves(later))[name]))
    return ours, theirs


@pytest.mark.parametrize("estimator", ["TD0", "TDLambda"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("action_space", ["categorical", "one-hot"])
def test_as_torchrl(action_space, options, estimator):
    ours, theirs = pair(action_space, **options)
    hyper = {"gamma": 0.5} | ({"lmbda": 0.5} if estimator == "TDLambda" else {})
    ours.make_value_estimator(ValueEstimators[estimator], **hyper)
    theirs.make_value_estimator(TorchEstimators[estimator], **hyper)
    rng = np.random.default_rng(2)
    action = rng.integers(4, size=(4, 6))
    data = twins.batch((4, 6), priority_weight=rng.random((4, 6))) | {
        "action": action if action_space == "categorical" else np.eye(4, dtype=int)[action]}
    td = twins.tensordict(data, [4, 6])
    expected, got = theirs(td), ours(data)
    twins.same_outputs(got, expected, ours.out_keys)
    twins.close(got["td_error"], td["td_error"])
    if options.get("reduction") != "none":
        _, gradients = ours.value_and_grad(data)
        twins.same_gradients(gradients, expected, "loss", "value_network", twins.flat(theirs.value_network_params))


def test_soft_updates():
    ours, theirs = pair("categorical")
    mine, other = SoftUpdate(ours, tau=0.25), TorchSoftUpdate(theirs, tau=0.25)
    twins.same_parameters(ours, theirs, ["value_network"])  # they begin with a copy
    moved = tree_map(lambda x: x + 1, ours.parameters["value_network"])
    ours.parameters["value_network"] = moved
    for name, x in twins.flat(theirs.value_network_params).items():
        x.data.copy_(torch.tensor(dict(leaves(moved))[name]))
    for _ in range(3):
        mine.step()
        other.step()
        for name, x in twins.flat(theirs.target_value_network_params).items():
            twins.close(dict(leaves(ours.target_parameters["value_network"]))[name], x, name)


def test_hard_updates_copy_at_every_third_step():
    ours, _ = pair("categorical")
    update, copied = HardUpdate(ours, value_network_update_interval=3), []
    for step in range(1, 8):
        ours.parameters["value_network"] = tree_map(lambda x, step=step: np.full_like(x, step),
                                                    ours.parameters["value_network"])
        update.step()
        copied.append({float(x.flat[0]) for _, x in leaves(ours.target_parameters["value_network"])})
    assert copied[2:] == [{3.0}, {3.0}, {3.0}, {6.0}, {6.0}]


@pytest.mark.parametrize("wrong, error, message", [
    (lambda: pair("ternary")[0], ValueError, "action_space: expected one of categorical, one-hot"),
    (lambda: DQNLoss(None, double_dqn=True, delay_value=False), ValueError, "delay_value: expected True"),
    (lambda: SoftUpdate(pair("categorical")[0]), ValueError, "tau: expected either eps or tau, got eps = None"),
    (lambda: SoftUpdate(pair("categorical")[0], eps=2.0), ValueError, r"eps: expected a value in \[0, 1\], got 2.0"),
    (lambda: SoftUpdate(pair("categorical", delay_value=False)[0], tau=0.5), RuntimeError, "without any"),
    (lambda: pair("categorical", reduction="avg"), ValueError, "reduction: expected one of none, mean, sum, got 'avg'"),
    (lambda: pair("categorical")[0].make_value_estimator(ValueEstimators.GAE), NotImplementedError,
     "value_type: expected one of TD0, TD1, TDLambda for DQNLoss, got GAE"),
    (lambda: pair("categorical")[0].set_keys(colour="red"), ValueError, "colour: expected keys among"),
    (lambda: pair("categorical")[0]({"observation": np.ones((2, 3))}), KeyError, "next"),
])
def test_what_is_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
