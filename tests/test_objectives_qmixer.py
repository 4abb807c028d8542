"""QMixerLoss against torchrl's, with both mixers: losses, the gradient of every parameter, keys, and training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch_twins as twins
from tensordict import unravel_key
from tensordict.nn import TensorDictModule
from torchrl.modules import QMixer as TorchQMixer
from torchrl.modules import QValueModule, SafeSequential
from torchrl.modules import VDNMixer as TorchVDNMixer
from torchrl.objectives import QMixerLoss as TorchQMixerLoss
from torchrl.objectives import ValueEstimators as TorchEstimators

from rlref.networks import MLP, QMixer, VDNMixer, leaves, tree_map
from rlref.objectives import Module, QMixerLoss, QValueActor, ValueEstimators

AGENTS, ACTIONS, STATE = 3, 4, (2, 2)
NETWORKS = ("local_value_network", "mixer_network")
OBSERVATION, VALUE, CHOSEN = ("agents", "observation"), ("agents", "action_value"), ("agents", "chosen_action_value")
OPTIONS = [{}, {"loss_function": "smooth_l1"}, {"loss_function": "l1", "delay_value": False}]


def pair(mixer="qmix", action_space="categorical", state="state", shape=STATE,
         keys=(CHOSEN, "chosen_action_value", VALUE), **options):
    """Ours and theirs, with the same parameters, and targets that are not the same as what is trained."""
    chosen, team, value = keys
    reads = [chosen, state] if mixer == "qmix" else [chosen]
    agent, mix = MLP(3, ACTIONS, (5,)), QMixer(shape, 6, AGENTS) if mixer == "qmix" else VDNMixer(AGENTS)
    rng = np.random.default_rng(1)
    local, mixing = agent.init(rng), mix.init(rng)
    var_nums = [2, 2] if action_space == "mult-one-hot" else None
    ours = QMixerLoss(QValueActor(agent, local, [OBSERVATION], [value], action_space=action_space, var_nums=var_nums),
                      Module(mix, mixing, reads, [team]), **options)
    values = TensorDictModule(twins.mlp(3, ACTIONS, (5,), "tanh", local), [OBSERVATION], [value])
    best = QValueModule(action_value_key=value, out_keys=[("agents", "action"), value, chosen],
                        action_space=action_space, var_nums=var_nums)
    module = TorchQMixer(torch.Size(shape), 6, AGENTS, "cpu") if mixer == "qmix" else TorchVDNMixer(AGENTS, "cpu")
    module.double().load_state_dict({name: torch.tensor(x) for name, x in leaves(mixing)})
    theirs = TorchQMixerLoss(SafeSequential(values, best), TensorDictModule(module, reads, [team]),
                             action_space=action_space, **options)
    twins.move_targets(ours, theirs)
    return ours, theirs


def batch(action_space="categorical", shape=(4, 6), seed=0):
    rng = np.random.default_rng(seed)
    index = rng.integers(ACTIONS, size=(*shape, AGENTS))
    action = {"categorical": index, "one-hot": np.eye(ACTIONS, dtype=int)[index],
              "mult-one-hot": np.concatenate([np.eye(2, dtype=int)[i] for i in np.divmod(index, 2)], axis=-1)}
    data = twins.batch(shape, seed=seed)
    data["agents"] = {"observation": rng.normal(size=(*shape, AGENTS, 3)),
                      "action": action[action_space]}
    data["next"]["agents"] = {"observation": rng.normal(size=(*shape, AGENTS, 3))}
    data["state"], data["next"]["state"] = rng.normal(size=(2, *shape, *STATE))
    return data


def their_loss(theirs, data):
    return theirs(twins.tensordict(data, data["next"]["reward"].shape[:-1]))["loss"]


def agree(ours, theirs, data):
    """The loss, what is reported for replay, and every gradient."""
    td = twins.tensordict(data, data["state"].shape[:-len(STATE)])
    expected, got = theirs(td), ours(data)
    assert set(got) == {"loss", ours.tensor_keys["priority"]} and set(expected.keys()) == {"loss"}
    twins.same_outputs(got, expected, ["loss"])
    twins.close(got[ours.tensor_keys["priority"]], td[theirs.tensor_keys.priority])
    again, gradients = ours.value_and_grad(data)
    assert gradients.keys() == {"loss"} and set(gradients["loss"]) == set(NETWORKS) and again["loss"] == got["loss"]
    for network in NETWORKS:
        parameters = twins.flat(getattr(theirs, f"{network}_params"))
        if parameters:  # the sum has none
            twins.same_gradients(gradients, expected, "loss", network, parameters)


@pytest.mark.parametrize("estimator", ["TD0", "TD1", "TDLambda"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("mixer, action_space", [("qmix", "categorical"), ("qmix", "one-hot"), ("qmix", "mult-one-hot"),
                                                 ("vdn", "one-hot")])
def test_as_torchrl(mixer, action_space, options, estimator):
    ours, theirs = pair(mixer, action_space, **options)
    hyper = {"gamma": 0.5} | ({"lmbda": 0.5} if estimator == "TDLambda" else {})
    ours.make_value_estimator(ValueEstimators[estimator], **hyper)
    theirs.make_value_estimator(TorchEstimators[estimator], **hyper)
    agree(ours, theirs, batch(action_space))


def test_defaults():
    """gamma is 0.99 in both; torchrl's is rounded to float32."""
    ours, theirs = pair()
    assert ours.loss_function == theirs.loss_function and ours.delayed.keys() == set(NETWORKS)
    assert ours.value_estimator.gamma == 0.99 and ours.value_type.name == theirs.default_value_estimator.name
    np.testing.assert_allclose(ours(batch())["loss"], their_loss(theirs, batch()).detach(), rtol=1e-6)
    local, mixer = (ours.modules[name] for name in NETWORKS)
    assert ours.action_space == "categorical"
    assert QMixerLoss(local, mixer, action_space="one_hot").action_space == "one-hot"
    silent = QValueActor(local.network, local.parameters, local.in_keys, local.out_keys)
    assert QMixerLoss(silent, mixer).action_space == "one-hot"


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4)], ids=str)
def test_other_batches(shape):
    ours, theirs = pair()
    for loss, estimators in ((ours, ValueEstimators), (theirs, TorchEstimators)):
        loss.make_value_estimator(estimators.TD0, gamma=0.5)
    agree(ours, theirs, batch(shape=shape))


