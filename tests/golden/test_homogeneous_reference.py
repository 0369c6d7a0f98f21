"""Five policies against the averages that three independent simulators agree on (reference data, `common1k.csv`)."""

from __future__ import annotations

import csv
import heapq
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gogh_sim.policy import ActiveJob, ClusterView, Occupancy, PolicyContext, Scheduler, Wake
from gogh_sim.schedulers.fifo import Fifo
from gogh_sim.schedulers.fifo_greedy import GreedyFifo
from gogh_sim.schedulers.sjf import ShortestFirst
from gogh_sim.schedulers.srsf import ShortestRemainingService
from gogh_sim.schedulers.srtf import ShortestRemainingTime
from gogh_sim.types import Cluster, GpuType, HostPower, Job, JobKind, Node, Workload

# One node of 64 GPUs: only the count of free GPUs matters in the reference.
V100 = GpuType("V100", "V100", 16.0, 300.0, 20.0, 40.0, 15.7, 125.0, 900.0, HostPower(0.0, 1.0))
CLUSTER = Cluster("homogeneous", (V100,), (Node("n0", "V100", 64),), theta=1)
WORKLOAD = Workload("w", "w", "w", "vision", JobKind.TRAINING, 1, 1.0, 1.0, 1.0)


class Replay:
    """The least simulator that a policy can be put in: rates are 1, restarts are free."""

    def __init__(self, jobs: list[Job], policy: Scheduler) -> None:
        self.jobs = {job.job_id: job for job in jobs}
        self.policy = policy
        self.left = {job.job_id: job.reference_s for job in jobs}
        self.running: dict[str, tuple] = {}
        self.since: dict[str, float] = {}
        self.waiting: dict[str, Job] = {}
        self.ends: dict[str, float] = {}

    def average_jct(self) -> float:
        arrivals = [(job.submit_s, number, job.job_id) for number, job in enumerate(self.jobs.values())]
        heapq.heapify(arrivals)
        while arrivals or self.running or self.waiting:
            finish = min((self.since[j] + self.left[j] for j in self.running), default=math.inf)
            now = min(finish, arrivals[0][0] if arrivals else math.inf)
            assert math.isfinite(now), "the policy starves a job"
            for job_id in [j for j in self.running if self.since[j] + self.left[j] <= now]:
                del self.running[job_id]
                self.ends[job_id] = now
            while arrivals and arrivals[0][0] <= now:
                job_id = heapq.heappop(arrivals)[2]
                self.waiting[job_id] = self.jobs[job_id]
            self.decide(now)
        return float(np.mean([self.ends[job.job_id] - job.submit_s for job in self.jobs.values()]))

    def decide(self, now: float) -> None:
        decision = self.policy.decide(self.view(now))
        for job_id in decision.evict | (decision.place.keys() & self.running.keys()):
            self.left[job_id] -= now - self.since[job_id]
            del self.running[job_id]
            self.waiting[job_id] = self.jobs[job_id]
        for job_id, gpus in decision.place.items():
            del self.waiting[job_id]
            self.running[job_id], self.since[job_id] = gpus, now

    def view(self, now: float) -> ClusterView:
        used = np.zeros(64, dtype=np.int64)
        residents: list[list[str]] = [[] for _ in range(64)]
        for job_id, gpus in self.running.items():
            for gpu in gpus:
                used[gpu.slot] += 1
                residents[gpu.slot].append(job_id)
        pending = sorted(self.waiting.values(), key=lambda job: (job.submit_s, int(job.job_id)))
        return ClusterView(
            now_s=now,
            wakes=frozenset({Wake.ARRIVAL}),
            cluster=CLUSTER,
            pending={job.job_id: ActiveJob(job, self.left[job.job_id], (), math.nan, math.nan) for job in pending},
            running={
                j: ActiveJob(self.jobs[j], self.left[j] - (now - self.since[j]), gpus, self.since[j], self.since[j])
                for j, gpus in self.running.items()
            },
            occupancy=Occupancy(
                used,
                used.astype(float),
                used.astype(float),
                residents,
                np.ones(1, dtype=np.bool_),
                np.ones(len(used), dtype=np.bool_),
            ),
        )


def read(path: Path) -> list[Job]:
    with path.open() as file:
        rows = list(csv.DictReader(file))
    submit, gpus, seconds = list(rows[0])[-3:]
    return [
        Job(str(i), float(r[submit]), "w", JobKind.TRAINING, float(r[seconds]), float(r[seconds]), int(r[gpus]))
        for i, r in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (Fifo, 4965.020),
        (GreedyFifo, 4472.590),
        (ShortestFirst, 4264.019),
        (ShortestRemainingTime, 4250.527),
        (ShortestRemainingService, 4169.883),
    ],
)
def test_average_jct_equals_the_reference(
    make: Callable[[PolicyContext], Scheduler], expected: float, shared_data: Path
) -> None:
    jobs = read(shared_data / "reference" / "homogeneous" / "common1k.csv")
    context = PolicyContext(CLUSTER, {"w": WORKLOAD})
    assert Replay(jobs, make(context)).average_jct() == pytest.approx(expected, abs=6e-4)
