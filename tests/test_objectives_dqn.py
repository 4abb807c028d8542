"""DQNLoss against torchrl's, plain and double, on a single choice: losses, gradients, keys, training, target updates.

Actions of several choices are in test_objectives_actions.py.
"""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
import torch_twins as twins
from dqn_twins import agree, batch, estimate, pair
from tensordict import unravel_key
from torchrl.objectives import DQNLoss as TorchDQNLoss
from torchrl.objectives import SoftUpdate as TorchSoftUpdate

from rlref.networks import leaves, tree_map
from rlref.objectives import DQNLoss, HardUpdate, SoftUpdate, ValueEstimators

pytestmark = pytest.mark.usefixtures("torch_float64")
OPTIONS = [{}, {"double_dqn": True}, {"loss_function": "smooth_l1", "delay_value": False},
           {"loss_function": "l1", "reduction": "sum"}, {"reduction": "none", "double_dqn": True},
           {"use_prioritized_weights": False}]


@pytest.mark.parametrize("estimator", ["TD0", "TD1", "TDLambda"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("action_space", ["categorical", "one-hot"])
def test_as_torchrl(action_space, options, estimator):
    ours, theirs = pair(action_space, **options)
    estimate(ours, theirs, estimator)
    agree(ours, theirs, batch(action_space, priority_weight=np.random.default_rng(2).random((4, 6))))


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4)], ids=str)
def test_other_batches(shape):
    """Also with an action that has an axis of 1, and without terminated, which then is done."""
    ours, theirs = pair(double_dqn=True)
    estimate(ours, theirs)
    data = batch(shape=shape)
    data["action"] = data["action"][..., None]
    del data["next"]["terminated"]
    agree(ours, theirs, data)


