"""Soft update of a target network: its parameters follow slowly (Polyak averaging).

    theta' <- tau theta + (1 - tau) theta'                                       (1)

Source    Lillicrap et al. 2016, arXiv:1509.02971, section 3, an equation without a number, and Algorithm 1.
Masks     None. All that the network is made of follows, running statistics too.
Limits    tau = 1: theta' = theta, the hard update.  tau = 0: nothing changes.  While theta stands still, theta' - theta
          shrinks by 1 - tau each time.
TorchRL   SoftUpdate(tau=tau), or SoftUpdate(eps=1 - tau).
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
def loop(params, target_params, *, tau) -> Updated:
    """(1), one parameter at a time."""
    return Updated(tau * params + (1 - tau) * target_params)                     # (1)


@contract.vectorized
def vectorized(params, target_params, *, tau) -> Updated:
    """(1) for all parameters at once."""
    return Updated(tau * params + (1 - tau) * target_params)                     # (1)


@contract.vectorized
def vjp(cotangent: Updated, params, target_params, *, tau) -> Gradient:
    """(1) is linear."""
    return Gradient(tau * cotangent.target_params, (1 - tau) * cotangent.target_params)
