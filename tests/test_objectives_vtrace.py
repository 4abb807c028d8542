"""VTrace against torchrl's, whose actor is made to give the log-probability of the action taken."""

from __future__ import annotations

import estimator_twins as est
import numpy as np
import pytest
import torch
import torch_twins as twins
from tensordict.nn import NormalParamExtractor as TorchExtractor
from tensordict.nn import TensorDictModule
from torchrl.modules import IndependentNormal
from torchrl.modules import ProbabilisticActor as TorchActor
from torchrl.objectives import value as torch_value
from torchrl.objectives.value.functional import vtrace_advantage_estimate

from rlref.distributions import categorical, normal
from rlref.networks import MLP, NormalParamExtractor, Sequential, leaves
from rlref.objectives import ValueOperator
from rlref.objectives.modules import ProbabilisticActor
from rlref.objectives.value import VTrace

ENDS = {"truncated": (1,), "terminated": (3,)}
POLICY = MLP(3, 4, (5,))
POLICY_PARAMETERS = POLICY.init(np.random.default_rng(3))
PER_STEP = np.random.default_rng(4).random((4, 6, 1))


@pytest.fixture(autouse=True)
def double():
    """torchrl keeps hyper-parameters in torch's default type, and mixes it with that of the data."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


class Taken(IndependentNormal):
    """A normal distribution whose only sample is the action taken: what torchrl's VTrace asks for is a new sample."""

    def __init__(self, loc, scale, taken):
        super().__init__(loc, scale)
        self.deterministic_sample = taken

    deterministic_sample = None


class TakenOf(torch.distributions.Categorical):
    """The same of a categorical distribution."""

    def __init__(self, logits, taken):
        super().__init__(logits=logits)
        self.deterministic_sample = taken

    deterministic_sample = None


def actor(discrete=False):
    """Ours."""
    if discrete:
        return ProbabilisticActor(POLICY, POLICY_PARAMETERS, categorical, out_keys=["logits"])
    return ProbabilisticActor(Sequential(*POLICY.layers, NormalParamExtractor()), POLICY_PARAMETERS, normal)


def torch_actor(distribution, **given):
    """torchrl's, with the same weights."""
    network = twins.mlp(3, 4, (5,), "tanh", POLICY_PARAMETERS)
    writes = ["logits"] if distribution is TakenOf else ["loc", "scale"]
    if writes != ["logits"]:
        network = torch.nn.Sequential(network, TorchExtractor())
    return TorchActor(TensorDictModule(network, ["observation"], writes), in_keys={key: key for key in writes} | given,
                      distribution_class=distribution, return_log_prob=True)


def rollout(shape=(4, 6), discrete=False):
    rng = np.random.default_rng(5)
    data = est.rollout(shape, **(ENDS if shape[-1] > 1 else {}))
    if discrete:
        data["action"] = rng.integers(4, size=shape)
    return data | {"taken": data["action"], "action_log_prob": rng.normal(size=shape) - 2}


def pair(discrete=False, **options):
    ours = VTrace(actor_network=actor(discrete), value_network=ValueOperator(est.NETWORK, est.PARAMETERS),
                  **{"gamma": est.GAMMA, **options})
    theirs = torch_value.VTrace(actor_network=torch_actor(TakenOf if discrete else Taken, taken="taken"),
                                value_network=est.torch_network(), **{"gamma": est.GAMMA, **options})
    return ours, theirs


@pytest.mark.parametrize("discrete", [False, True])
@pytest.mark.parametrize("shape", [(4, 6), (6,), (2, 3, 5), (4, 1)], ids=str)
def test_shapes(shape, discrete):
    data = rollout(shape, discrete)
    ours, theirs = pair(discrete)
    est.same(ours(data), theirs(twins.tensordict(data, list(shape))), ours)


@pytest.mark.parametrize("options", [
    {"rho_thresh": 0.5}, {"c_thresh": 0.5, "rho_thresh": 2.0}, {"average_adv": True}, {"shifted": True},
    {"shifted": True, "shifted_budget": 2, "average_adv": True}, {"num_chunks": 3}, {"gamma": 1.0},
    {"rho_thresh": PER_STEP, "c_thresh": PER_STEP[:1]}], ids=str)
def test_options(options):
    ours, theirs = pair(**options)
    data = rollout()
    est.same(ours(data), theirs(twins.tensordict(data, [4, 6])), ours)


def test_time_dim_and_steps_to_next_obs():
    data = rollout((6, 4)) | {"steps_to_next_obs": np.random.default_rng(6).integers(1, 4, (6, 4, 1))}
    ours, theirs = pair()
    est.same(ours(data, time_dim=0), theirs(twins.tensordict(data, [6, 4]), time_dim=0), ours)


