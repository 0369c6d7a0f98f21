"""The engine against hand-computed times, rates and joules."""

from __future__ import annotations

import math

import pytest
from builders import FRICTIONLESS, LearningScript, Script, cluster, gpus, job, profile, row, run, workload

from gogh_sim.engine import EngineSettings, Gating
from gogh_sim.errors import InvalidDecisionError
from gogh_sim.policy import Decision, Wake


def place(**placements: str) -> Decision:
    """Decision from ``a="n0/0 n0/1"``."""
    return Decision(place={name: gpus(*where.split()) for name, where in placements.items()})


def test_single_job_energy_is_its_hand_computed_joules() -> None:
    """One V100 of two, 100 s at 50 + 100 W beside an idle GPU at 40 W; node 300 + 1.2 x 190 W."""
    records, _ = run(cluster(("V100", 2)), [job("a")], Script(at_0=place(a="n0/0")))
    done = row(records.jobs, job_id="a")
    assert done["end_s"] == 100.0
    assert done["gpu_energy_j"] == pytest.approx(150.0 * 100)
    assert records.gpus.energy_j.tolist() == pytest.approx([15_000.0, 4_000.0])
    assert records.nodes.energy_j.tolist() == pytest.approx([100 * (300 + 1.2 * 190)])


def test_speed_follows_the_gpu_type() -> None:
    """cnn does 4 it/s on a T4 against 10 on a V100: 100 reference seconds take 250."""
    records, _ = run(cluster(("T4", 1)), [job("a")], Script(at_0=place(a="n0/0")))
    assert row(records.jobs, job_id="a")["end_s"] == pytest.approx(250.0)


def test_work_carries_over_when_partners_change() -> None:
    """a runs 50 s alone, then beside b at 1/(1 + 1 x 1) = half speed until b, also halved, is done at 50 + 2 x 30.

    At 110 s a has done 50 + 30 of 100 and needs 20 more alone: it ends at 130 s. Remaining time carried over
    instead of work would end it at 100 s.
    """
    truth = profile(sensitivity=1.0, intensity=1.0)
    jobs = [job("a"), job("b", submit_s=50.0, reference_s=30.0)]
    script = Script(at_0=place(a="n0/0"), at_50=place(b="n0/0"))
    records, _ = run(cluster(("V100", 1)), jobs, script, truth=truth)
    assert row(records.jobs, job_id="b")["end_s"] == pytest.approx(110.0)
    assert row(records.jobs, job_id="a")["end_s"] == pytest.approx(130.0)
    # Both halved: total speed 1, so the shared GPU draws what the heavier draws alone: 150 W throughout.
    assert records.gpus.energy_j.tolist() == pytest.approx([150.0 * 130])
    assert row(records.jobs, job_id="b")["gpu_energy_j"] == pytest.approx(75.0 * 60)


def test_gang_runs_at_its_slowest_gpu() -> None:
    """A gang of two on V100 and T4 gets 2 x 4 it/s of its 20: 100 reference seconds take 250."""
    records, _ = run(cluster(("V100", 1), ("T4", 1)), [job("a", num_gpus=2)], Script(at_0=place(a="n0/0 n1/0")))
    assert row(records.jobs, job_id="a")["end_s"] == pytest.approx(250.0)


def test_gang_slowed_on_one_gpu_is_slowed_as_a_whole() -> None:
    truth = profile(sensitivity=1.0, intensity=1.0)
    jobs = [job("a", num_gpus=2), job("b", reference_s=10.0)]
    records, _ = run(cluster(("V100", 2)), jobs, Script(at_0=place(a="n0/0 n0/1", b="n0/1")), truth=truth)
    assert row(records.jobs, job_id="b")["end_s"] == pytest.approx(20.0)
    assert row(records.jobs, job_id="a")["end_s"] == pytest.approx(110.0)


