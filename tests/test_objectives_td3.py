"""TD3Loss against torchrl's: losses, what is reported, the gradient of every parameter, and training."""

from __future__ import annotations

import inspect

import ensemble_twins as ensembles
import numpy as np
import pytest
import torch_twins as twins
from tensordict.nn import TensorDictModule
from torchrl.objectives import TD3Loss as TorchTD3Loss

from rlref.networks import MLP
from rlref.objectives import Actor, TD3Loss, ValueEstimators, ValueOperator

pytestmark = pytest.mark.usefixtures("torch_float64")
OPTIONS = [{}, {"loss_function": "l2", "num_qvalue_nets": 3}, {"loss_function": "l1", "reduction": "sum"},
           {"reduction": "none"}, {"delay_actor": False}, {"delay_qvalue": False}, {"num_qvalue_nets": 1},
           {"policy_noise": 0.5, "noise_clip": 0.25, "bounds": (-9.0, 9.0)}, {"policy_noise": 0.0},
           {"bounds": ([-0.25, -1.0], [0.125, 0.5])}, {"separate_losses": True}, {"use_prioritized_weights": False}]
CASES = [("TD0", options) for options in OPTIONS] + [("TD1", {}), ("TDLambda", {})]


def actors():
    network = MLP(3, 2, (5,))
    parameters = network.init(np.random.default_rng(1))
    return Actor(network, parameters), TensorDictModule(twins.mlp(3, 2, (5,), "tanh", parameters), ["observation"],
                                                        ["action"])


def pair(bounds=(-0.5, 0.75), **options):
    """Ours and theirs, with the same parameters, and targets that are not the same as what is trained."""
    ours, theirs = (loss(actor, critics, bounds=bounds, **options) for loss, actor, critics in zip(
        (TD3Loss, TorchTD3Loss), actors(), ensembles.critics(options.get("num_qvalue_nets", 2)), strict=True))
    twins.move_targets(ours, theirs)
    return ours, theirs


@pytest.mark.parametrize("estimator, options", CASES, ids=str)
def test_as_torchrl(estimator, options):
    ours, theirs = pair(**options)
    ensembles.estimate(ours, theirs, estimator)
    data = twins.batch((6, 4), priority_weight=np.random.default_rng(3).random((6, 4)))
    got = ensembles.same_step(ours, theirs, data)
    assert got["pred_value"].shape == (options.get("num_qvalue_nets", 2), 6, 4)


def test_a_whole_number_for_a_bound():
    """torchrl makes the greatest action a number of the least one's type: of (-1, 0.75) it makes 0."""
    data = twins.batch((6, 4))
    ours, theirs = pair(bounds=(-1, 0.75))
    got = ensembles.same_step(ours, pair(bounds=(-1.0, 0.75))[1], data)
    with twins.draws(5):
        wrong = theirs(twins.tensordict(data, [6, 4]))
    assert theirs.max_action.item() == 0 and np.abs(got["target_value"] - wrong["target_value"].numpy()).max() > 1e-3


def test_training():
    ours, theirs = pair()
    ensembles.estimate(ours, theirs)
    twins.same_training(ours, theirs, [twins.batch((4, 2), seed=seed) for seed in range(20)],
                        ["actor_network", "qvalue_network"])


def test_interface():
    assert ensembles.same_interface(*pair()) == {"bounds": inspect.Parameter.empty}


def test_keys():
    weights = np.random.default_rng(3).random((4, 3))
    ensembles.same_under_other_names(pair()[0], twins.batch((4, 3), priority_weight=weights))


def test_masks_and_keywords():
    """Padding may hold anything; keyword arguments are a batch without a dict."""
    ours, theirs = pair()
    data = twins.batch((4, 3))
    mask = np.random.default_rng(0).random((4, 3, 1)) < 0.7
    data["next"]["reward"][~mask] = 1e100
    masked = data | {"collector": {"mask": mask}}
    with twins.draws(5):
        expected = theirs(twins.tensordict(masked, [4, 3]))
    twins.same_outputs(ours(masked, np.random.default_rng(5)), expected, ["loss_actor", "loss_qvalue"])
    data = twins.batch((4, 3))
    outputs = ours(rng=np.random.default_rng(5), **ensembles.flattened(data))
    together = ours(data, np.random.default_rng(5))
    assert len(outputs) == 6
    assert all(np.array_equal(x, together[name]) for x, name in zip(outputs, ours.out_keys, strict=True))


def test_layers_kept_apart():
    """A critic on the policy's own layers is not trained where they are."""
    both = actors()
    ours, theirs = (loss(actor, critic, bounds=(-0.5, 0.75), separate_losses=True, delay_qvalue=False)
                    for loss, actor, critic in zip((TD3Loss, TorchTD3Loss), both, ensembles.borrowing(*both),
                                                   strict=True))
    ensembles.kept_apart(ours, theirs)


def _critic_of_state():
    network = MLP(3, 1, (4,))
    return ValueOperator(network, network.init(np.random.default_rng(0)), ["observation"])


def _without(*path):
    data = twins.batch((3,))
    inner = data
    for part in path[:-1]:
        inner = inner[part]
    del inner[path[-1]]
    return data


@pytest.mark.parametrize("wrong, error, message", [
    (lambda: pair(bounds=(1.0, [2.0, 0.5])), ValueError, r"bounds: expected low <= high, got 1.0 and \[2.0, 0.5\]"),
    (lambda: pair(bounds=([-1.0] * 3, [1.0] * 3))[0](twins.batch((3,)), np.random.default_rng(0)), ValueError,
     r"action_low: expected a scalar or shape \(2,\), got \(3,\)"),
    (lambda: pair()[0](twins.batch((3,))), TypeError, "rng: expected a numpy.random.Generator, got NoneType"),
    (lambda: pair()[0](_without("next", "reward"), np.random.default_rng(0)), KeyError,
     "expected an entry .*reward.*, got 'observation', 'done', 'terminated'"),
    (lambda: pair()[0](_without("action"), np.random.default_rng(0)), KeyError, "expected an entry 'action', got"),
    (lambda: pair()[0](twins.batch((3,), action=4), np.random.default_rng(0)), ValueError, "noise: expected shape"),
    (lambda: TD3Loss(pair()[0].modules["actor_network"], [_critic_of_state()], num_qvalue_nets=1, bounds=(-1, 1))(
        twins.batch((3,)), np.random.default_rng(0)), ValueError,
     r"qvalue_network: expected 'action' among its in_keys, got \['observation'\]"),
    (lambda: pair()[0].make_value_estimator(ValueEstimators.GAE), NotImplementedError,
     "value_type: expected one of TD0, TD1, TDLambda for TD3Loss, got GAE"),
    (lambda: pair(reduction="median"), ValueError, "reduction: expected one of none, mean, sum, got 'median'"),
    (lambda: pair(loss_function="l3")[0](twins.batch((3,)), np.random.default_rng(0)), ValueError, "loss_function"),
])
def test_what_is_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
