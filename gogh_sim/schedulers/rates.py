"""What allocation programs are asked: who could run where and how fast, alone and in pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gogh_sim.placement.allocation import ALONE, Demands
from gogh_sim.policy import PolicyContext, ThroughputSource
from gogh_sim.types import FloatArray, Job


def demands_of(context: PolicyContext, source: ThroughputSource, jobs: Sequence[Job], theta: int) -> Demands:
    """Demands of jobs whose steps are seconds on the reference type, so that rates are relative speeds.

    A job has rate 0 on types that it must not use, that cannot hold its workload or that have fewer GPUs than it needs.

    Parameters
    ----------
    source
        Who says how fast jobs run.
    theta
        1: jobs alone only; 2: also pairs of equally wide jobs, where they fit and both make progress.
    """
    cluster = context.cluster
    beliefs = source.beliefs(jobs)
    limit_gib = np.array([t.memory_gib for t in cluster.gpu_types])
    width = np.array([job.num_gpus for job in jobs], dtype=np.int64)
    memory = np.array([context.workloads[job.workload].memory_gib for job in jobs])
    allowed = np.array([[job.allows(name) for name in cluster.type_names] for job in jobs])
    possible = allowed & (memory[:, np.newaxis] <= limit_gib) & (width[:, np.newaxis] <= cluster.gpus_per_type)
    speed = np.where(possible, np.nan_to_num(beliefs.speed), 0.0)
    singles = np.column_stack([np.arange(len(jobs)), np.full(len(jobs), ALONE)])
    alone = np.stack([speed, np.zeros_like(speed)], axis=1)
    pairs = np.column_stack(np.triu_indices(len(jobs) if theta > 1 else 0, 1))
    pairs = pairs[width[pairs[:, 0]] == width[pairs[:, 1]]]
    shared = _shared(pairs, speed, np.nan_to_num(beliefs.norm))
    shared *= (memory[pairs].sum(axis=1)[:, np.newaxis] <= limit_gib)[:, np.newaxis, :]
    worth = (shared > 0).any(axis=(1, 2))
    return Demands(
        members=np.concatenate([singles, pairs[worth]]).astype(np.int64),
        rate=np.concatenate([alone, shared[worth]]),
        width=width,
        gpus=cluster.gpus_per_type,
    )


def _shared(pairs: np.ndarray[tuple[int, int], np.dtype[np.int64]], speed: FloatArray, norm: FloatArray) -> FloatArray:
    """(P, 2, T) speeds of both members of each pair; 0 on types where either would stand still."""
    first, second = pairs.T
    rates = np.stack([speed[first] * norm[:, first, second].T, speed[second] * norm[:, second, first].T], axis=1)
    return np.where((rates > 0).all(axis=1, keepdims=True), rates, 0.0)
