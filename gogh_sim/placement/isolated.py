"""How long jobs would take on an equal part of the cluster, counted as they go."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from gogh_sim.types import FloatArray


class IsolatedClock:
    """Time from submission to end that each job would need on an equal part of the cluster.

    The part changes with the jobs there are, so work done counts at the speed that the part had when it was last asked.
    """

    def __init__(self) -> None:
        self._spent_s: dict[Hashable, float] = {}
        self._before: dict[Hashable, tuple[float, float]] = {}

    def total_s(self, jobs: Sequence[Hashable], left: FloatArray, speed: FloatArray) -> FloatArray:
        """(J,) seconds in all; `left` is work to do and `speed` work per second on an equal part as of now."""
        spent_s = {}
        for job, work in zip(jobs, left.tolist(), strict=True):
            before, then = self._before.get(job, (work, 1.0))
            spent_s[job] = self._spent_s.get(job, 0.0) + (before - work) / then
        self._spent_s = spent_s
        self._before = dict(zip(jobs, zip(left.tolist(), speed.tolist(), strict=True), strict=True))
        return np.array(list(spent_s.values())) + left / speed
