"""What the optimiser does with jobs and clusters small enough for a pencil.

A V100 draws 150 W and runs at speed 1, a T4 draws 100 W and runs at speed 0.5; every node adds 100 W, here for one GPU
each. So a second of work costs 250 J on the V100 and 400 J on the T4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from handmade import Table, at, cluster, context, job, placed, serving, view

from gogh_sim.errors import InputError
from gogh_sim.policy import NOTHING, ActiveJob, Beliefs, ClusterView, Decision, Learner, Observation, Prediction, Wake
from gogh_sim.schedulers import gogh as gogh_module
from gogh_sim.schedulers.gogh import Gogh, LearningSource, Refined, Unrefined
from gogh_sim.schedulers.optimiser import Optimiser, OptimiserSettings, _questions
from gogh_sim.schedulers.oracle import Oracle
from gogh_sim.types import Cluster, Job

SPEED = {name: {"V100": 1.0, "T4": 0.5} for name in ("small", "half", "large")}
WATTS = {"V100": 150.0, "T4": 100.0}
MIXED = cluster(("V100", 1), ("T4", 1))


def source(of: Cluster, norm: float = 0.5, pair_w: float = 300.0) -> Table:
    return Table(of, SPEED, WATTS, norm=norm, pair_w=pair_w)


def decide(seen: ClusterView, norm: float = 0.5, pair_w: float = 300.0, **settings: object) -> Decision:
    """Decision of a fresh optimiser; pairs cost more than they save unless told otherwise."""
    optimiser = Optimiser(context(seen.cluster), OptimiserSettings.of(**settings))
    return optimiser.decide(seen, source(seen.cluster, norm, pair_w))


def at_round(seen: ClusterView) -> ClusterView:
    return replace(seen, wakes=frozenset({Wake.ROUND}))


def test_a_lone_job_gets_the_type_that_costs_least_energy() -> None:
    assert placed(decide(view(MIXED, [job("a")]))) == {"a": ("n0/0",)}


def test_least_power_prefers_the_slow_card() -> None:
    assert placed(decide(view(MIXED, [job("a")]), objective="power")) == {"a": ("n1/0",)}


def test_a_job_with_slack_waits_for_the_frugal_gpu_and_an_urgent_one_does_not() -> None:
    running = {job("long", seconds=5000.0): at("n0/0")}
    patient = decide(view(MIXED, [job("patient", deadline_s=20_000.0)], running))
    assert placed(patient) == {}
    assert not patient.evict
    # 100 s of work in 240 s need speed 0.42, and 0.46 with prudence; after another round it would be too late.
    urgent = decide(view(MIXED, [job("urgent", deadline_s=240.0)], running))
    assert placed(urgent) == {"urgent": ("n1/0",)}
    assert not urgent.evict


def test_waiting_wears_patience_out() -> None:
    running = {job("long", seconds=5000.0): at("n0/0")}
    # The slack of 1000 s is its own fastest duration. At 0.5 the queue costs 1.55 x 250 J per second of work, at 0.6
    # 1.65 x 250 = 412 J, more than the T4.
    waiting = job("patient", seconds=1000.0)
    assert placed(decide(view(MIXED, [waiting], running, now_s=500.0))) == {}
    assert placed(decide(view(MIXED, [waiting], running, now_s=600.0))) == {"patient": ("n1/0",)}


def test_an_urgent_job_displaces_one_that_can_wait() -> None:
    running = {job("long", seconds=5000.0): at("n0/0")}
    # 100 s of work in 110 s need more than a T4.
    decision = decide(view(MIXED, [job("urgent", deadline_s=111.0)], running))
    assert placed(decision)["urgent"] == ("n0/0",)
    assert placed(decision).get("long") == ("n1/0",) or decision.evict == {"long"}


def test_a_longer_job_does_not_push_out_a_running_one() -> None:
    alone = cluster(("V100", 1))
    running = {job("short", seconds=400.0): at("n0/0")}
    decision = decide(view(alone, [job("long", seconds=1e6)], running, now_s=1e6), theta=1)
    assert not decision.evict
    assert placed(decision) == {}


def test_a_missed_deadline_is_best_effort() -> None:
    alone = cluster(("V100", 1))
    decision = decide(view(alone, [job("late", seconds=1000.0, deadline_s=500.0)]))
    assert placed(decision) == {"late": ("n0/0",)}


def test_jobs_share_where_that_saves_energy_and_floors_allow_it() -> None:
    pair = cluster(("V100", 1), ("V100", 1))
    # Apart 2 x 250 W x 100 s = 50 kJ; together at norm 0.8 (100 + 160) W x 125 s = 32.5 kJ.
    free = [job("a"), job("b")]
    together = placed(decide(view(pair, free), norm=0.8, pair_w=160.0))
    assert together["a"] == together["b"]
    # Within 120 s each needs speed 0.83.
    tied = [job("a", deadline_s=120.0), job("b", deadline_s=120.0)]
    apart = placed(decide(view(pair, tied), norm=0.8, pair_w=160.0))
    assert apart["a"] != apart["b"]


def test_who_shares_stays_together_however_coarse_the_groups() -> None:
    pair = cluster(("V100", 1), ("V100", 1))
    running = {job("a", seconds=5000.0): at("n0/0"), job("b", workload="half", seconds=5000.0): at("n0/0")}
    # Together at norm 0.55 (100 + 160) W x 5000 s / 0.55 = 2364 kJ, apart 2 x 1250: 136 kJ more, less than a restart's
    # threshold, so that two who were taken for strangers would part.
    seen = at_round(view(pair, [], running))
    for most_groups in (1, 10):
        assert placed(decide(seen, norm=0.55, pair_w=160.0, most_groups=most_groups)) == {}


def test_without_colocation_nobody_shares() -> None:
    alone = cluster(("V100", 1))
    jobs = [job("a"), job("b")]
    assert len(placed(decide(view(alone, jobs), norm=0.9, pair_w=160.0))) == 2
    assert len(placed(decide(view(alone, jobs), norm=0.9, pair_w=160.0, theta=1))) == 1
    single = cluster(("V100", 1), theta=1)
    assert len(placed(decide(view(single, jobs), norm=0.9, pair_w=160.0))) == 1


def test_memory_keeps_jobs_apart() -> None:
    alone = cluster(("V100", 1))
    fits = [job("a", workload="half"), job("b", workload="half")]
    assert len(placed(decide(view(alone, fits), norm=0.9, pair_w=160.0))) == 2
    heavy = [job("a", workload="large")]
    assert placed(decide(view(alone, heavy))) == {}, "30 GiB do not fit a V100 of 16"
    assert placed(decide(view(MIXED, [job("a", types=["T4"])]))) == {"a": ("n1/0",)}


def test_a_move_has_to_be_worth_it() -> None:
    running = {job("a", seconds=5000.0): at("n1/0")}
    # 5000 s of work cost 2000 kJ on the T4, 1250 on the V100; a restart costs 60 s x 200 W, the threshold 300 kJ.
    assert placed(decide(at_round(view(MIXED, [], running)))) == {"a": ("n0/0",)}
    # With 60 s left, 24 kJ against 15 kJ, the restart alone costs more than the 9 kJ gained.
    assert placed(decide(at_round(view(MIXED, [], running, remaining={"a": 60.0})))) == {}
    # Nor when moves must gain half of what staying costs.
    assert placed(decide(at_round(view(MIXED, [], running)), demand={"threshold": 0.5})) == {}


def test_a_deadline_counts_the_restart() -> None:
    """A job on the T4 that would be late there moves only if it can still make it after the restart."""
    running = {job("a", deadline_s=171.0): at("n1/0")}
    assert placed(decide(at_round(view(MIXED, [], running)))) == {"a": ("n0/0",)}
    running = {job("a", deadline_s=159.0): at("n1/0")}
    late = decide(at_round(view(MIXED, [], running, remaining={"a": 100.0})), demand={"threshold": 10.0})
    assert placed(late) == {}
    assert not late.evict


def test_gangs_go_whole_on_one_node() -> None:
    nodes = cluster(("V100", 2), ("V100", 4))
    decision = decide(view(nodes, [job("gang", gpus=4)]))
    assert placed(decision) == {"gang": ("n1/0", "n1/1", "n1/2", "n1/3")}
    assert placed(decide(view(nodes, [job("gang", gpus=7)]))) == {}


def test_an_unchanged_cluster_is_not_solved_again_until_it_is_stale() -> None:
    optimiser, beliefs = Optimiser(context(MIXED)), source(MIXED)
    one = job("a")
    assert optimiser.decide(view(MIXED, [one]), beliefs).solve is not None
    running = {one: at("n0/0")}
    for now_s, wakes, asked in [
        (300.0, {Wake.ROUND}, False),
        (600.0, {Wake.FINISH}, False),
        (1800.0, {Wake.ROUND}, True),
        (1900.0, {Wake.ROUND}, False),
    ]:
        seen = replace(view(MIXED, [], running, now_s=now_s), wakes=frozenset(wakes))
        decision = optimiser.decide(seen, beliefs)
        assert (decision.solve is not None) == asked, now_s
        assert not decision.place
    moved = at_round(view(MIXED, [], {one: at("n1/0")}, now_s=2000.0))
    assert optimiser.decide(moved, beliefs).solve is not None


def test_between_rounds_large_instances_only_start_jobs_on_free_gpus() -> None:
    nodes = cluster(("V100", 1), ("V100", 1), ("T4", 1))
    seen = view(nodes, [job("b")], {job("a", seconds=5000.0): at("n2/0")})
    settings = {"event_solves_below": 1}
    event = decide(seen, **settings)
    assert placed(event) == {"b": ("n0/0",)}
    assert event.solve is not None
    assert event.solve.status == "greedy"
    assert set(placed(decide(at_round(seen), **settings))) == {"a", "b"}
    full = view(cluster(("V100", 1)), [job("b")], {job("a"): at("n0/0")})
    assert decide(full, **settings) is NOTHING


def test_the_report_counts_what_node_boundaries_kept_out() -> None:
    nodes = cluster(*[("V100", 3)] * 3)
    held = {job(f"r{n}{slot}"): at(f"n{n}/{slot}") for n in range(3) for slot in range(2)}
    decision = decide(view(nodes, [job("gang", gpus=3, deadline_s=110.0)], held), theta=1)
    report = decision.solve
    assert report is not None
    assert report.unpacked == (0 if "gang" in decision.place else 1)
    # Its three free GPUs lie on three nodes, and two are the most it may be spread over.
    assert "gang" not in decision.place
    assert not decision.evict


def test_an_urgent_gang_gets_a_node_where_wide_jobs_leave_none() -> None:
    """A gang of two on each of three nodes of three: three GPUs are free, but not on one node."""
    nodes = cluster(*[("V100", 3)] * 3)
    held = {job(f"r{n}", gpus=2): at(f"n{n}/0", f"n{n}/1") for n in range(3)}
    decision = decide(view(nodes, [job("gang", gpus=3, deadline_s=110.0)], held))
    (gpus,) = (gpus for job_id, gpus in decision.place.items() if job_id == "gang")
    assert len({gpu.node_id for gpu in gpus}) == 1
    assert decision.solve is not None
    assert decision.solve.unpacked == 0
    assert len(decision.evict) == 1


def test_an_empty_cluster_needs_no_decision() -> None:
    assert decide(view(MIXED, [])) is NOTHING


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"objective": "carbon_free"}, "energy, power"),
        ({"theta": 0}, "theta"),
        ({"event_solves_below": -1}, "event_solves_below"),
        ({"no_such": 1}, "no_such"),
        ({"solve": {"solver": "glpk"}}, "cbc, highs"),
        ({"solve": {"threads": 4}}, "threads"),
        ({"demand": {"patience": 0.0}}, "patience"),
        ({"demand": {"safety": 0.9}}, "safety"),
        ({"demand": {"confidence": 1.0}}, "confidence"),
        ({"demand": {"margin": -0.1}}, "margin"),
    ],
)
def test_unfit_settings_are_refused_by_name(settings: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Oracle(context(MIXED), source(MIXED), **settings)


class Pupil(Table):
    """A source that remembers what it was told, and then thinks ill of V100s."""

    told: Sequence[Observation] = ()

    def observe(self, observations: Sequence[Observation]) -> Sequence[Prediction]:
        self.told = observations
        self._speed = {name: {"V100": 0.1, "T4": 0.5} for name in self._speed}
        return [Prediction(o, "P1", 1.0) for o in observations]


def test_gogh_places_by_what_its_estimator_has_learned() -> None:
    pupil = Pupil(MIXED, SPEED, WATTS)
    policy = Gogh(context(MIXED), lambda _: cast(LearningSource, pupil))
    assert isinstance(policy, Learner)
    seen = view(MIXED, [job("a")])
    assert placed(policy.decide(seen)) == {"a": ("n0/0",)}
    observation = Observation(60.0, job("z"), "V100", (), 1, 0.1, 150.0)
    assert [p.rate for p in policy.observe([observation])] == [1.0]
    assert pupil.told == [observation]
    assert placed(policy.decide(seen)) == {"a": ("n1/0",)}


def test_the_oracle_learns_nothing_and_reads_its_source() -> None:
    policy = Oracle(context(MIXED), source(MIXED))
    assert not isinstance(policy, Learner)
    assert placed(policy.decide(view(MIXED, [job("a")]))) == {"a": ("n0/0",)}


class Truth(Table):
    """Speeds of every job by itself, and norms by pairs of workloads; the rest as in `Table`."""

    def __init__(self, of: Cluster, hidden: Mapping[str, float], norms: Mapping[frozenset[str], float]) -> None:
        super().__init__(of, SPEED, WATTS, norm=0.5, pair_w=160.0)
        self._hidden, self._norms = hidden, norms

    def beliefs(self, jobs: Sequence[Job]) -> Beliefs:
        usual = super().beliefs(jobs)
        factor = np.array([self._hidden.get(one.job_id, 1.0) for one in jobs])
        norm = np.array([[self._norms.get(frozenset((a.workload, b.workload)), 0.5) for b in jobs] for a in jobs])
        speed = usual.speed * factor[:, np.newaxis]
        return replace(usual, speed=speed, norm=np.broadcast_to(norm, usual.norm.shape))


def test_the_oracle_knows_jobs_of_one_workload_apart() -> None:
    """100 s of work in 200 s need speed 0.55 with prudence: on the T4 only the job that is a fifth quicker has it."""
    jobs = [job("dull", deadline_s=200.0), job("keen", deadline_s=200.0)]
    for hidden, dull in (({"keen": 1.2}, "n0/0"), ({"dull": 1.2}, "n1/0")):
        truth = Truth(MIXED, hidden, {})
        found = placed(Oracle(context(MIXED), truth, theta=1).decide(view(MIXED, jobs)))
        assert found["dull"] == (dull,)
        assert len(found) == 2
    # By the workload alone there is nothing to choose between them.
    blind = placed(Oracle(context(MIXED), Truth(MIXED, {}, {}), theta=1).decide(view(MIXED, jobs)))
    assert blind == placed(Oracle(context(MIXED), source(MIXED), theta=1).decide(view(MIXED, jobs)))


def test_the_oracle_pairs_by_who_slows_whom() -> None:
    """Four jobs on two GPUs: whichever workloads get along share, though all pairs look alike by speed and watts."""
    pair = cluster(("V100", 1), ("V100", 1))
    jobs = [job("a"), job("b", workload="half"), job("c"), job("d", workload="half")]
    alike = {frozenset(("small",)): 0.95, frozenset(("half",)): 0.95, frozenset(("small", "half")): 0.4}
    unlike = {frozenset(("small",)): 0.4, frozenset(("half",)): 0.4, frozenset(("small", "half")): 0.95}
    by_kind = placed(Oracle(context(pair), Truth(pair, {}, alike)).decide(view(pair, jobs)))
    assert by_kind["a"] == by_kind["c"]
    assert by_kind["b"] == by_kind["d"]
    mixed = placed(Oracle(context(pair), Truth(pair, {}, unlike)).decide(view(pair, jobs)))
    assert mixed["a"] != mixed["c"]
    assert mixed["b"] != mixed["d"]


def test_estimators_are_composed_with_and_without_refinement(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, object]] = []

    class Fake:
        @classmethod
        def unrefined(cls, workloads: object, gpu_types: object, estimator: object) -> None:
            made.append(("plain", estimator))

        @classmethod
        def refined(cls, workloads: object, gpu_types: object, estimator: object) -> None:
            made.append(("refined", estimator))

    monkeypatch.setattr(gogh_module, "EstimatedSource", Fake)
    monkeypatch.setattr(gogh_module, "load", lambda weights: f"estimator of {weights}")
    Gogh(context(MIXED), Refined("mine.pt"))
    Gogh(context(MIXED), Unrefined("mine.pt"))
    Gogh(context(MIXED))
    mine, shipped = "estimator of mine.pt", "estimator of shipped"
    assert made == [("refined", mine), ("plain", mine), ("refined", shipped)]


def test_a_service_gets_the_type_that_draws_least_of_those_that_keep_its_latency() -> None:
    """It stays for its lifetime on any type: 250 kJ on the V100, 200 on the T4, which has half the speed."""
    assert placed(decide(view(MIXED, [serving("s")]))) == {"s": ("n1/0",)}
    assert placed(decide(view(MIXED, [serving("s", floor=0.4)]))) == {"s": ("n1/0",)}
    assert placed(decide(view(MIXED, [serving("s", floor=0.6)]))) == {"s": ("n0/0",)}


def test_a_service_shares_only_where_what_is_left_covers_its_requests() -> None:
    alone = cluster(("V100", 1))
    running = {serving("s", floor=0.6): at("n0/0")}
    pending = [job("a", seconds=500.0)]
    assert placed(decide(view(alone, pending, running), norm=0.8, pair_w=160.0)) == {"a": ("n0/0",)}
    kept = decide(view(alone, pending, running), norm=0.5, pair_w=160.0)
    assert placed(kept) == {}
    assert not kept.evict


def test_services_are_asked_about_one_by_one_where_jobs_are_asked_about_by_kind() -> None:
    jobs = [job("a"), job("b"), serving("s", rate=0.1), serving("t", rate=0.2)]
    active = [ActiveJob(one, one.reference_s, (), math.nan, math.nan) for one in jobs]
    asked, kind = _questions(active, individually=False)
    assert [one.job_id for one in asked] == ["a", "s", "t"]
    assert kind.tolist() == [0, 0, 1, 2]
