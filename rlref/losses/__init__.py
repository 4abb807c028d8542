"""Predictions and targets to a loss per sample, and its gradient: ``from rlref.losses import dqn; dqn.loop(...)``."""

from rlref.losses import (
    a2c,
    clip_ppo,
    ddpg,
    discrete_sac,
    distance,
    dqn,
    iql,
    kl_penalty_ppo,
    ppo,
    qmix,
    redq,
    reinforce,
    sac,
    sac_value,
    td3,
    vdn,
)

__all__ = [
    "a2c",
    "clip_ppo",
    "ddpg",
    "discrete_sac",
    "distance",
    "dqn",
    "iql",
    "kl_penalty_ppo",
    "ppo",
    "qmix",
    "redq",
    "reinforce",
    "sac",
    "sac_value",
    "td3",
    "vdn",
]
