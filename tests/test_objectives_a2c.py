"""A2CLoss against torchrl's: losses, what is reported, the gradient of every parameter, and training."""

from __future__ import annotations

import policy_gradient_twins as pg
import pytest
import torch_twins as twins

pytestmark = pytest.mark.usefixtures("torch_float64")

OPTIONS = [{"entropy_bonus": False}, {"entropy_coeff": 0.0}, {"entropy_coeff": 0.25, "critic_coeff": 0.5},
           {"critic_coeff": None}, {"critic_coeff": 0.0}, {"critic_coeff": 0.0, "clip_value": 0.5},
           {"loss_critic_type": "l1", "reduction": "sum"}, {"reduction": "none", "clip_value": 0.25},
           {"loss_critic_type": "l2", "critic_coeff": 2.0, "clip_value": 0.5}]


@pytest.mark.parametrize("shape", [(6,), (4, 3)], ids=str)
@pytest.mark.parametrize("kind", pg.KINDS)
def test_policies(kind, shape):
    ours, theirs = pg.pair("A2CLoss", kind, samples_mc_entropy=3)
    assert ours.out_keys == theirs.out_keys and set(ours.in_keys) == set(theirs.in_keys)
    pg.same(ours, theirs, pg.batch(kind, shape))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options(options):
    ours, theirs = pg.pair("A2CLoss", "normal", **options)
    assert ours.out_keys == theirs.out_keys and set(ours.in_keys) == set(theirs.in_keys)
    pg.same(ours, theirs, pg.batch("normal", (4, 3)))


@pytest.mark.parametrize("kind", ["tanh_normal", "one_hot_categorical"])
def test_training(kind):
    ours, theirs = pg.pair("A2CLoss", kind, clip_value=0.25)
    twins.same_training(ours, theirs, [pg.batch(kind, (2, 4), seed, advantage=seed % 2) for seed in range(20)],
                        pg.networks(ours))
