"""Distributions of actions: pages for each quantity, and modules that compose them."""

from rlref.distributions import (
    categorical_entropy,
    categorical_kl,
    categorical_log_prob,
    normal_entropy,
    normal_kl,
    normal_log_prob,
    normal_rsample,
    tanh_loc,
    tanh_normal_log_prob,
    tanh_normal_rsample,
)
