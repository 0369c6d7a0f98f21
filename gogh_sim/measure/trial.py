"""One trial: some probes at the same time on one device, metered while all of them run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from gogh_sim.measure.meter import Draw, Meter
from gogh_sim.measure.rates import LEAST_BLOCKS, Rate, rate_within
from gogh_sim.measure.worker import Facts, Task, Worker

METER_PERIOD_S = 0.1
"""Seconds between readings; NVML itself averages watts over about as long on recent cards."""


@dataclass(frozen=True)
class Trial:
    """Rate and facts of each probe, in the order given, and what the device drew meanwhile."""

    rates: tuple[Rate, ...]
    facts: tuple[Facts, ...]
    draw: Draw
    seconds: float


def metered(meter: Meter, seconds: float, wait_for: Callable[[], bool] = lambda: True) -> Draw:
    """Watch the device for a while, and on until `wait_for` holds."""
    readings = []
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 or not wait_for():
        if (reading := meter.read()) is not None:
            readings.append(reading)
        time.sleep(min(METER_PERIOD_S, max(left, METER_PERIOD_S / 10)))
    return Draw.of(readings)


def run_together(tasks: Sequence[Task], meter: Meter, seconds: float, settle_s: float) -> Trial:
    """Run probes at once for `settle_s`, then measure while all of them still run.

    For `seconds`, and where that is too short for a slow probe, until each has done enough blocks for an interval.

    Raises
    ------
    InputError
        If a probe fails.
    """
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(task)) for task in tasks]
        for worker in workers:
            worker.wait_until_ready()
        for worker in workers:
            worker.go()
        time.sleep(settle_s)
        # One more than the blocks needed, as the first to end had begun before.
        enough = [worker.blocks() + LEAST_BLOCKS + 1 for worker in workers]
        begin_s = time.monotonic()
        draw = metered(meter, seconds, lambda: all(w.blocks() >= n for w, n in zip(workers, enough, strict=True)))
        end_s = time.monotonic()
        timings = [worker.stop() for worker in workers]
    rates = tuple(rate_within(t.ends_s, t.per_block, begin_s, end_s) for t in timings)
    return Trial(rates, tuple(t.facts for t in timings), draw, end_s - begin_s)


def idle_with_process(task: Task, meter: Meter, seconds: float) -> Draw:
    """Watch the device while a process holds it and runs nothing."""
    with Worker(task) as worker:
        worker.wait_until_ready()
        return metered(meter, seconds)
