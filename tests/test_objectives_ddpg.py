"""DDPGLoss against torchrl's: losses, what is reported, and the gradient of every parameter."""

from __future__ import annotations

import numpy as np
import pytest
import torch_twins as twins
from tensordict.nn import TensorDictModule
from torchrl.modules import ValueOperator as TorchValueOperator
from torchrl.objectives import DDPGLoss as TorchDDPGLoss
from torchrl.objectives import ValueEstimators as TorchEstimators

from rlref.networks import MLP, QNetwork
from rlref.objectives import Actor, DDPGLoss, ValueEstimators, ValueOperator

OPTIONS = [{}, {"loss_function": "smooth_l1"}, {"loss_function": "l1", "reduction": "sum"}, {"delay_actor": True},
           {"delay_value": False}, {"reduction": "none"}]


def pair(**options):
    rng = np.random.default_rng(1)
    policy, critic = MLP(3, 2, (5,)), QNetwork(3, 2, (6, 4), "relu")
    by_actor, by_critic = policy.init(rng), critic.init(rng)
    ours = DDPGLoss(Actor(policy, by_actor), ValueOperator(critic, by_critic, ["observation", "action"]), **options)
    actor = TensorDictModule(twins.mlp(3, 2, (5,), "tanh", by_actor), ["observation"], ["action"])
    value = TorchValueOperator(twins.Concatenated(twins.mlp(5, 1, (6, 4), "relu", by_critic)),
                               in_keys=["observation", "action"])
    return ours, TorchDDPGLoss(actor, value, **options)


@pytest.mark.parametrize("estimator", ["TD0", "TD1", "TDLambda"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_as_torchrl(options, estimator):
    ours, theirs = pair(**options)
    hyper = {"gamma": 0.5} | ({"lmbda": 0.5} if estimator == "TDLambda" else {})  # torchrl rounds them to float32
    ours.make_value_estimator(ValueEstimators[estimator], **hyper)
    theirs.make_value_estimator(TorchEstimators[estimator], **hyper)
    data = twins.batch((4, 6), priority_weight=np.random.default_rng(2).random((4, 6)))
    td = twins.tensordict(data, [4, 6])
    expected = theirs(td)
    got = ours(data)
    twins.same_outputs(got, expected, ours.out_keys)
    twins.close(got["td_error"], td["td_error"])
    if options.get("reduction") == "none":
        return
    again, gradients = ours.value_and_grad(data)
    assert all(np.array_equal(again[name], got[name]) for name in got)
    for loss in ("loss_actor", "loss_value"):
        for network, parameters in (("actor_network", theirs.actor_network_params),
                                    ("value_network", theirs.value_network_params)):
            twins.same_gradients(gradients, expected, loss, network, twins.flat(parameters))


def test_training():
    ours, theirs = pair(delay_actor=True)
    ours.make_value_estimator(ValueEstimators.TDLambda, gamma=0.5, lmbda=0.5)
    theirs.make_value_estimator(TorchEstimators.TDLambda, gamma=0.5, lmbda=0.5)
    twins.same_training(ours, theirs, [twins.batch((4, 3), seed=seed) for seed in range(20)],
                        ["actor_network", "value_network"])


def test_keys():
    ours, theirs = pair()
    assert set(ours.in_keys) == set(theirs.in_keys) and ours.out_keys == theirs.out_keys
    names = {"reward": ("agent", "reward"), "done": "stop", "priority": "surprise", "state_action_value": "q"}
    ours.set_keys(**names)
    assert ("next", "agent", "reward") in ours.in_keys and ("next", "stop") in ours.in_keys
    ours.set_keys(**dict.fromkeys(names))
    assert set(ours.in_keys) == set(theirs.in_keys)


def changed(key, value):
    data = twins.batch((4,))
    data["next"][key] = value
    return data


@pytest.mark.parametrize("wrong, error, message", [
    (lambda: DDPGLoss(MLP(3, 2), None), TypeError, "actor_network: expected a Module, .* got MLP"),
    (lambda: DDPGLoss(Actor(MLP(3, 2), {}), ValueOperator(MLP(3, 1), {})), ValueError,
     r"value_network: expected \['action'\] among its in_keys, got \['observation'\]"),
    (lambda: pair(loss_function="mse")[0](twins.batch((4,))), ValueError, "loss_function: expected one of l1, l2, sm"),
    (lambda: pair()[0](changed("reward", np.zeros(4))), ValueError, "reward: expected a last axis of 1"),
    (lambda: pair()[0](changed("reward", np.zeros((3, 1)))), ValueError, r"next_value: expected shape \(3,\) like rew"),
    (lambda: pair()[0](changed("done", np.zeros((4, 1), int))), TypeError, "done: expected booleans, got dtype int64"),
    (lambda: pair()[0](twins.batch((4,), action=3)), ValueError, "x: expected a last axis of 5"),
    (lambda: renamed()(twins.batch((4,))), KeyError, "expected a network that writes 'q', got one that writes"),
    (lambda: pair()[0](colour=1), TypeError, "colour: expected arguments among observation, action"),
])
def test_what_is_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()


def renamed():
    loss, _ = pair()
    loss.set_keys(state_action_value="q")
    return loss
