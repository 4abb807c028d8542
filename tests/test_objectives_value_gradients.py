"""The derivatives of estimates against autograd through torchrl's estimators and value operators."""

from __future__ import annotations

import estimator_twins as est
import numpy as np
import pytest
import torch
import torch_twins as twins

from rlref.networks import leaves
from rlref.objectives import ValueOperator
from rlref.objectives.value.slots import gather, gather_transposed

ENDS = {"truncated": (1,), "terminated": (3,)}
OPTIONS = [{}, {"average": True}, {"shifted": True}, {"shifted": True, "average": True},
           {"shifted": True, "shifted_budget": 2, "num_chunks": 2}, {"num_chunks": 3, "value_chunk_dim": -1}]
INPUTS = [("observation",), ("next", "observation"), ("next", "reward")]


@pytest.fixture(autouse=True)
def double():
    """torchrl keeps hyper-parameters in torch's default type, and mixes it with that of the data."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def setting(name, options):
    options = dict(options)
    if options.pop("average", False):
        options[est.AVERAGE[name]] = True
    data = est.rollout((4, 6), **ENDS)
    data["steps_to_next_obs"] = np.random.default_rng(8).integers(1, 3, (4, 6, 1))
    rng = np.random.default_rng(7)
    return options, data, {key: rng.normal(size=(4, 6, 1)) for key in ("advantage", "value_target")}


def tracked(data):
    """The batch for torch, with the entries whose derivatives are asked for as leaves."""
    td = twins.tensordict(data, [4, 6])
    for key in INPUTS:
        td[key].requires_grad_()
    return td, [td[key] for key in INPUTS]


def scalar(cotangent, td):
    return sum((torch.tensor(by) * td[key]).sum() for key, by in cotangent.items())


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", list(est.OWN))
def test_by_parameters_and_entries(name, options):
    """torchrl detaches V(s') and holds the network out. Its own call of the network, without that, gives both values
    with their graphs, which its estimator then finds in the batch."""
    options, data, cotangent = setting(name, options)
    mine = est.ours(name, ValueOperator(est.NETWORK, est.PARAMETERS), differentiable=True, **options)
    network = est.torch_network()
    td, inputs = tracked(data)
    calling = est.theirs(name, network, **options)
    value, next_value, valid = calling._call_value_nets(
        data=td, params=None, next_params=None, single_call=calling.shifted, value_key="state_value",
        detach_next=False)
    td["state_value"], td["next", "state_value"] = value, next_value
    if valid is not None:
        td["shifted_valid"] = valid
    averages = {key: x for key, x in options.items() if key.startswith("average")}
    expected = est.theirs(name, differentiable=True, **averages)(td)
    outputs, pullback = mine.value_and_pullback(data)
    est.same(outputs, expected, mine)
    pulled = pullback(cotangent)
    names, tensors = zip(*network.module.named_parameters(), strict=True)
    found = torch.autograd.grad(scalar(cotangent, expected), [*tensors, *inputs])
    both = [dict(leaves(tree)) for tree in (pulled.params, pulled.target_params)]
    for parameter, gradient in zip(names, found, strict=False):
        twins.close(both[0][parameter] + both[1][parameter], gradient, parameter)
    assert all(np.abs(x).max() > 0 for tree in both for x in tree.values())
    for key, gradient in zip(INPUTS, found[len(names):], strict=True):
        twins.close(pulled.inputs[key if len(key) > 1 else key[0]], gradient, str(key))


@pytest.mark.parametrize("name", list(est.OWN))
def test_of_two_sets_of_parameters(name):
    _, data, cotangent = setting(name, {})
    mine = est.ours(name, ValueOperator(est.NETWORK, est.PARAMETERS), differentiable=True)
    networks = [est.torch_network(tree) for tree in (est.PARAMETERS, est.OTHERS)]
    td = twins.tensordict(data, [4, 6])
    td["state_value"] = networks[0](td.clone())["state_value"]
    td["next", "state_value"] = networks[1](td["next"].clone())["state_value"]
    expected = est.theirs(name, differentiable=True)(td)
    outputs, pullback = mine.value_and_pullback(data, None, est.OTHERS)
    est.same(outputs, expected, mine)
    pulled = pullback(cotangent)
    total = scalar(cotangent, expected)
    for tree, network in zip((pulled.params, pulled.target_params), networks, strict=True):
        names, tensors = zip(*network.module.named_parameters(), strict=True)
        for parameter, gradient in zip(names, torch.autograd.grad(total, tensors, retain_graph=True), strict=True):
            twins.close(dict(leaves(tree))[parameter], gradient, parameter)


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("name", list(est.OWN))
def test_as_torchrl_differentiates_itself(name, average):
    # V(s') is held still, and so are the parameters; what is left is V(s) by its observation, and the reward.
    options, data, cotangent = setting(name, {"average": average})
    mine, other = est.pair(name, differentiable=True, **options)
    td, inputs = tracked(data)
    expected = other(td)
    found = torch.autograd.grad(scalar(cotangent, expected), [inputs[0], inputs[2]])
    pulled = mine.value_and_pullback(data)[1](cotangent)
    twins.close(pulled.inputs["observation"], found[0])
    twins.close(pulled.inputs["next", "reward"], found[1])
    with pytest.raises(RuntimeError):
        torch.autograd.grad(scalar(cotangent, expected), [inputs[1]])


@pytest.mark.parametrize("name", list(est.OWN))
def test_by_values_in_the_batch(name):
    _, data, cotangent = setting(name, {})
    rng = np.random.default_rng(9)
    data |= {"state_value": rng.normal(size=(4, 6, 1)), "next": data["next"] | {
        "state_value": rng.normal(size=(4, 6, 1))}}
    td = twins.tensordict(data, [4, 6])
    values = [td[key].requires_grad_() for key in ("state_value", ("next", "state_value"))]
    found = torch.autograd.grad(scalar(cotangent, est.theirs(name, differentiable=True)(td)), values)
    for network, skip in ((None, None), (ValueOperator(est.NETWORK, est.PARAMETERS), True)):
        pulled = est.ours(name, network, differentiable=True, skip_existing=skip).value_and_pullback(data)[1](cotangent)
        assert pulled.params == pulled.target_params == {}
        twins.close(pulled.inputs["state_value"], found[0])
        twins.close(pulled.inputs["next", "state_value"], found[1])


def test_a_reward_that_the_network_reads_too():
    # V(s') has it among its inputs, and so has the estimate.
    _, data, cotangent = setting("GAE", {})
    data |= {"reward": data["next"]["reward"] + 1}

    class Rewarded:
        def __call__(self, parameters, observation, reward):
            y, back = est.NETWORK(parameters, observation * reward)
            return y, lambda by: (back(by)[0], back(by)[1] * reward,
                                  (back(by)[1] * observation).sum(axis=-1, keepdims=True))

    mine = est.ours("GAE", ValueOperator(Rewarded(), est.PARAMETERS, ["observation", "reward"]), differentiable=True)
    pulled = mine.value_and_pullback(data)[1](cotangent)
    td, network = twins.tensordict(data, [4, 6]), est.torch_network().module
    reward = td["next", "reward"].requires_grad_()
    td["state_value"] = network(td["observation"] * td["reward"])
    td["next", "state_value"] = network(td["next", "observation"] * reward)
    total = scalar(cotangent, est.theirs("GAE", differentiable=True)(td))
    twins.close(pulled.inputs["next", "reward"], torch.autograd.grad(total, [reward])[0])


def test_one_cotangent_alone():
    _, data, cotangent = setting("GAE", {})
    mine = est.ours("GAE", ValueOperator(est.NETWORK, est.PARAMETERS), differentiable=True)
    _, pullback = mine.value_and_pullback(data)
    parts = [pullback({key: by}) for key, by in cotangent.items()]
    whole = pullback(cotangent)
    for key, x in whole.inputs.items():
        np.testing.assert_allclose(parts[0].inputs[key] + parts[1].inputs[key], x, rtol=1e-12, atol=1e-12)


def test_gathering_and_its_transpose():
    rng = np.random.default_rng(0)
    x, index = rng.normal(size=(5, 2, 3, 4)), rng.integers(0, 5, (7, 2, 3))
    by = rng.normal(size=(7, 2, 3, 4))
    gathered = gather(x, index)
    assert all(np.array_equal(gathered[i, j, k], x[index[i, j, k], j, k]) for i in range(7) for j in range(2)
               for k in range(3))
    np.testing.assert_allclose((by * gathered).sum(), (gather_transposed(by, index, 5) * x).sum(), rtol=1e-12)
