"""Least energy, one job at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from gogh_sim.policy import QUEUE_OR_ROOM, ActiveJob, ClusterView, Decision, PolicyContext, ThroughputSource
from gogh_sim.schedulers.capacity import Capacity, Costs, start_who_fits
from gogh_sim.types import FloatArray, Job

_Kind: TypeAlias = tuple[str, float]

_AT_ONCE = 32
"""Residents asked about in one question: an answer grows with their square."""


class GreedyEnergy:
    """In order of submission, whoever fits starts on the free GPUs that cost least believed energy to completion.

    Seconds to completion times the watts that the choice adds: on an empty GPU its own and its share of the node's
    overhead, on a shared one what the pair draws above the resident alone; of several residents the dearest counts.
    The greedy counterpart of the optimiser's energy objective: it neither looks ahead nor moves jobs. After the least
    added power of Beloglazov, Abawajy and Buyya, "Energy-aware resource allocation heuristics for efficient management
    of data centers for cloud computing" (FGCS 2012), with the time to completion as a factor.

    Parameters
    ----------
    source
        Who says how fast jobs run and what they draw.
    """

    attention = QUEUE_OR_ROOM

    def __init__(self, context: PolicyContext, source: ThroughputSource) -> None:
        self._context = context
        self._source = source
        types = context.cluster.gpu_types
        self._slope = np.array([t.host.slope for t in types])
        self._base_w = np.array([t.host.base_w for t in types])

    def decide(self, view: ClusterView) -> Decision:
        """Go through the queue once."""
        capacity = Capacity(self._context, view)
        return start_who_fits(capacity, capacity.queue(), self._joules)

    def _joules(self, capacity: Capacity, active: ActiveJob) -> Costs:
        """Joules that one GPU of the gang adds, by GPU; infinite where the job cannot run."""
        cluster, types = capacity.cluster, capacity.cluster.type_of
        shared = np.flatnonzero(capacity.eligible(active.job) & (capacity.jobs > 0)).tolist()
        kinds = {_kind(job): job for gpu in shared for job in capacity.residents(gpu)}
        alone = self._source.beliefs([active.job])
        seconds = active.remaining_s / alone.speed[0]
        base_w = self._base_w[types] / np.diff(cluster.node_start)[cluster.node_of]
        joules = seconds[types] * ((self._slope * alone.power_w[0])[types] + base_w)
        beside = self._beside(active.job, seconds, kinds)
        for gpu in shared:
            joules[gpu] = max(beside[_kind(job)][types[gpu]] for job in capacity.residents(gpu))
        return (np.nan_to_num(joules, nan=np.inf),)

    def _beside(self, job: Job, seconds: FloatArray, kinds: Mapping[_Kind, Job]) -> dict[_Kind, FloatArray]:
        """Per kind of resident: joules added on each type by sharing a GPU with it."""
        joules: dict[_Kind, FloatArray] = {}
        order = list(kinds)
        for first in range(0, len(order), _AT_ONCE):
            part = order[first : first + _AT_ONCE]
            beliefs = self._source.beliefs([job, *(kinds[kind] for kind in part)])
            added_w = beliefs.pair_power_w[:, 0, 1:] - beliefs.power_w[1:].T
            costs = (seconds * self._slope)[:, None] / beliefs.norm[:, 0, 1:] * added_w
            joules.update(zip(part, costs.T, strict=True))
        return joules


def _kind(job: Job) -> _Kind:
    return job.workload, job.gpu_fraction
