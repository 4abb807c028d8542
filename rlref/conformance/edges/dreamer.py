"""The edges of Dreamer's losses: both sides of the free nats, what is averaged over what, weights along imagination."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rlref.conformance.cases import Inputs
from rlref.conformance.edges import At, Edge

WEIGHTS = ("lambda_kl", "lambda_reco", "lambda_reward")
MODES = {"each": (False, False), "each-average": (False, True),  # delayed_clamp, global_average
         "delayed": (True, False), "delayed-average": (True, True)}


def _model(mode: str = "each", free_nats: float = 0.0, weights: tuple[float, float, float] = (1.0, 1.0, 1.0),
           **arrays: np.ndarray) -> Callable[[Inputs, At], Inputs]:
    """Settings in full; arrays [T] or [T, D] are spread over what axes they lack."""
    def change(x: Inputs, at: At) -> Inputs:
        delayed, average = MODES[mode]
        spread = {name: np.broadcast_to(a if a.ndim == x[name].ndim else a.reshape(-1, *(1 for _ in x[name].shape[1:])),
                                        x[name].shape).copy() for name, a in arrays.items()}
        return {**dict(zip(WEIGHTS, weights, strict=True)), "free_nats": free_nats, "delayed_clamp": delayed,
                "global_average": average, **spread}
    return change


def _apart(mode: str, free_nats: float) -> Callable[[Inputs, At], Inputs]:
    """Deviations 1 and means 0, 1, 2 and 4 apart: divergences of 0, 1/2, 2 and 8 a feature."""
    return _model(mode, free_nats, prior_std=np.ones(4), posterior_std=np.ones(4), prior_mean=np.array([0, 1, -2, 1.0]),
                  posterior_mean=np.array([0, 0, 0, 5.0]))


def _same_deviations(mode: str, free_nats: float) -> Callable[[Inputs, At], Inputs]:
    """Two features of 1/2 each: their sum is 1, their mean 1/2, and so for all samples."""
    return _model(mode, free_nats, prior_std=np.ones(3), posterior_std=np.ones(3), prior_mean=np.array([0, 2, -1.0]),
                  posterior_mean=np.array([1, 1, -2.0]))


def _imagined(discount_loss: bool, gamma: object, lmbda: object = 0.5, **arrays: np.ndarray) -> Callable[..., Inputs]:
    return lambda x, at: {"discount_loss": discount_loss, "gamma": gamma, "lmbda": lmbda, **arrays}


EDGES: tuple[Edge, ...] = (
    # the world model
    *(Edge(f"free-nats-between-{mode}", f"divergences of 0, 1/2, 2 and 8 a feature, 1.5 free nats, {mode}", (4,),
           "free_nats", _apart(mode, 1.5)) for mode in MODES),
    Edge("delayed-mean-below", "one sample far above the free nats, the mean below", (4,), "free_nats",
         _apart("delayed", 5.5)),
    Edge("delayed-mean-above", "one sample far above the free nats, and the mean too", (4,), "free_nats",
         _apart("delayed", 5.0)),
    *(Edge(f"free-nats-tie-{mode}", f"every divergence is the free nats, {mode}", (3,), "free_nats",
           _same_deviations(mode, 0.5 if MODES[mode][1] else 1.0)) for mode in MODES),
    *(Edge(f"posterior-is-prior-{mode}", f"no divergence and no free nats, {mode}", (3,), "free_nats",
           _model(mode, prior_mean=np.arange(3.0), posterior_mean=np.arange(3.0), prior_std=np.array([0.5, 1, 2]),
                  posterior_std=np.array([0.5, 1, 2]))) for mode in ("each", "delayed-average")),
    Edge("free-nats-take-all", "nothing is left to train of the divergence", (3,), "free_nats",
         _model(free_nats=1e6)),
    Edge("no-free-nats", "every divergence counts", (3, 2), "free_nats", _model()),
    Edge("no-free-nats-delayed", "the mean of every divergence, for every sample", (3, 2), "free_nats",
         _model("delayed")),
    Edge("more-features-than-latents", "three observed, two latent features, averaged", (3,), "free_nats",
         _model("each-average"), {"O": 3}),
    Edge("more-latents-than-features", "three latent, one observed feature, averaged, three free nats", (3,),
         "free_nats", _model("each-average", 3.0), {"D": 3, "O": 1}),
    Edge("three-summed", "three latent, three observed features, summed, three free nats", (3,), "free_nats",
         _model("each", 3.0), {"D": 3, "O": 3}),
    Edge("one-latent-one-feature", "nothing to sum or to average", (3,), "free_nats", _model("each", 1.0),
         {"D": 1, "O": 1}),
    Edge("narrow-posterior", "the posterior knows a hundred times more than the prior", (3,), "free_nats",
         _model(posterior_std=np.array([0.01, 0.02, 0.03]), prior_std=np.array([1, 2, 3.0]))),
    Edge("narrow-prior", "the prior is a hundred times too sure of itself", (3,), "free_nats",
         _model(prior_std=np.array([0.01, 0.02, 0.03]), posterior_std=np.array([1, 2, 3.0]))),
    Edge("minimal-deviations", "deviations of 0.1, as where a network adds a smallest one", (3,), "free_nats",
         _model("each", 3.0, prior_std=np.full(3, 0.1), posterior_std=np.full(3, 0.1))),
    Edge("means-far-apart", "float64 holds the square of their distance in deviations alone", (2,),
         "free_nats", _model(prior_std=np.array([1e5, 2e5]), posterior_std=np.array([1e5, 1e5]),
                                   prior_mean=np.array([1e155, 0.0]), posterior_mean=np.array([0.0, 2e155]))),
    Edge("terms-weighed", "weights 1/2, 1/4 and 2, one free nat", (4,), "free_nats",
         _model("each", 1.0, (0.5, 0.25, 2.0))),
    Edge("terms-left-out", "weights 0", (3,), "free_nats", _model("delayed", 1.0, (0.0, 0.0, 0.0))),
    Edge("single-sample-delayed", "the mean of one", (1,), "free_nats", _model("delayed", 1.0)),
    Edge("three-by-three-delayed", "as many steps as trajectories", (3, 3), "free_nats", _model("delayed", 2.0)),
    # behaviour in imagination
    Edge("discounted-by-halves", "weights 1, 1/2, 1/4, 1/8", (4,), "discount_loss", _imagined(True, 0.5)),
    Edge("not-discounted", "the same without weights", (4,), "discount_loss", _imagined(False, 0.5)),
    Edge("imagined-batch", "two imagined trajectories, weighed", (4, 2), "discount_loss", _imagined(True, 0.5, 0.75)),
    Edge("as-many-imagined-as-steps", "no shape tells along which axis the weights run", (3, 3), "discount_loss",
         _imagined(True, 0.5, 0.75)),
    Edge("one-imagined-step", "weight 1, and the bootstrap alone", (1,), "discount_loss", _imagined(True, 0.5)),
    Edge("predicted-end", "a predicted discount of 0: what comes after it weighs nothing", (5,), "discount_loss",
         _imagined(True, np.array([1, 0.5, 0.0, 0.75, 1.0]))),
    Edge("predicted-discounts", "discounts that differ from step to step, the first among them", (5,), "discount_loss",
         _imagined(True, np.array([0.5, 0.25, 1.0, 0.75, 0.5]), np.array([0.25, 1.0, 0.5, 0.0, 0.75]))),
    Edge("predicted-discounts-not-weighing", "the same without weights", (5,), "discount_loss",
         _imagined(False, np.array([0.5, 0.25, 1.0, 0.75, 0.5]), np.array([0.25, 1.0, 0.5, 0.0, 0.75]))),
    Edge("long-imagination", "fifteen steps as in the paper, gamma 0.99, lambda 0.95", (15,), "discount_loss",
         _imagined(True, 0.99, 0.95)),
    Edge("imagined-lambda-one", "only the last value counts", (4,), "discount_loss lmbda", _imagined(True, 0.5, 1.0)),
    Edge("one-imagined-step-lambda-one", "a bootstrap that lambda has no part in", (1,), "discount_loss lmbda",
         _imagined(True, 0.9, 1.0)),
    Edge("no-discount-left-lambda-one", "gamma 0, where lambda 1 would count the last value", (4,),
         "discount_loss lmbda", _imagined(False, 0.0, 1.0)),
    Edge("imagined-lambda-zero", "one step each", (4,), "discount_loss lmbda", _imagined(True, 0.5, 0.0)),
    Edge("last-value-stands-out", "the last bootstrap is 64, those before it 1", (4,), "discount_loss next_state_value",
         _imagined(True, 0.5, 0.5, next_state_value=np.array([1, 1, 1, 64.0]))),
    Edge("target-met", "the value is its target at every second step", (4,), "discount_loss value_target",
         _imagined(True, 0.5, state_value=np.array([1, 2, 3, 4.0]), value_target=np.array([1, 5, 3, -4.0]))),
)
