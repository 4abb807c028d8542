"""Known mistakes in projecting a target distribution onto the atoms (C51)."""

from __future__ import annotations

import numpy as np

from rlref.bootstraps.categorical_projection import TargetProbs
from rlref.conformance.mistakes import mistake

# As they are written, with b, l and u = l + 1: atom j of mass p gives (1 - share) p to atom l and share p to l + 1.


@mistake("both weights, u - b and b - l, are 0 where b is an integer and l = u: the mass on an atom is lost",
         "https://github.com/Curt-Park/rainbow-is-all-you-need/pull/76")
def c51_mass_lost_at_integer_b(right, x):
    lower, share = _neighbours(x, _landed(x))
    return _thrown(x["next_atom_probs"] * (share != 0) * (share != 1), lower, share)


@mistake("where b is an integer, l moves down and u moves up, and both get all of the mass",
         "https://github.com/younggyoseo/FastTD3/issues/29")
def c51_mass_doubled_at_integer_b(right, x):
    lower, share = _neighbours(x, _landed(x))
    last = x["support"].size - 1
    atom = lower + (share == 1)
    inside = ((share == 0) | (share == 1)) & (atom > 0) & (atom < last)
    probs = np.where(inside, x["next_atom_probs"], 0.0)
    once = _thrown(x["next_atom_probs"] - probs, lower, share).target_probs
    below, above = (_thrown(probs, np.clip(atom + by, 0, last - 1), 1.0 * (atom + by == last)).target_probs
                    for by in (-1, 1))
    return TargetProbs(once + below + above)


@mistake("r + gamma z is not clipped: beyond the outer atoms the weights extrapolate, one of them negative", "folklore")
def c51_support_not_clamped(right, x):
    return _thrown(x["next_atom_probs"], *_neighbours(x, _landed(x, clip=False)))


@mistake("what lands outside the support is dropped, not put on the outer atom", "folklore")
def c51_outside_dropped(right, x):
    y = _landed(x, clip=False)
    inside = (y >= x["support"][0]) & (y <= x["support"][-1])
    return _thrown(x["next_atom_probs"] * inside, *_neighbours(x, _landed(x)))


@mistake("a terminal step still projects r + gamma z, not r alone", "folklore")
def c51_terminal_keeps_support(right, x):
    return right(**x | {"terminated": np.zeros_like(x["terminated"])})


@mistake("m[l] = ... in place of m[l] += ...: of two atoms that meet in a bin, the later one overwrites", "folklore")
def c51_index_add_vs_assign(right, x):
    lower, share = _neighbours(x, _landed(x))
    m = np.zeros(lower.shape)
    for j in range(x["support"].size):
        for by, part in ((0, 1 - share), (1, share)):
            mass = (x["next_atom_probs"] * part)[..., j : j + 1]
            np.put_along_axis(m, lower[..., j : j + 1] + by, mass, axis=-1)
    return TargetProbs(m)


@mistake("the weights are swapped: the lower atom gets b - l, the upper one u - b", "folklore")
def c51_weights_swapped(right, x):
    lower, share = _neighbours(x, _landed(x))
    return _thrown(x["next_atom_probs"], lower, 1 - share)


@mistake("all of the mass goes to the nearest atom", "folklore")
def c51_nearest_atom(right, x):
    lower, share = _neighbours(x, _landed(x))
    return _thrown(x["next_atom_probs"], lower, np.rint(share))


@mistake("b = (y - v_min) / dz on a support whose gaps are not all dz", "folklore")
def c51_equal_gaps_assumed(right, x):
    z = x["support"]
    return _thrown(x["next_atom_probs"], *_by_b(_landed(x), z, (z[-1] - z[0]) / (z.size - 1)))


@mistake("dz is the range over the number of atoms, not over the number of gaps", "folklore")
def c51_gap_counts_atoms(right, x):
    z = x["support"]
    lower, share = _by_b(_landed(x), z, (z[-1] - z[0]) / z.size)
    return _thrown(x["next_atom_probs"], lower, np.minimum(share, 1.0))


@mistake("gamma is forgotten: the atoms are shifted by r and not shrunk", "folklore")
def c51_discount_forgotten(right, x):
    return right(**x | {"gamma": 1.0})


@mistake("the reward is discounted with the atoms: gamma (r + z)", "folklore")
def c51_reward_discounted(right, x):
    return right(**x | {"reward": x["reward"] * np.where(x["terminated"], 1.0, x["gamma"])})


@mistake("p_j z_j is projected in place of p_j: the product that the expectation needs is used further on",
         "https://github.com/higgsfield/RL-Adventure/issues/8")
def c51_probabilities_times_support(right, x):
    return _thrown(x["next_atom_probs"] * x["support"], *_neighbours(x, _landed(x)))


@mistake("a discount for each sample, [B], is multiplied along the atoms, which only B = K lets pass",
         "https://github.com/pytorch/rl/pull/2270")
def nstep_discount_shape(right, x):
    if np.ndim(x["gamma"]) == 0 or x["reward"].size != x["support"].size:
        return right(**x)
    gamma = np.broadcast_to(x["gamma"], x["reward"].shape).ravel()
    y = x["reward"][..., None] + ~x["terminated"][..., None] * gamma * x["support"]
    return _thrown(x["next_atom_probs"], *_neighbours(x, np.clip(y, x["support"][0], x["support"][-1])))


def _landed(x, clip=True):
    """y_j = r + gamma (1 - terminated) z_j."""
    y = x["reward"][..., None] + np.where(x["terminated"], 0.0, x["gamma"])[..., None] * x["support"]
    return np.clip(y, x["support"][0], x["support"][-1]) if clip else y


def _neighbours(x, y):
    """The atom below each y and the share of the one above, which is 0 on an atom, but 1 on the last."""
    z = x["support"]
    lower = np.clip(np.searchsorted(z, y, side="right") - 1, 0, z.size - 2)
    return lower, (y - z[lower]) / (z[lower + 1] - z[lower])


def _by_b(y, z, gap):
    b = (y - z[0]) / gap
    lower = np.clip(np.floor(b), 0, z.size - 2).astype(int)
    return lower, b - lower


def _thrown(probs, lower, share):
    """m: each p_j divided among its two atoms."""
    m = np.zeros(probs.shape)
    rows = np.indices(probs.shape)[:-1]
    np.add.at(m, (*rows, lower), probs * (1 - share))
    np.add.at(m, (*rows, lower + 1), probs * share)
    return TargetProbs(m)