def test_gang_factor_depends_on_nodes_spanned() -> None:
    """Two GPUs cost 1/(1 + .1), on two nodes 1/(1 + .1 + .3)."""
    truth = profile(local_sync=0.1, remote_sync=0.3)
    together, _ = run(cluster(("V100", 2)), [job("a", num_gpus=2)], Script(at_0=place(a="n0/0 n0/1")), truth=truth)
    apart, _ = run(
        cluster(("V100", 1), ("V100", 1)), [job("a", num_gpus=2)], Script(at_0=place(a="n0/0 n1/0")), truth=truth
    )
    assert row(together.jobs, job_id="a")["end_s"] == pytest.approx(110.0)
    assert row(apart.jobs, job_id="a")["end_s"] == pytest.approx(140.0)


def test_fraction_scales_load_rate_and_power() -> None:
    """Half a GPU: half of full dynamic power (alpha 1), and, by definition of its work, the same duration."""
    records, _ = run(cluster(("V100", 1)), [job("a", gpu_fraction=0.5)], Script(at_0=place(a="n0/0")))
    done = row(records.jobs, job_id="a")
    assert done["end_s"] == pytest.approx(100.0)
    assert done["gpu_energy_j"] == pytest.approx((50 + 50) * 100)


def test_migration_costs_a_restart_at_idle_context_power() -> None:
    """40 s on V100, then 60 s of checkpoint and restore at 20 W, then 60 reference seconds at 4 of 10 it/s."""
    settings = EngineSettings(
        checkpoint_s=20.0, restore_s=40.0, noise_sigma=0.0, hidden_sigma=0.0, gating=Gating(math.inf, 0.0)
    )
    jobs = [job("a"), job("tick", submit_s=40.0, reference_s=1.0)]
    script = Script(at_0=place(a="n0/0"), at_40=place(a="n1/0", tick="n0/0"))
    records, _ = run(cluster(("V100", 1), ("T4", 1)), jobs, script, settings)
    done = row(records.jobs, job_id="a")
    assert done["migrations"] == 1
    assert done["preemptions"] == 0
    assert done["end_s"] == pytest.approx(40 + 60 + 150)
    assert done["gpu_energy_j"] == pytest.approx(150 * 40 + 20 * 60 + 60 * 150)
    assert done["allocated_gpu_s"] == pytest.approx(250.0)


def test_partner_of_a_restoring_job_runs_alone() -> None:
    settings = EngineSettings(
        checkpoint_s=0.0, restore_s=50.0, noise_sigma=0.0, hidden_sigma=0.0, gating=Gating(math.inf, 0.0)
    )
    truth = profile(sensitivity=1.0, intensity=1.0)
    jobs = [job("a"), job("b", reference_s=200.0), job("tick", submit_s=50.0, reference_s=1.0)]
    script = Script(at_0=place(a="n0/0", b="n1/0"), at_50=place(a="n1/0", tick="n0/0"))
    records, _ = run(cluster(("V100", 1), ("V100", 1)), jobs, script, settings, truth=truth)
    # a: 50 done, restores until 100, then 50 at half speed until 200; b: 100 alone, 50 shared, 50 alone.
    assert row(records.jobs, job_id="a")["end_s"] == pytest.approx(200.0)
    assert row(records.jobs, job_id="b")["end_s"] == pytest.approx(250.0)


def test_eviction_keeps_work_and_place_in_the_queue() -> None:
    jobs = [job("a"), job("b", submit_s=10.0, reference_s=20.0), job("c", submit_s=11.0)]
    script = Script(
        at_0=place(a="n0/0"),
        at_10=Decision(place={"b": gpus("n0/0")}, evict=frozenset({"a"})),
        at_30=place(a="n0/0"),
        at_120=place(c="n0/0"),
    )
    records, _ = run(cluster(("V100", 1)), jobs, script)
    assert row(records.jobs, job_id="a")["end_s"] == pytest.approx(120.0)
    assert row(records.jobs, job_id="a")["preemptions"] == 1
    assert row(records.jobs, job_id="a")["first_start_s"] == 0.0


