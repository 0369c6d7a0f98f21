"""Gavel's policies on the event engine, beside its own results: reported, not judged.

The engine knows what Gavel's simulator leaves out (jobs start between rounds, nodes matter), scales gangs by a law of
its own where Gavel reads measured rates, and there the sum of throughputs is one of relative speeds, so that means
differ by more than ties would.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from gogh_sim import profiles
from gogh_sim.engine import EngineSettings, Gating, Truth, simulate
from gogh_sim.policy import PolicyContext, Scheduler, ThroughputSource
from gogh_sim.profiles.calibration.gavel import gavel_tables, workload_of
from gogh_sim.profiles.load import build
from gogh_sim.reproduce.data import only, table
from gogh_sim.reproduce.record import Record
from gogh_sim.rounds import RoundJob
from gogh_sim.rounds.simulation import ROUND_S
from gogh_sim.schedulers.gavel_finish_time import GavelFinishTime
from gogh_sim.schedulers.gavel_max_min import GavelMaxMin
from gogh_sim.schedulers.gavel_max_sum import GavelMaxSum
from gogh_sim.streams import Streams
from gogh_sim.types import Cluster, Job, JobKind, Node

_GPUS = {"V100": 8, "P100": 16, "K80": 24}
_NODE = 4
_POLICIES: Mapping[tuple[str, str], Callable[[PolicyContext, ThroughputSource], Scheduler]] = {
    ("gavel", "max_min_fairness_perf"): GavelMaxMin,
    ("gavel", "max_sum_throughput_perf"): GavelMaxSum,
    ("gavel", "finish_time_fairness_perf"): GavelFinishTime,
    ("gavel@c4d18a6", "max_min_fairness_packed"): partial(GavelMaxMin, theta=2),
}
_SETTINGS = EngineSettings(
    round_s=ROUND_S,
    checkpoint_s=0.0,
    restore_s=0.0,
    noise_sigma=0.0,
    hidden_sigma=0.0,
    gating=Gating(math.inf, 0.0),
)


def beside(data: Path, name: str, rows: Sequence[RoundJob]) -> Iterator[Record]:
    """Mean JCT of each policy on the jobs of `max_min_fairness.trace`, V100:P100:K80 8:16:24."""
    file = data / "reference/simulator_results.csv"
    profile = build(gavel_tables(data), "gavel")
    nodes = tuple(
        Node(f"{gpu_type.lower()}-{number}", gpu_type, _NODE)
        for gpu_type, count in _GPUS.items()
        for number in range(count // _NODE)
    )
    cluster = Cluster("gavel 8:16:24", profile.gpu_types, nodes, theta=2)
    jobs = [_job(row, profile) for row in rows]
    workloads = {workload.name: workload for workload in profile.workloads}
    truth = Truth(profile, cluster, {job.job_id: 1.0 for job in jobs})
    for (simulator, policy), make in _POLICIES.items():
        where = {"simulator": simulator, "policy": policy, "trace": "max_min_fairness", "cluster": "8:16:24"}
        records = simulate(
            cluster, jobs, profile, make(PolicyContext(cluster, workloads), truth), _SETTINGS, Streams(0)
        )
        yield Record.told(
            name,
            f"{policy} on max_min_fairness 8-16-24, event engine: mean JCT, s",
            expected=float(only(table(file), file, **where)["avg_jct_s"]),
            found=float((records.jobs["end_s"] - records.jobs["submit_s"]).mean()),
            source=f"{file.relative_to(data)}, {simulator}",
        )


def _job(row: RoundJob, profile: profiles.Profile) -> Job:
    name = workload_of(row.job_type)
    workload = np.array([profile.workload_index[name]])
    rate = float(profiles.reference_rate(profile, workload, np.array([row.num_gpus]), np.array([1.0]))[0])
    return Job(
        job_id=f"{row.number:05d}",
        submit_s=row.submit_s,
        workload=name,
        kind=JobKind.TRAINING,
        work=float(row.steps),
        reference_s=row.steps / rate,
        num_gpus=row.num_gpus,
    )
