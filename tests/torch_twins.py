"""Torch modules with the parameters of ours, tensordicts with the data of ours, and what of both must agree."""

from __future__ import annotations

import numpy as np
import torch
from tensordict import TensorDict
from torchrl.modules import MLP as TorchMLP

from rlref.networks import leaves

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


def flat(params):
    """The parameters of one network of a torchrl loss by name, as in torch's state_dict, without its wrappers."""
    found = {}
    for key, x in params.items(True, True):
        after = max(i for i, part in enumerate(key) if part in ("module", "mlp"))
        found[".".join(key[after + 1:])] = x
    return found
