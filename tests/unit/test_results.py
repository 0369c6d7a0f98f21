from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pandas as pd
import pytest
from synthetic_runs import save_sweep

from gogh_sim.errors import InputError
from gogh_sim.metrics.comparison import Replicates, by_setting, compare, policy_order, varied_parameters
from gogh_sim.metrics.differences import baseline_of, differences
from gogh_sim.metrics.results import load_run, load_runs, stack, summaries


@pytest.fixture
def sweep_dir(tmp_path: Path) -> Path:
    save_sweep(tmp_path, ("gogh", "fifo"), seeds=(1, 2), jobs=20)
    return tmp_path


def override(run_dir: Path, *overrides: str) -> None:
    (run_dir / ".hydra").mkdir(exist_ok=True)
    (run_dir / ".hydra" / "overrides.yaml").write_text(json.dumps(overrides))


def set_summary(run_dir: Path, **values: float) -> None:
    file = run_dir / "summary.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def test_a_run_is_read_back_as_it_was(sweep_dir: Path) -> None:
    run = load_run(sweep_dir / "0")
    assert (run.scheduler, run.seed, run.setting) == ("gogh", 1, "made_up, small, none")
    assert len(run.jobs) == 20
    assert run.gpus is not None
    assert math.isnan(run.summary["gap_max"])  # null in the file


def test_stacked_tables_are_joinable_by_run(sweep_dir: Path) -> None:
    runs = load_runs(sweep_dir)
    jobs = stack(runs, "jobs")
    assert len(jobs) == 4 * 20
    assert jobs.groupby("run")["job_id"].nunique().tolist() == [20] * 4
    assert set(jobs["run"]) == set(summaries(runs)["run"])
    assert stack(runs, "estimates")["predicted_rate"].dtype == "float64"  # though fifo has no rows


def test_overrides_tell_policies_and_settings_apart(sweep_dir: Path) -> None:
    override(sweep_dir / "0", "scheduler=gogh", "seed=1", "scheduler.margin=0.1", "trace.load=0.9")
    run = load_run(sweep_dir / "0")
    assert run.scheduler == "gogh (margin=0.1)"
    assert run.setting == "made_up, small, none, trace.load=0.9"


def test_repeated_runs_are_no_replicates(sweep_dir: Path) -> None:
    save_sweep(sweep_dir / "again", ("fifo",), seeds=(1,), jobs=20)
    replicates = Replicates.of(load_runs(sweep_dir))
    assert [run.path.name for run in replicates.repeated] == ["2"]
    assert len(replicates.runs) == 4


def test_differences_are_paired_by_seed(sweep_dir: Path) -> None:
    for run, kwh, slo in (
        ("0", 8.0, 0.9),
        ("1", 15.0, 0.8),
        ("2", 10.0, 0.5),
        ("3", 20.0, 0.6),
    ):  # gogh 1, 2; fifo 1, 2
        set_summary(sweep_dir / run, node_energy_kwh=kwh, slo_attainment=slo)
    table = differences(load_runs(sweep_dir), "fifo").set_index(["scheduler", "measure"])
    assert set(table.index.get_level_values("scheduler")) == {"gogh"}
    energy, slo = (table.loc[("gogh", measure)] for measure in ("node_energy_kwh", "slo_attainment"))
    assert energy["mean"] == pytest.approx(-22.5)  # -20 % and -25 %
    assert energy["high"] - energy["mean"] == pytest.approx(12.7062 * 2.5, rel=1e-4)  # t(0.975, 1) = 12.7062
    assert slo["mean"] == pytest.approx(0.3)  # .4 and .2, not in percent
    assert (energy["relative"], slo["relative"], energy["pairs"]) == (True, False, 2)
    back = differences(load_runs(sweep_dir), "gogh").set_index("measure")
    assert back.loc["node_energy_kwh", "mean"] == pytest.approx((25 + 100 / 3) / 2)


def test_only_seeds_that_both_have_are_pairs(sweep_dir: Path) -> None:
    shutil.rmtree(sweep_dir / "3")  # fifo, seed 2
    table = differences(load_runs(sweep_dir), "fifo")
    assert table["pairs"].tolist() == [1] * len(table)
    assert table["low"].isna().all()


