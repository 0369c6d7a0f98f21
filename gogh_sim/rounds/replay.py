"""A run in rounds: jobs, cluster and published throughputs in, the tables of a run out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.limits import parsed_json
from gogh_sim.profiles.gavel_rates import GPU_TYPES, GavelRates
from gogh_sim.rounds.gavel_rules import rules
from gogh_sim.rounds.jobs import RoundJob
from gogh_sim.rounds.records import frames
from gogh_sim.rounds.simulation import simulate
from gogh_sim.traces.files import read_text
from gogh_sim.types import Cluster, Job

POLICIES: Mapping[str, str] = {
    "gavel_max_min": "max_min_fairness_perf",
    "gavel_max_min_sharing": "max_min_fairness_packed",
    "gavel_max_sum": "max_sum_throughput_perf",
    "gavel_max_sum_sharing": "max_sum_throughput_packed",
    "gavel_finish_time": "finish_time_fairness_perf",
    "gavel_finish_time_sharing": "finish_time_fairness_packed",
}
"""Policies that there are in rounds, and Gavel's names of them."""

_REFERENCE = GPU_TYPES.index("v100")


def check_policy(scheduler: str) -> None:
    """Raise `InputError` where the mechanism has no such policy."""
    if scheduler not in POLICIES:
        known = ", ".join(POLICIES)
        raise InputError(f"engine=rounds: expected one of the schedulers {known}, found {scheduler}")


def read_rates(path: Path) -> GavelRates:
    """Published throughputs in a file of `profiles.gavel_rates`' format, gzipped or not.

    Raises
    ------
    InputError
        If it is not of that format.
    """
    content = parsed_json(read_text(path), path)
    if not isinstance(content, dict):
        raise InputError("expected an object of throughputs by GPU type", file=path)
    return GavelRates(content, str(path))


def replay(
    jobs: Sequence[Job],
    cluster: Cluster,
    rates: GavelRates,
    job_types: Mapping[str, str],
    scheduler: str,
    round_s: float,
    progress: Callable[[float], None] | None = None,
) -> dict[str, pd.DataFrame]:
    """Hand out the cluster's GPUs in rounds, as the published simulator does; energy is not a part of it.

    Parameters
    ----------
    jobs
        In the order of the trace. Their steps are those that they do alone on a V100 in their reference time.
    job_types
        Workloads by the names that `rates` has.
    scheduler
        A key of `POLICIES`.

    Raises
    ------
    InputError
        If a policy, GPU type, workload or gang is not one that the published throughputs know.
    """
    check_policy(scheduler)
    unknown = [name for name in cluster.type_names if name.lower() not in GPU_TYPES]
    if unknown:
        known = ", ".join(name.upper() for name in GPU_TYPES)
        raise InputError(f"engine=rounds: throughputs are of {known}; cluster {cluster.name} has {unknown[0]}")
    numbers = {name.lower(): number for number, name in enumerate(cluster.type_names)}
    gpus = np.array([cluster.gpus_per_type[numbers[name]] if name in numbers else 0 for name in GPU_TYPES])
    rows = [_row(number, job, rates, job_types) for number, job in enumerate(jobs)]
    result = simulate(rows, rates, gpus, rules()[POLICIES[scheduler]](), round_s, progress)
    types = [numbers.get(name, -1) for name in GPU_TYPES]
    return frames(result, jobs, [row.steps for row in rows], cluster, types)


def _row(number: int, job: Job, rates: GavelRates, job_types: Mapping[str, str]) -> RoundJob:
    if job.workload not in job_types:
        raise InputError(f"engine=rounds: job {job.job_id} has the workload {job.workload}, of no published throughput")
    job_type = job_types[job.workload]
    rate = float(rates.solo(job_type, job.num_gpus)[_REFERENCE])
    return RoundJob(number, job_type, max(1, round(job.reference_s * rate)), job.num_gpus, job.submit_s)
