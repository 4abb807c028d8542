"""What the losses of policy gradients share: an actor and a critic, and the advantage of what was done."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar, NamedTuple

import numpy as np

from rlref.glossary import GLOSSARY
from rlref.losses import clipped_value
from rlref.objectives.data import Data, Key, get, has, last, per_sample, without
from rlref.objectives.estimators import ValueEstimators
from rlref.objectives.loss_module import LossModule, Part, Route, nothing
from rlref.objectives.modules import Module, ProbabilisticActor
from rlref.objectives.policies import Policy
from rlref.objectives.trained import Gradients
from rlref.objectives.value import VTrace
from rlref.returns import standardize


class Taken(NamedTuple):
    """The actions in a batch, and what the policy makes of them."""

    policy: Policy
    action: np.ndarray
    log_prob: np.ndarray  # [*B]
    counted: np.ndarray  # bool [*B], the steps that count

    def route(self, by: Any) -> Gradients:
        """Of a term that trains log_prob."""
        return self.policy.log_prob_vjp(by.log_prob, self.action)


class PolicyGradient(LossModule):
    """Where a batch has no advantage, the value estimator makes it and the value target, with the critic held still.

    Steps that a mask leaves out count nowhere: in no loss, and in no statistic either, such as a mean that is reported.
    (torchrl 0.14.1 masks the losses alone.)
    """

    default_keys: ClassVar[dict[str, Key]] = {
        "advantage": "advantage", "value_target": "value_target", "value": "state_value",
        "sample_log_prob": "action_log_prob", "action": "action", "reward": "reward", "done": "done",
        "terminated": "terminated"}
    default_value_estimator = ValueEstimators.GAE
    supported = tuple(ValueEstimators)

    def __init__(self, actor_network: ProbabilisticActor, critic_network: Module | None, *, loss_critic_type: str,
                 clip_value: float | None, separate_losses: bool, reduction: str | None, delay_actor: bool = False,
                 delay_value: bool = False) -> None:
        super().__init__(reduction)
        distances = GLOSSARY["loss_function"].choices
        if loss_critic_type not in distances:
            raise ValueError(f"loss_critic_type: expected one of {', '.join(distances)}, got {loss_critic_type!r}")
        if isinstance(clip_value, bool):
            raise ValueError(f"clip_value: expected a number or None, got {clip_value}")
        self.add("actor_network", actor_network, delay_actor)
        if critic_network is not None:
            self.add("critic_network", critic_network, delay_value, apart=separate_losses)
            self.make_value_estimator()
        self.loss_critic_type, self.clip_value = loss_critic_type, clip_value

    # advantages

    def _estimating(self):
        """The critic, where there is one already, and for V-trace the actor."""
        actor = {"actor_network": self.modules["actor_network"]} if self.value_type is ValueEstimators.VTrace else {}
        return {"value_network": self.modules.get("critic_network"), **actor}

    def completed(self, data):
        """``data`` with an advantage and a value target; networks are shown zeros for steps that do not count."""
        data = self._estimated(data)
        counted = self._counted(data)
        return data if counted.all() else without(data, ~counted, {key for module in self.modules.values()
                                                                   for key in module.reads})

    def _counted(self, data: Data) -> np.ndarray:
        """Which steps count, bool [*B]."""
        key = self.tensor_keys["advantage"]
        return self._mask(data, last(key, get(data, key)))

    def _estimated(self, data: Data) -> Data:
        """``data`` with what the value estimator writes, if there is no advantage."""
        key = self.tensor_keys["advantage"]
        if has(data, key):
            return data
        if "critic_network" not in self.modules:
            raise ValueError(f"critic_network: expected a network, or an entry {key!r} in data, got neither")
        estimator = self.value_estimator
        if isinstance(estimator, VTrace):
            estimator = estimator.with_actor(self.whole("actor_network"))
        return estimator(data, self.whole("critic_network"), self.delayed.get("critic_network"))

    # what pages are given

    def taken(self, data: Data) -> Taken:
        """The actions in ``data``, as the policy is now."""
        policy, action = self.policy(data), get(data, self.tensor_keys["action"])
        counted = self._counted(data)
        if not counted.all():  # padding may hold no action at all
            at = counted.reshape(counted.shape + (1,) * (action.ndim - counted.ndim))
            action = np.where(at, action, policy.mode())
        return Taken(policy, action, policy.log_prob(action), counted)

    def entry(self, name: str, data: Data, counted: np.ndarray) -> np.ndarray:
        """An entry [*B], with 0 for steps that do not count: padding may hold anything."""
        key = self.tensor_keys[name]
        return np.where(counted, per_sample(key, get(data, key), counted.shape), 0.0)

    def with_critic(self, data: Data, counted: np.ndarray, term: str, critic_coeff: float,
                    part: Callable[[dict[str, Any], dict[str, Route]], Part]) -> list[Part]:
        """``part`` of the critic's values and targets, and of the route of its page's ``term``.

        With clip_value, losses/clipped_value times ``critic_coeff`` is in place of that term.
        """
        value, to_critic = self.values("critic_network", data, self.tensor_keys["value"])
        given = {"state_value": value, "value_target": self.entry("value_target", data, counted),
                 "loss_function": self.loss_critic_type}

        def route(by: Any) -> Gradients:
            return to_critic(by.state_value)

        if not self.clip_value:
            return [part(given, {term: route})]
        old = {"old_state_value": self.entry("value", data, counted), "clip_value": self.clip_value}
        return [part(given, {}), Part(
            clipped_value, given | old, {"loss": route},
            lambda found: {"value_clip_fraction": mean(found.clip_fraction, counted)}, {"loss": term}, critic_coeff)]


class ActorCritic(PolicyGradient):
    """The same with the policy's entropy as a bonus, and without the critic's loss where critic_coeff is None."""

    entropy_bonus: bool
    samples_mc_entropy: int
    entropy_coeff: float
    critic_coeff: float | None
    log_explained_variance = False

    def actor_critic(self, page: ModuleType, data: Data, rng: np.random.Generator | None, taken: Taken,
                     given: dict[str, Any], objective: Route,
                     report: Callable[[Any], dict[Key, Any]] = nothing) -> list[Part]:
        """``page`` and its three terms, of what is ``given`` besides the policy, its entropy and the critic."""
        policy, counted = taken.policy, taken.counted
        zeros = np.zeros(counted.shape)
        entropy, noise = policy.entropy(rng, self.samples_mc_entropy) if self.entropy_bonus else (zeros, None)
        routes = {"loss_objective": objective} | (
            {"loss_entropy": lambda by: policy.entropy_vjp(by.entropy, noise)} if self.entropy_bonus else {})
        reported = {"entropy": mean(entropy, counted)} if self.entropy_bonus else {}
        given = {"log_prob": taken.log_prob, "entropy": entropy, "entropy_coeff": self.entropy_coeff,
                 "critic_coeff": self.critic_coeff or 0.0, **given}

        def part(critic: dict[str, Any], to_critic: dict[str, Route]) -> Part:
            if self.log_explained_variance and self.critic_coeff is not None:
                reported["explained_variance"] = explained_variance(
                    critic["state_value"], critic["value_target"], counted)
            return Part(page, given | critic, routes | to_critic, lambda found: reported | report(found))

        if self.critic_coeff is not None:
            return self.with_critic(data, counted, "loss_critic", self.critic_coeff, part)
        return [part({"state_value": zeros, "value_target": zeros, "loss_function": self.loss_critic_type}, {})]


def mean(x: np.ndarray, counted: np.ndarray, axis: int | None = None) -> np.ndarray:
    """The mean of ``x`` over what is ``counted``; of nothing, NaN."""
    with np.errstate(invalid="ignore"):
        return np.sum(np.where(counted, x, 0.0), axis=axis) / np.sum(counted, axis=axis)


def normalized(advantage: np.ndarray, counted: np.ndarray, apart: tuple[int, ...], ddof: int, std_min: float
               ) -> np.ndarray:
    """returns/standardize of what is ``counted``, at each place along the axes ``apart`` of [*B, 1] by itself."""
    found, dims = np.zeros((*advantage.shape, 1)), advantage.ndim + 1
    for axis in apart:
        if not -dims <= axis < dims:
            raise ValueError(f"normalize_advantage_exclude_dims: expected axes of shape {found.shape}, got {axis}")
    x, kept, out = (np.moveaxis(y, apart, range(len(apart))) for y in (advantage[..., None], counted[..., None], found))
    for place in np.ndindex(*x.shape[:len(apart)]):
        these = x[place][kept[place]]
        out[place][kept[place]] = standardize.vectorized(these, ddof=ddof, std_min=std_min).advantage
    return found[..., 0]


def explained_variance(value: np.ndarray, target: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """1 - var(G - V) / var(G), of each column of the first axis, [*B[1:], 1]."""
    error, total = (mean((x - mean(x, counted, 0))**2, counted, 0) for x in (target - value, target))
    return (1.0 - error / (total + np.finfo(float).eps))[..., None]
