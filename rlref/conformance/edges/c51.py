"""The edges of categorical distributions, reductions, clipped values and target networks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rlref.conformance.cases import Inputs
from rlref.conformance.edges import At, Edge

ATOMS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
PROBS = np.array([0.125, 0.25, 0.375, 0.125, 0.125])
UNEVEN = np.array([-2.0, -1.75, 0.0, 0.5, 3.0])


def _projected(rewards: list[float], gamma: float | list[float] = 1.0, probs: np.ndarray = PROBS,
               support: np.ndarray = ATOMS, ends: tuple[int, ...] = ()) -> Callable[[Inputs, At], Inputs]:
    """A sample for each reward, all with the same probabilities."""
    def change(x: Inputs, at: At) -> Inputs:
        return {"reward": np.array(rewards), "gamma": np.array(gamma) if isinstance(gamma, list) else gamma,
                "support": support, "next_atom_probs": np.tile(probs, (len(rewards), 1)), "terminated": at(*ends)}
    return change


def _crossed(log_p: list[float], m: list[float]) -> Callable[[Inputs, At], Inputs]:
    """One action, whose log-probabilities these are."""
    return lambda x, at: {"action_log_probs": np.array(log_p)[None, None], "target_probs": np.array(m)[None],
                          "action": np.array([0])}


def _reduced(how: str, weight: list[float], masked: tuple[int, ...] = ()) -> Callable[[Inputs, At], Inputs]:
    """Losses 1, -2, 4, 0.5, 8 with these weights; what is masked is NaN."""
    def change(x: Inputs, at: At) -> Inputs:
        off = at(*masked)
        return {"loss": np.where(off, np.nan, [1.0, -2.0, 4.0, 0.5, 8.0]), "weight": np.where(off, np.nan, weight),
                "mask": ~off, "reduction": how}
    return change


def _moved(by: list[float], goal: list[float], loss_function: str, clip_value: float = 0.5) -> Callable[..., Inputs]:
    """V_old = 1; V is ``by`` away from it and the target ``goal``."""
    return lambda x, at: {"old_state_value": np.ones(len(by)), "state_value": 1 + np.array(by),
                          "value_target": 1 + np.array(goal), "clip_value": clip_value, "loss_function": loss_function}


def _back(value: list[float], goal: list[float], old: float, loss_function: str) -> Callable[..., Inputs]:
    """Inside the clip, V_old on the side of V."""
    return lambda x, at: {"state_value": np.array(value), "old_state_value": np.copysign(old, value), "clip_value": 1.0,
                          "value_target": np.array(goal), "loss_function": loss_function}


def _soft(tau: float, params: list[float] | None = None, target: list[float] | None = None) -> Callable[..., Inputs]:
    return lambda x, at: {"tau": tau, **({} if params is None else {"params": np.array(params)}),
                          **({} if target is None else {"target_params": np.array(target)})}


def _lengths(how: str) -> Callable[..., Inputs]:
    """Three trajectories, of 4, 1 and 3 steps."""
    return lambda x, at: {"mask": np.arange(4)[:, None] < [4, 1, 3], "reduction": how,
                          "weight": 0.25 + np.arange(12.0).reshape(4, 3) % 5 / 4}


def _counted(step: int, interval: int) -> Callable[..., Inputs]:
    return lambda x, at: {"step": step, "interval": interval}


WIDE = np.linspace(-10.0, 10.0, 51)
ROUNDED = np.linspace(-1.0, 3.3, 8)  # 4.3 / (4.3 / 7) is rounded to more than 7, in float32 too
# V - V_old, then G - V_old: not clipped, at the clip, towards the target, past it, away from it, and a tie
MOVES = [0.25, -0.5, 0.5, 1.0, -1.0, 2.0, 1.5, -1.5, 1.0]
GOALS = [1.0, 1.0, 1.0, 2.0, -2.0, 0.25, -1.0, 1.0, 0.75]

EDGES: tuple[Edge, ...] = (
    # projections
    Edge("atoms-stay", "r = 0, gamma = 1: every atom lands on itself", (1,), "support", _projected([0.0])),
    Edge("atoms-halved", "gamma = 1/2: on atoms and between them, several to a bin", (1,), "support",
         _projected([0.0], 0.5)),
    Edge("atoms-shifted", "by one gap, by half of one, and back", (4,), "support",
         _projected([0.5, 0.25, -0.5, -0.25])),
    Edge("all-above", "every atom lands above the support", (2,), "support", _projected([3.0, 100.0])),
    Edge("all-below", "every atom lands below the support", (2,), "support", _projected([-3.0, -1e6])),
    Edge("onto-the-ends", "the outer atoms land on the outer atoms, and beyond", (3,), "support",
         _projected([0.5, -0.5, 1.0], 0.5)),
    Edge("terminated-on-an-atom", "r alone, on an atom, an outer one, and between two", (4,), "support",
         _projected([0.5, 1.0, -1.0, 0.3], 0.9, ends=(0, 1, 2, 3))),
    Edge("terminated-outside", "r alone, outside the support, among steps that go on", (4,), "support",
         _projected([7.0, -0.5, -7.0, 0.25], 0.9, ends=(0, 2))),
    Edge("gamma-zero-atoms", "nothing of the future is left", (3,), "support", _projected([0.0, 0.7, -2.0], 0.0)),
    Edge("unequal-gaps", "gaps of 1/4, 7/4, 1/2 and 5/2", (4,), "support",
         _projected([0.0, 0.25, -1.0, 2.0], 0.5, support=UNEVEN)),
    Edge("unequal-gaps-terminated", "the same, r alone", (3,), "support",
         _projected([-1.875, 0.0, 2.0], 0.9, support=UNEVEN, ends=(0, 1, 2))),
    Edge("two-atoms", "the smallest support there is", (3,), "support",
         _projected([0.0, 0.25, 5.0], 0.5, np.array([0.25, 0.75]), np.array([-1.0, 1.0])), {"K": 2}),
    Edge("far-support", "atoms around 1000, one apart", (2,), "support",
         _projected([10.0, 9.625], 0.99, support=1000 + np.arange(5.0))),
    Edge("point-masses", "all mass on one atom, at either end", (2,), "support",
         lambda x, at: {"next_atom_probs": np.eye(5)[[0, 4]], "support": ATOMS, "reward": np.array([0.1, -0.1])}),
    Edge("discount-per-sample", "as many samples as atoms, each with its own gamma", (5,), "support",
         _projected([0.0, 0.25, 0.0, -0.25, 0.5], [1.0, 0.5, 0.25, 0.75, 0.0])),
    Edge("one-sample-own-discount", "one sample, gamma in an array", (1,), "support", _projected([0.25], [0.5])),
    Edge("rounded-top", "an equal gap that is rounded down: the last atom has b above K - 1", (2,), "support",
         _projected([0.3, 100.0], 1.0, np.full(8, 0.125), ROUNDED), {"K": 8}),
    Edge("fifty-one-atoms", "C51 as published: -10 to 10", (2,), "support",
         _projected([1.0, -0.5], 0.99, np.exp(-WIDE**2 / 8) / np.exp(-WIDE**2 / 8).sum(), WIDE), {"K": 51}),
    Edge("projected-batch", "three steps of two trajectories, a gamma for each", (3, 2), "support",
         lambda x, at: {"gamma": np.array([[1.0, 0.5], [0.9, 0.0], [0.25, 0.75]])}),
    Edge("full-mantissa-rewards", "rewards with all their bits", (4,), "support",
         lambda x, at: {"reward": np.sqrt([2.0, 3.0, 5.0, 7.0]) - 2}),
    # cross-entropies
    Edge("point-target", "all of the target on one atom", (1,), "target_probs",
         _crossed([-3.0, -0.25, -2.0, -4.0, -1.5], [0.0, 0.0, 1.0, 0.0, 0.0]), {"A": 1}),
    Edge("uniform-prediction", "log p = -log 5 on every atom", (1,), "target_probs",
         _crossed([-np.log(5)] * 5, [0.125, 0.25, 0.375, 0.125, 0.125]), {"A": 1}),
    Edge("prediction-is-target", "p = m, powers of two", (1,), "target_probs",
         _crossed(list(-np.log(2) * np.array([1, 2, 3, 4, 4])), [0.5, 0.25, 0.125, 0.0625, 0.0625]), {"A": 1}),
    Edge("nothing-times-log-nothing", "p = 0 where m = 0: 0 log 0 is 0", (1,), "target_probs",
         _crossed([-np.inf, -1.0, -np.inf, -0.5, -np.inf], [0.0, 0.25, 0.0, 0.75, 0.0]), {"A": 1}),
    Edge("unlikely-atoms", "log-probabilities of -800 and -20 under the target", (1,), "target_probs",
         _crossed([-800.0, -20.0, -1e-9, -30.0, -0.5], [0.5, 0.125, 0.25, 0.125, 0.0]), {"A": 1}),
    Edge("certain-prediction", "log p = 0 on the atom of the target", (1,), "target_probs",
         _crossed([-np.inf, 0.0, -np.inf, -np.inf, -np.inf], [0.0, 1.0, 0.0, 0.0, 0.0]), {"A": 1}),
    Edge("target-above-one", "the target's mass is rounded to more than 1", (1,), "target_probs",
         _crossed([-1.0, -2.0, -3.0, -0.25, -4.0], [0.0, 0.0, 0.0, 1 + 2.0**-52, 0.0]), {"A": 1}),
    Edge("target-with-all-its-bits", "a target in tenths", (1,), "target_probs",
         _crossed([-1.5, -0.75, -3.0, -0.5, -2.0], [0.1, 0.2, 0.3, 0.25, 0.15]), {"A": 1}),
    Edge("impossible-elsewhere", "actions that were not taken hold minus infinity", (3,), "target_probs",
         lambda x, at: {"action": np.array([0, 1, 2]), "action_log_probs": np.where(
             np.eye(3, dtype=bool)[..., None], -0.5 - np.arange(5) / 4, np.array([-np.inf] * 4 + [-1.0]))}),
    Edge("two-atom-prediction", "two atoms", (2,), "target_probs", lambda x, at: {}, {"K": 2}),
    Edge("fifty-one-atom-prediction", "as many atoms as C51 has", (2,), "target_probs", lambda x, at: {}, {"K": 51}),
    Edge("distributional-batch", "three steps of two trajectories", (3, 2), "target_probs", lambda x, at: {}),
    Edge("distributional-square", "as many actions as atoms", (4,), "target_probs", lambda x, at: {}, {"A": 5}),
    # reductions
    *(Edge(f"reduce-{how}-weights", f"{how}, weights from 1/8 to 2", (5,), "reduction",
           _reduced(how, [0.5, 2.0, 0.125, 1.0, 0.25])) for how in ("none", "mean", "sum")),
    *(Edge(f"reduce-{how}-masked", f"{how}, two samples of five masked, and NaN", (5,), "reduction",
           _reduced(how, [0.5, 2.0, 0.125, 1.0, 0.25], (1, 3))) for how in ("none", "mean", "sum")),
    *(Edge(f"reduce-{how}-unweighted", f"{how}, all weights 1", (5,), "reduction",
           _reduced(how, [1.0] * 5, (4,))) for how in ("none", "mean", "sum")),
    *(Edge(f"reduce-{how}-batch", f"{how}, trajectories of different lengths", (4, 3), "reduction",
           _lengths(how)) for how in ("none", "mean", "sum")),
    Edge("reduce-none-all-masked", "no reduction, and nothing counts", (3,), "reduction",
         lambda x, at: {"mask": ~at(0, 1, 2), "loss": np.full(3, np.nan), "reduction": "none"}),
    Edge("reduce-sum-all-masked", "the sum of nothing is 0", (3,), "reduction",
         lambda x, at: {"mask": ~at(0, 1, 2), "loss": np.full(3, np.nan), "reduction": "sum"}),
    Edge("reduce-mean-one-left", "one sample counts, whatever its weight", (4,), "reduction",
         lambda x, at: {"mask": at(2), "weight": np.full(4, 0.125), "reduction": "mean"}),
    Edge("reduce-mean-zero-weights", "weights of 0 beside others", (5,), "reduction",
         _reduced("mean", [0.0, 1.0, 0.0, 3.0, 0.0])),
    Edge("reduce-mean-tiny-weights", "weights of 1e-30: only their ratios matter", (5,), "reduction",
         _reduced("mean", [1e-30, 2e-30, 3e-30, 1e-30, 5e-30])),
    Edge("reduce-mean-cancels", "losses that nearly cancel", (4,), "reduction",
         lambda x, at: {"loss": np.array([1e6, -1e6, 0.125, 1.0]), "weight": np.ones(4), "mask": ~at(),
                        "reduction": "mean"}),
    Edge("reduce-sum-zero-weights", "all weights are 0: a sum is 0", (3,), "reduction",
         lambda x, at: {"weight": np.zeros(3), "mask": ~at(), "reduction": "sum"}),
    # clipped values
    *(Edge(f"value-clip-{name.replace('_', '-')}", f"not clipped, at the clip, clipped towards and away from the "
           f"target, a tie, {name}", (9,), "old_state_value", _moved(MOVES, GOALS, name))
      for name in ("l1", "l2", "smooth_l1")),
    Edge("value-clip-nothing-moves", "a clip of 0: the old value itself", (4,), "old_state_value",
         _moved([0.0, 0.5, -0.5, 2.0], [1.0, 1.0, 1.0, 0.0], "l2", 0.0)),
    Edge("value-clip-fifth", "a clip of 0.2, which is no float32", (3,), "old_state_value",
         _moved([0.5, -0.5, 0.125], [1.0, -1.0, 0.5], "l2", 0.2)),
    Edge("value-clip-on-target", "V = G, inside the clip: no loss and, as l1, no slope", (3,), "old_state_value",
         lambda x, at: {"state_value": np.array([-0.3, 0.5, 0.2]), "value_target": np.array([-0.3, 0.5, 0.2]),
                        "old_state_value": np.array([0.1, 0.25, -0.1]), "clip_value": 0.5, "loss_function": "l1"}),
    Edge("value-clip-rounds-back", "V near G, and V_old so far off that V_old + (V - V_old) is not V", (3,),
         "old_state_value", _back([1e-17, -1e-17, 1e-17], [9e-18, -9e-18, 1.1e-17], 0.3, "l1")),
    Edge("value-clip-rounds-a-little", "the same, by a few digits", (2,), "old_state_value",
         _back([1e-6, -1e-6], [2e-6, -2e-6], 0.3, "l2")),
    Edge("value-clip-large", "values from 1e-6 to 1e6", (5,), "old_state_value",
         lambda x, at: {"state_value": np.array([1e6, 1e-6, -1e6, 1.0, -1e-6]), "old_state_value": np.zeros(5)}),
    Edge("value-clip-square", "as many steps as trajectories", (3, 3), "old_state_value",
         lambda x, at: {"loss_function": "l2"}),
    # target networks
    *(Edge(f"tau-{name}", f"tau = {tau:g}", (4,), "tau params", _soft(tau)) for name, tau in (
        ("zero", 0.0), ("one", 1.0), ("half", 0.5), ("usual", 0.005), ("ddpg", 0.001), ("most", 0.75))),
    Edge("tau-tiny", "tau = 1e-8: 1 - (1 - tau) has half of its digits", (3,), "tau params",
         _soft(1e-8, [1.0, -3.0, 0.5], [0.0, 0.0, 0.0])),
    Edge("tau-below-epsilon", "tau = 1e-17: 1 - tau is 1", (3,), "tau params",
         _soft(1e-17, [1.0, -3.0, 0.5], [0.0, 0.0, 0.0])),
    Edge("already-there", "the target is what is trained", (3,), "params",
         lambda x, at: {"params": np.array([0.1, -0.7, 3.0]), "target_params": np.array([0.1, -0.7, 3.0])}),
    Edge("params-large-and-small", "parameters from 1e-6 to 1e6", (5,), "params",
         lambda x, at: {"params": np.array([1e6, 1e-6, -1e6, 1.0, -1e-6])}),
    Edge("params-full-mantissas", "parameters with all their bits", (4,), "params",
         lambda x, at: {"params": np.sqrt([2.0, 3.0, 5.0, 7.0])}),
    Edge("one-parameter", "a single one", (1,), "params", lambda x, at: {}),
    Edge("a-matrix", "a layer's weights", (3, 2), "params", lambda x, at: {}),
    *(Edge(f"update-{step}-of-{interval}", f"update {step}, a copy every {interval}", (2,), "step params",
           _counted(step, interval))
      for step, interval in ((1, 1), (2, 1), (1, 4), (3, 4), (4, 4), (5, 4), (8, 4), (10, 4), (3, 2))),
)
