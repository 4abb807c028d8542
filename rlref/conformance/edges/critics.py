"""The edges of losses over several critics or several agents: td3, iql, qmix, vdn, and whoever has their arguments."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rlref.conformance.cases import Inputs
from rlref.conformance.edges import At, Edge

Change = Callable[[Inputs, At], Inputs]


def _critics(*differences: float, loss_function: str = "l2") -> Change:
    """Critic i misses the target by the i-th difference at the first step, by a little more at every later one."""
    def change(x: Inputs, at: At) -> Inputs:
        steps = np.arange(float(len(x["value_target"])))
        if x["state_action_value"].ndim == 1:  # a page with one critic
            return {"state_action_value": x["value_target"] + differences[0] + steps, "loss_function": loss_function}
        found = x["value_target"][:, None] + np.array(differences) * (1 + steps[:, None])
        return {"state_action_value": found, "loss_function": loss_function}
    return change


def _advantage(*u: float, **settings: float) -> Change:
    """The smallest target critic is above V by ``u``; the other critics are further above."""
    def change(x: Inputs, at: At) -> Inputs:
        least = x["state_value"] + np.array(u)
        above = np.arange(float(x["target_state_action_value"].shape[-1]))[::-1]  # the last is the smallest
        return {"target_state_action_value": least[:, None] + above, **settings}
    return change


def _mixer(hidden_weight: list, output_weight: list, hidden_bias: list, **more: object) -> Change:
    """The same mixing network at every step."""
    def change(x: Inputs, at: At) -> Inputs:
        weights = {"hidden_weight": hidden_weight, "output_weight": output_weight, "hidden_bias": hidden_bias}
        return {name: np.broadcast_to(np.array(w, float), x[name].shape).copy() for name, w in weights.items()} | more
    return change


LEVELS = np.array([[1.0, 1.0], [-1.0, 0.5], [0.0, 0.0], [2.0, -2.0]])  # local values, for two agents

EDGES: tuple[Edge, ...] = (
    # several critics
    Edge("critics-cancel", "one critic is as far below the target as the other above it", (3,),
         "state_action_value value_target", _critics(1.5, -1.5)),
    Edge("critics-cancel-smooth", "the same on the straight arms of smooth_l1", (3,),
         "state_action_value value_target", _critics(1.5, -1.5, loss_function="smooth_l1")),
    Edge("critics-agree", "all critics say the same", (4,), "state_action_value value_target", _critics(0.5, 0.5)),
    Edge("second-critic-further", "the second critic is the one that is further off", (3,),
         "state_action_value value_target", _critics(0.25, -2.0, loss_function="l1")),
    Edge("first-critic-right", "the first critic is right, the second is not", (3,),
         "state_action_value value_target", _critics(0.0, 0.75)),
    Edge("as-many-critics-as-steps", "three of each: no shape tells when targets are spread over the critics", (3,),
         "state_action_value value_target", lambda x, at: {"value_target": np.array([0.0, 2.0, -4.0])}, {"N": 3}),
    Edge("one-critic", "a single critic", (4,), "state_action_value value_target", lambda x, at: {}, {"N": 1}),
    Edge("five-critics", "more critics than two", (3, 2), "state_action_value value_target",
         lambda x, at: {"loss_function": "smooth_l1"}, {"N": 5}),
    # expectiles and weights
    Edge("value-below", "V is below the critics: every difference has the weight tau", (4,), "expectile",
         _advantage(0.5, 1.0, 2.0, 0.125, temperature=1.0, expectile=0.75)),
    Edge("value-above", "V is above them: the weight is 1 - tau", (4,), "expectile",
         _advantage(-0.5, -1.0, -2.0, -0.125, temperature=1.0, expectile=0.75)),
    Edge("value-right", "V is what the smallest critic says: a tie", (3,), "expectile",
         _advantage(0.0, 0.0, 0.0, temperature=3.0, expectile=0.9)),
    Edge("expectile-one", "tau 1: only V below counts", (4,), "expectile",
         _advantage(0.5, -1.0, 2.0, 0.0, temperature=1.0, expectile=1.0)),
    Edge("expectile-zero", "tau 0: only V above counts", (4,), "expectile",
         _advantage(0.5, -1.0, 2.0, 0.0, temperature=1.0, expectile=0.0)),
    Edge("expectile-half", "tau 1/2: half of the square", (4,), "expectile",
         _advantage(0.5, -1.0, 2.0, 0.0, temperature=0.5, expectile=0.5)),
    Edge("cloning", "an inverse temperature of 0: every action counts alike", (4,), "expectile",
         _advantage(0.5, -1.0, 200.0, 0.0, temperature=0.0, expectile=0.75)),
    Edge("weights-about-the-ceiling", "exp of 4.5, 4.625, 3.75 and 6: the ceiling is at 4.605", (4,), "expectile",
         _advantage(1.5, 1.5 + 1 / 24, 1.25, 2.0, temperature=3.0, expectile=0.75)),
    Edge("weights-overflow", "exp of 100, 710, 1000 and 100000, all 100 at the ceiling", (4,), "expectile",
         _advantage(100.0, 710.0, 1000.0, 1e5, temperature=1.0, expectile=0.9)),
    Edge("weights-vanish", "exp of -30, -300, -800 and -100000", (4,), "expectile",
         _advantage(-30.0, -300.0, -800.0, -1e5, temperature=1.0, expectile=0.9)),
    Edge("sharp-weights", "an inverse temperature of 10", (5,), "expectile",
         _advantage(0.25, -0.125, 0.375, 0.0, 1.0, temperature=10.0, expectile=0.75)),
    # several agents
    Edge("one-agent", "a team of one", (4,), "local_value", lambda x, at: {}, {"G": 1}),
    Edge("agents-cancel", "the values of two agents add up to nothing", (3,), "local_value",
         lambda x, at: {"local_value": np.array([[1.0, -1.0], [-2.5, 2.5], [0.0, 0.0]]), "loss_function": "l2"}),
    Edge("as-many-agents-as-steps", "three of each: no shape tells when it is the steps that are added", (3,),
         "local_value", lambda x, at: {"loss_function": "l2"}, {"G": 3}),
    Edge("many-agents", "five agents, four hidden units", (3, 2), "local_value",
         lambda x, at: {"loss_function": "smooth_l1"}, {"G": 5, "H": 4}),
    # the mixing network
    Edge("weights-positive", "every hidden unit is above 0: the mix is linear", (4,), "hidden_weight",
         _mixer([[1.0, 0.5], [0.25, 2.0]], [1.0, 0.5], [8.0, 8.0], local_value=LEVELS, loss_function="l2")),
    Edge("weights-negative", "every weight comes out negative", (4,), "hidden_weight",
         _mixer([[-1.0, -0.5], [-0.25, -2.0]], [-1.0, -0.5], [1.0, -1.0], local_value=LEVELS, loss_function="l2")),
    Edge("output-weight-negative", "only a weight of the output layer does", (4,), "hidden_weight",
         _mixer([[1.0, 0.5], [0.25, 2.0]], [1.0, -0.5], [1.0, -1.0], local_value=LEVELS, loss_function="smooth_l1")),
    Edge("weights-zero", "|w| at its kink, in both layers", (4,), "hidden_weight",
         _mixer([[0.0, 0.5], [-0.25, 0.0]], [0.0, -0.5], [1.0, -1.0], local_value=LEVELS, loss_function="l2")),
    Edge("hidden-units-at-zero", "ELU at 0", (4,), "hidden_weight",
         _mixer([[1.0, 0.5], [1.0, 0.5]], [1.0, 0.5], [0.0, 0.0], loss_function="l2",
                local_value=np.array([[1.0, -1.0], [-2.0, 2.0], [0.0, 0.0], [0.5, -0.5]]))),
    Edge("hidden-units-saturated", "far below 0, where ELU is -1 and flat", (4,), "hidden_weight",
         _mixer([[1.0, -2.0], [0.5, 1.0]], [1.0, -0.5], [-50.0, -900.0], local_value=LEVELS, loss_function="l2")),
    Edge("hidden-units-small", "about 0 by a billionth, where exp(x) - 1 loses its digits", (4,), "hidden_weight",
         _mixer([[1.0, -1.0], [1.0, 1.0]], [1.0, 2.0], [0.0, 0.0], local_value=1e-9 * LEVELS - 1e-9,
                loss_function="l2")),
    Edge("hidden-biases-negative", "biases may be", (4,), "hidden_weight",
         _mixer([[1.0, 0.5], [0.5, 1.0]], [1.0, 2.0], [-2.0, -0.25], local_value=LEVELS, loss_function="l2")),
    Edge("as-many-agents-as-hidden-units", "three of each, and three steps: no shape tells when weights are transposed",
         (3,), "hidden_weight", lambda x, at: {"loss_function": "l2"}, {"G": 3, "H": 3}),
    Edge("one-hidden-unit", "the least there is of a mixer", (4,), "hidden_weight", lambda x, at: {}, {"H": 1}),
    Edge("mix-on-target", "Q_tot is the target: the distance at its tie", (3,), "hidden_weight",
         _mixer([[1.0, -1.0], [1.0, 1.0]], [0.5, -0.5], [1.0, 1.0], local_value=np.array([[1.0, 1.0]] * 3),
                output_bias=np.array([0.0, 1.0, -4.0]), value_target=np.array([3.0, 4.0, -1.0]), loss_function="l1")),
)
