"""The one interface between engine and policies: what a policy sees, what it answers, what it learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from gogh_sim.types import BoolArray, Cluster, FloatArray, GpuId, IntArray, Job, JobId, SolveReport, Workload

Placement = tuple[GpuId, ...]


class Wake(StrEnum):
    """Why the scheduler is asked."""

    ARRIVAL = "arrival"
    FINISH = "finish"
    ROUND = "round"
    FAILURE = "failure"
    REPAIR = "repair"

    # Enum hashes in Python code, text in C; sets of wake-ups are made at every event.
    __hash__ = str.__hash__


@dataclass(frozen=True, slots=True)
class Attention:
    """Which wake-ups can change a policy's mind; the engine does not ask it at others.

    A policy that does not name rounds has none: the engine then lets no ticks come while jobs run.

    Attributes
    ----------
    wakes
        It is asked when one of these has come, and told of these only.
    idle
        Whether it is asked also while no job is pending.
    """

    wakes: frozenset[Wake] = frozenset(Wake)
    idle: bool = True

    def wants(self, wakes: frozenset[Wake], pending: bool) -> bool:
        """Whether to ask, given what has come and whether any job is pending."""
        return (self.idle or pending) and not self.wakes.isdisjoint(wakes)

    @property
    def rounds(self) -> bool:
        """Whether round ticks are among the wake-ups."""
        return Wake.ROUND in self.wakes


ALWAYS = Attention()
"""Every wake-up: what a policy gets that states nothing."""

QUEUE_OR_ROOM = Attention(frozenset({Wake.ARRIVAL, Wake.FINISH, Wake.FAILURE, Wake.REPAIR}), idle=False)
"""For policies that only start pending jobs and leave none that fits: only a job that joins the queue (new, or thrown
out by a failure) or new room makes a difference."""


@dataclass(frozen=True, slots=True)
class ActiveJob:
    """A pending or running job as seen at ``ClusterView.now_s``.

    `remaining_s` is the work left in seconds of the gang alone on the reference type. `gpus` is empty while pending.
    `placed_s` is when it got its present GPUs, `first_start_s` when it first ran (nan: never).
    """

    job: Job
    remaining_s: float
    gpus: Placement
    placed_s: float
    first_start_s: float


class Shape(NamedTuple):
    """All that decides where a job fits that shares with nobody, or is a fraction of a GPU and shares with others.

    Jobs of one shape fit in the same places. `memory_gib` of a whole job, to which only a GPU's own memory matters, is
    the least that any type which holds it has, so that few shapes stand for many workloads.
    """

    num_gpus: int
    fraction: float
    memory_gib: float
    allowed: frozenset[str]

    @classmethod
    def of(cls, job: Job, memory_gib: float, cluster: Cluster) -> Shape:
        """Shape of a job whose workload has this footprint."""
        if job.gpu_fraction == 1:
            memory_gib = cluster.memory_class(memory_gib)
        return cls(job.num_gpus, job.gpu_fraction, memory_gib, job.allowed_gpu_types)


@dataclass(frozen=True, slots=True)
class Occupancy:
    """Use of the cluster; arrays are read-only, in the cluster's GPU (or node) order.

    `jobs` counts jobs per GPU, `fraction` sums their GPU fractions, `memory_gib` their footprints;
    `residents` names them. `node_on` is False for a node that is off, which a placement wakes.
    `up` is False for a GPU that has broken down: nothing can be placed there until it is repaired.
    """

    jobs: IntArray
    fraction: FloatArray
    memory_gib: FloatArray
    residents: Sequence[Sequence[JobId]]
    node_on: BoolArray
    up: BoolArray


@dataclass(frozen=True, slots=True)
class ClusterView:
    """What a policy may see at a decision. Mappings are read-only and valid during the call only.

    `pending` is in order of submission (a re-queued job takes its old place), `running` in order of start.
    `by_shape` holds the pending jobs of each shape, in the same order; None in a view that nobody keeps it for.
    """

    now_s: float
    wakes: frozenset[Wake]
    cluster: Cluster
    pending: Mapping[JobId, ActiveJob]
    running: Mapping[JobId, ActiveJob]
    occupancy: Occupancy
    by_shape: Mapping[Shape, Mapping[JobId, ActiveJob]] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Changes to the placement: a job not named stays as it is, so a decision costs what it changes.

    `place` starts pending jobs and moves running ones; `evict` sends running jobs back to the queue. Evictions and
    moves release their GPUs before anything is placed. `power_caps` sets watts per GPU until changed.
    """

    place: Mapping[JobId, Placement] = field(default_factory=dict)
    evict: frozenset[JobId] = frozenset()
    power_caps: Mapping[GpuId, float] = field(default_factory=dict)
    solve: SolveReport | None = None

    @classmethod
    def target(
        cls,
        view: ClusterView,
        placement: Mapping[JobId, Placement],
        solve: SolveReport | None = None,
    ) -> Decision:
        """Decision that leads from the present placement to exactly `placement`; who is not in it is evicted."""
        running = view.running
        changed = {j: gpus for j, gpus in placement.items() if j not in running or running[j].gpus != gpus}
        return cls(place=changed, evict=frozenset(running.keys() - placement.keys()), solve=solve)


