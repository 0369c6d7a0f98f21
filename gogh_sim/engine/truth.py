"""The truth as a `ThroughputSource`: what the oracle, and policies that assume full profiling, are handed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gogh_sim.policy import Beliefs, offered_loads
from gogh_sim.profiles import Profile
from gogh_sim.types import BoolArray, Cluster, FloatArray, Job, JobId


class Truth:
    """Beliefs that are the profile itself, hidden factors included.

    Services slow others as at their peak request rate, so that floors hold then too, and draw watts as at their mean.

    A gang counts as consolidated: on as few nodes as the largest node of the type allows.
    """

    def __init__(self, profile: Profile, cluster: Cluster, hidden: Mapping[JobId, float]) -> None:
        self._profile = profile
        self._hidden = hidden
        self._types = np.array([profile.type_index[name] for name in cluster.type_names])
        self._memory_gib = np.array([t.memory_gib for t in cluster.gpu_types])
        self._idle_w = np.array([t.idle_context_w for t in cluster.gpu_types])
        self._tdp_w = np.array([t.tdp_w for t in cluster.gpu_types])
        sizes = np.zeros(len(self._types), dtype=np.int64)
        np.maximum.at(sizes, cluster.type_of[cluster.node_start[:-1]], [node.num_gpus for node in cluster.nodes])
        self._node_size = np.maximum(sizes, 1)

    def beliefs(self, jobs: Sequence[Job]) -> Beliefs:
        """True speeds, norms and watts; see `policy.Beliefs` for shapes."""
        profile = self._profile
        workload = np.array([profile.workload_index[job.workload] for job in jobs], dtype=np.int64)
        speed = self._speed(jobs, workload)
        load = offered_loads(jobs, speed)
        memory = profile.memory_gib[workload]
        alpha, beta = profile.alpha[self._types], profile.beta[self._types]
        dynamic = profile.dyn_w[np.ix_(workload, self._types)] * load.mean**alpha
        slowdown = profile.slowdown[np.ix_(self._types, workload, workload)]
        together = memory[:, np.newaxis] + memory[np.newaxis, :] <= self._memory_gib[:, np.newaxis, np.newaxis]
        norms = [1.0 / (1.0 + slowdown * share.T[:, np.newaxis, :]) for share in load]
        return Beliefs(
            speed=speed,
            norm=np.where(together, norms[1], np.nan),
            power_w=self._idle_w + dynamic,
            pair_power_w=self._pair_watts(dynamic.T, norms[0], beta, together),
            share_exponent=beta,
            cap_exponent=profile.gamma[self._types],
        )

    def _speed(self, jobs: Sequence[Job], workload: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> FloatArray:
        profile = self._profile
        nodes = -(-np.array([[job.num_gpus] for job in jobs], dtype=np.int64) // self._node_size)
        gang = np.array(
            [
                [profile.gang_factor(int(w), job.num_gpus, int(n)) for n in row]
                for w, job, row in zip(workload, jobs, nodes, strict=True)
            ]
        ).reshape(len(jobs), len(self._types))
        scale = [self._hidden[job.job_id] * job.num_gpus * job.gpu_fraction / job.reference_rate for job in jobs]
        return np.asarray(profile.solo_rate[np.ix_(workload, self._types)] * gang * np.array(scale)[:, np.newaxis])

    def _pair_watts(self, dynamic: FloatArray, norm: FloatArray, beta: FloatArray, together: BoolArray) -> FloatArray:
        own, other = dynamic[:, :, np.newaxis], dynamic[:, np.newaxis, :]
        heaviest = np.maximum(np.maximum(own, other), 1e-12)
        total_speed = (norm * own + norm.swapaxes(1, 2) * other) / heaviest
        watts = self._idle_w[:, None, None] + heaviest * total_speed ** beta[:, None, None]
        return np.where(together, np.minimum(watts, self._tdp_w[:, None, None]), np.nan)
