"""Target networks: their parameters after an update, from those that are trained."""

from rlref.targets import hard_update, soft_update

__all__ = ["hard_update", "soft_update"]
