"""Services on the engine, each number computed by hand: requests, latencies, load on partners, energy, ends."""

from __future__ import annotations

import math

import pytest
from builders import FRICTIONLESS, Script, cluster, gpus, job, profile, row, run, service

from gogh_sim.engine import EngineSettings, Gating
from gogh_sim.inference import ServiceTime
from gogh_sim.policy import ClusterView, Decision
from gogh_sim.queueing import MOST_LOAD

ONE_V100 = cluster(("V100", 1))


def place(**jobs: str) -> Decision:
    return Decision(place={name: gpus(*where.split()) for name, where in jobs.items()})


def test_each_segment_has_its_latency() -> None:
    """10 requests/s can be answered. M/M/1: of 2.5 a second 1 - e^-7.5 are in time, of 5 a second 1 - e^-5."""
    records, _ = run(ONE_V100, [service("s", (0.0, 2.5), (400.0, 5.0))], Script(at_0=place(s="n0/0")))
    found = row(records.jobs, job_id="s")
    assert found["requests"] == pytest.approx(2.5 * 400 + 5.0 * 600)
    assert found["requests_answered"] == pytest.approx(found["requests"])
    in_time = 1000 * (1 - math.exp(-7.5)) + 3000 * (1 - math.exp(-5.0))
    assert found["requests_in_slo"] == pytest.approx(in_time)
    assert (found["status"], found["end_s"], found["request_target"]) == ("finished", 1000.0, 0.99)
    # 4,000 requests of an iteration, where the reference type does ten a second.
    assert found["done_s"] == pytest.approx(400.0)


def test_energy_follows_load() -> None:
    """Load .25, then .5, of 100 W above the 50 W of an idle process."""
    records, _ = run(ONE_V100, [service("s", (0.0, 2.5), (400.0, 5.0))], Script(at_0=place(s="n0/0")))
    assert records.gpus.energy_j.sum() == pytest.approx(75.0 * 400 + 100.0 * 600)


def test_a_service_and_its_partner_slow_each_other_by_their_loads() -> None:
    """At load .5 the service costs its partner 1/(1 + .5); the partner's full load halves the service's capacity."""
    truth = profile(sensitivity=1.0, intensity=1.0)
    jobs = [service("s", (0.0, 5.0), lifetime_s=300.0, slo_s=0.4), job("a", reference_s=100.0)]
    records, _ = run(cluster(("V100", 1)), jobs, Script(at_0=place(s="n0/0", a="n0/0")), truth=truth)
    assert row(records.jobs, job_id="a")["end_s"] == pytest.approx(150.0)
    found = row(records.jobs, job_id="s")
    # For 150 s it can answer 5 a second of the 5 that come: .95 of that is let in, which leaves a queue of rate .25.
    beside = 750 * MOST_LOAD * (1 - math.exp(-0.25 * 0.4))
    assert found["requests_answered"] == pytest.approx(750 * MOST_LOAD + 750)
    assert found["requests_in_slo"] == pytest.approx(beside + 750 * (1 - math.exp(-5.0 * 0.4)))


def test_beyond_its_capacity_requests_are_turned_away() -> None:
    """20 a second come, 9.5 get in, and wait in a queue of load .95."""
    records, _ = run(ONE_V100, [service("s", (0.0, 20.0), slo_s=4.0)], Script(at_0=place(s="n0/0")))
    found = row(records.jobs, job_id="s")
    assert found["requests_answered"] == pytest.approx(9500.0)
    assert found["requests_in_slo"] == pytest.approx(9500.0 * (1 - math.exp(-0.5 * 4.0)))
    assert records.gpus.energy_j.sum() == pytest.approx(150.0 * 1000)


def test_requests_are_lost_while_it_waits_and_its_end_stays() -> None:
    records, _ = run(ONE_V100, [service("s", (0.0, 5.0))], Script(at_300=place(s="n0/0")))
    found = row(records.jobs, job_id="s")
    assert (found["first_start_s"], found["end_s"]) == (300.0, 1000.0)
    assert found["requests"] == pytest.approx(5000.0)
    assert found["requests_answered"] == pytest.approx(3500.0)


def test_a_service_that_never_runs_fails_at_the_end_of_its_lifetime() -> None:
    blocker = job("a", reference_s=2000.0)
    records, _ = run(ONE_V100, [blocker, service("s", (0.0, 5.0))], Script(at_0=place(a="n0/0")))
    found = row(records.jobs, job_id="s")
    assert (found["status"], found["end_s"], found["requests_answered"]) == ("failed", 1000.0, 0.0)
    assert found["requests"] == pytest.approx(5000.0)
    assert found["done_s"] == 0.0
    assert row(records.events, job_id="s", event="fail")["time_s"] == 1000.0


