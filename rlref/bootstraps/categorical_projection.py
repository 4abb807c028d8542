"""Categorical projection: the distribution of r + gamma z, brought back onto the atoms z (C51).

    y_j = r_t + gamma_t (1 - terminated_t) z_j, clipped to [z_1, z_K]            (1)
    l   = the largest index below K with z_l <= y_j                              (2)
    u   = (y_j - z_l) / (z_{l+1} - z_l)                                          (3)
    m_i = sum over j of p_j ((1 - u) [i = l] + u [i = l + 1])                    (4)

Source    Bellemare et al. 2017, arXiv:1707.06887, eq. 7 and Algorithm 1, for equal gaps: there b = (y - z_1) / gap, and
          the weights are those of (4). Algorithm 1 as printed loses p_j where b is an integer: both weights are 0.
          Gaps of any size as in Rowland et al. 2018, arXiv:1802.08163.
Masks     terminated leaves r alone in (1): then all of p is projected where r is.
Limits    m adds up to what p adds up to.  r = 0, gamma = 1: m = p.  Nothing clipped: the mean of m is r + gamma times
          that of p, or r.
TorchRL   DistributionalDQNLoss, inside its forward: (2) and (3) by b, for equal gaps.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract

_BLOCK = 512  # samples: 200 kB an array of 51 atoms, which stays in the cache


class TargetProbs(NamedTuple):
    """The probability of each atom in the target, [T, *B, K]."""

    target_probs: np.ndarray


class Gradient(NamedTuple):
    """The derivative by the differentiable input, [T, *B, K]."""

    next_atom_probs: np.ndarray


@contract.per_sample
def loop(next_atom_probs, reward, terminated, *, gamma, support) -> TargetProbs:
    """(1)-(4), one atom at a time."""
    target_probs = [0] * len(support)
    for probability, atom in zip(next_atom_probs, support, strict=True):
        y = reward if terminated else reward + gamma * atom                      # (1)
        y = min(max(y, support[0]), support[-1])
        lower = 0
        while lower + 2 < len(support) and support[lower + 1] <= y:
            lower += 1                                                           # (2)
        u = (y - support[lower]) / (support[lower + 1] - support[lower])         # (3)
        target_probs[lower] += probability * (1 - u)                             # (4)
        target_probs[lower + 1] += probability * u
    return TargetProbs(target_probs)


@contract.vectorized
def vectorized(next_atom_probs, reward, terminated, *, gamma, support) -> TargetProbs:
    """(4) for a block of samples at once: every sample has a row of bins of its own."""
    target_probs = np.empty(next_atom_probs.shape)
    p, m = (x.reshape(-1, support.size) for x in (next_atom_probs, target_probs))
    for block, lower, u in _landed(reward, terminated, gamma, support):
        lower += np.arange(0, lower.size, support.size)[:, None]
        above = p[block] * u
        below = p[block] - above
        flat = np.bincount(lower.ravel(), below.ravel(), lower.size)
        flat[1:] += np.bincount(lower.ravel(), above.ravel(), lower.size)[:-1]   # l is never the last of a row
        m[block] = flat.reshape(-1, support.size)
    return TargetProbs(target_probs)


@contract.vectorized
def vjp(cotangent: TargetProbs, next_atom_probs, reward, terminated, *, gamma, support) -> Gradient:
    """The transpose of (4): each atom reads, from the two bins that it went to, their cotangents."""
    gradient = np.empty(next_atom_probs.shape)
    by_m, by_p = (x.reshape(-1, support.size) for x in (cotangent.target_probs, gradient))
    for block, lower, u in _landed(reward, terminated, gamma, support):
        lower += np.arange(0, lower.size, support.size)[:, None]
        by_p[block] = (1 - u) * by_m[block].take(lower) + u * by_m[block].take(lower + 1)
    return Gradient(gradient)


def _landed(reward, terminated, gamma, support):
    """Blocks of samples that stay in the cache, with l and u of (2) and (3) for each of their atoms."""
    gaps, inner = np.diff(support), support[1:-1]
    discount, reward = np.where(terminated, 0.0, gamma).reshape(-1, 1), reward.reshape(-1, 1)
    for block in (slice(i, i + _BLOCK) for i in range(0, len(reward), _BLOCK)):
        with np.errstate(over="ignore"):  # of what is then clipped
            u = discount[block] * support + reward[block]                        # (1)
        np.clip(u, support[0], support[-1], out=u)
        lower = np.searchsorted(inner, u, side="right")                          # (2)
        u -= support[lower]
        u /= gaps[lower]                                                         # (3)
        yield block, lower, u
