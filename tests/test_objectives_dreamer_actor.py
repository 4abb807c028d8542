"""DreamerActorLoss against torchrl's: its loss, what is imagined, and the gradient of every parameter.

torchrl's actor imagines in its real environment, by its real rollout, and autograd goes back through all of it. Its
returns ignore lambda: ``time_dim=-2``, which nobody is told to give, or the formula written down here, puts them right.
"""

from __future__ import annotations

import dreamer_twins
import numpy as np
import pytest
import torch
import torch_twins as twins

from rlref.objectives import DreamerActorLoss, ValueEstimators

pytestmark = pytest.mark.usefixtures("torch_float64")


def imagined(ours, theirs, start, seed=3):
    got = ours.value_and_grad(start, np.random.default_rng(seed))
    with twins.draws(seed):
        return got, theirs(twins.tensordict(start, start["state"].shape[:-1]))


def compare(ours, theirs, start):
    """Everything of both."""
    got, (expected, fake) = imagined(ours, theirs, start)
    dreamer_twins.agree(ours, got, expected, "actor_model", theirs.actor_model)
    dreamer_twins.entries(got[0][1], fake, ["state", "belief", "action", "lambda_target", *(
        ("next", name) for name in ("state", "belief", "reward", "done", "terminated"))])
    expected["loss_actor"].backward()
    held = [*theirs.value_model.parameters(), *theirs.model_based_env.parameters()]
    assert all(x.grad is None for x in held) and all(x.grad is not None for x in theirs.actor_model.parameters())


@pytest.mark.parametrize("estimator, lmbda", [("TD0", None), ("TD1", None), ("TDLambda", 0.5), ("TDLambda", 1.0)])
@pytest.mark.parametrize("shape, horizon, options", [((3,), 4, {}), ((2, 3), 3, {"discount_loss": False}),
                                                     ((2,), 1, {})], ids=str)
def test_actor(estimator, lmbda, shape, horizon, options):
    """gamma and lambda are exact in float32, in which torchrl keeps them."""
    hyper = {"gamma": 0.5} | ({} if lmbda is None else {"lmbda": lmbda})
    ours, theirs = dreamer_twins.actor_losses(horizon, estimator, hyper, **options)
    compare(ours, theirs, dreamer_twins.start(*shape))


def put_right(theirs, lmbda, horizon, gamma):
    """torchrl's returns by the formula, Hafner et al. 2021, eq. 4, and its discount in float64."""
    def lambda_target(reward, value):
        later, found = value[..., -1, :], []
        for t in reversed(range(horizon)):
            later = reward[..., t, :] + gamma * ((1 - lmbda) * value[..., t, :] + lmbda * later)
            found.insert(0, later)
        return torch.stack(found, -2)

    theirs.lambda_target = lambda_target
    theirs.value_estimator.gamma = torch.tensor(gamma)


@pytest.mark.parametrize("lmbda", [None, 0.0, 0.3])
def test_actor_with_any_gamma_and_lambda(lmbda):
    """Where there is None, by default: 0.99, 0.95, 15 steps."""
    horizon, hyper = (15, {}) if lmbda is None else (3, {"gamma": 0.9, "lmbda": lmbda})
    ours, theirs = dreamer_twins.actor_losses(horizon, "TDLambda", hyper)
    if lmbda is None:
        ours = DreamerActorLoss(ours.modules["actor_model"], ours.value_model, ours.model_based_env)
    put_right(theirs, hyper.get("lmbda", 0.95), horizon, hyper.get("gamma", 0.99))
    compare(ours, theirs, dreamer_twins.start(2))


def test_torchrl_ignores_lambda():
    """It takes the last axis, of size 1, for time: its target is TD(0)'s whatever lambda is."""
    ours, theirs = dreamer_twins.actor_losses(4, "TDLambda", {"gamma": 0.5, "lmbda": 0.5}, right={})
    got, (expected, _) = imagined(ours, theirs, dreamer_twins.start(3))
    assert abs(got[0][0]["loss_actor"] - expected["loss_actor"].item()) > 0.01
    ours.make_value_estimator(ValueEstimators.TD0, gamma=0.5)
    compare(ours, theirs, dreamer_twins.start(3))


def test_torchrl_has_no_lambda_of_0():
    ours, theirs = dreamer_twins.actor_losses(4, "TDLambda", {"gamma": 0.5, "lmbda": 0.0})
    with pytest.raises(IndexError):
        theirs(twins.tensordict(dreamer_twins.start(3), [3]))
    found, _ = ours(dreamer_twins.start(3), np.random.default_rng(0))
    ours.make_value_estimator(ValueEstimators.TD0, gamma=0.5)
    assert found == ours(dreamer_twins.start(3), np.random.default_rng(0))[0]


def test_torchrl_discounts_in_float32():
    """Where that is torch's default, whatever the networks are in."""
    torch.set_default_dtype(torch.float32)
    ours, theirs = dreamer_twins.actor_losses(4, "TDLambda", {"gamma": 0.9, "lmbda": 0.5}, right={})
    gamma = theirs.value_estimator.gamma
    put_right(theirs, 0.5, 4, 0.9)
    theirs.value_estimator.gamma = gamma
    got, (expected, _) = imagined(ours, theirs, dreamer_twins.start(3))
    assert 1e-10 < abs(got[0][0]["loss_actor"] / expected["loss_actor"].item() - 1) < 1e-6
