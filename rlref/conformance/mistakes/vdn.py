"""Known mistakes in value decomposition networks."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.distances import (  # noqa: F401  (found by looking)
    averaged_too_early,
    gradient_clipped,
    huber_missing_half,
    square_halved,
)
from rlref.conformance.mistakes.dqn import per_priority_from_loss, per_priority_squared  # noqa: F401

# The team's value


@mistake("the agents' values are averaged, not added", "folklore")
def vdn_mean_not_sum(right, x):
    return right(**x | {"local_value": x["local_value"] / x["local_value"].shape[-1]})


@mistake("the first agent's value alone is the team's", "folklore")
def vdn_first_agent_alone(right, x):
    return right(**x | {"local_value": x["local_value"][..., :1]})


@mistake("the largest of the agents' values is the team's", "folklore")
def vdn_max_not_sum(right, x):
    return right(**x | {"local_value": x["local_value"].max(axis=-1, keepdims=True)})


@mistake("the agents learn apart: each one's value is compared with the team's target, and the losses are added",
         "folklore")
def vdn_agents_apart(right, x):
    each = [right(**x | {"local_value": x["local_value"][..., g:g + 1]}).loss
            for g in range(x["local_value"].shape[-1])]
    return right(**x)._replace(loss=np.sum(each, axis=0))


@mistake("the sum runs over the first axis, which is time: the shapes agree where there are as many agents", "folklore")
def vdn_sum_over_time(right, x):
    summed = x["local_value"].sum(axis=0)
    if summed.shape != x["value_target"].shape:  # no such luck
        return right(**x)
    return right(**x | {"local_value": summed[..., None]})


# The loss


@mistake("every prediction is compared with every target of the batch, (B, 1) with (B,), and averaged",
         "https://github.com/automl/Mighty/pull/126")
def critic_returns_bb_broadcast(right, x):
    shifted = (np.roll(x["value_target"], k) for k in range(x["value_target"].size))
    return right(**x)._replace(loss=np.mean([right(**x | {"value_target": y}).loss for y in shifted], axis=0))


@mistake("td_error keeps its sign", "folklore")
def td_error_signed(right, x):
    result = right(**x)
    return result._replace(td_error=result.global_value - x["value_target"])


@mistake("global_value is how far it is from the target", "folklore")
def global_value_is_difference(right, x):
    result = right(**x)
    return result._replace(global_value=result.global_value - x["value_target"])


# The credit


@gradient_mistake("each agent gets its share of the gradient, one part in G, where each should get all of it",
                  "folklore")
def vdn_gradient_shared_out(right, cotangent, x):
    gradient = right(cotangent, **x)
    return gradient._replace(local_value=gradient.local_value / x["local_value"].shape[-1])


@gradient_mistake("the first agent alone gets a gradient", "folklore")
def vdn_gradient_to_first_agent(right, cotangent, x):
    by = right(cotangent, **x).local_value.copy()
    by[..., 1:] = 0.0
    return right(cotangent, **x)._replace(local_value=by)


@gradient_mistake("each agent's value is moved towards the team's target by its own error", "folklore")
def vdn_gradient_of_agents_apart(right, cotangent, x):
    each = [right(cotangent, **x | {"local_value": x["local_value"][..., g:g + 1]}).local_value
            for g in range(x["local_value"].shape[-1])]
    return right(cotangent, **x)._replace(local_value=np.concatenate(each, axis=-1))
