"""Estimators of advantages and value targets with networks, with torchrl's interface.

    gae = GAE(gamma=0.99, lmbda=0.95, value_network=ValueOperator(network, parameters))
    data = gae(data)                                       # a new dict, with "advantage", "value_target", ...
    target = gae.value_estimate(data)

A batch is a nested dict of arrays [*B, T, 1] as in rlref.objectives; ``data`` itself stays as it is. An estimator that
is ``differentiable`` has the derivatives that torch's autograd would find, by parameters and by entries of the batch:

    outputs, pullback = gae.value_and_pullback(data)
    by = pullback({"advantage": by_advantage})             # by.params, by.target_params, by.inputs

by.params is what comes through V(s), by.target_params what comes through V(s'); their sum is the derivative where both
have the same parameters, by.params alone where the target is held still.
"""

from rlref.objectives.value.base import ValueEstimatorBase
from rlref.objectives.value.gae import GAE
from rlref.objectives.value.td0 import TD0Estimator
from rlref.objectives.value.td1 import TD1Estimator
from rlref.objectives.value.td_lambda import TDLambdaEstimator
from rlref.objectives.value.vtrace import VTrace

__all__ = ["GAE", "TD0Estimator", "TD1Estimator", "TDLambdaEstimator", "VTrace", "ValueEstimatorBase"]
