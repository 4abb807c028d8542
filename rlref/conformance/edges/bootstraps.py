"""The edges of the bootstraps: which action or critic is the best, ties, what is illegal, temperatures, noise."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from rlref.conformance.cases import Inputs
from rlref.conformance.edges import At, Edge

Change = Callable[[Inputs, At], Inputs]
INF = math.inf
FAMILIES = {"actions": ("next_action_value", "A"), "critics": ("next_state_action_value", "N"),
            "dimensions": ("noise", "D")}  # what an edge needs, and its named axis


def _same(x: Inputs, at: At) -> Inputs:
    return {}


def _scaled(x: Inputs, at: At) -> Inputs:
    """Values from 1e-6 to 1e6, whatever they are."""
    by = 10.0 ** np.array([6, -6, 3, -3, 0])
    return {name: x[name] * by.reshape(5, *(1 for _ in x[name].shape[1:])) for name in x.keys() & {
        "next_action_value", "online_next_action_value", "next_state_action_value", "next_action"}}


def _all_bits(x: Inputs, at: At) -> Inputs:
    return {name: np.sqrt(2.0) * x[name] for name in x.keys() & {
        "next_action_value", "online_next_action_value", "next_state_action_value", "next_action", "noise"}}


def _setting(name: str, value: object) -> Change:
    return lambda x, at: {name: value}


def _actions(*rows: list[float], online: list[list[float]] | None = None) -> Change:
    """A row of action values a step. Where there are critics, the first is smaller by 1/4 at even steps, then larger;
    what is illegal has probability 0, and the rest is as likely, each."""
    def change(x: Inputs, at: At) -> Inputs:
        values = np.array(rows, float)
        other = values[:, ::-1] if online is None else np.array(online, float)
        legal = np.isfinite(values)
        other = np.where(legal, np.maximum(other, -99.0), -INF)
        found = {"next_action_value": values, "online_next_action_value": other}
        if "next_log_probs" in x:
            sign = np.where(np.arange(len(values)) % 2, -0.25, 0.25)[:, None]
            found["next_action_value"] = np.stack([values, values + sign], axis=-1)
            with np.errstate(divide="ignore"):
                found["next_log_probs"] = np.log(legal / legal.sum(axis=-1, keepdims=True))
        return found
    return change


def _critics(*rows: list[float]) -> Change:
    return lambda x, at: {"next_state_action_value": np.array(rows, float),
                          "next_log_prob": -np.arange(1.0, len(rows) + 1)}


def _policy(*rows: list[float]) -> Change:
    """A row of probabilities a step."""
    def change(x: Inputs, at: At) -> Inputs:
        with np.errstate(divide="ignore"):
            return {"next_log_probs": np.log(np.array(rows, float))}
    return change


def _smoothed(action: list[list[float]], noise: list[list[float]], **settings: object) -> Change:
    usual = {"policy_noise": 0.5, "noise_clip": 0.5, "action_low": -1.0, "action_high": 1.0}
    return lambda x, at: {"next_action": np.array(action), "noise": np.array(noise), **usual, **{
        name: np.array(value) if isinstance(value, list) else value for name, value in settings.items()}}


FOUR = [[-0.5, 0.25], [0.75, -0.875], [1.0, -1.0], [0.0, 0.5]]  # actions
NOISE = [[0.5, -0.25], [2.0, -3.0], [-1.0, 1.0], [-4.0, 0.125]]

EDGES: tuple[Edge, ...] = (
    *(edge for family, (needs, axis) in FAMILIES.items() for edge in (
        Edge(f"{family}-one-step", "a single step", (1,), needs, _same),
        Edge(f"{family}-batch", "four steps of three trajectories", (4, 3), needs, _same),
        Edge(f"{family}-square", "as many steps as trajectories", (3, 3), needs, _same),
        Edge(f"{family}-two-batch-axes", "two batch axes", (2, 3, 2), needs, _same),
        Edge(f"{family}-as-many-as-steps", "as many of them as steps and trajectories", (3, 3), needs, _same,
             {axis: 3}),
        Edge(f"{family}-alone", "only one of them", (4,), needs, _same, {axis: 1}),
        Edge(f"{family}-many", "ten of them", (5,), needs, _same, {axis: 10}),
        Edge(f"{family}-large-and-small", "values from 1e-6 to 1e6", (5,), needs, _scaled),
        Edge(f"{family}-full-mantissas", "values with all their bits", (5,), needs, _all_bits),
        Edge(f"{family}-forty", "forty steps", (40,), needs, _same),
    )),
    # actions
    Edge("best-action-first", "the first action is the best, the last by the online network", (2,),
         "next_action_value", _actions([3, 1, 2], [5, -1, 0.5])),
    Edge("best-action-inside", "the second action is the best", (2,), "next_action_value",
         _actions([1, 3, 2], [-1, 5, 0.5], online=[[1, 2, 3], [2, 1, 0]])),
    Edge("all-actions-negative", "every value below zero", (3,), "next_action_value",
         _actions([-3, -1, -2], [-0.25, -8, -4], [-1, -2, -0.5], online=[[-1, -2, -3], [-4, -1, -2], [-3, -2, -9]])),
    Edge("largest-magnitude-is-worst", "the value of largest magnitude is the smallest", (3,), "next_action_value",
         _actions([-8, 1, 2], [0.5, -9, 0.25], [1, 0, -1.5])),
    Edge("two-actions-tie", "two largest values, equal", (3,), "next_action_value",
         _actions([2, 2, 1], [1, 2, 2], [2, 1, 2], online=[[1, 3, 3], [3, 3, 1], [3, 0, 3]])),
    Edge("all-actions-tie", "all values equal, and not zero", (2,), "next_action_value",
         _actions([1.5, 1.5, 1.5], [-2.5, -2.5, -2.5], online=[[1, 1, 1], [2, 2, 2]])),
    Edge("online-ties-alone", "actions tie by the online network, and differ by the target network", (3,),
         "online_next_action_value", _actions([1, 2, 4], [5, 3, 1], [-1, -2, 3],
                                              online=[[7, 7, 1], [1, 7, 7], [7, 1, 7]])),
    Edge("networks-disagree", "each network's best action is the other's worst", (3,), "online_next_action_value",
         _actions([5, 1, -3], [-2, 4, 1], [0, 2, 8], online=[[-3, 1, 5], [4, -2, 1], [8, 2, 0]])),
    Edge("networks-agree", "both networks say the same", (2,), "online_next_action_value",
         _actions([5, 1, -3], [-2, 4, 1], online=[[5, 1, -3], [-2, 4, 1]])),
    Edge("best-online-action-changes", "the online network's best action is another at every step", (4,),
         "online_next_action_value", _actions([1, 2, 3], [4, 5, 6], [7, 8, 9], [3, 1, 2],
                                              online=[[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]])),
    Edge("illegal-action", "one action is illegal, the others are below zero", (3,), "next_action_value",
         _actions([-INF, -2, -1], [-4, -INF, -5], [-6, -3.5, -INF])),
    Edge("one-legal-action", "all actions but one are illegal", (3,), "next_action_value",
         _actions([-INF, -INF, -7], [-INF, 4, -INF], [-0.5, -INF, -INF])),
    Edge("illegal-at-some-steps", "what is illegal differs from step to step", (4,), "next_action_value",
         _actions([1, 2, 3], [-INF, 2, -3], [-5, -4, -INF], [0, -INF, -INF])),
    # critics
    Edge("smallest-critic-first", "the first critic is the smallest", (3,), "next_state_action_value",
         _critics([1, 2], [-3, -1], [-2, 5])),
    Edge("smallest-critic-last", "the last critic is the smallest", (3,), "next_state_action_value",
         _critics([2, 1], [-1, -3], [5, -2])),
    Edge("critics-tie", "equal critics", (3,), "next_state_action_value", _critics([2, 2], [-1.5, -1.5], [0, 0])),
    Edge("smallest-critic-inside", "of four, the third is the smallest, then the second", (2,),
         "next_state_action_value", _critics([4, 3, 1, 2], [4, -1, 1, 2]), {"N": 4}),
    Edge("two-critics-tie", "of three, two tie for the smallest", (3,), "next_state_action_value",
         _critics([1, 1, 2], [2, 1, 1], [1, 2, 1]), {"N": 3}),
    Edge("critics-above-zero", "all values above zero", (3,), "next_state_action_value",
         _critics([4, 3], [0.5, 8], [2, 2.5])),
    Edge("critics-on-both-sides", "the smallest value is not the smallest in magnitude", (3,),
         "next_state_action_value", _critics([0.5, -8], [-3, 1], [-1, -2])),
    Edge("critics-far-apart", "values of 1e6 and 1e-6", (3,), "next_state_action_value",
         _critics([1e6, 1e-6], [-1e-6, -1e6], [1e6, -1e6])),
    # temperature
    *(Edge(f"alpha-{name}", f"a temperature of {alpha:g}", (4,), "alpha", _setting("alpha", alpha))
      for name, alpha in (("zero", 0.0), ("tiny", 1e-8), ("fifth", 0.2), ("half", 0.5), ("large", 100.0))),
    Edge("alpha-per-step", "a temperature for each step", (4,), "alpha",
         lambda x, at: {"alpha": np.array([0.5, 0.0, 2.0, 0.2])}),
    Edge("alpha-per-batch-entry", "a temperature for each trajectory", (3, 3), "alpha",
         lambda x, at: {"alpha": np.array([[0.5, 1.0, 0.2]])}),
    Edge("alpha-per-step-of-a-batch", "the same for all trajectories, different in time", (3, 3), "alpha",
         lambda x, at: {"alpha": np.array([[0.5], [1.0], [0.2]])}),
    Edge("certain-next-action", "log-probability 0: no entropy", (3,), "next_log_prob",
         lambda x, at: {"next_log_prob": np.zeros(3)}),
    Edge("dense-next-action", "densities above 1 have positive logarithms", (3,), "next_log_prob",
         lambda x, at: {"next_log_prob": np.array([0.5, 2.0, 8.0])}),
    Edge("unlikely-next-action", "log-probabilities to -800", (3,), "next_log_prob",
         lambda x, at: {"next_log_prob": np.array([-20.5, -100.0, -800.0])}),
    Edge("log-prob-varies", "log-probabilities of both signs", (5,), "next_log_prob",
         lambda x, at: {"next_log_prob": np.array([-4.0, 3.0, -0.5, 1.5, -7.0]), "alpha": 0.5}),
    # subsets
    *(Edge(f"subset-{name}", comment, (4,), "subset", _setting("subset", np.array(subset)), {"N": count})
      for name, comment, subset, count in (
        ("of-all", "every critic is asked", [0, 1], 2), ("out-of-order", "all three, the last first", [2, 0, 1], 3),
        ("first-alone", "only the first critic", [0], 3), ("last-alone", "only the last critic", [2], 3),
        ("without-first", "all but the first", [1, 2], 3), ("two-of-ten", "as in the paper", [7, 3], 10),
        ("nine-of-ten", "all but one", [9, 8, 6, 5, 4, 3, 2, 1, 0], 10))),
    Edge("subset-misses-smallest", "the smallest critic is not asked", (2,), "subset",
         lambda x, at: {"next_state_action_value": np.array([[-9.0, 2, 1], [-5, 3, 4]]), "subset": np.array([1, 2])},
         {"N": 3}),
    Edge("subset-ties", "critics tie in the subset: the first named in it has the derivative", (2,), "subset",
         lambda x, at: {"next_state_action_value": np.array([[1.0, 1, 1], [2, 2, 0]]), "subset": np.array([1, 0])},
         {"N": 3}),
    # policies
    Edge("uniform-policy", "all actions as likely", (3,), "next_log_probs", _policy(*[[1 / 3] * 3] * 3)),
    Edge("certain-policy", "one action has probability 1, the others 0", (3,), "next_log_probs",
         _policy([1, 0, 0], [0, 0, 1], [0, 1, 0])),
    Edge("skewed-policy", "probabilities 1/2, 1/4, 1/4 in every order", (3,), "next_log_probs",
         _policy([0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5])),
    Edge("policy-with-impossible-actions", "probability 0 for some actions, whose values are the largest", (3,),
         "next_log_probs", lambda x, at: _policy([0.5, 0, 0.5], [0, 0.25, 0.75], [0.5, 0.5, 0])(x, at) | {
             "next_action_value": np.array([[[1, 2], [9, 8], [-1, 0.5]], [[9, 9], [-2, -3], [1, 4]],
                                            [[2, 1], [0, -1], [7, 9.0]]])}),
    Edge("policy-all-but-certain", "probabilities of e^-800: 0 in float64, and their logarithms are not", (2,),
         "next_log_probs", lambda x, at: {"next_log_probs": np.array([[0.0, -800.0, -750.0], [-800.0, 0.0, -40.0]])}),
    Edge("unlikely-actions-kept", "probabilities of 1e-9, whose logarithms are weighed by them", (2,),
         "next_log_probs", lambda x, at: {"next_log_probs": np.array([[-1e-9, -21.5, -22.0], [-30.5, -20.25, -2e-9]]),
                                          "alpha": 0.2}),
    Edge("nearly-certain-policy", "logarithms near 0, which 1 - pi would lose, beside no values", (2,),
         "next_log_probs", lambda x, at: {"next_action_value": np.zeros((2, 3, 2)), "alpha": 0.5, "next_log_probs":
                                          np.array([[-1e-12, -28.5, -30.25], [-40.0, -1e-15, -36.5]])}),
    *(Edge(f"{name}-of-each-action", f"{count} in place of two critics", (4,), "next_log_probs", _same, {"N": count})
      for name, count in (("one-critic", 1), ("five-critics", 5))),
    Edge("critics-disagree-by-action", "another critic is the smallest in each action", (3,), "next_log_probs",
         lambda x, at: _policy([0.5, 0.25, 0.25], [0.25, 0.25, 0.5], [0.25, 0.5, 0.25])(x, at) | {
             "next_action_value": np.array([[[1, 4], [3, -2], [0, 5]], [[-1, 2], [6, 0], [2, 7]],
                                            [[4, 1], [0, 3], [8, -3.0]]])}),
    # smoothing
    Edge("no-noise", "noise of 0", (4,), "noise", _smoothed(FOUR, [[0.0, 0.0]] * 4)),
    Edge("sigma-zero", "noise that is multiplied by 0", (4,), "noise", _smoothed(FOUR, NOISE, policy_noise=0.0)),
    Edge("noise-clip-zero", "noise that is clipped to 0", (4,), "noise", _smoothed(FOUR, NOISE, noise_clip=0.0)),
    Edge("noise-inside", "nothing is clipped", (4,), "noise",
         _smoothed(FOUR, NOISE, policy_noise=0.125, noise_clip=2.0, action_low=-4.0, action_high=4.0)),
    Edge("noise-clipped", "noise beyond its clip, on both sides", (4,), "noise",
         _smoothed(FOUR, NOISE, policy_noise=2.0, noise_clip=0.25, action_low=-4.0, action_high=4.0)),
    Edge("action-clipped", "the sum is out of bounds, on both sides", (4,), "noise", _smoothed(FOUR, NOISE)),
    Edge("action-on-its-bounds", "the sum is exactly a bound: the derivative is that of the sum", (2,), "noise",
         _smoothed([[0.75, -0.75], [0.5, -0.5]], [[0.5, -0.5], [1.0, -1.0]])),
    Edge("bounds-differ", "bounds by dimension, none centred on 0", (4,), "noise",
         _smoothed(FOUR, NOISE, action_low=[-0.25, -2.0], action_high=[1.0, 0.125])),
    Edge("bounds-above-zero", "a range that does not hold 0", (4,), "noise",
         _smoothed(FOUR, NOISE, action_low=0.25, action_high=0.75)),
    Edge("bound-on-one-side", "a dimension with a lower bound only, one with an upper only", (4,), "noise",
         _smoothed(FOUR, NOISE, action_low=[-0.5, -INF], action_high=[INF, 0.25])),
    Edge("no-bounds", "actions of any size", (4,), "noise",
         _smoothed(FOUR, NOISE, action_low=-INF, action_high=INF)),
    Edge("bounds-meet", "one legal value", (4,), "noise", _smoothed(FOUR, NOISE, action_low=0.5, action_high=0.5)),
    Edge("action-out-of-bounds", "the policy's action is out of bounds before any noise", (4,), "noise",
         _smoothed([[3.0, -3.0], [1.25, -1.25], [2.0, 0.0], [-2.0, 5.0]], NOISE)),
)
