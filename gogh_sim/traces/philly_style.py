"""Jobs like those of Microsoft's Philly trace: virtual clusters that submit in bursts, gangs, long tails.

Tables come from ``statistics/philly.json``. Each virtual cluster submits bursts whose sizes, gaps within and gaps
between follow its own quantiles; neighbouring bursts are alike (`PERSISTENCE`), and time runs faster in the busy hours
of the week, except for clusters that submit by the clock. Passed jobs have the sizes and durations of the list. Jobs
that did not pass are larger, by the odds of not passing at each size, and longer, by a share of runs drawn from the
longest `TAIL` of the table, solved for the published shares of GPU time.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gogh_sim.traces import tables
from gogh_sim.traces.describe import HOUR_S
from gogh_sim.traces.fit import CLASS_NAMES, size_class
from gogh_sim.traces.quantiles import QuantileTable, persistent_uniforms
from gogh_sim.traces.schema import jobs_frame
from gogh_sim.types import BoolArray, FloatArray, IntArray

PERSISTENCE = 0.4
"""AR(1) coefficient of burst sizes and gaps. Rank correlations in the list are 0.03 to 0.51; with 0.4 for all, hourly
Fano factor and lag-1 correlation come out as in the list."""

TAIL = 0.05
"""Long runs of jobs that did not pass are drawn from this share of the longest durations."""

_GRID = (np.arange(10_000) + 0.5) / 10_000


def generate(
    jobs: int, rng: np.random.Generator, *, shortest_s: float = 1.0, longest_s: float = math.inf
) -> pd.DataFrame:
    """Draw `jobs` jobs in the schema; durations are conditional on lying between `shortest_s` and `longest_s`.

    Second 0 is midnight from Sunday to Monday.
    """
    table = tables.load("philly")
    submit, queue = _submissions(table, jobs, rng)
    num_gpus, status = _sizes_and_status(table, queue, rng)
    duration = _durations(table, num_gpus, status, rng, shortest_s, longest_s)
    width = len(str(jobs))
    return jobs_frame(
        job_id=[f"philly-{i:0{width}d}" for i in range(1, jobs + 1)],
        submit_s=submit,
        duration_s=np.maximum(np.round(duration), 1.0),
        num_gpus=num_gpus,
        queue=np.array(list(table["queues"]))[queue],
        status=status,
    )


def _submissions(table: dict[str, Any], jobs: int, rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
    """Whole seconds, sorted, and the number of the virtual cluster."""
    horizon = (1.25 * jobs / table["jobs_per_hour"] + 24) * HOUR_S
    while True:
        streams = [_bursts(queue, table, horizon, rng) for queue in table["queues"].values()]
        times = np.concatenate(streams)
        if len(times) >= jobs:
            break
        horizon *= 2
    queue = np.repeat(np.arange(len(streams)), [len(stream) for stream in streams])
    order = np.argsort(times, kind="stable")[:jobs]
    return np.floor(times[order]), queue[order]


def _bursts(queue: dict[str, Any], table: dict[str, Any], horizon: float, rng: np.random.Generator) -> FloatArray:
    """Submissions of one virtual cluster from second 0 to the horizon."""
    sizes_of = QuantileTable(np.array(queue["burst_sizes"]), log=False)
    inside_of = QuantileTable(np.array(queue["gaps_in_burst_s"]), log=False)
    between_of = QuantileTable(np.array(queue["gaps_between_bursts_s"]))
    cycle = float(between_of.draw(_GRID).mean())
    count = math.ceil(2 * horizon / cycle) + 50
    sizes = np.maximum(np.round(sizes_of.draw(persistent_uniforms(count, PERSISTENCE, rng))), 1).astype(np.int64)
    between = between_of.draw(persistent_uniforms(count, PERSISTENCE, rng))
    gaps = inside_of.draw(rng.random(int(sizes.sum())))
    starts = np.cumsum(sizes) - sizes
    gaps[starts] = between
    gaps[0] = between[0] * rng.random()
    times: FloatArray = np.cumsum(gaps)
    return times[times < horizon] if queue["clocked"] else _by_the_week(table, times, horizon)


def _by_the_week(table: dict[str, Any], times: FloatArray, horizon: float) -> FloatArray:
    """Times moved so that a steady stream would follow the weights of the hours of the week."""
    hours = math.ceil(horizon / HOUR_S)
    passed = np.concatenate([[0.0], np.cumsum(np.resize(np.array(table["week_hour_weights"]), hours))]) * HOUR_S
    return np.asarray(np.interp(times[times < passed[-1]], passed, np.arange(hours + 1) * HOUR_S), dtype=np.float64)


def _sizes_and_status(
    table: dict[str, Any], queue: IntArray, rng: np.random.Generator
) -> tuple[IntArray, npt.NDArray[np.str_]]:
    """Gang sizes by virtual cluster, and how the jobs ended.

    If s_c is the share of class c among passed jobs and o_c its odds of not passing, c has the weight
    ``s_c (1 + k o_c)`` among all jobs; k makes the share of jobs that did not pass the published one.
    """
    published = table["published"]["jobs"]
    not_passed = np.array([table["not_passed_by_size"][name] for name in CLASS_NAMES])
    odds = not_passed / (1 - not_passed)
    odds *= (1 - published["pass"]) / published["pass"] / float(_passed_shares(table) @ odds)
    num_gpus, uniform = np.ones(len(queue), dtype=np.int64), rng.random(len(queue))
    for i, facts in enumerate(table["queues"].values()):
        weights = {size: share * (1 + odds[size_class(int(size))]) for size, share in facts["gpu_shares"].items()}
        rows = queue == i
        num_gpus[rows] = tables.pick(weights, uniform[rows]).astype(np.int64)
    of_job = odds[size_class(num_gpus)]
    passed = rng.random(len(queue)) >= of_job / (1 + of_job)
    killed = rng.random(len(queue)) < published["killed"] / (1 - published["pass"])
    return num_gpus, np.where(passed, "pass", np.where(killed, "killed", "failed"))


def _passed_shares(table: dict[str, Any]) -> FloatArray:
    """Share of each class of size among passed jobs."""
    shares = np.zeros(len(CLASS_NAMES))
    for facts in table["queues"].values():
        for size, share in facts["gpu_shares"].items():
            shares[size_class(int(size))] += facts["jobs"] * share
    total: float = shares.sum()
    return shares / total


def _durations(
    table: dict[str, Any],
    num_gpus: IntArray,
    status: npt.NDArray[np.str_],
    rng: np.random.Generator,
    shortest_s: float,
    longest_s: float,
) -> FloatArray:
    """Seconds, from the table of the job's class of size."""
    quantiles = [QuantileTable(np.array(table["duration_quantiles"][name])) for name in CLASS_NAMES]
    uniform = rng.random(len(num_gpus))
    long_run = _long_runs(table, quantiles, num_gpus, status, rng)
    uniform[long_run] = 1 - TAIL * (1 - uniform[long_run])
    classes = size_class(num_gpus)
    duration = np.empty(len(num_gpus))
    for i, distribution in enumerate(quantiles):
        rows = classes == i
        duration[rows] = distribution.draw(uniform[rows], shortest_s, longest_s)
    return duration


