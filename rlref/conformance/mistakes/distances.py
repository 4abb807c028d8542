"""Mistakes in the distance of a prediction from its target, shared by every loss that has one."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake

# Of one distance, as a function of the difference; ``scaled`` gives each page's terms what these give for a distance.


def scaled(right, x, terms, wrong):
    """``right`` with each of ``terms`` multiplied by ``wrong``, a number or an array of the term's shape."""
    result = right(**x)
    return result._replace(**{term: getattr(result, term) * wrong for term in terms})


def distances(result):
    """The terms that are distances, under the names that pages give them."""
    return [name for name in ("loss", "loss_value", "loss_qvalue", "loss_critic") if name in result._fields]


@mistake("a convention: the square is halved", "https://github.com/pytorch/pytorch/issues/48595")
def square_halved(right, x):
    result = right(**x)
    return scaled(right, x, distances(result), 0.5) if x["loss_function"] == "l2" else result


@mistake("smooth_l1 lacks its half: u^2 inside, |u| outside",
         "https://github.com/carpedm20/deep-rl-tensorflow/issues/5")
def huber_missing_half(right, x):
    if x["loss_function"] != "smooth_l1":
        return right(**x)
    l1, l2 = (right(**x | {"loss_function": name}) for name in ("l1", "l2"))
    inside = {name: np.minimum(getattr(l1, name), getattr(l2, name)) for name in distances(l1)}
    return right(**x)._replace(**inside)


@mistake("the losses of the batch are averaged inside the loss, and every sample gets the mean", "folklore")
def averaged_too_early(right, x):
    result = right(**x)
    return result._replace(**{name: np.full_like(getattr(result, name), getattr(result, name).mean())
                              for name in distances(result)})


@gradient_mistake("the derivative of the loss is cut off at 1: the gradient, not the loss, is Huber's", "folklore")
def gradient_clipped(right, cotangent, x):
    return right(cotangent, **x | {"loss_function": "smooth_l1"})