def test_other_keys():
    """Every entry by another name, and a mixer whose state is what the agents see."""
    names = {"local_value": ("team", "chosen"), "global_value": "together", "action_value": ("team", "values"),
             "action": "taken", "priority": "surprise", "reward": ("team", "reward"), "done": "over",
             "terminated": ("team", "terminated")}
    ours, theirs = pair(state=OBSERVATION, shape=(AGENTS, 3),
                        keys=tuple(names[name] for name in ("local_value", "global_value", "action_value")))
    assert ours.tensor_keys == vars(theirs.tensor_keys)
    data = batch()
    data["taken"] = data["agents"].pop("action")
    after = data["next"]
    after["over"], after["team"] = after.pop("done"), {name: after.pop(name) for name in ("reward", "terminated")}
    for loss, estimators in ((ours, ValueEstimators), (theirs, TorchEstimators)):
        loss.set_keys(**names)
        loss.make_value_estimator(estimators.TD0, gamma=0.5)
    assert set(ours.in_keys) == {unravel_key(key) for key in theirs.in_keys}
    agree(ours, theirs, data)


def test_keywords():
    """torchrl's own call by keyword fails: it takes all axes of what the next agents observe for those of the batch."""
    ours, theirs = pair()
    data = batch()
    assert ours.out_keys == theirs.out_keys and set(ours.in_keys) == {unravel_key(key) for key in theirs.in_keys}
    flat = {"agents_observation": data["agents"]["observation"], "agents_action": data["agents"]["action"],
            "state": data["state"], "next_agents_observation": data["next"]["agents"]["observation"],
            **{f"next_{name}": data["next"][name] for name in ("state", "reward", "done", "terminated")}}
    assert ours(**flat) == ours(data)["loss"]
    with pytest.raises(RuntimeError, match="batch dimension mismatch"):
        theirs(**{name: torch.tensor(x) for name, x in flat.items()})


