"""What the losses of policy gradients share: value estimators, masks, shared layers, keys, and errors."""

from __future__ import annotations

import numpy as np
import policy_gradient_twins as pg
import pytest
import torch
import torch_twins as twins
from tensordict.nn import TensorDictModule
from torchrl import objectives as torch_objectives
from torchrl.modules import ProbabilisticActor as TorchActor
from torchrl.modules import ValueOperator as TorchValueOperator
from torchrl.objectives import value as torch_value

from rlref import objectives
from rlref.distributions import categorical
from rlref.networks import MLP, Activation, Sequential, tree_map
from rlref.objectives import ProbabilisticActor, ValueEstimators, ValueOperator, value
from rlref.objectives.data import path

NAMES = ("PPOLoss", "ClipPPOLoss", "KLPENPPOLoss", "A2CLoss", "ReinforceLoss")
TRAINED = ("ClipPPOLoss", "ReinforceLoss")
STILL = {"KLPENPPOLoss": {"increment": 1.0, "decrement": 1.0}}
pytestmark = pytest.mark.usefixtures("torch_float64")


def pair(name, kind="categorical", **options):
    return pg.pair(name, kind, **STILL.get(name, {}), **options)


@pytest.mark.parametrize("name", NAMES)
def test_estimators(name):
    """By name; what the batch holds stays, and only an advantage that is missing is made."""
    ours, theirs = pair(name)
    data = pg.batch("categorical", (4, 6), advantage=False)
    for estimator in ("TD0", "TD1", "TDLambda", "GAE"):
        pg.estimate_alike(ours, theirs, estimator)
        got = pg.same(ours, theirs, data)
        assert ours.value_type is ValueEstimators[estimator]
        stale = {"value_target": np.zeros((4, 6, 1)), "state_value": np.ones((4, 6, 1))}
        twins.same_outputs(ours(data | stale), got, got)


@pytest.mark.parametrize("name", NAMES)
def test_gae_by_default(name):
    """With gamma 0.99 and lambda 0.95, which torchrl rounds to float32."""
    ours, theirs = pair(name)
    theirs.make_value_estimator(vectorized=False)
    ours.make_value_estimator()
    assert ours.value_type is ValueEstimators.GAE and ours.default_value_estimator.name == "GAE"
    got, expected, _ = pg.run(ours, theirs, pg.batch("categorical", (2, 5), advantage=False))
    for term in got:
        np.testing.assert_allclose(got[term], expected[term].detach(), rtol=1e-6, atol=1e-7)
    assert (ours.value_estimator.gamma, ours.value_estimator.lmbda) == (0.99, 0.95)


@pytest.mark.parametrize("name", NAMES)
def test_an_estimator_or_its_class(name):
    """As torchrl takes them: the loss lends its critic's parameters, and if asked its keys, to either."""
    ours, theirs = pair(name)
    others = MLP(3, 1, (4,)).init(np.random.default_rng(7))
    mine = ValueOperator(MLP(3, 1, (4,)), others)
    other = TorchValueOperator(twins.mlp(3, 1, (4,), "tanh", others), in_keys=["observation"])
    data = pg.batch("categorical", (4, 6), advantage=False)
    data["next"]["income"] = data["next"].pop("reward")
    hyper = {"gamma": 0.5, "lmbda": 0.25}
    for loss, module, network, more in ((ours, value, mine, {}), (theirs, torch_value, other, {"vectorized": False})):
        loss.make_value_estimator(module.GAE(value_network=network, **hyper, **more))
        loss.set_keys(reward="income")
    assert isinstance(ours.value_type, value.GAE) and ours.value_estimator is ours.value_type
    data["next"]["reward"] = data["next"]["income"]  # for the shape of the batch, which the twins read off it
    first = pg.same(ours, theirs, data)
    ours.make_value_estimator(value.GAE, value_network=ours.modules["critic_network"], **hyper)
    ours.set_keys(reward="income")
    data["next"]["reward"] = np.full((4, 6, 1), 99.0)
    twins.same_outputs(ours(data), first, first)
    assert ours.value_type is value.GAE


@pytest.mark.parametrize("name", NAMES)
def test_vtrace(name):
    """Of the actor and the critic as they are after a step. (What torchrl's VTrace does, see tests of that.)"""
    ours, _ = pair(name)
    ours.make_value_estimator(ValueEstimators.VTrace, gamma=0.5, rho_thresh=0.75)
    for network in ("actor_network", "critic_network"):
        ours.parameters[network] = tree_map(lambda x: x + 0.125, ours.parameters[network])
    actor, critic = (ours.modules[network] for network in ("actor_network", "critic_network"))
    alone = value.VTrace(
        actor_network=ProbabilisticActor(actor.network, ours.parameters["actor_network"], categorical,
                                         out_keys=["logits"]),
        value_network=ValueOperator(critic.network, ours.parameters["critic_network"]), gamma=0.5, rho_thresh=0.75)
    data = pg.batch("categorical", (4, 6), advantage=False)
    twins.same_outputs(ours(data), ours(alone(data)), ours(data))


