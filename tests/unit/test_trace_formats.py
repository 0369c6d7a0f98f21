"""One small trace in every format: what becomes a job, what is left out, what is written and read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from trace_samples import GAVEL_10, LM, SAMPLES, Sample, gavel_row, pack, write

from gogh_sim.errors import InputError
from gogh_sim.traces import (
    FORMATS,
    Sources,
    assign_sla,
    cut,
    first,
    formats,
    generate,
    guess,
    map_workloads,
    scale_gaps,
    statistics,
)
from gogh_sim.traces.schema import Trace

WRITABLE = sorted(name for name, form in FORMATS.items() if form.write)


def read(sources: Sources, format: str) -> Trace:
    return FORMATS[format].read(sources)


def test_every_format_has_a_sample() -> None:
    assert {sample.format for sample in SAMPLES.values()} == set(FORMATS)


@pytest.mark.parametrize("name", SAMPLES)
def test_rows_become_jobs_or_are_counted(tmp_path: Path, name: str) -> None:
    sample = SAMPLES[name]
    trace = read(sample.put(tmp_path), sample.format)
    columns = trace.jobs[["submit_s", "duration_s", "num_gpus", "gpu_fraction"]]
    assert columns.to_numpy(np.float64) == pytest.approx(np.array(sample.jobs, dtype=np.float64))
    assert dict(trace.left_out) == sample.left_out
    nodes = None if trace.nodes is None else [(n.node_id, n.gpu_type, n.num_gpus) for n in trace.nodes]
    assert nodes == sample.expected_nodes


@pytest.mark.parametrize("name", SAMPLES)
def test_windows_and_gaps_hold_for_every_format(tmp_path: Path, name: str) -> None:
    """From the second submission on, then the first job of those, then gaps three times as long: run times stay."""
    sample = SAMPLES[name]
    whole = read(sample.put(tmp_path), sample.format)
    submits = np.array(sorted(job[0] for job in sample.jobs))
    later = submits[submits >= submits[min(1, len(submits) - 1)]]
    window = cut(whole, float(later[0]), float(np.ptp(later)) + 1.0)
    assert window.jobs["submit_s"].to_numpy() == pytest.approx(later - later[0])
    assert window.rows == whole.rows
    assert len(first(window, 1).jobs) == 1
    slower = scale_gaps(window, 3.0).jobs
    assert slower["submit_s"].to_numpy() == pytest.approx(3.0 * (later - later[0]))
    assert slower["duration_s"].tolist() == window.jobs["duration_s"].tolist()


@pytest.mark.parametrize("name", SAMPLES)
def test_the_format_is_told_by_the_first_row(tmp_path: Path, name: str) -> None:
    sample = SAMPLES[name]
    assert guess(pack(tmp_path / "packed", sample.text)) == sample.format
    assert guess(sample.put(tmp_path).jobs) == sample.format


def test_a_format_that_is_none_is_said(tmp_path: Path) -> None:
    for content in ("", "a,b,c\n", "\n\n"):
        with pytest.raises(InputError, match="name the format by --format"):
            guess(write(tmp_path / "t", content))
    assert guess(tmp_path) == "pai_tables"


@pytest.mark.parametrize("name", SAMPLES)
def test_gzip_gives_the_same(tmp_path: Path, name: str) -> None:
    sample = SAMPLES[name]
    plain = sample.put(tmp_path)
    packed = replace(plain, jobs=pack(tmp_path / "packed", sample.text))
    assert read(packed, sample.format).jobs.equals(read(plain, sample.format).jobs)


@pytest.mark.parametrize("name", sorted(SAMPLES.keys() - {"philly"}))  # a JSON record has no width
def test_a_cut_row_is_named(tmp_path: Path, name: str) -> None:
    sample = SAMPLES[name]
    rows = sample.text.splitlines(keepends=True)
    separator = {"gavel": "\t", "swf": None}.get(sample.format, ",")
    cut = (separator or " ").join(rows[-1].split(separator)[:2]) + "\n"
    sources = replace(sample, text=sample.text + cut).put(tmp_path)
    faults = [f for f in formats.check(sample.format, sources) if f.what.endswith("cells in the row, found 2")]
    assert [(f.line, f.count, f.severity) for f in faults] == [(len(rows) + 1, 1, "error")]


def job(name: str, tmp_path: Path, number: int = 0) -> dict:
    sample = SAMPLES[name]
    return read(sample.put(tmp_path), sample.format).jobs.iloc[number].to_dict()


def test_what_the_columns_hold(tmp_path: Path) -> None:
    assert job("acme", tmp_path)["queue"] == "Pretrain"
    assert job("acme", tmp_path, 1)["status"] == "failed"
    assert (job("helios", tmp_path)["queue"], job("helios", tmp_path)["status"]) == ("vcX", "failed")
    assert (job("pai", tmp_path)["gpu_models"], job("pai", tmp_path)["user"]) == ("T4", "abc")
    assert (job("spot", tmp_path)["queue"], job("spot", tmp_path)["gpu_models"]) == ("Spot", "H800")
    assert (job("swf", tmp_path)["user"], job("swf", tmp_path, 1)["user"]) == ("3", "")
    assert job("swf", tmp_path, 1)["status"] == "failed"
    assert job("pai_tables", tmp_path, 1)["status"] == "failed"
    assert job("pollux", tmp_path)["workload"] == "imagenet"
    plain = job("plain", tmp_path, 1)
    assert (plain["gpu_models"], plain["workload"], plain["deadline_s"]) == ("A100|T4", "dqn-b128", 100)
    assert job("plain", tmp_path)["deadline_s"] == np.inf
    assert job("plain", tmp_path)["status"] == "pass"


def test_calendars(tmp_path: Path) -> None:
    origins = {"acme": "2023-03-01", "helios": "2020-04-01", "itp": "2021-03-04", "swf": "1970-01-02"}
    for name, day in origins.items():
        sample = SAMPLES[name]
        assert read(sample.put(tmp_path), sample.format).origin == f"{day} 00:00:00"


def test_gavel_keeps_deadlines_and_names_of_workloads(tmp_path: Path) -> None:
    sample = SAMPLES["gavel"]
    trace = read(sample.put(tmp_path), "gavel")
    assert trace.jobs["deadline_s"].tolist() == [3 + 2 * 25, np.inf]
    assert map_workloads(trace, {LM: "lstm-lm-b10"}).jobs["workload"].tolist() == ["lstm-lm-b10"] * 2
    kept = assign_sla(trace, [(9.0, 1.0)], np.random.default_rng(0)).jobs["deadline_s"]
    assert kept.tolist() == [53, np.inf]
    none = replace(sample, text=GAVEL_10.replace("2.0\t", "-1\t"))
    assert "deadline_s" not in read(none.put(tmp_path), "gavel").jobs


def test_gavel_without_throughputs_says_what_to_give(tmp_path: Path) -> None:
    path = write(tmp_path / "t", GAVEL_10)
    with pytest.raises(InputError, match=r"steps, not run times; give trace\.throughputs"):
        formats.read("gavel", path)
    with pytest.raises(InputError, match="takes no file of throughputs"):
        formats.read("gavel", write(tmp_path / "s", SAMPLES["shockwave"].text), throughputs=path)
    for content, says in (("[]", "object of throughputs"), ('{"v100": {"x": 3}}', "alone"), ("{", "expected JSON")):
        with pytest.raises(InputError, match=says):
            formats.read("gavel", path, throughputs=write(tmp_path / "x.json", content))


def test_gavel_refuses_slos_that_cannot_be_met(tmp_path: Path) -> None:
    sample = replace(SAMPLES["gavel"], text=gavel_row(LM, "c", "d", "-n", 1, 100, 1, 1, "0", 7))
    with pytest.raises(InputError, match="-1 or a positive multiple") as caught:
        read(sample.put(tmp_path), "gavel")
    assert (caught.value.line, caught.value.column) == (1, "SLO")


TABLES = {
    "pai_task_table.csv": SAMPLES["pai_tables"].text,
    "pai_job_table.csv": "j1,i1,alice,Terminated,80.0,170.0\nj3,i3,bob,Failed,195.0,230.0\n",
    "pai_instance_table.csv": "j1,worker,n1,w1,i1,Terminated,101.0,150.0,m0\n"
    "j1,worker,n2,w2,i1,Terminated,99.0,155.0,m0\n"
    "j3,worker,n3,w3,i3,Failed,201.0,229.0,m0\n",
    "pai_machine_spec.csv": "m0,T4,96,512,2\nm1,CPU,96,512,0\n",
}


def test_pai_tables_join_in_a_folder(tmp_path: Path) -> None:
    for name, text in TABLES.items():
        write(tmp_path / name, text)
    trace = formats.read("pai_tables", tmp_path)
    rows = trace.jobs[["job_id", "submit_s", "duration_s", "user"]].itertuples(index=False)
    assert [tuple(row) for row in rows] == [("j1", 80, 56, "alice"), ("j3", 195, 28, "bob")]
    assert trace.nodes is not None
    assert [n.num_gpus for n in trace.nodes] == [2]


def test_pai_tables_without_all_tasks_sound_leave_the_whole_job(tmp_path: Path) -> None:
    text = SAMPLES["pai_tables"].text.replace("j1,ps,1.0", "j1,ps,many")
    trace = FORMATS["pai_tables"].read(Sources(write(tmp_path / "t", text)), lambda fault: None)
    assert trace.jobs["job_id"].tolist() == ["j3"]
    assert trace.left_out["faulty"] == 1
    assert trace.left_out["another task of the job is faulty"] == 1


def test_plain_by_calendar_and_without_names(tmp_path: Path) -> None:
    text = "submit_time,duration_s,num_gpus\n2024-02-03 01:00:00,5,1\n2024-02-03 00:30:00,7,2\n"
    trace = formats.read("plain", write(tmp_path / "t", text))
    assert trace.origin == "2024-02-03 00:00:00"
    assert trace.jobs["submit_s"].tolist() == [1800, 3600]
    assert trace.jobs["job_id"].tolist() == ["job-2", "job-1"]


def test_plain_parquet_is_like_csv(tmp_path: Path) -> None:
    frame = pd.DataFrame({"submit_s": [0.1, 7], "duration_s": [5, 3.25], "num_gpus": [1, 8], "user": ["a", None]})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    columnar, text = (formats.read("plain", tmp_path / f"t.{kind}") for kind in ("parquet", "csv"))
    assert columnar.jobs.equals(text.jobs)
    pd.DataFrame({"submit_s": [[1]], "duration_s": [1], "num_gpus": [1]}).to_parquet(tmp_path / "n.parquet")
    with pytest.raises(InputError, match="expected a number"):
        formats.read("plain", tmp_path / "n.parquet")
    with pytest.raises(InputError, match="Parquet"):
        formats.read("plain", write(tmp_path / "b.parquet", "PAR1 and no more"))


def test_shares_of_several_gpus_are_raised_and_told(tmp_path: Path) -> None:
    trace = read(SAMPLES["pai"].put(tmp_path), "pai")
    assert trace.adjusted["parts of several GPUs raised to whole GPUs"] == 1


@pytest.mark.parametrize("style", ["alibaba_style", "philly_style"])
@pytest.mark.parametrize("format", WRITABLE)
def test_what_is_written_is_read_again(tmp_path: Path, format: str, style: str) -> None:
    trace = generate(style, 60, np.random.default_rng(3))
    lost = formats.write(format, trace, tmp_path / "t")
    again = formats.read(format, tmp_path / "t")
    columns = ["duration_s", "num_gpus", *(c for c in ("gpu_fraction", "user", "queue", "status") if c not in lost)]
    if "gpu_models" not in lost and "gpu_models, several to choose from" not in lost:
        columns.append("gpu_models")
    spoken = {word for what in lost for word in what.replace(",", " ").split()}
    columns = [c for c in columns if c not in spoken]
    assert again.jobs[columns].equals(trace.jobs[columns])
    gaps = np.diff(trace.jobs["submit_s"]), np.diff(again.jobs["submit_s"])
    assert gaps[0].tolist() == gaps[1].tolist()
    assert not [fault for fault in formats.check(format, Sources(tmp_path / "t")) if fault.severity == "error"]


def test_what_a_format_cannot_hold_is_told(tmp_path: Path) -> None:
    trace = generate("alibaba_style", 60, np.random.default_rng(3))
    lost = formats.write("itp", trace, tmp_path / "t")
    assert lost == {
        "gpu_fraction": int((trace.jobs["gpu_fraction"] < 1).sum()),
        "gpu_models": int((trace.jobs["gpu_models"] != "").sum()),
        "queue": int((trace.jobs["queue"] != "").sum()),
        "status": int((trace.jobs["status"] != "pass").sum()),
    }
    with pytest.raises(InputError, match="no place for run times"):
        formats.write("pollux", trace, tmp_path / "t")


def test_nodes_are_written_and_read_again(tmp_path: Path) -> None:
    trace = read(SAMPLES["openb"].put(tmp_path), "openb")
    for format in ("openb", "pai", "spot"):
        formats.write(format, trace, tmp_path / "t", tmp_path / "n")
        assert formats.read(format, tmp_path / "t", tmp_path / "n").nodes == trace.nodes


ROWS = {
    "microsoft_itp_2021/cluster04.csv.gz": ("itp", 15802, 15802),
    "pollux/workload-1.csv": ("pollux", 160, 160),
    "alibaba_pai_v2020/pai_jobs_sample_3046.csv": ("pai", 3046, 3046),
    "gavel/shockwave_120_dynamic.trace": ("gavel", 120, 120),
    "gavel/max_min_fairness.trace": ("gavel", 96, 96),
    "gavel/msr_seed0/2869ce.trace": ("gavel", 354, 533),
}


@pytest.mark.parametrize("name", ROWS)
def test_real_files_add_up(shared_data: Path, name: str) -> None:
    format, jobs, rows = ROWS[name]
    needs = format == "gavel" and "shockwave" not in name
    rates = shared_data / "traces" / "gavel" / "simulation_throughputs.json.gz" if needs else None
    trace = formats.read(format, shared_data / "traces" / name, throughputs=rates)
    assert (len(trace.jobs), trace.rows) == (jobs, rows)


STATISTICS = {
    # jobs, days, jobs/h, CV, local CV, hourly Fano, lag-1, run time p50, mean, p90, p99, busy GPUs
    "cluster04": (15802, 59.5, 11.1, 4.72, 3.63, 55, 0.37, 7949, 19982, 29001, 257688, 494.6),
    "philly": (82247, 108.9, 31.5, 15.14, 1.81, 161, 0.48, 1144, 13136, 11265, 254758, 374.2),
    "steady": (80702, 79.9, 42.1, 2.54, 1.80, 161, 0.39, 1173, 12035, 11160, 241963, 451.2),
}
NAMES = (
    *("jobs", "span_days", "jobs_per_hour", "gap_cv", "gap_cv_local", "hourly_fano", "hourly_lag1"),
    *("duration_p50_s", "duration_mean_s", "duration_p90_s", "duration_p99_s", "busy_gpus"),
)


@pytest.mark.parametrize("name", STATISTICS)
def test_real_files_show_the_statistics_measured_elsewhere(shared_data: Path, name: str) -> None:
    """Against the numbers that stand in the description of the data, found by other code."""
    folder = shared_data / "traces"
    if name == "cluster04":
        trace = formats.read("itp", folder / "microsoft_itp_2021" / "cluster04.csv.gz")
    else:
        trace = formats.read("philly_list", folder / "philly" / "philly_jobs_pass.csv.gz")
    if name == "steady":
        trace = cut(trace, "2017-09-24", 80 * 86400)
    found = statistics(trace.jobs)
    for key, value in zip(NAMES, STATISTICS[name], strict=True):
        assert found[key] == pytest.approx(value, rel=0.015), key


def test_real_sample_of_pai_shows_its_shares(shared_data: Path) -> None:
    jobs = formats.read("pai", shared_data / "traces" / "alibaba_pai_v2020" / "pai_jobs_sample_3046.csv").jobs
    assert (jobs["gpu_models"] == "MISC").mean() == pytest.approx(0.628, abs=5e-4)
    assert (jobs["gpu_fraction"] == 0.25).mean() == pytest.approx(0.256, abs=5e-4)
    assert jobs["duration_s"].median() == pytest.approx(604)


def test_real_machine_lists(shared_data: Path) -> None:
    folder = shared_data / "traces"
    pai = formats.read(
        "pai",
        folder / "alibaba_pai_v2020" / "pai_jobs_sample_3046.csv",
        folder / "alibaba_pai_v2020" / "pai_machine_spec.csv",
    )
    assert pai.nodes is not None
    assert (len(pai.nodes), sum(n.num_gpus for n in pai.nodes)) == (1814, 280 * 8 + 798 * 2 + 497 * 2 + 239 * 8)


@pytest.mark.parametrize("sample", [SAMPLES["spot"]])
def test_real_spot_nodes(shared_data: Path, tmp_path: Path, sample: Sample) -> None:
    nodes = shared_data / "traces" / "alibaba_spot_v2026" / "node_info_df.csv"
    trace = formats.read("spot", sample.put(tmp_path).jobs, nodes)
    assert trace.nodes is not None
    assert len(trace.nodes) == 4278
    assert sum(n.num_gpus for n in trace.nodes if n.gpu_type == "A100-SXM4-80GB") == 3456
