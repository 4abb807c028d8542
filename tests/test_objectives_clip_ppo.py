"""ClipPPOLoss against torchrl's: losses, what is reported, the gradient of every parameter, and training."""

from __future__ import annotations

import numpy as np
import policy_gradient_twins as pg
import pytest
import torch
import torch_twins as twins

from rlref.objectives import ClipPPOLoss

OPTIONS = [{"entropy_bonus": False}, {"critic_coeff": 0.5, "loss_critic_type": "l2"}, {"clip_epsilon": (0.25, 0.5)},
           {"clip_epsilon": (0.25, 0.5), "clip_value": 0.25}, {"clip_value": True}, {"clip_value": False},
           {"clip_epsilon": 1.0, "reduction": "sum"}, {"reduction": "none", "clip_value": 0.5},
           {"log_explained_variance": False, "entropy_coeff": 0.25}, {"normalize_advantage": True},
           {"delay_actor": True}, {"max_importance_ratio": 1.25},
           {"delay_actor": True, "max_importance_ratio": 1.25, "clip_epsilon": (0.25, 0.5)}]
pytestmark = pytest.mark.usefixtures("torch_float64")


@pytest.mark.parametrize("shape", [(6,), (4, 3), (3, 2, 2)], ids=str)
@pytest.mark.parametrize("kind", pg.KINDS)
def test_policies(kind, shape):
    ours, theirs = pg.pair("ClipPPOLoss", kind, samples_mc_entropy=2)
    got = pg.same(ours, theirs, pg.batch(kind, shape))
    assert got["ESS"].shape == shape[1:] and got["clip_fraction"] > 0


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options(options):
    ours, theirs = pg.pair("ClipPPOLoss", "normal", **options)
    if options.get("delay_actor"):
        twins.move_targets(ours, theirs)
    assert ours.out_keys == theirs.out_keys and set(ours.in_keys) == set(theirs.in_keys)
    assert set(ours.out_keys) <= set(pg.same(ours, theirs, pg.batch("normal", (4, 3))))


def test_without_the_critic():
    ours, theirs = pg.pair("ClipPPOLoss", critic=False, clip_value=0.5)
    got = pg.same(ours, theirs, pg.batch("categorical", (5,)))
    assert set(theirs.out_keys) - set(ours.out_keys) == {"loss_critic", "value_clip_fraction"}, "it has neither"
    assert set(ours.out_keys) == set(got)


def test_a_clip_of_more_than_1():
    """Then there is no lower bound. torchrl's is the logarithm of a negative number, and its loss NaN."""
    ours, theirs = pg.pair("ClipPPOLoss", clip_epsilon=1.5)
    data = pg.batch("categorical", (6,))
    got, expected, _ = pg.run(ours, theirs, data)
    _, above = pg.pair("ClipPPOLoss", clip_epsilon=(0.999999999, 1.5))  # torchrl refuses 1 in a pair
    assert torch.isnan(expected["loss_objective"])
    twins.same_outputs(got, above(twins.tensordict(data, [6])), got)


def test_a_ratio_that_float64_does_not_hold():
    """Where the objective is flat, so is its gradient: torchrl's is 0 * inf there, NaN by all parameters."""
    ours, theirs = pg.pair("ClipPPOLoss", "normal")
    data = pg.batch("normal", (4,))
    data["action_log_prob"][1], data["advantage"][1] = -800.0, 1.0
    got, expected, gradients = pg.run(ours, theirs, data)
    twins.close(got["loss_objective"], expected["loss_objective"])
    twins.close(got["clip_fraction"], expected["clip_fraction"])
    assert got["max_ratio"] == got["mean_ratio"] == np.inf and got["ESS"] == 0.25
    by = torch.autograd.grad(expected["loss_objective"], list(theirs.actor_network_params.values(True, True)))
    assert all(torch.isnan(x).any() for x in by)
    without = {name: np.delete(x, 1, 0) for name, x in data.items() if name != "next"}
    _, of_rest = ours.value_and_grad(without | {"next": data["next"]})
    for (name, x), (_, y) in zip(twins.leaves(gradients["loss_objective"]), twins.leaves(of_rest["loss_objective"]),
                                 strict=True):
        np.testing.assert_allclose(x, 0.75 * y, rtol=1e-9, err_msg=name)


def test_the_proximal_policy():
    """With a target that is the policy itself nothing is clipped, and the advantage has the weight of the ratio."""
    ours, _ = pg.pair("ClipPPOLoss", delay_actor=True)
    plain, _ = pg.pair("PPOLoss")
    data = pg.batch("categorical", (6,))
    got = ours(data)
    assert got["clip_fraction"] == got["kl_approx"] == 0.0
    np.testing.assert_allclose(got["loss_objective"], plain(data)["loss_objective"], rtol=1e-12)


@pytest.mark.parametrize("kind, options", [
    ("tanh_normal", {"clip_value": 0.25}), ("categorical", {"normalize_advantage": True, "clip_epsilon": (0.25, 0.5)}),
    ("normal", {"delay_actor": True, "max_importance_ratio": 1.25})], ids=str)
def test_training(kind, options):
    ours, theirs = pg.pair("ClipPPOLoss", kind, **options)
    batches = [pg.batch(kind, (2, 4), seed, advantage=seed % 2) for seed in range(20)]
    twins.same_training(ours, theirs, batches, pg.networks(ours))


@pytest.mark.parametrize("wrong, error, message", [
    (lambda: pg.pair("ClipPPOLoss", clip_epsilon=(0.1, 0.2), clip_value=True), ValueError,
     r"clip_value: expected a number beside clip_epsilon = \(0.1, 0.2\), got True"),
    (lambda: ClipPPOLoss(pg.actors("normal")[0], clip_epsilon=-0.5)(pg.batch("normal", (3,))), ValueError,
     "clip_epsilon: expected"),
    (lambda: ClipPPOLoss(pg.actors("normal")[0], clip_epsilon=(0.1, 0.2, 0.3))(pg.batch("normal", (3,))), ValueError,
     r"clip_epsilon: expected a scalar or shape \(2,\), got \(3,\)"),
    (lambda: ClipPPOLoss(pg.actors("normal")[0], gamma=0.9), TypeError, "gamma"),
])
def test_what_is_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
