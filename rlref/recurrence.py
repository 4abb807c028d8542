"""The one recursion of return estimation, and its transpose, fast and exact.

    y_t = x_t + a_t y_{t+1},  y_T = 0            ``solve``
    z_t = u_t + a_{t-1} z_{t-1},  z_{-1} = 0     ``solve_transposed``

Both solve a bidiagonal system, (I - shift(a)) y = x and its transpose. A wide batch is updated row by row, in which
case a row of NumPy arithmetic costs more than its call; a narrow one goes through BLAS's banded triangular solve,
trajectory after trajectory in one call. Nothing is truncated, memory is O(T B).

``solve_per_start`` is the same with coefficients that belong to the start of each return (rolling_gamma = False):
every start has its own recursion, so it takes O(T^2 B) time, but no more memory.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg.blas import dtbsv

WIDE = 128  # columns from which a NumPy call a row is faster than one BLAS call for all; measured
BLOCK = 4096  # time steps transposed at a time: two such blocks of a narrow batch stay in cache


def solve(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """y_t = x_t + a_t y_{t+1} along the first axis, as a new array. a_{T-1} is not read."""
    steps = len(x)
    if x.size < WIDE * steps:
        return _solve_narrow(a, x)
    y = np.empty_like(x)
    y[-1] = x[-1]
    for t in range(steps - 2, -1, -1):
        np.multiply(a[t], y[t + 1], out=y[t])
        y[t] += x[t]
    return y


def solve_transposed(a: np.ndarray, u: np.ndarray) -> np.ndarray:
    """z_t = u_t + a_{t-1} z_{t-1} along the first axis, as a new array. a_{T-1} is not read."""
    steps = len(u)
    if u.size < WIDE * steps:
        z = np.empty_like(u)
        # Reversed in time, the transpose is the same recursion with a moved by one step.
        z[::-1] = _solve_narrow(np.concatenate([a[-2::-1], a[-1:]]), u[::-1])
        return z
    z = np.empty_like(u)
    z[0] = u[0]
    for t in range(1, steps):
        np.multiply(a[t - 1], z[t - 1], out=z[t])
        z[t] += u[t]
    return z


def _solve_narrow(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    shape, steps, columns = x.shape, len(x), x[0].size
    a, x = a.reshape(steps, columns), x.reshape(steps, columns)
    y = np.empty(x.shape)
    later = np.zeros(columns)
    for stop in range(steps, 0, -BLOCK):
        start = max(stop - BLOCK, 0)
        n = stop - start
        # LAPACK's upper band storage, transposed: column 0 holds -a_{t-1} beside row t, the unit diagonal is implied.
        # Trajectory follows trajectory; a zero between two keeps them apart.
        band = np.empty((columns, n, 2))
        band[:, 0, 0] = 0.0
        np.negative(a[start : stop - 1].T, out=band[:, 1:, 0])
        flat = np.array(x[start:stop].T, order="C")
        flat[:, -1] += a[stop - 1] * later
        solved = dtbsv(1, band.reshape(-1, 2).T, flat.reshape(-1), overwrite_x=1, diag=1).reshape(columns, n)
        y[start:stop] = solved.T
        later = solved[:, 0].copy()
    return y.reshape(shape)


def solve_per_start(reward, bootstrap, cut, gamma, lmbda) -> np.ndarray:
    """For each start k, G_k of G = r_t + gamma_k b_t where cut, else r_t + gamma_k ((1-lambda_k) b_t + lambda_k G)."""
    returns = np.zeros(reward.shape)
    for t in reversed(range(len(reward))):
        k = slice(t + 1)  # the returns that pass through step t started at or before it
        ahead = (1 - lmbda[k]) * bootstrap[t] + lmbda[k] * returns[k]
        returns[k] = reward[t] + gamma[k] * np.where(cut[t], bootstrap[t], ahead)
    return returns


def solve_per_start_transposed(cotangent, cut, gamma, lmbda) -> tuple[np.ndarray, np.ndarray]:
    """The derivatives by reward and bootstrap of cotangent . solve_per_start."""
    by_reward, by_bootstrap = np.empty(cotangent.shape), np.empty(cotangent.shape)
    reach = cotangent.copy()  # of the return that starts at k, what arrives at step t
    for t in range(len(cotangent)):
        k = slice(t + 1)
        by_reward[t] = reach[k].sum(axis=0)
        ahead = gamma[k] * reach[k]
        by_bootstrap[t] = np.where(cut[t], ahead, (1 - lmbda[k]) * ahead).sum(axis=0)
        reach[k] = np.where(cut[t], 0.0, lmbda[k] * ahead)
    return by_reward, by_bootstrap