def test_keys_and_keyword_arguments():
    data = rollout()
    data["next"]["r"] = data["next"].pop("reward")
    data["log_mu"] = data.pop("action_log_prob")
    ours, theirs = pair()
    for estimator in (ours, theirs):
        estimator.set_keys(reward="r", sample_log_prob="log_mu", advantage="A")
    expected = theirs(twins.tensordict(data, [4, 6]))
    est.same(ours(data), expected, ours)
    entries = {key: data[key] for key in ("observation", "action", "log_mu")}
    advantage, value_target = ours(**entries, **{f"next_{key}": x for key, x in data["next"].items()})
    twins.close(advantage, expected["A"])
    twins.close(value_target, expected["value_target"])
    ours.set_keys(action="taken")
    del data["action"]
    est.same(ours(data), expected, ours)


def test_another_actor():
    data = rollout()
    ours, theirs = pair()
    ours.actor_network.parameters = POLICY.init(np.random.default_rng(9))
    est.same(ours.with_actor(POLICY_PARAMETERS)(data), theirs(twins.tensordict(data, [4, 6])), ours)
    assert ours.actor_network.parameters is not POLICY_PARAMETERS


@pytest.mark.parametrize("average_adv", [False, True])
def test_gradients(average_adv):
    """Of torchrl without its own network, whose values come with their graph; the actor is held still in both."""
    data = rollout()
    by = dict(zip(("advantage", "value_target"), np.random.default_rng(7).normal(size=(2, 4, 6, 1)), strict=True))
    ours, theirs = pair(average_adv=average_adv, differentiable=True)
    networks = [est.torch_network(tree) for tree in (est.PARAMETERS, est.OTHERS)]
    td = twins.tensordict(data, [4, 6])
    td["state_value"] = networks[0](td.clone())["state_value"]
    td["next", "state_value"] = networks[1](td["next"].clone())["state_value"]
    inputs = [td[key].requires_grad_() for key in (("next", "reward"), "action_log_prob")]
    theirs.__dict__["value_network"] = None
    expected = theirs(td)
    outputs, pullback = ours.value_and_pullback(data, None, est.OTHERS)
    est.same(outputs, expected, ours)
    pulled = pullback(by)
    total = sum((torch.tensor(x) * expected[key]).sum() for key, x in by.items())
    for tree, network in zip((pulled.params, pulled.target_params), networks, strict=True):
        names, tensors = zip(*network.module.named_parameters(), strict=True)
        for name, gradient in zip(names, torch.autograd.grad(total, tensors, retain_graph=True), strict=True):
            twins.close(dict(leaves(tree))[name], gradient, name)
    for key, gradient in zip((("next", "reward"), "action_log_prob"), torch.autograd.grad(total, inputs), strict=True):
        twins.close(pulled.inputs[key], gradient, str(key))


def test_value_estimate():
    # torchrl's VTrace has none.
    data = rollout()
    ours, theirs = pair()
    twins.close(ours.value_estimate(data), theirs(twins.tensordict(data, [4, 6]))["value_target"])
    with pytest.raises(NotImplementedError):
        theirs.value_estimate(twins.tensordict(data, [4, 6]))


def test_torchrl_takes_the_log_probability_of_another_action():
    """With an actor as people have it, its mode. The truth is torchrl's own function of the log-probabilities."""
    data = rollout()
    ours, _ = pair()
    plain = torch_actor(IndependentNormal)
    td = twins.tensordict(data, [4, 6])
    theirs = torch_value.VTrace(gamma=est.GAMMA, actor_network=plain, value_network=est.torch_network())(td.clone())
    dist = plain.get_dist(td.clone())

    def of(action):
        return vtrace_advantage_estimate(
            est.GAMMA, dist.log_prob(action)[..., None], td["action_log_prob"][..., None], theirs["state_value"],
            theirs["next", "state_value"], *(td["next", key] for key in ("reward", "done", "terminated")))[1]

    twins.close(ours(data)["value_target"], of(td["action"]))
    twins.close(theirs["value_target"].detach().numpy(), of(dist.mode))
    assert (theirs["value_target"] - of(td["action"])).abs().max() > 0.1


def test_torchrl_averages_over_what_it_drops():
    data = rollout()
    other = rollout()
    ours, theirs = pair(shifted=True, average_adv=True)
    valid = ours(data)["shifted_valid"]
    assert not valid.all()
    other["next"]["reward"][~valid] += 100
    first, second = (twins.tensordict(each, [4, 6]) for each in (data, other))
    assert (theirs(first)["advantage"] - theirs(second)["advantage"]).abs().max() > 0.1
    np.testing.assert_array_equal(ours(data)["advantage"], ours(other)["advantage"])
    kept = ours(data)["advantage"][valid]
    np.testing.assert_allclose([kept.mean(), kept.std(ddof=1)], [0, 1], atol=1e-12)
