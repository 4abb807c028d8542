"""What the tests of categorical distributions share."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.distributions import Categorical
from torchrl.modules import (
    MaskedCategorical,
    MaskedOneHotCategorical,
    OneHotCategorical,
)

from rlref.distributions import categorical, one_hot_categorical

MASK = np.array([[[1, 1, 1], [1, 0, 1]], [[0, 1, 1], [0, 0, 1]], [[1, 1, 0], [1, 1, 1]], [[1, 0, 0], [0, 1, 1]]]) > 0


def real(seed, shape=(4, 2, 3)):
    return np.random.default_rng(seed).standard_normal(shape)


LOGITS, OTHERS = real(8), real(9)
ACTION = np.array([[2, 0], [1, 2], [0, 1], [0, 2]])
ONE_HOT = np.eye(3, dtype=int)[ACTION]
MASKS = pytest.mark.parametrize("mask", [None, MASK], ids=["all-legal", "masked"])
FORMS = pytest.mark.parametrize("module, action", [(categorical, ACTION), (one_hot_categorical, ONE_HOT)],
                                ids=["index", "one-hot"])


def made(logits, mask, one_hot=False):
    """torchrl's own class for it."""
    if mask is None:
        return OneHotCategorical(logits=logits) if one_hot else Categorical(logits=logits)
    return (MaskedOneHotCategorical if one_hot else MaskedCategorical)(logits=logits, mask=torch.tensor(mask))
