"""Known mistakes in QMIX."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.distances import (  # noqa: F401  (found by looking)
    averaged_too_early,
    gradient_clipped,
    huber_missing_half,
    square_halved,
)
from rlref.conformance.mistakes.dqn import per_priority_from_loss, per_priority_squared  # noqa: F401
from rlref.conformance.mistakes.vdn import (  # noqa: F401
    critic_returns_bb_broadcast,
    global_value_is_difference,
    td_error_signed,
)

# The mixing network


@mistake("the weights keep the signs that the hypernetworks give them: the mix is not monotonic", "folklore")
def qmix_negative_weights(right, x):
    return _mixed(right, x, hidden_weight=x["hidden_weight"], output_weight=x["output_weight"])


@mistake("the weights of the output layer keep their signs; those of the hidden layer do not", "folklore")
def qmix_output_weight_negative(right, x):
    return _mixed(right, x, output_weight=x["output_weight"])


@mistake("the weights of the hidden layer keep their signs; those of the output layer do not", "folklore")
def qmix_hidden_weight_negative(right, x):
    return _mixed(right, x, hidden_weight=x["hidden_weight"])


@mistake("negative weights are made 0, not positive", "folklore")
def qmix_weights_cut_at_zero(right, x):
    return right(**x | {name: np.maximum(x[name], 0.0) for name in ("hidden_weight", "output_weight")})


@mistake("the absolute value is taken of the biases too", "folklore")
def qmix_biases_positive(right, x):
    return right(**x | {name: np.abs(x[name]) for name in ("hidden_bias", "output_bias")})


@mistake("the hypernetwork's output is read as [H, G], hidden units first, where it is [G, H]", "folklore")
def qmix_weights_transposed(right, x):
    weight = x["hidden_weight"]
    agents, units = weight.shape[-2:]
    return right(**x | {"hidden_weight": weight.reshape(*weight.shape[:-2], units, agents).swapaxes(-1, -2)})


@mistake("ReLU stands in place of ELU", "folklore")
def qmix_relu_not_elu(right, x):
    return _mixed(right, x, activation=lambda h: np.maximum(h, 0.0))


@mistake("there is nothing between the layers: the mix is linear", "folklore")
def qmix_no_activation(right, x):
    return _mixed(right, x, activation=lambda h: h)


@mistake("ELU lacks its -1: exp(x) below 0, which jumps there", "folklore")
def qmix_elu_without_minus_one(right, x):
    return _mixed(right, x, activation=lambda h: np.where(h > 0, h, np.exp(np.minimum(h, 0.0))))


@mistake("ELU follows the output layer too", "folklore")
def qmix_output_activated(right, x):
    return _is(right, x, _elu(right(**x).global_value))


@mistake("the bias of the hidden layer is left out", "folklore")
def qmix_hidden_bias_ignored(right, x):
    return right(**x | {"hidden_bias": np.zeros_like(x["hidden_bias"])})


@mistake("the bias of the output layer, V(s), is left out", "folklore")
def qmix_output_bias_ignored(right, x):
    return right(**x | {"output_bias": np.zeros_like(x["output_bias"])})


@mistake("nothing is mixed: Q_tot is the sum of the agents' values, as in VDN", "folklore")
def qmix_values_added(right, x):
    return _is(right, x, x["local_value"].sum(axis=-1))


@mistake("the hidden units are averaged, not added", "folklore")
def qmix_mean_of_hidden_units(right, x):
    return right(**x | {"output_weight": x["output_weight"] / x["output_weight"].shape[-1]})


# The derivative


@gradient_mistake("the derivative by the weights is that by their absolute values: negative ones move the wrong way",
                  "folklore")
def qmix_sign_of_weights_lost(right, cotangent, x):
    return right(cotangent, **x | {name: np.abs(x[name]) for name in ("hidden_weight", "output_weight")})


@gradient_mistake("the hypernetworks are not trained", "folklore")
def qmix_hypernetworks_held_still(right, cotangent, x):
    by = right(cotangent, **x)
    return by._replace(**{name: np.zeros_like(x[name]) for name in by._fields if name != "local_value"})


@gradient_mistake("hidden units below 0 pass nothing back, as with ReLU", "folklore")
def qmix_gradient_of_relu(right, cotangent, x):
    by = right(cotangent, **x)
    above = _hidden(x, np.abs(x["hidden_weight"])) > 0
    by_x = np.where(above, by.hidden_bias, 0.0)
    return by._replace(
        local_value=(np.abs(x["hidden_weight"]) * by_x[..., None, :]).sum(axis=-1), hidden_bias=by_x,
        hidden_weight=np.where(above[..., None, :], by.hidden_weight, 0.0))


@gradient_mistake("all agents get the same credit, the mean", "folklore")
def qmix_credit_equal(right, cotangent, x):
    by = right(cotangent, **x)
    mean = by.local_value.mean(axis=-1, keepdims=True)
    return by._replace(local_value=np.broadcast_to(mean, by.local_value.shape).copy())


def _mixed(right, x, hidden_weight=None, output_weight=None, activation=None):
    """With other weights than absolute values, or another activation than ELU."""
    hidden_weight = np.abs(x["hidden_weight"]) if hidden_weight is None else hidden_weight
    output_weight = np.abs(x["output_weight"]) if output_weight is None else output_weight
    hidden = (activation or _elu)(_hidden(x, hidden_weight))
    return _is(right, x, (output_weight * hidden).sum(axis=-1) + x["output_bias"])


def _hidden(x, weight):
    return (x["local_value"][..., None] * weight).sum(axis=-2) + x["hidden_bias"]


def _elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0.0)))


def _is(right, x, global_value):
    """The page's outputs where Q_tot is this: a mixer of weights 0 and this bias."""
    return right(**x | {"output_weight": np.zeros_like(x["output_weight"]), "output_bias": global_value})
