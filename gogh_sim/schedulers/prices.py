"""What the optimiser carries over from one decision to the next: the prices of jobs and of GPUs.

Groups are drawn anew each time, and jobs shrink, so what is remembered is each job's price per second of work left; a
group starts from the mean of its jobs. Prices save pricing rounds and decide nothing: any lead to a proven bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gogh_sim.placement import Duals, Problem
from gogh_sim.types import FloatArray, JobId

_LEAST_S = 1.0
"""Work left below which a job is taken to have this much."""


@dataclass(frozen=True, eq=False)
class Prices:
    """Price of each job by second of work left on the reference type, and (T,) of a GPU of each type; none at first."""

    per_second: Mapping[JobId, float] = field(default_factory=dict)
    per_gpu: FloatArray | None = None

    @classmethod
    def remembered(cls, duals: Duals, problem: Problem, names: Sequence[Sequence[JobId]]) -> Prices:
        """Prices of a solved problem; `names` lists the jobs of each group."""
        per_second = (duals.job / np.maximum(problem.groups.remaining_s, _LEAST_S)).tolist()
        by_job = {job: price for price, members in zip(per_second, names, strict=True) for job in members}
        return cls(by_job, duals.row[: len(problem.supply)])

    def recalled(self, problem: Problem, names: Sequence[Sequence[JobId]]) -> Duals | None:
        """Prices for another problem, nan for groups nobody of whom is known; None where there are none at all."""
        if self.per_gpu is None:
            return None
        known = [[self.per_second[job] for job in members if job in self.per_second] for members in names]
        # Most groups have one job, whose price needs no mean.
        means = [np.mean(prices) if len(prices) > 1 else next(iter(prices), np.nan) for prices in known]
        per_second = np.array(means, dtype=np.float64)
        row = np.zeros(problem.rows.room.size)
        row[: self.per_gpu.size] = self.per_gpu
        return Duals(per_second * np.maximum(problem.groups.remaining_s, _LEAST_S), row)
