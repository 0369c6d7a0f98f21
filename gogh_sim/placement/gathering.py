"""Gangs that are spread over nodes brought together on one, if need be by an exchange with who is there.

A gang that found no node with room for it is spread over several, runs more slowly by what nobody knows, and keeps all
of them on. Taken as known is only that it runs `_SPREAD` times as long as on one node. It is gathered if the time that
this loses is more than `gain` restarts take, its own and those of the tenants who make room, each times its GPUs:

    width * (_SPREAD - 1) * stay_s  >  gain * sum of width_i * delay_s_i

Room is, first, a node of the type with enough free GPUs. Where there is none, tenants of a node on which the gang runs
already go elsewhere, whole, to GPUs that it leaves behind or that are free: those first who cost least per GPU. Without
that, two gangs that each hold a part of the same two nodes block each other until one of them ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gogh_sim.placement.fleet import Fleet
from gogh_sim.placement.tenants import Tenants
from gogh_sim.types import BoolArray, FloatArray, Gpus, IntArray

_SPREAD = 1.2
"""How many times as long as on one node a gang on several runs at least. Assumed: profiles have 1.1 to over 3."""


def gather(tenants: Tenants, fleet: Fleet, gain: float, end_s: FloatArray) -> list[Gpus]:
    """GPUs of each tenant once spread gangs are gathered where that pays, widest first; types stay as they are.

    Parameters
    ----------
    gain
        How many times what restarts cost must be won.
    end_s
        (U,) when each tenant ends where it is; among nodes with room, those that stay on longest come first.
    """
    state = _State(list(tenants.gpus), tenants.room(fleet))
    width = np.array([len(gpus) for gpus in tenants.gpus], dtype=np.int64)
    gathering = _Gathering(tenants, fleet, width, gain, end_s)
    for tenant in np.argsort(-width, kind="stable").tolist():
        if gathering.pays(tenant, state):
            state = gathering.into_room(tenant, state) or gathering.by_exchange(tenant, state) or state
    return state.gpus


@dataclass(frozen=True, eq=False)
class _State:
    """`gpus` of each tenant, and which GPUs are `free`."""

    gpus: list[Gpus]
    free: BoolArray

    def released(self, *tenants: int) -> _State:
        """A copy in which these tenants hold nothing."""
        state = _State(list(self.gpus), self.free.copy())
        for tenant in tenants:
            state.free[list(state.gpus[tenant])] = True
            state.gpus[tenant] = ()
        return state


@dataclass(frozen=True, eq=False)
class _Gathering:
    tenants: Tenants
    fleet: Fleet
    width: IntArray
    gain: float
    end_s: FloatArray

    def pays(self, tenant: int, state: _State) -> bool:
        """Whether it is spread though a node is wide enough, and loses more by that than its own restart costs."""
        nodes = self.fleet.node_of[list(state.gpus[tenant])]
        if (nodes == nodes[0]).all():
            return False
        wide = self._size[self._of_kind(tenant, state)].max() >= self.width[tenant]
        return bool(wide and self._lost_s(tenant, state) > self.gain * float(self.tenants.delay_s[tenant]))

    def into_room(self, tenant: int, state: _State) -> _State | None:
        """On the node with room on which it has most already; among equals that which stays on longest, the fullest."""
        own, left = self._own(state.gpus[tenant]), self._left(state)
        roomy = np.flatnonzero(self._of_kind(tenant, state) & (left + own >= self.width[tenant]))
        if not roomy.size:
            return None
        until_s = np.zeros(left.size)
        for one, gpus in enumerate(state.gpus):
            np.maximum.at(until_s, self.fleet.node_of[list(gpus)], self.end_s[one])
        at = int(roomy[np.lexsort((left[roomy], -until_s[roomy], -own[roomy]))[0]])
        return self._settled(tenant, at, state.gpus[tenant], state.released(tenant))

    def by_exchange(self, tenant: int, state: _State) -> _State | None:
        """On the node of its own where making room costs least, if that pays."""
        own = self._own(state.gpus[tenant])
        found = [
            exchange
            for at in np.flatnonzero(own)[np.argsort(-own[own > 0], kind="stable")].tolist()
            if (exchange := self._exchanged(tenant, at, state)) is not None
        ]
        if not found:
            return None
        cost_s, exchanged = min(found, key=lambda one: one[0])
        won_s = float(self.width[tenant]) * self._lost_s(tenant, state)
        return exchanged if won_s > self.gain * cost_s else None

    def _exchanged(self, tenant: int, node: int, state: _State) -> tuple[float, _State] | None:
        """What restarts cost in GPU seconds, and the state in which the gang is on the node; None if it cannot be."""
        kind, before = self.fleet.type_of[state.gpus[tenant][0]], state.gpus[tenant]
        movers = self._movers(tenant, node, state)
        if movers is None:
            return None
        after = self._settled(tenant, node, before, state.released(tenant, *movers))
        nodes = np.flatnonzero(self._of_kind(tenant, state))
        for mover in sorted(movers, key=lambda one: -self.width[one]):
            left = self._left(after)
            room = nodes[(nodes != node) & (left[nodes] >= self.width[mover])]
            if not room.size or not self.tenants.may[mover, kind]:
                return None
            at = int(room[np.argmin(left[room])])
            after = self._settled(mover, at, state.gpus[mover], after)
        delay_s = self.tenants.delay_s[[tenant, *movers]]
        return float(self.width[[tenant, *movers]] @ delay_s), after

    def _movers(self, tenant: int, node: int, state: _State) -> list[int] | None:
        """Tenants of the node that make room for the gang, as cheaply per GPU as may be and none in vain."""
        share = np.array([int((self.fleet.node_of[list(gpus)] == node).sum()) for gpus in state.gpus])
        needed = int(self.width[tenant] - share[tenant] - self._left(state)[node])
        share[tenant] = 0
        cost_s = self.width * self.tenants.delay_s / np.maximum(share, 1)
        chosen: list[int] = []
        for mover in np.lexsort((-share, cost_s)).tolist():
            if share[mover] > 0 and share[chosen].sum() < needed:
                chosen.append(mover)
        if share[chosen].sum() < needed:
            return None
        for mover in list(chosen):
            if share[chosen].sum() - share[mover] >= needed:
                chosen.remove(mover)
        return chosen

    def _settled(self, tenant: int, node: int, before: Gpus, state: _State) -> _State:
        """The state once the tenant, who holds nothing, is on the node, on GPUs that it had before if it can."""
        free = np.flatnonzero(state.free & (self.fleet.node_of == node))
        kept = np.isin(free, before)
        gpus = tuple(sorted([*free[kept].tolist(), *free[~kept].tolist()][: self.width[tenant]]))
        state.gpus[tenant] = gpus
        state.free[list(gpus)] = False
        return state

    def _lost_s(self, tenant: int, state: _State) -> float:
        kind = self.fleet.type_of[state.gpus[tenant][0]]
        return (_SPREAD - 1) * float(self.tenants.stay_s[tenant, kind])

    def _own(self, gpus: Gpus) -> IntArray:
        return np.bincount(self.fleet.node_of[list(gpus)], minlength=self.fleet.node_on.size)

    def _left(self, state: _State) -> IntArray:
        return np.bincount(self.fleet.node_of[state.free], minlength=self.fleet.node_on.size)

    def _of_kind(self, tenant: int, state: _State) -> BoolArray:
        """(nodes,) whether a node is of the type that the tenant is on."""
        return np.asarray(self.fleet.node_type == self.fleet.type_of[state.gpus[tenant][0]])

    @cached_property
    def _size(self) -> IntArray:
        return np.bincount(self.fleet.node_of[self.fleet.available], minlength=self.fleet.node_on.size)
