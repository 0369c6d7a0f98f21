"""Nodes emptied: all who use one move to free GPUs of nodes that stay on anyway, where that pays.

The program counts GPUs per type and does not see nodes, so half-empty ones would stay on. Let the tenants i of a node
stay there for ``s_i`` seconds, and let ``until_m`` be the time that node m stays on for its own tenants. Moving all of
them to nodes m(i) of the same type, one after the other, saves

    w max_i s_i - sum_i w_m(i) max(0, s_i + delay_i - until_m(i))    joules,

with w the watts of a node that is on with idle GPUs. Idle GPUs count since those of a node that is off draw nothing;
how many are busy stays the same. With one target of the same kind that is ``w * min`` of what keeps the two on. The
moves cost ``sum_i cost_i``, the energy of the restarts; they are made if ``saved > gain * cost``. Who is placed anew in
this decision anyway moves for nothing.

A node is emptied or left alone: moving only those who stay longest shortens its time too, but what is gained goes to
the next arrival, and the restarts stay. On the demo (seed 1, perfect knowledge) that saved half as much energy with
nearly twice the moves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.placement.fleet import Fleet, FreeGpus
from gogh_sim.types import BoolArray, FloatArray, IntArray

Gpus = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DrainSettings:
    """When emptying a node is worth the moves.

    Attributes
    ----------
    gain
        Energy that moves must save, over what they cost; above 1 since jobs to come may use the node after all.
    idle_s
        Seconds after which an empty node goes off; infinite: never, so that there is nothing to save.
    """

    gain: float = 2.0
    idle_s: float = 600.0

    def __post_init__(self) -> None:
        if not self.gain >= 1:
            raise InputError(f"drain: gain must be at least 1, found {self.gain}")
        if not self.idle_s >= 0:
            raise InputError(f"drain: idle_s must not be negative, found {self.idle_s}")

    @property
    def pays(self) -> bool:
        """Whether any move can be worth its cost."""
        return math.isfinite(self.idle_s) and math.isfinite(self.gain)


@dataclass(frozen=True, eq=False)
class Tenants:
    """U tenants: jobs that share just the same GPUs, and stay together.

    Attributes
    ----------
    gpus
        GPUs of each, sorted; no two tenants share one.
    stay_s
        (U,) seconds until the last of its jobs ends.
    delay_s, cost_j
        (U,) by how much later that is after a move, and the energy of the restart.
    movable
        (U,) whether its jobs may be moved at all.
    """

    gpus: Sequence[Gpus]
    stay_s: FloatArray
    delay_s: FloatArray
    cost_j: FloatArray
    movable: BoolArray

    def __post_init__(self) -> None:
        for name in ("stay_s", "delay_s", "cost_j", "movable"):
            if getattr(self, name).shape != (len(self.gpus),):
                raise InputError(f"drain: expected {name} of shape {(len(self.gpus),)}")
            if not np.isfinite(getattr(self, name)).all():
                raise InputError(f"drain: {name} must be finite")
        taken = [gpu for gpus in self.gpus for gpu in gpus]
        if len(set(taken)) != len(taken):
            raise InputError("drain: no GPU may have two tenants")


def drain(tenants: Tenants, fleet: Fleet, node_w: FloatArray, settings: DrainSettings) -> list[Gpus]:
    """GPUs of each tenant after the moves that pay, by the formula above; on as many nodes as before at most.

    Parameters
    ----------
    node_w
        (nodes,) watts of a node that is on with all its GPUs idle.
    """
    gpus = list(tenants.gpus)
    if settings.pays and gpus:
        _Drainage(tenants, fleet, node_w, settings.gain, gpus).run()
    return gpus


class _Drainage:
    """Who is where after the moves so far; `gpus` is changed in place."""

    def __init__(self, tenants: Tenants, fleet: Fleet, node_w: FloatArray, gain: float, gpus: list[Gpus]) -> None:
        nodes = fleet.node_on.size
        self._tenants, self._fleet, self._node_w, self._gain, self._gpus = tenants, fleet, node_w, gain, gpus
        self._delay_s, self._cost_j = tenants.delay_s.copy(), tenants.cost_j.copy()
        self._stay_s = tenants.stay_s.copy()
        self._free = FreeGpus(fleet)
        self._until_s = np.zeros(nodes)
        self._residents: list[list[int]] = [[] for _ in range(nodes)]
        self._node_type = np.full(nodes, -1)
        self._node_type[fleet.node_of] = fleet.type_of
        self._spans = np.zeros(len(gpus), dtype=np.bool_)
        for tenant, held in enumerate(gpus):
            self._free.take(held)
            on = np.unique(fleet.node_of[list(held)])
            self._spans[tenant] = on.size > 1
            self._until_s[on] = np.maximum(self._until_s[on], tenants.stay_s[tenant])
            for node in on.tolist():
                self._residents[node].append(tenant)

    def run(self) -> None:
        """Go once through the nodes, those with fewest GPUs in use first, then those that would be empty first."""
        busy = np.array([sum(len(self._gpus[tenant]) for tenant in here) for here in self._residents])
        for node in np.lexsort((self._until_s, busy)).tolist():
            if self._residents[node]:
                for tenant, target in self._moves(node):
                    self._move(tenant, node, target)

    def _moves(self, node: int) -> list[tuple[int, int]]:
        """The moves (tenant, node) that empty the node, if they pay; widest tenants first."""
        leaving = sorted(self._residents[node], key=lambda tenant: (-len(self._gpus[tenant]), -self._stay_s[tenant]))
        if not self._tenants.movable[leaving].all() or self._spans[leaving].any():
            return []
        peers = self._peers(node)
        left, until_s = self._free.left[peers], self._until_s[peers]
        off, node_w = ~self._fleet.node_on[peers], self._node_w[peers]
        saved_j = float(self._node_w[node] * self._until_s[node])
        moves: list[tuple[int, int]] = []
        for tenant in leaving:
            fits = np.flatnonzero(left >= len(self._gpus[tenant]))
            if not fits.size:
                return []
            end_s = float(self._stay_s[tenant] + self._delay_s[tenant])
            longer_j = node_w[fits] * np.maximum(end_s - until_s[fits], 0.0)
            first = np.lexsort((left[fits], off[fits], longer_j))[0]
            at = int(fits[first])
            left[at] -= len(self._gpus[tenant])
            until_s[at] = max(until_s[at], end_s)
            moves.append((tenant, int(peers[at])))
            saved_j -= float(longer_j[first])
        return moves if saved_j > self._gain * float(self._cost_j[leaving].sum()) else []

    def _peers(self, node: int) -> IntArray:
        """Other nodes of the type that are in use and have room."""
        used = np.array([bool(here) for here in self._residents])
        same = (self._node_type == self._node_type[node]) & used & (self._free.left > 0)
        same[node] = False
        return np.flatnonzero(same)

    def _move(self, tenant: int, node: int, target: int) -> None:
        taken = self._free.slots(target, len(self._gpus[tenant]))
        self._free.take(taken)
        self._free.give_back(self._gpus[tenant])
        self._gpus[tenant] = taken
        self._residents[node].remove(tenant)
        self._residents[target].append(tenant)
        self._stay_s[tenant] += self._delay_s[tenant]
        # Moved once, it moves on for nothing.
        self._delay_s[tenant] = self._cost_j[tenant] = 0.0
        self._until_s[target] = max(self._until_s[target], self._stay_s[tenant])
        self._until_s[node] = 0.0
