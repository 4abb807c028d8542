"""TD0Estimator, TD1Estimator, TDLambdaEstimator and GAE against torchrl's: all that they write, under every option."""

from __future__ import annotations

import copy

import estimator_twins as est
import numpy as np
import pytest
import torch
import torch_twins as twins
from torchrl.objectives.value import functional

from rlref.networks import tree_map
from rlref.objectives import ValueOperator

ENDS = {"truncated": (1,), "terminated": (3,)}
NAMES = list(est.OWN)
PER_STEP = np.random.default_rng(3).random((4, 6, 1))
STEPS = np.random.default_rng(4).integers(1, 4, (4, 6, 1))


@pytest.fixture(autouse=True)
def double():
    """torchrl keeps hyper-parameters in torch's default type, and mixes it with that of the data."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def compare(name, data, shape, names=None, **options):
    """Run both and compare; what was given to ours is as it was."""
    mine, other = est.pair(name, **options)
    td = twins.tensordict(data, list(shape))
    td.names = names or [None] * len(shape)
    before = copy.deepcopy(data)
    got = mine(data)
    np.testing.assert_equal(data, before)
    est.same(got, other(td), mine)
    return got


@pytest.mark.parametrize("shape", [(4, 6), (6,), (2, 3, 5), (4, 1)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_shapes(name, shape):
    compare(name, est.rollout(shape, **(ENDS if shape[-1] > 1 else {"truncated": (0,)})), shape)


@pytest.mark.parametrize("options", [
    {"value_chunk_size": 3}, {"num_chunks": 3}, {"num_chunks": 9, "value_chunk_dim": 1},
    {"value_chunk_size": 4, "value_chunk_dim": -1}, {"value_chunk_size": 99, "shifted": True},
    {"shifted": True}, {"shifted": True, "shifted_budget": 2}, {"shifted": True, "shifted_budget": 5},
    {"shifted": True, "num_chunks": 2}, {"gamma": 1.0}, {"gamma": PER_STEP}], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_options(name, options):
    compare(name, est.rollout((4, 6), **ENDS), (4, 6), **options)


@pytest.mark.parametrize("name, options", [
    ("TD0Estimator", {"gamma": 0.0}), ("TD0Estimator", {"gamma": PER_STEP[:, :1]}),
    ("TDLambdaEstimator", {"gamma": 0.0}), ("TDLambdaEstimator", {"lmbda": 0.0}),
    ("TDLambdaEstimator", {"lmbda": PER_STEP}), ("GAE", {"gamma": 0.0}),
    ("GAE", {"lmbda": 1.0}), ("GAE", {"lmbda": PER_STEP, "gamma": PER_STEP[:1]})], ids=str)
def test_hyper_parameters(name, options):
    compare(name, est.rollout((4, 6), **ENDS), (4, 6), **options)


@pytest.mark.parametrize("options", [{}, {"shifted": True}, {"shifted": True, "shifted_budget": 3}], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_averages(name, options):
    data = est.rollout((4, 6), **ENDS)
    got = compare(name, data, (4, 6), **{est.AVERAGE[name]: True}, **options)
    assert got["next"]["reward"] is data["next"]["reward"]


@pytest.mark.parametrize("name", NAMES)
def test_averages_of_almost_equal_numbers_have_a_floor(name):
    data = est.rollout((4, 6), **ENDS)
    data["next"]["reward"] = np.linspace(0, 1e-6, 24).reshape(4, 6, 1)
    still = tree_map(np.zeros_like, est.PARAMETERS)
    options = {est.AVERAGE[name]: True}
    mine, other = est.ours(name, ValueOperator(est.NETWORK, still), **options), est.theirs(
        name, est.torch_network(still), **options)
    est.same(mine(data), other(twins.tensordict(data, [4, 6])), mine)


def time_first(data):
    return {key: time_first(x) if isinstance(x, dict) else np.swapaxes(x, 0, 1).copy() for key, x in data.items()}


@pytest.mark.parametrize("options", [{}, {"shifted": True}], ids=str)
@pytest.mark.parametrize("time_dim", [0, -2])
@pytest.mark.parametrize("name", NAMES[1:])
def test_time_dim(name, time_dim, options):
    # Where shifted, torchrl takes the axis that is called "time", and not time_dim.
    data = time_first(est.rollout((4, 6), **ENDS))
    compare(name, data, (6, 4), ["time", None], time_dim=time_dim, **options)


def test_time_dim_of_a_call():
    data = time_first(est.rollout((4, 6), **ENDS))
    mine, other = est.pair("GAE")
    est.same(mine(data, time_dim=0), other(twins.tensordict(data, [6, 4]), time_dim=0), mine)


@pytest.mark.parametrize("name", NAMES)
def test_steps_to_next_obs(name):
    compare(name, est.rollout((4, 6), **ENDS) | {"steps_to_next_obs": STEPS}, (4, 6))


@pytest.mark.parametrize("options", [{}, {"shifted": True, "shifted_budget": 2}], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_a_next_observation_that_was_not_kept(name, options):
    # torchrl leaves values it could not read out of what it writes then: it writes them to a copy.
    data = est.rollout((4, 6), **ENDS)
    data["next"]["observation"][data["next"]["done"][..., 0]] = np.nan
    mine, other = est.pair(name, **options)
    td, got = other(twins.tensordict(data, [4, 6])), mine(data)
    for key in ("advantage", "value_target"):
        twins.close(got[key], td[key], key)
    assert td.get("state_value", None) is None
    assert np.isfinite(got["next"]["state_value"]).all()


@pytest.mark.parametrize("name", NAMES)
def test_done_alone_stands_for_terminated(name):
    data = est.rollout((4, 6), **ENDS)
    del data["next"]["terminated"]
    compare(name, data, (4, 6))


def with_values(data, shape):
    rng = np.random.default_rng(5)
    data["next"] = data["next"] | {"state_value": rng.normal(size=(*shape, 1))}
    return data | {"state_value": rng.normal(size=(*shape, 1))}


@pytest.mark.parametrize("options", [{}, {"shifted": True, "shifted_budget": 3}], ids=str)
@pytest.mark.parametrize("skip", [True, False, None])
@pytest.mark.parametrize("name", NAMES)
def test_skip_existing(name, skip, options):
    data = with_values(est.rollout((4, 6), **ENDS), (4, 6))
    got = compare(name, data, (4, 6), skip_existing=skip, **options)
    assert np.array_equal(got["state_value"], data["state_value"]) is bool(skip)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_network_the_values_are_in_the_batch(name):
    data = with_values(est.rollout((4, 6), **ENDS), (4, 6))
    mine, other = est.ours(name), est.theirs(name)
    est.same(mine(data), other(twins.tensordict(data, [4, 6])), mine)


KEYS = {"advantage": "A", "value_target": ("of", "return"), "value": ("of", "V"), "reward": "r", "done": "ended",
        "terminated": "over", "steps_to_next_obs": "n"}


@pytest.mark.parametrize("name", NAMES)
def test_keys(name):
    data = est.rollout((4, 6), **ENDS)
    following = data["next"]
    data = {"o": data["observation"], "n": STEPS,
            "next": {"o": following["observation"], "r": following["reward"], "ended": following["done"],
                     "over": following["terminated"]}}
    mine = est.ours(name, ValueOperator(est.NETWORK, est.PARAMETERS, ["o"], [("of", "V")]))
    other = est.theirs(name, est.torch_network(in_keys=["o"], out_keys=[("of", "V")]))
    for estimator in (mine, other):
        estimator.set_keys(**KEYS)
    assert mine.in_keys == other.in_keys
    assert mine.out_keys == other.out_keys
    est.same(mine(data), other(twins.tensordict(data, [4, 6])), mine)


@pytest.mark.parametrize("name", NAMES)
def test_keyword_arguments(name):
    data = est.rollout((4, 6), **ENDS)
    entries = {"observation": data["observation"]} | {f"next_{key}": x for key, x in data["next"].items()}
    mine, other = est.pair(name)
    expected = other(**{key: torch.tensor(x) for key, x in entries.items()})
    for got, wanted in zip(mine(**entries), expected, strict=True):
        twins.close(got, wanted)


@pytest.mark.parametrize("name", NAMES)
def test_params_and_target_params(name):
    data = est.rollout((4, 6), **ENDS)
    mine, other = est.pair(name)
    first, second = (est.torch_parameters(tree) for tree in (est.OTHERS, est.PARAMETERS))
    for given, torch_given in (((est.OTHERS,), (first,)), ((est.OTHERS, est.PARAMETERS), (first, second))):
        names = ("params", "target_params")
        expected = other(twins.tensordict(data, [4, 6]), **dict(zip(names, torch_given, strict=False)))
        est.same(mine(data, *given), expected, mine)
    est.same(mine(data, target_params=est.OTHERS), other(twins.tensordict(data, [4, 6]), params=second,
                                                         target_params=first), mine)


@pytest.mark.parametrize("name", NAMES)
def test_value_estimate(name):
    data = est.rollout((4, 6), **ENDS)
    mine, other = est.pair(name)
    td = twins.tensordict(data, [4, 6])
    twins.close(mine.value_estimate(data), other.value_estimate(td.clone()))
    own = {"params": est.torch_parameters(est.PARAMETERS)} if name == "GAE" else {}  # only it has V(s) too
    expected = other.value_estimate(td, target_params=est.torch_parameters(est.OTHERS), **own)
    twins.close(mine.value_estimate(data, est.OTHERS), expected)
    for parameters, given in ((est.PARAMETERS, {"target_params": est.OTHERS}), (est.OTHERS, {})):
        moved = est.ours(name, ValueOperator(est.NETWORK, parameters))(data, **given)["value_target"]
        twins.close(mine.value_estimate(data, params=parameters, **given), moved)


@pytest.mark.parametrize("name", NAMES[:3])
def test_value_estimate_of_a_next_value(name):
    data = est.rollout((6, 4), **ENDS)
    following = np.random.default_rng(6).normal(size=(6, 4, 1))
    mine, other = est.ours(name), est.theirs(name, est.torch_network())
    options = {} if name == "TD0Estimator" else {"time_dim": 0}
    expected = other.value_estimate(twins.tensordict(data, [6, 4]), next_value=torch.tensor(following), **options)
    twins.close(mine.value_estimate(data, next_value=following, **options), expected)


def test_value_estimate_of_a_next_value_in_gae():
    # torchrl's GAE ignores next_value; what it should be is GAE + V of these values.
    data = with_values(est.rollout((4, 6), **ENDS), (4, 6))
    following = data["next"]["state_value"] + 1
    td = twins.tensordict(data, [4, 6])
    _, expected = functional.generalized_advantage_estimate(
        est.GAMMA, est.LMBDA, td["state_value"], torch.tensor(following), td["next", "reward"], td["next", "done"],
        td["next", "terminated"])
    twins.close(est.ours("GAE").value_estimate(data, next_value=following), expected)
    ignored = est.theirs("GAE").value_estimate(td, next_value=torch.tensor(following))
    assert (ignored - expected).abs().max() > 0.1