@pytest.mark.parametrize("mixer", ["qmix", "vdn"])
def test_training(mixer):
    ours, theirs = pair(mixer)
    for loss, estimators in ((ours, ValueEstimators), (theirs, TorchEstimators)):
        loss.make_value_estimator(estimators.TD0, gamma=0.5)
    twins.same_training(ours, theirs, [batch(shape=(4, 2), seed=seed) for seed in range(20)], NETWORKS)


def test_masks_that_torchrl_drops():
    """What is masked has no part in our loss, and may hold anything. torchrl's QMixerLoss takes the mean over it."""
    ours, theirs = pair()
    for loss, estimators in ((ours, ValueEstimators), (theirs, TorchEstimators)):
        loss.make_value_estimator(estimators.TD0, gamma=0.5)
    data = batch(shape=(24,))
    mask = np.random.default_rng(0).random(24) < 0.7
    kept = twins.tensordict(data, [24])[torch.tensor(mask)]
    padded = {**data, "collector": {"mask": mask}}
    twins.close(ours(padded)["loss"], theirs(kept)["loss"])
    twins.same_gradients(ours.value_and_grad(padded)[1], theirs(kept), "loss", "mixer_network",
                         twins.flat(theirs.mixer_network_params))
    data["next"]["reward"][~mask] = 1e100
    twins.close(ours(padded)["loss"], theirs(kept)["loss"])
    assert their_loss(theirs, padded) > 1e190  # here the two part


def test_ties_that_torchrl_adds_up():
    """Four actions that are best alike: their value is max_q's. torchrl's one-hot QValueModule takes four times it."""
    losses = {}
    for space in ("categorical", "one-hot"):
        ours, theirs = pair("vdn", space)
        flat = tree_map(np.zeros_like, ours.delayed["local_value_network"])
        flat["2"]["bias"] += 0.5
        ours.delayed["local_value_network"] = flat
        for place, x in twins.flat(theirs.target_local_value_network_params).items():
            x.data.copy_(torch.tensor(dict(leaves(flat))[place]))
        for loss, estimators in ((ours, ValueEstimators), (theirs, TorchEstimators)):
            loss.make_value_estimator(estimators.TD0, gamma=0.5)
        losses[space] = float(ours(batch(space))["loss"]), their_loss(theirs, batch(space)).item()
    right = losses["categorical"][1]
    np.testing.assert_allclose([losses["categorical"][0], losses["one-hot"][0]], right, rtol=1e-9)
    assert losses["one-hot"][1] > 2 * right  # here the two part


@pytest.mark.parametrize("wrong, error, message", [
    (lambda: pair(action_space="ternary"), ValueError, "action_space: expected one of categorical, one-hot"),
    (lambda: pair()[0](batch("one-hot")), ValueError, r"action: expected shape \(4, 6, 3\) for a categorical action"),
    (lambda: pair(action_space="one-hot")[0](batch()), ValueError, "action: expected"),
    (lambda: pair()[0].make_value_estimator(ValueEstimators.GAE), NotImplementedError,
     "value_type: expected one of TD0, TD1, TDLambda for QMixerLoss, got GAE"),
    (lambda: pair()[0].set_keys(priority_weight="w"), ValueError, "priority_weight: expected keys among"),
    (lambda: pair()[0](batch() | {"next": {}}), KeyError, r"data: expected an entry \('agents', 'observation'\)"),
    (lambda: pair(keys=("own", "chosen_action_value", VALUE))[0](batch()), KeyError,
     r"local_value: expected a key that the mixer_network reads, \['own', 'state'\], got"),
    (lambda: pair(loss_function="l3")[0](batch()), ValueError, "loss_function: expected one of"),
])
def test_what_is_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