@pytest.mark.parametrize("double_dqn", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_masks(reduction, double_dqn):
    """Padding does not count, whatever it holds."""
    ours, theirs = pair(reduction=reduction, double_dqn=double_dqn)
    estimate(ours, theirs)
    mask = np.random.default_rng(0).random((4, 6, 1)) < 0.7
    data = batch(collector={"mask": mask}, priority_weight=np.random.default_rng(2).random((4, 6)))
    data["next"]["reward"][~mask] = 1e3
    agree(ours, theirs, data)
    whole = {name: x for name, x in data.items() if name != "collector"}
    ours.loss_mask_key = None
    twins.close(ours(data)["loss"], theirs(twins.tensordict(whole, [4, 6]))["loss"])


@pytest.mark.parametrize("estimator", ["TD0", "TD1", "TDLambda"])
def test_steps_to_next_obs(estimator):
    """After n steps the discount is gamma^n."""
    ours, theirs = pair()
    estimate(ours, theirs, estimator)
    agree(ours, theirs, batch(steps_to_next_obs=np.random.default_rng(4).integers(1, 5, size=(4, 6, 1))))


@pytest.mark.parametrize("options", [{}, {"double_dqn": True, "loss_function": "smooth_l1"}], ids=str)
def test_training(options):
    ours, theirs = pair("one-hot", **options)
    estimate(ours, theirs)
    twins.same_training(ours, theirs, [batch("one-hot", (4, 3), seed) for seed in range(20)], ["value_network"])


def test_keys():
    """Every entry by another name."""
    names = {"action": "taken", "action_value": "values", "value": "chosen", "priority": "surprise",
             "reward": ("agent", "reward"), "done": "over", "terminated": ("agent", "end"), "priority_weight": "w",
             "advantage": "a", "value_target": "t"}
    ours, theirs = pair(keys=("taken", "values", "chosen"))
    assert ours.tensor_keys == vars(theirs.tensor_keys) and ours.out_keys == theirs.out_keys
    assert set(ours.in_keys) == set(theirs.in_keys)
    for loss in (ours, theirs):
        loss.set_keys(**names)
    assert set(ours.in_keys) == {unravel_key(key) for key in theirs.in_keys}
    estimate(ours, theirs)
    data = batch(w=np.random.default_rng(2).random((4, 6)))
    after = data["next"]
    data["taken"], after["over"] = data.pop("action"), after.pop("done")
    after["agent"] = {"reward": after.pop("reward"), "end": after.pop("terminated")}
    agree(ours, theirs, data)


def test_weights_under_a_nested_key():
    """torchrl asks whether there are any in a way that such a key is a TypeError."""
    ours, theirs = pair()
    estimate(ours, theirs)
    weight = np.random.default_rng(2).random((4, 6))
    data = batch(replay={"weight": weight})
    expected = ours(batch(priority_weight=weight))["loss"]
    for loss in (ours, theirs):
        loss.set_keys(priority_weight=("replay", "weight"))
    assert ours(data)["loss"] == expected
    with pytest.raises(TypeError, match="Nested membership checks"):
        theirs(twins.tensordict(data, [4, 6]))


def test_keywords_and_defaults():
    ours, theirs = pair()
    data = batch()
    flat = {name: x for name, x in data.items() if name != "next"} | {f"next_{k}": x for k, x in data["next"].items()}
    assert ours(**flat) == ours(data)["loss"] == ours.select_out_keys("loss")(**flat)
    np.testing.assert_allclose(ours(**flat), theirs(**{k: torch.tensor(x) for k, x in flat.items()}).detach(), 1e-6)
    theirs_are = {name: p.default for name, p in inspect.signature(TorchDQNLoss.__init__).parameters.items()}
    ours_are = {name: p.default for name, p in inspect.signature(DQNLoss.__init__).parameters.items()}
    assert ours_are == {name: theirs_are[name] for name in theirs_are if name not in ("gamma", "priority_key")}
    assert ours.value_estimator.gamma == 0.99 and ours.value_type is ValueEstimators.TD0


def test_soft_updates():
    ours, theirs = pair()
    mine, other = SoftUpdate(ours, tau=0.25), TorchSoftUpdate(theirs, tau=0.25)
    twins.same_parameters(ours, theirs, ["value_network"])  # they begin with a copy
    moved = tree_map(lambda x: x + 1, ours.parameters["value_network"])
    ours.parameters["value_network"] = moved
    for name, x in twins.flat(theirs.value_network_params).items():
        x.data.copy_(torch.tensor(dict(leaves(moved))[name]))
    for _ in range(3):
        mine.step()
        other.step()
        for name, x in twins.flat(theirs.target_value_network_params).items():
            twins.close(dict(leaves(ours.target_parameters["value_network"]))[name], x, name)


def test_hard_updates_copy_at_every_third_step():
    ours, _ = pair()
    update, copied = HardUpdate(ours, value_network_update_interval=3), []
    for step in range(1, 8):
        ours.parameters["value_network"] = tree_map(lambda x, step=step: np.full_like(x, step),
                                                    ours.parameters["value_network"])
        update.step()
        copied.append({float(x.flat[0]) for _, x in leaves(ours.target_parameters["value_network"])})
    assert copied[2:] == [{3.0}, {3.0}, {3.0}, {6.0}, {6.0}]


@pytest.mark.parametrize("wrong, error, message", [
    (lambda: DQNLoss(pair()[0].modules["value_network"], action_space="ternary"), ValueError,
     "action_space: expected one of categorical, one-hot, mult-one-hot, binary, got 'ternary'"),
    (lambda: DQNLoss(None, double_dqn=True, delay_value=False), ValueError, "delay_value: expected True"),
    (lambda: SoftUpdate(pair("categorical")[0]), ValueError, "tau: expected either eps or tau, got eps = None"),
    (lambda: SoftUpdate(pair("categorical")[0], eps=2.0), ValueError, r"eps: expected a value in \[0, 1\], got 2.0"),
    (lambda: SoftUpdate(pair("categorical", delay_value=False)[0], tau=0.5), RuntimeError, "without any"),
    (lambda: HardUpdate(pair("categorical")[0], value_network_update_interval=0), ValueError,
     "value_network_update_interval: expected at least 1, got 0"),
    (lambda: pair("categorical", reduction="avg"), ValueError, "reduction: expected one of none, mean, sum, got 'avg'"),
    (lambda: pair("categorical")[0].make_value_estimator(ValueEstimators.GAE), NotImplementedError,
     "value_type: expected one of TD0, TD1, TDLambda for DQNLoss, got GAE"),
    (lambda: pair("categorical")[0].set_keys(colour="red"), ValueError, "colour: expected keys among"),
    (lambda: pair(loss_function="l3")[0](batch()), ValueError,
     "loss_function: expected one of l1, l2, smooth_l1, got 'l3'"),
    (lambda: pair()[0]({"observation": np.ones((2, 3))}), KeyError, "data: expected an entry 'action'"),
    (lambda: pair()[0](batch() | {"observation": np.ones((4, 6, 2))}), ValueError, "x: expected a last axis of 3"),
    (lambda: pair()[0](batch() | {"priority_weight": np.ones(3)}), ValueError, "priority_weight: expected shape"),
    (lambda: pair()[0](batch() | {"collector": {"mask": np.ones((4, 5), bool)}}), ValueError,
     r"\('collector', 'mask'\): expected shape \(4, 6\)"),
    (lambda: pair(reduction="none")[0].value_and_grad(batch()), ValueError, "reduction: expected mean or sum"),
    (lambda: pair()[0](action=np.ones(2), colour=0), TypeError, "colour: expected arguments among"),
    (lambda: pair()[0].select_out_keys("loss_actor"), ValueError,
     "out_keys: expected keys among loss, got loss_actor"),
])
def test_what_is_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
