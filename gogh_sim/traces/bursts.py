"""Submissions of queues that come in bursts, and likeness within a burst.

A queue (virtual cluster, or cluster) submits bursts whose sizes, gaps within and gaps between follow its own quantiles;
neighbouring bursts are alike, and time runs faster in the busy hours of the week, except for queues
that submit by the clock. Within a burst a job often repeats its forerunner, as sweeps do. Tables are those that
`fit.fit_queues` makes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from gogh_sim.traces import tables
from gogh_sim.traces.describe import HOUR_S
from gogh_sim.traces.quantiles import QuantileTable, persistent_uniforms
from gogh_sim.traces.sizes import size_class
from gogh_sim.types import BoolArray, FloatArray, IntArray

BURST_GAP_S = 60.0
"""Submissions of one queue at most this far apart make a burst."""

_GRID = (np.arange(10_000) + 0.5) / 10_000

Table = Mapping[str, Any]


class Submissions(NamedTuple):
    """Whole seconds, sorted, and the number of the queue that each job is from."""

    submit_s: FloatArray
    queue: IntArray


def submissions(table: Table, jobs: int, persistence: float, rng: np.random.Generator) -> Submissions:
    """The first `jobs` submissions of all queues; second 0 is midnight from Sunday to Monday.

    Parameters
    ----------
    persistence
        AR(1) coefficient of burst sizes and of gaps between bursts, in [0, 1).
    """
    horizon = (1.25 * jobs / table["jobs_per_hour"] + 24) * HOUR_S
    while True:
        week = table["week_hour_weights"]
        streams = [_stream(queue, week, horizon, persistence, rng) for queue in table["queues"].values()]
        times = np.concatenate(streams)
        if len(times) >= jobs:
            break
        horizon *= 2
    queue = np.repeat(np.arange(len(streams)), [len(stream) for stream in streams])
    order = np.argsort(times, kind="stable")[:jobs]
    return Submissions(np.floor(times[order]), queue[order])


def _stream(
    queue: Table, week: list[float], horizon: float, persistence: float, rng: np.random.Generator
) -> FloatArray:
    """Submissions of one queue from second 0 to the horizon."""
    sizes_of = QuantileTable(np.array(queue["burst_sizes"]), log=False)
    inside_of = QuantileTable(np.array(queue["gaps_in_burst_s"]), log=False)
    between_of = QuantileTable(np.array(queue["gaps_between_bursts_s"]))
    cycle = float(between_of.draw(_GRID).mean())
    count = math.ceil(2 * horizon / cycle) + 50
    sizes = np.maximum(np.round(sizes_of.draw(persistent_uniforms(count, persistence, rng))), 1).astype(np.int64)
    between = between_of.draw(persistent_uniforms(count, persistence, rng))
    gaps = inside_of.draw(rng.random(int(sizes.sum())))
    starts = np.cumsum(sizes) - sizes
    gaps[starts] = between
    gaps[0] = between[0] * rng.random()
    times: FloatArray = np.cumsum(gaps)
    return times[times < horizon] if queue["clocked"] else _by_the_week(week, times, horizon)


def _by_the_week(week: list[float], times: FloatArray, horizon: float) -> FloatArray:
    """Times moved so that a steady stream would follow the weights of the hours of the week."""
    hours = math.ceil(horizon / HOUR_S)
    passed = np.concatenate([[0.0], np.cumsum(np.resize(np.array(week), hours))]) * HOUR_S
    return np.asarray(np.interp(times[times < passed[-1]], passed, np.arange(hours + 1) * HOUR_S), dtype=np.float64)


def repeating_uniforms(jobs: Submissions, shares: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Numbers in [0, 1), one a job, of which many in a burst repeat that of the queue's job before.

    Each is equally spread whatever the shares, so that a quantile table fed with them keeps its distribution.

    Parameters
    ----------
    shares
        For each queue, the chance that a job in a burst repeats its forerunner.
    """
    order = np.lexsort((np.arange(len(jobs.queue)), jobs.queue))
    queue, submit = jobs.queue[order], jobs.submit_s[order]
    in_burst: BoolArray = np.zeros(len(order), dtype=bool)
    in_burst[1:] = (np.diff(queue) == 0) & (np.diff(submit) <= BURST_GAP_S)
    repeats = in_burst & (rng.random(len(order)) < shares[queue])
    source = np.maximum.accumulate(np.where(repeats, 0, np.arange(len(order))))
    uniform = np.empty(len(order))
    uniform[order] = rng.random(len(order))[source]
    return uniform


def gang_sizes(table: Table, queue: IntArray, uniform: FloatArray, weight_of: FloatArray) -> IntArray:
    """GPUs of each job, by its queue's shares of sizes, each times the weight of its class."""
    num_gpus = np.ones(len(queue), dtype=np.int64)
    for i, facts in enumerate(table["queues"].values()):
        weights = {size: share * weight_of[size_class(int(size))] for size, share in facts["gpu_shares"].items()}
        rows = queue == i
        num_gpus[rows] = tables.pick(weights, uniform[rows]).astype(np.int64)
    return num_gpus


def repeat_shares(table: Table, name: str) -> FloatArray:
    """A share of repetition, for each queue of the table."""
    return np.array([facts[name] for facts in table["queues"].values()])
