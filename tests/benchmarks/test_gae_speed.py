"""GAE in float64, side by side: ``python -m pytest tests/benchmarks`` prints the table. No time is asserted.

The contenders take turns, each turn warm, and the least time of all rounds counts.
"""

from __future__ import annotations

import functools
import time
import tracemalloc

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torchrl.objectives.value import functional

from rlref.returns import gae

jax.config.update("jax_enable_x64", True)

SHAPES = [(1000, 1), (1000, 16), (128, 64), (256, 256), (128, 1024), (128, 4096), (1024, 4096), (100_000, 8)]
SERIES = {"T x 16": [(t, 16) for t in (1000, 10_000, 100_000, 1_000_000)],
          "256 x B": [(256, b) for b in (16, 64, 256, 1024, 4096, 16384)]}
GAMMA, LMBDA = 0.99, 0.95
LARGEST = 4.0  # GB that torchrl's vec form may take
TURNS = 4


@functools.lru_cache(maxsize=1)
def batch(shape):
    """Trajectories of 100 steps on average, or up to the end of the batch; half of them terminate."""
    rng = np.random.default_rng(0)
    reward, state_value, next_state_value = (rng.normal(size=shape) for _ in range(3))
    done = rng.random(shape) < 0.01
    return reward, state_value, next_state_value, done, done & (rng.random(shape) < 0.5)


@jax.jit
def scan(reward, state_value, next_state_value, done, terminated, gamma, lmbda):
    delta = reward + gamma * jnp.where(terminated, 0.0, next_state_value) - state_value
    carry = gamma * lmbda * ~done

    def step(later, now):
        later = now[0] + now[1] * later
        return later, later

    _, advantage = jax.lax.scan(step, jnp.zeros_like(delta[0]), (delta, carry), reverse=True)
    return advantage, advantage + state_value


def gigabytes(done):
    """What torchrl's vec form allocates: its filter at each step of each padded trajectory."""
    ends = done.copy()
    ends[-1] = True
    ends = np.flatnonzero(ends.T)
    longest = np.diff(ends, prepend=-1).max()
    return 8e-9 * len(ends) * longest * min(longest, np.log(1e-7) / np.log(GAMMA * LMBDA))


def contender(name, shape):
    """A call without arguments, its inputs already where it wants them."""
    inputs = batch(shape)
    if name == "rlref":
        return lambda: gae.vectorized(*inputs, gamma=GAMMA, lmbda=LMBDA)
    if name == "vjp":
        cotangent = gae.ValueEstimate(inputs[0], inputs[1])
        return lambda: gae.vjp(cotangent, *inputs, gamma=GAMMA, lmbda=LMBDA)
    if name == "jax":
        on_device = [jnp.asarray(x) for x in inputs]
        return lambda: jax.block_until_ready(scan(*on_device, GAMMA, LMBDA))
    if name == "jax np":
        return lambda: [np.asarray(x) for x in scan(*inputs, GAMMA, LMBDA)]
    if name == "copy":
        return lambda: [x.copy() for x in inputs]
    prefix = {"vec": "vec_", "loop": ""}[name]
    estimate = getattr(functional, prefix + "generalized_advantage_estimate")
    reward, value, next_value, done, terminated = (torch.tensor(x.T[..., None]).contiguous() for x in inputs)
    return lambda: estimate(GAMMA, LMBDA, value, next_value, reward, done, terminated)


@functools.lru_cache(maxsize=8)
def warm(name, shape):
    """The contender, and how many calls make a turn of a tenth of a second."""
    call = contender(name, shape)
    call()
    start = time.perf_counter()
    call()
    return call, min(max(int(0.1 / (time.perf_counter() - start)), 3), 1000)


def least(benchmark, name, shape):
    call, rounds = warm(name, shape)
    benchmark.pedantic(call, rounds=rounds, warmup_rounds=1)
    return benchmark.stats.stats.min


# Shape after shape; in it, turn after turn; in a turn, contender by contender, torchrl's in the first only.
NAMES = ("rlref", "jax", "jax np", "vjp", "copy", "loop", "vec")
GIGABYTES = {shape: gigabytes(batch(shape)[3]) for shape in SHAPES}
CASES = [(shape, turn, name) for shape in SHAPES for turn in range(TURNS) for name in NAMES
         if (turn == 0 or name not in ("vec", "loop")) and not (name == "vec" and GIGABYTES[shape] > LARGEST)]


@pytest.mark.parametrize(("shape", "turn", "name"), CASES, ids=[f"{t}x{b}-{i}-{n}" for (t, b), i, n in CASES])
def test_gae(benchmark, measured, shape, turn, name):
    measured.note(shape, name, least(benchmark, name, shape))
    measured.gigabytes[shape] = GIGABYTES[shape]


@pytest.mark.parametrize("form", ["rlref", "vjp"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_peak_memory(measured, shape, form):
    call = contender(form, shape)
    call()
    tracemalloc.start()
    call()
    measured.peaks[shape, form] = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


@pytest.mark.parametrize(("name", "shape"), [(name, shape) for name in SERIES for shape in SERIES[name]])
def test_linear_in_t_and_in_b(benchmark, measured, name, shape):
    row = measured.series.setdefault(name, {})
    row[shape[name.endswith("B")]] = least(benchmark, "rlref", shape) / np.prod(shape) * 1e9
