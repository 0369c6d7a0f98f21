"""The nouns of the simulator: GPUs, nodes, clusters, workloads, jobs. Frozen, validated, units in the names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from gogh_sim.errors import require
from gogh_sim.inference import Service

JobId: TypeAlias = str
FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
Gpus: TypeAlias = tuple[int, ...]
"""GPUs of one gang or unit by their numbers in the cluster."""

REFERENCE_GPU = "V100"
"""The GPU type whose solo speed is 1 in every relative speed."""


_ROUNDING = 1 + 1e-9
"""Sums of footprints may exceed a memory by this factor."""


class GpuId(NamedTuple):
    """One GPU: the node it sits in and its slot there, from 0."""

    node_id: str
    slot: int

    def __str__(self) -> str:
        return f"{self.node_id}/{self.slot}"


@dataclass(frozen=True, slots=True)
class HostPower:
    """Power of a node beyond its GPUs: ``base_w + slope * sum(GPU W)`` while on, ``off_w`` while gated."""

    base_w: float
    slope: float
    off_w: float = 0.0

    def __post_init__(self) -> None:
        require(self.base_w >= 0 and self.off_w >= 0, f"host power must not be negative, found {self}")
        require(self.slope >= 1, f"host slope must be at least 1 (the GPUs' own watts), found {self.slope}")


@dataclass(frozen=True, slots=True)
class GpuType:
    """A kind of GPU, by its datasheet: what anyone, a policy included, may know of it.

    `memory_gib` is usable memory, `fp16_tflops` dense tensor throughput, `bandwidth_gbps` memory bandwidth in GB/s.
    `idle_bare_w` is drawn without a process, `idle_context_w` with one that runs no kernel.
    """

    name: str
    variant: str
    memory_gib: float
    tdp_w: float
    idle_bare_w: float
    idle_context_w: float
    fp32_tflops: float
    fp16_tflops: float
    bandwidth_gbps: float
    host: HostPower

    def __post_init__(self) -> None:
        require(self.memory_gib > 0, f"GPU type {self.name}: memory_gib must be positive, found {self.memory_gib}")
        require(
            0 <= self.idle_bare_w <= self.idle_context_w <= self.tdp_w,
            f"GPU type {self.name}: expected idle_bare_w <= idle_context_w <= tdp_w, found "
            f"{self.idle_bare_w}, {self.idle_context_w}, {self.tdp_w}",
        )


@dataclass(frozen=True, slots=True)
class Node:
    """A machine with `num_gpus` GPUs of one type."""

    node_id: str
    gpu_type: str
    num_gpus: int

    def __post_init__(self) -> None:
        require(self.num_gpus > 0, f"node {self.node_id}: num_gpus must be positive, found {self.num_gpus}")


MOST_GPUS = 1_000_000
"""Most GPUs of a cluster: a slip in a count is told before memory is spent on it."""


@dataclass(frozen=True)
class Cluster:
    """Nodes in a fixed order, the GPU types they hold, and capacity theta (most jobs per GPU).

    GPUs are numbered 0..n-1 in node order; every array "per GPU" follows that order, every array
    "per type" follows `gpu_types`.
    """

    name: str
    gpu_types: tuple[GpuType, ...]
    nodes: tuple[Node, ...]
    theta: int = 2

    def __post_init__(self) -> None:
        require(self.theta >= 1, f"cluster {self.name}: theta must be at least 1, found {self.theta}")
        require(bool(self.nodes), f"cluster {self.name} has no nodes")
        count = sum(n.num_gpus for n in self.nodes)
        require(count <= MOST_GPUS, f"cluster {self.name}: expected at most {MOST_GPUS} GPUs, found {count}")
        require(
            len({n.node_id for n in self.nodes}) == len(self.nodes), f"cluster {self.name}: node ids are not unique"
        )
        missing = sorted({n.gpu_type for n in self.nodes} - {t.name for t in self.gpu_types})
        require(not missing, f"cluster {self.name}: nodes name unknown GPU types {missing}")

    @cached_property
    def gpu_ids(self) -> tuple[GpuId, ...]:
        """Every GPU, in node order."""
        return tuple(GpuId(node.node_id, i) for node in self.nodes for i in range(node.num_gpus))

    @cached_property
    def index_of(self) -> dict[GpuId, int]:
        """Number of each GPU."""
        return {gpu: i for i, gpu in enumerate(self.gpu_ids)}

    @cached_property
    def node_of(self) -> IntArray:
        """Per GPU: number of its node."""
        return np.repeat(np.arange(len(self.nodes)), [n.num_gpus for n in self.nodes]).astype(np.int64)

    @cached_property
    def node_start(self) -> IntArray:
        """Per node: number of its first GPU, with the total appended."""
        return np.concatenate([[0], np.cumsum([n.num_gpus for n in self.nodes])]).astype(np.int64)

    @cached_property
    def type_names(self) -> tuple[str, ...]:
        """Names of `gpu_types`, in order."""
        return tuple(t.name for t in self.gpu_types)

    @cached_property
    def type_of(self) -> IntArray:
        """Per GPU: number of its type."""
        number = {name: i for i, name in enumerate(self.type_names)}
        return np.array([number[n.gpu_type] for n in self.nodes], dtype=np.int64)[self.node_of]

    @cached_property
    def gpus_per_type(self) -> IntArray:
        """Per type: how many GPUs."""
        return np.bincount(self.type_of, minlength=len(self.gpu_types)).astype(np.int64)

    @cached_property
    def of_type(self) -> tuple[BoolArray, ...]:
        """Per type: which GPUs are of it; read-only."""
        masks = tuple(self.type_of == number for number in range(len(self.gpu_types)))
        for mask in masks:
            mask.flags.writeable = False
        return masks

    @cached_property
    def memory_limit_gib(self) -> FloatArray:
        """Per GPU: what footprints on it may sum to, a rounding error included."""
        return np.array([t.memory_gib for t in self.gpu_types])[self.type_of] * _ROUNDING

    def memory_class(self, memory_gib: float) -> float:
        """Least memory of a type that holds this much per GPU; what is given if none does."""
        for holds_gib in self._memories:
            if memory_gib <= holds_gib * _ROUNDING:
                return holds_gib
        return memory_gib

    @cached_property
    def _memories(self) -> tuple[float, ...]:
        return tuple(sorted({t.memory_gib for t in self.gpu_types}))

    @cached_property
    def _holding(self) -> dict[tuple[float, frozenset[str]], tuple[tuple[int, ...], BoolArray]]:
        """Answers given by `holding`: policies ask it at every decision about every kind of job that waits."""
        return {}

    def holding(self, memory_gib: float, allowed: frozenset[str]) -> tuple[tuple[int, ...], BoolArray]:
        """Numbers of the types that are allowed (empty: any) and hold this much per GPU, and which GPUs are of them.

        The mask per GPU is read-only. Memory counts as enough up to a rounding error.
        """
        key = (memory_gib, allowed)
        if key not in self._holding:
            roomy = (t for t in self.gpu_types if memory_gib <= t.memory_gib * _ROUNDING)
            names = [t.name for t in roomy if not allowed or t.name in allowed]
            types = tuple(i for i, name in enumerate(self.type_names) if name in names)
            gpus = np.isin(self.type_of, types)
            gpus.flags.writeable = False
            self._holding[key] = (types, gpus)
        return self._holding[key]

    @property
    def num_gpus(self) -> int:
        """How many GPUs in all."""
        return len(self.gpu_ids)


class JobKind(StrEnum):
    """Training or inference."""

    TRAINING = "training"
    INFERENCE = "inference"


@dataclass(frozen=True, slots=True)
class Workload:
    """A model at a batch size, by what is known when a job is submitted; never by how fast it runs.

    `parameters_m` are millions of parameters, `gflop_per_sample` the forward (training: forward and backward) work of
    one sample, `memory_gib` the footprint on one GPU.
    """

    name: str
    model: str
    family: str
    task: str
    kind: JobKind
    batch_size: int
    parameters_m: float
    gflop_per_sample: float
    memory_gib: float

    def __post_init__(self) -> None:
        require(self.batch_size > 0, f"workload {self.name}: batch_size must be positive, found {self.batch_size}")
        require(self.memory_gib > 0, f"workload {self.name}: memory_gib must be positive, found {self.memory_gib}")


@dataclass(frozen=True, slots=True)
class Job:
    """A unit of submitted work; all its GPUs together are its gang.

    Attributes
    ----------
    submit_s
        Submission time, seconds from trace start.
    work
        Iterations to do.
    reference_s
        Seconds the gang needs for `work` alone on GPUs of the reference type; ``work / reference_s`` is its rate there.
    allowed_gpu_types
        Names of acceptable types; empty means any.
    gpu_fraction
        Share of each GPU that the job can use, in (0, 1]; below 1 only with one GPU. The job offers this share of
        its workload's load: its solo rate, its intensity towards partners and its dynamic power shrink with it.
    deadline_s
        Time by which it must end for its SLA; infinite for best effort.
    floor
        Least relative speed its SLA needs when started at once, 0 for best effort.
    source_status
        How it ended in the trace ("pass", "failed", "killed"); a job that failed there fails here after its work.
    service
        What it serves, for a job of kind inference that ends after a time and not after its work; None otherwise.
        Its `reference_s` is its lifetime, its `work` what its gang could do in that alone on the reference type; its
        `floor` is the least relative speed at which it keeps its latency SLO.
    """

    job_id: JobId
    submit_s: float
    workload: str
    kind: JobKind
    work: float
    reference_s: float
    num_gpus: int = 1
    allowed_gpu_types: frozenset[str] = frozenset()
    gpu_fraction: float = 1.0
    deadline_s: float = math.inf
    floor: float = 0.0
    user: str = ""
    queue: str = ""
    source_status: str = "pass"
    service: Service | None = None

    def __post_init__(self) -> None:
        name = f"job {self.job_id}"
        require(math.isfinite(self.submit_s) and self.submit_s >= 0, f"{name}: submit_s must be at least 0")
        require(math.isfinite(self.work) and self.work > 0, f"{name}: work must be positive, found {self.work}")
        require(self.reference_s > 0, f"{name}: reference_s must be positive, found {self.reference_s}")
        require(self.num_gpus >= 1, f"{name}: num_gpus must be at least 1, found {self.num_gpus}")
        require(0 < self.gpu_fraction <= 1, f"{name}: gpu_fraction must be in (0, 1], found {self.gpu_fraction}")
        require(self.gpu_fraction == 1 or self.num_gpus == 1, f"{name}: a fraction of a GPU goes with one GPU only")
        require(self.deadline_s >= self.submit_s, f"{name}: deadline_s lies before submit_s")
        require(self.floor >= 0, f"{name}: floor must not be negative, found {self.floor}")
        if self.service is not None:
            require(self.kind is JobKind.INFERENCE, f"{name}: only an inference job can be a service")
            require(self.reference_s == self.service.lifetime_s, f"{name}: reference_s must be its lifetime")
            require(not self.has_sla, f"{name}: the SLA of a service is its latency, it has no deadline")

    @property
    def has_sla(self) -> bool:
        """Whether it has a deadline to meet."""
        return math.isfinite(self.deadline_s)

    @property
    def reference_rate(self) -> float:
        """Iterations per second of the gang alone on the reference type."""
        return self.work / self.reference_s

    @property
    def needed_speeds(self) -> tuple[float, float]:
        """Relative speeds that a service's mean and peak request rates take up; infinite for a job that uses all it
        gets."""
        if self.service is None:
            return math.inf, math.inf
        per_request = self.service.iterations_per_request / self.service.slots / self.reference_rate
        return self.service.mean_rate * per_request, self.service.peak_rate * per_request

    def allows(self, gpu_type: str) -> bool:
        """Whether it may run on this GPU type."""
        return not self.allowed_gpu_types or gpu_type in self.allowed_gpu_types


@dataclass(frozen=True, slots=True)
class SolveReport:
    """What the optimiser did for one decision.

    `status` is "optimal" (proven within the gap), "feasible" (stopped at a limit with an answer) or the failure's name;
    `gap` is ``(objective - bound) / |objective|``; `fallback` says that a greedy answer was used instead.
    `build_s` and `solve_s` are wall-clock seconds and stay out of tables that must be byte-identical; `seconds` are the
    same by phase (`placement.session.Phase`).
    """

    status: str
    objective: float
    bound: float
    gap: float
    groups: int
    columns: int
    rows: int
    build_s: float
    solve_s: float
    fallback: bool = False
    unpacked: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
