"""ReinforceLoss against torchrl's: losses, what is reported, the gradient of every parameter, and training."""

from __future__ import annotations

import policy_gradient_twins as pg
import pytest
import torch_twins as twins

OPTIONS = [{"loss_critic_type": "l2"}, {"loss_critic_type": "l1", "reduction": "sum"}, {"clip_value": 0.25},
           {"reduction": "none", "clip_value": 0.5}, {"delay_value": True}]
pytestmark = pytest.mark.usefixtures("torch_float64")


@pytest.mark.parametrize("shape", [(6,), (4, 3)], ids=str)
@pytest.mark.parametrize("kind", pg.KINDS)
def test_policies(kind, shape):
    ours, theirs = pg.pair("ReinforceLoss", kind)
    assert ours.out_keys == theirs.out_keys and set(ours.in_keys) == set(theirs.in_keys)
    pg.same(ours, theirs, pg.batch(kind, shape))


@pytest.mark.parametrize("advantage", [True, False])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options(options, advantage):
    ours, theirs = pg.pair("ReinforceLoss", "normal", **options)
    if options.get("delay_value"):
        twins.move_targets(ours, theirs)
    pg.same(ours, theirs, pg.batch("normal", (4, 3), advantage=advantage))


@pytest.mark.parametrize("kind, options", [("tanh_normal", {"delay_value": True}), ("masked", {"clip_value": 0.25})],
                         ids=str)
def test_training(kind, options):
    ours, theirs = pg.pair("ReinforceLoss", kind, **options)
    twins.same_training(ours, theirs, [pg.batch(kind, (2, 4), seed, advantage=seed % 2) for seed in range(20)],
                        pg.networks(ours))
