"""Collects what the benchmarks measure, and prints it as one table at the end."""

from __future__ import annotations

import math
import statistics
import time

import pytest

# Columns and their widths.
TIMES = {"rlref": 7, "vjp": 6, "jax": 6, "jax np": 7, "vec": 7, "loop": 7, "copy": 6}
RATIOS = {"jax": 6, "jax np": 7, "vec": 6, "loop": 6, "vjp": 6}
NOTE = """\
rlref, vjp  rlref.returns.gae.vectorized and .vjp, their checks of the arguments included
jax         the same as a jitted jax.lax.scan, arrays on its device; jax np: from NumPy arrays and back
vec, loop   torchrl's vec_generalized_advantage_estimate and generalized_advantage_estimate; vec pads every
            trajectory to the longest, times the length of its filter: beyond 4 GB it is not run
copy        the five inputs copied
ratios      how many times as long as rlref takes
peak        memory of rlref and its vjp, results included, in arrays of an input's size
"""


class Measured:
    """Seconds by (shape, contender), the least of all rounds; bytes by (shape, form); what vec would take."""

    def __init__(self):
        self.seconds, self.peaks, self.gigabytes, self.series = {}, {}, {}, {}

    def note(self, shape, name, seconds):
        self.seconds[shape, name] = min(seconds, self.seconds.get((shape, name), math.inf))


class LossTimes:
    """Seconds by (page, batch size, contender), the least of all calls."""

    def __init__(self):
        self.seconds = {}

    def note(self, page, size, name, call, budget=0.15):
        call()
        began = time.perf_counter()
        while time.perf_counter() - began < budget:
            start = time.perf_counter()
            call()
            took = time.perf_counter() - start
            key = page, size, name
            self.seconds[key] = min(took, self.seconds.get(key, math.inf))

    def table(self):
        """Microseconds, and how many times as long torchrl takes."""
        sizes = list(dict.fromkeys(size for _, size, _ in self.seconds))
        yield f"{'microseconds':22}" + "".join(f"{f'batch {size}':^34}" for size in sizes)
        yield f"{'':22}" + f"{'rlref':>10}{'torchrl':>12}{'ratio':>9}   " * len(sizes)
        ratios = {size: [] for size in sizes}
        for page in dict.fromkeys(page for page, _, _ in self.seconds):
            line = f"{page:22}"
            for size in sizes:
                mine, other = (self.seconds[page, size, name] * 1e6 for name in ("rlref", "torchrl"))
                ratios[size].append(other / mine)
                line += f"{mine:>10.0f}{other:>12.0f}{other / mine:>9.2f}   "
            yield line
        yield f"{'geometric mean':22}" + "".join(
            f"{'':22}{math.exp(sum(map(math.log, row)) / len(row)):>9.2f}   " for row in ratios.values())


class TrainingTimes:
    """Milliseconds of each step by (loss, type, contender): on the clock, and of processors."""

    def __init__(self):
        self.milliseconds = {}

    def note(self, loss, kind, name, step):
        start = time.perf_counter(), time.process_time()
        step()
        end = time.perf_counter(), time.process_time()
        self.milliseconds.setdefault((loss, kind, name), []).append(
            [1e3 * (after - before) for before, after in zip(start, end, strict=True)])

    def table(self):
        """The median step, which a busy machine makes longer, and the least; how many times as long torchrl takes."""
        yield f"{'milliseconds':16}" + f"{'median, processors':^29}{'least, on the clock':^29}"
        yield f"{'':16}" + f"{'rlref':>9}{'torchrl':>9}{'ratio':>8}   " * 2
        for loss, kind in dict.fromkeys(key[:2] for key in self.milliseconds):
            (least, median), (their_least, their_median) = (
                (min(x[0] for x in steps), statistics.median(x[1] for x in steps))
                for steps in (self.milliseconds[loss, kind, name] for name in ("rlref", "torchrl")))
            yield f"{loss:8}{kind:8}" + "".join(f"{mine:>9.2f}{other:>9.2f}{other / mine:>8.2f}   "
                                                for mine, other in ((median, their_median), (least, their_least)))


MEASURED = Measured()
LOSS_TIMES = LossTimes()
TRAINING_TIMES = TrainingTimes()


@pytest.fixture
def measured():
    return MEASURED


@pytest.fixture
def loss_times():
    return LOSS_TIMES


@pytest.fixture
def training_times():
    return TRAINING_TIMES


def pytest_configure(config):
    config.option.benchmark_quiet = True  # its own table has a row for every turn of every contender


def pytest_terminal_summary(terminalreporter):
    if MEASURED.seconds:
        terminalreporter.section("GAE in float64")
        for line in table(MEASURED):
            terminalreporter.line(line)
    if LOSS_TIMES.seconds:
        terminalreporter.section("losses: forward and backward in float64")
        for line in LOSS_TIMES.table():
            terminalreporter.line(line)
    if TRAINING_TIMES.milliseconds:
        terminalreporter.section("a training step: losses, gradients, Adam, targets")
        for line in TRAINING_TIMES.table():
            terminalreporter.line(line)


def table(measured):
    """The lines of the table."""
    times, ratios = (sum(part.values()) for part in (TIMES, RATIOS))
    yield f"{'':13}{'nanoseconds an element':^{times}} |{'ratios':^{ratios}} |  peak"
    times, ratios = ("".join(f"{name:>{width}}" for name, width in part.items()) for part in (TIMES, RATIOS))
    yield f"{'T x B':>13}{times} |{ratios} |rlref vjp"
    means = {name: [] for name in RATIOS}
    for shape in dict.fromkeys(shape for shape, _ in measured.seconds):
        ns = {name: measured.seconds[key] / math.prod(shape) * 1e9
              for name in TIMES if (key := (shape, name)) in measured.seconds}
        line = f"{shape[0]:>7} x{shape[1]:>5}"
        for name, width in TIMES.items():
            too_large = f"{measured.gigabytes[shape]:.0f} GB"
            line += cell(ns[name], width, 1) if name in ns else too_large.rjust(width)
        line += " |"
        for name, width in RATIOS.items():
            if name in ns:
                means[name].append(ns[name] / ns["rlref"])
            line += cell(means[name][-1], width, 2) if name in ns else "-".rjust(width)
        peaks = [measured.peaks[shape, form] / (8 * math.prod(shape)) for form in ("rlref", "vjp")]
        yield line + " |" + "".join(f"{peak:5.1f}" for peak in peaks)
    yield f"{'geometric mean':>{13 + sum(TIMES.values())}} |" + "".join(
        cell(math.exp(sum(map(math.log, means[name])) / len(means[name])), width, 2)
        for name, width in RATIOS.items()) + " |"
    for name, row in measured.series.items():
        yield f"rlref, {name}, ns an element:  " + "  ".join(f"{n}: {ns:.1f}" for n, ns in row.items())
    yield from NOTE.splitlines()


def cell(x, width, digits):
    return f"{x:>{width}.{digits if x < 100 else 0}f}"
