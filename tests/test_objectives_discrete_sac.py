"""DiscreteSACLoss against torchrl's: losses, what is reported, the gradient of every parameter, and training."""

from __future__ import annotations

import math

import ensemble_twins as ensembles
import numpy as np
import pytest
import torch
import torch_twins as twins
from tensordict.nn import TensorDictModule
from torchrl.modules import MaskedCategorical, OneHotCategorical
from torchrl.modules import ProbabilisticActor as TorchActor
from torchrl.objectives import DiscreteSACLoss as TorchDiscreteSACLoss

from rlref.distributions import categorical, one_hot_categorical
from rlref.networks import MLP
from rlref.objectives import DiscreteSACLoss, ProbabilisticActor, QValueActor, ValueEstimators

pytestmark = pytest.mark.usefixtures("torch_float64")
OPTIONS = [{}, {"loss_function": "l2", "num_qvalue_nets": 3}, {"loss_function": "l1", "reduction": "sum"},
           {"reduction": "none"}, {"action_space": "one-hot"}, {"fixed_alpha": True, "alpha_init": 0.5},
           {"delay_qvalue": False}, {"min_alpha": 0.75, "max_alpha": 2.0, "alpha_init": 4.0}, {"max_alpha": 0.5},
           {"target_entropy": 0.5, "alpha_init": 0.5}, {"target_entropy_weight": 0.5, "alpha_init": 2.0},
           {"num_qvalue_nets": 1}, {"separate_losses": True}, {"use_prioritized_weights": False}]
CASES = [("TD0", options) for options in OPTIONS] + [("TD1", {}), ("TDLambda", {})]
ACTIONS = 4
OF_STATE = (3, ACTIONS, ["observation"], ["action_value"])


def actors(action_space="categorical", mask_key=None, unlikely=None):
    """A policy of ours and the same in torchrl, masked, or with illegal actions e^-``unlikely`` as likely."""
    network = MLP(3, ACTIONS, (5,))
    parameters = network.init(np.random.default_rng(1))
    choice, theirs = ((categorical, torch.distributions.Categorical) if action_space == "categorical" else
                      (one_hot_categorical, OneHotCategorical))
    ours = ProbabilisticActor(network, parameters, choice, out_keys=["logits"], mask_key=mask_key)
    module, given = twins.mlp(3, ACTIONS, (5,), "tanh", parameters), ["logits"]
    if unlikely:
        module = _Unlikely(module, unlikely)
    elif mask_key:
        theirs, given = MaskedCategorical, {"logits": "logits", "mask": mask_key}
    read = ["observation", *([mask_key] if unlikely else [])]
    return ours, TorchActor(TensorDictModule(module, read, ["logits"]), given, ["action"], distribution_class=theirs)


class _Unlikely(torch.nn.Module):
    def __init__(self, module, unlikely):
        super().__init__()
        self.mlp, self.unlikely = module, unlikely

    def forward(self, observation, mask):
        return self.mlp(observation) - self.unlikely * ~mask


def values(count):
    """Critics of ours."""
    network, rng = MLP(3, ACTIONS, (6,), "relu"), np.random.default_rng(2)
    return [QValueActor(network, network.init(rng)) for _ in range(count)]


def pair(action_space="categorical", num_qvalue_nets=2, policies=None, **options):
    """Ours and theirs, with the same parameters, and targets that are not the same as what is trained."""
    policies = policies or actors(action_space)
    critics = values(num_qvalue_nets)
    their_critics = [TensorDictModule(twins.mlp(3, ACTIONS, (6,), "relu", one.parameters), ["observation"],
                                      ["action_value"]) for one in critics]
    options = {"action_space": action_space, "num_qvalue_nets": num_qvalue_nets, "num_actions": ACTIONS, **options}
    ours = DiscreteSACLoss(policies[0], critics, **options)
    theirs = TorchDiscreteSACLoss(policies[1], their_critics, **options)
    twins.move_targets(ours, theirs)
    return ours, theirs


def batch(shape, seed=0, action_space="categorical", **more):
    """A batch with discrete actions, and masks of which actions are legal."""
    rng = np.random.default_rng(seed)
    action = rng.integers(ACTIONS, size=shape)
    if action_space == "one-hot":
        action = np.eye(ACTIONS, dtype=np.int64)[action]
    data = twins.batch(shape, seed=seed) | {"action": action, **more}
    for at in (data, data["next"]):
        at["legal"] = rng.random((*shape, ACTIONS)) < 0.6
        at["legal"][..., 0] |= ~at["legal"].any(axis=-1)
    return data


@pytest.mark.parametrize("estimator, options", CASES, ids=str)
def test_as_torchrl(estimator, options):
    ours, theirs = pair(**options)
    ensembles.estimate(ours, theirs, estimator)
    data = batch((6, 4), action_space=ours.action_space, priority_weight=np.random.default_rng(3).random((6, 4)))
    ensembles.same_step(ours, theirs, data, [] if options.get("fixed_alpha") else ["log_alpha"])


def test_training():
    """With bounds that alpha runs into: then what is trained is clamped, too."""
    ours, theirs = pair(max_alpha=1.0, min_alpha=0.96875)
    ensembles.estimate(ours, theirs)
    twins.same_training(ours, theirs, [batch((4, 2), seed=seed) for seed in range(20)],
                        ["actor_network", "qvalue_network"], ["log_alpha"])


