"""DistributionalDQNLoss against torchrl's: losses, gradients, keys, training; and where torchrl's is wrong.

torchrl makes its target in torch's default dtype: with float64 as that, the whole loss is in float64.
"""

from __future__ import annotations

import inspect

import dqn_twins as dqn
import numpy as np
import pytest
import torch
import torch_twins as twins
from torchrl.modules import DistributionalQValueActor as TorchActor
from torchrl.objectives import DistributionalDQNLoss as TorchLoss
from torchrl.objectives import ValueEstimators as TorchEstimators

from rlref.networks import MLP, leaves, tree_map
from rlref.objectives import DistributionalDQNLoss, DistributionalQValueActor, ValueEstimators

pytestmark = pytest.mark.usefixtures("torch_float64")
ATOMS, ACTIONS = 5, 3
SUPPORT = np.linspace(-1.0, 1.0, ATOMS)  # the gap, 1/2, has no rounding: see the test of the top
OPTIONS = [{}, {"delay_value": False, "reduction": "sum"}, {"reduction": "none"}, {"use_prioritized_weights": False}]


def pair(action_space="categorical", gamma=0.9, support=SUPPORT, key="action_value", make_log_softmax=True, **options):
    """Ours and theirs, with the same parameters, and targets that are not the same as what is trained."""
    network = MLP(3, (len(support), ACTIONS), (6,))
    parameters = tree_map(lambda x: 3 * x, network.init(np.random.default_rng(1)))
    actor = DistributionalQValueActor(network, parameters, support, out_keys=[key], action_space=action_space,
                                      make_log_softmax=make_log_softmax)
    ours = DistributionalDQNLoss(actor, gamma=gamma, **options)
    theirs = TorchLoss(TorchActor(twins.mlp(3, (len(support), ACTIONS), (6,), "tanh", parameters),
                                  torch.tensor(support), action_space=action_space, action_value_key=key,
                                  make_log_softmax=make_log_softmax), gamma=gamma, **options)
    move_targets(ours, theirs)
    return ours, theirs


def trained(params):
    """Their parameters by name, without the atoms."""
    return twins.flat(params.exclude("support", ("module", "1", "support"), ("module", "2", "support")))


def move_targets(ours, theirs):
    if ours.delayed:
        ours.delayed["value_network"] = tree_map(lambda x: x[::-1].copy(), ours.delayed["value_network"])
        for x in trained(theirs.target_value_network_params).values():
            x.data.copy_(x.data.flip(0))


def batch(action_space="categorical", size=6, seed=0, **more):
    data = twins.batch((size,), seed=seed, **more)
    action = np.random.default_rng(seed).integers(ACTIONS, size=size)
    data["action"] = np.eye(ACTIONS, dtype=int)[action] if action_space == "one-hot" else action
    data["next"]["reward"] *= np.where(np.arange(size) % 2, 0.25, 1.0)[:, None]
    return data


def agree(ours, theirs, data):
    """The loss, the priority, and every gradient."""
    dqn.agree(ours, theirs, data, trained)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("action_space", ["categorical", "one-hot"])
def test_as_torchrl(action_space, options):
    ours, theirs = pair(action_space, **options)
    agree(ours, theirs, batch(action_space, priority_weight=np.random.default_rng(2).random(6)))


@pytest.mark.parametrize("size", [2, 5, 9])
def test_edges(size):
    """Rewards that land on atoms and beyond them, gamma 1, no key terminated, an action with an axis of 1."""
    ours, theirs = pair(gamma=1.0)
    data = batch(size=size)
    data["next"]["reward"] = np.array([0.5, -9.0, 9.0, 0.0, -0.5, 1.0, 1.5, -1.0, 0.25])[:size, None]
    data["action"] = data["action"][:, None]
    del data["next"]["terminated"]
    agree(ours, theirs, data)


