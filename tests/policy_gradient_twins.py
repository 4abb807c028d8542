"""Losses of policy gradients, ours and torchrl's, with the same weights, policies of every kind, and their batches."""

from __future__ import annotations

import numpy as np
import torch
import torch_twins as twins
from tensordict.nn import NormalParamExtractor as TorchExtractor
from tensordict.nn import TensorDictModule
from torchrl import objectives as torch_objectives
from torchrl.modules import IndependentNormal, MaskedCategorical, MaskedOneHotCategorical, OneHotCategorical
from torchrl.modules import ProbabilisticActor as TorchActor
from torchrl.modules import ValueOperator as TorchValueOperator

from rlref import objectives
from rlref.distributions import categorical, normal, one_hot_categorical
from rlref.networks import MLP, NormalParamExtractor, Sequential
from rlref.objectives import ProbabilisticActor, ValueEstimators, ValueOperator

KINDS = ("tanh_normal", "normal", "categorical", "one_hot_categorical", "masked", "masked one-hot")
DISCRETE = {"categorical": (categorical, torch.distributions.Categorical),
            "one_hot_categorical": (one_hot_categorical, OneHotCategorical),
            "masked": (categorical, MaskedCategorical),
            "masked one-hot": (one_hot_categorical, MaskedOneHotCategorical)}
GAMMA, LMBDA = 0.5, 0.75  # numbers that float32, to which torchrl rounds them, has


def actors(kind, seed=1):
    """A policy of ours over two dimensions, or four actions, and the same in torchrl."""
    if kind == "tanh_normal":
        return twins.tanh_actors(seed)
    network = MLP(3, 4, (5,))
    parameters = network.init(np.random.default_rng(seed))
    theirs = twins.mlp(3, 4, (5,), "tanh", parameters)
    if kind == "normal":
        module = TensorDictModule(torch.nn.Sequential(theirs, TorchExtractor()), ["observation"], ["loc", "scale"])
        ours = ProbabilisticActor(Sequential(network, NormalParamExtractor()), {"0": parameters}, normal)
        return ours, TorchActor(module, in_keys=["loc", "scale"], distribution_class=IndependentNormal,
                                return_log_prob=True)
    module = TensorDictModule(theirs, ["observation"], ["logits"])
    of_ours, of_theirs = DISCRETE[kind]
    masked = {"mask_key": "action_mask"} if kind.startswith("masked") else {}
    read = {"logits": "logits", "mask": "action_mask"} if masked else ["logits"]
    return (ProbabilisticActor(network, parameters, of_ours, out_keys=["logits"], **masked),
            TorchActor(module, in_keys=read, distribution_class=of_theirs, return_log_prob=True))


def pair(name, kind="categorical", critic=True, **options):
    """Ours and theirs."""
    actor, their_actor = actors(kind)
    network = MLP(3, 1, (4,))
    parameters = network.init(np.random.default_rng(2))
    value = TorchValueOperator(twins.mlp(3, 1, (4,), "tanh", parameters), in_keys=["observation"])
    ours = getattr(objectives, name)(actor, ValueOperator(network, parameters) if critic else None, **options)
    theirs = getattr(torch_objectives, name)(their_actor, value if critic else None, **options)
    if critic:
        estimate_alike(ours, theirs)
    return ours, theirs


def estimate_alike(ours, theirs, name="GAE", **hyper):
    """Both with the same estimator; torchrl's loops, as its vectorized forms leave out what is below 1e-7."""
    hyper = {"gamma": GAMMA} | ({"lmbda": LMBDA} if name in ("GAE", "TDLambda") else {}) | hyper
    ours.make_value_estimator(ValueEstimators[name], **hyper)
    loops = {"vectorized": False} if name in ("GAE", "TDLambda") else {}
    theirs.make_value_estimator(torch_objectives.ValueEstimators[name], **hyper, **loops)


def batch(kind, shape, seed=0, advantage=True):
    """What a collector gives, ratios on both sides of 1, and if ``advantage``, what an estimator writes."""
    rng = np.random.default_rng([seed, 1])
    data = twins.batch(shape, seed=seed)
    if kind in DISCRETE:
        index, data["logits"] = rng.integers(4, size=shape), rng.normal(size=(*shape, 4))
        data["action"] = np.eye(4, dtype=int)[index] if "one" in kind else index
        if kind.startswith("masked"):
            data["action_mask"] = (rng.random((*shape, 4)) < 0.6) | (np.arange(4) == index[..., None])
            data["next"]["action_mask"] = np.ones((*shape, 4), bool)
    else:
        data |= {"loc": rng.normal(size=(*shape, 2)), "scale": 0.5 + rng.random((*shape, 2))}
        data["action"] = rng.uniform(-1.9, 0.9, size=(*shape, 2))
    data["action_log_prob"] = rng.normal(size=shape) / 2 - (1.5 if kind in DISCRETE else 2.5)
    if advantage:
        data |= {name: rng.normal(size=(*shape, 1)) for name in ("advantage", "value_target", "state_value")}
    return data


def networks(ours):
    return list(ours.modules)


def run(ours, theirs, data, seed=5):
    """What both give for a batch with the same noise; and that ours gives the same with gradients."""
    before = {name: np.array(x) for name, x in data.items() if name != "next"}
    with twins.draws(seed):
        expected = theirs(twins.tensordict(data, data["next"]["reward"].shape[:-1]))
    got = ours(data, np.random.default_rng(seed))
    if ours.reduction == "none":
        return got, expected, {}
    again, gradients = ours.value_and_grad(data, np.random.default_rng(seed))
    assert again.keys() == got.keys() and all(np.array_equal(again[name], got[name], equal_nan=True) for name in got)
    assert set(before) == set(data) - {"next"} and all(np.array_equal(x, data[name]) for name, x in before.items())
    return got, expected, gradients


def same(ours, theirs, data, seed=5):
    """Losses, all that is reported, and the gradient of every parameter."""
    got, expected, gradients = run(ours, theirs, data, seed)
    assert set(got) == set(expected.keys())
    twins.same_outputs(got, expected, got)
    assert not gradients or set(gradients) == {name for name in got if name.startswith("loss")}
    same_gradients(ours, theirs, expected, gradients)
    return got


def same_gradients(ours, theirs, expected, gradients):
    for loss in gradients:
        for name in networks(ours):
            twins.same_gradients(gradients, expected, loss, name, twins.flat(getattr(theirs, f"{name}_params")))

