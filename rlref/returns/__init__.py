"""Return estimators: rewards and bootstrapped values to advantages and value targets."""

from rlref.returns import gae, reward_to_go, standardize, td0, td1, td_lambda, vtrace
from rlref.returns._value_estimate import ValueEstimate

__all__ = ["ValueEstimate", "gae", "reward_to_go", "standardize", "td0", "td1", "td_lambda", "vtrace"]
