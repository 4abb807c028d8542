"""Torch modules with the parameters of ours, tensordicts with the data of ours, and what of both must agree."""

from __future__ import annotations

from contextlib import contextmanager
from unittest import mock

import numpy as np
import torch
from tensordict import TensorDict
from tensordict.nn import NormalParamExtractor as TorchExtractor
from tensordict.nn import TensorDictModule
from torchrl.modules import MLP as TorchMLP
from torchrl.modules import ProbabilisticActor as TorchActor
from torchrl.modules import TanhNormal
from torchrl.objectives import SoftUpdate as TorchSoftUpdate

from rlref.distributions import tanh_normal
from rlref.networks import MLP, Adam, NormalParamExtractor, Sequential, leaves
from rlref.networks.trees import unflatten
from rlref.objectives import ProbabilisticActor, SoftUpdate

RTOL = 1e-9
TORCH = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU, "elu": torch.nn.ELU}


def mlp(features, outputs, cells, activation, parameters):
    """torchrl's MLP with these parameters, which may have torch's names or ours."""
    module = TorchMLP(in_features=features, out_features=outputs, num_cells=list(cells),
                      activation_class=TORCH[activation]).double()
    module.load_state_dict({name: torch.tensor(x) for name, x in leaves(parameters)})
    return module


class Concatenated(torch.nn.Module):
    """A network of observation and action side by side."""

    def __init__(self, module):
        super().__init__()
        self.mlp = module

    def forward(self, *inputs):
        return self.mlp(torch.cat(inputs, -1))


def tanh_actors(seed=1, observation=3, action=2, cells=(5,)):
    """A policy of ours and the same in torchrl, whose actions are in (-2, 1)."""
    network = Sequential(MLP(observation, 2 * action, cells), NormalParamExtractor())
    parameters = network.init(np.random.default_rng(seed))
    module = torch.nn.Sequential(mlp(observation, 2 * action, cells, "tanh", parameters["0"]), TorchExtractor())
    theirs = TorchActor(TensorDictModule(module, ["observation"], ["loc", "scale"]), in_keys=["loc", "scale"],
                        distribution_class=TanhNormal, distribution_kwargs={"low": -2.0, "high": 1.0},
                        return_log_prob=True)
    return ProbabilisticActor(network, parameters, tanh_normal, low=-2.0, high=1.0), theirs


def move_targets(ours, theirs, seed=9):
    """Target networks that are not what is trained: the same shift of every array on both sides."""
    rng = np.random.default_rng(seed)
    for name, tree in ours.delayed.items():
        shifts = {place: rng.normal(size=x.shape) / 4 for place, x in leaves(tree)}
        ours.delayed[name] = unflatten({place: x + shifts[place] for place, x in leaves(tree)})
        for place, x in flat(getattr(theirs, f"target_{name}_params")).items():
            x.data += torch.tensor(shifts[place])


@contextmanager
def draws(seed):
    """Torch draws what a numpy.random.Generator of this seed draws: normal numbers, and permutations."""
    rng = np.random.default_rng(seed)

    def normal(shape, **_):
        return torch.tensor(rng.standard_normal(tuple(shape)))

    with (mock.patch("torch.distributions.normal._standard_normal", normal),
          mock.patch("torch.randn_like", lambda x: normal(x.shape)),
          mock.patch("torch.randperm", lambda count: torch.tensor(rng.permutation(count)))):
        yield


def tensordict(data, batch):
    """The same batch for torch."""
    def convert(x):
        return {name: convert(y) for name, y in x.items()} if isinstance(x, dict) else torch.tensor(x)
    return TensorDict(convert(data), batch)


def batch(shape, observation=3, action=2, seed=0, **more):
    """A random batch [*shape] as a replay buffer gives it; some steps end, some of them terminate."""
    rng = np.random.default_rng(seed)
    done = rng.random((*shape, 1)) < 0.3
    return {"observation": rng.normal(size=(*shape, observation)), "action": rng.normal(size=(*shape, action)),
            "next": {"observation": rng.normal(size=(*shape, observation)), "reward": rng.normal(size=(*shape, 1)),
                     "done": done, "terminated": done & (rng.random((*shape, 1)) < 0.5)}, **more}


def close(got, expected, what=""):
    expected = expected.detach().numpy() if isinstance(expected, torch.Tensor) else expected
    assert np.shape(got) == np.shape(expected), f"{what}: {np.shape(got)} is not {np.shape(expected)}"
    np.testing.assert_allclose(got, expected, rtol=RTOL, atol=RTOL * max(1e-3, float(np.max(np.abs(expected)))),
                               err_msg=what)


def same_outputs(ours, theirs, names):
    """Every output that is named agrees."""
    for name in names:
        close(ours[name], theirs[name], name)


def same_gradients(gradients, theirs, loss, network, module_parameters):
    """d ``loss`` / d each parameter of ``network``; what no gradient reaches is absent, or zero, on our side."""
    names, tensors = zip(*module_parameters.items(), strict=True)
    found = torch.autograd.grad(theirs[loss], tensors, retain_graph=True, materialize_grads=True, allow_unused=True)
    own = dict(leaves(gradients[loss][network])) if network in gradients.get(loss, {}) else {}
    for name, gradient in zip(names, found, strict=True):
        close(own.get(name, np.zeros(gradient.shape)), gradient, f"{loss} by {network}.{name}")


def same_parameters(ours, theirs, networks, rtol=RTOL):
    """Every parameter of these networks, trained and target, agrees."""
    for name in networks:
        for tree, of in ((ours.whole(name), name), (ours.target_parameters[name], f"target_{name}")):
            own = dict(leaves(tree))
            for place, x in flat(getattr(theirs, f"{of}_params")).items():
                np.testing.assert_allclose(own[place], x.detach(), rtol=rtol, atol=rtol, err_msg=f"{of}.{place}")


def same_training(ours, theirs, batches, networks, scalars=(), lr=1e-2, tau=0.125):
    """Adam on the sum of all losses, and a soft update of targets after every batch, leave the same parameters."""
    optimizer, their_optimizer = Adam(lr), torch.optim.Adam(theirs.parameters(), lr=lr)
    updates = [SoftUpdate(ours, tau=tau), TorchSoftUpdate(theirs, tau=tau)] if ours.delayed else []
    for step, data in enumerate(batches):
        _, gradients = ours.value_and_grad(data, np.random.default_rng(step))
        ours.parameters = optimizer.step(ours.parameters, ours.total(gradients))
        with draws(step):
            found = theirs(tensordict(data, data["next"]["reward"].shape[:-1]))
        their_optimizer.zero_grad()
        sum(found[name] for name in gradients).backward()
        their_optimizer.step()
        for update in updates:
            update.step()
    same_parameters(ours, theirs, networks, rtol=1e-7)
    for name in scalars:
        np.testing.assert_allclose(ours.parameters[name], getattr(theirs, name).detach(), rtol=1e-7)


def flat(params):
    """The parameters of one network of a torchrl loss by name, as in torch's state_dict, without its wrappers."""
    found = {}
    for key, x in params.items(True, True):
        after = max(i for i, part in enumerate(key) if part in ("module", "mlp"))
        found[".".join(key[after + 1:])] = x
    return found
