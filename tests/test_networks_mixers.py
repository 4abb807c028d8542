"""Mixers against torchrl's: the same parameters, outputs and derivatives; and what makes a mixer one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_networks import agree, close, given, normal
from torchrl.modules import MultiAgentMLP
from torchrl.modules import QMixer as TorchQMixer
from torchrl.modules import VDNMixer as TorchVDNMixer

from rlref.networks import MLP, QMixer, VDNMixer, held, leaves, tree_map

pytestmark = pytest.mark.usefixtures("torch_float64")
BATCHES = [(), (5,), (2, 4)]


@pytest.mark.parametrize("batch", BATCHES, ids=str)
@pytest.mark.parametrize("agents", [1, 3])
def test_vdn(agents, batch):
    agree(VDNMixer(agents), TorchVDNMixer(agents, "cpu"), normal(*batch, agents, 1))


@pytest.mark.parametrize("batch", BATCHES, ids=str)
@pytest.mark.parametrize("agents, hidden, state", [(3, 4, (5,)), (1, 1, (2,)), (2, 7, (2, 3))], ids=str)
def test_qmix(agents, hidden, state, batch):
    theirs = TorchQMixer(torch.Size(state), hidden, agents, "cpu")
    agree(QMixer(state, hidden, agents), theirs, 3 * normal(*batch, agents, 1), normal(*batch, *state))


def test_qmix_where_a_weight_is_zero():
    """|w| has derivative 0 at 0, in torch as on the page."""
    network, theirs = QMixer((2,), 3, 2), TorchQMixer(torch.Size((2,)), 3, 2, "cpu")
    parameters = network.init(np.random.default_rng(0))
    parameters["hyper_w_1"] = {"weight": np.zeros((6, 2)), "bias": np.array([0.0, 0.5, -0.5, 0.0, 1.0, -1.0])}
    local, state = torch.tensor(normal(4, 2, 1)), torch.tensor(normal(4, 2))
    given(parameters, theirs)(local, state).sum().backward()
    y, pullback = network(parameters, local.numpy(), state.numpy())
    close(pullback(np.ones_like(y))[0]["hyper_w_1"]["bias"], theirs.hyper_w_1.bias.grad)


def test_names_and_shapes_are_torchrl_s():
    """In whatever order: a state_dict goes in by name."""
    parameters = QMixer((2, 3), 4, 5).init(np.random.default_rng(0))
    theirs = TorchQMixer(torch.Size((2, 3)), 4, 5, "cpu").state_dict()
    assert {name: x.shape for name, x in leaves(parameters)} == {name: tuple(x.shape) for name, x in theirs.items()}


def test_agents_share_an_mlp():
    """torchrl's MultiAgentMLP with shared parameters is an MLP on the last axis."""
    theirs = MultiAgentMLP(3, 2, 4, centralized=False, share_params=True, depth=1, num_cells=6)
    names = {name: tuple(x.shape) for name, x in theirs.params.flatten_keys(".").items()}
    network = MLP(3, 2, (6,))
    parameters = network.init(np.random.default_rng(0))
    assert names == {name: x.shape for name, x in leaves(parameters)}
    for name, x in leaves(parameters):
        theirs.params.get(tuple(name.split("."))).data.copy_(torch.tensor(x))
    x = normal(5, 4, 3)
    close(network(parameters, x)[0], theirs(torch.tensor(x)))


def test_q_tot_rises_with_every_agent_s_value():
    """And so each agent's own best is the best together, which is what the mixers are for."""
    rng = np.random.default_rng(1)
    for mixer, more in ((VDNMixer(2), ()), (QMixer((4,), 5, 2), (rng.normal(size=(9, 4))[:1].repeat(9, 0),))):
        parameters = mixer.init(rng)
        own = rng.normal(size=(2, 3))  # of three actions each
        joint = np.stack([own[0].repeat(3), np.tile(own[1], 3)], axis=-1)[..., None]
        y, pullback = mixer(parameters, joint, *more)
        assert np.all(pullback(np.ones_like(y))[1] > 0)
        assert np.argmax(y) == 3 * np.argmax(own[0]) + np.argmax(own[1])


def test_held_still():
    """No derivatives by the parameters, and those by the inputs as ever."""
    mixer = QMixer((3,), 4, 2)
    parameters, inputs = mixer.init(np.random.default_rng(6)), (normal(5, 2, 1), normal(5, 3))
    y, pullback = mixer(parameters, *inputs)
    still, held_back = mixer(held(parameters), *inputs)
    by_parameters, *by_inputs = held_back(np.ones_like(y))
    assert by_parameters == {} and np.array_equal(still, y)
    for x, expected in zip(by_inputs, pullback(np.ones_like(y))[1:], strict=True):
        assert np.array_equal(x, expected)


def test_float32_stays():
    mixer = QMixer((3,), 4, 2)
    parameters = tree_map(np.float32, mixer.init(np.random.default_rng(6)))
    local, state = normal(5, 2, 1).astype(np.float32), normal(5, 3).astype(np.float32)
    y, pullback = mixer(parameters, local, state)
    by, *inputs = pullback(y)
    total, back = VDNMixer(2)({}, local)
    assert {x.dtype for x in (y, *inputs, total, back(total)[1], *(x for _, x in leaves(by)))} == {np.dtype(np.float32)}


@pytest.mark.parametrize("mixer, inputs, message", [
    (VDNMixer(2), [(5, 3, 1)], r"local_value: expected shape \[..., 2, 1\], got \(5, 3, 1\)"),
    (VDNMixer(2), [(5, 2)], r"local_value: expected shape \[..., 2, 1\], got \(5, 2\)"),
    (QMixer((4,), 3, 2), [(5, 2, 2), (5, 4)], r"local_value: expected shape \[..., 2, 1\], got \(5, 2, 2\)"),
    (QMixer((4,), 3, 2), [(5, 2, 1), (5, 3)], r"state: expected shape \(5, 4\), got \(5, 3\)"),
    (QMixer((2, 2), 3, 2), [(5, 2, 1), (5, 4)], r"state: expected shape \(5, 2, 2\), got \(5, 4\)"),
    (QMixer((4,), 3, 2), [(5, 2, 1), (4,)], r"state: expected shape \(5, 4\), got \(4,\)"),
], ids=["agents", "axes", "last", "features", "shape", "batch"])
def test_what_is_wrong(mixer, inputs, message):
    with pytest.raises(ValueError, match=message):
        mixer(mixer.init(np.random.default_rng(0)), *(np.ones(shape) for shape in inputs))
