"""DQNLoss on actions of several choices, and what is an action in each space, against torchrl and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch_twins as twins
from dqn_twins import SIZES, agree, batch, estimate, pair
from tensordict import TensorDict
from torchrl.data.utils import ACTION_SPACE_MAP
from torchrl.modules import QValueActor as TorchQValueActor
from torchrl.modules import QValueModule

from rlref.networks import MLP, Linear
from rlref.objectives import DQNLoss, QValueActor
from rlref.objectives.actions import check_space, choices, indices, taken

pytestmark = pytest.mark.usefixtures("torch_float64")
OPTIONS = [{}, {"double_dqn": True}, {"loss_function": "smooth_l1", "delay_value": False},
           {"loss_function": "l1", "double_dqn": True, "reduction": "sum"}, {"reduction": "none"}]


@pytest.mark.parametrize("estimator", ["TD0", "TDLambda"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("action_space", ["mult-one-hot", "binary"])
def test_as_torchrl(action_space, options, estimator):
    """The greedy action of binary values is the test's: torchrl's loss takes such actions, but it has no such actor."""
    ours, theirs = pair(action_space, **options)
    estimate(ours, theirs, estimator)
    agree(ours, theirs, batch(action_space, priority_weight=np.random.default_rng(2).random((4, 6))))


@pytest.mark.parametrize("action_space", ["mult-one-hot", "binary"])
def test_training(action_space):
    ours, theirs = pair(action_space, double_dqn=True)
    estimate(ours, theirs)
    twins.same_training(ours, theirs, [batch(action_space, (4,), seed) for seed in range(20)], ["value_network"])


@pytest.mark.parametrize("double_dqn", [False, True])
@pytest.mark.parametrize("action_space", ["categorical", "one-hot", "mult-one-hot"])
def test_masks_of_legal_actions(action_space, double_dqn):
    """The mask of the next state says what may be chosen there; without it, other actions are."""
    ours, theirs = pair(action_space, mask_key="legal", double_dqn=double_dqn)
    assert set(ours.in_keys) == set(theirs.in_keys)
    estimate(ours, theirs)
    data = batch(action_space)
    rng = np.random.default_rng(0)
    best = [rng.integers(size, size=(4, 6)) for size in SIZES[action_space]]
    one_is_legal = np.concatenate([np.eye(size, dtype=bool)[b]
                                   for size, b in zip(SIZES[action_space], best, strict=True)], axis=-1)
    data["next"]["legal"] = one_is_legal | (rng.random((4, 6, 5)) < 0.3)
    data["legal"] = np.ones((4, 6, 5), bool)
    agree(ours, theirs, data)
    free = data | {"next": data["next"] | {"legal": np.ones((4, 6, 5), bool)}}
    assert abs(ours(free)["loss"] - ours(data)["loss"]) > 1e-3


def test_a_mask_of_the_state_keeps_illegal_actions_from_training():
    """Nothing trains the value of an action that is illegal in s, as nothing can have taken it."""
    ours, theirs = pair(mask_key="legal")
    estimate(ours, theirs)
    data = batch()
    data["action"] = np.where(data["action"] == 4, 0, data["action"])
    data["legal"] = np.broadcast_to(np.arange(5) < 4, (4, 6, 5))
    data["next"]["legal"] = data["legal"]
    agree(ours, theirs, data)
    assert not ours.value_and_grad(data)[1]["loss"]["value_network"]["2"]["bias"][4]


def test_the_derivatives_of_masked_values():
    """An illegal action has the value minus infinity, whatever the network makes of it."""
    network = MLP(3, 2, ())
    actor = QValueActor(network, network.init(np.random.default_rng(0)), mask_key="legal")
    outputs, back = actor({"observation": np.ones((1, 3)), "legal": np.array([[True, False]])})
    assert outputs["action_value"][0, 1] == -np.inf
    by_parameters, by_inputs = back({"action_value": np.array([[2.0, 3.0]])})
    assert by_parameters["0"]["bias"].tolist() == [2.0, 0.0] and by_inputs["legal"].tolist() == [[0.0, 0.0]]


def fixed(values, action_space, action, **options):
    """The loss of a network that has these values in every state: reward 0, gamma 1, an action that is worth 0."""
    network, size = Linear(1, len(values)), len(values)
    actor = QValueActor(network, {"weight": np.zeros((size, 1)), "bias": np.array(values)}, action_space=action_space,
                        **options)
    data = twins.batch((1,), observation=1, action=1) | {"action": np.array([action])}
    data["next"] |= {"reward": np.zeros((1, 1)), "terminated": np.zeros((1, 1), bool)}
    return DQNLoss(actor, loss_function="l1").make_value_estimator(gamma=1.0), data


@pytest.mark.parametrize("action_space, var_nums, action, best", [
    ("one-hot", None, [0, 0, 0, 1], 2.0),                # 2, which two actions have, is the best of 2, 2, -1, 0
    ("mult-one-hot", [2, 2], [1, 0, 0, 1], 2.0 + 0.0),   # of 2, 2 and of -1, 0; what was taken is worth 2 + 0
])
def test_ties_count_once(action_space, var_nums, action, best):
    """torchrl's module of greedy actions marks every action that attains the maximum, and adds up their values."""
    values = [2.0, 2.0, -1.0, 0.0]
    ours, data = fixed(values, action_space, action, var_nums=var_nums)
    assert ours(data)["loss"] == abs(np.dot(values, action) - best)
    theirs = QValueModule(action_space=action_space, var_nums=var_nums)
    found = theirs(TensorDict({"action_value": torch.tensor([values])}, [1]))
    assert found["chosen_action_value"].item() == best + 2.0, "torchrl adds up what ties: once it does not, say so here"


