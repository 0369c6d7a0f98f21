"""From uses of columns to concrete GPUs: who is already in place stays, gangs stay together, nodes empty."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gogh_sim.placement.columns import NOBODY, Columns
from gogh_sim.placement.costs import alone_cost
from gogh_sim.placement.fleet import Fleet, FreeGpus
from gogh_sim.placement.problem import Problem
from gogh_sim.placement.stay import Instance, Site, keep_in_place
from gogh_sim.types import Gpus, IntArray

__all__ = ["Assignment", "Fleet", "assign"]

SPREAD = 2
"""A gang that fits nowhere whole may span this many times the fewest nodes. Assumed: slower beats waiting for long."""


@dataclass(frozen=True, eq=False)
class Assignment:
    """GPUs of every placed job, by job number, and how many jobs did not fit their column between node boundaries."""

    gpus: dict[int, Gpus]
    unpacked: int


def assign(
    problem: Problem,
    columns: Columns,
    uses: IntArray,
    members: Sequence[Sequence[int]],
    present: Sequence[Gpus],
    fleet: Fleet,
) -> Assignment:
    """Give every use of a column concrete GPUs.

    Parameters
    ----------
    columns, uses
        Answer of the program.
    members
        Per group: its jobs, by number; earlier ones are placed first.
    present
        Per job: the GPUs that it holds now, sorted; empty if it waits. GPUs that are not available count as none.
    fleet
        The GPUs.

    Notes
    -----
    Moves are fewest for the given uses: a use of a column takes over the GPUs of jobs that it needs (`stay`). The rest
    is packed, widest first. What fits nowhere whole is spread over more nodes, else each of its jobs gets its next best
    GPU type alone, else it waits. A running job without a place keeps the GPUs that it has if nobody else got them. No
    GPU gets more than one use of a column, so capacity and memory hold as they do in the columns.
    """
    return _Assigner(problem, members, present, fleet).run(columns, uses)


class _Assigner:
    def __init__(
        self, problem: Problem, members: Sequence[Sequence[int]], present: Sequence[Gpus], fleet: Fleet
    ) -> None:
        self._alone_cost = alone_cost(problem)
        self._present = [gpus if gpus and bool(fleet.available[list(gpus)].all()) else () for gpus in present]
        self._fleet = fleet
        self._free = FreeGpus(fleet)
        self._group_of = {job: g for g, jobs in enumerate(members) for job in jobs}
        self._members = members
        self._waiting: list[deque[int]] = []
        self._gpus: dict[int, Gpus] = {}
        self._unpacked = 0

    def run(self, columns: Columns, uses: IntArray) -> Assignment:
        instances = _instances(columns, uses)
        sites = self._sites()
        kept = keep_in_place(instances, sites, self._fleet.node_of)
        stays = {number: jobs for number, _, jobs in kept}
        placed_by_site = {number: site.gpus for number, site, _ in kept}
        for _, site, jobs in kept:
            self._free.take(site.gpus)
            self._settle(jobs, site.gpus)
        self._waiting = [deque(job for job in jobs if job not in self._gpus) for jobs in self._members]
        crews = [self._crew(instance, stays.get(number, [])) for number, instance in enumerate(instances)]
        homeless = []
        for number, instance in enumerate(instances):
            gpus = placed_by_site.get(number) or self._free.whole(instance.gpu_type, instance.width)
            if gpus is None:
                homeless.append(number)
                continue
            if number not in placed_by_site:
                self._free.take(gpus)
            self._settle(crews[number], gpus)
        for number in homeless:
            self._repair(instances[number], crews[number])
        self._keep_the_rest()
        return Assignment(self._gpus, self._unpacked)

    def _settle(self, jobs: list[int], gpus: Gpus) -> None:
        for job in jobs:
            self._gpus[job] = gpus

    def _sites(self) -> list[Site]:
        residents: defaultdict[Gpus, list[int]] = defaultdict(list)
        for job in sorted(self._group_of):
            if self._present[job]:
                residents[self._present[job]].append(job)
        return [
            Site(gpus, int(self._fleet.type_of[gpus[0]]), tuple(jobs), tuple(self._group_of[job] for job in jobs))
            for gpus, jobs in sorted(residents.items())
            if len(set(self._fleet.type_of[list(gpus)].tolist())) == 1
        ]

    def _crew(self, instance: Instance, stay: list[int]) -> list[int]:
        """The jobs of one use of a column: those that stay, and for the other places whoever of the group is first."""
        needed = list(instance.groups)
        for job in stay:
            needed.remove(self._group_of[job])
        return [*stay, *(self._waiting[group].popleft() for group in needed)]

    def _repair(self, instance: Instance, crew: list[int]) -> None:
        most = SPREAD * self._free.fewest_nodes(instance.gpu_type, instance.width)
        gpus = self._free.spread(instance.gpu_type, instance.width, most)
        if gpus is not None:
            self._free.take(gpus)
            self._settle(crew, gpus)
            return
        self._unpacked += len(crew)
        for job in crew:
            alone = self._alone(job, instance.width)
            if alone is not None:
                self._free.take(alone)
                self._settle([job], alone)

    def _keep_the_rest(self) -> None:
        """Running jobs that no column wants keep GPUs that nobody else got: stopping them would gain nothing."""
        for job, gpus in enumerate(self._present):
            if gpus and job not in self._gpus and self._free.free[list(gpus)].all():
                self._free.take(gpus)
                self._gpus[job] = gpus

    def _alone(self, job: int, width: int) -> Gpus | None:
        """GPUs for one job by itself, cheapest type first, those that it has before others; at last those anyway."""
        cost = self._alone_cost[self._group_of[job]]
        held = self._present[job]
        if held and not self._free.free[list(held)].all():
            held = ()
        for gpu_type in np.argsort(cost, kind="stable").tolist():
            if np.isfinite(cost[gpu_type]):
                in_place = held and int(self._fleet.type_of[held[0]]) == gpu_type
                gpus = held if in_place else self._free.whole(gpu_type, width)
                if gpus is not None:
                    return gpus
        return held or None


def _instances(columns: Columns, uses: IntArray) -> list[Instance]:
    """Every single use of a column, widest first."""
    found = []
    for k in np.lexsort((*columns.members.T[::-1], columns.gpu_type, -columns.width)).tolist():
        groups = tuple(g for g in columns.members[k].tolist() if g != NOBODY)
        found += [Instance(int(columns.gpu_type[k]), int(columns.width[k]), groups)] * int(uses[k])
    return found
