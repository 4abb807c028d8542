"""DreamerModelLoss and DreamerValueLoss against torchrl's, and all three of Dreamer's losses in training.

Losses, what comes with them, and the gradient of every parameter; DreamerActorLoss has a file of its own.
"""

from __future__ import annotations

import dreamer_twins
import numpy as np
import pytest
import torch
import torch_twins as twins
from torchrl.objectives import DreamerActorLoss as TorchActorLoss
from torchrl.objectives import DreamerModelLoss as TorchModelLoss
from torchrl.objectives import DreamerValueLoss as TorchValueLoss
from torchrl.objectives import ValueEstimators as TorchEstimators

from rlref.networks import Adam, leaves
from rlref.objectives import (
    DreamerActorLoss,
    DreamerEnv,
    DreamerModelLoss,
    DreamerValueLoss,
    ModuleSequential,
    ValueEstimators,
)

pytestmark = pytest.mark.usefixtures("torch_float64")


# The world model


MODEL = [{}, {"free_nats": 1.3}, {"delayed_clamp": True}, {"free_nats": 1.3, "delayed_clamp": True},
         {"free_nats": 0.5, "global_average": True}, {"free_nats": 0, "lambda_kl": 0.5, "lambda_reco": 2.0},
         {"free_nats": 0.4, "global_average": True, "delayed_clamp": True, "reward_loss": "l1"},
         {"reco_loss": "l1", "reward_loss": "smooth_l1", "lambda_reco": 2.0, "lambda_reward": 3.0},
         {"reco_loss": "smooth_l1", "global_average": True, "lambda_reco": 2.0}]


@pytest.mark.parametrize("options", MODEL, ids=str)
def test_model(options):
    module, their_module = dreamer_twins.world_models(dreamer_twins.Pieces())
    ours, theirs = DreamerModelLoss(module, **options), TorchModelLoss(their_module, **options)
    data = dreamer_twins.batch(3, 4)
    expected, their_data = theirs(twins.tensordict(data, [3, 4]))
    got = ours.value_and_grad(data)
    dreamer_twins.agree(ours, got, expected, "world_model", their_module)
    dreamer_twins.entries(got[0][1], their_data, [("next", name) for name in (
        "true_reward", "reward", "state", "belief", "prior_std", "posterior_mean", "reco_pixels")])
    again, made = ours(data)
    assert again == got[0][0] and made["next"].keys() == got[0][1]["next"].keys()


def test_the_divergence_is_trained_where_it_is_above_the_free_nats():
    """The options above leave none of the samples, some, and all of them below."""
    module, _ = dreamer_twins.world_models(dreamer_twins.Pieces())
    found = []
    for free_nats in (0, 1.3, 3):
        loss = DreamerModelLoss(module, free_nats=free_nats)
        (losses, _), gradients = loss.value_and_grad(dreamer_twins.batch(3, 4))
        found.append((losses["loss_model_kl"], gradients["loss_model_kl"]["world_model"]["1"]["0"]["0"]["bias"]))
    assert 1.3 < found[0][0] < found[1][0] < found[2][0] == 3
    assert not np.array_equal(found[0][1], found[1][1]) and found[1][1].any() and not found[2][1].any()


@pytest.mark.parametrize("reco_loss", ["l2", "l1"])
def test_torchrl_adds_up_a_batch_of_vectors(reco_loss):
    """Its sum over the last three axes, meant for images, of [B, T, O] leaves one number: B T times the mean."""
    module, their_module = dreamer_twins.world_models(dreamer_twins.Pieces(image=False))
    ours, theirs = DreamerModelLoss(module, reco_loss=reco_loss), TorchModelLoss(their_module, reco_loss=reco_loss)
    data = dreamer_twins.batch(3, 4, image=False)
    expected, _ = theirs(twins.tensordict(data, [3, 4]))
    expected["loss_model_reco"] = expected["loss_model_reco"] / (3 * 4)
    dreamer_twins.agree(ours, ours.value_and_grad(data), expected, "world_model", their_module)


# The critic


VALUE = [{}, {"discount_loss": False}, {"gamma": 0.5, "value_loss": "l2"}, {"value_loss": "smooth_l1"},
         {"value_loss": "l1", "gamma": 0.75}, {"value_loss": "l1", "discount_loss": False}]


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (4,)], ids=str)
@pytest.mark.parametrize("options", VALUE, ids=str)
def test_value(options, shape):
    module, their_module = dreamer_twins.values(dreamer_twins.Pieces())
    ours, theirs = DreamerValueLoss(module, **options), TorchValueLoss(their_module, **options)
    data = dreamer_twins.batch(*shape) | {"lambda_target": np.random.default_rng(1).normal(size=(*shape, 1))}
    expected, their_data = theirs(twins.tensordict(data, shape))
    got = ours.value_and_grad(data)
    dreamer_twins.agree(ours, got, expected, "value_model", their_module)
    assert got[0][1] is data and ours(data)[0] == got[0][0]
    twins.close(data["lambda_target"], their_data["lambda_target"])


