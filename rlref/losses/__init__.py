"""Predictions and targets to a loss per sample, and its gradient: ``from rlref.losses import dqn; dqn.loop(...)``."""

from rlref.losses import ddpg, discrete_sac, distance, dqn, iql, qmix, redq, sac, sac_value, td3, vdn

__all__ = ["ddpg", "discrete_sac", "distance", "dqn", "iql", "qmix", "redq", "sac", "sac_value", "td3", "vdn"]
