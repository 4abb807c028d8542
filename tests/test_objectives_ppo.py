"""PPOLoss against torchrl's: losses, what is reported, the gradient of every parameter, and training."""

from __future__ import annotations

import numpy as np
import policy_gradient_twins as pg
import pytest
import torch
import torch_twins as twins
from torchrl.objectives import PPOLoss as TorchPPOLoss

from rlref.objectives import PPOLoss

OPTIONS = [{"entropy_bonus": False}, {"entropy_coeff": 0.0}, {"critic_coeff": 0.5, "loss_critic_type": "l2"},
           {"reduction": "sum", "loss_critic_type": "l1"}, {"reduction": "none", "entropy_coeff": 0.25},
           {"clip_value": 0.5}, {"clip_value": 0.25, "critic_coeff": 2.0, "loss_critic_type": "l2", "reduction": "sum"},
           {"clip_value": 0.0}, {"log_explained_variance": False}, {"normalize_advantage": True},
           {"normalize_advantage": True, "normalize_advantage_exclude_dims": (0,)},
           {"normalize_advantage": True, "normalize_advantage_exclude_dims": (-1, 1)}, {"delay_actor": True},
           {"max_importance_ratio": 1.25}, {"max_importance_ratio": 1.25, "delay_actor": True}]
pytestmark = pytest.mark.usefixtures("torch_float64")


@pytest.mark.parametrize("shape", [(6,), (4, 3)], ids=str)
@pytest.mark.parametrize("kind", pg.KINDS)
def test_policies(kind, shape):
    ours, theirs = pg.pair("PPOLoss", kind, samples_mc_entropy=3)
    pg.same(ours, theirs, pg.batch(kind, shape))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options(options):
    ours, theirs = pg.pair("PPOLoss", "normal", **options)
    if options.get("delay_actor"):
        twins.move_targets(ours, theirs)
    assert ours.out_keys == theirs.out_keys and set(ours.in_keys) == set(theirs.in_keys)
    got = pg.same(ours, theirs, pg.batch("normal", (4, 3)))
    assert ours.out_keys != ["loss_objective"] and set(ours.out_keys) <= set(got)


@pytest.mark.parametrize("critic, coeff", [(True, 0), (True, 0.0), (False, None), (False, 0.0)])
def test_without_the_critic(critic, coeff):
    """torchrl promises a loss_critic all the same, so that it cannot be called with keyword arguments."""
    ours, theirs = pg.pair("PPOLoss", critic=critic, critic_coeff=coeff)
    assert "loss_critic" not in pg.same(ours, theirs, pg.batch("categorical", (5,)))
    assert theirs.out_keys == [*ours.out_keys, "loss_critic"]
    assert (set(ours.in_keys) ^ set(theirs.in_keys)) == set()


def test_no_critic_coeff_is_1():
    """As torchrl's code has it; its documentation says that None leaves the critic's loss out."""
    for loss in pg.pair("PPOLoss", critic_coeff=None):
        assert loss.critic_coeff == 1.0 and "loss_critic" in loss.out_keys


@pytest.mark.parametrize("size", [1, 2])
def test_a_single_advantage_is_not_normalized(size):
    ours, theirs = pg.pair("PPOLoss", normalize_advantage=True)
    pg.same(ours, theirs, pg.batch("categorical", (size,)))


def test_normalized_in_shifted_batches():
    """Over the steps that are kept, with ddof = 0. torchrl's losses take such batches, but cannot make them."""
    ours, theirs = pg.pair("PPOLoss", "normal", normalize_advantage=True)
    for loss in (ours, theirs):
        loss.value_estimator.shifted = True
    data = pg.batch("normal", (4, 6), advantage=False)
    data["next"]["done"][:, 2], data["next"]["terminated"][:, 2] = True, False
    with pytest.raises(ValueError, match="cannot be retrieved in a single call"):
        theirs(twins.tensordict(data, [4, 6]))
    losses, gradients = ours.value_and_grad(data)
    data = ours.completed(data)
    assert not data["shifted_valid"].all()
    got, expected, again = pg.run(ours, theirs, data)
    names = [name for name in got if name.startswith("loss")]
    twins.same_outputs(got, expected, names)
    assert [got[name] for name in names] == [losses[name] for name in names]
    for found in (gradients, again):
        pg.same_gradients(ours, theirs, expected, found)


