"""Known mistakes in the losses of deep deterministic policy gradients."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.distances import (  # noqa: F401  (found by looking)
    averaged_too_early,
    huber_missing_half,
    square_halved,
)
from rlref.conformance.mistakes.dqn import per_priority_squared  # noqa: F401


@mistake("the actor minimizes Q", "folklore")
def actor_minimizes_value(right, x):
    result = right(**x)
    return result._replace(loss_actor=-result.loss_actor)


@mistake("the actor's loss is Q of the action in the replay buffer, which does not depend on the actor",
         "https://github.com/KornbergFresnel/ModelRepo/issues/2")
def dpg_actor_uses_replay_action(right, x):
    return right(**x)._replace(loss_actor=-x["state_action_value"])


@mistake("the critic is trained at the policy's action, not at the one whose reward was seen", "folklore")
def critic_at_policy_action(right, x):
    return right(**x)._replace(loss_value=right(**x | {"state_action_value": x["policy_action_value"]}).loss_value)


@mistake("the critic's loss has a stray factor of 1/4",
         "https://github.com/adaptive-intelligent-robotics/QDax/pull/78")
def td3_stray_constant(right, x):
    result = right(**x)
    return result._replace(loss_value=result.loss_value / 4)


@gradient_mistake("the actor gets nothing: the critic's output is held still instead of its parameters",
                  "https://github.com/KornbergFresnel/ModelRepo/issues/2")
def actor_gradient_stopped(right, cotangent, x):
    gradient = right(cotangent, **x)
    return gradient._replace(loss_actor=type(gradient.loss_actor)(np.zeros_like(x["policy_action_value"])))
