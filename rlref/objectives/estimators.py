"""The estimators that a loss may be given, by name."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from rlref.objectives.data import Key
from rlref.objectives.value import GAE, TD0Estimator, TD1Estimator, TDLambdaEstimator, ValueEstimatorBase, VTrace


class ValueEstimators(Enum):
    """The estimators a loss may use."""

    TD0 = "Bootstrapped TD (1-step return)"
    TD1 = "TD(1) (infinity-step return)"
    TDLambda = "TD(lambda)"
    GAE = "Generalized advantage estimate"
    VTrace = "V-trace"


CLASSES: dict[ValueEstimators, type[ValueEstimatorBase]] = {
    ValueEstimators.TD0: TD0Estimator, ValueEstimators.TD1: TD1Estimator, ValueEstimators.TDLambda: TDLambdaEstimator,
    ValueEstimators.GAE: GAE, ValueEstimators.VTrace: VTrace}


def default_value_kwargs(value_type: ValueEstimators) -> dict[str, Any]:
    """The hyper-parameters that an estimator has where none are given, as torchrl's function of this name."""
    common = {"gamma": 0.99, "differentiable": True}
    return common | {ValueEstimators.TDLambda: {"lmbda": 0.95}, ValueEstimators.GAE: {"lmbda": 0.95}}.get(
        value_type, {})


def build_value_estimator(value_type: ValueEstimators | type[ValueEstimatorBase] | ValueEstimatorBase,
                          keys: Mapping[str, Key], **hyper: Any) -> ValueEstimatorBase:
    """What torchrl's losses make of ``value_type``: of a name, an estimator with defaults and the loss's ``keys``.

    Of a class, it is made with ``hyper`` alone; an estimator is taken as it is.
    """
    if isinstance(value_type, ValueEstimatorBase):
        if hyper:
            raise TypeError(f"{next(iter(hyper))}: expected no hyper-parameters beside an estimator, got {[*hyper]}")
        return value_type
    if isinstance(value_type, type) and issubclass(value_type, ValueEstimatorBase):
        return value_type(**hyper)
    if value_type not in CLASSES:
        raise TypeError(f"value_type: expected one of ValueEstimators, a class of estimators or an estimator, "
                        f"got {value_type!r}")
    estimator = CLASSES[value_type](**default_value_kwargs(value_type) | hyper)
    estimator.set_keys(**{name: key for name, key in keys.items() if name in estimator.default_keys})
    return estimator