# Together


def test_training():
    """20 times, the model learns from a batch, the actor from what it imagines, and the critic from that."""
    pieces = dreamer_twins.Pieces(2)
    (model, their_model), (value, their_value), (actor, their_actor), (env, their_env) = (
        make(pieces) for make in (dreamer_twins.world_models, dreamer_twins.values, dreamer_twins.actors,
                                  dreamer_twins.environments))
    theirs_of_env = dreamer_twins.named(their_env.world_model)
    in_env = {"0": "0", "1": "1", "3": "6"}  # dynamics, prior and reward, and where they stand in the model
    ours = (DreamerModelLoss(model, free_nats=0.5), DreamerActorLoss(actor, value, env, imagination_horizon=3),
            DreamerValueLoss(value, gamma=0.5))
    theirs = (TorchModelLoss(their_model, free_nats=0.5),
              TorchActorLoss(their_actor, their_value, their_env, imagination_horizon=3),
              TorchValueLoss(their_value, gamma=0.5))
    for loss, kinds, more in ((ours[1], ValueEstimators, {}), (theirs[1], TorchEstimators, {"time_dim": -2})):
        loss.make_value_estimator(kinds.TDLambda, gamma=0.5, lmbda=0.5, **more)
    modules = (their_model, their_actor, their_value)
    adams = [Adam(1e-2) for _ in ours]
    their_adams = [torch.optim.Adam(module.parameters(), lr=1e-2) for module in modules]
    for step in range(20):
        data, rng = dreamer_twins.batch(3, 2, seed=step), np.random.default_rng(step)
        td = twins.tensordict(data, [3, 2])
        for i, (loss, adam) in enumerate(zip(ours, adams, strict=True)):
            (_, made), gradients = loss.value_and_grad(data, rng)
            loss.parameters = adam.step(loss.parameters, loss.total(gradients))
            data = {name: made["next"][name].reshape(6, -1) for name in ("state", "belief")} if i == 0 else made
            if i == 0:
                trained = loss.parameters["world_model"]
                env.world_model.parameters = {name: trained[place] for name, place in in_env.items()}
        ours[1].value_model.parameters = ours[2].parameters["value_model"]
        with twins.draws(step):
            for i, (loss, adam) in enumerate(zip(theirs, their_adams, strict=True)):
                found, made = loss(td)
                adam.zero_grad()
                sum(found[name] for name in found.keys()).sum().backward()  # noqa: SIM118
                adam.step()
                td = made["next"].select("state", "belief").reshape(-1) if i == 0 else made
                if i == 0:
                    whole = dreamer_twins.named(their_model)
                    for place, x in theirs_of_env.items():
                        name, _, rest = place.partition(".")
                        x.data.copy_(whole[f"{in_env[name]}.{rest}"].data)
    for loss, module in zip(ours, modules, strict=True):
        for (place, x), (name, y) in zip(leaves(next(iter(loss.parameters.values()))),
                                         dreamer_twins.named(module).items(), strict=True):
            assert place == name
            np.testing.assert_allclose(x, y.detach(), rtol=1e-7, atol=1e-7, err_msg=place)


# Keys, and what is wrong


def test_keys():
    """torchrl's Dreamer losses have no in_keys and no out_keys; the names of tensor_keys are theirs."""
    pieces = dreamer_twins.Pieces()
    model = DreamerModelLoss(dreamer_twins.world_models(pieces)[0])
    actor, _ = dreamer_twins.actor_losses(2, "TD0", {})
    value = DreamerValueLoss(dreamer_twins.values(pieces)[0])
    assert model.in_keys == ["state", "belief", "action", ("next", "pixels"), "noise", ("next", "reward")]
    assert actor.in_keys == ["state", "belief"] and value.in_keys == ["state", "belief", "lambda_target"]
    for ours, theirs in ((model, TorchModelLoss), (actor, TorchActorLoss), (value, TorchValueLoss)):
        defaults = theirs.default_keys()
        assert ours.tensor_keys == {name: getattr(defaults, name) for name in ours.tensor_keys}
        assert set(ours.tensor_keys) == set(theirs.default_keys.__dataclass_fields__)


