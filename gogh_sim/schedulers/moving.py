"""Who shares which GPUs after a placement, how they would fare on each type, and what moving costs: for `drain`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gogh_sim.placement import Problem, Running, Tenants
from gogh_sim.schedulers.demand import DemandSettings
from gogh_sim.types import BoolArray, FloatArray, Gpus, IntArray

_FOREVER_S = 1e9
"""Stands for the stay of a job that is believed not to advance at all where it is."""


@dataclass(frozen=True, eq=False)
class Moving:
    """What it means to N jobs to be moved.

    Attributes
    ----------
    problem, group_of
        The program, and (N,) the group of each job.
    remaining_s
        (N,) work left in reference seconds.
    present
        Per job: the GPUs that it holds before the decision; empty if it waits.
    left_s
        (N,) seconds until its deadline; infinite if there is none or it has passed.
    idle_w
        (T,) watts of a GPU without a process.
    wake_s
        Seconds that a node takes to wake.
    settings
        Prudence, and what a restart costs.
    """

    problem: Problem
    group_of: IntArray
    remaining_s: FloatArray
    present: Sequence[Gpus]
    left_s: FloatArray
    idle_w: FloatArray
    wake_s: float
    settings: DemandSettings

    def tenants(self, placed: Mapping[int, Gpus], type_of: IntArray) -> Tenants:
        """Tenants of a placement, by the numbers of the jobs.

        Only who stays in place, or is sent back there, has no restart to pay: its energy is that of running alone for
        as long. A tenant may go to a type if it fits and keeps its floors there, and its deadlines after a wake-up and
        a restart, and a round if it has begun, by the speeds believed and with their safety, even if all of its jobs
        share to the end. Where only the watts of now count, none leaves the type that it is to be on.
        """
        together: defaultdict[Gpus, list[int]] = defaultdict(list)
        for job, gpus in sorted(placed.items()):
            together[gpus].append(job)
        crews = list(together.values())
        own = np.array([type_of[gpus[0]] for gpus in together], dtype=np.int64)
        homes = [self._home(gpus, crew) for gpus, crew in together.items()]
        stayers = [
            [job for job in crew if home and self.present[job] == home] for home, crew in zip(homes, crews, strict=True)
        ]
        stay_s, run_j, may = self._courses(crews)
        if not self.problem.objective.to_completion:
            may &= own[:, np.newaxis] == np.arange(may.shape[1])
        restart_s = self.settings.restart_s
        supply, power_w = self.problem.supply, np.nan_to_num(self.problem.knowledge.power_w)
        node_w = supply.host_w + supply.host_slope * power_w
        return Tenants(
            gpus=list(together),
            home=homes,
            stay_s=stay_s,
            run_j=run_j,
            may=may,
            delay_s=np.array([restart_s if jobs else 0.0 for jobs in stayers]),
            cost_j=np.array(
                [
                    restart_s * len(gpus) * sum(float(node_w[self.group_of[job], kind]) for job in jobs)
                    for gpus, jobs, kind in zip(together, stayers, own.tolist(), strict=True)
                ]
            ),
        )

    def _home(self, gpus: Gpus, crew: Sequence[int]) -> Gpus:
        """Where one of the crew runs now: where it is to be, else anywhere with as many GPUs."""
        held = [self.present[job] for job in crew if len(self.present[job]) == len(gpus)]
        return gpus if gpus in held else next(iter(held), ())

    def _courses(self, crews: Sequence[list[int]]) -> tuple[FloatArray, FloatArray, BoolArray]:
        """(U, T) stays of crews, joules beyond idle, and whether they may go to a type."""
        shape = (len(crews), len(self.problem.supply))
        stay_s, run_j, may = np.full(shape, _FOREVER_S), np.zeros(shape), np.zeros(shape, dtype=np.bool_)
        size = np.array([len(crew) for crew in crews], dtype=np.int64)
        for number in np.unique(size).tolist():
            here = np.flatnonzero(size == number)
            jobs = np.array([crews[one] for one in here.tolist()]).T
            for gpu_type in range(shape[1]):
                stay_s[here, gpu_type], run_j[here, gpu_type], may[here, gpu_type] = self._course(jobs, gpu_type)
        return stay_s, run_j, may

    def _course(self, jobs: IntArray, gpu_type: int) -> tuple[FloatArray, FloatArray, BoolArray]:
        """How crews, given as (members, crews) jobs, would fare on a type."""
        running, groups = Running(self.problem, gpu_type), self.problem.groups
        members, left_s = list(self.group_of[jobs]), list(self.remaining_s[jobs])
        begun = np.array([bool(gpus) for gpus in self.present])
        with np.errstate(divide="ignore", invalid="ignore"):
            stay_s, run_j = running.course(members, left_s, float(self.idle_w[gpu_type]))
            pace = np.array(
                [np.where(groups.timed[m], 1.0, rate) for m, rate in zip(members, running.rates(members), strict=True)]
            )
            slowest_s = self.remaining_s[jobs] / pace * self.settings.safety
            reserve_s = self.settings.restart_s + self.wake_s + self.settings.round_s * begun[jobs]
            in_time = slowest_s + reserve_s <= self.left_s[jobs]
            known = np.isfinite(stay_s) & np.isfinite(run_j)
            may = known & running.feasible(members) & in_time.all(axis=0)
        return np.where(known, np.minimum(stay_s, _FOREVER_S), _FOREVER_S), np.where(known, run_j, 0.0), may
