"""The round mechanism and its policies against the published Gavel simulator (Narayanan et al., OSDI 2020).

Reference: stanford-futuredata/gavel c4fa40097339 (rows with packing: c4d18a6), run unmodified; `reference/README.md` of
the data folder. Policies whose allocation is unique agree job by job. Of the others the optimal objectives agree, and
mean JCTs within what ties between equally good allocations move them there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gogh_sim.placement.allocation import ALONE, Demands, equal_share, max_least, max_sum
from gogh_sim.profiles.gavel_rates import GavelRates
from gogh_sim.reproduce import gavel_events
from gogh_sim.reproduce.data import document, fields, only, table
from gogh_sim.reproduce.record import Record
from gogh_sim.rounds import RoundJob, RoundResult, simulate
from gogh_sim.rounds.gavel_rules import rules
from gogh_sim.rounds.replay import read_rates

NAME = "gavel_crosscheck"

_PRINTED = 1e-6
"""Decimals of the reference's JCTs, and the closeness asked for of objectives."""


class _Case(NamedTuple):
    """A run of the reference: trace, policy, and v100-p100-k80 counts."""

    trace: str
    policy: str
    cluster: str


_TRACES = {
    "small_test": "traces/gavel/small_test.trace",
    "max_min_fairness": "traces/gavel/max_min_fairness.trace",
    "common1k": "reference/homogeneous/common1k_gavel.trace",
}
_SMALL = (("small_test", "4-4-4"), ("max_min_fairness", "8-16-24"))
_FULL = (*_SMALL, ("max_min_fairness", "36-36-36"), ("common1k", "64-0-0"))

_TIES = {
    "max_min_fairness_perf": 0.04,
    "max_sum_throughput_perf": 0.05,
    "finish_time_fairness_perf": 0.05,
    "max_min_fairness_packed": 0.05,
    "finish_time_fairness_packed": 0.05,
    "min_total_duration_packed": 0.05,
}
"""Share of the mean JCT within which policies with ties must agree: tie-breaking alone moves it by that there."""

_PACKED = "gavel@c4d18a6"


def small(data: Path) -> Iterator[Record]:
    """The small traces."""
    return _records(data, _SMALL, without={"finish_time_fairness_packed"})


def full(data: Path) -> Iterator[Record]:
    """Every trace and policy, and the policies on the event engine beside."""
    yield from _records(data, _FULL, without=set())
    yield from gavel_events.beside(data, NAME, read_jobs(data / _TRACES["max_min_fairness"]))


def read_jobs(path: Path) -> list[RoundJob]:
    """Jobs of a trace of ten fields; see `traces.formats.gavel`."""
    return [
        RoundJob(number, row[0], int(row[5]), int(row[6]), float(row[9]), float(row[7]))
        for number, row in enumerate(fields(path))
    ]


def _records(data: Path, runs: tuple[tuple[str, str], ...], without: set[str]) -> Iterator[Record]:
    rates = read_rates(data / "traces/gavel/simulation_throughputs.json.gz")
    for policy in ("fifo_perf", "isolated"):
        for trace, cluster in runs:
            yield from _job_by_job(data, rates, _Case(trace, policy, cluster))
    yield from _objectives(data)
    for policy in _TIES:
        for trace, cluster in runs:
            case = _Case(trace, policy, cluster)
            if policy not in without and _was_run(case):
                yield _mean_jct(data, rates, case)


def _was_run(case: _Case) -> bool:
    """Whether the reference has the case: packing on the smaller clusters, finish times on heterogeneous ones."""
    packed = case.policy.endswith("packed")
    return not (packed and (case.trace, case.cluster) not in _SMALL) and not (
        case.policy.startswith("finish_time") and case.trace == "common1k"
    )


def _run(data: Path, rates: GavelRates, case: _Case) -> RoundResult:
    v100, p100, k80 = (int(count) for count in case.cluster.split("-"))
    return simulate(read_jobs(data / _TRACES[case.trace]), rates, np.array([k80, p100, v100]), rules()[case.policy]())


def _job_by_job(data: Path, rates: GavelRates, case: _Case) -> Iterator[Record]:
    file = data / f"reference/gavel_perjob/{case.trace}__{case.policy}__{case.cluster}.json"
    reference = document(file)
    found = _run(data, rates, case)
    expected = {int(job): jct for job, jct in reference["jct"].items() if jct is not None}
    apart = max(abs(found.jct_s.get(job, np.inf) - jct) for job, jct in expected.items())
    where = f"{case.policy} on {case.trace} {case.cluster}"
    source = str(file.relative_to(data))
    numbers = {
        "jobs ended": (float(len(expected)), 0.0, float(len(found.jct_s))),
        "largest difference of a job's JCT, s": (0.0, _PRINTED, apart),
        "mean JCT, s": (reference["avg_jct"], _PRINTED, found.mean_jct_s),
        "makespan, s": (reference["makespan"], _PRINTED, found.makespan_s),
    }
    for what, (value, tolerance, got) in numbers.items():
        yield Record.judged(NAME, f"{where}: {what}", expected=value, tolerance=tolerance, found=got, source=source)


def _objectives(data: Path) -> Iterator[Record]:
    """Optimal objectives of single allocation problems."""
    for size in ("n32_single", "n32_multi", "n128_single", "n128_multi"):
        file = data / f"reference/gavel_lp/{size}.json"
        problem = document(file)
        rate = np.array(problem["throughputs"], dtype=np.float64)
        alone = np.column_stack([np.arange(len(rate)), np.full(len(rate), ALONE)])
        width = np.array(problem["scale_factors"], dtype=np.int64)
        demands = Demands(alone, np.stack([rate, np.zeros_like(rate)], axis=1), width, np.array(problem["cluster"]))
        unit = np.array(problem["priority_weights"]) * equal_share(demands) / width
        found = {
            "max_min_fairness_perf": max_least(demands, unit)[1],
            "max_sum_throughput_perf": max_sum(demands)[1],
        }
        for policy, objective in found.items():
            expected = problem["objectives"][policy]["highs_objective"]
            yield Record.judged(
                NAME,
                f"{policy}: objective of {size}",
                expected=expected,
                tolerance=_PRINTED * abs(expected),
                found=objective,
                source=str(file.relative_to(data)),
            )


def _mean_jct(data: Path, rates: GavelRates, case: _Case) -> Record:
    file = data / "reference/simulator_results.csv"
    simulator = _PACKED if case.policy.endswith("packed") else "gavel"
    cluster = case.cluster.replace("-", ":")
    row = only(table(file), file, simulator=simulator, trace=case.trace, policy=case.policy, cluster=cluster)
    expected = float(row["avg_jct_s"])
    return Record.judged(
        NAME,
        f"{case.policy} on {case.trace} {case.cluster}: mean JCT, s",
        expected=expected,
        tolerance=_TIES[case.policy] * expected,
        found=_run(data, rates, case).mean_jct_s,
        source=f"{file.relative_to(data)}, {simulator}",
    )
