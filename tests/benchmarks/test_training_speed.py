"""A training step of DDPG and of SAC against torchrl's, eager on the CPU, in one run; no time is asserted.

``python -m pytest -n 0 tests/benchmarks/test_training_speed.py`` prints the table. A step is the losses, the gradients
of all parameters, Adam, and a soft update of the targets: perceptrons with two layers of 256, batches of 256. Both
begin with the same parameters, and their first losses agree. On a busy machine set OMP_NUM_THREADS=1: threads that wait
for each other are all that is measured otherwise. What bounds rlref is its matrix products, by NumPy's BLAS.
"""

from __future__ import annotations

import warnings
from unittest import mock

import numpy as np
import pytest
import torch
import torch_twins as twins
from tensordict.nn import NormalParamExtractor as TorchExtractor
from tensordict.nn import TensorDictModule
from torchrl.modules import MLP as TorchMLP
from torchrl.modules import ProbabilisticActor as TorchActor
from torchrl.modules import TanhNormal
from torchrl.modules import ValueOperator as TorchValueOperator
from torchrl.objectives import DDPGLoss as TorchDDPGLoss
from torchrl.objectives import SACLoss as TorchSACLoss
from torchrl.objectives import SoftUpdate as TorchSoftUpdate

from rlref.distributions import tanh_normal
from rlref.networks import MLP, Adam, NormalParamExtractor, QNetwork, Sequential, leaves, tree_map
from rlref.objectives import Actor, DDPGLoss, ProbabilisticActor, SACLoss, SoftUpdate, ValueOperator

OBSERVATION, ACTION, CELLS, BATCH = 17, 6, (256, 256), 256  # as HalfCheetah has them
LR, TAU = 3e-4, 0.005


def given(inputs, outputs, parameters):
    """torchrl's perceptron with these parameters, in their precision."""
    module = TorchMLP(in_features=inputs, out_features=outputs, num_cells=list(CELLS), activation_class=torch.nn.ReLU)
    module.load_state_dict({name: torch.tensor(x) for name, x in leaves(parameters)}, assign=True)
    return module


def losses(name, kind):
    """Ours and torchrl's."""
    rng = np.random.default_rng(0)
    critic, policy = QNetwork(OBSERVATION, ACTION, CELLS, "relu"), MLP(OBSERVATION, ACTION, CELLS, "relu")
    by_policy, *by_critics = (tree_map(lambda x: x.astype(kind), network.init(rng))
                              for network in (policy if name == "ddpg" else MLP(OBSERVATION, 2 * ACTION, CELLS, "relu"),
                                              critic, critic))
    critics = [ValueOperator(critic, x, ["observation", "action"]) for x in by_critics]
    their_critics = [TorchValueOperator(twins.Concatenated(given(OBSERVATION + ACTION, 1, x)),
                                        in_keys=["observation", "action"]) for x in by_critics]
    if name == "ddpg":
        module = TensorDictModule(given(OBSERVATION, ACTION, by_policy), ["observation"], ["action"])
        return DDPGLoss(Actor(policy, by_policy), critics[0]), TorchDDPGLoss(module, their_critics[0])
    actor = ProbabilisticActor(Sequential(MLP(OBSERVATION, 2 * ACTION, CELLS, "relu"), NormalParamExtractor()),
                               {"0": by_policy}, tanh_normal)
    module = torch.nn.Sequential(given(OBSERVATION, 2 * ACTION, by_policy), TorchExtractor())
    theirs = TorchActor(TensorDictModule(module, ["observation"], ["loc", "scale"]), in_keys=["loc", "scale"],
                        distribution_class=TanhNormal, return_log_prob=True)
    return (SACLoss(actor, critics, target_entropy=-float(ACTION)),
            TorchSACLoss(theirs, their_critics, target_entropy=-float(ACTION)))


def ours(loss, data):
    """A step, which gives its losses."""
    optimizer, update, rng = Adam(LR), SoftUpdate(loss, tau=TAU), np.random.default_rng(0)

    def step():
        found, gradients = loss.value_and_grad(data, rng)
        loss.parameters = optimizer.step(loss.parameters, loss.total(gradients))
        update.step()
        return found
    return step


def theirs(loss, data):
    """The same."""
    loss.make_value_estimator(loss.default_value_estimator, gamma=0.99)
    optimizer, update = torch.optim.Adam(loss.parameters(), lr=LR), TorchSoftUpdate(loss, tau=TAU)
    batch, terms = twins.tensordict(data, [BATCH]), [name for name in loss.out_keys if name.startswith("loss")]

    def step():
        found = loss(batch)
        optimizer.zero_grad()
        sum(found[name] for name in terms).backward()
        optimizer.step()
        update.step()
        return found
    return step


@pytest.fixture(params=["float32", "float64"])
def kind(request):
    torch.set_default_dtype(getattr(torch, request.param))
    yield request.param
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", ["ddpg", "sac"])
def test_training_step(benchmark, training_times, name, kind):
    def converted(x):
        return tree_map(lambda y: y.astype(kind) if y.dtype == float else y, x)

    data = converted(twins.batch((BATCH,), OBSERVATION, ACTION))
    with warnings.catch_warnings(action="ignore"):
        mine, other = losses(name, kind)
        contenders = {"torchrl": theirs(other, data), "rlref": ours(mine, data)}
        rng = np.random.default_rng(0)
        with mock.patch("torch.distributions.normal._standard_normal", lambda shape, dtype, **_:
                        torch.tensor(rng.standard_normal(tuple(shape)), dtype=dtype)):
            expected = contenders["torchrl"]()
        found = contenders["rlref"]()
        for loss in (key for key in found if key.startswith("loss")):
            np.testing.assert_allclose(found[loss], expected[loss].detach(), rtol=1e-4, err_msg=loss)
        for _ in range(40):  # in turns, step by step
            for contender, step in contenders.items():
                training_times.note(name, kind, contender, step)
        benchmark.pedantic(contenders["rlref"], rounds=3)
