"""Jobs like those of Microsoft's Philly trace: virtual clusters that submit in bursts, gangs, long tails.

Tables come from ``statistics/philly.json``; `bursts` tells how submissions are drawn. Passed jobs have the sizes and
durations of the list. Jobs that did not pass are larger, by the odds of not passing at each size, and run for longer or
shorter: their place in the table of durations, a number u in [0, 1), becomes ``u ** a``, with a solved for the
published shares of GPU time.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gogh_sim.traces import bursts, tables
from gogh_sim.traces.quantiles import QuantileTable
from gogh_sim.traces.schema import jobs_frame
from gogh_sim.traces.sizes import CLASS_NAMES, size_class
from gogh_sim.types import FloatArray, IntArray

PERSISTENCE = 0.7
"""AR(1) coefficient of burst sizes and gaps. Drawn with it, hours have (means of eight seeds) a Fano factor of 166 and
a lag-1 correlation of 0.41; the list has 161 and 0.39. With 0.5 they are 150 and 0.33."""

_GRID = (np.arange(10_000) + 0.5) / 10_000


def generate(
    jobs: int, rng: np.random.Generator, *, shortest_s: float = 1.0, longest_s: float = math.inf
) -> pd.DataFrame:
    """Draw `jobs` jobs in the schema; durations are conditional on lying between `shortest_s` and `longest_s`.

    Second 0 is midnight from Sunday to Monday.
    """
    table = tables.load("philly")
    submitted = bursts.submissions(table, jobs, PERSISTENCE, rng)
    size_uniform = bursts.repeating_uniforms(submitted, bursts.repeat_shares(table, "size_repeats"), rng)
    num_gpus, status = _sizes_and_status(table, submitted.queue, size_uniform, rng)
    uniform = bursts.repeating_uniforms(submitted, bursts.repeat_shares(table, "duration_repeats"), rng)
    duration = _durations(table, num_gpus, status, uniform, shortest_s, longest_s)
    width = len(str(jobs))
    return jobs_frame(
        job_id=[f"philly-{i:0{width}d}" for i in range(1, jobs + 1)],
        submit_s=submitted.submit_s,
        duration_s=np.maximum(np.round(duration), 1.0),
        num_gpus=num_gpus,
        queue=np.array(list(table["queues"]))[submitted.queue],
        status=status,
    )


def _sizes_and_status(
    table: dict[str, Any], queue: IntArray, uniform: FloatArray, rng: np.random.Generator
) -> tuple[IntArray, npt.NDArray[np.str_]]:
    """Gang sizes by virtual cluster, and how the jobs ended.

    If s_c is the share of class c among passed jobs and o_c its odds of not passing, c has the weight
    ``s_c (1 + k o_c)`` among all jobs; k makes the share of jobs that did not pass the published one.
    """
    published = table["published"]["jobs"]
    not_passed = np.array([table["not_passed_by_size"][name] for name in CLASS_NAMES])
    odds = not_passed / (1 - not_passed)
    odds *= (1 - published["pass"]) / published["pass"] / float(_passed_shares(table) @ odds)
    num_gpus = bursts.gang_sizes(table, queue, uniform, 1 + odds)
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
    uniform: FloatArray,
    shortest_s: float,
    longest_s: float,
) -> FloatArray:
    """Seconds, from the table of the job's class of size at the number given for it."""
    quantiles = [QuantileTable(np.array(table["duration_quantiles"][name])) for name in CLASS_NAMES]
    level = uniform ** _exponents(table["published"], quantiles, num_gpus, status)
    classes = size_class(num_gpus)
    duration = np.empty(len(num_gpus))
    for i, distribution in enumerate(quantiles):
        rows = classes == i
        duration[rows] = distribution.draw(level[rows], shortest_s, longest_s)
    return duration


def _exponents(
    published: dict[str, Any], quantiles: list[QuantileTable], num_gpus: IntArray, status: npt.NDArray[np.str_]
) -> FloatArray:
    """Exponent of each job: 1 if it passed, else such that the ending's GPU time per job is as published."""
    classes = size_class(num_gpus)
    found = np.ones(len(num_gpus))
    weights = {s: np.bincount(classes[status == s], num_gpus[status == s], len(quantiles)) for s in published["jobs"]}
    counts = {s: int((status == s).sum()) for s in published["jobs"]}
    if not counts["pass"]:
        return found
    per_job = {s: published["gpu_time"][s] / published["jobs"][s] for s in published["jobs"]}
    passed = float(weights["pass"] @ _means(quantiles, 1.0)) / counts["pass"]
    for ending in ("failed", "killed"):
        if counts[ending]:
            wanted = passed * per_job[ending] / per_job["pass"]
            found[status == ending] = _exponent(quantiles, weights[ending] / counts[ending], wanted)
    return found


def _means(quantiles: list[QuantileTable], exponent: float) -> FloatArray:
    return np.array([distribution.draw(_GRID**exponent).mean() for distribution in quantiles])


def _exponent(quantiles: list[QuantileTable], weights: FloatArray, wanted: float) -> float:
    """Exponent in [1/64, 64] at which the weighted means come nearest to what is wanted; the mean falls with it."""
    low, high = -6.0, 6.0
    for _ in range(40):
        middle = (low + high) / 2
        if float(weights @ _means(quantiles, 2.0**middle)) > wanted:
            low = middle
        else:
            high = middle
    return float(2.0 ** ((low + high) / 2))