NOTHING = Decision()


@dataclass(frozen=True, slots=True)
class Observation:
    """A measurement of one job over a stretch with constant partners.

    `rate` is in iterations per second of the whole gang; `partners` and `power_w` are those of its slowest GPU, and
    `capped` tells that a power cap held it back.
    """

    time_s: float
    job: Job
    gpu_type: str
    partners: tuple[Job, ...]
    num_nodes: int
    rate: float
    power_w: float
    capped: bool = False


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a learner believed of an observed situation just before it saw the observation.

    `rate` in iterations per second of the gang; `source` is "P1", "P2" or "measured".
    """

    observation: Observation
    source: str
    rate: float


SQUARE_ROOT = 0.5
"""What is believed of sharing a GPU without any measurement of it. Assumed."""
CUBE_ROOT = 1 / 3
"""What is believed of power caps without any measurement: dynamic watts go with frequency times voltage squared, and
voltage about with frequency, so that speed goes with the cube root of dynamic watts (textbook CMOS scaling)."""


@dataclass(frozen=True)
class Beliefs:
    """Speeds and watts of jobs, by somebody's knowledge; J jobs, T GPU types in cluster order.

    Attributes
    ----------
    speed
        (J, T) relative speed of the whole gang alone; nan where it cannot run (memory, types not allowed are
        not looked at).
    norm
        (T, J, J) normalised throughput of the row job beside the column job on one GPU; nan where the pair does
        not fit. The diagonal is a job beside another of its kind.
    power_w
        (J, T) watts of one GPU running the job alone.
    pair_power_w
        (T, J, J) watts of one GPU running the pair.
    speed_sd
        (J, T) standard deviation of what is believed of the log of `speed`; None where nothing is in doubt.
    share_exponent
        (T,) or one for all: exponent of a shared GPU's dynamic watts against the load of all who share it.
    cap_exponent
        (T,) or one for all: exponent of speed against dynamic watts under a power cap.
    """

    speed: FloatArray
    norm: FloatArray
    power_w: FloatArray
    pair_power_w: FloatArray
    speed_sd: FloatArray | None = None
    share_exponent: FloatArray | float = SQUARE_ROOT
    cap_exponent: FloatArray | float = CUBE_ROOT


@dataclass(frozen=True)
class Uncertainty:
    """How far the true rates of jobs may lie from `Beliefs`, as far as a measurement could tell; J jobs, T GPU types.

    Attributes
    ----------
    speed
        (J, T, T) covariance of the logs of speeds alone, over types.
    norm
        (T, J, J) variance of the log of the normalised throughput of the row job beside the column job.
    noise
        Variance of the log of one measured rate around the true one.
    """

    speed: FloatArray
    norm: FloatArray
    noise: float


class Loads(NamedTuple):
    """(J, T) shares of a GPU's full load that jobs offer, on average and at their peak."""

    mean: FloatArray
    peak: FloatArray


def offered_loads(jobs: Sequence[Job], speed: FloatArray) -> Loads:
    """Loads that jobs offer where their relative speeds alone are `speed` (J, T).

    A job offers the fraction of the GPU that it can use; a service offers of that what its requests take up, less on a
    faster type.
    """
    fraction = np.array([[job.gpu_fraction] for job in jobs], dtype=np.float64)
    needed = np.array([job.needed_speeds for job in jobs], dtype=np.float64).reshape(-1, 2)
    # fmin: where the speed is not known the whole fraction counts.
    mean, peak = (fraction * np.fmin(1.0, needed[:, [which]] / speed) for which in (0, 1))
    return Loads(mean, peak)


class ThroughputSource(Protocol):
    """Anything that answers how fast jobs run and what they draw: estimators, or the truth for the oracle."""

    def beliefs(self, jobs: Sequence[Job]) -> Beliefs:
        """All questions of a round in one call."""
        ...


class DoubtfulSource(ThroughputSource, Protocol):
    """A source that tells how sure it is."""

    def uncertainty(self, jobs: Sequence[Job]) -> Uncertainty:
        """Doubt in what `beliefs` says of the same jobs."""
        ...


@dataclass(frozen=True)
class PolicyContext:
    """What every policy is built with: the cluster, the public facts of workloads, and its own random stream."""

    cluster: Cluster
    workloads: Mapping[str, Workload]
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))


class Scheduler(Protocol):
    """A policy. Its first constructor argument is a `PolicyContext`."""

    def decide(self, view: ClusterView) -> Decision:
        """Answer one wake-up; called once per timestamp, after all its other events."""
        ...


@runtime_checkable
class Attentive(Protocol):
    """A policy that states which wake-ups it needs; others are asked `ALWAYS`."""

    attention: Attention


@runtime_checkable
class Learner(Protocol):
    """A policy that learns: it is told of measurements before the next `decide`."""

    def observe(self, observations: Sequence[Observation]) -> Sequence[Prediction]:
        """Take in measurements; return what was believed of each just before."""
        ...