def test_the_limit_of_the_ratio():
    """Where it acts the ratio is the limit, and its gradient is that of the limit, not 0."""
    ours, _ = pg.pair("PPOLoss", max_importance_ratio=2.0, entropy_bonus=False, critic_coeff=0)
    data = pg.batch("categorical", (3,)) | {"advantage": np.ones((3, 1)), "action_log_prob": np.full(3, -50.0)}
    losses, gradients = ours.value_and_grad(data)
    assert losses["loss_objective"] == pytest.approx(-2.0, rel=1e-12)
    a2c = pg.pair("A2CLoss", entropy_bonus=False)[0].value_and_grad(data)[1]
    bias = ["loss_objective", "actor_network", "2", "bias"]
    for key in bias:
        gradients, a2c = gradients[key], a2c[key]
    np.testing.assert_allclose(gradients, 2 * a2c, rtol=1e-12)


def test_a_ratio_that_float64_does_not_hold():
    """Where the advantage is 0 the objective is 0: torchrl's is inf * 0, NaN, and so is its gradient."""
    ours, theirs = pg.pair("PPOLoss", "normal")
    data = pg.batch("normal", (4,))
    data["action_log_prob"][1], data["advantage"][1] = -800.0, 0.0
    got, expected, gradients = pg.run(ours, theirs, data)
    assert torch.isnan(expected["loss_objective"])
    without = {name: np.delete(x, 1, 0) for name, x in data.items() if name != "next"}
    rest, of_rest = ours.value_and_grad(without | {"next": data["next"]})
    np.testing.assert_allclose(got["loss_objective"], 0.75 * rest["loss_objective"], rtol=1e-12)
    for (name, x), (_, y) in zip(twins.leaves(gradients["loss_objective"]), twins.leaves(of_rest["loss_objective"]),
                                 strict=True):
        np.testing.assert_allclose(x, 0.75 * y, rtol=1e-9, err_msg=name)


def test_constants_are_what_they_were_given_as():
    """Made in float32, torch's default, torchrl's coefficients are rounded to it: 0.01 is off by 2.235e-8 of itself."""
    torch.set_default_dtype(torch.float32)
    ours, theirs = pg.pair("PPOLoss")
    got, expected, _ = pg.run(ours, theirs, pg.batch("categorical", (4,)))
    assert abs(expected["loss_entropy"].item() / got["loss_entropy"] - 1) == pytest.approx(2.235e-8, rel=1e-3)


@pytest.mark.parametrize("options", [{}, {"delay_actor": True, "max_importance_ratio": 1.25,
                                          "normalize_advantage": True}], ids=str)
def test_training(options):
    ours, theirs = pg.pair("PPOLoss", "tanh_normal", entropy_coeff=0.25, **options)
    twins.same_training(ours, theirs, [pg.batch("tanh_normal", (2, 4), seed, advantage=False) for seed in range(20)],
                        pg.networks(ours))


@pytest.mark.parametrize("wrong, error, message", [
    (lambda: pg.pair("PPOLoss", max_importance_ratio=0.0), ValueError,
     "max_importance_ratio: expected None or a value > 0, got 0.0"),
    (lambda: PPOLoss(pg.actors("normal")[0], critic_coeff=0.5), ValueError,
     "critic_network: expected a network for critic_coeff = 0.5, got None"),
    (lambda: PPOLoss(pg.actors("normal")[0])(pg.batch("normal", (3,), advantage=False)), ValueError,
     "critic_network: expected a network, or an entry 'advantage' in data, got neither"),
    (lambda: pg.pair("PPOLoss", clip_value=True), ValueError, "clip_value: expected a number or None, got True"),
    (lambda: pg.pair("PPOLoss", clip_value=-0.5)[0](pg.batch("categorical", (3,))), ValueError, "clip_value: expected"),
    (lambda: pg.pair("PPOLoss", entropy_coeff=-1.0)[0](pg.batch("categorical", (3,))), ValueError,
     "entropy_coeff: expected"),
    (lambda: pg.pair("PPOLoss", "tanh_normal", samples_mc_entropy=0)[0](
        pg.batch("tanh_normal", (3,)), np.random.default_rng(0)), ValueError,
     "samples: expected an integer >= 1, got 0"),
    (lambda: pg.pair("PPOLoss", "tanh_normal")[0](pg.batch("tanh_normal", (3,))), TypeError,
     "rng: expected a numpy.random.Generator, got NoneType"),
    (lambda: pg.pair("PPOLoss", normalize_advantage=True, normalize_advantage_exclude_dims=(2,))[0](
        pg.batch("categorical", (3,))), ValueError,
     r"normalize_advantage_exclude_dims: expected axes of shape \(3, 1\), got 2"),
    (lambda: pg.pair("PPOLoss")[0](pg.batch("categorical", (3,)) | {"action_log_prob": np.zeros(2)}), ValueError,
     r"action_log_prob: expected shape \(3,\) or \(3, 1\), got \(2,\)"),
    (lambda: TorchPPOLoss(pg.actors("normal")[1], None, critic_coeff=0.5), TypeError, "critic_network"),
])
def test_what_is_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
