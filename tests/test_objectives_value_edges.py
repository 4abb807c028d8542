"""The estimator modules where torchrl's go wrong, and what a caller gets wrong."""

from __future__ import annotations

import estimator_twins as est
import numpy as np
import pytest
import torch
import torch_twins as twins

from rlref.objectives import DQNLoss, QValueActor, ValueOperator
from rlref.objectives.estimators import ValueEstimators, build_value_estimator
from rlref.objectives.value import GAE, TD0Estimator

NAMES = list(est.OWN)
ENDS = {"truncated": (1,), "terminated": (3,)}


@pytest.fixture(autouse=True)
def double():
    """torchrl keeps hyper-parameters in torch's default type, and mixes it with that of the data."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def shifted(name, **options):
    return est.pair(name, shifted=True, **options)


@pytest.mark.parametrize("name", NAMES)
def test_torchrl_bootstraps_from_the_last_kept_step_though_it_terminates(name):
    # One truncation and no budget for it: the last of six steps is dropped, and the fifth is the last that is kept.
    data = est.rollout((6,), truncated=(1,), terminated=(4,))
    mine, other = shifted(name)
    got, td = mine(data), other(twins.tensordict(data, [6]))
    assert got["shifted_valid"].tolist() == td["shifted_valid"].tolist() == [True] * 5 + [False]
    reward, next_value = data["next"]["reward"], got["next"]["state_value"]
    twins.close(got["value_target"][4], reward[4])
    twins.close(td["value_target"][4], reward[4] + est.GAMMA * next_value[4])
    whole = est.pair(name)[0](data)  # with nothing dropped, the same
    twins.close(got["advantage"][:5], whole["advantage"][:5])


@pytest.mark.parametrize("name", NAMES)
def test_steps_that_are_kept_are_as_if_none_were_dropped(name):
    # But for the trace, which ends with the last of them.
    data = est.rollout((2, 6), truncated=(0, 2), seed=3)
    mine, _ = shifted(name)
    got, whole = mine(data), est.pair(name)[0](data)
    valid = got["shifted_valid"]
    assert valid.sum(axis=1).tolist() == [5, 4]  # in the first row the truncations are at 1 and at the last step
    assert not got["advantage"][~valid].any()
    assert not got["value_target"][~valid].any()
    twins.close(got["state_value"][valid], whole["state_value"][valid])
    twins.close(got["next"]["state_value"][valid], whole["next"]["state_value"][valid])
    twins.close(got["advantage"][1, :3], whole["advantage"][1, :3])


def test_the_network_is_called_once_where_shifted():
    data, calls = est.rollout((4, 6), **ENDS), []

    def network(parameters, x):
        calls.append(x.shape)
        return est.NETWORK(parameters, x)

    est.ours("GAE", ValueOperator(network, est.PARAMETERS), shifted=True, shifted_budget=3)(data)
    assert calls == [(4, 9, 3)]
    calls.clear()
    est.ours("GAE", ValueOperator(network, est.PARAMETERS), value_chunk_size=3, value_chunk_dim=-1)(data)
    assert calls == [(4, 3, 3)] * 4
    calls.clear()
    est.ours("GAE", ValueOperator(network, est.PARAMETERS), num_chunks=3)(data)
    assert calls == [(2, 6, 3), (1, 6, 3), (1, 6, 3)] * 2


def test_torchrl_refuses_params_where_shifted():
    data = est.rollout((4, 6), **ENDS)
    mine, other = shifted("GAE")
    with pytest.raises(ValueError, match="single call"):
        other(twins.tensordict(data, [4, 6]), params=est.torch_parameters(est.OTHERS))
    expected = est.ours("GAE", ValueOperator(est.NETWORK, est.OTHERS), shifted=True)(data)
    np.testing.assert_equal(mine(data, est.OTHERS), expected)
    np.testing.assert_equal(mine(data, est.OTHERS, est.OTHERS), expected)


def test_torchrl_reads_time_dim_in_half_of_shifted():
    data = est.rollout((6, 4), **ENDS)
    mine, other = shifted("GAE", time_dim=0)
    td, named = (twins.tensordict(data, [6, 4]) for _ in range(2))
    named.names = ["time", None]
    assert (other(td)["advantage"] - other(named)["advantage"]).abs().max() > 0.1
    est.same(mine(data), named, mine)


@pytest.mark.parametrize("name", NAMES[:3])
def test_torchrl_overwrites_the_rewards_that_it_averages(name):
    data = est.rollout((4, 6), **ENDS)
    mine, other = est.pair(name, average_rewards=True)
    td = other(twins.tensordict(data, [4, 6]))
    assert abs(td["next", "reward"].mean()) < 1e-12
    np.testing.assert_array_equal(mine(data)["next"]["reward"], data["next"]["reward"])


def test_a_nan_where_a_step_terminates_is_not_read():
    # torchrl multiplies it by 0, which is NaN, there and at all steps before it.
    data = est.rollout((4, 6), **ENDS)
    zero = np.zeros((4, 6, 1))
    data |= {"state_value": zero, "next": data["next"] | {"state_value": np.where(data["next"]["terminated"], np.nan,
                                                                                   0.5)}}
    mine, other = est.ours("GAE"), est.theirs("GAE")
    assert np.isfinite(mine(data)["advantage"]).all()
    assert other(twins.tensordict(data, [4, 6]))["advantage"].isnan().any()


def goals(data):
    return data | {"goal": np.random.default_rng(8).normal(size=(4, 6, 1))}


def test_what_is_not_in_next_is_that_of_the_step_where_shifted():
    data = goals(est.rollout((4, 6), **ENDS))

    class Both:
        def __call__(self, parameters, observation, goal):
            y, back = est.NETWORK(parameters, observation + goal)
            return y, lambda by: (back(by)[0], back(by)[1], back(by)[1].sum(axis=-1, keepdims=True))

    network = ValueOperator(Both(), est.PARAMETERS, ["observation", "goal"])
    constant = np.broadcast_to(data["goal"][:, :1], (4, 6, 1)).copy()
    data["goal"] = constant
    got = est.ours("GAE", network, shifted=True, shifted_budget=3, differentiable=True).value_and_pullback(data)[0]
    both = data | {"next": data["next"] | {"goal": constant}}
    twins.close(got["advantage"], est.ours("GAE", network)(both)["advantage"])
    with pytest.raises(KeyError, match="goal"):
        est.ours("GAE", network)(data)


# what losses make of them


def test_estimators_of_losses():
    network = ValueOperator(est.NETWORK, est.PARAMETERS)
    keys = {"advantage": "A", "action": "a"}
    made = build_value_estimator(ValueEstimators.GAE, keys, value_network=network, gamma=0.5)
    assert isinstance(made, GAE)
    assert (made.gamma, made.lmbda, made.differentiable, made.tensor_keys["advantage"]) == (0.5, 0.95, True, "A")
    assert build_value_estimator(made, {"advantage": "B"}) is made
    plain = build_value_estimator(TD0Estimator, {"reward": "r"}, gamma=0.5, value_network=None)
    assert (plain.gamma, plain.differentiable, plain.tensor_keys["reward"]) == (0.5, False, "reward")


@pytest.mark.parametrize("name", NAMES[:3])
def test_value_target(name):
    data = est.rollout((4, 6), **ENDS) | {"n": np.random.default_rng(4).integers(1, 4, (4, 6, 1))}
    following = np.random.default_rng(5).normal(size=(4, 6))
    other = est.theirs(name, est.torch_network())
    other.set_keys(steps_to_next_obs="n")
    expected = other.value_estimate(twins.tensordict(data, [4, 6]), next_value=torch.tensor(following[..., None]))
    loss = given(ValueEstimators[name.removesuffix("Estimator")], gamma=est.GAMMA, **est.OWN[name])
    loss.value_estimator.set_keys(steps_to_next_obs="n")
    twins.close(loss.value_target(data, following), expected[..., 0])
    own = est.ours(name)
    own.set_keys(steps_to_next_obs="n")
    assert given(own).value_estimator is own and np.array_equal(given(own).value_target(data, following),
                                                                loss.value_target(data, following))
    loss = given(type(own), gamma=est.GAMMA, **est.OWN[name], value_network=None)
    assert type(loss.value_estimator) is type(own) is loss.value_type
    loss.set_keys(reward="gain")
    assert loss.value_estimator.tensor_keys["reward"] == "gain"


def given(value_type=None, **hyper):
    """A loss with a value estimator."""
    return DQNLoss(QValueActor(est.NETWORK, est.PARAMETERS)).make_value_estimator(value_type, **hyper)


def gae(**options):
    return est.ours("GAE", ValueOperator(est.NETWORK, est.PARAMETERS), **options)


def batch():
    return est.rollout((4, 6), **ENDS)


@pytest.mark.parametrize("wrong, error, message", [
    (lambda: gae(num_chunks=2, value_chunk_size=2), ValueError, "num_chunks: expected None beside value_chunk"),
    (lambda: gae(num_chunks=0), ValueError, "num_chunks: expected 1 or more, got 0"),
    (lambda: gae(value_chunk_size=-1), ValueError, "value_chunk_size: expected 1 or more, got -1"),
    (lambda: gae(shifted=True, shifted_budget=0), ValueError, "shifted_budget: expected 1 or more, got 0"),
    (lambda: gae(num_chunks=2, value_chunk_dim=2)(batch()), ValueError, "value_chunk_dim: expected one of the 2"),
    (lambda: gae(time_dim=2)(batch()), ValueError, "time_dim: expected one of the 2 axes of the batch, got 2"),
    (lambda: gae(lmbda=np.ones(6))(batch()), ValueError, r"lmbda: expected a scalar or .* \(4, 6, 1\), got \(6,\)"),
    (lambda: gae(gamma=1.5)(batch()), ValueError, "gamma: expected values in"),
    (lambda: gae().set_keys(colour="red"), KeyError, "colour: expected keys among advantage"),
    (lambda: gae().set_keys(reward=None), ValueError, "reward: expected a string or a tuple of strings, got None"),
    (lambda: gae().set_keys(value="V"), KeyError, "value: expected a key among the network's out_keys"),
    (lambda: gae(differentiable=True).value_and_pullback(batch())[1]({"advance": np.ones((4, 6, 1))}), KeyError,
     "by: expected derivatives by .'advantage', 'value_target'., got 'advance'"),
    (lambda: gae().value_and_pullback(batch()), ValueError, "differentiable: expected True .* got False"),
    (lambda: gae(shifted=True)(batch(), None, est.OTHERS), ValueError, "target_params: expected None, or the same"),
    (lambda: gae()(batch(), reward=1), TypeError, "reward: expected data or its entries, got both"),
    (lambda: gae()(reward=1), TypeError, "reward: expected arguments among observation, next_reward"),
    (lambda: gae()({"observation": np.ones((2, 3))}), KeyError, "next"),
    (lambda: est.ours("GAE")(batch()), KeyError, "state_value"),
    (lambda: est.ours("GAE", ValueOperator(est.NETWORK, est.PARAMETERS, out_keys=["V"]))(batch()), KeyError,
     "value: expected a key among the network's out_keys"),
    (lambda: GAE(gamma=1, lmbda=1, value_network=None, average_rewards=True), TypeError, "average_rewards"),
    (lambda: build_value_estimator("gae", {}), TypeError, "value_type: expected one of ValueEstimators, .* got 'gae'"),
    (lambda: build_value_estimator(gae(), {}, gamma=1), TypeError, "gamma: expected no hyper-parameters"),
    (lambda: given(ValueEstimators.GAE), NotImplementedError, "TD0, TD1, TDLambda for DQNLoss, got GAE"),
    (lambda: given("TD0"), TypeError, "value_type: expected one of ValueEstimators, .* got 'TD0'"),
    (lambda: given().value_target(batch(), np.ones(2)), ValueError,
     r"next_value: expected shape \(4, 6\) like reward, got \(2,\)"),
], ids=lambda x: x if isinstance(x, str) else "")
def test_what_is_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
