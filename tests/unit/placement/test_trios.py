"""Columns of three: rates, watts and costs with a pencil, and against what the engine does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import cluster, job, profile
from hand_made import problem

from gogh_sim.engine import Truth
from gogh_sim.placement import Knowledge, Objective, SolveSettings, solve
from gogh_sim.placement.candidates import Candidates
from gogh_sim.placement.costs import column_cost
from gogh_sim.placement.running import Running
from gogh_sim.policy import Beliefs
from gogh_sim.profiles import Member

TRIO = [np.array([0]), np.array([1]), np.array([2])]


def test_slowdowns_of_partners_add_up() -> None:
    # Norm 0.8 is a slowdown of 1/4 from each partner, so 1 / (1 + 1/2) beside two.
    rates = Running(problem([[1.0], [1.0], [0.5]], gpus=[1], theta=3), 0).rates(TRIO)
    assert [float(rate[0]) for rate in rates] == pytest.approx([2 / 3, 2 / 3, 1 / 3])


def test_watts_of_three_follow_the_sharing_law() -> None:
    # 60 W above idle each, at norm 2/3: load 2, so 40 + 60 x sqrt(2) W; the node adds 50 W and a fifth.
    running = Running(problem([[1.0]] * 3, gpus=[1], theta=3), 0)
    assert float(running.node_w(TRIO)[0]) == pytest.approx(50 + 1.2 * (40 + 60 * 2**0.5))
    hot = Running(problem([[1.0]] * 3, gpus=[1], theta=3, power_w=190.0), 0)
    assert float(hot.node_w(TRIO)[0]) == pytest.approx(50 + 1.2 * 200), "never above the TDP"


def test_energy_of_three_counts_who_is_left() -> None:
    instance = problem([[1.0]] * 3, gpus=[1], theta=3, remaining_s=[200.0, 600.0, 1000.0])
    trio_w = 50 + 1.2 * (40 + 60 * 2**0.5)
    # All run at 2/3 until the first ends after 300 s; then 400 and 800 s are left at norm 0.8 and 194 W; the second
    # ends after 500 s more, which leaves the third 400 s alone at 170 W.
    expected = trio_w * 300 + 194 * 500 + 170 * 400
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        assert column_cost(instance, 0, [TRIO[i] for i in order])[0] == pytest.approx(expected)


def test_power_of_three_counts_watts_only() -> None:
    instance = problem([[1.0]] * 3, gpus=[1], theta=3, objective=Objective.POWER)
    assert column_cost(instance, 0, TRIO)[0] == pytest.approx(50 + 1.2 * (40 + 60 * 2**0.5))


def test_trios_keep_floors_memory_width_counts_and_theta() -> None:
    def trios(**changes: object) -> int:
        candidates = Candidates.of(problem([[1.0]] * 3, gpus=[1], **{"theta": 3, **changes}))  # type: ignore[arg-type]
        return int((candidates.size == 3).sum())

    assert trios() == 1
    assert trios(theta=2) == 0
    assert trios(theta=4) == 1, "columns hold three at most"
    assert trios(floor=[0.67, 0.0, 0.0]) == 0, "each pair keeps the floor of 0.67, the three do not"
    assert trios(floor=[0.66, 0.0, 0.0]) == 1
    assert trios(memory_gib=[6.0, 6.0, 6.0]) == 0, "each pair fits 16 GiB, the three do not"
    assert trios(width=[1, 1, 2]) == 0
    assert trios(count=[2, 1, 1]) == 3, "0 0 1, 0 0 2 and 0 1 2"
    assert trios(count=[3, 1, 1]) == 4, "and 0 0 0"


def test_a_trio_no_better_than_a_pair_and_the_queue_is_left_out() -> None:
    # One costs 170 kJ, two 242.5 kJ and the three 299.7 kJ: a third of that for each is more than a queue of 99 kJ.
    for queue_cost, trios in ((100e3, 1), (99e3, 0)):
        candidates = Candidates.of(problem([[1.0]] * 3, gpus=[1], theta=3, queue_cost=queue_cost))
        assert (candidates.size == 3).sum() == trios


def test_three_share_one_gpu_when_that_saves_energy() -> None:
    instance = problem([[1.0]] * 3, gpus=[3], theta=3)
    solution = solve(instance, SolveSettings(gap=0.0))
    # 219.8 W for 1500 s; a pair and a single need 194 W x 1250 s + 170 W x 1000 s.
    assert solution.columns.members.tolist() == [[0, 1, 2]]
    assert solution.report.objective == pytest.approx((50 + 1.2 * (40 + 60 * 2**0.5)) * 1500)


def test_moving_costs_of_three() -> None:
    here = problem([[1.0, 1.0]] * 3, gpus=[3, 3], theta=3, current_type=[0, 0, 0], move_cost=[7.0, 5.0, 4.0])
    base = (50 + 1.2 * (40 + 60 * 2**0.5)) * 1500

    def moving(partners: list[list[int]]) -> float:
        groups = replace(here.groups, partners=np.array(partners))
        return float(column_cost(replace(here, groups=groups), 0, TRIO)[0]) - base

    assert moving([[-1, -1]] * 3) == pytest.approx(9.0), "three apart: the dearest stays"
    assert moving([[1, -1], [0, -1], [-1, -1]]) == pytest.approx(4.0), "two together: the third joins them"
    assert moving([[1, 2], [0, 2], [0, 1]]) == pytest.approx(0.0)
    assert float(column_cost(here, 1, TRIO)[0]) - base == pytest.approx(16.0), "all go to another type"
    # Of three together, two stay and one leaves: each of the two lacks one of two partners, which costs a quarter of 4.
    together = replace(here, groups=replace(here.groups, partners=np.array([[1, 2], [0, 2], [0, 1]])))
    assert float(column_cost(together, 0, TRIO[:2])[0]) == pytest.approx(194 * 1250 + 2)
    assert float(column_cost(together, 0, TRIO[2:])[0]) == pytest.approx(170e3 + 2)


def known_of(beliefs: Beliefs, types: int) -> Knowledge:
    exponents = (np.broadcast_to(e, types) for e in (beliefs.share_exponent, beliefs.cap_exponent))
    return Knowledge(beliefs.speed, beliefs.norm, beliefs.power_w, beliefs.pair_power_w, *exponents)


def test_rates_and_watts_of_three_are_those_of_the_engine() -> None:
    world = profile(sensitivity=0.7, intensity=0.9, beta=0.4, alpha=0.8)
    machine = cluster(("V100", 2), ("T4", 2), theta=3)
    jobs = [job("a"), job("b", kind="rnn"), job("c", gpu_fraction=0.5)]
    believed = Truth(world, machine, dict.fromkeys("abc", 1.0)).beliefs(jobs)
    known = known_of(believed, 2)
    plain = problem([[1.0, 1.0]] * 3, gpus=[1, 1], theta=3)
    idle_w, tdp_w = (np.array([getattr(t, name) for t in machine.gpu_types]) for name in ("idle_context_w", "tdp_w"))
    instance = replace(plain, knowledge=known, supply=replace(plain.supply, idle_w=idle_w, tdp_w=tdp_w))
    members = tuple(Member(world.workload_index[one.workload], one.gpu_fraction) for one in jobs)
    for gpu_type in range(2):
        combined = world.combine(gpu_type, members)
        running = Running(instance, gpu_type)
        rates = [float(rate[0]) for rate in running.rates(TRIO)]
        assert rates == pytest.approx((believed.speed[:, gpu_type] * combined.norms).tolist())
        assert float(running.node_w(TRIO)[0]) == pytest.approx(50 + 1.2 * combined.power_w)