def _long_runs(
    table: dict[str, Any],
    quantiles: list[QuantileTable],
    num_gpus: IntArray,
    status: npt.NDArray[np.str_],
    rng: np.random.Generator,
) -> BoolArray:
    """Which jobs that did not pass are drawn from the tail.

    With mean GPU time a over the whole table and b over its tail for the jobs' sizes, a share q of long runs gives
    ``a + q (b - a)``, which has to be the published GPU time per job, as a multiple of that of passed jobs.
    """
    published = table["published"]
    classes = size_class(num_gpus)
    whole = np.array([d.draw(_GRID).mean() for d in quantiles])[classes] * num_gpus
    tail = np.array([d.draw(1 - TAIL * (1 - _GRID)).mean() for d in quantiles])[classes] * num_gpus
    per_job = {s: published["gpu_time"][s] / published["jobs"][s] for s in published["jobs"]}
    uniform = rng.random(len(num_gpus))
    chosen = np.zeros(len(num_gpus), dtype=bool)
    passed = status == "pass"
    for ending in ("failed", "killed"):
        rows = status == ending
        if rows.any() and passed.any():
            wanted = whole[passed].mean() * per_job[ending] / per_job["pass"]
            share = (wanted - whole[rows].mean()) / (tail[rows].mean() - whole[rows].mean())
            chosen |= rows & (uniform < share)
    return chosen