def test_restarts_and_waking_nodes_lose_requests() -> None:
    """The node sleeps from 0 on and wakes in 50 s; the move at 600 s costs 10 + 20 s."""
    settings = EngineSettings(
        checkpoint_s=10.0, restore_s=20.0, noise_sigma=0.0, hidden_sigma=0.0, gating=Gating(0.0, 50.0)
    )
    machine = cluster(("V100", 2))
    steps = Script(at_300=place(s="n0/0"), at_600=place(s="n0/1"))
    records, _ = run(machine, [service("s", (0.0, 5.0))], steps, settings)
    assert row(records.jobs, job_id="s")["requests_answered"] == pytest.approx(5.0 * (1000 - 350 - 30))


def test_replicas_share_one_queue() -> None:
    """Two servers of 10 a second for 10 a second: Erlang's C at load .5 is 1/3, spare and service rate are both 10."""
    machine = cluster(("V100", 2))
    records, _ = run(machine, [service("s", (0.0, 10.0), slo_s=0.2, num_gpus=2)], Script(at_0=place(s="n0/0 n0/1")))
    late = math.exp(-2) * (1 + 2 / 3)
    assert row(records.jobs, job_id="s")["requests_in_slo"] == pytest.approx(10_000 * (1 - late))
    assert records.gpus.energy_j.tolist() == pytest.approx([100.0 * 1000] * 2)


def test_slots_and_iterations_of_a_request_set_its_service_time() -> None:
    """Batches of 5 and 2 iterations a request: 25 a second at most, each of 5 servers needs .2 s, always the same."""
    told = {"slots": 5, "iterations_per_request": 2.0, "service_time": ServiceTime.DETERMINISTIC}
    records, _ = run(ONE_V100, [service("s", (0.0, 12.5), slo_s=0.1999, **told)], Script(at_0=place(s="n0/0")))
    found = row(records.jobs, job_id="s")
    assert found["requests_in_slo"] == 0.0
    assert found["requests_answered"] == pytest.approx(12_500.0)
    assert records.gpus.energy_j.sum() == pytest.approx(100.0 * 1000)
    assert found["done_s"] == pytest.approx(500.0)


def test_a_slower_type_answers_less() -> None:
    """The T4 does 4 a second, so of 3 a second e^-1 are late after a second."""
    records, _ = run(cluster(("T4", 1)), [service("s", (0.0, 3.0))], Script(at_0=place(s="n0/0")))
    assert row(records.jobs, job_id="s")["requests_in_slo"] == pytest.approx(3000 * (1 - math.exp(-1)))


def test_rates_beyond_the_lifetime_do_not_count() -> None:
    records, _ = run(ONE_V100, [service("s", (0.0, 1.0), (1000.0, 9.0), (1200.0, 1.0))], Script(at_0=place(s="n0/0")))
    assert row(records.jobs, job_id="s")["requests"] == pytest.approx(1000.0)
    assert records.timeline.time_s.iloc[-1] == 1000.0


def test_policies_see_the_lifetime_left_as_work_left() -> None:
    seen: dict[float, float] = {}

    class Looking(Script):
        def decide(self, view: ClusterView) -> Decision:
            for active in (*view.pending.values(), *view.running.values()):
                seen[view.now_s] = active.remaining_s
            return super().decide(view)

    run(ONE_V100, [service("s", (0.0, 1.0))], Looking(at_300=place(s="n0/0")), FRICTIONLESS)
    assert seen == pytest.approx({0.0: 1000.0, 300.0: 700.0, 600.0: 400.0, 900.0: 100.0})


def test_a_service_that_waits_longer_than_a_stall_ends_with_its_lifetime() -> None:
    settings = EngineSettings(noise_sigma=0.0, hidden_sigma=0.0, stall_s=600.0)
    records, _ = run(ONE_V100, [service("s", (0.0, 1.0), lifetime_s=5000.0)], Script(), settings)
    found = row(records.jobs, job_id="s")
    assert (found["status"], found["end_s"], found["requests"]) == ("failed", 5000.0, pytest.approx(5000.0))


def test_a_horizon_cuts_the_account_short() -> None:
    settings = EngineSettings(noise_sigma=0.0, hidden_sigma=0.0, horizon_s=250.0, gating=Gating(math.inf, 0.0))
    records, _ = run(ONE_V100, [service("s", (0.0, 4.0))], Script(at_0=place(s="n0/0")), settings)
    found = row(records.jobs, job_id="s")
    assert (found["status"], found["requests"]) == ("unfinished", pytest.approx(1000.0))
