from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pulp
import pytest

from gogh_sim import profiles, traces
from gogh_sim.bench import engine, hotspots, placement, placement_replay, recorded
from gogh_sim.bench import placement_goals as goals
from gogh_sim.bench.placement_case import make_instance
from gogh_sim.bench.placement_replay import Replay, Source
from gogh_sim.cli.main import main
from gogh_sim.errors import InputError
from gogh_sim.metrics.site import integral
from gogh_sim.placement import SolveSettings, solve, solve_uncollapsed


def test_engine_records_have_the_keys_of_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    cases = (engine.Case("small", 40, 60), engine.Case("packed", 30, 64, "best_fit", "alibaba_style"))
    monkeypatch.setattr(engine, "STANDARD", cases)
    assert main(["bench", "engine", "--json", str(tmp_path / "engine.json")]) == 0
    records = json.loads((tmp_path / "engine.json").read_text())
    keys = ["jobs", "gpus", "scheduler", "wall_s", "events", "events_per_s", "simpy_events_per_s", "peak_mib"]
    further = ["case", "cpu_s", "jobs_per_s", "of_simpy", "active_mean", "wall_s_per_day", "profile"]
    assert [list(record) for record in records] == [keys + further] * 2
    assert [(record["case"], record["jobs"], record["gpus"], record["scheduler"]) for record in records] == [
        ("small", 40, 60, "fifo"),
        ("packed", 30, 64, "best_fit"),
    ]
    # A job is submitted, started and finished, each with a decision or without: at least three rows each.
    assert records[0]["events"] >= 3 * 40
    assert records[0]["events_per_s"] == pytest.approx(records[0]["events"] / records[0]["wall_s"])
    assert sum(records[0]["profile"].values()) == pytest.approx(1)
    assert {"policy", "world", "power", "records", "event loop", "clockwork"} <= records[0]["profile"].keys()
    assert len(capfd.readouterr().out.splitlines()) == 2


def test_an_engine_case_by_name(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(engine, "FURTHER", (engine.Case("tiny", 10, 8), engine.Case("other", 10, 8)))
    assert main(["bench", "engine", "--case", "tiny"]) == 0
    (line,) = capfd.readouterr().out.splitlines()
    assert "case tiny" in line
    assert main(["bench", "engine", "--case", "huge"]) == 2
    assert "expected one of philly_10k, " in capfd.readouterr().err


def test_a_case_whose_data_are_absent_is_passed_over_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOGH_DATA", str(tmp_path))
    assert main(["bench", "engine", "--case", "openb", "--json", str(tmp_path / "f.json")]) == 0
    assert "openb is passed over: " in (told := capfd.readouterr().out)
    assert "openb_pod_list_default.csv.gz is not there" in told
    assert json.loads((tmp_path / "f.json").read_text()) == []


def test_openb_is_the_recorded_trace_on_its_own_nodes(shared_data: Path) -> None:
    cluster, jobs = recorded.openb(most_jobs=50)
    assert (len(jobs), cluster.num_gpus, len(cluster.nodes)) == (50, 6_212, 1_213)
    assert not engine.obstacle(engine.Case("openb", 50, 6_212, "best_fit", "openb"))


def test_a_case_has_the_nodes_that_it_says() -> None:
    profile = profiles.load()
    cluster = engine._cluster(engine.Case("x", 10, 42, gpu_types=("V100", "T4")), profile)
    assert [(node.gpu_type, node.num_gpus) for node in cluster.nodes] == [
        *[("V100", 8), ("V100", 8), ("V100", 5)],
        *[("T4", 8), ("T4", 8), ("T4", 5)],
    ]


def test_time_is_put_to_the_parts_that_spent_it() -> None:
    found = hotspots.shares(lambda: [integral(np.arange(100.0), np.ones(100)) for _ in range(50)])
    assert found == {"other": pytest.approx(1)}
    frame = hotspots.shares(lambda: [pd.DataFrame({"a": [1]}) for _ in range(20)])
    assert next(iter(frame)) == "records"


def test_a_folder_that_is_not_there_is_said_before_anything_runs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "engine", "--json", str(tmp_path / "no" / "engine.json")]) == 2
    assert "expected a folder" in capfd.readouterr().err


