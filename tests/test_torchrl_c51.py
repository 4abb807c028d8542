"""What torchrl 0.14.1 does that no vector can say: crashes, leaks to another sample, two answers to one question.

Each was measured; when torchrl mends one, its test fails and goes.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tensordict import TensorDict

from rlref.backends import _torchrl_c51 as ours
from rlref.bootstraps import categorical_projection


def target(support, reward, probs):
    """m as DistributionalDQNLoss makes it, in the dtype of ``probs``."""
    table = torch.nn.Parameter(torch.zeros(len(reward), 1, len(support), dtype=probs.dtype))
    never = torch.zeros(len(reward), dtype=torch.bool)
    loss = ours._loss(table, never.long(), probs, torch.tensor(reward, dtype=probs.dtype), never, 1.0,
                      torch.tensor(support, dtype=probs.dtype), one_hot=False)
    return -torch.autograd.grad(loss.sum(), table)[0][:, 0].numpy()


def test_float64_is_a_crash():
    probs = torch.full((2, 3), 1 / 3, dtype=torch.float64)
    with pytest.raises(RuntimeError, match="same scalar type"):
        target([0.0, 1.0, 2.0], [0.0, 0.0], probs)


def test_mass_at_the_top_goes_to_the_next_sample_or_crashes():
    support, probs = np.linspace(0.0, 0.3, 20), torch.full((2, 20), 0.05)
    mass = target(support, [9.0, -9.0], probs).sum(axis=1)
    assert mass[0] < 1 - 1e-6 and mass[1] > 1 + 1e-6
    own = categorical_projection.vectorized(probs.numpy(), [9.0, -9.0], [False] * 2, gamma=1.0, support=support)
    np.testing.assert_allclose(own.target_probs.sum(axis=1), 1, rtol=1e-6)
    with pytest.raises(IndexError):
        target(support, [0.0, 9.0], probs)


def test_a_batch_of_two_axes_is_refused_with_the_wrong_error():
    actor = ours.DistributionalQValueActor(
        ours.TensorDictModule(torch.nn.Linear(1, 6), ["state"], ["action_value"]), support=torch.arange(3.0),
        action_space="categorical")
    loss = ours.DistributionalDQNLoss(actor, gamma=0.9)
    with pytest.raises(AttributeError, match="___"):  # of {self.__class__.__name___} in the message of a RuntimeError
        loss(TensorDict({"state": torch.zeros(2, 2, 1)}, [2, 2]))


def test_a_mean_over_nothing_is_zero_or_nan():
    data = {"loss": torch.ones(2), "collector": {"mask": torch.zeros(2, dtype=torch.bool)}}
    assert ours._Reducer("mean")(TensorDict(data, [2])) == 0
    weighted = TensorDict(data | {"priority_weight": torch.ones(2)}, [2])
    assert ours._Reducer("mean")(weighted).isnan()
