"""Columns under a power cap: the law with a pencil, and against what the engine does to a capped GPU."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import FRICTIONLESS, V100, Script, cluster, gpus, job, profile, run
from column_costs import pair_cost
from hand_made import problem

from gogh_sim.engine import Truth
from gogh_sim.errors import InputError
from gogh_sim.placement import UNCAPPED, Objective, best_caps
from gogh_sim.placement.costs import alone_cost
from gogh_sim.placement.running import Running
from gogh_sim.policy import Decision

ALONE, PAIR = np.array([[0, -1, -1]]), np.array([[0, 1, -1]])
TYPE = np.array([0])


def test_a_capped_gpu_draws_its_cap_and_runs_slower() -> None:
    # The cap of 0.38 x 200 W leaves 36 of 60 W above idle: with exponent 1/2 sqrt(0.6) of the speed.
    running = Running(problem([[1.0]], gpus=[1], caps=(0.38,)), 0, 0.38)
    alone = [np.array([0])]
    assert float(running.rates(alone)[0][0]) == pytest.approx(0.6**0.5)
    assert float(running.node_w(alone)[0]) == pytest.approx(50 + 1.2 * 76)
    loose = Running(problem([[1.0]], gpus=[1], caps=(0.5,)), 0, 0.5)
    assert float(loose.rates(alone)[0][0]) == 1.0, "100 W do not exceed the cap"
    assert float(loose.node_w(alone)[0]) == pytest.approx(170)


def test_the_cheaper_of_cap_and_no_cap_is_the_column() -> None:
    # Uncapped 170 W x 1000 s. Capped 141.2 W x 1291 s: dearer. Without host watts 120 kJ against 91.2 W x 1291 s.
    dear = problem([[1.0]], gpus=[1], caps=(0.38,))
    assert float(alone_cost(dear)[0, 0]) == pytest.approx(170e3)
    assert best_caps(dear, TYPE, ALONE).tolist() == [UNCAPPED]
    flat = replace(
        dear,
        knowledge=replace(dear.knowledge, cap_exponent=np.array([0.2])),
        supply=replace(dear.supply, host_w=np.zeros(1)),
    )
    assert float(alone_cost(flat)[0, 0]) == pytest.approx(1.2 * 76 * 1000 / 0.6**0.2)
    assert best_caps(flat, TYPE, ALONE).tolist() == [0.38]


def test_a_cap_never_breaks_a_floor() -> None:
    power = problem([[1.0], [1.0]], gpus=[1], caps=(0.5, 0.38), floor=[0.78, 0.0], objective=Objective.POWER)
    # Alone: sqrt(0.6) = 0.775 is under the floor of 0.78 at 76 W, 100 W do not bind.
    assert best_caps(power, TYPE, ALONE).tolist() == [UNCAPPED]
    assert best_caps(power, TYPE, np.array([[1, -1, -1]])).tolist() == [0.38]
    # A pair at norm 0.8 draws 120 W; the cap of 100 W leaves 60 of 80 W above idle.
    slower = 0.8 * 0.75**0.5
    keeps = replace(power, groups=replace(power.groups, floor=np.full((2, 1), slower - 0.01)))
    assert best_caps(keeps, TYPE, PAIR).tolist() == [0.5]
    assert pair_cost(keeps)[0, 0, 1] == pytest.approx(50 + 1.2 * 100)


def test_a_cap_at_idle_power_leaves_nothing() -> None:
    idle = problem([[1.0]], gpus=[1], caps=(0.2,), objective=Objective.POWER)
    assert best_caps(idle, TYPE, ALONE).tolist() == [UNCAPPED]


def test_unfit_caps_are_refused() -> None:
    with pytest.raises(InputError, match="caps"):
        problem([[1.0]], gpus=[1], caps=(1.2,))


def test_speed_and_watts_under_a_cap_are_those_of_the_engine() -> None:
    world = profile(gamma=0.4, beta=0.5, sensitivity=0.3, intensity=0.5)
    machine = cluster(("V100", 1), gpu_types=(V100,))
    one = job("a")
    believed = Truth(world, machine, {"a": 1.0}).beliefs([one])
    plain = problem([[1.0]], gpus=[1], caps=(0.4,))
    known = replace(
        plain.knowledge,
        speed=believed.speed,
        power_w=believed.power_w,
        cap_exponent=np.atleast_1d(believed.cap_exponent),
    )
    supply = replace(plain.supply, idle_w=np.array([V100.idle_context_w]), tdp_w=np.array([V100.tdp_w]))
    running = Running(replace(plain, knowledge=known, supply=supply), 0, 0.4)
    where = gpus("n0/0")
    decision = Decision(place={"a": where}, power_caps={where[0]: 0.4 * V100.tdp_w})
    records, _ = run(machine, [one], Script(at_0=decision), FRICTIONLESS, world)
    end_s = float(records.jobs.end_s.iloc[0])
    assert float(running.rates([np.array([0])])[0][0]) == pytest.approx(100.0 / end_s)
    assert float(running.node_w([np.array([0])])[0]) - 50 == pytest.approx(1.2 * 120.0)
    assert records.gpus["energy_j"].sum() == pytest.approx(120.0 * end_s)
