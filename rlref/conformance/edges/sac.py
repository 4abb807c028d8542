"""The edges of soft actor-critics: temperatures, densities, ensembles, masked actions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from rlref.conformance.cases import Inputs
from rlref.conformance.edges import At, Edge

Change = Callable[[Inputs, At], Inputs]


def _set(**settings: object) -> Change:
    """Arguments that do not depend on what was sampled."""
    return lambda x, at: dict(settings)


def _critics(*rows: tuple[float, ...]) -> Change:
    """The policy's action, and the one taken, as valued by each critic, row by row."""
    return lambda x, at: {"policy_action_value": np.array(rows), "state_action_value": np.array(rows[::-1])}


def _policy(*rows: tuple[float, ...], **more: object) -> Change:
    """Probabilities of the actions, row by row."""
    def change(x: Inputs, at: At) -> Inputs:
        with np.errstate(divide="ignore"):
            return {"log_probs": np.log(np.array(rows)), **more}
    return change


def _value_met(loss_function: str) -> Change:
    """V(s) is the soft value, or a quarter, one or two from it, in numbers that come out even."""
    def change(x: Inputs, at: At) -> Inputs:
        least = np.array([0.5, 0.5, 1.25, 1.25, 1.0, 3.0])
        return {"log_alpha": 0.0, "log_prob": np.array([-0.5, -0.5, 0.25, 0.25, 0.0, 2.0]),
                "policy_action_value": least[:, None] + [0.0, 2.0],
                "state_value": np.array([1.0, 1.25, 0.0, 3.0, 1.0, -1.0]), "loss_function": loss_function}
    return change


SPREAD = ((1.0, 2.0), (2.0, 1.0), (-3.0, 5.0), (4.0, -4.0), (0.5, 0.25))
THIRDS, HALVES = (1 / 3, 1 / 3, 1 / 3), (0.5, 0.5, 0.0)

