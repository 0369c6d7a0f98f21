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

from gogh_sim.placement import Tenants
from gogh_sim.policy import ActiveJob, Wake
from gogh_sim.schedulers.demand import DemandSettings, Offer
from gogh_sim.schedulers.hardware import node_idle_w
from gogh_sim.schedulers.moving import Moving
from gogh_sim.schedulers.optimiser import Optimiser, OptimiserSettings
from gogh_sim.types import GpuId, Job

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
    """1000 s of work with a tenth of prudence, 60 s of restart and a round of 300 s: 1460 s; below, the other moves."""
    other = {job("b", seconds=5000.0): at("n1/0")}
    assert after_round({job("a", seconds=1000.0, deadline_s=1470.0): at("n0/0"), **other}) == {"a": ("n1/1",)}
    assert after_round({job("a", seconds=1000.0, deadline_s=1450.0): at("n0/0"), **other}) == {"b": ("n0/1",)}


def tenants(running: Mapping[Job, tuple[GpuId, ...]], gpus: Sequence[tuple[int, ...]], now_s: float = 0.0) -> Tenants:
    """Tenants when the jobs get these GPUs; all are of kinds with speed 1, and 0.5 when they share."""
    jobs: list[ActiveJob] = list(view(TWO, [], running).running.values())
    size = len(jobs)
    offer = Offer(np.ones((size, 1)), np.ones((size, 1)), np.zeros(size, dtype=np.int64))
    present = [tuple(TWO.index_of[gpu] for gpu in active.gpus) for active in jobs]
    beliefs = SOURCE.beliefs([active.job for active in jobs])
    moving = Moving(jobs, np.arange(size), present, beliefs, offer, np.full((size, 1), 175.0), DemandSettings())
    return moving.tenants(dict(enumerate(gpus)), TWO.type_of, now_s)


def test_the_longer_of_two_goes_on_alone() -> None:
    """Both at half speed: the shorter ends after 200 s, the longer has done 100 s of 400 s then."""
    pair = {job("a", seconds=100.0): at("n0/0"), job("b", seconds=400.0): at("n0/0")}
    found = tenants(pair, [(0,), (0,)])
    assert found.gpus == [(0,)]
    assert found.stay_s == pytest.approx([200.0 + 300.0])
    assert found.delay_s == pytest.approx([60.0])
    assert found.cost_j == pytest.approx([2 * 60.0 * 175.0])


def test_who_is_placed_anew_moves_for_nothing() -> None:
    found = tenants({job("a"): at("n0/0"), job("b"): at("n0/1")}, [(4,), (1,)])
    assert found.gpus == [(4,), (1,)]
    assert found.cost_j == pytest.approx([0.0, 60.0 * 175.0])
    assert found.delay_s == pytest.approx([0.0, 60.0])


def test_who_missed_the_deadline_has_nothing_to_lose() -> None:
    late = {job("a", deadline_s=50.0): at("n0/0")}
    assert not tenants(late, [(0,)], now_s=0.0).movable.any()
    assert tenants(late, [(0,)], now_s=50.0).movable.all()


def test_idle_watts_of_nodes() -> None:
    assert node_idle_w(cluster(("V100", 4), ("T4", 1))) == pytest.approx([180.0, 120.0])
