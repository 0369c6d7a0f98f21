"""Pending jobs, kept so that a policy finds who could start without looking at everybody."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping

from gogh_sim.engine.jobs import JobState
from gogh_sim.policy import Shape
from gogh_sim.types import JobId


class Line(Mapping[JobId, JobState]):
    """Jobs in order of submission. Who comes back takes its old place, which is found when somebody looks.

    Its head is found in constant time, also after many have left there, which makes a plain dict slow.
    """

    def __init__(self) -> None:
        self._jobs: OrderedDict[JobId, JobState] = OrderedDict()
        self._last = -1
        self._in_order = True

    def add(self, state: JobState) -> None:
        """A job joins."""
        self._in_order &= state.number > self._last
        self._last = max(self._last, state.number)
        self._jobs[state.job.job_id] = state

    def remove(self, state: JobState) -> None:
        """A job leaves."""
        del self._jobs[state.job.job_id]

    def __getitem__(self, job_id: JobId) -> JobState:
        return self._jobs[job_id]

    def __iter__(self) -> Iterator[JobId]:
        if not self._in_order:
            self._jobs = OrderedDict(sorted(self._jobs.items(), key=lambda item: item[1].number))
            self._in_order = True
        return iter(self._jobs)

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._jobs


class Queue:
    """All pending jobs, and the same by shape: jobs of one shape fit in the same places.

    Attributes
    ----------
    line
        Everybody.
    by_shape
        The jobs of each shape that somebody pending has.
    """

    def __init__(self) -> None:
        self.line = Line()
        self.by_shape: dict[Shape, Line] = {}

    def add(self, state: JobState) -> None:
        """A job joins both."""
        self.line.add(state)
        line = self.by_shape.get(state.shape)
        if line is None:
            line = self.by_shape[state.shape] = Line()
        line.add(state)

    def remove(self, state: JobState) -> None:
        """A job leaves both."""
        self.line.remove(state)
        line = self.by_shape[state.shape]
        line.remove(state)
        if not line:
            del self.by_shape[state.shape]
