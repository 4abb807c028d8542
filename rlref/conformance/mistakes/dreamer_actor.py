"""Known mistakes in the loss of Dreamer's actor."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.discounts import (  # noqa: F401  (found by looking)
    discounts_over_batch_axis,
    gamma_and_lambda_swapped,
    gamma_ignored,
    lambda_ignored,
    reward_read_one_step_early,
    time_reversed,
)
from rlref.conformance.mistakes.ends import ahead
from rlref.conformance.mistakes.td_lambda import lambda_complemented  # noqa: F401


def discounts(x, name="reward"):
    """gamma_t of every step, 1 where the steps are not weighed."""
    return np.broadcast_to(x["gamma"] if x["discount_loss"] else 1.0, x[name].shape)


@mistake("the last step bootstraps from V(s'_{T-2}), a slice that ends one too early",
         "https://github.com/Eclectic-Sheep/sheeprl/pull/67")
def lambda_bootstrap_second_last(right, x):
    following = x["next_state_value"].copy()
    following[-1] = following[-2:][0]
    return right(**x | {"next_state_value": following})


@mistake("the weight of step t holds the discount of its own outcome: gamma, gamma^2 and so on, not 1, gamma",
         "https://github.com/epignatelli/navix/pull/152")
def continue_weight_of_outcome(right, x):
    result = right(**x)
    return type(result)(*(out * discounts(x, next(iter(x))) for out in result))


@mistake("the weights are gamma_1 ... gamma_t: the first discount is overwritten by 1, not put before it", "folklore")
def first_discount_overwritten(right, x):
    undiscounted = right(**x | {"discount_loss": False})
    weight = np.array(discounts(x, next(iter(x))))
    weight[0] = 1.0
    return type(undiscounted)(*(out * np.cumprod(weight, axis=0) for out in undiscounted))


@mistake("a convention: the steps are not weighed, where they should be, or the reverse", "folklore")
def discount_loss_flipped(right, x):
    return right(**x | {"discount_loss": not x["discount_loss"]})


@mistake("R_t holds r_{t+1}, the reward of the state reached, in place of r_t",
         "https://github.com/danijar/dreamerv2/issues/27")
def reward_time_alignment(right, x):
    return right(**x | {"reward": ahead(x["reward"], x["reward"][-1])})


@mistake("lambda is never used: every return is r_t + gamma V(s'_t), as where a library takes time for a feature axis",
         "folklore")
def lambda_return_of_one_step(right, x):
    return right(**x | {"lmbda": 0.0})


@mistake("no value at the end: the return of the last step is its reward", "folklore")
def horizon_not_bootstrapped(right, x):
    following = x["next_state_value"].copy()
    following[-1] = 0.0
    return right(**x | {"next_state_value": following})


@mistake("the returns are made small: the sign is missing", "folklore")
def actor_minimizes_return(right, x):
    return type(right(**x))(-right(**x).loss_actor)


@gradient_mistake("the values are held still with their network: only the rewards are seen to depend on actions",
                  "folklore")
def value_gradient_stopped(right, cotangent, x):
    gradient = right(cotangent, **x)
    return gradient._replace(next_state_value=np.zeros_like(gradient.next_state_value))


@gradient_mistake("the derivative does not run through the recursion: G_{t+1} is taken for a constant", "folklore")
def recursion_gradient_stopped(right, cotangent, x):
    gradient = right(cotangent, **x | {"lmbda": 0.0})
    share = np.array(1 - np.broadcast_to(x["lmbda"], x["reward"].shape))
    share[-1] = 1.0
    return gradient._replace(next_state_value=gradient.next_state_value * share)


@gradient_mistake("the derivative is that of the returns without their weights", "folklore")
def weights_missing_in_gradient(right, cotangent, x):
    return right(cotangent, **x | {"discount_loss": False})
