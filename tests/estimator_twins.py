"""Estimator modules of torchrl and of ours with the same network, and rollouts for both."""

from __future__ import annotations

import numpy as np
import torch_twins as twins
from tensordict import TensorDict
from tensordict.utils import unravel_key_list
from torchrl.modules import ValueOperator as TorchValueOperator
from torchrl.objectives import value as torch_value

from rlref.networks import MLP
from rlref.objectives import ValueOperator, value

GAMMA, LMBDA = 0.9, 0.7
OWN = {"TD0Estimator": {}, "TD1Estimator": {}, "TDLambdaEstimator": {"lmbda": LMBDA}, "GAE": {"lmbda": LMBDA}}
AVERAGE = {name: "average_gae" if name == "GAE" else "average_rewards" for name in OWN}
NETWORK = MLP(3, 1, (5,))
PARAMETERS = NETWORK.init(np.random.default_rng(1))
OTHERS = NETWORK.init(np.random.default_rng(2))


def torch_network(parameters=PARAMETERS, out_keys=("state_value",), in_keys=("observation",)):
    """torchrl's value operator with these parameters."""
    return TorchValueOperator(twins.mlp(3, 1, (5,), "tanh", parameters), in_keys=list(in_keys), out_keys=list(out_keys))


def torch_parameters(parameters):
    """The same as a tensordict, which torchrl's estimators take as params and target_params."""
    return TensorDict.from_module(torch_network(parameters))


def theirs(name, network=None, **options):
    """torchrl's estimator; its loops, as the vectorized forms leave out what is below 1e-7."""
    loops = {"vectorized": False} if name in ("GAE", "TDLambdaEstimator") else {}
    return getattr(torch_value, name)(value_network=network, **{"gamma": GAMMA, **OWN[name], **options, **loops})


def ours(name, network=None, **options):
    """The same estimator of ours."""
    return getattr(value, name)(value_network=network, **{"gamma": GAMMA, **OWN[name], **options})


def pair(name, **options):
    """Both, with the same network."""
    return ours(name, ValueOperator(NETWORK, PARAMETERS), **options), theirs(name, torch_network(), **options)


def rollout(shape, truncated=(), terminated=(), seed=0):
    """Steps of an environment [*B, T] that is reset where an episode ends, as a collector gives them.

    ``truncated`` and ``terminated`` are the steps at which that happens; in the first column, one step earlier.
    """
    data = twins.batch(shape, seed=seed)
    ends = np.zeros((2, *shape, 1), bool)
    for kind, steps in zip(ends, (truncated, terminated), strict=True):
        for step in steps:
            kind[..., step, :] = True
    if len(shape) > 1:
        ends[:, 0] = np.roll(ends[:, 0], -1, axis=-2)
    observation, following = data["observation"], data["next"]
    following["terminated"], following["done"] = ends[1], ends[0] | ends[1]
    going_on = ~following["done"][..., :-1, :]
    following["observation"][..., :-1, :] = np.where(going_on, observation[..., 1:, :],
                                                     following["observation"][..., :-1, :])
    return data


def same(got, expected, estimator):
    """Everything that an estimator writes agrees."""
    names = [estimator.tensor_keys[name] for name in ("advantage", "value_target", "value")]
    assert ("shifted_valid" in got) is (expected.get("shifted_valid", None) is not None)
    for key in [*names, ("next", names[2]), *(["shifted_valid"] if "shifted_valid" in got else [])]:
        mine = got
        for part in unravel_key_list([key])[0] if isinstance(key, tuple) else (key,):
            mine = mine[part]
        assert mine.dtype == (bool if key == "shifted_valid" else np.float64)
        twins.close(mine, expected[key], str(key))
