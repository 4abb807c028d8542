"""KLPENPPOLoss against torchrl's, and what it does otherwise: when beta is adapted, and which one a gradient has."""

from __future__ import annotations

import numpy as np
import policy_gradient_twins as pg
import pytest
import torch_twins as twins

from rlref.networks import leaves

# What torchrl's forward does to beta comes out as a divergence below: here its factors are 1.
STILL = {"increment": 1.0, "decrement": 1.0}
OPTIONS = [{"beta": 0.5}, {"entropy_bonus": False, "critic_coeff": 0.5}, {"reduction": "sum", "clip_value": 0.5},
           {"reduction": "none"}, {"normalize_advantage": True, "loss_critic_type": "l2"}, {"delay_actor": True},
           {"delay_actor": True, "max_importance_ratio": 1.25, "beta": 2.0}]
pytestmark = pytest.mark.usefixtures("torch_float64")


@pytest.mark.parametrize("shape", [(6,), (4, 3)], ids=str)
@pytest.mark.parametrize("kind", pg.KINDS)
def test_policies(kind, shape):
    ours, theirs = pg.pair("KLPENPPOLoss", kind, samples_mc_entropy=2, samples_mc_kl=3, **STILL)
    assert ours.out_keys == theirs.out_keys and set(ours.in_keys) == set(theirs.in_keys)
    got = pg.same(ours, theirs, pg.batch(kind, shape))
    assert got["kl"].shape == (*shape, 1) and got["kl"].mean() > 0.01


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options(options):
    ours, theirs = pg.pair("KLPENPPOLoss", "normal", **STILL, **options)
    if options.get("delay_actor"):
        twins.move_targets(ours, theirs)
    assert ours.out_keys == theirs.out_keys
    pg.same(ours, theirs, pg.batch("normal", (4, 3)))


def divergence(kind="normal", **options):
    """A batch and its mean divergence."""
    data = pg.batch(kind, (6,))
    return data, float(pg.pair("KLPENPPOLoss", kind, **options)[0](data)["kl"].mean())


@pytest.mark.parametrize("options", [{}, {"delay_actor": True}], ids=str)
@pytest.mark.parametrize("of_target, factor", [(1.6, 3.0), (1.4, 1.0), (0.7, 1.0), (0.6, 0.25)])
def test_beta_is_adapted_when_asked(of_target, factor, options):
    """As in the paper where the divergence is 1.5 times too large or too small; the loss itself leaves it alone."""
    ours, theirs = pg.pair("KLPENPPOLoss", "normal", increment=3.0, decrement=0.25, beta=0.5, **options)
    data = pg.batch("normal", (6,))
    if options:
        twins.move_targets(ours, theirs)
    target = ours(data)["kl"].mean() / of_target
    ours.dtarg = theirs.dtarg = target
    ours(data)
    ours.value_and_grad(data)
    assert ours.beta == 0.5
    assert ours.update_beta(data) == ours.beta == factor * 0.5
    theirs(twins.tensordict(data, [6]))
    assert theirs.beta.item() == ours.beta
    assert ours.update_beta(data) == factor**2 * 0.5
    ours.reset()
    assert ours.beta == 0.5


def test_the_gradient_has_the_beta_of_the_loss():
    """torchrl changes beta between the two, so that its gradient is that of another loss, with twice the penalty."""
    data, kl = divergence()
    ours, theirs = pg.pair("KLPENPPOLoss", "normal", dtarg=kl / 2)
    got, expected, gradients = pg.run(ours, theirs, data)
    twins.same_outputs(got, expected, got)
    twice, _ = pg.pair("KLPENPPOLoss", "normal", dtarg=kl / 2, beta=2.0)
    pg.same_gradients(ours, theirs, expected, twice.value_and_grad(data)[1])
    with pytest.raises(AssertionError, match="loss_objective by actor_network"):
        pg.same_gradients(ours, theirs, expected, gradients)


