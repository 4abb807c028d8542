"""The edges of any loss: the parts of a distance, ties, shapes, magnitudes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rlref.conformance.cases import Inputs
from rlref.conformance.edges import At, Edge

DIFFERENCES = np.array([0.0, 0.25, -0.25, 1.0, -1.0, 3.5, -3.5, 0.875])  # each part of smooth_l1, its ends, and 0


def _apart(loss_function: str) -> Callable[[Inputs, At], Inputs]:
    """Predictions that miss their targets by ``DIFFERENCES``, whatever the page calls them."""
    def change(x: Inputs, at: At) -> Inputs:
        target = np.arange(8.0) / 2 - 1
        predictions = {"input": target + DIFFERENCES, "state_value": target + DIFFERENCES}
        if "state_action_value" in x:
            by = DIFFERENCES.reshape(8, *(1 for _ in x["state_action_value"].shape[1:]))
            shape = x["state_action_value"].shape
            predictions["state_action_value"] = np.broadcast_to(target.reshape(by.shape) + by, shape).copy()
        if "action_value" in x:  # every action and every critic alike
            by = DIFFERENCES.reshape(8, *(1 for _ in x["action_value"].shape[1:]))
            predictions["action_value"] = np.broadcast_to(target.reshape(by.shape) + by, x["action_value"].shape).copy()
        return {**predictions, "target": target, "value_target": target, "loss_function": loss_function}
    return change


def _by(loss_function: str) -> Callable[[Inputs, At], Inputs]:
    return lambda x, at: {"loss_function": loss_function}


EDGES: tuple[Edge, ...] = (
    *(Edge(f"every-part-{name.replace('_', '-')}", f"differences 0, 1/4, 1 and 3.5 of both signs, {name}", (8,),
           "loss_function", _apart(name)) for name in ("l1", "l2", "smooth_l1")),
    *(Edge(f"one-sample-{name.replace('_', '-')}", f"a single sample, {name}", (1,), "loss_function",
           _by(name)) for name in ("l1", "l2", "smooth_l1")),
    *(Edge(f"batch-{name.replace('_', '-')}", f"five steps of two trajectories, {name}", (5, 2), "loss_function",
           _by(name)) for name in ("l1", "l2", "smooth_l1")),
    Edge("square-losses", "as many steps as trajectories: no shape tells when a loss is spread over pairs", (3, 3),
         "loss_function", lambda x, at: {"loss_function": "l2"}),
    Edge("two-batch-axes", "two batch axes", (2, 3, 2), "loss_function", lambda x, at: {}),
    Edge("large-and-small-targets", "targets from 1e-6 to 1e6", (5,), "loss_function",
         lambda x, at: {name: np.array([1e6, 1e-6, -1e6, 1.0, -1e-6]) for name in ("target", "value_target")}),
    Edge("full-mantissas", "targets with all their bits", (5,), "loss_function",
         lambda x, at: {name: np.sqrt(np.arange(2.0, 7.0)) for name in ("target", "value_target")}),
    Edge("many-samples", "forty of them", (40,), "loss_function", lambda x, at: {"loss_function": "smooth_l1"}),
    # actions
    Edge("every-action-taken", "each action once", (3,), "action", lambda x, at: {"action": np.arange(3)}),
    Edge("first-action-alone", "always action 0", (4,), "action", lambda x, at: {"action": np.zeros(4, int)}),
    Edge("last-action-alone", "always the last action", (4,), "action", lambda x, at: {"action": np.full(4, 2)}),
    Edge("one-action", "nothing to choose from", (3,), "action",
         lambda x, at: {"action": np.zeros(3, int)}, {"A": 1}),
    Edge("as-many-actions-as-steps", "four of each", (4,), "action",
         lambda x, at: {"action": np.array([2, 0, 3, 1])}, {"A": 4}),
)
