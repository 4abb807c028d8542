"""Predictions and targets to a loss per sample, and its gradient: ``from rlref.losses import dqn; dqn.loop(...)``."""

from rlref.losses import ddpg, distance, dqn

__all__ = ["ddpg", "distance", "dqn"]
