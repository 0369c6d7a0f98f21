"""The engine's own record of a job while it lives; only the engine changes it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from gogh_sim.engine.serving import Serving
from gogh_sim.policy import ActiveJob, Shape
from gogh_sim.profiles import Member
from gogh_sim.types import GpuId, Job


class Status(StrEnum):
    """Where a job is in its life. PLACED: holds GPUs but is still waking a node or restoring."""

    PENDING = "pending"
    PLACED = "placed"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


class Situation(NamedTuple):
    """A stretch of constant rate: the job's slowest GPU, who shares that, how many nodes it spans, and what it gives.

    `rate` is the true rate of the gang in iterations/s, `watts` the draw of the slowest GPU, `capped` whether that is
    its power cap.
    """

    gpu: int
    partners: tuple[Job, ...]
    num_nodes: int
    rate: float
    watts: float
    capped: bool = False


@dataclass(slots=True, eq=False)
class JobState:
    """A job in the world. `number` orders jobs by submission; `rate` is in iterations/s, `remaining` in iterations.

    `member` is what the profile is asked with. `nodes` are the numbers of the nodes of its GPUs, in order.
    `scheduled` counts the job's timers, so that a timer set before the last change knows that it is stale. `serving`
    is the account of a service's requests: its `rate` is what it could do, and its work is not what ends it.
    `saved` is what remained at the last checkpoint, made at `saved_s`; `running_since_s` is when it last became ready.
    """

    job: Job
    number: int
    workload: int
    hidden: float
    shape: Shape
    member: Member = field(init=False)
    remaining: float = field(init=False)
    serving: Serving | None = None
    status: Status = Status.PENDING
    gpus: tuple[int, ...] = ()
    gpu_ids: tuple[GpuId, ...] = ()
    nodes: tuple[int, ...] = ()
    rate: float = 0.0
    settled_s: float = 0.0
    placed_s: float = math.nan
    ready_s: float = math.nan
    first_start_s: float = math.nan
    end_s: float = math.nan
    scheduled: int = 0
    saved: float = field(init=False)
    saved_s: float = 0.0
    running_since_s: float = 0.0
    interrupted: bool = False
    interruptions: int = 0
    lost_gpu_s: float = 0.0
    preemptions: int = 0
    migrations: int = 0
    allocated_gpu_s: float = 0.0
    energy_j: float = 0.0
    situation: Situation | None = None
    situation_since_s: float = 0.0
    measured: bool = False

    def __post_init__(self) -> None:
        self.member = Member(self.workload, self.job.gpu_fraction)
        self.remaining = self.saved = self.job.work
        if self.job.service is not None:
            self.serving = Serving(self.job.service, self.job.submit_s)

    @property
    def num_nodes(self) -> int:
        """How many nodes its GPUs are on."""
        return len(self.nodes)

    @property
    def ran_before(self) -> bool:
        """Whether it ever made progress, so that starting it again costs a restart."""
        return not math.isnan(self.first_start_s)

    def remaining_at(self, now_s: float) -> float:
        """Iterations left at `now_s`, which may lie after the last settlement; of a service, its lifetime left."""
        if self.serving is not None:
            return self.job.work * self.serving.left(now_s)
        return max(0.0, self.remaining - self.rate * (now_s - self.settled_s))

    def seen_at(self, now_s: float) -> ActiveJob:
        """The policy's view of it."""
        return ActiveJob(
            job=self.job,
            remaining_s=self.remaining_at(now_s) / self.job.reference_rate,
            gpus=self.gpu_ids,
            placed_s=self.placed_s,
            first_start_s=self.first_start_s,
        )