def test_evicted_job_returns_before_later_submissions() -> None:
    seen: list[list[str]] = []

    class Evictor(Script):
        def decide(self, view):  # type: ignore[no-untyped-def]
            seen.append(list(view.pending))
            return super().decide(view)

    jobs = [job("a"), job("b", submit_s=5.0), job("c", submit_s=10.0)]
    script = Evictor(at_0=place(a="n0/0"), at_10=Decision(evict=frozenset({"a"})), at_300=place(a="n0/0"))
    run(cluster(("V100", 1)), jobs, script, EngineSettings(stall_s=600.0))
    assert ["a", "b", "c"] in seen


def test_one_decision_per_timestamp_after_all_its_events() -> None:
    """A finish, two arrivals and a round tick at 300 s make one call that sees them all."""
    jobs = [job("a", reference_s=300.0), job("b", submit_s=300.0), job("c", submit_s=300.0)]
    script = Script(at_0=place(a="n0/0"), at_300=place(b="n0/0", c="n0/1"))
    records, _ = run(cluster(("V100", 2)), jobs, script)
    calls = records.decisions[records.decisions.time_s == 300.0]
    assert len(calls) == 1
    assert calls.wakes.tolist() == ["arrival+finish+round"]
    assert calls.pending.tolist() == [2]
    assert calls.running.tolist() == [0]


def test_round_ticks_stop_while_nothing_is_active() -> None:
    jobs = [job("a", reference_s=10.0), job("b", submit_s=10_000.0, reference_s=10.0)]
    records, _ = run(cluster(("V100", 1)), jobs, Script(at_0=place(a="n0/0"), at_10000=place(b="n0/0")))
    assert records.decisions.time_s.tolist() == [0.0, 10.0, 10_000.0]


def test_empty_node_goes_off_and_waking_takes_time() -> None:
    """Off 100 s after it emptied at 50 s; at 400 s a job wakes it, runs from 430 s to 440 s."""
    settings = EngineSettings(noise_sigma=0.0, hidden_sigma=0.0, gating=Gating(idle_s=100.0, wake_s=30.0))
    jobs = [job("a", reference_s=50.0), job("b", submit_s=400.0, reference_s=10.0)]
    records, _ = run(cluster(("V100", 1)), jobs, Script(at_0=place(a="n0/0"), at_400=place(b="n0/0")), settings)
    assert row(records.jobs, job_id="b")["first_start_s"] == 430.0
    assert row(records.jobs, job_id="b")["end_s"] == 440.0
    node = row(records.nodes, node_id="n0")
    assert node["on_s"] == pytest.approx(150 + 40)
    busy_w, idle_w, context_w, off_w = 300 + 1.2 * 150, 300 + 1.2 * 40, 300 + 1.2 * 50, 10
    assert node["energy_j"] == pytest.approx(50 * busy_w + 100 * idle_w + 250 * off_w + 30 * context_w + 10 * busy_w)
    assert records.events.event.tolist().count("node_off") == 1


def test_power_cap_slows_and_limits() -> None:
    """Cap 100 W on a job that draws 150 W: speed ((100 - 50) / (150 - 50))^1 = .5, 100 W."""
    decision = Decision(place={"a": gpus("n0/0")}, power_caps={gpus("n0/0")[0]: 100.0})
    records, _ = run(cluster(("V100", 1)), [job("a")], Script(at_0=decision))
    assert row(records.jobs, job_id="a")["end_s"] == pytest.approx(200.0)
    assert records.gpus.energy_j.tolist() == pytest.approx([20_000.0])


def test_job_that_failed_in_the_trace_fails_after_its_work() -> None:
    jobs = [job("a", source_status="failed"), job("b", source_status="killed"), job("c")]
    records, _ = run(cluster(("V100", 3)), jobs, Script(at_0=place(a="n0/0", b="n0/1", c="n0/2")))
    assert records.jobs.status.tolist() == ["failed", "failed", "finished"]
    assert records.jobs.end_s.tolist() == [100.0, 100.0, 100.0]


def test_run_ends_when_pending_jobs_find_no_place() -> None:
    records, _ = run(cluster(("V100", 1)), [job("a")], Script(), EngineSettings(stall_s=3_000.0))
    assert row(records.jobs, job_id="a")["status"] == "unfinished"
    assert math.isnan(row(records.jobs, job_id="a")["end_s"])  # type: ignore[arg-type]
    assert records.timeline.time_s.iloc[-1] == 3_000.0


