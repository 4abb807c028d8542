"""Loss modules with torchrl's interface on networks in NumPy: recipes over bootstraps, returns and losses.

    actor = Actor(network, parameters)
    loss = DDPGLoss(actor, ValueOperator(q_network, q_parameters, in_keys=["observation", "action"]))
    losses, gradients = loss.value_and_grad(data)         # gradients["loss_actor"]["actor_network"]: nested dicts
    loss.parameters = adam.step(loss.parameters, loss.total(gradients))

Arguments, defaults, keys and outputs are torchrl 0.14.1's. A batch is a nested dict of arrays laid out as in torchrl:
values, rewards and ends have a last axis of 1, and time, where it matters, is the last batch axis.
"""

from rlref.objectives.a2c import A2CLoss
from rlref.objectives.clip_ppo import ClipPPOLoss
from rlref.objectives.ddpg import DDPGLoss
from rlref.objectives.discrete_sac import DiscreteSACLoss
from rlref.objectives.distributional_dqn import DistributionalDQNLoss
from rlref.objectives.dqn import DQNLoss
from rlref.objectives.dreamer_actor import DreamerActorLoss
from rlref.objectives.dreamer_model import DreamerModelLoss
from rlref.objectives.dreamer_value import DreamerValueLoss
from rlref.objectives.estimators import ValueEstimators, default_value_kwargs
from rlref.objectives.imagination import DreamerEnv
from rlref.objectives.iql import IQLLoss
from rlref.objectives.kl_penalty_ppo import KLPENPPOLoss
from rlref.objectives.module_sequential import ModuleSequential
from rlref.objectives.modules import (
    Actor,
    DistributionalQValueActor,
    Module,
    ProbabilisticActor,
    QValueActor,
    ValueOperator,
)
from rlref.objectives.ppo import PPOLoss
from rlref.objectives.qmixer import QMixerLoss
from rlref.objectives.redq import REDQLoss
from rlref.objectives.reinforce import ReinforceLoss
from rlref.objectives.sac import SACLoss
from rlref.objectives.td3 import TD3Loss
from rlref.objectives.updates import HardUpdate, SoftUpdate
from rlref.objectives.utils import distance_loss, hold_out_net, hold_out_params, next_state_value

__all__ = ["A2CLoss", "Actor", "ClipPPOLoss", "DDPGLoss", "DQNLoss", "DiscreteSACLoss", "DistributionalDQNLoss",
           "DistributionalQValueActor", "DreamerActorLoss", "DreamerEnv", "DreamerModelLoss", "DreamerValueLoss",
           "HardUpdate", "IQLLoss", "KLPENPPOLoss", "Module", "ModuleSequential", "PPOLoss", "ProbabilisticActor",
           "QMixerLoss", "QValueActor", "REDQLoss", "ReinforceLoss", "SACLoss", "SoftUpdate", "TD3Loss",
           "ValueEstimators", "ValueOperator", "default_value_kwargs", "distance_loss", "hold_out_net",
           "hold_out_params", "next_state_value"]
