"""The one recursion of return estimation, and its transpose, fast and exact.

    y_t = x_t + a_t y_{t+1},  y_T = 0            ``solve``
    z_t = u_t + a_{t-1} z_{t-1},  z_{-1} = 0     ``solve_transposed``

Both solve a bidiagonal system, (I - shift(a)) y = x and its transpose. A wide batch is updated row by row,
where the arithmetic of a row costs more than its call. A narrow one goes through BLAS's triangular solve of a
banded matrix, all trajectories in one call. Nothing is truncated and nothing divided; memory is O(T B).
A result beyond the range of float64 is not kept to its own trajectory: 0 times inf is nan.

``solve_per_start`` is the same with coefficients that belong to the start of each return (rolling_gamma =
False): every start has its own recursion, so it takes O(T^2 B) time, but no more memory.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg.blas import dtbsv

# Measured: a row takes half a microsecond, and 1 ns an element; BLAS takes 3 ns an element, reordering 2.
WIDE = 128  # columns from which rows are faster
BLOCK = 2**14  # elements that BLAS gets at a time, so that they and their band stay in the processor's cache


def solve(a: np.ndarray, x: np.ndarray, overwrite: bool = False) -> np.ndarray:
    """y_t = x_t + a_t y_{t+1} along the first axis. a_{T-1} is not read.

    ``overwrite`` allows y to take the place of x, whose values are then lost. It saves finding new
    memory, which for a large array takes longer than the recursion.
    """
    y = x if overwrite and x.flags.c_contiguous else np.array(x, order="C")
    if y[0].size < WIDE:
        _solve_narrow(a, y, transposed=False)
    else:
        _solve_rows(y[-1], a[-2::-1], y[-2::-1])
    return y


def solve_transposed(a: np.ndarray, u: np.ndarray, overwrite: bool = False) -> np.ndarray:
    """z_t = u_t + a_{t-1} z_{t-1} along the first axis. a_{T-1} is not read. ``overwrite`` as for solve."""
    z = u if overwrite and u.flags.c_contiguous else np.array(u, order="C")
    if z[0].size < WIDE:
        _solve_narrow(a, z, transposed=True)
    else:
        _solve_rows(z[0], a[:-1], z[1:])
    return z


def _solve_rows(before: np.ndarray, a: np.ndarray, y: np.ndarray) -> None:
    """To each row of y add that of a times the row before it, in place."""
    for a_t, y_t in zip(a, y, strict=True):
        y_t += a_t * before
        before = y_t


def _solve_narrow(a: np.ndarray, y: np.ndarray, transposed: bool) -> None:
    """Solve in place, block by block of time steps: the last block first; transposed, the first one first."""
    steps, columns = len(y), y[0].size
    a, rows = a.reshape(steps, columns), y.reshape(steps, columns)
    length = max(BLOCK // columns, 1)
    starts = range(0, steps, length)
    for start in starts if transposed else reversed(starts):
        stop = min(start + length, steps)
        if transposed and start > 0:
            _solve_rows(rows[start - 1], a[start - 1 : start], rows[start : start + 1])
        elif not transposed and stop < steps:
            _solve_rows(rows[stop], a[stop - 1 : stop], rows[stop - 1 : stop])
        # BLAS's upper band storage, transposed: for row t stands -a_{t-1}, then the diagonal, which is 1 and
        # not read. Trajectory follows trajectory; the 0 before each keeps it apart from the one before.
        # (NumPy 2.4's np.negative(x, out=y) is wrong for some strides of x and y, hence not out=band[...].)
        band = np.empty((columns, stop - start, 2))
        band[:, 0, 0] = 0.0
        band[:, 1:, 0] = -a[start : stop - 1].T
        flat = rows[start:stop].T.flatten()
        flat = dtbsv(1, band.reshape(-1, 2).T, flat, trans=transposed, diag=1, overwrite_x=1)
        rows[start:stop] = flat.reshape(columns, -1).T


def stops(done: np.ndarray) -> np.ndarray:
    """Where a return stops and bootstraps: at done, and at the last step there is."""
    return np.concatenate([done[:-1], np.ones_like(done[-1:])])


def solve_per_start(reward, bootstrap, cut, gamma, lmbda) -> np.ndarray:
    """G_k, for each start k, of G = r_t + gamma_k (b_t where cut_t, else (1 - lambda_k) b_t + lambda_k G)."""
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
