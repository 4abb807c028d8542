"""Dreamer's critic, with torchrl's interface."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rlref.losses import _discount, distance, dreamer_value
from rlref.objectives.data import Key, get, last
from rlref.objectives.dreamer import MADE, DreamerLoss
from rlref.objectives.loss_module import Part
from rlref.objectives.modules import Module


class DreamerValueLoss(DreamerLoss):
    """losses/dreamer_value of imagined trajectories [*B, T] with their "lambda_target": what DreamerActorLoss gives.

    The loss is the mean over trajectories of the sum over time. A ``value_loss`` of "l1" or "smooth_l1" is
    losses/distance with the same weights. It discounts by default, though torchrl's documentation says not.
    """

    default_keys: ClassVar[dict[str, Key]] = {"value": "state_value"}
    default_out_keys = ("loss_value",)

    def __init__(self, value_model: Module, *, value_loss: str | None = None, discount_loss: bool = True,
                 gamma: float = 0.99) -> None:
        super().__init__("sum")
        self.add("value_model", value_model)
        self.value_loss, self.discount_loss, self.gamma = value_loss or "l2", discount_loss, gamma

    def _in_keys(self):
        return [*self.modules["value_model"].in_keys, "lambda_target"]

    def parts(self, data, rng):
        """(1) and (2) of losses/dreamer_value, time first."""
        value, back = self.values("value_model", data, self.tensor_keys["value"])
        prediction, target = (np.moveaxis(x, -1, 0) for x in (value, last("lambda_target", get(data, "lambda_target"))))

        def to_model(by):
            return back(np.moveaxis(by[0], 0, -1))  # by the prediction, which is the first input of both pages

        if self.value_loss == "l2":
            part = Part(dreamer_value, {"state_value": prediction, "value_target": target, "gamma": self.gamma,
                                        "discount_loss": self.discount_loss}, {"loss_value": to_model})
        else:
            part = Part(distance, {"input": prediction, "target": target, "loss_function": self.value_loss},
                        {"loss": to_model}, called={"loss": "loss_value"})
        return [part._replace(report=lambda found: {MADE: data}, scale=1 / target[0].size)]

    def _weight(self, data, loss):
        """The discounts of losses/distance; losses/dreamer_value has them in its terms."""
        discounted = self.discount_loss and self.value_loss != "l2"
        return np.broadcast_to(_discount.weights(self.gamma, loss.shape, discounted), loss.shape)