EDGES: tuple[Edge, ...] = (
    # the temperature
    Edge("temperature-one", "log alpha 0: that loss is 0, its derivative is not", (4,), "log_alpha",
         _set(log_alpha=0.0)),
    Edge("temperature-tiny", "alpha 1e-8", (4,), "log_alpha", _set(log_alpha=math.log(1e-8))),
    Edge("temperature-nothing", "alpha 0 in float64, log alpha -800", (4,), "log_alpha", _set(log_alpha=-800.0)),
    Edge("temperature-large", "alpha e^5", (4,), "log_alpha", _set(log_alpha=5.0)),
    Edge("temperature-largest", "alpha e^690", (3,), "log_alpha", _set(log_alpha=690.0, loss_function="smooth_l1")),
    Edge("target-entropy-full", "0.98 log 3, the usual target of three discrete actions, which is no float32", (4,),
         "target_entropy", _set(target_entropy=0.98 * math.log(3), log_alpha=-1.5)),
    Edge("target-entropy-zero", "nothing is aimed at", (4,), "target_entropy",
         _set(target_entropy=0.0, log_alpha=0.5)),
    Edge("target-entropy-six", "minus six, as for six action dimensions", (4,), "target_entropy",
         _set(target_entropy=-6.0, log_alpha=0.5)),
    Edge("entropy-on-target", "log pi = -H: the temperature stays as it is", (4,), "log_prob target_entropy",
         lambda x, at: {"log_prob": np.full(4, 1.5), "target_entropy": -1.5, "log_alpha": 0.5}),
    # densities
    Edge("density-above-one", "log-probabilities above 0, as densities may have", (5,), "log_prob log_alpha",
         _set(log_prob=np.array([0.0, 0.5, 3.0, 8.0, -0.5]), log_alpha=-1.5)),
    Edge("density-extreme", "log-probabilities of 800 and -800", (4,), "log_prob log_alpha",
         _set(log_prob=np.array([800.0, -800.0, 0.0, -1.0]), log_alpha=0.5)),
    Edge("entropy-square", "as many steps as trajectories, densities all different", (3, 3), "log_prob log_alpha",
         _set(log_prob=np.arange(9.0).reshape(3, 3) / 4 - 1, log_alpha=0.5, target_entropy=-2.0)),
    # ensembles
    Edge("policy-critics-disagree", "now the one, now the other is the least", (5,), "policy_action_value log_alpha",
         _critics(*SPREAD), {"N": 2}),
    Edge("policy-critics-agree", "all alike: a tie of the minimum", (3,), "policy_action_value log_alpha",
         _critics((1.0, 1.0, 1.0), (-2.0, -2.0, -2.0), (0.0, 0.0, 0.0)), {"N": 3}),
    Edge("policy-critics-tie-last", "the second and the third tie for the least", (3,), "policy_action_value log_alpha",
         _critics((3.0, 1.0, 1.0), (0.0, -2.0, -2.0), (5.0, -1.0, -1.0)), {"N": 3}),
    Edge("ensemble-of-ten", "an ensemble of ten, the usual one of REDQ", (4,), "policy_action_value log_alpha",
         _set(loss_function="smooth_l1", log_alpha=0.5), {"N": 10}),
    Edge("ensemble-of-one", "an ensemble of one", (4,), "policy_action_value log_alpha", _set(log_alpha=0.5), {"N": 1}),
    Edge("ensemble-as-large-as-batch", "three steps, three trajectories, three critics", (3, 3),
         "policy_action_value log_alpha", _set(loss_function="l2", log_alpha=0.5), {"N": 3}),
    Edge("policy-critics-large-and-small", "values from 1e-6 to 1e6", (5,), "policy_action_value log_alpha",
         _critics((1e6, -1e6), (1e-6, 1e6), (-1e-6, 1e-6), (-1e6, 3.0), (250.0, 1e-6)), {"N": 2}),
    Edge("last-batch-axis-of-one", "four steps of one trajectory: [4, 1]", (4, 1), "log_alpha", _set(log_alpha=0.5)),
    Edge("last-batch-axis-of-one-of-three", "three axes, the last of one", (2, 3, 1), "log_alpha",
         _set(log_alpha=0.5)),
    *(Edge(f"value-met-{name.replace('_', '-')}", f"V(s) is the soft value, or a little off it, {name}", (6,),
           "state_value policy_action_value", _value_met(name), {"N": 2}) for name in ("l1", "l2", "smooth_l1")),
    # discrete actions
    Edge("policy-uniform", "three actions, each as likely", (3,), "log_probs", _policy(THIRDS, THIRDS, THIRDS)),
    Edge("policy-certain", "one action has probability 1, the others are masked", (3,), "log_probs",
         _policy((1, 0, 0), (0, 1, 0), (0, 0, 1), action=np.array([0, 1, 2]))),
    Edge("policy-masked", "one action of three is masked, or none", (4,), "log_probs",
         _policy(HALVES, (0, 0.25, 0.75), (0.5, 0, 0.5), THIRDS, log_alpha=0.5)),
    Edge("policy-masked-at-tiny-alpha", "the same at alpha 1e-8", (4,), "log_probs",
         _policy(HALVES, (0, 0.25, 0.75), (0.5, 0, 0.5), THIRDS, log_alpha=math.log(1e-8))),
    Edge("policy-masks-action-taken", "the action in the data is masked by now", (3,), "log_probs",
         _policy(HALVES, (0, 0.25, 0.75), (0.5, 0, 0.5), action=np.array([2, 0, 1]))),
    Edge("policy-masks-the-best", "the masked action has the largest and the smallest value", (2,), "log_probs",
         lambda x, at: _policy(HALVES, HALVES)(x, at) | {
             "action_value": np.array([[[1.0, 2.0], [3.0, 2.5], [900.0, 800.0]],
                                       [[1.0, 2.0], [3.0, 2.5], [-900.0, 800.0]]])}, {"N": 2}),
    Edge("policy-vanishing", "log-probabilities of -800, whose exponential is 0 in float64", (3,), "log_probs",
         _set(log_probs=np.array([[0.0, -800.0, -1e5], [-800.0, 0.0, -np.inf], [-40.0, -740.0, 0.0]]), log_alpha=0.5)),
    Edge("policy-skewed", "probabilities from a half to a thousandth", (4,), "log_probs",
         _policy((0.5, 0.499, 0.001), (0.9, 0.05, 0.05), (0.001, 0.001, 0.998), THIRDS, log_alpha=0.5,
                 target_entropy=0.5)),
    Edge("policy-in-a-square", "as many steps, trajectories, actions and critics", (3, 3), "log_probs",
         _set(log_alpha=0.5, loss_function="l2"), {"A": 3, "N": 3}),
    Edge("discrete-critics-tie", "the critics agree on every action", (2,), "log_probs",
         lambda x, at: {"action_value": np.repeat(np.arange(6.0).reshape(2, 3, 1), 2, axis=2)}, {"N": 2}),
)