def test_binary_by_hand():
    """Of the values 2, -3, 1 the best action takes the first and the last: 3. Taken were the first two: -1."""
    ours, data = fixed([2.0, -3.0, 1.0], "binary", [1, 1, 0])
    assert ours(data)["loss"] == 4.0


def test_what_torchrl_has_no_actor_for():
    """Its greedy action of binary values is called without an argument that it has; and a QValueActor has no var_nums.
    """
    data = TensorDict({"action_value": torch.zeros(1, 3), "observation": torch.zeros(1, 3)}, [1])
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'support'"):
        QValueModule(action_space="binary")(data)
    with pytest.raises(ValueError, match="var_nums must be provided"):
        TorchQValueActor(torch.nn.Linear(3, 3), action_space="mult-one-hot")(data)


def test_names_of_spaces():
    """Every name that torchrl knows, but for several categorical actions."""
    names = {name for name in ACTION_SPACE_MAP if isinstance(name, str)}
    several = {name for name in names if ACTION_SPACE_MAP[name] == "multi_categorical"}
    assert {check_space(name): ACTION_SPACE_MAP[name] for name in names - several} == {
        "categorical": "categorical", "one-hot": "one_hot", "mult-one-hot": "mult_one_hot", "binary": "binary"}
    for name in several:
        with pytest.raises(ValueError, match="action_space: expected one of"):
            check_space(name)


def test_the_action_space_of_the_network():
    network = MLP(3, 4, ())
    parameters = network.init(np.random.default_rng(0))
    assert DQNLoss(QValueActor(network, parameters)).action_space == "one-hot"
    actor = QValueActor(network, parameters, action_space="multi_one_hot", var_nums=2)
    assert DQNLoss(actor).action_space == "mult-one-hot"
    assert DQNLoss(actor, action_space="binary").action_space == "binary"
    row = np.array([[[1, 0, 0, 1]]])
    data = {"observation": np.zeros((1, 1, 3)), "action": row, "next": {
        "observation": np.zeros((1, 1, 3)), "reward": np.zeros((1, 1, 1)), "done": np.ones((1, 1, 1), bool)}}
    assert DQNLoss(actor)(data)["loss"] == (parameters["0"]["bias"] * row).sum() ** 2


def test_choices_and_what_is_taken():
    values, nothing = np.array([3.0, 1.0, 2.0, 5.0, 4.0]), -np.inf
    assert choices("one_hot", values).tolist() == [values.tolist()]
    assert choices("mult_one_hot", values, [2, 3]).tolist() == [[3.0, 1.0, nothing], [2.0, 5.0, 4.0]]
    assert choices("mult-one-hot", values[:4], 2).tolist() == [[3.0, 1.0], [2.0, 5.0]]
    assert choices("binary", values[:2]).tolist() == [[0.0, 3.0], [0.0, 1.0]]
    assert taken("categorical", np.array([2, 0]), (2, 3)).tolist() == [[False, False, True], [True, False, False]]
    assert indices("one_hot", np.array([[0, 1, 0]]), (1, 3)).tolist() == [1]
    assert taken("mult-one-hot", np.array([[0.0, 1.0, 1.0]]), (1, 3), [2, 1]).tolist() == [[False, True, True]]
    assert taken("binary", np.array([[False, True]]), (1, 2)).tolist() == [[False, True]]


@pytest.mark.parametrize("wrong, message", [
    (lambda: indices("binary", np.zeros((2, 3)), (2, 3)), "action_space: expected categorical or one-hot for a single"),
    (lambda: indices("categorical", np.array([0, 3]), (2, 3)), r"action: expected indices in \[0, 3\), got 0 to 3"),
    (lambda: indices("categorical", np.array([0, -1]), (2, 3)), r"action: expected indices in \[0, 3\), got -1 to 0"),
    (lambda: indices("categorical", np.zeros((2, 3)), (2, 3)), r"action: expected shape \(2,\) for a categorical"),
    (lambda: indices("categorical", np.zeros(2), (2, 3)), "action: expected integers for .*, got float64"),
    (lambda: taken("one-hot", np.array([1, 0]), (2, 3)), r"action: expected 0 and 1 of shape \(2, 3\) for one-hot"),
    (lambda: taken("one-hot", np.array([[1, 0, 1]]), (1, 3)), r"action: expected a single 1 in each choice of \[3\]"),
    (lambda: taken("one-hot", np.zeros((1, 3)), (1, 3)), "got 0"),
    (lambda: taken("binary", np.array([[0.5, 1]]), (1, 2)), r"action: expected 0 and 1 .* with \[0.5, 1.0\]"),
    (lambda: taken("mult-one-hot", np.array([[1, 0, 0]]), (1, 3), [2, 1]), r"in each choice of \[2, 1\] .*, got 0"),
    (lambda: choices("mult-one-hot", np.zeros(3)), "var_nums: expected the number of values of each choice"),
    (lambda: choices("mult-one-hot", np.zeros(3), [2, 2]), "var_nums: expected numbers that add up to 3 values, got"),
    (lambda: choices("mult-one-hot", np.zeros(3), 2), "var_nums: expected numbers that add up to 3 values, got 2"),
    (lambda: choices("mult-one-hot", np.zeros(3), [3, 0]), r"var_nums: expected .* got \[3, 0\]"),
    (lambda: pair(mask_key="legal")[0](batch(legal=np.ones((4, 6), bool))),
     r"mask_key: expected a mask of shape \(4, 6, 5"),
    (lambda: choices("mult-one-hot", np.zeros(3), 0), "var_nums: expected .* got 0"),
])
def test_what_is_wrong(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
