"""Breakdowns by hand: who is thrown out, what is lost, what it costs; and what policies see of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest
from builders import FRICTIONLESS, Script, cluster, gpus, job, row, run

from gogh_sim.engine import EngineSettings, Faults, Gating, Records, Renewal, simulation
from gogh_sim.engine.faults import Level, Outage, outages
from gogh_sim.errors import InputError, InvalidDecisionError
from gogh_sim.metrics.faults import of_faults
from gogh_sim.metrics.intervals import occupancy_intervals
from gogh_sim.policy import ClusterView, Decision, Wake

NEVER = Renewal()
ONCE = Renewal(1e9, 1.0)


class Witness(Script):
    """A script that notes what it saw when it saw it, as views follow the world."""

    def __init__(self, **steps: Decision) -> None:
        super().__init__(**steps)
        self.seen: dict[float, tuple[list[bool], list[bool], list[str]]] = {}

    def decide(self, view: ClusterView) -> Decision:
        occupancy = view.occupancy
        self.seen[view.now_s] = (occupancy.up.tolist(), occupancy.node_on.tolist(), list(view.pending))
        return super().decide(view)


def settings(faults: Faults, **changes: object) -> EngineSettings:
    return replace(FRICTIONLESS, faults=faults, **changes)  # type: ignore[arg-type]


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> list[Outage]:
    """Outages that happen instead of drawn ones, to the units of whatever law is finite."""
    planned: list[Outage] = []

    def as_planned(law: Renewal, units: int, rng: np.random.Generator) -> Iterator[Outage]:
        return iter(planned)

    monkeypatch.setattr(simulation, "outages", as_planned)
    return planned


def events(records: Records) -> list[tuple[float, str, str]]:
    return [(e.time_s, e.event, e.job_id or f"{e.node_id}:{e.gpus}") for e in records.events.itertuples()]


def test_a_job_goes_on_from_its_last_checkpoint(plan: list[Outage]) -> None:
    # 1,000 s of work, saved every 300 s; the GPU is out from 700 s to 800 s, so 100 s are done twice.
    plan.append(Outage(700.0, 100.0, 0))
    policy = Script(at_0=Decision(place={"a": gpus("n0/0")}), at_800=Decision(place={"a": gpus("n0/0")}))
    frictions = settings(Faults(gpu=ONCE, checkpoint_every_s=300.0), checkpoint_s=15.0, restore_s=20.0)
    records, _ = run(cluster(("V100", 1)), [job("a", reference_s=1000.0)], policy, frictions)
    assert events(records) == [
        (0.0, "submit", "a"),
        (0.0, "start", "a"),
        (700.0, "interrupt", "a"),
        (700.0, "gpu_down", "n0:n0/0"),
        (800.0, "gpu_up", "n0:n0/0"),
        (800.0, "start", "a"),
        # It reads its checkpoint back; it wrote none when it was thrown out.
        (820.0, "ready", "a"),
        (1220.0, "finish", "a"),
    ]
    one = row(records.jobs, job_id="a")
    assert (one["interruptions"], one["lost_gpu_s"], one["preemptions"]) == (1, 100.0, 0)
    assert one["allocated_gpu_s"] == 700.0 + 420.0
    assert one["done_s"] == pytest.approx(1000.0)
    gpu = records.gpus.iloc[0]
    assert (gpu["failures"], gpu["down_s"], gpu["busy_s"]) == (1, 100.0, 1120.0)
    # 150 W while it works, 50 W while it restores, nothing while it is out.
    assert gpu["energy_j"] == pytest.approx(150.0 * 1100.0 + 50.0 * 20.0)
    assert [seen.wakes for seen in policy.views if seen.now_s in (700.0, 800.0)] == [{Wake.FAILURE}, {Wake.REPAIR}]
    assert of_faults(records.jobs, records.gpus, 1220.0) == {
        "failures": 1,
        "interruptions": 1,
        "lost_gpu_s": 100.0,
        "gpu_availability": pytest.approx(1 - 100 / 1220),
    }
    stays = occupancy_intervals(records.events, 1220.0)
    assert stays[["start_s", "ready_s", "end_s"]].to_numpy().tolist() == [[0, 0, 700], [800, 820, 1220]]


def test_without_checkpoints_everything_since_the_start_is_lost(plan: list[Outage]) -> None:
    plan.append(Outage(700.0, 100.0, 1))
    # Evicted at 200 s, which saves; on both GPUs of a gang from 300 s; 400 s of both are lost.
    policy = Script(
        at_0=Decision(place={"a": gpus("n0/0", "n0/1")}),
        at_200=Decision(evict=frozenset({"a"})),
        at_300=Decision(place={"a": gpus("n0/0", "n0/1")}),
        at_800=Decision(place={"a": gpus("n0/0", "n0/1")}),
    )
    ticks = settings(Faults(gpu=ONCE), round_s=100.0)
    records, _ = run(cluster(("V100", 2)), [job("a", reference_s=1000.0, num_gpus=2)], policy, ticks)
    one = row(records.jobs, job_id="a")
    assert (one["lost_gpu_s"], one["end_s"]) == (2 * 400.0, 800.0 + 800.0)


def test_checkpoints_count_the_work_of_every_rate_since(plan: list[Outage]) -> None:
    # A slow spell from 150 s to 250 s at half speed; out at 290 s; saved at 200 s, with 150 + 25 s of work done.
    spells = {Level.GPU: [Outage(290.0, 10.0, 0)], "slow": [Outage(150.0, 100.0, 0)]}
    policy = Script(at_0=Decision(place={"a": gpus("n0/0")}), at_300=Decision(place={"a": gpus("n0/0")}))
    faults = Faults(gpu=ONCE, straggler=Renewal(2e9, 1.0), straggler_speed=0.5, checkpoint_every_s=200.0)

    def by_law(law: Renewal, units: int, rng: np.random.Generator) -> Iterator[Outage]:
        return iter(spells[Level.GPU] if law is faults.gpu else spells["slow"])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulation, "outages", by_law)
        records, _ = run(cluster(("V100", 1)), [job("a", reference_s=1000.0)], policy, settings(faults))
    one = row(records.jobs, job_id="a")
    assert (one["lost_gpu_s"], one["end_s"]) == (90.0, pytest.approx(300.0 + 825.0))
    assert [e for e in events(records) if "gpu_" in e[1]][:2] == [
        (150.0, "gpu_slow", "n0:n0/0"),
        (250.0, "gpu_normal", "n0:n0/0"),
    ]


def test_a_gang_on_a_slow_gpu_is_slow_as_a_whole(plan: list[Outage]) -> None:
    plan.append(Outage(0.0, 400.0, 1))
    policy = Script(at_0=Decision(place={"a": gpus("n0/0", "n0/1")}))
    faults = Faults(straggler=ONCE, straggler_speed=0.25)
    records, _ = run(cluster(("V100", 2)), [job("a", reference_s=300.0, num_gpus=2)], policy, settings(faults))
    # 100 s of work in the first 400 s.
    assert row(records.jobs, job_id="a")["end_s"] == pytest.approx(600.0)


@pytest.mark.parametrize(("level", "down"), [("node", ["n1"]), ("rack", ["n0", "n1"])])
def test_nodes_and_racks_take_all_their_gpus_and_lose_power(plan: list[Outage], level: str, down: list[str]) -> None:
    site = cluster(("V100", 2), ("V100", 2), ("T4", 1))
    plan.append(Outage(50.0, 100.0, {"node": 1, "rack": 0}[level]))
    faults = replace(Faults(nodes_per_rack=2), **{level: ONCE})
    start = Decision(place={"wide": gpus("n1/0", "n1/1"), "shared": gpus("n1/1"), "safe": gpus("n2/0")})
    jobs = [job("wide", num_gpus=2), job("shared"), job("safe")]
    policy = Witness(at_0=start, at_150=Decision(place={"wide": gpus("n1/0", "n1/1"), "shared": gpus("n1/1")}))
    frictions = settings(faults, gating=Gating(math.inf, 30.0))
    records, _ = run(site, jobs, policy, frictions)
    told = [e for e in events(records) if e[0] == 50.0]
    assert told[:2] == [(50.0, "interrupt", "shared"), (50.0, "interrupt", "wide")]
    assert told[2:] == [(50.0, f"{level}_down", f"{node}:{node}/0|{node}/1") for node in down]
    up, node_on, pending = policy.seen[50.0]
    assert up == [node not in down for node in ("n0", "n0", "n1", "n1", "n2")]
    assert node_on == [node not in down for node in ("n0", "n1", "n2")]
    assert pending == ["shared", "wide"]
    # Without gating nodes come back by themselves, which takes as long as waking.
    assert (records.events.query("event == 'ready'").time_s == 180.0).all()
    assert records.jobs.interruptions.tolist() == [0, 1, 1]
    off = records.timeline[records.timeline.time_s == 50.0].iloc[0]
    assert off["nodes_on"] == 3 - len(down)
    assert records.gpus.failures.sum() == 2 * len(down)


def test_overlapping_outages_are_one(plan: list[Outage]) -> None:
    plan += [Outage(10.0, 30.0, 0), Outage(20.0, 60.0, 0)]
    policy = Witness()
    records, simulated = run(cluster(("V100", 1)), [job("a")], policy, settings(Faults(gpu=ONCE), horizon_s=100.0))
    gpu = records.gpus.iloc[0]
    assert (gpu["failures"], gpu["down_s"]) == (1, 70.0)
    seen = {at: up for at, (up, _, _) in policy.seen.items()}
    assert seen == {0.0: [True], 10.0: [False], 20.0: [False], 40.0: [False], 80.0: [True]}
    assert simulated.world.outage.down == [0]


def test_nothing_can_be_placed_on_what_is_broken(plan: list[Outage]) -> None:
    plan.append(Outage(10.0, 30.0, 0))
    policy = Script(at_10=Decision(place={"a": gpus("n0/0")}))
    with pytest.raises(InvalidDecisionError, match="GPU n0/0 has broken down"):
        run(cluster(("V100", 1)), [job("a")], policy, settings(Faults(gpu=ONCE)))


def test_outages_are_in_order_and_do_not_hang_on_how_far_they_are_followed() -> None:
    law = Renewal(100.0, 10.0)
    many = list(islice(outages(law, 5, np.random.default_rng(3)), 300))
    assert [o.start_s for o in many] == sorted(o.start_s for o in many)
    assert many[:20] == list(islice(outages(law, 5, np.random.default_rng(3)), 20))
    for unit in range(5):
        own = [o for o in many if o.unit == unit]
        assert len(own) > 30
        assert all(a.start_s + a.length_s < b.start_s for a, b in pairwise(own))
    assert not list(outages(NEVER, 5, np.random.default_rng(3)))


def test_units_of_each_level() -> None:
    site, faults = cluster(("V100", 2), ("V100", 1), ("T4", 3)), Faults(nodes_per_rack=2)
    assert faults.units(Level.GPU, site) == [(0,), (1,), (2,), (3,), (4,), (5,)]
    assert faults.units(Level.NODE, site) == [(0, 1), (2,), (3, 4, 5)]
    assert faults.units(Level.RACK, site) == [(0, 1, 2), (3, 4, 5)]


class Eager(Script):
    """Starts whoever waits on the first GPUs that are up and free, of nodes of one type."""

    def decide(self, view: ClusterView) -> Decision:
        super().decide(view)
        up, jobs = view.occupancy.up, view.occupancy.jobs
        for job_id, active in view.pending.items():
            free = [g for i, g in enumerate(view.cluster.gpu_ids) if up[i] and not jobs[i]]
            if len(free) >= active.job.num_gpus:
                return Decision(place={job_id: tuple(free[: active.job.num_gpus])})
        return Decision()


@pytest.mark.parametrize("width", [1, 2])
def test_a_repair_that_takes_longer_than_a_stall_is_waited_for(plan: list[Outage], width: int) -> None:
    # Both GPUs go out; the gang needs both again, which the second repair brings.
    plan += [Outage(50.0, 5_000.0, 0), Outage(50.0, 9_000.0, 1)]
    patience = settings(Faults(gpu=ONCE), stall_s=600.0)
    records, _ = run(cluster(("V100", 2)), [job("a", num_gpus=width)], Eager(), patience)
    one = row(records.jobs, job_id="a")
    assert (one["status"], one["end_s"]) == ("finished", {1: 5_150.0, 2: 9_150.0}[width])


def test_outages_that_begin_after_a_stall_are_not_waited_for(plan: list[Outage]) -> None:
    """One GPU of two is always out in turn; the policy never starts the job. At 3,000 s one is out until 3,300 s."""
    plan += [Outage(400.0 * i, 500.0, i % 2) for i in range(1, 40)]
    patience = settings(Faults(gpu=ONCE), stall_s=3_000.0)
    records, _ = run(cluster(("V100", 2)), [job("a")], Script(), patience)
    assert records.timeline.time_s.iloc[-1] == 3_300.0


@pytest.mark.parametrize(
    ("config", "match"),
    [
        ({"gpu": {"mtbf_s": 0.0}}, "mtbf_s must be positive"),
        ({"gpu": {"mttr_s": math.inf}}, "mttr_s positive and finite"),
        ({"nodes_per_rack": 0}, "nodes_per_rack"),
        ({"straggler_speed": 1.5}, "straggler_speed"),
        ({"checkpoint_every_s": 0.0}, "checkpoint_every_s"),
        ({"meteor": 1.0}, "meteor"),
    ],
)
def test_faults_that_cannot_be_are_refused(config: dict[str, object], match: str) -> None:
    with pytest.raises(InputError, match=match):
        Faults.of(config)
