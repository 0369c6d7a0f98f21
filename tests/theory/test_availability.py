"""Breakdowns against renewal theory, and the same breakdowns for every policy."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import FRICTIONLESS, Script, cluster, exponential_jobs, job, run, workload

from gogh_sim.engine import Faults, Records, Renewal
from gogh_sim.policy import PolicyContext
from gogh_sim.schedulers.best_fit import BestFit
from gogh_sim.schedulers.fifo import Fifo
from gogh_sim.testing import random_world

NODES, SIZE, HORIZON_S = 50, 4, 100_000.0


def down_shares(seed: int, faults: Faults) -> np.ndarray:
    """Share of the run that each of 200 GPUs on 50 nodes is out, while one job waits for a GPU that it never gets."""
    settings = replace(FRICTIONLESS, faults=faults, horizon_s=HORIZON_S, stall_s=math.inf, round_s=HORIZON_S / 2)
    records, _ = run(cluster(*[("V100", SIZE)] * NODES), [job("a")], Script(), settings, seed=seed)
    return records.gpus["down_s"].to_numpy() / HORIZON_S


@pytest.mark.parametrize(
    ("faults", "availability", "independent"),
    [
        (Faults(gpu=Renewal(1000.0, 250.0)), 0.8, SIZE * NODES),
        (Faults(node=Renewal(1500.0, 500.0)), 0.75, NODES),
        # A GPU works while it, its node and its rack of five nodes work, and these are independent.
        (
            Faults(Renewal(1900.0, 100.0), Renewal(1800.0, 200.0), Renewal(900.0, 100.0), nodes_per_rack=5),
            0.95 * 0.9 * 0.9,
            NODES // 5,
        ),
    ],
)
def test_availability_is_mtbf_over_mtbf_plus_mttr(faults: Faults, availability: float, independent: int) -> None:
    down = down_shares(11, faults).reshape(independent, -1).mean(axis=1)
    half_width = 2.6 * down.std(ddof=1) / math.sqrt(independent)
    assert abs(down.mean() - (1 - availability)) <= half_width
    assert half_width < 0.15 * (1 - availability), "the interval is too wide to show anything"


def test_times_between_breakdowns_are_exponential_with_the_given_mean() -> None:
    settings = replace(
        FRICTIONLESS,
        faults=Faults(gpu=Renewal(1000.0, 250.0)),
        horizon_s=HORIZON_S,
        stall_s=math.inf,
    )
    records, _ = run(cluster(*[("V100", SIZE)] * NODES), [job("a")], Script(), settings, seed=5)
    events = records.events[records.events.event.isin(["gpu_down", "gpu_up"])]
    lengths = events.groupby("gpus")["time_s"].diff()
    for event, mean_s in (("gpu_up", 250.0), ("gpu_down", 1000.0)):
        spells = lengths[events.event == event].dropna().to_numpy()
        assert spells.mean() == pytest.approx(mean_s, rel=3 / math.sqrt(len(spells)))
        assert spells.std() == pytest.approx(mean_s, rel=6 / math.sqrt(len(spells)))


def breakdowns(records: Records, until_s: float) -> list[tuple[float, str, str]]:
    rows = records.events[records.events.event.str.contains("gpu_|node_down|node_up|rack_")]
    return list(rows.loc[rows.time_s < until_s, ["time_s", "event", "gpus"]].itertuples(index=False, name=None))


def test_every_policy_meets_the_same_breakdowns() -> None:
    world = random_world(1)
    unit = Renewal(4000.0, 400.0)
    world = replace(world, settings=replace(world.settings, faults=Faults(unit, unit, unit, 2, unit)))
    here, there = (world.run(policy(world.context())) for policy in (Fifo, BestFit))
    ends = [float(records.timeline.time_s.iloc[-1]) for records in (here, there)]
    assert ends[0] != ends[1]
    assert not here.events.equals(there.events)
    assert len(breakdowns(here, min(ends))) > 10
    assert breakdowns(here, min(ends)) == breakdowns(there, min(ends))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_held_is_work_and_what_was_lost(seed: int) -> None:
    """Alone on GPUs of one speed and with free restarts, GPU-seconds held are those of the work plus those lost."""
    jobs = exponential_jobs(np.random.default_rng(seed), 60, 1 / 300, 900.0)
    settings = replace(FRICTIONLESS, faults=Faults(gpu=Renewal(3000.0, 500.0), checkpoint_every_s=400.0))
    site = cluster(("V100", 4), theta=1)
    context = PolicyContext(site, {"cnn": workload("cnn")})
    records, _ = run(site, jobs, Fifo(context), settings, seed=seed)
    assert records.jobs.interruptions.sum() > 5
    lost = records.jobs.lost_gpu_s
    assert records.jobs.allocated_gpu_s.to_numpy() == pytest.approx((records.jobs.reference_s + lost).to_numpy())
    assert (lost <= 400.0 * records.jobs.interruptions).all()
    assert lost.sum() > 0
