"""GAE in float64, side by side: ``python -m pytest tests/benchmarks`` prints the table. Nothing here asserts a time.

The contenders take turns, each turn warm, and the least time of all rounds counts: other programs only ever add.
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
GAMMA, LMBDA = 0.99, 0.95
LARGEST = 4.0  # GB of torchrl's table
TURNS = 4


@functools.lru_cache(maxsize=1)
def batch(shape):
    """Trajectories of 100 steps on average, half of them terminated, half truncated."""
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


def table_gigabytes(done):
    """What torchrl's vec form allocates: a row a trajectory, as long as the longest, times the filter's length."""
    ends = done.copy()
    ends[-1] = True
    flat = np.flatnonzero(ends.T)
    longest = np.diff(flat, prepend=-1).max()
    return 8e-9 * len(flat) * longest * min(longest, np.log(1e-7) / np.log(GAMMA * LMBDA))


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
    estimate = getattr(functional, {"vec": "vec_", "loop": ""}[name] + "generalized_advantage_estimate")
    reward, value, next_value, done, terminated = (torch.tensor(x.T[..., None]).contiguous() for x in inputs)
    return lambda: estimate(GAMMA, LMBDA, value, next_value, reward, done, terminated)


@functools.lru_cache(maxsize=16)
def warm(name, shape):
    """The contender, and how many calls make a turn of a tenth of a second."""
    call = contender(name, shape)
    call()
    start = time.perf_counter()
    call()
    return call, min(max(int(0.1 / (time.perf_counter() - start)), 1), 1000)


def least(benchmark, call, rounds):
    benchmark.pedantic(call, rounds=rounds, warmup_rounds=0 if rounds == 1 else 2)
    return benchmark.stats.stats.min


# A shape after the other; in it, turn after turn; in a turn, one contender after the other, torchrl's in the first only.
NAMES = ("rlref", "jax", "jax np", "vjp", "copy", "loop", "vec")
GIGABYTES = {shape: table_gigabytes(batch(shape)[3]) for shape in SHAPES}
CASES = [(shape, turn, name) for shape in SHAPES for turn in range(TURNS) for name in NAMES
         if (turn == 0 or name not in ("vec", "loop")) and not (name == "vec" and GIGABYTES[shape] > LARGEST)]


@pytest.mark.parametrize(("shape", "turn", "name"), CASES, ids=[f"{t}x{b}-{i}-{n}" for (t, b), i, n in CASES])
def test_gae(benchmark, measured, shape, turn, name):
    measured.note(shape, name, least(benchmark, *warm(name, shape)))
    if GIGABYTES[shape] > LARGEST:
        measured.too_large[shape, "vec"] = GIGABYTES[shape]


@pytest.mark.parametrize("form", ["rlref", "vjp"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_peak_memory(measured, shape, form):
    call = contender(form, shape)
    call()
    tracemalloc.start()
    call()
    measured.peaks[shape, form] = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


GROWING = {"T x 16": [(t, 16) for t in (1000, 10_000, 100_000, 1_000_000)],
           "256 x B": [(256, b) for b in (16, 64, 256, 1024, 4096, 16384)]}


@pytest.mark.parametrize(("series", "shape"), [(name, shape) for name in GROWING for shape in GROWING[name]])
def test_linear(benchmark, measured, series, shape):
    n = shape[series.endswith("B")]
    measured.scaling.setdefault(series, {})[n] = least(benchmark, *warm("rlref", shape)) / np.prod(shape) * 1e9
