"""V-trace targets and policy-gradient advantage (IMPALA).

    rho_t   = min(rho_bar, w_t),  c_t = min(c_bar, w_t),  w_t = pi(a_t|s_t) / mu(a_t|s_t)   (1)
    delta_t = rho_t (r_t + gamma_t (1 - terminated_t) V(s'_t) - V(s_t))          (2)
    v_t     = V(s_t) + delta_t + gamma_t c_t (1 - done_t) (v_{t+1} - V(s_{t+1}))  (3)
    next_t  = V(s'_t) where done_t, or t = T - 1;  v_{t+1} elsewhere             (4)
    A_t     = rho_t (r_t + gamma_t (1 - terminated_t) next_t - V(s_t))           (5)

Source    Espeholt et al. 2018, arXiv:1802.01561v3, eq. 1 and Remark 1 for (1)-(3); section 4.2, "V-trace actor-critic
          algorithm" (no number, after eq. 4), for (5). Trajectory ends and gamma_t are ours: the paper has neither.
Time      s'_t is the state that step t led to, before any reset: at a truncation V(s'_t) is not V(s_{t+1}).
Masks     terminated cuts the bootstraps in (2) and (5); done cuts the recursion in (3) and the look-ahead in (4).
Ties      At w_t = rho_bar (or c_bar) the derivative is that of w_t. On-policy with thresholds 1 is such a tie.
Limits    On-policy, thresholds >= 1, V(s'_t) = V(s_{t+1}) inside a trajectory: v = the TD(1) return (eq. 2).
TorchRL   vtrace_advantage_estimate (its docstring describes log_pi and log_mu the wrong way round).
"""

from typing import NamedTuple

import numpy as np

from rlref import contract, recurrence
from rlref.returns._value_estimate import ValueEstimate
from rlref.scalars import exp, log


class Gradient(NamedTuple):
    """The derivative by each differentiable input, [T, *B]."""

    reward: np.ndarray
    state_value: np.ndarray
    next_state_value: np.ndarray
    log_pi: np.ndarray
    log_mu: np.ndarray


@contract.per_trajectory
def loop(reward, state_value, next_state_value, log_pi, log_mu, done, terminated, *,
         gamma, rho_thresh, c_thresh) -> ValueEstimate:
    """(1)-(5), one time step at a time, last step first."""
    advantage, value_target = [0] * len(reward), [0] * len(reward)
    later = 0                                                                    # v_{t+1} - V(s_{t+1})
    for t in reversed(range(len(reward))):
        log_w = log_pi[t] - log_mu[t]
        rho = rho_thresh[t] if log_w > log(rho_thresh[t]) else exp(log_w)        # (1), without overflow
        c = c_thresh[t] if log_w > log(c_thresh[t]) else exp(log_w)
        discount, bootstrap = (0, 0) if terminated[t] else (gamma[t], next_state_value[t])
        ahead = bootstrap if done[t] or t + 1 == len(reward) else value_target[t + 1]  # (4)
        delta = rho * (reward[t] + discount * bootstrap - state_value[t])        # (2)
        later = delta + (0 if done[t] else gamma[t] * c * later)
        value_target[t] = state_value[t] + later                                 # (3)
        advantage[t] = rho * (reward[t] + discount * ahead - state_value[t])     # (5)
    return ValueEstimate(advantage, value_target)


@contract.vectorized
def vectorized(reward, state_value, next_state_value, log_pi, log_mu, done, terminated, *,
               gamma, rho_thresh, c_thresh) -> ValueEstimate:
    """v - V solves the bidiagonal system (I - shift(gamma c (1 - done))) (v - V) = delta."""
    (rho, _), (c, _) = (_clipped(log_pi, log_mu, thresh) for thresh in (rho_thresh, c_thresh))
    discount, bootstrap = gamma * ~terminated, np.where(terminated, 0.0, next_state_value)
    delta = rho * (reward + discount * bootstrap - state_value)                  # (2)
    value_target = state_value + recurrence.solve(gamma * c * ~done, delta)      # (3)
    ahead = _ahead(bootstrap, value_target, done)                                # (4)
    return ValueEstimate(rho * (reward + discount * ahead - state_value), value_target)  # (5)


@contract.vectorized
def vjp(cotangent: ValueEstimate, reward, state_value, next_state_value, log_pi, log_mu, done, terminated, *,
        gamma, rho_thresh, c_thresh) -> Gradient:
    """Back through (5) and (4) to v, through (3) by its transpose, then to the weights of (1)."""
    (rho, rho_slope), (c, c_slope) = (_clipped(log_pi, log_mu, thresh) for thresh in (rho_thresh, c_thresh))
    discount, bootstrap = gamma * ~terminated, np.where(terminated, 0.0, next_state_value)
    td_error = reward + discount * bootstrap - state_value
    correction = recurrence.solve(gamma * c * ~done, rho * td_error)             # v - V
    ahead = _ahead(bootstrap, state_value + correction, done)
    by_q = rho * cotangent.advantage
    by_next = discount * by_q
    by_v = cotangent.value_target.copy()
    by_v[1:] += np.where(done, 0.0, by_next)[:-1]                                # (5), (4)
    by_delta = recurrence.solve_transposed(gamma * c * ~done, by_v)              # (3)
    by_td_error = rho * by_delta
    by_rho = cotangent.advantage * (reward + discount * ahead - state_value) + by_delta * td_error
    by_c = np.where(done, 0.0, gamma * by_delta) * np.append(correction[1:], np.zeros_like(correction[:1]), axis=0)
    by_log_w = by_rho * rho_slope + by_c * c_slope
    by_next[:-1] = np.where(done, by_next, 0.0)[:-1]                             # what (4) leaves to V(s'_t)
    by_reward = by_q + by_td_error
    return Gradient(by_reward, by_v - by_reward, by_next + discount * by_td_error, by_log_w, -by_log_w)


def _ahead(bootstrap, value_target, done):
    return np.append(np.where(done, bootstrap, np.roll(value_target, -1, axis=0))[:-1], bootstrap[-1:], axis=0)


def _clipped(log_pi, log_mu, thresh):
    """min(thresh, w), and its derivative by log w: w up to and at the threshold, 0 above."""
    with np.errstate(divide="ignore", over="ignore"):  # a threshold of 0; log-probabilities of 1e308
        log_w, log_thresh = log_pi - log_mu, np.log(thresh)
    above, w = log_w > log_thresh, np.exp(np.minimum(log_w, log_thresh))
    return np.where(above, thresh, w), np.where(above, 0.0, w)
