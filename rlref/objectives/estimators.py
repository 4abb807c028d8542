"""From rewards and the value of what came next to the target of a value, by the estimator that a loss is given."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np

from rlref.objectives.data import Data, Key, get, has, last
from rlref.returns import td0, td1, td_lambda


class ValueEstimators(Enum):
    """The estimators a loss may use."""

    TD0 = "Bootstrapped TD (1-step return)"
    TD1 = "TD(1) (infinity-step return)"
    TDLambda = "TD(lambda)"
    GAE = "Generalized advantage estimate"
    VTrace = "V-trace"


def default_value_kwargs(value_type: ValueEstimators) -> dict[str, Any]:
    """The hyper-parameters that an estimator has where none are given, as torchrl's function of this name."""
    common = {"gamma": 0.99, "differentiable": True}
    return common | {ValueEstimators.TDLambda: {"lmbda": 0.95}, ValueEstimators.GAE: {"lmbda": 0.95}}.get(
        value_type, {})


def value_target(value_type: ValueEstimators, hyper: Mapping[str, Any], keys: Mapping[str, Key], data: Data,
                 next_value: np.ndarray) -> np.ndarray:
    """The target [*B] of V(s_t), from ``next_value`` [*B] = V(s'_t). Time is the last batch axis, as in torchrl."""
    signals = {name: last(get(data, ("next", keys[name]))) for name in ("reward", "done", "terminated")}
    gamma: Any = hyper["gamma"]
    if "steps_to_next_obs" in keys and has(data, keys["steps_to_next_obs"]):
        gamma = np.broadcast_to(gamma ** last(get(data, keys["steps_to_next_obs"])), signals["reward"].shape)
    if value_type is ValueEstimators.TD0:
        return td0.vectorized(**signals, state_value=np.zeros(next_value.shape), next_state_value=next_value,
                              gamma=gamma).value_target
    ahead = {name: np.moveaxis(x, -1, 0) for name, x in {**signals, "next_state_value": next_value}.items()}
    gamma = np.moveaxis(gamma, -1, 0) if np.ndim(gamma) else gamma
    rest = {"state_value": np.zeros(ahead["reward"].shape), "gamma": gamma}
    if value_type is ValueEstimators.TD1:
        found = td1.vectorized(**ahead, **rest, rolling_gamma=True)
    elif value_type is ValueEstimators.TDLambda:
        found = td_lambda.vectorized(**ahead, **rest, lmbda=hyper["lmbda"], rolling_gamma=True)
    else:
        raise NotImplementedError(f"value_type: expected TD0, TD1 or TDLambda for this loss, got {value_type.name}")
    return np.moveaxis(found.value_target, 0, -1)
