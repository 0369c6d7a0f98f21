from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gogh_sim import profiles
from gogh_sim.bench import engine, placement
from gogh_sim.bench.placement_case import make_instance
from gogh_sim.cli.main import main
from gogh_sim.errors import InputError
from gogh_sim.placement import SolveSettings, solve, solve_uncollapsed


def test_engine_records_have_the_keys_of_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "STANDARD", (engine.Case(40, 64), engine.Case(30, 64, "best_fit")))
    assert main(["bench", "engine", "--json", str(tmp_path / "engine.json")]) == 0
    records = json.loads((tmp_path / "engine.json").read_text())
    keys = ["jobs", "gpus", "scheduler", "wall_s", "events", "events_per_s", "simpy_events_per_s", "peak_mib"]
    assert [list(record) for record in records] == [keys, keys]
    assert [(record["jobs"], record["gpus"], record["scheduler"]) for record in records] == [
        (40, 64, "fifo"),
        (30, 64, "best_fit"),
    ]
    # A job is submitted, started, ready and finished, each with a decision or without: at least three rows each.
    assert records[0]["events"] >= 3 * 40
    assert records[0]["events_per_s"] == pytest.approx(records[0]["events"] / records[0]["wall_s"])
    assert len(capfd.readouterr().out.splitlines()) == 2


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
    assert main(["bench", "placement", "--json", str(tmp_path / "placement.json")]) == 0
    records = json.loads((tmp_path / "placement.json").read_text())
    keys = "jobs groups gpu_types theta columns_priced columns_in_master build_s solve_s assign_s total_s gap status"
    assert [list(record) for record in records] == [[*keys.split(), "peak_mib", "formulation"]] * 2
    collapsed, binary = records
    assert (collapsed["jobs"], collapsed["groups"], collapsed["formulation"]) == (40, 12, "collapsed")
    assert (binary["jobs"], binary["groups"], binary["formulation"]) == (20, 20, "binary")
    assert collapsed["status"] == binary["status"] == "optimal"
    assert collapsed["columns_in_master"] <= collapsed["columns_priced"]
    assert binary["columns_in_master"] > 20
    assert collapsed["total_s"] >= collapsed["build_s"] + collapsed["solve_s"]
    assert len(capfd.readouterr().out.splitlines()) == 2


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
