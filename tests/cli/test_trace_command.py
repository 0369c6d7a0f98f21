"""`gogh-sim trace`: check, fix, stats, plot, convert, fetch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from trace_samples import SAMPLES, write

from gogh_sim.cli import main
from gogh_sim.traces import formats, generate

ITP = "job_id,submission_time,duration,num_gpu\na,1,5,1\nb,x,5,1\nc,3,5,100\n"


def test_check_names_and_fixes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "t.csv", ITP)
    assert main(["trace", "check", str(path), "--format", "itp", "--gpus", "8"]) == 2
    said = capsys.readouterr()
    assert f"error: {path}, line 3, column submission_time: expected a number from 0 to 1e+12, found 'x'" in said.out
    assert f"error: {path}, line 4, column num_gpu: expected at most the cluster's 8 GPUs" in said.out
    fixed = tmp_path / "u.csv"
    assert main(["trace", "check", str(path), "--format", "itp", "--gpus", "8", "--fix", str(fixed)]) == 0
    assert "without 2 faulty rows" in capsys.readouterr().out
    assert fixed.read_text() == "job_id,submission_time,duration,num_gpu\na,1,5,1\n"
    assert len((tmp_path / "u.csv.quarantine.csv").read_text().splitlines()) == 3
    assert main(["trace", "check", str(fixed), "--format", "itp"]) == 0


def test_fix_refuses_a_file_that_is_no_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "t.csv", "a,b\n1,2\n")
    assert main(["trace", "check", str(path), "--format", "itp", "--fix", str(tmp_path / "u")]) == 2
    assert "expected a column" in capsys.readouterr().err
    assert not (tmp_path / "u").exists()


def test_fix_leaves_faults_of_nodes_to_the_user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sources = SAMPLES["openb"].put(tmp_path)
    assert sources.nodes is not None
    write(sources.nodes, "sn,cpu_milli,memory_mib,gpu,model\nn0,1,1,many,T4\n")
    command = ["trace", "check", str(sources.jobs), "--format", "openb", "--nodes", str(sources.nodes)]
    assert main([*command, "--fix", str(tmp_path / "u")]) == 2
    assert f"{sources.nodes}, line 2, column gpu" in capsys.readouterr().err
    assert not (tmp_path / "u").exists()


def test_stats_lay_traces_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in (1, 2):
        (tmp_path / str(seed)).mkdir()
        formats.write("itp", generate("philly_style", 50, np.random.default_rng(seed)), tmp_path / str(seed) / "t.csv")
    paths = [str(tmp_path / "1" / "t.csv"), str(tmp_path / "2" / "t.csv")]
    figure = tmp_path / "f.png"
    assert main(["trace", "stats", *paths, "--format", "itp", "--plot", str(figure)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["t.csv", "(1)", "t.csv", "(2)"]
    cells = dict(zip((line.split()[0] for line in lines), (line.split()[1:] for line in lines), strict=True))
    assert cells["jobs"] == ["50", "50"]
    assert cells["duration_p50_s"][0] != cells["duration_p50_s"][1]
    assert figure.read_bytes().startswith(b"\x89PNG")
    two = ["--format", "itp", "--format", "itp", "--format", "itp"]
    assert main(["trace", "stats", *paths, *two]) == 2
    assert main(["trace", "stats", *paths, "--format", "itp", "--plot", str(tmp_path / "f.docx")]) == 2


def test_convert_takes_throughputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sources = SAMPLES["gavel"].put(tmp_path)
    command = ["trace", "convert", str(sources.jobs), str(tmp_path / "out.csv"), "--from", "gavel", "--to", "plain"]
    assert main(command) == 2
    assert "trace.throughputs" in capsys.readouterr().err
    assert main([*command, "--throughputs", str(sources.throughputs)]) == 0
    said = capsys.readouterr().out
    assert "left out: no throughput known for this type and size: 2 rows" in said
    trace = formats.read("plain", tmp_path / "out.csv")
    assert trace.jobs["deadline_s"].tolist() == [53, np.inf]
    assert main([*command[:-1], "pollux", "--throughputs", str(sources.throughputs)]) == 2


def test_generate_at_a_load(tmp_path: Path) -> None:
    for load in ("0.5", "1.0"):
        out = tmp_path / f"{load}.csv"
        given = ["trace", "generate", "philly_style", str(out), "--jobs", "200", "--load", load, "--gpus", "32"]
        assert main([*given, "--longest-s", "86400", "--format", "itp"]) == 0
        jobs = formats.read("itp", out).jobs
        offered = (jobs["duration_s"] * jobs["num_gpus"]).sum() / np.ptp(jobs["submit_s"]) / 32
        assert offered == pytest.approx(float(load), rel=0.01)


def test_fetch_lists_and_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "fetch"]) == 0
    said = capsys.readouterr().out
    assert "itp_cluster04.csv" in said
    assert "MIT; Gu et al., ASPLOS 2023" in said
    assert main(["trace", "fetch", "../../etc/passwd"]) == 2


RATES = "service,time_s,requests_per_s\na,0,2\na,60,4\n"


def test_traces_of_requests_are_checked_mended_and_described(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, fixed, figure = write(tmp_path / "r.csv", RATES + "a,x,1\n"), tmp_path / "s.csv", tmp_path / "f.png"
    assert main(["trace", "check", str(path)]) == 2
    assert f"error: {path}, line 4, column time_s" in capsys.readouterr().out
    assert main(["trace", "check", str(path), "--fix", str(fixed)]) == 0
    assert fixed.read_text() == RATES
    assert main(["trace", "check", str(fixed)]) == 0
    assert "a sound requests trace" in capsys.readouterr().out
    assert main(["trace", "stats", str(fixed), "--plot", str(figure)]) == 0
    cells = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if "rate_" in line)
    assert (float(cells["rate_mean"]), float(cells["rate_peak"])) == (3.0, 4.0)
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_jobs_and_requests_are_not_described_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [write(tmp_path / "r.csv", RATES), write(tmp_path / "t.csv", "job_id,submission_time,duration,num_gpu\n")]
    assert main(["trace", "stats", *map(str, paths)]) == 2
    assert "have no statistics in common" in capsys.readouterr().err