def test_masks_of_legal_actions():
    """torchrl's actor and alpha losses are NaN: 0 times minus infinity. Ours are torchrl's of a policy for which what
    is illegal is e^-700 as likely.
    """
    data = batch((6, 4))
    broken = pair(policies=actors(mask_key="legal"))
    ensembles.estimate(*broken)
    with twins.draws(5):
        wrong = broken[1](twins.tensordict(data, [6, 4]))
    assert wrong["loss_actor"].isnan() and wrong["loss_alpha"].isnan() and not wrong["loss_qvalue"].isnan()
    assert set(broken[0].in_keys) == set(broken[1].in_keys) and ("next", "legal") in broken[0].in_keys
    ours, theirs = broken[0], pair(policies=actors(mask_key="legal", unlikely=700.0))[1]
    ensembles.estimate(ours, theirs)
    got = ensembles.same_step(ours, theirs, data, ["log_alpha"])
    twins.close(got["loss_qvalue"], wrong["loss_qvalue"])
    together = ours(**ensembles.flattened(data))
    assert together == tuple(got[name] for name in ours.out_keys)


def test_skipping_what_is_done():
    """Nothing beyond a terminal state is read, masks included, and a truncated state has its value: what torchrl gives
    without skipping. When it skips, it is without the value of the truncated state, too.
    """
    data = batch((6, 4))
    ended, truncated = data["next"]["terminated"][..., 0], (data["next"]["done"] & ~data["next"]["terminated"])[..., 0]
    assert truncated.any() and ended.any() and (~truncated & ~ended).any()
    ours, theirs = pair(skip_done_states=True)
    everything = pair()[1]
    ensembles.estimate(ours, theirs)
    ensembles.estimate(ours, everything)
    expected = everything(twins.tensordict(data, [6, 4]))["loss_qvalue"]
    data["next"]["observation"][ended] = np.nan
    data["next"]["legal"][ended] = False
    twins.close(ours(data)["loss_qvalue"], expected)
    assert abs(theirs(twins.tensordict(data, [6, 4]))["loss_qvalue"] - expected) > 1e-3
    masked, _ = pair(skip_done_states=True, policies=actors(mask_key="legal"))
    assert math.isfinite(masked(data)["loss_qvalue"])
    data["next"]["terminated"] = data["next"]["done"].copy()
    ensembles.same_step(ours, theirs, data)


def test_a_column_of_actions():
    """Indices [*B, 1] are [*B]. torchrl adds another axis, and crashes."""
    ours, theirs = pair()
    data = batch((6, 4))
    expected = ours(data)["loss_qvalue"]
    data["action"] = data["action"][..., None]
    assert ours(data)["loss_qvalue"] == expected
    with pytest.raises(RuntimeError):
        theirs(twins.tensordict(data, [6, 4]))


def test_interface():
    """torchrl warns where no action_space is given, and takes one-hot."""
    assert ensembles.same_interface(*pair()) == {"action_space": "one-hot"}


def test_keys():
    weights = np.random.default_rng(3).random((4, 3))
    ensembles.same_under_other_names(pair()[0], batch((4, 3), priority_weight=weights))


def test_padding_and_keywords():
    """Padding may hold anything; keyword arguments are a batch without a dict."""
    ours, theirs = pair()
    data = batch((4, 3))
    mask = np.random.default_rng(0).random((4, 3, 1)) < 0.7
    data["next"]["reward"][~mask] = 1e300
    masked = data | {"collector": {"mask": mask}}
    expected = theirs(twins.tensordict(masked, [4, 3]))
    twins.same_outputs(ours(masked), expected, ["loss_actor", "loss_qvalue", "loss_alpha"])
    data = {name: x for name, x in ensembles.flattened(batch((4, 3))).items() if "legal" not in name}
    outputs, together = ours(**data), ours(batch((4, 3)))
    assert outputs == tuple(together[name] for name in ours.out_keys)


def test_layers_kept_apart():
    """Critics on the policy's own layers are not trained where they are."""
    both = actors()
    critics = ensembles.borrowing(*both, MLP(3, ACTIONS, (5,), "relu"), OF_STATE)
    options = {"action_space": "categorical", "num_actions": ACTIONS, "separate_losses": True, "delay_qvalue": False}
    ours, theirs = (loss(actor, critic, **options) for loss, actor, critic in zip(
        (DiscreteSACLoss, TorchDiscreteSACLoss), both, critics, strict=True))
    ensembles.kept_apart(ours, theirs, batch((4, 3)))


@pytest.mark.parametrize("wrong, error, message", [
    (lambda: pair(num_actions=None), ValueError, "num_actions: expected the number of actions for target_entropy"),
    (lambda: DiscreteSACLoss(actors()[0], values(2), num_actions=4, action_space="binary")(batch((3,))), ValueError,
     "action_space: expected categorical or one-hot for a single choice, got 'binary'"),
    (lambda: DiscreteSACLoss(actors()[0], values(2), num_actions=4, action_space="box"), ValueError,
     "action_space: expected one of .*, got 'box'"),
    (lambda: pair(policies=twins.tanh_actors()), ValueError,
     "actor_network: expected a policy over categorical or one_hot_categorical, got tanh_normal"),
    (lambda: pair("one-hot")[0](batch((3,))), ValueError, r"action: expected .* shape \(3, 4\)"),
    (lambda: pair()[0](batch((3,)) | {"action": np.full(3, 4)}), ValueError, r"action: expected .*\[0, 4\)"),
    (lambda: pair()[0]({"observation": np.zeros((3, 3)), "next": batch((3,))["next"]}), KeyError,
     "expected an entry 'action', got 'observation', 'next'"),
    (lambda: pair(policies=(actors(mask_key="allowed")[0], actors()[1]))[0](batch((3,))), KeyError,
     "expected an entry 'allowed'"),
    (lambda: pair()[0].make_value_estimator(ValueEstimators.GAE), NotImplementedError,
     "value_type: expected one of TD0, TD1, TDLambda for DiscreteSACLoss, got GAE"),
])
def test_what_is_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
