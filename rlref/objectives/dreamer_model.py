"""Dreamer's world model, with torchrl's interface."""

from __future__ import annotations

from typing import ClassVar

from rlref.losses import distance, dreamer_model
from rlref.objectives.data import Key, get, last, path, put, put_all
from rlref.objectives.dreamer import MADE, DreamerLoss
from rlref.objectives.loss_module import Part
from rlref.objectives.modules import Module

LATENTS = ("prior_mean", "prior_std", "posterior_mean", "posterior_std")


class DreamerModelLoss(DreamerLoss):
    """losses/dreamer_model of what ``world_model`` writes under "next" for a batch [*B, T]; all its keys are there.

    The recorded reward comes out as "true_reward", the predicted one in its place. Errors of the reconstruction are
    summed over all axes of an observation, whatever their number; torchrl sums over the last three, so that of
    vectors [*B, T, O] it adds up the batch, too. A ``reco_loss`` or ``reward_loss`` other than "l2" is
    losses/distance with the same scales. What the world model draws at random is in the batch, an entry that it reads.
    """

    default_keys: ClassVar[dict[str, Key]] = {
        "reward": "reward", "true_reward": "true_reward", **{name: name for name in LATENTS}, "pixels": "pixels",
        "reco_pixels": "reco_pixels"}
    default_out_keys = ("loss_model_kl", "loss_model_reco", "loss_model_reward")

    def __init__(self, world_model: Module, *, lambda_kl: float = 1.0, lambda_reco: float = 1.0,
                 lambda_reward: float = 1.0, reco_loss: str | None = None, reward_loss: str | None = None,
                 free_nats: float = 3, delayed_clamp: bool = False, global_average: bool = False) -> None:
        super().__init__("mean")
        self.add("world_model", world_model)
        self.reco_loss, self.reward_loss, self.global_average = reco_loss or "l2", reward_loss or "l2", global_average
        self.lambda_reco, self.lambda_reward = lambda_reco, lambda_reward
        self.settings = {"lambda_kl": lambda_kl, "lambda_reco": lambda_reco, "lambda_reward": lambda_reward,
                         "free_nats": free_nats, "delayed_clamp": delayed_clamp, "global_average": global_average}

    def _in_keys(self):
        return [*self.modules["world_model"].in_keys, *map(self._at, ("pixels", "reward"))]

    def _at(self, name: str) -> Key:
        return path(("next", self.tensor_keys[name]))

    def parts(self, data, rng):
        """(1) to (5) of losses/dreamer_model."""
        outputs, back = self.run("world_model", data)
        written, predicted = {path(key): key for key in outputs}, put_all({}, outputs)
        made = put_all(put(data, self._at("true_reward"), get(data, self._at("reward"))), outputs)
        true, reward = (last(at, get(entries, at)) for at, entries in (
            (self._at("true_reward"), made), (self._at("reward"), predicted)))
        pixels = get(data, self._at("pixels")).reshape(*true.shape, -1)
        reco = get(predicted, self._at("reco_pixels")).reshape(pixels.shape)

        def to_model(*names):
            def route(by):
                keys = [written[self._at(name)] for name in names]
                return self.share("world_model", back({
                    key: x.reshape(outputs[key].shape) for key, x in zip(keys, by, strict=True)})[0])
            return route

        routes = {"loss_model_kl": to_model(*LATENTS), "loss_model_reco": to_model("reco_pixels"),
                  "loss_model_reward": to_model("reward")}
        parts = [Part(dreamer_model, {
            **{name: get(predicted, self._at(name)) for name in LATENTS}, "observation": pixels,
            "reco_observation": reco, "reward": true, "reco_reward": reward, **self.settings}, routes,
            lambda found: {MADE: made})]
        of_pixels = self.lambda_reco * (1 if self.global_average else pixels.shape[-1])
        for term, loss_function, prediction, target, scale in (
                ("loss_model_reco", self.reco_loss, reco, pixels, of_pixels),
                ("loss_model_reward", self.reward_loss, reward, true, self.lambda_reward)):
            if loss_function != "l2":
                route = routes.pop(term)
                parts.append(Part(distance, {"input": prediction, "target": target, "loss_function": loss_function},
                                  {"loss": lambda by, route=route: route(by[:1])}, called={"loss": term}, scale=scale))
        return parts
