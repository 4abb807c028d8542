"""V-trace with a value network and an actor, with torchrl's interface."""

from __future__ import annotations

from copy import copy
from typing import Any, ClassVar

from rlref.networks.trees import Tree
from rlref.objectives.data import Key, get
from rlref.objectives.modules import ProbabilisticActor
from rlref.objectives.value.averages import standardized
from rlref.objectives.value.base import ValueEstimatorBase
from rlref.returns import vtrace


class VTrace(ValueEstimatorBase):
    """returns/vtrace of a value network, and of an actor that is held still: no derivative goes through it.

    log pi is that of the action taken, under the key "action". (torchrl 0.14.1 takes that of another action, a new
    sample or the mode.) The thresholds are numbers, or arrays that broadcast to the rewards. ``average_adv``:
    returns/standardize of the advantages, with ddof = 1.
    """

    page = vtrace
    hyper = ("gamma", "rho_thresh", "c_thresh")
    target_reads_value = True
    default_keys: ClassVar[dict[str, Key]] = {**ValueEstimatorBase.default_keys, "action": "action"}

    def __init__(self, *, actor_network: ProbabilisticActor, rho_thresh: Any = 1.0, c_thresh: Any = 1.0,
                 average_adv: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.actor_network, self.rho_thresh, self.c_thresh = actor_network, rho_thresh, c_thresh
        self.average_adv = average_adv

    def with_actor(self, parameters: Tree) -> VTrace:
        """The same estimator with other parameters of the actor, as a loss module has them after a step."""
        found = copy(self)
        found.actor_network = copy(self.actor_network)
        found.actor_network.parameters = parameters
        return found

    @property
    def in_keys(self):
        """The entries of a batch that it reads."""
        keys = super().in_keys
        return [*keys, *(key for key in self.actor_network.reads if key not in keys),
                self.tensor_keys["action"], self.tensor_keys["sample_log_prob"]]

    def more(self, data, shape):
        """log pi, by the actor as it is now, and log mu, from the batch."""
        actor = self.actor_network
        distribution, _ = actor(data)
        log_pi = actor.distribution.log_prob(get(data, self.tensor_keys["action"]), *distribution.values(),
                                             **actor.given(data))
        key = self.tensor_keys["sample_log_prob"]
        log_mu = get(data, key)
        return ({"log_pi": log_pi.reshape(shape), "log_mu": log_mu.reshape(shape)},
                lambda by_log_pi, by_log_mu: {key: by_log_mu.reshape(log_mu.shape)})

    def finish(self, advantage, valid):
        """The advantages, or what standardize makes of them."""
        return standardized(advantage, valid, 1, 1e-5) if self.average_adv else super().finish(advantage, valid)
