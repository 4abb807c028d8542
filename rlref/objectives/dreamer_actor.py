"""Dreamer's actor, with torchrl's interface."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rlref.losses import dreamer_actor
from rlref.networks.trees import held
from rlref.objectives.data import Key, get, last, put
from rlref.objectives.dreamer import MADE, DreamerLoss
from rlref.objectives.estimators import ValueEstimators
from rlref.objectives.imagination import DreamerEnv, imagine
from rlref.objectives.loss_module import Part
from rlref.objectives.modules import Module, ProbabilisticActor
from rlref.objectives.trained import added
from rlref.objectives.value import ValueEstimatorBase
from rlref.returns import td0, td1


class DreamerActorLoss(DreamerLoss):
    """losses/dreamer_actor of ``imagination_horizon`` steps from each "state" and belief [*B, D] of a batch on.

    The loss is the mean over trajectories of the sum over time. These come with it, [*B, T], and "lambda_target"
    beside them, for DreamerValueLoss. Only the actor is trained: ``value_model`` and the world model of
    ``model_based_env`` are held still, and used as they are at the call. Where another loss trains one, hand it on:

        actor_loss.value_model.parameters = value_loss.parameters["value_model"]

    Unlike torchrl's, whose returns are TD(0)'s whatever lambda is, it uses lambda.
    """

    default_keys: ClassVar[dict[str, Key]] = {
        "belief": "belief", "reward": "reward", "value": "state_value", "done": "done", "terminated": "terminated"}
    default_out_keys = ("loss_actor",)
    default_value_estimator = ValueEstimators.TDLambda

    def __init__(self, actor_model: ProbabilisticActor, value_model: Module, model_based_env: DreamerEnv, *,
                 imagination_horizon: int = 15, discount_loss: bool = True) -> None:
        super().__init__("sum")
        if imagination_horizon < 1:
            raise ValueError(f"imagination_horizon: expected 1 or more, got {imagination_horizon}")
        if not isinstance(actor_model, ProbabilisticActor):
            raise TypeError(f"actor_model: expected a ProbabilisticActor, of rlref.distributions.delta if it is "
                            f"deterministic, got {type(actor_model).__name__}")
        self.add("actor_model", actor_model)
        self.value_model, self.model_based_env = value_model, model_based_env
        self.imagination_horizon, self.discount_loss = imagination_horizon, discount_loss

    def _in_keys(self):
        return ["state", self.tensor_keys["belief"]]

    def parts(self, data, rng):
        """(1) to (3) of losses/dreamer_actor, time first."""
        keys = self.tensor_keys
        imagined, to_parameters = imagine(
            self.model_based_env, self.modules["actor_model"], self.whole("actor_model"),
            {key: get(data, key) for key in self._in_keys()}, keys["reward"], self.imagination_horizon, rng)
        outputs, to_next = self.value_model(imagined["next"], held(self.value_model.parameters))
        reward = get(imagined, ("next", keys["reward"]))
        for name in ("done", "terminated"):
            imagined = put(imagined, ("next", keys[name]), np.zeros(reward.shape, bool))
        next_value = last(keys["value"], outputs[keys["value"]])
        target = self.value_target(imagined, next_value)

        def to_actor(by):
            by_reward, by_value = (np.moveaxis(x, 0, -1)[..., None] for x in by)
            by_next = added(to_next({keys["value"]: by_value})[1], {keys["reward"]: by_reward})
            return self.share("actor_model", to_parameters(by_next))

        return [Part(dreamer_actor, {
            "reward": np.moveaxis(last(keys["reward"], reward), -1, 0),
            "next_state_value": np.moveaxis(next_value, -1, 0), "discount_loss": self.discount_loss,
            "gamma": float(self.value_estimator.gamma),
            "lmbda": _lambda(self.value_estimator)}, {"loss_actor": to_actor},
            lambda found: {MADE: put(imagined, "lambda_target", target[..., None])},
            scale=self.imagination_horizon / reward.size)]


def _lambda(estimator: ValueEstimatorBase) -> Any:
    """That of which the estimator's target is the lambda-return: TD(0) has 0, TD(1) has 1."""
    return {td0: 0.0, td1: 1.0}.get(estimator.page, getattr(estimator, "lmbda", None))
