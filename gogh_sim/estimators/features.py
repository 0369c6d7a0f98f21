"""Features of workloads and GPU types: what a scheduler knows at submission, never how fast anything runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gogh_sim.types import FloatArray, GpuType, JobKind, Workload

_LEAST = 1e-3
_CLIP = 4.0


def _log(value: float) -> float:
    return float(np.log(max(value, _LEAST)))


def _workload_numbers(workload: Workload) -> list[float]:
    batch, size = _log(workload.batch_size), _log(workload.parameters_m)
    work = _log(workload.gflop_per_sample)
    return [batch, size, work, batch + work, _log(workload.memory_gib), work - size]


def _type_numbers(gpu_type: GpuType) -> list[float]:
    half, bandwidth = _log(gpu_type.fp16_tflops), _log(gpu_type.bandwidth_gbps)
    return [
        _log(gpu_type.fp32_tflops),
        half,
        bandwidth,
        _log(gpu_type.memory_gib),
        _log(gpu_type.tdp_w),
        half - bandwidth,
    ]


def task_words(task: str) -> frozenset[str]:
    """Words of a task, without what stands in brackets (data sets and lengths)."""
    return frozenset(re.sub(r"\(.*?\)", " ", task.lower()).split())


def _scaling(numbers: FloatArray) -> tuple[FloatArray, FloatArray]:
    spread = numbers.std(axis=0)
    return numbers.mean(axis=0), np.where(spread > 1e-9, spread, 1.0)


@dataclass(frozen=True)
class Encoder:
    """Turns workloads and GPU types into rows of numbers, scaled by a history's means and spreads.

    Workload columns: log batch size, log parameters, log work per sample, log work per iteration, log memory, log work
    per parameter (all scaled), inference (0 or 1), then one column per word that describes the tasks of at least two
    families of the history. The family itself is left out: a new one would not be known, and known ones would only
    invite learning by heart.
    Type columns: logs of the datasheet's compute, bandwidth, memory and power, and of compute per byte.
    """

    words: tuple[str, ...]
    centre: FloatArray
    scale: FloatArray
    type_centre: FloatArray
    type_scale: FloatArray

    @classmethod
    def fit(cls, workloads: Sequence[Workload], gpu_types: Sequence[GpuType]) -> Encoder:
        """Encoder scaled to these workloads and types."""
        centre, scale = _scaling(np.array([_workload_numbers(w) for w in workloads]))
        type_centre, type_scale = _scaling(np.array([_type_numbers(t) for t in gpu_types]))
        families: dict[str, set[str]] = {}
        for workload in workloads:
            for word in task_words(workload.task):
                families.setdefault(word, set()).add(workload.family)
        words = tuple(sorted(word for word, of in families.items() if len(of) > 1))
        return cls(words, centre, scale, type_centre, type_scale)

    @property
    def workload_width(self) -> int:
        """Number of workload columns."""
        return len(self.centre) + 1 + len(self.words)

    @property
    def type_width(self) -> int:
        """Number of GPU type columns."""
        return len(self.type_centre)

    def workloads(self, workloads: Sequence[Workload]) -> FloatArray:
        """(W, workload_width) features."""
        numbers = np.array([_workload_numbers(w) for w in workloads]).reshape(len(workloads), len(self.centre))
        scaled = np.clip((numbers - self.centre) / self.scale, -_CLIP, _CLIP)
        inference = np.array([[float(w.kind is JobKind.INFERENCE)] for w in workloads]).reshape(-1, 1)
        told = [task_words(w.task) for w in workloads]
        task = np.array([[float(word in words) for word in self.words] for words in told])
        return np.hstack([scaled, inference, task.reshape(len(workloads), len(self.words))])

    def gpu_types(self, gpu_types: Sequence[GpuType]) -> FloatArray:
        """(T, type_width) features."""
        numbers = np.array([_type_numbers(t) for t in gpu_types]).reshape(len(gpu_types), len(self.type_centre))
        result: FloatArray = np.clip((numbers - self.type_centre) / self.type_scale, -_CLIP, _CLIP)
        return result