def test_the_gradient_is_that_of_the_loss():
    """By differences of the loss itself, beta being what it is."""
    data, kl = divergence()
    ours, _ = pg.pair("KLPENPPOLoss", "normal", dtarg=kl / 2)
    bias = ours.parameters["actor_network"]["0"]["2"]["bias"]
    by = ours.value_and_grad(data)[1]["loss_objective"]["actor_network"]["0"]["2"]["bias"]
    for i in range(bias.size):
        around = []
        for step in (1e-5, -1e-5):
            bias[i] += step
            around.append(ours(data)["loss_objective"])
            bias[i] -= step
        assert (around[0] - around[1]) / 2e-5 == pytest.approx(by[i], rel=1e-7)


def test_torchrl_adapts_in_every_forward():
    """Ten evaluations divide its beta by 1024, as nothing has moved: even those that no update follows."""
    ours, theirs = pg.pair("KLPENPPOLoss", "normal", delay_actor=True)
    data = pg.batch("normal", (6,))
    for _ in range(10):
        ours(data)
        theirs(twins.tensordict(data, [6]))
    assert ours.beta == 1.0 and theirs.beta.item() == 2.0**-10


def test_padding_has_no_part_in_the_divergence():
    """torchrl's mean is over padding, too: here that is far from the policy, and beta grows where it should not."""
    data, kl = divergence()
    ours, theirs = pg.pair("KLPENPPOLoss", "normal", dtarg=kl)
    far = {name: np.concatenate([x, x]) for name, x in data.items() if name != "next"}
    far["loc"][6:] += 100.0
    far["next"] = {name: np.concatenate([x, x]) for name, x in data["next"].items()}
    far["collector"] = {"mask": np.arange(12) < 6}
    theirs(twins.tensordict(far, [12]))
    assert ours.update_beta(far) == 1.0 and theirs.beta.item() == 2.0


@pytest.mark.parametrize("kind", ["tanh_normal", "categorical"])
def test_training(kind):
    ours, theirs = pg.pair("KLPENPPOLoss", kind, beta=0.5, **STILL)
    twins.same_training(ours, theirs, [pg.batch(kind, (2, 4), seed, advantage=False) for seed in range(20)],
                        pg.networks(ours))


def test_training_with_beta_adapted():
    """Once every five steps, as policy updates have them; torchrl's is told."""
    ours, theirs = pg.pair("KLPENPPOLoss", "normal", delay_actor=True)
    theirs.increment = theirs.decrement = 1.0
    used = []
    for update in range(4):
        batches = [pg.batch("normal", (4,), 5 * update + step) for step in range(5)]
        twins.same_training(ours, theirs, batches, pg.networks(ours))
        used.append(ours.update_beta(batches[-1]))
        theirs.beta.fill_(used[-1])
    assert len(set(used)) > 1


@pytest.mark.parametrize("wrong, error, message", [
    (lambda: pg.pair("KLPENPPOLoss", increment=0.5), ValueError, "increment: expected a value >= 1, got 0.5"),
    (lambda: pg.pair("KLPENPPOLoss", decrement=1.5), ValueError, "decrement: expected a value <= 1, got 1.5"),
    (lambda: pg.pair("KLPENPPOLoss", beta=-1.0)[0](pg.batch("categorical", (3,))), ValueError, "beta: expected"),
    (lambda: pg.pair("KLPENPPOLoss", "masked")[0]({name: x for name, x in pg.batch("masked", (3,)).items()
                                                   if name != "logits"}), KeyError,
     "data: expected an entry 'logits'"),
])
def test_what_is_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()


def test_the_same_arrays_are_left_alone():
    ours, _ = pg.pair("KLPENPPOLoss", "normal")
    before = [np.array(x) for _, x in leaves(ours.parameters)]
    ours.update_beta(pg.batch("normal", (3,)))
    assert all(np.array_equal(x, y) for x, (_, y) in zip(before, leaves(ours.parameters), strict=True))
