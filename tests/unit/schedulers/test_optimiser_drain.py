"""When the optimiser empties a node, by hand.

A V100 runs at speed 1 and draws 150 W, so a restart of 60 s costs 60 s of 150 W and of the GPU's share of 100 W of its
node. An idle node of four draws 100 W + 4 x 20 W = 180 W.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from handmade import Table, at, cluster, context, job, placed, view

from gogh_sim.placement import PENDING, Groups, Knowledge, Problem, Supply, Tenants
from gogh_sim.policy import ActiveJob, Wake
from gogh_sim.schedulers.demand import DemandSettings
from gogh_sim.schedulers.hardware import node_idle_w
from gogh_sim.schedulers.moving import Moving
from gogh_sim.schedulers.optimiser import Optimiser, OptimiserSettings
from gogh_sim.types import GpuId, HostPower, Job

TWO = cluster(("V100", 4), ("V100", 4))
SOURCE = Table(TWO, {"small": {"V100": 1.0}}, {"V100": 150.0}, norm=0.5, pair_w=400.0)


def after_round(running: Mapping[Job, tuple[GpuId, ...]], **drain: float) -> dict[str, tuple[str, ...]]:
    seen = replace(view(TWO, [], running), wakes=frozenset({Wake.ROUND}))
    return placed(Optimiser(context(TWO), OptimiserSettings.of(drain=drain)).decide(seen, SOURCE))


def test_half_empty_nodes_become_one_where_that_saves_enough() -> None:
    """The restart costs 60 s of 150 W + 25 W: 10.5 kJ, twice that is 117 s of an idle node."""
    other = {job("b", seconds=5000.0): at("n1/0")}
    assert after_round({job("a", seconds=110.0): at("n0/0"), **other}) == {}
    assert after_round({job("a", seconds=125.0): at("n0/0"), **other}) == {"a": ("n1/1",)}
    assert after_round({job("a", seconds=125.0): at("n0/0"), **other}, gain=3.0) == {}
    assert after_round({job("a", seconds=125.0): at("n0/0"), **other}, idle_s=math.inf) == {}


def test_nobody_misses_a_deadline_for_an_empty_node() -> None:
    """1000 s of work with a tenth of prudence, waking, a restart and a round: 1580 s; else the other moves."""
    other = {job("b", seconds=5000.0): at("n1/0")}
    assert after_round({job("a", seconds=1000.0, deadline_s=1590.0): at("n0/0"), **other}) == {"a": ("n1/1",)}
    assert after_round({job("a", seconds=1000.0, deadline_s=1570.0): at("n0/0"), **other}) == {"b": ("n0/1",)}


def test_the_last_job_leaves_a_node_that_wastes_more() -> None:
    """An A100 twice as fast, on a node of 2000 W: 300 s of the V100's 180 W are less than 150 s there and the restart.

    By the program a GPU of eight costs 250 W of its node, so that the job is put, and stays, on the A100.
    """
    mixed = replace(cluster(("V100", 4), ("A100", 8)))
    types = tuple(
        replace(kind, host=HostPower(2000.0 if kind.name == "A100" else 400.0, 1.0)) for kind in mixed.gpu_types
    )
    mixed = replace(mixed, gpu_types=types)
    source = Table(mixed, {"small": {"V100": 0.5, "A100": 1.5}}, {"V100": 150.0, "A100": 150.0}, pair_w=400.0)

    def decided(running: Mapping[Job, tuple[GpuId, ...]], **settings: object) -> dict[str, tuple[str, ...]]:
        seen = replace(view(mixed, [], running), wakes=frozenset({Wake.ROUND}))
        return placed(Optimiser(context(mixed), OptimiserSettings.of(**settings)).decide(seen, source))

    alone = {job("a", seconds=5000.0): at("n1/0")}
    assert decided(alone) == {"a": ("n0/0",)}
    assert decided(alone, drain={"idle_s": math.inf}) == {}
    # On the V100 the rest takes 10,000 s.
    assert decided({job("a", seconds=5000.0, deadline_s=11_000.0): at("n1/0")}) == {}
    assert decided({job("a", seconds=5000.0, deadline_s=12_000.0): at("n1/0")}) == {"a": ("n0/0",)}
    # What counts only the watts of now has no use for the type on which the job runs longer.
    assert decided({job("a", seconds=5000.0): at("n0/0")}, objective="power") == {}
    # Others keep the A100 node on anyway.
    others = {job(f"b{i}", seconds=5000.0): at(f"n1/{i + 1}") for i in range(4)}
    assert decided({**alone, **others}) == {}


def tenants(
    running: Mapping[Job, tuple[GpuId, ...]],
    gpus: Sequence[tuple[int, ...]],
    now_s: float = 0.0,
    limit_gib: float = 16.0,
) -> Tenants:
    """Tenants when the jobs get these GPUs; each has speed 1 on both types, and 0.5 when it shares."""
    jobs: list[ActiveJob] = list(view(TWO, [], running).running.values())
    size = len(jobs)
    left_s = np.array([active.job.deadline_s for active in jobs]) - now_s
    groups = Groups(
        count=np.ones(size, dtype=np.int64),
        width=np.array([active.job.num_gpus for active in jobs]),
        memory_gib=np.full(size, 4.0),
        remaining_s=np.ones(size),
        timed=np.zeros(size, dtype=np.bool_),
        allowed=np.ones((size, 2), dtype=np.bool_),
        floor=np.zeros((size, 2)),
        queue_cost=np.ones(size),
        current_type=np.zeros(size, dtype=np.int64),
        partners=np.full((size, 2), PENDING),
        move_cost=np.zeros(size),
    )
    watts = np.array([150.0, 300.0])
    pairs = np.broadcast_to(np.array([250.0, 400.0])[:, np.newaxis, np.newaxis], (2, size, size))
    knowledge = Knowledge(
        np.ones((size, 2)), np.full((2, size, size), 0.5), np.tile(watts, (size, 1)), pairs, np.ones(2), np.ones(2)
    )
    supply = Supply(
        gpus=np.array([8, 8]),
        memory_gib=np.array([16.0, limit_gib]),
        idle_w=np.full(2, 40.0),
        tdp_w=np.full(2, 500.0),
        host_w=np.array([25.0, 50.0]),
        host_slope=np.array([1.0, 1.5]),
    )
    moving = Moving(
        problem=Problem(groups, supply, knowledge),
        group_of=np.arange(size),
        remaining_s=np.array([active.remaining_s for active in jobs]),
        present=[tuple(TWO.index_of[gpu] for gpu in active.gpus) for active in jobs],
        left_s=np.where(left_s > 0, left_s, np.inf),
        idle_w=np.full(2, 20.0),
        wake_s=120.0,
        settings=DemandSettings(),
    )
    return moving.tenants(dict(enumerate(gpus)), TWO.type_of)


def test_the_longer_of_two_goes_on_alone() -> None:
    """Both at half speed: the shorter ends after 200 s, the longer has done 100 s of 400 s then."""
    pair = {job("a", seconds=100.0): at("n0/0"), job("b", seconds=400.0): at("n0/0")}
    found = tenants(pair, [(0,), (0,)])
    assert found.gpus == [(0,)]
    assert found.home == [(0,)]
    assert found.stay_s == pytest.approx(np.array([[500.0, 500.0]]))
    # 250 W for 200 s and 150 W for 300 s, less 20 W all the time; on the other type 400 W and 300 W, times 1.5.
    assert found.run_j == pytest.approx(np.array([[85_000.0, 1.5 * 160_000.0]]))
    assert found.delay_s == pytest.approx([60.0])
    assert found.cost_j == pytest.approx([2 * 60.0 * 175.0])


def test_home_is_where_somebody_of_them_runs_now() -> None:
    found = tenants({job("a"): at("n0/0"), job("b"): at("n0/1")}, [(4,), (1,)])
    assert found.gpus == [(4,), (1,)]
    assert found.home == [(0,), (1,)]
    joined = tenants({job("a"): at("n0/0"), job("b"): at("n0/1")}, [(1,), (1,)])
    assert joined.home == [(1,)]
    # Only b need not restart: a does wherever they go.
    assert joined.cost_j == pytest.approx([60.0 * 175.0])


def test_nobody_goes_where_deadline_or_memory_forbid_it() -> None:
    """100 s of work with a tenth of prudence, waking, a restart and a round: 590 s."""
    for deadline_s, goes in ((600.0, True), (580.0, False), (math.inf, True)):
        assert tenants({job("a", deadline_s=deadline_s): at("n0/0")}, [(0,)]).may.all() == goes
    late = {job("a", deadline_s=50.0): at("n0/0")}
    assert tenants(late, [(0,)], now_s=50.0).may.all(), "who missed it has nothing to lose"
    pair = {job("a"): at("n0/0"), job("b"): at("n0/0")}
    assert tenants(pair, [(0,), (0,)], limit_gib=8.0).may.all()
    assert tenants(pair, [(0,), (0,)], limit_gib=7.0).may.tolist() == [[True, False]]


def test_idle_watts_of_nodes() -> None:
    assert node_idle_w(cluster(("V100", 4), ("T4", 1))) == pytest.approx([180.0, 120.0])
