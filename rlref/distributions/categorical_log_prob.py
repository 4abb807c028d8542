"""The log-probability of an action under a categorical distribution, with a mask of legal actions.

    m     = max of l_b over the legal actions b                                  (1)
    log p = l_a - m - log(sum of exp(l_b - m) over the legal actions b)          (2)

Source    Sutton & Barto 2018, Reinforcement Learning, 2nd edition, eq. 13.2. Without m in (1) it is the same, until
          exp overflows.
Masks     A masked logit is never read. The action taken must be legal; so must one action of every step.
Limits    Adding a number to all logits changes nothing.  One legal action: 0.  Equal logits: minus the log of how many.
TorchRL   MaskedCategorical, MaskedOneHotCategorical, and OneHotCategorical with logits of -inf: log_prob.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.distributions import _categorical
from rlref.distributions._outputs import LogProb
from rlref.scalars import exp, log


class Gradient(NamedTuple):
    """The derivative by every logit, [T, *B, A]; 0 where masked."""

    logits: np.ndarray


@contract.per_sample
def loop(action, logits, action_mask) -> LogProb:
    """(1)-(2), for one step."""
    legal = [logit for logit, allowed in zip(logits, action_mask, strict=True) if allowed]
    most = max(legal)                                                            # (1)
    return LogProb(logits[action] - most - log(sum(exp(logit - most) for logit in legal)))  # (2)


@contract.vectorized
def vectorized(action, logits, action_mask) -> LogProb:
    """(1)-(2), for all steps at once."""
    log_p = _categorical.log_probs(logits, action_mask)                          # (1), (2)
    return LogProb(np.take_along_axis(log_p, action[..., None], axis=-1)[..., 0])


@contract.vectorized
def vjp(cotangent: LogProb, action, logits, action_mask) -> Gradient:
    """1 for the action taken, less the probability of each."""
    taken = np.arange(logits.shape[-1]) == action[..., None]
    return Gradient(cotangent.log_prob[..., None] * (taken - np.exp(_categorical.log_probs(logits, action_mask))))