def test_placement_records_have_the_keys_of_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    cases = (
        placement.Case(40, 6, 2, 3, instances=2),
        placement.Case(20, 4, 1, 2, "binary", instances=1),
    )
    monkeypatch.setattr(placement, "STANDARD", cases)
    monkeypatch.setenv("GOGH_DATA", str(tmp_path / "nowhere"))
    replays = (Replay(active=12, jobs=60, gpus=32, load=2.0, decisions=3, goal_s=60.0), Replay(Source.PHILLY))
    monkeypatch.setattr(placement_replay, "STANDARD", replays)
    assert main(["bench", "placement", "--json", str(tmp_path / "placement.json")]) == 0
    records = json.loads((tmp_path / "placement.json").read_text())
    keys = "jobs groups gpu_types theta columns_priced columns_in_master build_s solve_s assign_s total_s gap status"
    also = ["peak_mib", "formulation", "pulp_share", "seconds", "case", "goal"]
    assert [list(record) for record in records[:2]] == [[*keys.split(), *also]] * 2
    collapsed, binary, replay, skipped = records
    assert skipped.keys() == {"case", "formulation", "status"}
    assert skipped["status"].startswith("skipped: ")
    assert "GOGH_DATA" in skipped["status"]
    assert (collapsed["case"], collapsed["goal"]) == ("collapsed_40_6x2", "no goal")
    assert (replay["case"], replay["goal"].split()[0]) == ("replay_philly_style_12", "met:")
    assert replay["formulation"] == "replay"
    assert replay["decisions"] == 3
    assert 9 <= replay["jobs"] <= 15
    for record in records[:3]:
        program_s = sum(spent for phase, spent in record["seconds"].items() if phase != "rest")
        assert 0 < record["pulp_share"] < 1
        assert 0 < program_s <= record.get("total_max_s", record["total_s"]) * 1.5
    assert (collapsed["jobs"], collapsed["groups"], collapsed["formulation"]) == (40, 12, "collapsed")
    assert (binary["jobs"], binary["groups"], binary["formulation"]) == (20, 20, "binary")
    assert collapsed["status"] == binary["status"] == "optimal"
    assert collapsed["columns_in_master"] <= collapsed["columns_priced"]
    assert binary["columns_in_master"] > 20
    assert collapsed["total_s"] >= collapsed["build_s"] + collapsed["solve_s"]
    assert len(capfd.readouterr().out.splitlines()) == 4


def test_a_goal_is_met_by_time_gap_pulp_and_memory_together() -> None:
    kept = {"total_s": 0.4, "gap": 0.005, "pulp_share": 0.4, "peak_mib": 1000.0, "goal_s": 0.5}
    assert goals.verdict(**kept) == "met: 0.4 of 0.5 s"
    assert goals.verdict(**{**kept, "goal_s": None}) == "no goal"
    for name, value in {"total_s": 0.6, "gap": 0.0051, "pulp_share": 0.41, "peak_mib": 1025.0}.items():
        assert goals.verdict(**{**kept, name: value}).startswith(f"missed: {name} {value:.3g} over ")
    assert goals.verdict(**{**kept, "gap": None}).startswith("missed: gap inf")


def test_a_recorded_trace_is_seen_from_the_moment_at_which_enough_jobs_run() -> None:
    columns = {
        "job_id": list("abcde"),
        "submit_s": [0.0, 10.0, 20.0, 25.0, 90.0],
        "duration_s": [15.0, 100.0, 50.0, 5.0, 9.0],
    }
    trace = traces.Trace(traces.jobs_frame(**columns, num_gpus=1), None, {}, "by hand")
    seen = placement_replay._seen_at(trace, Replay(active=3)).jobs
    # At 25 s, b, c and d run: 85, 45 and 5 s are left; e comes 65 s later.
    assert seen["job_id"].tolist() == ["b", "c", "d", "e"]
    assert seen["submit_s"].tolist() == [0.0, 0.0, 0.0, 65.0]
    assert seen["duration_s"].tolist() == [85.0, 45.0, 5.0, 9.0]
    with pytest.raises(InputError, match="never 4 jobs at once"):
        placement_replay._seen_at(trace, Replay(active=4))


def test_a_binary_model_without_an_answer_is_a_record_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulp.PULP_CBC_CMD, "pulp_cbc_path", "/nowhere/cbc")
    record = placement.bench(placement.Case(20, 4, 1, 2, "binary", instances=1))
    assert (record.status, record.gap) == ("solver missing", None)


def test_both_formulations_find_the_same_optimum() -> None:
    instance = make_instance(placement.Case(24, 5, 2, 3), profiles.load(), np.random.default_rng(3))
    exact = SolveSettings(gap=0.0)
    collapsed = solve(instance.problem, exact).report
    binary = solve_uncollapsed(instance.problem, exact)
    assert collapsed.status == binary.status == "optimal"
    assert collapsed.objective == pytest.approx(binary.objective, rel=1e-6)
    assert binary.groups == 24 == int(instance.problem.groups.count.sum())


@pytest.mark.parametrize(
    ("values", "match"), [((10, 4, 9, 2), "tiers must be"), ((10, 4, 1, 2, "loose"), "collapsed or binary")]
)
def test_cases_say_what_is_wrong_with_them(values: tuple[int, int, int, int], match: str) -> None:
    with pytest.raises(InputError, match=match):
        placement.Case(*values)


def test_more_workloads_than_the_profile_has_are_refused() -> None:
    with pytest.raises(InputError, match="training workloads, 5000 are asked for"):
        make_instance(placement.Case(10, 5000, 1, 2), profiles.load(), np.random.default_rng(0))