def steps(data, kept):
    return {name: steps(x, kept) if isinstance(x, dict) else x[kept] for name, x in data.items()}


@pytest.mark.parametrize("kind", ["normal", "masked one-hot"])
@pytest.mark.parametrize("name", NAMES)
def test_padding_counts_nowhere(name, kind):
    """All that is reported is that of a batch without the padding. torchrl masks its losses, and nothing else."""
    options = {"clip_value": 0.5} | ({"normalize_advantage": True} if "PPO" in name else {})
    ours, theirs = pair(name, kind, **options)
    data, mask = pg.batch(kind, (12,)), np.arange(12) % 3 > 0
    expected = theirs(twins.tensordict(steps(data, mask), [int(mask.sum())]))
    padding = tree_map(lambda x: np.full_like(x, np.nan) if x.dtype == float else np.zeros_like(x), data)
    padded = tree_map(lambda x, y: np.where(mask.reshape(-1, *(1 for _ in x.shape[1:])), x, y), data, padding)
    got, gradients = ours.value_and_grad(padded | {"collector": {"mask": mask}})
    if "kl" in got:
        got["kl"] = got["kl"][mask]
    twins.same_outputs(got, expected, list(expected.keys()))
    pg.same_gradients(ours, theirs, expected, gradients)
    all_of_it = theirs(twins.tensordict(data | {"collector": {"mask": mask}}, [12]))
    reported = set(got) - {"loss_entropy", "loss_critic", "loss_value", "loss_actor", "kl", "max_ratio"}
    reported -= set() if "PPO" in name else {"loss_objective"}
    for key in reported:
        assert abs(got[key] - all_of_it[key].detach().numpy()).max() > 1e-4, f"torchrl's {key} is that of all steps"
    assert "loss_objective" in reported or "PPO" not in name, "as are the moments by which advantages are normalized"


def test_columns_that_do_not_count():
    """What is reported by column is that of its own steps; of none, NaN."""
    ours, _ = pair("ClipPPOLoss", "normal")
    data = pg.batch("normal", (5, 3))
    mask = np.array([[True, False, True]] * 2 + [[False, False, True]] * 3)
    got = ours(data | {"collector": {"mask": mask}})
    first = ours({name: x[:2, 0] for name, x in data.items() if name != "next"})
    last = ours({name: x[:, 2] for name, x in data.items() if name != "next"})
    np.testing.assert_allclose(got["ESS"], [first["ESS"], np.nan, last["ESS"]], rtol=1e-12)
    np.testing.assert_allclose(got["explained_variance"][:, 0],
                               [first["explained_variance"][0], np.nan, last["explained_variance"][0]], rtol=1e-12)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_shared_layers(name, apart):
    """A first layer that actor and critic share: both train it, or with separate_losses the policy's loss alone."""
    rng = np.random.default_rng(1)
    common, policy, critic = MLP(3, 6, ()), MLP(6, 4, (5,)), MLP(6, 1, ())
    by_common, by_policy, by_critic = common.init(rng), policy.init(rng), critic.init(rng)
    actor = ProbabilisticActor(Sequential(common, Activation("tanh"), policy), {"0": by_common, "2": by_policy},
                               categorical, out_keys=["logits"])
    state = ValueOperator(Sequential(common, critic), {"0": by_common, "1": by_critic})
    ours = getattr(objectives, name)(actor, state, separate_losses=apart, **STILL.get(name, {}))
    layer = twins.mlp(3, 6, (), "tanh", by_common)
    module = torch.nn.Sequential(layer, torch.nn.Tanh(), twins.mlp(6, 4, (5,), "tanh", by_policy))
    theirs = getattr(torch_objectives, name)(
        TorchActor(TensorDictModule(module, ["observation"], ["logits"]), in_keys=["logits"],
                   distribution_class=torch.distributions.Categorical, return_log_prob=True),
        TorchValueOperator(torch.nn.Sequential(layer, twins.mlp(6, 1, (), "tanh", by_critic)), in_keys=["observation"]),
        separate_losses=apart, **STILL.get(name, {}))
    pg.estimate_alike(ours, theirs)
    data = pg.batch("categorical", (2, 4), advantage=False)
    got, expected, gradients = pg.run(ours, theirs, data)
    twins.same_outputs(got, expected, got)
    assert list(ours.parameters["critic_network"]) == ["1"], "what is shared stands once"
    for loss in gradients:
        twins.same_gradients(gradients, expected, loss, "actor_network", twins.flat(theirs.actor_network_params))
        own = {place: x for place, x in twins.flat(theirs.critic_network_params).items() if place.startswith("1.")}
        twins.same_gradients(gradients, expected, loss, "critic_network", own)
    of_critic = "loss_value" if name == "ReinforceLoss" else "loss_critic"
    assert ("actor_network" in gradients[of_critic]) is not apart
    batches = [pg.batch("categorical", (2, 4), seed, advantage=False) for seed in range(20)] if name in TRAINED else []
    twins.same_training(ours, theirs, batches, ["actor_network", "critic_network"])


