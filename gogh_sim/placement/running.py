"""How jobs run on one GPU type, alone or sharing, under a power cap or none: rates, watts, and the cost until they end.

Members are given as arrays of groups that broadcast against each other, so that one call answers for every pair of a
type, or for a list of trios. With x_ab = 1/norm_ab - 1, the slowdown that b adds to a:

norm of a member of three
    ``1 / (1 + x_ab + x_ac)``: slowdowns add, as in the law that the pairs themselves obey.
watts of three
    with d_i a member's watts above idle when alone and h the largest, ``f = sum(norm_i d_i) / h`` and
    ``P = min(tdp, idle + h f^share_exponent)``; what is known of pairs is not used.
under a cap of C watts
    where P > C the GPU draws C, and all members run at ``((C - idle) / (P - idle))^cap_exponent`` of their rate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from gogh_sim.placement.problem import Problem
from gogh_sim.placement.tariff import Tariff
from gogh_sim.types import BoolArray, FloatArray, IntArray

Rates: TypeAlias = tuple[FloatArray, ...]
"""Relative speed of each member while all run."""

_Draw: TypeAlias = Callable[[Sequence[IntArray]], FloatArray]
"""Watts that count for members while all of them run."""

TOLERANCE = 1e-9
"""Relative slack in floors and memory, for rounding in what callers compute."""


@dataclass(frozen=True, eq=False)
class Running:
    """Jobs on the GPUs of one type; `cap` is a share of the TDP, None for no cap."""

    problem: Problem
    gpu_type: int
    cap: float | None = None

    def rates(self, members: Sequence[IntArray]) -> Rates:
        """Relative speed of each member while all run."""
        speed = self.problem.knowledge.speed[:, self.gpu_type]
        norms = self._norms(members)
        if self.cap is None:
            return tuple(speed[m] * norm for m, norm in zip(members, norms, strict=True))
        slower = self._cap_factor(self._uncapped_w(members))
        return tuple(speed[m] * norm * slower for m, norm in zip(members, norms, strict=True))

    def node_w(self, members: Sequence[IntArray]) -> FloatArray:
        """Node watts that the gang's GPUs cause while all members run."""
        supply, gpu_w = self.problem.supply, self._uncapped_w(members)
        if self.cap is not None:
            gpu_w = np.minimum(gpu_w, self.cap * supply.tdp_w[self.gpu_type])
        node_w = supply.host_w[self.gpu_type] + supply.host_slope[self.gpu_type] * gpu_w
        return np.asarray(self.problem.groups.width[members[0]] * node_w)

    def to_completion(self, members: Sequence[IntArray], rates: Rates | None = None) -> FloatArray:
        """Watts times seconds times the tariff until the last member ends; whoever ends leaves the others.

        `rates` are theirs, if they have been worked out before.
        """
        left_s = [self.problem.groups.remaining_s[m] for m in members]
        return self._until_end(members, left_s, 0.0, self.node_w, rates)

    def course(
        self, members: Sequence[IntArray], left_s: Sequence[FloatArray], idle_w: float
    ) -> tuple[FloatArray, FloatArray]:
        """Seconds until the last ends, and the joules until then beyond those of GPUs at `idle_w`; time counts evenly.

        `left_s` is what each member has left, instead of the mean of its group.
        """
        supply, even = self.problem.supply, replace(self, problem=replace(self.problem, tariff=Tariff.flat()))
        idle_node_w = float(supply.host_w[self.gpu_type] + supply.host_slope[self.gpu_type] * idle_w)

        def above_idle(crew: Sequence[IntArray]) -> FloatArray:
            return np.asarray(even.node_w(crew) - self.problem.groups.width[crew[0]] * idle_node_w)

        def one_watt(crew: Sequence[IntArray]) -> FloatArray:
            return np.ones(crew[0].shape)

        joules = even._until_end(members, left_s, 0.0, above_idle)
        return even._until_end(members, left_s, 0.0, one_watt), joules

    def feasible(self, members: Sequence[IntArray], rates: Rates | None = None) -> BoolArray:
        """Whether they may run together: types, floors, memory, equal widths, and as many jobs as the group has.

        `rates` are theirs, if they have been worked out before.
        """
        groups, gpu_type = self.problem.groups, self.gpu_type
        holds = sum(groups.memory_gib[m] for m in members) <= self.problem.supply.memory_gib[gpu_type] * (1 + TOLERANCE)
        for member, rate in zip(members, rates or self.rates(members), strict=True):
            keeps = (rate > 0) & (rate >= groups.floor[member, gpu_type] * (1 - TOLERANCE))
            same = sum((member == other).astype(np.int8) for other in members)
            holds = holds & keeps & groups.allowed[member, gpu_type] & (same <= groups.count[member])
            holds = holds & (groups.width[member] == groups.width[members[0]])
        return np.asarray(holds)

    def _norms(self, members: Sequence[IntArray]) -> tuple[FloatArray | float, ...]:
        norm = self.problem.knowledge.norm[self.gpu_type]
        if len(members) == 1:
            return (1.0,)
        if len(members) == 2:
            a, b = members
            return norm[a, b], norm[b, a]
        return tuple(
            1.0 / (1.0 / norm[a, b] + 1.0 / norm[a, c] - 1.0)
            for a, b, c in ((members[i], members[i - 1], members[i - 2]) for i in range(3))
        )

    def _uncapped_w(self, members: Sequence[IntArray]) -> FloatArray:
        known, gpu_type = self.problem.knowledge, self.gpu_type
        if len(members) == 1:
            return np.asarray(known.power_w[members[0], gpu_type])
        if len(members) == 2:
            a, b = members
            return np.asarray(0.5 * (known.pair_power_w[gpu_type][a, b] + known.pair_power_w[gpu_type][b, a]))
        supply = self.problem.supply
        idle_w, tdp_w = float(supply.idle_w[gpu_type]), float(supply.tdp_w[gpu_type])
        dynamic_w = [np.maximum(known.power_w[m, gpu_type] - idle_w, 0.0) for m in members]
        heaviest_w = np.maximum.reduce([*dynamic_w, np.full_like(dynamic_w[0], 1e-9)])
        load = sum(norm * watts for norm, watts in zip(self._norms(members), dynamic_w, strict=True)) / heaviest_w
        return np.asarray(np.minimum(tdp_w, idle_w + heaviest_w * load ** float(known.share_exponent[gpu_type])))

    def _cap_factor(self, uncapped_w: FloatArray) -> FloatArray:
        """Rate under the cap over rate without; nan where the cap leaves nothing above idle."""
        assert self.cap is not None, "asked for with a cap only"
        idle_w = float(self.problem.supply.idle_w[self.gpu_type])
        room_w = self.cap * float(self.problem.supply.tdp_w[self.gpu_type]) - idle_w
        if room_w <= 0:
            return np.full_like(uncapped_w, np.nan)
        exponent = float(self.problem.knowledge.cap_exponent[self.gpu_type])
        return np.asarray((room_w / np.maximum(uncapped_w - idle_w, room_w)) ** exponent)

    def _until_end(
        self,
        members: Sequence[IntArray],
        left_s: Sequence[FloatArray],
        start_s: FloatArray | float,
        draw: _Draw,
        rates: Rates | None = None,
    ) -> FloatArray:
        timed, between = self.problem.groups.timed, self.problem.tariff.between
        pace = [np.where(timed[m], 1.0, rate) for m, rate in zip(members, rates or self.rates(members), strict=True)]
        ends_s = [left / speed for left, speed in zip(left_s, pace, strict=True)]
        watts = draw(members)
        if len(members) == 1:
            return np.asarray(watts * between(start_s, ends_s[0]))
        shared_s = np.minimum.reduce(ends_s) if len(ends_s) > 2 else np.minimum(*ends_s)
        rest_s = [np.maximum(left - speed * shared_s, 0.0) for left, speed in zip(left_s, pace, strict=True)]
        cost = watts * between(start_s, shared_s)
        later_s = start_s + shared_s
        if len(members) == 2:
            # Of the two that go on, one has nothing left and costs nothing.
            for member, rest in zip(members, rest_s, strict=True):
                cost = cost + self._until_end([member], [rest], later_s, draw)
            return np.asarray(cost)
        first = np.argmin(ends_s, axis=0)
        others = [np.where(first == 0, 1, 0), np.where(first == 2, 1, 2)]
        survivors = [np.choose(other, members) for other in others]
        later_left_s = [np.choose(other, rest_s) for other in others]
        return np.asarray(cost + self._until_end(survivors, later_left_s, later_s, draw))