def test_other_keys():
    """The same numbers under other names."""
    pieces, data = dreamer_twins.Pieces(), dreamer_twins.batch(3, 4)
    module = dreamer_twins.world_models(pieces)[0]
    expected = DreamerModelLoss(module)(data)[0]
    model = DreamerModelLoss(module)
    model.set_keys(true_reward="seen")
    found, made = model(data)
    assert found == expected and np.array_equal(made["next"]["seen"], data["next"]["reward"])
    value = dreamer_twins.values(pieces)[0]
    data["lambda_target"] = data["next"]["reward"]
    expected = DreamerValueLoss(value)(data)[0]
    value.out_keys = [("critic", "value")]
    loss = DreamerValueLoss(value)
    loss.set_keys(value=("critic", "value"))
    assert loss(data)[0] == expected
    actor, _ = dreamer_twins.actor_losses(2, "TDLambda", {})
    expected = actor(dreamer_twins.start(3), np.random.default_rng(0))[0]
    actor, _ = dreamer_twins.actor_losses(2, "TDLambda", {})
    actor.value_model.out_keys, actor.value_model.in_keys = ["v"], ["state", "b"]
    chain = actor.model_based_env.world_model
    for part in (*chain.network.modules, chain, chain.network, actor.modules["actor_model"]):
        for keys in (vars(part)[name] for name in ("in_keys", "out_keys", "read", "written") if name in vars(part)):
            keys[:] = [{"belief": "b", "reward": ("r", "own")}.get(key, key) for key in keys]
    actor.set_keys(belief="b", reward=("r", "own"), value="v", done="stop")
    start = dreamer_twins.start(3)
    found, made = actor({"state": start["state"], "b": start["belief"]}, np.random.default_rng(0))
    assert found == expected and made["next"].keys() == {"state", "b", "r", "stop", "terminated"}


def test_a_world_model_without_noise():
    """A deterministic one: nothing is drawn for it."""
    ours, _ = dreamer_twins.actor_losses(2, "TD0", {})
    modules = ours.model_based_env.world_model.network.modules
    mean, reward = modules[1], modules[3]
    mean.out_keys[:] = ["state", "prior_std"]
    ours.model_based_env = DreamerEnv(ModuleSequential(modules[0], mean, reward))
    rng, same = np.random.default_rng(0), np.random.default_rng(0)
    ours(dreamer_twins.start(3), rng)
    same.normal(size=(2, 3, 2))
    assert rng.normal() == same.normal(), "two actions were drawn, and nothing else"


@pytest.mark.parametrize("wrong, error, message", [
    (lambda: dreamer_twins.actor_losses(0, "TD0", {}), ValueError, "imagination_horizon: expected 1 or more, got 0"),
    (lambda: dreamer_twins.actor_losses(2, "TD0", {})[0].make_value_estimator(ValueEstimators.GAE), NotImplementedError,
     "value_type: expected one of TD0, TD1, TDLambda for DreamerActorLoss, got GAE"),
    (lambda: dreamer_twins.actor_losses(2, "TD0", {})[0](dreamer_twins.start(3)), TypeError,
     "rng: expected a numpy.random.Generator, got NoneType"),
    (lambda: dreamer_twins.actor_losses(2, "TD0", {})[0]({"state": np.zeros((3, 3))}), KeyError,
     "data: expected an entry 'belief', got 'state'"),
    (lambda: DreamerEnv(dreamer_twins.values(dreamer_twins.Pieces())[0]), ValueError,
     r"world_model: expected 'action' among its in_keys, got \['state', 'belief'\]"),
    (lambda: DreamerActorLoss(*dreamer_twins.values(dreamer_twins.Pieces()), None), TypeError,
     "actor_model: expected a ProbabilisticActor, of rlref.distributions.delta if it is deterministic, got Module"),
    (lambda: DreamerValueLoss(dreamer_twins.values(dreamer_twins.Pieces())[0], value_loss="l3")(
        dreamer_twins.batch(3, 4) | {"lambda_target": np.zeros((3, 4, 1))}), ValueError, "loss_function: expected"),
    (lambda: DreamerValueLoss(dreamer_twins.values(dreamer_twins.Pieces())[0])(dreamer_twins.batch(3, 4)), KeyError,
     "data: expected an entry 'lambda_target'"),
    (lambda: DreamerModelLoss(dreamer_twins.values(dreamer_twins.Pieces())[0])(dreamer_twins.batch(3, 4)), KeyError,
     r"data: expected an entry \('next', 'reward'\), got 'state_value'"),
])
def test_what_is_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