@pytest.mark.parametrize("name", NAMES)
def test_keys_and_keywords(name):
    ours, theirs = pair(name, "tanh_normal", clip_value=0.5)
    names = {"action": "move", "sample_log_prob": ("old", "lp"), "advantage": "gain", "value_target": "goal",
             "reward": ("team", "reward"), "done": "stop", "terminated": "over"}
    data = pg.batch("tanh_normal", (4, 3), advantage=False)
    flat = {key: x for key, x in data.items() if key != "next"} | {f"next_{key}": x for key, x in data["next"].items()}
    flat = {key: x for key, x in flat.items() if key.removeprefix("next_") in ("observation", "reward", "done",
            "terminated", "action", *(["action_log_prob"] if "PPO" in name else []),
            *(["loc", "scale"] if "KLPEN" in name else []))}
    with twins.draws(5):
        expected = theirs(**{key: torch.tensor(x) for key, x in flat.items()})
    got = ours(rng=np.random.default_rng(5), **flat)
    for mine, other, key in zip(got, expected, ours.out_keys, strict=True):
        twins.close(mine, other, key)
    assert ours.select_out_keys(ours.out_keys[-1])(rng=np.random.default_rng(5), **flat) == got[-1]
    ours.reset_out_keys()
    for loss in (ours, theirs):
        loss.set_keys(**names)
    assert set(map(path, ours.in_keys)) == set(map(path, theirs.in_keys))
    renamed = {"observation": data["observation"], "move": data["action"], "old": {"lp": data["action_log_prob"]},
               "loc": data["loc"], "scale": data["scale"],
               "next": {"observation": data["next"]["observation"], "team": {"reward": data["next"]["reward"]},
                        "stop": data["next"]["done"], "over": data["next"]["terminated"]}}
    again = ours(renamed, np.random.default_rng(5))
    assert all(np.array_equal(again[key], x) for key, x in zip(ours.out_keys, got, strict=True))
    with twins.draws(5):
        twins.same_outputs(again, theirs(twins.tensordict(renamed, [4, 3])), again)
    ours.set_keys(**dict.fromkeys(names))
    assert all(np.array_equal(x, again[key]) for key, x in ours(data, np.random.default_rng(5)).items())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options, change, error, message", [
    ({"reduction": "median"}, {}, ValueError, "reduction: expected one of none, mean, sum, got 'median'"),
    ({"loss_critic_type": "l3"}, {}, ValueError, "loss_critic_type: expected one of l1, l2, smooth_l1, got 'l3'"),
    ({}, {"value_target": None}, KeyError, "data: expected an entry 'value_target'"),
    ({"clip_value": 0.5}, {"state_value": None}, KeyError, "data: expected an entry 'state_value'"),
    ({}, {"action": None}, KeyError, "data: expected an entry 'action'"),
    ({}, {"advantage": np.zeros(3)}, ValueError, r"expected a last axis of 1.*got shape \(3,\)"),
    ({}, {"value_target": np.zeros((2, 1))}, ValueError,
     r"value_target: expected shape \(3,\) or \(3, 1\), got \(2, 1\)"),
    ({}, {"advantage": np.full((3, 1), np.nan)}, ValueError, "advantage: expected values finite, got nan"),
    ({}, {"collector": {"mask": np.zeros(3, bool)}}, ValueError, "weight: expected a sum > 0 over the mask for a mean"),
])
def test_what_is_wrong(name, options, change, error, message):
    data = {key: x for key, x in (pg.batch("categorical", (3,)) | change).items() if x is not None}
    with pytest.raises(error, match=message):
        pair(name, **options)[0](data)


def test_estimators_that_are_none():
    ours, _ = pair("A2CLoss")
    with pytest.raises(TypeError, match="value_type: expected one of ValueEstimators, a class of estimators or an est"):
        ours.make_value_estimator("GAE")
    with pytest.raises(TypeError, match="tau"):
        ours.make_value_estimator(ValueEstimators.GAE, tau=0.5)
    with pytest.raises(ValueError, match="old: expected keys among advantage, value_target, value"):
        ours.set_keys(old="x")
    with pytest.raises(KeyError, match="value: expected a key among the network's out_keys"):
        ours.set_keys(value="v")
