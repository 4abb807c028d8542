"""Hard update of a target network: a copy, every so many updates.

    theta' <- theta  if k is a multiple of n, else theta'                        (1)

with k = 1, 2, ... the number of updates so far, this one included, and n the interval.

Source    Mnih et al. 2015, Nature 518, pages 529-533, Algorithm 1: in words, no equation, "every C steps reset Q^ = Q".
Masks     None. All that the network is made of is copied, running statistics too.
Limits    n = 1: theta' = theta always.  k < n: nothing has changed yet.
TorchRL   HardUpdate(value_network_update_interval=n), which copies every n + 1 updates.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract


class Updated(NamedTuple):
    """The parameters of the target network after the update, of their own shape."""

    target_params: np.ndarray


class Gradient(NamedTuple):
    """The derivative by each input, of their own shape."""

    params: np.ndarray
    target_params: np.ndarray


@contract.per_sample
def loop(params, target_params, *, step, interval) -> Updated:
    """(1), one parameter at a time."""
    return Updated(params if step % interval == 0 else target_params)            # (1)


@contract.vectorized
def vectorized(params, target_params, *, step, interval) -> Updated:
    """(1) for all parameters at once."""
    return Updated((params if step % interval == 0 else target_params).copy())   # (1)


@contract.vectorized
def vjp(cotangent: Updated, params, target_params, *, step, interval) -> Gradient:
    """All of the cotangent to the one that was taken."""
    none, all_of_it = np.zeros_like(params), cotangent.target_params.copy()
    return Gradient(all_of_it, none) if step % interval == 0 else Gradient(none, all_of_it)