def test_horizon_ends_the_run_with_work_so_far() -> None:
    records, _ = run(
        cluster(("V100", 1)), [job("a")], Script(at_0=place(a="n0/0")), EngineSettings(horizon_s=40.0, hidden_sigma=0.0)
    )
    done = row(records.jobs, job_id="a")
    assert done["status"] == "unfinished"
    assert done["done_s"] == pytest.approx(40.0)
    assert done["allocated_gpu_s"] == pytest.approx(40.0)


def test_each_stretch_is_measured_once_with_its_partners() -> None:
    truth = profile(sensitivity=1.0, intensity=1.0)
    jobs = [job("a", reference_s=400.0), job("b", submit_s=100.0, reference_s=100.0)]
    script = LearningScript(at_0=place(a="n0/0"), at_100=place(b="n0/0"))
    records, _ = run(cluster(("V100", 1)), jobs, script, truth=truth)
    seen = [(o.job.job_id, o.rate, tuple(p.job_id for p in o.partners), o.power_w) for o in script.observations]
    # a alone until 100, then both at half speed until 300. The last stretch ends with the run: nobody left to tell.
    assert seen[0] == ("a", pytest.approx(10.0), (), 150.0)
    assert sorted(seen[1:3]) == [("a", pytest.approx(5.0), ("b",), 150.0), ("b", pytest.approx(5.0), ("a",), 150.0)]
    assert len(seen) == 3
    assert records.estimates.predicted_rate.tolist() == pytest.approx([2 * o.rate for o in script.observations])


def test_hidden_factors_do_not_depend_on_the_policy_or_job_order() -> None:
    settings = EngineSettings(hidden_sigma=0.3)
    jobs = [job(name) for name in "abc"]
    ends = []
    for names in ("abc", "cba"):
        where = {name: f"n0/{slot}" for slot, name in enumerate(names)}
        records, _ = run(
            cluster(("V100", 3)), [jobs["abc".index(n)] for n in names], Script(at_0=place(**where)), settings
        )
        ends.append(sorted(zip(records.jobs.job_id, records.jobs.end_s, strict=True)))
    assert ends[0] == ends[1]
    assert len({end for _, end in ends[0]}) == 3


@pytest.mark.parametrize(
    ("decision", "complaint"),
    [
        (place(z="n0/0"), "neither pending nor running"),
        (place(a="n0/9"), "not in cluster"),
        (place(a="n0/0 n0/1"), "needs 1 different GPUs"),
        (place(gang="n0/0 n0/0"), "needs 2 different GPUs"),
        (place(picky="n0/0"), "may not run on V100"),
        (place(huge="n1/0"), "cannot run on T4"),
        (place(a="n0/0", b="n0/0", c="n0/0"), "more than theta = 2"),
        (place(fat1="n0/0", fat2="n0/0"), "more than its 16 GiB"),
        (Decision(evict=frozenset({"a"})), "not running"),
    ],
)
def test_an_impossible_decision_names_its_fault(decision: Decision, complaint: str) -> None:
    truth = profile(
        (workload("cnn"), workload("rnn"), workload("huge"), workload("fat", 9.0)),
        [[10.0, 4.0], [2.0, 1.0], [1.0, math.nan], [1.0, 1.0]],
    )
    jobs = [
        *(job(name) for name in "abc"),
        job("gang", num_gpus=2),
        job("picky", allowed_gpu_types=frozenset({"T4"})),
        job("huge", kind="huge"),
        job("fat1", kind="fat"),
        job("fat2", kind="fat"),
    ]
    with pytest.raises(InvalidDecisionError, match=complaint):
        run(cluster(("V100", 2), ("T4", 2)), jobs, Script(at_0=decision), truth=truth)


def test_wakes_name_their_reasons() -> None:
    script = Script(at_0=place(a="n0/0"))
    run(cluster(("V100", 1)), [job("a", reference_s=350.0)], script, FRICTIONLESS)
    assert [view.wakes for view in script.views] == [{Wake.ARRIVAL}, {Wake.ROUND}]
