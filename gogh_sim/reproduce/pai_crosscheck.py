"""Counting policies on the event engine against the simulators of Alibaba PAI and of Tiresias.

On a homogeneous cluster where only the count of free GPUs matters, three independent programs agree on the mean JCT of
five policies (Weng et al., "MLaaS in the wild", NSDI 2022: alibaba/clusterdata 7a6c496e4f4b, cluster-trace-gpu-v2020
simulator; Gu et al., NSDI 2019: SymbioticLab/Tiresias, scheme `count`). PAI's lists also agree job by job. There GPUs
are a pool of which jobs take fractions anywhere: such a list is run with the finest fraction as its GPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from gogh_sim.engine import EngineSettings, Gating, simulate
from gogh_sim.policy import PolicyContext, Scheduler
from gogh_sim.profiles import Profile
from gogh_sim.reproduce.data import only, table
from gogh_sim.reproduce.record import Record
from gogh_sim.schedulers.fifo import Fifo
from gogh_sim.schedulers.fifo_greedy import GreedyFifo
from gogh_sim.schedulers.sjf import ShortestFirst
from gogh_sim.schedulers.srsf import ShortestRemainingService
from gogh_sim.schedulers.srtf import ShortestRemainingTime
from gogh_sim.streams import Streams
from gogh_sim.types import Cluster, GpuType, HostPower, Job, JobKind, Node, Workload

NAME = "pai_crosscheck"

Make = Callable[[PolicyContext], Scheduler]

_PRINTED = 5e-4
"""The reference results have three decimals."""

_POLICIES: dict[str, tuple[Make, dict[str, str]]] = {
    "strict fifo": (Fifo, {"simulator": "tiresias", "policy": "fifo"}),
    "greedy fifo": (GreedyFifo, {"simulator": "tiresias", "policy": "fjf"}),
    "sjf": (ShortestFirst, {"simulator": "alibaba-pai", "policy": "SJF", "trace": "common1k_pai.csv"}),
    "srtf": (ShortestRemainingTime, {"simulator": "tiresias", "policy": "shortest"}),
    "srsf": (ShortestRemainingService, {"simulator": "tiresias", "policy": "shortest-gpu"}),
}
_LISTS = (
    ("common1k_pai", 64, "FIFO", GreedyFifo),
    ("common1k_pai", 64, "SJF", ShortestFirst),
    ("synth2k", 110, "FIFO", GreedyFifo),
    ("synth2k", 110, "SJF", ShortestFirst),
)

_FREE_OF_FRICTION = EngineSettings(
    checkpoint_s=0.0, restore_s=0.0, noise_sigma=0.0, hidden_sigma=0.0, gating=Gating(math.inf, 0.0)
)
_WORKLOAD = Workload("work", "work", "work", "any", JobKind.TRAINING, 1, 1.0, 1.0, 1.0)
# Only counts matter here: power and memory are placeholders that no result rests on.
_GPU = GpuType("GPU", "counted", 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, HostPower(0.0, 1.0))


class _Row(NamedTuple):
    """A job of a list."""

    job_id: str
    submit_s: float
    gpus: Fraction
    duration_s: float


def small(data: Path) -> Iterator[Record]:
    """Means of the five policies."""
    file = data / "reference/homogeneous/common1k.csv"
    results = data / "reference/simulator_results.csv"
    jobs = [_row(row) for row in table(file)]
    for name, (make, where) in _POLICIES.items():
        expected = float(only(table(results), results, **where)["avg_jct_s"])
        jct_s = _jct(jobs, 64, make)
        yield Record.judged(
            NAME,
            f"{name} on common1k: mean JCT, s",
            expected=expected,
            tolerance=_PRINTED,
            found=math.fsum(jct_s.values()) / len(jct_s),
            source=f"{results.relative_to(data)}, {where['simulator']}",
        )


def full(data: Path) -> Iterator[Record]:
    """Also PAI's lists, job by job."""
    yield from small(data)
    for name, gpus, policy, make in _LISTS:
        file = data / f"reference/pai/{name}.csv"
        reference = data / f"reference/pai/{name}_{policy}_{gpus}g_r-1_jobs.csv"
        found = _jct([_row(row) for row in table(file)], gpus, make)
        expected = {row["job_id"]: float(row["jct"]) for row in table(reference)}
        yield Record.judged(
            NAME,
            f"{policy} on {name}: largest difference of a job's JCT, s",
            expected=0.0,
            tolerance=1e-6,
            found=max(abs(found[job_id] - jct) for job_id, jct in expected.items()),
            source=str(reference.relative_to(data)),
        )


def _row(row: dict[str, str]) -> _Row:
    return _Row(row["job_id"], float(row["submit_time"]), Fraction(row["num_gpu"]), float(row["duration"]))


def _jct(rows: Sequence[_Row], gpus: int, make: Make) -> dict[str, float]:
    """JCT of each job on a pool of GPUs; jobs that ask for none are never kept waiting."""
    parts = math.lcm(*(row.gpus.denominator for row in rows))
    cluster = Cluster("pool", (_GPU,), (Node("pool", _GPU.name, gpus * parts),), theta=1)
    jobs = [
        Job(
            # Ids sort as numbers, since equals go by id.
            job_id=row.job_id.zfill(9),
            submit_s=row.submit_s,
            workload=_WORKLOAD.name,
            kind=JobKind.TRAINING,
            work=row.duration_s * int(row.gpus * parts),
            reference_s=row.duration_s,
            num_gpus=int(row.gpus * parts),
        )
        for row in rows
        if row.gpus
    ]
    profile = Profile.from_rates("counted", (_GPU,), (_WORKLOAD,), [[1.0]])
    context = PolicyContext(cluster, {_WORKLOAD.name: _WORKLOAD})
    records = simulate(cluster, jobs, profile, make(context), _FREE_OF_FRICTION, Streams(0))
    ended = dict(zip(records.jobs["job_id"], records.jobs["end_s"] - records.jobs["submit_s"], strict=True))
    return {row.job_id: float(ended.get(row.job_id.zfill(9), row.duration_s)) for row in rows}
