"""Networks against torch: the same parameters give the same outputs, and the same derivatives of every parameter."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tensordict.nn import NormalParamExtractor as TorchExtractor
from torchrl.modules import MLP as TorchMLP

from rlref.networks import (
    MLP,
    SGD,
    Adam,
    Concatenated,
    Ensemble,
    Linear,
    NormalParamExtractor,
    QNetwork,
    Sequential,
    held,
    leaves,
    load,
    save,
    tree_map,
)

pytestmark = pytest.mark.usefixtures("torch_float64")

ACTIVATIONS = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU, "elu": torch.nn.ELU}


def given(parameters, module):
    """The torch module with these parameters."""
    module.load_state_dict({name: torch.tensor(x) for name, x in leaves(parameters)})
    return module


def close(got, expected):
    np.testing.assert_allclose(got, expected.detach().numpy() if hasattr(expected, "detach") else expected,
                               rtol=1e-12, atol=1e-12)


def agree(network, module, *inputs):
    """Outputs, and derivatives by parameters and inputs for a random cotangent."""
    parameters = network.init(np.random.default_rng(0))
    module = given(parameters, module)
    tensors = [torch.tensor(x, requires_grad=True) for x in inputs]
    y, pullback = network(parameters, *inputs)
    theirs = module(*tensors)
    several = isinstance(theirs, tuple)
    outputs, mine = (theirs, y) if several else ((theirs,), (y,))
    by = [np.random.default_rng(1).normal(size=x.shape) for x in mine]
    by_parameters, *by_inputs = pullback(tuple(by) if several else by[0])
    torch.autograd.backward(outputs, [torch.tensor(x) for x in by])
    for x, expected in zip(mine, outputs, strict=True):
        close(x, expected)
    gradients = dict(leaves(by_parameters))
    assert gradients.keys() == dict(module.named_parameters()).keys()
    for name, parameter in module.named_parameters():
        close(gradients[name], parameter.grad)
    for x, tensor in zip(by_inputs, tensors, strict=True):
        close(x, tensor.grad)


def normal(*shape):
    return np.random.default_rng(2).normal(size=shape)


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3)], ids=str)
def test_linear(shape):
    agree(Linear(3, 4), torch.nn.Linear(3, 4), normal(*shape))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("cells", [(), (7,), (8, 6)], ids=str)
def test_mlp(activation, cells):
    theirs = TorchMLP(in_features=3, out_features=2, num_cells=list(cells), activation_class=ACTIVATIONS[activation])
    agree(MLP(3, 2, cells, activation), theirs, normal(2, 5, 3))


def test_derivatives_at_zero_are_torch_s():
    for name, theirs in ACTIVATIONS.items():
        x = torch.zeros(1, requires_grad=True)
        theirs()(x).backward()
        y, pullback = MLP(1, 1, (1,), name).layers[1]({}, np.zeros(1))
        close(y, np.zeros(1))
        close(pullback(np.ones(1))[1], x.grad)


def test_normal_params():
    mine = Sequential(MLP(3, 4, (5,)), NormalParamExtractor())
    theirs = torch.nn.Sequential(TorchMLP(in_features=3, out_features=4, num_cells=[5],
                                          activation_class=torch.nn.Tanh), TorchExtractor())
    agree(mine, theirs, normal(6, 3))


@pytest.mark.parametrize("raw", [-800.0, -40.0, 0.0, 40.0, 800.0])
def test_normal_params_far_out(raw):
    """Where softplus is flat or straight, and at its floor."""
    x = torch.tensor([0.5, raw], requires_grad=True)
    loc, scale = TorchExtractor(scale_lb=0.02)(x)
    scale.sum().backward()
    (mine_loc, mine_scale), pullback = NormalParamExtractor(scale_lb=0.02)({}, np.array([0.5, raw]))
    close(mine_loc, loc)
    close(mine_scale, scale)
    close(pullback((np.zeros(1), np.ones(1)))[1], x.grad)


def test_q_network():
    class Q(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.mlp = TorchMLP(in_features=5, out_features=1, num_cells=[6], activation_class=torch.nn.ReLU)

        def load_state_dict(self, state):
            self.mlp.load_state_dict(state)

        def named_parameters(self):
            return self.mlp.named_parameters()

        def forward(self, *inputs):
            return self.mlp(torch.cat(inputs, -1))

    agree(QNetwork(3, 2, (6,)), Q(), normal(4, 3), normal(4, 2))
    agree(Concatenated(MLP(5, 1, (6,), "relu")), Q(), normal(2, 4, 2), normal(2, 4, 1), normal(2, 4, 2))


def test_an_ensemble_is_its_members():
    network, x = Ensemble(QNetwork(3, 2, (6,)), 3), (normal(4, 3), normal(4, 2))
    parameters = network.init(np.random.default_rng(3))
    y, pullback = network(parameters, *x)
    by = normal(*y.shape)
    by_parameters, *by_inputs = pullback(by)
    total = [0.0, 0.0]
    for i in range(3):
        own = tree_map(lambda p, i=i: p[i], parameters)
        own_y, own_back = network.network(own, *x)
        own_by, *own_inputs = own_back(by[i])
        close(y[i], own_y)
        for (_, all_), (_, one) in zip(leaves(by_parameters), leaves(own_by), strict=True):
            close(all_[i], one)
        total = [a + b for a, b in zip(total, own_inputs, strict=True)]
    for got, expected in zip(by_inputs, total, strict=True):
        close(got, expected)


OPTIMIZERS = {
    "sgd": (lambda: SGD(0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "momentum": (lambda: SGD(0.1, 0.9, 0.01), lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01)),
    "adam": (lambda: Adam(), lambda p: torch.optim.Adam(p)),
    "adam-options": (lambda: Adam(0.01, (0.8, 0.95), 1e-4, 0.02),
                     lambda p: torch.optim.Adam(p, 0.01, (0.8, 0.95), 1e-4, weight_decay=0.02)),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_step_by_step(name):
    mine, theirs = OPTIMIZERS[name]
    network = MLP(3, 1, (4,))
    parameters = network.init(np.random.default_rng(4))
    first = tree_map(np.copy, parameters)
    module = given(parameters, TorchMLP(in_features=3, out_features=1, num_cells=[4], activation_class=torch.nn.Tanh))
    optimizer, other = mine(), theirs(module.parameters())
    x = normal(8, 3)
    kept = parameters
    for _ in range(50):
        y, pullback = network(parameters, x)
        parameters = optimizer.step(parameters, pullback(2 * (y - 1) / len(x))[0])
        other.zero_grad()
        (module(torch.tensor(x)) - 1).square().mean().backward()
        other.step()
        for key, parameter in module.named_parameters():
            np.testing.assert_allclose(dict(leaves(parameters))[key], parameter.detach(), rtol=1e-10, atol=1e-12)
    for (_, before), (_, now) in zip(leaves(first), leaves(kept), strict=True):
        assert np.array_equal(before, now), "the parameters that came in have changed"


def test_saved_and_loaded(tmp_path):
    parameters = Sequential(MLP(3, 4, (5,)), NormalParamExtractor()).init(np.random.default_rng(5))
    save(tmp_path / "agent.npz", parameters)
    again = load(tmp_path / "agent.npz")
    assert again.keys() == parameters.keys()
    for (name, x), (other, y) in zip(leaves(parameters), leaves(again), strict=True):
        assert name == other and x.tobytes() == y.tobytes() and x.shape == y.shape
    assert [path.name for path in tmp_path.iterdir()] == ["agent.npz"]


def test_float32_stays():
    network = Sequential(MLP(3, 4, (5,), "elu"), NormalParamExtractor())
    parameters = tree_map(np.float32, network.init(np.random.default_rng(6)))
    (loc, scale), pullback = network(parameters, normal(2, 3).astype(np.float32))
    by, by_x = pullback((loc, scale))
    assert {x.dtype for x in (loc, scale, by_x, *(x for _, x in leaves(by)))} == {np.dtype(np.float32)}


@pytest.mark.parametrize("wrong, message", [
    (lambda: Linear(3, 4)(Linear(3, 4).init(np.random.default_rng(0)), np.ones((2, 5))),
     r"x: expected a last axis of 3, got shape \(2, 5\)"),
    (lambda: MLP(3, 1, activation="gelu"), "activation: expected one of tanh, relu, elu, got 'gelu'"),
    (lambda: NormalParamExtractor()({}, np.ones(3)), r"x: expected an even last axis, got shape \(3,\)"),
    (lambda: tree_map(np.add, {"a": 1}, {"b": 1}), "parameters: expected the names a, got b"),
], ids=["features", "activation", "odd", "names"])
def test_what_is_wrong(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_what_is_held_still():
    """By the inputs as ever, by the parameters nothing."""
    network, x = Ensemble(QNetwork(3, 2, (6,)), 3), (normal(4, 3), normal(4, 2))
    parameters = network.init(np.random.default_rng(3))
    y, pullback = network(parameters, *x)
    still_y, still_pullback = network(held(parameters), *x)
    nothing, *by_inputs = still_pullback(normal(*y.shape))
    assert nothing == {} and np.array_equal(y, still_y)
    for got, expected in zip(by_inputs, pullback(normal(*y.shape))[1:], strict=True):
        assert np.array_equal(got, expected)
