"""The policy's window on the world: read-only and lazy, so that looking costs only what is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gogh_sim.engine.jobs import JobState
from gogh_sim.engine.queue import Line
from gogh_sim.engine.world import World
from gogh_sim.policy import ActiveJob, ClusterView, Shape, Wake
from gogh_sim.types import JobId


class _ActiveJobs(Mapping[JobId, ActiveJob]):
    """Jobs as they are at one moment."""

    def __init__(self, states: Mapping[JobId, JobState], now_s: float) -> None:
        self._states = states
        self._now_s = now_s

    def __getitem__(self, job_id: JobId) -> ActiveJob:
        return self._states[job_id].seen_at(self._now_s)

    def __iter__(self) -> Iterator[JobId]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._states


class _ByShape(Mapping[Shape, Mapping[JobId, ActiveJob]]):
    """Pending jobs of each shape as they are at one moment."""

    def __init__(self, lines: Mapping[Shape, Line], now_s: float) -> None:
        self._lines = lines
        self._now_s = now_s

    def __getitem__(self, shape: Shape) -> Mapping[JobId, ActiveJob]:
        return _ActiveJobs(self._lines[shape], self._now_s)

    def __iter__(self) -> Iterator[Shape]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


def view_of(world: World, wakes: frozenset[Wake], now_s: float) -> ClusterView:
    """What a policy sees of `world` at `now_s`."""
    return ClusterView(
        now_s=now_s,
        wakes=wakes,
        cluster=world.cluster,
        pending=_ActiveJobs(world.pending, now_s),
        running=_ActiveJobs(world.running, now_s),
        occupancy=world.occupancy,
        by_shape=_ByShape(world.queue.by_shape, now_s),
    )