def test_log_probabilities_as_they_are():
    """make_log_softmax=False: here of a network whose values are log-probabilities, as one action is sure."""
    support = np.array([0.0, 1.0])
    network = MLP(3, (2, ACTIONS), (6,))
    parameters = tree_map(np.zeros_like, network.init(np.random.default_rng(0)))
    parameters["2"]["bias"] = np.log([0.75, 0.5, 0.125, 0.25, 0.5, 0.875])
    ours, theirs = (loss(actor(module, *more, support_, action_space="categorical", make_log_softmax=False),
                         gamma=0.5)
                    for loss, actor, module, more, support_ in (
        (DistributionalDQNLoss, DistributionalQValueActor, network, [parameters], support),
        (TorchLoss, TorchActor, twins.mlp(3, (2, ACTIONS), (6,), "tanh", parameters), [], torch.tensor(support))))
    agree(ours, theirs, batch())
    data = batch()
    data["next"]["reward"][:], data["next"]["terminated"][:] = 0.0, False
    taken = np.log([[0.75, 0.25], [0.5, 0.5], [0.125, 0.875]])[data["action"]]
    # The third action has the largest mean, 0.875. Half of the probability of atom 1 stays there at gamma = 0.5.
    np.testing.assert_allclose(ours(data)["loss"], -(taken @ [1 - 0.4375, 0.4375]).mean(), rtol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_masks(reduction):
    ours, theirs = pair(reduction=reduction)
    mask = np.array([True, False, True, True, False, True])[:, None]
    data = batch(collector={"mask": mask}, priority_weight=np.random.default_rng(2).random(6))
    agree(ours, theirs, data)
    other = data | {"next": data["next"] | {"reward": np.where(mask, data["next"]["reward"], 7.0)}}
    assert np.array_equal(ours(other)["loss"], ours(data)["loss"])


def test_training():
    ours, theirs = pair("one-hot")
    twins.same_training(ours, theirs, [batch("one-hot", seed=seed) for seed in range(20)], [])
    for own, params in ((ours.parameters, theirs.value_network_params),
                        (ours.target_parameters, theirs.target_value_network_params)):
        found = dict(leaves(own["value_network"]))
        for name, x in trained(params).items():
            np.testing.assert_allclose(found[name], x.detach(), rtol=1e-7, atol=1e-7, err_msg=name)


def test_keys_and_defaults():
    """Every entry but the action by another name. torchrl's loss has no in_keys, no out_keys, takes no keywords."""
    names = {"action_value": "atoms", "priority": "surprise", "reward": ("agent", "reward"),
             "done": "over", "terminated": ("agent", "end"), "priority_weight": "w", "steps_to_next_obs": "n"}
    ours, theirs = pair(key="atoms")
    assert ours.tensor_keys == vars(theirs.tensor_keys) and ours.out_keys == ["loss"]
    assert not hasattr(theirs, "in_keys") and not hasattr(theirs, "out_keys")
    assert set(ours.in_keys) == {"observation", "action", ("next", "observation"), ("next", "reward"), ("next", "done"),
                                 ("next", "terminated"), "steps_to_next_obs"}
    for loss in (ours, theirs):
        loss.set_keys(**names)
    data = batch(w=np.random.default_rng(2).random(6), n=np.arange(1, 7)[:, None])
    after = data["next"]
    after["over"] = after.pop("done")
    after["agent"] = {"reward": after.pop("reward"), "end": after.pop("terminated")}
    agree(ours, theirs, data)
    theirs_are = {name: p.default for name, p in inspect.signature(TorchLoss.__init__).parameters.items()}
    ours_are = {name: p.default for name, p in inspect.signature(DistributionalDQNLoss.__init__).parameters.items()}
    assert ours_are == {name: theirs_are[name] for name in theirs_are if name != "priority_key"}


def test_keywords():
    ours, _ = pair()
    data = batch(steps_to_next_obs=np.full(6, 2))
    flat = {name: x for name, x in data.items() if name != "next"} | {f"next_{k}": x for k, x in data["next"].items()}
    assert ours(**flat) == ours(data)["loss"]


def test_a_batch_of_several_axes():
    """What torchrl refuses is the same as the batch without its axes."""
    ours, _ = pair()
    data = batch()

    def folded(x):
        return {name: folded(y) for name, y in x.items()} if isinstance(x, dict) else x.reshape(2, 3, *x.shape[1:])

    found, gradients = ours.value_and_grad(folded(data))
    expected, others = ours.value_and_grad(data)
    twins.close(found["td_error"].ravel(), expected["td_error"].ravel())
    for (name, x), (_, y) in zip(leaves(gradients["loss"]), leaves(others["loss"]), strict=True):
        twins.close(x, y, name)


@pytest.mark.parametrize("steps", [[[1], [2], [3]], [[3], [3], [1]]], ids=str)
def test_steps_to_next_obs(steps):
    """After n steps the discount is gamma^n. torchrl does so with an axis of 1."""
    ours, theirs = pair()
    data = batch(size=3, steps_to_next_obs=np.array(steps))
    agree(ours, theirs, data)
    flat = data | {"steps_to_next_obs": np.array(steps)[:, 0]}
    assert ours(flat)["loss"] == ours(data)["loss"]


# Where torchrl 0.14.1 is wrong. Each was measured; when torchrl mends one, its test fails.


def test_steps_without_an_axis_are_taken_for_those_of_atoms():
    """As many samples as atoms, and torchrl discounts atom i by gamma^n_i; any other number, and it crashes."""
    ours, theirs = pair()
    data = batch(size=ATOMS, steps_to_next_obs=np.arange(1, 1 + ATOMS))
    column = data | {"steps_to_next_obs": data["steps_to_next_obs"][:, None]}
    twins.close(ours(data)["loss"], theirs(twins.tensordict(column, [ATOMS]))["loss"])
    assert abs(theirs(twins.tensordict(data, [ATOMS]))["loss"].item() - ours(data)["loss"]) > 1e-3
    with pytest.raises(RuntimeError, match="must match the size"):
        theirs(twins.tensordict(batch(size=6, steps_to_next_obs=np.arange(6)), [6]))


def test_what_is_above_the_top_is_a_crash():
    """b = (z_K - z_1) / gap is rounded to more than K - 1: torchrl gives some mass to an atom beyond the last sample's.

    In any other sample that is the first atom of the next one: 1e-7 of the mass in float32, see test_torchrl_c51.
    """
    support = np.linspace(0.0, 1.1, 16)
    assert 1.1 / (1.1 / 15) > 15
    ours, theirs = pair(support=support)
    data = batch(size=2)
    data["next"]["reward"][:] = [[9.0], [0.1]]
    agree(ours, theirs, data)
    data["next"]["reward"][:] = [[0.1], [9.0]]
    with pytest.raises(IndexError):
        theirs(twins.tensordict(data, [2]))
    assert np.isfinite(ours(data)["loss"])


def test_the_action_by_another_name_is_not_the_next_one():
    """torchrl's actor writes "action". A loss with set_keys(action=...) takes the action of s for the one in s'."""
    ours, theirs = pair()
    data = batch()
    renamed = {("taken" if name == "action" else name): x for name, x in data.items()}
    expected = theirs(twins.tensordict(data, [6]))["loss"].item()
    for loss in (ours, theirs):
        loss.set_keys(action="taken")
    twins.close(ours(renamed)["loss"], expected)
    assert abs(theirs(twins.tensordict(renamed, [6]))["loss"].item() - expected) > 1e-3


def test_float64_is_a_crash():
    """Under torch's usual default dtype: the target is float32."""
    ours, theirs = pair()
    torch.set_default_dtype(torch.float32)
    with pytest.raises(RuntimeError, match="same scalar type"):
        theirs(twins.tensordict(batch(), [6]))
    assert np.isfinite(ours(batch())["loss"])


def test_a_single_sample_with_an_index_is_a_crash():
    """An action [1] is taken for one with an axis of 1."""
    ours, theirs = pair()
    data = batch(size=1)
    with pytest.raises(RuntimeError, match="same number of dimensions"):
        theirs(twins.tensordict(data, [1]))
    agree(ours, theirs, data | {"action": data["action"][:, None]})
    assert ours(data)["loss"] == ours(data | {"action": data["action"][:, None]})["loss"]


def test_float32():
    """As a user has it, who changes nothing: what float32 keeps is 1e-6 of the gradient's scale."""
    torch.set_default_dtype(torch.float32)
    network = MLP(3, (ATOMS, ACTIONS), (6,))
    parameters = tree_map(lambda x: x.astype(np.float32), network.init(np.random.default_rng(1)))
    ours = DistributionalDQNLoss(DistributionalQValueActor(network, parameters, SUPPORT, action_space="categorical"),
                                 gamma=0.9)
    theirs = TorchLoss(TorchActor(twins.mlp(3, (ATOMS, ACTIONS), (6,), "tanh", parameters).float(),
                                  torch.tensor(SUPPORT, dtype=torch.float32), action_space="categorical"), gamma=0.9)
    data = tree_map(lambda x: x.astype(np.float32) if x.dtype == float else x, batch())
    found, gradients = ours.value_and_grad(data)
    expected = theirs(twins.tensordict(data, [6]))
    assert ours.run("value_network", data)[0]["action_value"].dtype == np.float32
    np.testing.assert_allclose(found["loss"], expected["loss"].item(), rtol=1e-6)
    own = dict(leaves(gradients["loss"]["value_network"]))
    params = trained(theirs.value_network_params)
    for (name, _), x in zip(params.items(), torch.autograd.grad(expected["loss"], list(params.values())), strict=True):
        assert own[name].dtype == np.float32
        np.testing.assert_allclose(own[name], x, rtol=0, atol=1e-6 * float(x.abs().max()), err_msg=name)


@pytest.mark.parametrize("wrong, error, message", [
    (lambda: pair("mult-one-hot")[0](batch()), ValueError, "action_space: expected categorical or one-hot"),
    (lambda: pair(reduction="avg"), ValueError, "reduction: expected one of none, mean, sum, got 'avg'"),
    (lambda: pair()[0].make_value_estimator(ValueEstimators.TDLambda), NotImplementedError,
     "value_type: expected one of TD0 for DistributionalDQNLoss, got TDLambda"),
    (lambda: pair()[1].make_value_estimator(TorchEstimators.TDLambda), NotImplementedError, "not implemented"),
    (lambda: pair()[0].make_value_estimator(gamma=0.5), TypeError, "gamma: expected no hyper-parameters, got gamma"),
    (lambda: pair()[0].set_keys(value="v"), ValueError, "value: expected keys among"),
    (lambda: pair()[0]({"observation": np.zeros((2, 3))}), KeyError, "data: expected an entry 'action'"),
    (lambda: pair()[0](batch(steps_to_next_obs=np.ones(5))), ValueError, r"steps_to_next_obs: expected shape \(6,\)"),
    (lambda: pair()[0](batch() | {"action": np.full(6, ACTIONS)}), ValueError, r"action: expected indices in \[0, 3\)"),
    (lambda: pair("one-hot")[0](batch()), ValueError, "action: expected 0 and 1 of shape"),
])
def test_what_is_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()


def test_as_many_rows_as_atoms():
    network = MLP(3, (4, ACTIONS), ())
    actor = DistributionalQValueActor(network, network.init(np.random.default_rng(0)), SUPPORT, action_space="one-hot")
    with pytest.raises(ValueError, match=r"value_network: expected shape \[..., 5, A\], a row for each atom, got"):
        DistributionalDQNLoss(actor, gamma=0.9)(batch("one-hot"))