def test_without_the_baseline_there_are_no_differences(sweep_dir: Path) -> None:
    runs = [run for run in load_runs(sweep_dir) if run.scheduler == "gogh"]
    assert differences(runs, "fifo").empty
    assert baseline_of(runs) == "gogh"
    assert baseline_of(load_runs(sweep_dir)) == "fifo"
    assert compare(runs).set_index("measure").loc["node_energy_kwh", "seeds"] == 2


def test_a_baseline_of_another_setting_does_not_count(sweep_dir: Path) -> None:
    for run in ("0", "1"):
        override(sweep_dir / run, "trace.load=0.9")
    runs = load_runs(sweep_dir)
    assert list(by_setting(runs)) == ["made_up, small, none", "made_up, small, none, trace.load=0.9"]
    assert differences(runs, "fifo").empty


def test_parameters_that_vary_are_found_apart_from_those_that_do_not(sweep_dir: Path) -> None:
    for run, margin in (("0", 0.1), ("1", 0.2), ("2", 0.1)):
        override(sweep_dir / run, f"scheduler.margin={margin}", "trace.load=0.9")
    override(sweep_dir / "3", "trace.path=somewhere")
    found = varied_parameters(load_runs(sweep_dir))
    assert list(found) == ["scheduler.margin (trace.load=0.9)"]
    (table,) = found.values()
    assert table["scheduler.margin (trace.load=0.9)"].tolist() == [0.1, 0.2, 0.1]
    assert table["scheduler"].tolist() == ["gogh", "gogh", "fifo"]


def test_what_all_runs_have_in_common_does_not_name_a_parameter(sweep_dir: Path) -> None:
    for run, load in (("0", 0.5), ("1", 0.9), ("2", 0.5), ("3", 0.9)):
        override(sweep_dir / run, f"trace.load={load}", "cluster=small", "trace.max_jobs=80")
    assert list(varied_parameters(load_runs(sweep_dir))) == ["trace.load"]


def test_baselines_come_first_and_the_oracle_last() -> None:
    names = ["oracle", "sjf", "gogh", "best_fit", "gogh_p1", "edf", "fifo", "gogh (margin=0.1)"]
    expected = ["fifo", "best_fit", "edf", "sjf", "gogh", "gogh (margin=0.1)", "gogh_p1", "oracle"]
    assert sorted(names, key=policy_order) == expected


def test_bad_directories_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: expected a directory"):
        load_runs(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"expected a summary.json here or below"):
        load_runs(tmp_path)


@pytest.mark.parametrize("name", ["jobs", "timeline", "decisions", "estimates", "events", "timings"])
def test_a_missing_table_is_named(sweep_dir: Path, name: str) -> None:
    (sweep_dir / "3" / f"{name}.parquet").unlink()
    with pytest.raises(InputError, match=rf"3/{name}.parquet: expected a table"):
        load_runs(sweep_dir)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("summary.json", b"{", "expected JSON"),
        ("summary.json", b"\xff\xfe", "expected JSON"),
        ("summary.json", b"[1]", "expected an object"),
        ("summary.json", b'{"scheduler": "fifo"}', 'expected the key "trace"'),
        ("jobs.parquet", b"noise", "expected a parquet table"),
        ("jobs.parquet", b"", "expected a parquet table"),
        (".hydra/overrides.yaml", b"a: [", "expected YAML"),
        (".hydra/overrides.yaml", b"a: 1", "expected a list"),
    ],
)
def test_bad_files_are_named(sweep_dir: Path, file: str, content: bytes, message: str) -> None:
    target = sweep_dir / "1" / file
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        load_runs(sweep_dir)
    assert caught.value.file == target
    assert "\n" not in str(caught.value)


def test_a_missing_column_is_named(sweep_dir: Path) -> None:
    pd.DataFrame({"time_s": [0.0]}).to_parquet(sweep_dir / "0" / "timeline.parquet")
    with pytest.raises(InputError, match=r"timeline.parquet, column gpu_w: column is missing; found time_s"):
        load_runs(sweep_dir)
