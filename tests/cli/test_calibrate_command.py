"""`gogh-sim calibrate` and `add-gpu` as a user types them."""

from __future__ import annotations

import json
import shutil
from importlib import resources
from pathlib import Path

import pandas as pd
import pytest

from gogh_sim import profiles
from gogh_sim.cli import main
from gogh_sim.profiles.calibration.check import CheckResult
from gogh_sim.profiles.own import COLUMNS

L40S = str(resources.files("gogh_sim.profiles") / "examples" / "l40s.yaml")
OWN_ROWS = "solo,T4,a3c-b1,,5,,\npair,T4,a3c-b1,a3c-b1,4,,\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "own.csv").write_text(",".join(COLUMNS) + "\n" + OWN_ROWS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_check_regenerates_the_shipped_tables(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "--data", str(shared_data), "--check"]) == 0
    said = capsys.readouterr().out
    assert "byte for byte" in said
    (line,) = [line for line in said.splitlines() if "gavel v100" in line and "held-out pairs" in line]
    assert line.split()[-2:] == ["0.118", "636"]


def test_check_exits_with_1_and_names_what_differs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = pd.DataFrame({"law": ["solo"], "subject": ["x"], "metric": ["m"], "value": [0.5], "points": [3]})
    monkeypatch.setattr("gogh_sim.cli.calibrate.check", lambda data: CheckResult(errors, ("solo.csv",)))
    assert main(["calibrate", "--data", ".", "--check"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "differ from the shipped tables: solo.csv"


def test_tables_derived_again_are_a_profile(
    shared_data: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", "--data", str(shared_data), "--own", "own.csv", "--out", "mine"]) == 0
    assert "in place of" in capsys.readouterr().out
    mine, shipped = profiles.load("mine"), profiles.load()
    t4, a3c = shipped.type_index["T4"], shipped.workload_index["a3c-b1"]
    assert mine.solo_rate[a3c, t4] == pytest.approx(5.0, rel=1e-4)
    assert mine.pair_norms(t4)[a3c, a3c] == pytest.approx(0.8, rel=1e-4)
    assert [w.batch_size for w in mine.workloads] == [w.batch_size for w in shipped.workloads]
    assert mine.solo_tag[a3c, t4] == mine.shared_tag[a3c, t4] == "measured"
    others = [w for w in range(len(shipped.workloads)) if w != a3c]
    assert (mine.reference_solo_rate[others] == shipped.reference_solo_rate[others]).all()


def test_measurements_that_do_not_fit_leave_nothing(shared_data: Path, folder: Path) -> None:
    (folder / "unknown.csv").write_text(",".join(COLUMNS) + "\nsolo,T4,nonesuch,,5,,\n")
    assert main(["calibrate", "--data", str(shared_data), "--own", "unknown.csv", "--out", "mine"]) == 2
    assert not (folder / "mine").exists()


def test_tables_written_afresh_are_the_shipped_ones(shared_data: Path, folder: Path) -> None:
    assert main(["calibrate", "--data", str(shared_data), "--out", "mine"]) == 0
    shipped = Path(str(resources.files("gogh_sim.profiles") / "calibrated"))
    written = sorted(path.name for path in (folder / "mine").iterdir())
    assert len(written) == 7
    assert all((folder / "mine" / name).read_bytes() == (shipped / name).read_bytes() for name in written)


def test_own_measurements_go_over_a_profile_without_the_public_data(folder: Path) -> None:
    assert main(["calibrate", "--own", "own.csv", "--out", "mine"]) == 0
    mine = profiles.load("mine")
    assert mine.solo_rate[mine.workload_index["a3c-b1"], mine.type_index["T4"]] == pytest.approx(5.0, rel=1e-4)


@pytest.mark.parametrize("scheduler", ["best_fit", "gogh", "oracle"])
def test_a_cluster_of_an_added_type_is_simulated(
    scheduler: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gogh_sim.cli.run.report", lambda directory: "")
    assert main(["add-gpu", L40S, "--out", "wider"]) == 0
    assert "L40S: speeds of 111 datasheet workloads" in capsys.readouterr().out
    nodes = "cluster.nodes=[{gpu_type:L40S,count:2,gpus_per_node:8}]"
    trace = "trace=philly_style trace.jobs=12 trace.oversize=skip"
    assert main(["run", "profile.name=wider", nodes, *trace.split(), f"scheduler={scheduler}", "hydra.run.dir=o"]) == 0
    summary = json.loads((folder / "o" / "summary.json").read_text())
    assert summary["profile"] == "wider"
    assert summary["jobs_finished"] + summary["jobs_failed"] == summary["jobs_total"] > 0
    assert sum(summary["source_shares"].values()) == pytest.approx(1.0)
    assert set(summary["source_shares"]) <= {"datasheet", "transferred"}
    assert summary["source_shares"]["datasheet"] > 0
    assert set(pd.read_parquet(folder / "o" / "gpus.parquet")["gpu_type"]) == {"L40S"}


def test_a_measured_point_of_a_new_type_is_kept_and_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = Path(L40S).read_text() + "measured:\n  - {workload: resnet50-b64, rate_per_s: 9.1, power_w: 310}\n"
    (folder / "gpu.yaml").write_text(text)
    assert main(["add-gpu", "gpu.yaml", "--out", "wider"]) == 0
    assert main(["list", "workloads", "--profile", "wider"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  resnet50-b64 ")]
    profile = profiles.load("wider")
    speed = 9.1 / profile.reference_solo_rate[profile.workload_index["resnet50-b64"]]
    assert f"L40S {speed:.2f} mt" in line
    assert "training" in line


BAD = [
    ("calibrate", "one of the arguments --out --check --figures is required"),
    ("calibrate --check", "needs --data DIR"),
    ("calibrate --check --out x", "not allowed with"),
    ("calibrate --figures x", "needs --data DIR"),
    ("calibrate --figures x --data .", "expected the data folder to hold"),
    ("calibrate --out mine", "needs --data DIR or --own FILE.csv"),
    ("calibrate --data absent --check", "absent: expected a folder"),
    ("calibrate --data . --out mine", "expected the data folder to hold"),
    ("calibrate --data . --profile x --out mine", "not allowed with"),
    ("calibrate --own absent.csv --out mine", "absent.csv: expected a CSV"),
    ("calibrate --own bad.csv --out mine", "bad.csv, line 2, column rate_per_s"),
    ("calibrate --own unknown.csv --out mine", "unknown.csv, line 2, column workload"),
    ("calibrate --own own.csv --out absent/mine", "absent"),
    ("calibrate --own own.csv --out own.csv", "own.csv: expected a folder to write into"),
    ("calibrate --own own.csv --out mine --profile absent", "'absent'"),
    ("add-gpu", "FILE.yaml"),
    ("add-gpu gpu.yaml", "--out"),
    ("add-gpu absent.yaml --out x", "absent.yaml"),
    ("add-gpu bad.yaml --out x", "bad.yaml, column tdp_w: expected a number of at least 0, found 'high'"),
    ("add-gpu known.yaml --out x", "GPU type A100 is already in the profile"),
    ("add-gpu gpu.yaml --out x/y", "expected a folder to write into"),
    ("add-gpu gpu.yaml --out x --profile absent", "'absent'"),
    ("add-gpu gpu.yaml --out x --profile empty", "gpu_types.csv: expected a profile table, found none"),
    ("list workloads --profile absent", "'absent'"),
]


@pytest.mark.parametrize(("line", "named"), BAD)
def test_a_user_error_is_one_line_and_leaves_nothing(
    line: str, named: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(L40S, folder / "gpu.yaml")
    text = Path(L40S).read_text()
    (folder / "bad.yaml").write_text(text.replace("tdp_w: 350 ", "tdp_w: high "))
    (folder / "known.yaml").write_text(text.replace("gpu_type: L40S", "gpu_type: A100"))
    (folder / "bad.csv").write_text(",".join(COLUMNS) + "\nsolo,T4,a3c-b1,,fast,,\n")
    (folder / "unknown.csv").write_text(",".join(COLUMNS) + "\nsolo,T4,nonesuch,,5,,\n")
    (folder / "empty").mkdir()
    before = sorted(folder.rglob("*"))
    assert main(line.split()) == 2
    said = capfd.readouterr()
    assert said.err.startswith("gogh-sim: error: ")
    assert said.err.count("\n") == 1
    assert named in said.err
    assert not said.out
    assert sorted(folder.rglob("*")) == before
