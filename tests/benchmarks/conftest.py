"""Collects what the benchmarks measure and prints it as one table."""

from __future__ import annotations

import math

import pytest

NOTE = """\
rlref, vjp  rlref.returns.gae.vectorized and .vjp, their checks of the arguments included
jax         the same as a jitted jax.lax.scan in float64, arrays on its device; np: from NumPy arrays and back
vec, loop   torchrl's vec_generalized_advantage_estimate and generalized_advantage_estimate
            (vec pads each trajectory to the longest and unfolds the table: beyond 4 GB it is not run)
copy        the five inputs copied
ratios      how many times as long as rlref;  peak  memory, results included, in arrays of the input's size
"""
TIMES = {"rlref": 7, "vjp": 6, "jax": 6, "jax np": 7, "vec": 7, "loop": 7, "copy": 6}
RATIOS = {"jax": 6, "jax np": 7, "vec": 6, "loop": 6, "vjp": 6}


class Measured:
    """Seconds by (shape, contender), the least of all rounds; bytes by (shape, form); and what is too large to run."""

    def __init__(self):
        self.seconds, self.peaks, self.too_large, self.scaling = {}, {}, {}, {}

    def note(self, shape, name, seconds):
        self.seconds[shape, name] = min(seconds, self.seconds.get((shape, name), math.inf))


measured_by_all = Measured()


@pytest.fixture
def measured():
    return measured_by_all


def pytest_configure(config):
    config.option.benchmark_quiet = True  # its own table has a row for every turn


def pytest_terminal_summary(terminalreporter):
    if measured_by_all.seconds:
        terminalreporter.section("GAE, float64: nanoseconds an element, the least of all rounds")
        for line in table(measured_by_all):
            terminalreporter.line(line)


def table(measured):
    """The lines of the table."""
    yield f"{'':13}{'nanoseconds an element':^{sum(TIMES.values())}} |{'ratios':^{sum(RATIOS.values())}} | peak"
    head = "".join(f"{name:>{width}}" for name, width in TIMES.items())
    yield f"{'T x B':>13}{head} |" + "".join(f"{name:>{width}}" for name, width in RATIOS.items()) + " |rlref vjp"
    ratios = {name: [] for name in RATIOS}
    for shape in dict.fromkeys(shape for shape, _ in measured.seconds):
        ns = {name: seconds / math.prod(shape) * 1e9 for (s, name), seconds in measured.seconds.items() if s == shape}
        line = f"{shape[0]:>7} x{shape[1]:>5}"
        for name, width in TIMES.items():
            missing = f"{measured.too_large.get((shape, name), 0):.0f} GB"
            line += f"{ns[name]:>{width}.{1 if ns[name] < 100 else 0}f}" if name in ns else f"{missing:>{width}}"
        line += " |"
        for name, width in RATIOS.items():
            if name in ns and "rlref" in ns:
                ratios[name].append(ns[name] / ns["rlref"])
                line += f"{ratios[name][-1]:>{width}.{2 if ratios[name][-1] < 10 else 0}f}"
            else:
                line += f"{'-':>{width}}"
        peaks = [measured.peaks.get((shape, form), math.nan) / (8 * math.prod(shape)) for form in ("rlref", "vjp")]
        yield line + " |" + "".join(f"{peak:5.1f}" for peak in peaks)
    line = f"{'geometric mean':>{13 + sum(TIMES.values())}} |"
    for name, width in RATIOS.items():
        mean = math.exp(sum(map(math.log, ratios[name])) / len(ratios[name])) if ratios[name] else math.nan
        line += f"{mean:>{width}.{2 if mean < 10 else 0}f}"
    yield line + " |"
    yield ""
    for name, row in measured.scaling.items():
        yield f"rlref, {name}: " + "  ".join(f"{n}: {ns:.1f}" for n, ns in row.items())
    yield from ("", *NOTE.splitlines())
