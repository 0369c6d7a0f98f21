"""Nodes emptied, or not woken, where it costs less that those who would keep them on go elsewhere.

The program counts GPUs per type and spreads the base power of a node over all its GPUs. That is right for nodes that
are full; a node that a few jobs keep on draws its whole base power for them, and its other GPUs idle. Here placements
are told apart by what the nodes draw until all present jobs have ended:

    sum over nodes m of w_m * until_m  +  sum over tenants i of run_i[type of i],

with w the watts of a node that is on with idle GPUs, less those of one that is off, `until` when the last of its
tenants ends, and `run` what a tenant adds to idle GPUs until it ends. A node that is off has its tenants wait until it
is awake, and costs ``w * idle_s`` more, as it stays on for that long once it is empty again.

A node is emptied whole or left alone. Each of its tenants goes where that adds least: to free GPUs of another node, of
whatever type keeps its SLA. Restarts cost energy and time: the moves are made if ``saved > gain * cost``. Who has not
begun moves for nothing, and a tenant that the program moves goes home for nothing, so that the two do not send it to
and fro.

Before that, gangs that are spread over nodes are gathered (`gathering`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.placement.fleet import Fleet
from gogh_sim.placement.gathering import gather
from gogh_sim.placement.tenants import Tenants
from gogh_sim.types import BoolArray, FloatArray, Gpus, IntArray

_SEVERAL = -1
"""In place of the node of GPUs on more than one."""

_PASSES = 2
"""How often all nodes are looked at: what one pass frees, the next may use."""


@dataclass(frozen=True, slots=True)
class DrainSettings:
    """When emptying a node is worth the moves.

    Attributes
    ----------
    gain
        Energy that moves must save, over what they cost; above 1 since jobs to come may use the node after all.
    idle_s
        Seconds after which an empty node goes off; infinite: never, so that there is nothing to save.
    wake_s
        Seconds that a node takes to wake.
    """

    gain: float = 2.0
    idle_s: float = 600.0
    wake_s: float = 120.0

    def __post_init__(self) -> None:
        if not self.gain >= 1:
            raise InputError(f"drain: gain must be at least 1, found {self.gain}")
        for name in ("idle_s", "wake_s"):
            if not getattr(self, name) >= 0:
                raise InputError(f"drain: {name} must not be negative, found {getattr(self, name)}")

    @property
    def pays(self) -> bool:
        """Whether any move can be worth its cost."""
        return math.isfinite(self.idle_s) and math.isfinite(self.gain)


def drain(tenants: Tenants, fleet: Fleet, node_w: FloatArray, settings: DrainSettings) -> list[Gpus]:
    """GPUs of each tenant after the moves that pay, by the formula above.

    Parameters
    ----------
    node_w
        (nodes,) watts of a node that is on with all its GPUs idle, less those of one that is off.
    """
    if not len(tenants.gpus):
        return []
    end_s = np.array([_end_s(tenant, gpus, tenants, fleet, settings) for tenant, gpus in enumerate(tenants.gpus)])
    gathered = gather(tenants, fleet, settings.gain, end_s)
    drainage = _Drainage(replace(tenants, gpus=gathered), fleet, node_w, settings)
    for _ in range(_PASSES if settings.pays else 0):
        if not drainage.run():
            break
    return drainage.plan.gpus


def _end_s(tenant: int, gpus: Gpus, tenants: Tenants, fleet: Fleet, settings: DrainSettings) -> float:
    """Seconds until a tenant ends if it is on these GPUs."""
    stay_s = float(tenants.stay_s[tenant, fleet.type_of[gpus[0]]])
    if gpus == tenants.home[tenant]:
        return stay_s
    awake = bool(fleet.node_on[fleet.node_of[list(gpus)]].all())
    return stay_s + float(tenants.delay_s[tenant]) + (0.0 if awake else settings.wake_s)


@dataclass(eq=False)
class _Plan:
    """`gpus` of each tenant; which are `free`, and how many are `left` per node; until when nodes are on."""

    gpus: list[Gpus]
    free: BoolArray
    left: IntArray
    until_s: FloatArray

    def copy(self) -> _Plan:
        return _Plan(list(self.gpus), self.free.copy(), self.left.copy(), self.until_s.copy())


class _Place(NamedTuple):
    """Where a tenant could go: the joules that adds, restart included; the GPUs, their node, and its end there."""

    added_j: float
    restart_j: float
    gpus: Gpus
    node: int
    end_s: float


class _Drainage:
    """Looks at one node after the other; `plan` is what came of it so far."""

    def __init__(self, tenants: Tenants, fleet: Fleet, node_w: FloatArray, settings: DrainSettings) -> None:
        nodes = fleet.node_on.size
        self._tenants, self._fleet, self._node_w, self._settings = tenants, fleet, node_w, settings
        self._width = np.array([len(gpus) for gpus in tenants.gpus])
        self._wake_j = np.where(fleet.node_on, 0.0, node_w * settings.idle_s)
        free = tenants.room(fleet)
        left = np.bincount(fleet.node_of[free], minlength=nodes)
        self.plan = _Plan(list(tenants.gpus), free, left, np.zeros(nodes))
        self._residents: list[set[int]] = [set() for _ in range(nodes)]
        for tenant, gpus in enumerate(tenants.gpus):
            for node in set(fleet.node_of[list(gpus)].tolist()):
                self._residents[node].add(tenant)
                self.plan.until_s[node] = max(self.plan.until_s[node], self._end_s(tenant, gpus))

    def run(self) -> bool:
        """Go once through the nodes with room, those with fewest GPUs in use first, then those that end first."""
        busy = np.bincount(self._fleet.node_of[self._fleet.available], minlength=self._node_w.size) - self.plan.left
        changed = False
        for node in np.lexsort((self.plan.until_s, busy)).tolist():
            # A full node is worth its power, unless it has to be woken for it.
            if self._residents[node] and (self.plan.left[node] > 0 or not self._fleet.node_on[node]):
                emptied = self._emptied(node)
                if emptied is not None:
                    self._settle(node, emptied)
                    changed = True
        return changed

    def _emptied(self, node: int) -> _Plan | None:
        """The plan without the node, if that pays; widest tenants look for a place first."""
        tenants, plan = self._tenants, self.plan.copy()
        leaving = sorted(self._residents[node], key=lambda one: (-self._width[one], -self._end_s(one, plan.gpus[one])))
        saved_j, cost_j = float(self._node_w[node] * plan.until_s[node] + self._wake_j[node]), 0.0
        for tenant in leaving:
            held = plan.gpus[tenant]
            if self._node(held) != node:
                return None
            places = self._places(tenant, node, plan)
            if not places:
                return None
            place = min(places)
            saved_j += float(tenants.run_j[tenant, self._fleet.node_type[node]]) - place.added_j + place.restart_j
            cost_j += place.restart_j - (0.0 if held == tenants.home[tenant] else float(tenants.cost_j[tenant]))
            plan.gpus[tenant] = place.gpus
            plan.free[list(place.gpus)] = False
            plan.left[place.node] -= len(place.gpus)
            plan.until_s[place.node] = max(plan.until_s[place.node], place.end_s)
        gain = self._settings.gain if cost_j > 0 else 1.0
        return plan if saved_j > gain * cost_j + 1e-6 * self._node_w[node] else None

    def _places(self, tenant: int, node: int, plan: _Plan) -> list[_Place]:
        """The cheapest free GPUs on another node, and home."""
        tenants, width = self._tenants, int(self._width[tenant])
        stay_s, may = tenants.stay_s[tenant, self._fleet.node_type], tenants.may[tenant, self._fleet.node_type]
        fits = np.flatnonzero((plan.left >= width) & may)
        fits = fits[fits != node]
        places = []
        if fits.size:
            awake_s = np.where(self._fleet.node_on[fits], 0.0, self._settings.wake_s)
            end_s = stay_s[fits] + tenants.delay_s[tenant] + awake_s
            added_j = self._added_j(tenant, fits, end_s, plan)
            first = np.lexsort((plan.left[fits], ~self._fleet.node_on[fits], added_j))[0]
            at, restart_j = int(fits[first]), float(tenants.cost_j[tenant])
            gpus = tuple(np.flatnonzero(plan.free & (self._fleet.node_of == at))[:width].tolist())
            places.append(_Place(float(added_j[first]) + restart_j, restart_j, gpus, at, float(end_s[first])))
        home = tenants.home[tenant]
        if home and home != plan.gpus[tenant] and plan.free[list(home)].all():
            at = self._node(home)
            if at != _SEVERAL and may[at]:
                end_s = stay_s[[at]]
                added_j = self._added_j(tenant, np.array([at]), end_s, plan)
                places.append(_Place(float(added_j[0]), 0.0, home, at, float(end_s[0])))
        return places

    def _added_j(self, tenant: int, nodes: IntArray, end_s: FloatArray, plan: _Plan) -> FloatArray:
        """What it adds on these nodes: of its own, and for nodes on longer or woken."""
        until_s = plan.until_s[nodes]
        longer_j = self._node_w[nodes] * np.maximum(end_s - until_s, 0.0)
        woken_j = np.where(until_s > 0, 0.0, self._wake_j[nodes])
        return np.asarray(longer_j + woken_j + self._tenants.run_j[tenant, self._fleet.node_type[nodes]])

    def _node(self, gpus: Gpus) -> int:
        """The node of these GPUs, `_SEVERAL` where there are several."""
        first, last = int(self._fleet.node_of[gpus[0]]), int(self._fleet.node_of[gpus[-1]])
        return first if first == last else _SEVERAL

    def _end_s(self, tenant: int, gpus: Gpus) -> float:
        return _end_s(tenant, gpus, self._tenants, self._fleet, self._settings)

    def _settle(self, node: int, plan: _Plan) -> None:
        for tenant in sorted(self._residents[node]):
            freed = list(self.plan.gpus[tenant])
            plan.free[freed] = True
            plan.left[node] += len(freed)
            for at in set(self._fleet.node_of[list(plan.gpus[tenant])].tolist()):
                self._residents[at].add(tenant)
        self._residents[node] = set()
        plan.until_s[node] = 0.0
        self.plan = plan
