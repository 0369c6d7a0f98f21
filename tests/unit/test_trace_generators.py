"""Generated traces against the tables and the traces they follow; sample files; round trips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from gogh_sim.errors import InputError
from gogh_sim.traces import alibaba_style, bursts, describe, fit, formats, poisson, tables, window
from gogh_sim.traces.formats.philly import DEFAULT_ORIGIN
from gogh_sim.traces.quantiles import LEVELS, QuantileTable, persistent_uniforms
from gogh_sim.traces.samples import alibaba_sample, philly_passed_sample, philly_sample, write_samples
from gogh_sim.traces.schema import Trace
from gogh_sim.traces.sources import Sources
from gogh_sim.traces.styles import STYLES, generate

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("style", sorted(STYLES))
def test_same_seed_same_jobs(style: str) -> None:
    draw = [generate(style, 500, np.random.default_rng(seed)).jobs for seed in (1, 1, 2)]
    assert draw[0].equals(draw[1])
    assert not draw[0]["duration_s"].equals(draw[2]["duration_s"])
    assert len(draw[0]) == 500


@pytest.mark.parametrize("style", sorted(STYLES))
def test_durations_stay_within_bounds(style: str) -> None:
    found = generate(style, 2000, np.random.default_rng(0), shortest_s=300, longest_s=3600).jobs["duration_s"]
    assert 300 <= found.min() < found.median() < found.max() <= 3600


@pytest.mark.parametrize(
    "arguments", [("nope", 5, {}), ("philly_style", 0, {}), ("philly_style", 5, {"shortest_s": 9, "longest_s": 8})]
)
def test_generate_refuses(arguments: tuple[str, int, dict[str, float]]) -> None:
    style, jobs, bounds = arguments
    with pytest.raises(InputError):
        generate(style, jobs, np.random.default_rng(0), **bounds)


def test_alibaba_level_process_gives_the_tabled_moments() -> None:
    """Forward by formula from shape and correlation to Fano factor and lag-1 correlation."""
    table = tables.load("alibaba")
    shape, correlation = alibaba_style.level_process(table)
    mean, weights = table["jobs_per_hour"], np.array(table["hour_weights"])
    variance = mean + mean**2 * ((weights**2).mean() * (1 + 1 / shape) - 1)
    covariance = mean**2 * ((weights * np.roll(weights, 1)).mean() * (1 + correlation / shape) - 1)
    assert variance / mean == pytest.approx(table["hourly_fano"])
    assert covariance / variance == pytest.approx(table["hourly_lag1"])


def assert_like(found: pd.DataFrame, source: dict[str, float], arrivals_of: pd.DataFrame) -> None:
    stats, arrivals = describe.statistics(found), describe.arrivals(arrivals_of)
    for name in (n for n in source if n.startswith("gpu_share") or n == "constrained_share"):
        assert stats[name] == pytest.approx(source[name], abs=0.02), name
    for name in ("gap_cv", "hourly_fano"):
        assert arrivals[name] == pytest.approx(source[name], rel=0.25), name
    assert arrivals["jobs_per_hour"] == pytest.approx(source["jobs_per_hour"], rel=0.15)
    assert arrivals["hourly_lag1"] == pytest.approx(source["hourly_lag1"], abs=0.2)


def test_alibaba_style_is_like_its_source(shared_data: Path) -> None:
    folder = shared_data / "traces" / "alibaba_openb_v2023"
    source = window.cut(formats.read("openb", folder / "openb_pod_list_gpuspec33.csv.gz"), 9964972).jobs
    found = generate("alibaba_style", 20_000, np.random.default_rng(0)).jobs
    assert ks_2samp(found["duration_s"], source["duration_s"]).statistic <= 0.05
    assert_like(found, describe.statistics(source), found)
    assert (found["status"] == "failed").mean() == pytest.approx((source["status"] == "failed").mean(), abs=0.02)


def test_philly_style_is_like_its_source(shared_data: Path) -> None:
    whole = formats.read("philly_list", shared_data / "traces" / "philly" / "philly_jobs_pass.csv.gz")
    source = window.cut(whole, "2017-09-24", 80 * 86400).jobs
    found = generate("philly_style", 200_000, np.random.default_rng(0)).jobs
    passed = found[found["status"] == "pass"]
    assert ks_2samp(passed["duration_s"], source["duration_s"]).statistic <= 0.05
    assert_like(passed, describe.statistics(source), found)


def test_philly_style_ends_as_published_and_the_rest_is_larger() -> None:
    jobs = generate("philly_style", 200_000, np.random.default_rng(0)).jobs
    published = tables.load("philly")["published"]
    shares = describe.endings(jobs)
    for status in published["jobs"]:
        assert shares[f"{status}_share"] == pytest.approx(published["jobs"][status], abs=0.02), status
        assert shares[f"{status}_gpu_time_share"] == pytest.approx(published["gpu_time"][status], abs=0.03), status
    passed = jobs["status"] == "pass"
    assert jobs["num_gpus"][~passed].mean() > 1.2 * jobs["num_gpus"][passed].mean()
    assert jobs["duration_s"][jobs["status"] == "killed"].mean() > 1.5 * jobs["duration_s"][passed].mean()


ALL_SUBMIT = (23 * 86400.0, 19 * 86400.0)


def itp_clusters(folder: Path) -> dict[str, Trace]:
    """Those at hand, in the window in which all of them submit."""
    files = sorted((folder / "traces" / "microsoft_itp_2021").glob("cluster*"))
    return {file.name[:9]: window.cut(formats.read("itp", file), *ALL_SUBMIT) for file in files}


def test_itp_style_is_like_its_source(shared_data: Path) -> None:
    source = pd.concat([trace.jobs for trace in itp_clusters(shared_data).values()]).sort_values("submit_s")
    found = generate("itp_style", 60_000, np.random.default_rng(0)).jobs
    assert ks_2samp(found["duration_s"], source["duration_s"]).statistic <= 0.05
    assert_like(found, describe.statistics(source), found)


def alike(jobs: pd.DataFrame) -> tuple[float, float]:
    """Shares of neighbours in bursts with the same size, and with durations within 10 %."""
    pairs = []
    for _, group in jobs.groupby("queue"):
        near = np.diff(group["submit_s"]) <= bursts.BURST_GAP_S
        size, duration = np.diff(group["num_gpus"]) == 0, np.abs(np.diff(np.log(group["duration_s"]))) < np.log(1.1)
        pairs.append(np.column_stack([size, duration])[near])
    size_share, duration_share = np.concatenate(pairs).mean(axis=0)
    return float(size_share), float(duration_share)


def test_jobs_of_a_burst_are_alike_as_in_the_source(shared_data: Path) -> None:
    whole = formats.read("philly_list", shared_data / "traces" / "philly" / "philly_jobs_pass.csv.gz")
    source = alike(window.cut(whole, "2017-09-24", 80 * 86400).jobs)
    jobs = generate("philly_style", 100_000, np.random.default_rng(0)).jobs
    found = alike(jobs[jobs["status"] == "pass"])
    assert found[0] == pytest.approx(source[0], abs=0.05)
    assert found[1] == pytest.approx(source[1], abs=0.15)


def test_repeating_uniforms_repeat_within_bursts_of_a_queue_only() -> None:
    submit = np.array([0.0, 1.0, 2.0, 100.0, 101.0, 102.0])
    queue = np.array([0, 1, 0, 0, 1, 0])
    always = bursts.repeating_uniforms(bursts.Submissions(submit, queue), np.ones(2), np.random.default_rng(0))
    assert always[0] == always[2]
    assert always[3] == always[5]
    assert len(set(always)) == 4
    many = bursts.Submissions(np.arange(50_000.0), np.zeros(50_000, dtype=np.int64))
    found = bursts.repeating_uniforms(many, np.array([0.4]), np.random.default_rng(0))
    assert (np.diff(found) == 0).mean() == pytest.approx(0.4, abs=0.01)
    assert np.quantile(found, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.02)


def test_poisson_is_without_memory() -> None:
    jobs = generate("poisson", 100_000, np.random.default_rng(0)).jobs
    stats = describe.statistics(jobs)
    assert stats["gap_cv"] == pytest.approx(1, abs=0.02)
    assert stats["hourly_fano"] == pytest.approx(1, abs=0.1)
    assert stats["jobs_per_hour"] == pytest.approx(3600 / poisson.MEAN_GAP_S, rel=0.02)
    assert stats["duration_mean_s"] == pytest.approx(poisson.MEAN_DURATION_S, rel=0.02)
    assert jobs["duration_s"].std() == pytest.approx(poisson.MEAN_DURATION_S, rel=0.02)
    for size, share in zip(poisson.SIZES, poisson.SIZE_SHARES, strict=True):
        assert (jobs["num_gpus"] == size).mean() == pytest.approx(share, abs=0.01)


def test_poisson_run_times_stay_memoryless_above_the_shortest() -> None:
    jobs = generate("poisson", 50_000, np.random.default_rng(0), shortest_s=900).jobs
    assert jobs["duration_s"].min() >= 900
    assert (jobs["duration_s"] - 900).mean() == pytest.approx(poisson.MEAN_DURATION_S, rel=0.02)


@pytest.mark.parametrize("style", sorted(STYLES))
def test_load_scales_arrivals_only(style: str) -> None:
    trace = generate(style, 500, np.random.default_rng(0))
    scaled, _ = window.scale_to_load(trace, 0.6, 64.0)
    span = float(np.ptp(scaled.jobs["submit_s"]))
    assert window.demand_s(scaled) / span / 64 == pytest.approx(0.6)
    assert scaled.jobs["duration_s"].tolist() == trace.jobs["duration_s"].tolist()


def test_shipped_tables_are_what_the_fit_makes(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "traces"
    openb = formats.read("openb", folder / "alibaba_openb_v2023" / "openb_pod_list_default.csv.gz")
    models = formats.read("openb", folder / "alibaba_openb_v2023" / "openb_pod_list_gpuspec33.csv.gz")
    philly = formats.read("philly_list", folder / "philly" / "philly_jobs_pass.csv.gz")
    recovered = formats.read("philly_list", folder / "philly" / "philly_jobs_ge20min_recovered.csv.gz")
    made = {
        "alibaba": fit.fit_alibaba(window.cut(openb, 9964972), models),
        "philly": fit.fit_philly(window.cut(philly, "2017-09-24", 80 * 86400), recovered),
        "itp": fit.fit_itp(itp_clusters(shared_data)),
    }
    fit.write_tables(made, tmp_path)
    shipped = REPOSITORY / "gogh_sim" / "traces" / "statistics"
    for name in made:
        assert (tmp_path / f"{name}.json").read_bytes() == (shipped / f"{name}.json").read_bytes()


def test_quantile_table_inverts() -> None:
    table = QuantileTable(10 ** (4 * LEVELS))
    assert table.draw(np.array([0.0, 0.5, 0.25])) == pytest.approx([1, 100, 10])
    inside = table.draw(np.array([0.0, 0.5, 1.0]), least=10, most=1000)
    assert inside[[0, 2]] == pytest.approx([10, 1000])
    assert np.all(np.diff(inside) > 0)


def test_persistent_uniforms_are_uniform_and_alike() -> None:
    found = persistent_uniforms(20_000, 0.4, np.random.default_rng(0))
    assert np.sort(found) == pytest.approx((np.arange(20_000) + 0.5) / 20_000)
    assert np.corrcoef(found[:-1], found[1:])[0, 1] == pytest.approx(0.4, abs=0.05)


def test_sample_files_are_what_the_code_makes(tmp_path: Path) -> None:
    write_samples(tmp_path)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == sorted(path.name for path in (REPOSITORY / "traces").iterdir() if path.suffix != ".md")
    for name in made:
        assert (tmp_path / name).read_bytes() == (REPOSITORY / "traces" / name).read_bytes(), name


@pytest.mark.parametrize(
    ("format", "make", "name", "kept"),
    [
        ("openb", alibaba_sample, "a.csv", None),
        ("openb", alibaba_sample, "a.csv.gz", None),
        ("philly", philly_sample, "p.json", None),
        ("philly_list", philly_passed_sample, "p.csv", ["submit_s", "duration_s", "num_gpus", "queue"]),
    ],
)
def test_what_is_written_is_read_again(tmp_path: Path, format: str, make: object, name: str, kept: object) -> None:
    trace: Trace = make()  # type: ignore[operator]
    nodes = tmp_path / "nodes.csv" if trace.nodes else None
    lost = formats.write(format, trace, tmp_path / name, nodes)
    again = formats.read(format, tmp_path / name, nodes)
    columns = kept or list(trace.jobs)
    assert again.jobs[columns].equals(trace.jobs[columns])
    assert again.nodes == trace.nodes
    assert again.left_out == {}
    assert set(lost) <= {"job_id"}
    faults = formats.check(format, Sources(tmp_path / name, nodes))
    assert [fault.what for fault in faults if "same in every cell" not in fault.what] == []


def test_convert_tells_what_is_lost(tmp_path: Path) -> None:
    formats.write("openb", alibaba_sample(), tmp_path / "a.csv", tmp_path / "n.csv")
    trace, lost = formats.convert(
        Sources(tmp_path / "a.csv", tmp_path / "n.csv"), "openb", tmp_path / "b.json", "philly"
    )
    fractions = int((trace.jobs["gpu_fraction"] < 1).sum())
    assert lost["gpu_fraction"] == fractions > 0
    again = formats.read("philly", tmp_path / "b.json")
    assert again.jobs["duration_s"].equals(trace.jobs["duration_s"])
    assert again.origin == f"{DEFAULT_ORIGIN} 00:00:00"
    lost = formats.write("openb", philly_sample(), tmp_path / "c.csv")
    assert lost["status, killed written as Failed"] > 0


def test_alibaba_nodes_follow_the_proportions() -> None:
    nodes = alibaba_style.nodes(6000)
    gpus = pd.DataFrame(nodes).groupby("gpu_type")["num_gpus"].sum()
    assert gpus.sum() == pytest.approx(6000, rel=0.01)
    assert gpus["G2"] / gpus.sum() == pytest.approx(4392 / 6210, abs=0.01)
    assert {n.gpu_type for n in alibaba_style.nodes(8)} == set(alibaba_style.NODE_MODELS)
