"""What the tests of losses with an ensemble of critics share: the critics, one step of both sides, and signatures."""

from __future__ import annotations

import inspect
from dataclasses import asdict

import numpy as np
import torch
import torch_twins as twins
from tensordict.nn import TensorDictModule
from torchrl.modules import ValueOperator as TorchValueOperator
from torchrl.objectives import ValueEstimators as TorchEstimators

from rlref.networks import QNetwork, leaves
from rlref.objectives import Module, ValueEstimators, ValueOperator
from rlref.objectives.data import put

NOT_OURS = {"action_spec", "gSDE", "gamma", "priority_key", "deactivate_vmap", "scalar_output_mode"}


OF_ACTION = (5, 1, ["observation", "action"], ["state_action_value"])


def critics(count, seed=2):
    """Critics of ours, and the same in torchrl."""
    network, rng = QNetwork(3, 2, (6, 4), "relu"), np.random.default_rng(seed)
    ours = [ValueOperator(network, network.init(rng), ["observation", "action"]) for _ in range(count)]
    return ours, [TorchValueOperator(twins.Concatenated(twins.mlp(5, 1, (6, 4), "relu", one.parameters)),
                                     in_keys=["observation", "action"]) for one in ours]


def borrowing(actor, their_actor, network=None, about=OF_ACTION):
    """A critic of ours, and the same in torchrl, whose first bias is the actor's own."""
    features, outputs, in_keys, out_keys = about
    network = network or QNetwork(3, 2, (5,), "relu")
    parameters = network.init(np.random.default_rng(3))
    parameters["0"]["bias"] = next(x for place, x in leaves(actor.parameters) if place.endswith("0.bias"))
    theirs = twins.mlp(features, outputs, (5,), "relu", parameters)
    theirs[0].bias = next(x for place, x in their_actor.named_parameters() if place.endswith("0.bias"))
    return (Module(network, parameters, in_keys, out_keys),
            TensorDictModule(twins.Concatenated(theirs), in_keys, out_keys))


def kept_apart(ours, theirs, data=None):
    """Losses of one critic, see ``borrowing``, with separate_losses: no loss of the critics trains what is the actor's.

    Both draw the rest of the members; theirs are made ours.
    """
    own = dict(leaves(ours.parameters["qvalue_network"]))
    assert "0.bias" not in own
    for place, x in twins.flat(theirs.qvalue_network_params).items():
        if place in own:
            x.data.copy_(torch.tensor(own[place]))
    estimate(ours, theirs)
    return same_step(ours, theirs, data or twins.batch((4, 3)))


def estimate(ours, theirs, estimator="TD0"):
    """Both with this estimator, with numbers that float32 has."""
    hyper = {"gamma": 0.5} | ({"lmbda": 0.5} if estimator == "TDLambda" else {})
    ours.make_value_estimator(ValueEstimators[estimator], **hyper)
    theirs.make_value_estimator(TorchEstimators[estimator], **hyper)


def same_step(ours, theirs, data, scalars=(), seed=5):
    """What they give for ``data``, the priority, and the gradient of every parameter agree."""
    td = twins.tensordict(data, data["next"]["reward"].shape[:-1])
    with twins.draws(seed):
        expected = theirs(td)
    got = ours(data, np.random.default_rng(seed))
    none = ours.reduction == "none"
    twins.same_outputs(got, expected, [key for key in ours.out_keys if not (none and key in ("alpha", "entropy"))])
    twins.close(got["td_error"], td["td_error"], "td_error")
    assert set(got) == {*ours.out_keys, "td_error"}
    if none:
        return got
    again, gradients = ours.value_and_grad(data, np.random.default_rng(seed))
    assert all(np.array_equal(again[name], got[name]) for name in got)
    assert {*gradients} == {key for key in ours.out_keys if key.startswith("loss_")}
    for loss in gradients:
        if not expected[loss].requires_grad:
            assert gradients[loss] == {}, loss
            continue
        for name in ours.modules:
            trained = twins.flat(getattr(theirs, f"{name}_params")).items()
            twins.same_gradients(gradients, expected, loss, name, {at: x for at, x in trained if x.requires_grad})
        for name in scalars:
            found, = torch.autograd.grad(expected[loss], [getattr(theirs, name)], retain_graph=True, allow_unused=True,
                                         materialize_grads=True)
            twins.close(gradients[loss].get(name, np.zeros(())), found, f"{loss} by {name}")
    return got


def same_interface(ours, theirs):
    """Names, defaults, keys and outputs are torchrl's, in its order."""
    def arguments(loss):
        return {name: p.default for name, p in inspect.signature(type(loss)).parameters.items()}
    own, expected = arguments(ours), {k: v for k, v in arguments(theirs).items() if k not in NOT_OURS}
    assert [*own] == [*expected, "rng"]
    different = {name: own[name] for name, default in expected.items() if own[name] != default}
    assert ours.tensor_keys == asdict(theirs.tensor_keys)
    assert ours.out_keys == theirs.out_keys and set(ours.in_keys) == set(theirs.in_keys)
    assert [e.name for e in ours.supported] == [e.name for e in theirs.SUPPORTED_VALUE_ESTIMATORS]
    return different


def same_under_other_names(ours, data):
    """With every key of a loss nested under "other", in its networks and the batch too, it gives the same."""
    expected = ours(data, np.random.default_rng(0))
    new = {key: ("other", key) for key in ours.tensor_keys.values()}
    moved = {}
    for name, x in flattened(data).items():
        key = name.removeprefix("next_")
        moved = put(moved, ("next", new.get(key, key)) if key != name else new.get(key, key), x)
    for module in ours.modules.values():
        module.in_keys[:] = [new.get(key, key) for key in module.in_keys]
        module.out_keys = [new.get(key, key) for key in module.out_keys]
    ours.set_keys(**{name: ("other", key) for name, key in ours.tensor_keys.items()})
    got = ours(moved, np.random.default_rng(0))
    assert got.keys() == {new.get(name, name) for name in expected}
    assert all(np.array_equal(got[new.get(name, name)], x) for name, x in expected.items())
    assert ("next", "other", "reward") in ours.in_keys and ("other", "action") in ours.in_keys


def flattened(data):
    """A batch as keyword arguments."""
    return {name: x for name, x in data.items() if name != "next"} | {f"next_{k}": x for k, x in data["next"].items()}
