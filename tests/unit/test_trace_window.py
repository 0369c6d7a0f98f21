"""Windows, load, mapping of models, and the rules of the schema."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gogh_sim.errors import InputError
from gogh_sim.traces import describe, formats, window
from gogh_sim.traces.mapping import map_models
from gogh_sim.traces.schema import Trace, jobs_frame
from gogh_sim.types import Node


def trace() -> Trace:
    jobs = jobs_frame(
        job_id=["c", "a", "b", "d"],
        submit_s=[200.0, 100.0, 150.0, 300.0],
        duration_s=[10.0, 20.0, 30.0, 40.0],
        num_gpus=[1, 2, 1, 1],
        gpu_fraction=[0.5, 1.0, 1.0, 1.0],
        gpu_models=["G2|G3", "", "T4", ""],
        deadline_s=[260.0, 150.0, np.inf, np.nan],
    )
    return Trace(jobs, (Node("n", "G2", 8),), {"CPU only": 3}, "made", origin="2017-10-02 00:00:00")


def test_jobs_are_sorted() -> None:
    assert trace().jobs["job_id"].tolist() == ["a", "b", "c", "d"]


def test_window_moves_the_clock_and_counts_what_lies_outside() -> None:
    found = window.cut(trace(), 150, 150)
    assert found.jobs["job_id"].tolist() == ["b", "c"]
    assert found.jobs["submit_s"].tolist() == [0, 50]
    assert found.jobs["deadline_s"].tolist() == [np.inf, 110]
    assert found.left_out == {"CPU only": 3, "before the window": 1, "after the window": 1}
    assert found.rows == trace().rows == 7
    assert found.origin == "2017-10-02 00:02:30"


def test_window_by_calendar_and_from_the_first_submission() -> None:
    by_calendar = window.cut(trace(), "2017-10-02 00:02:30")
    assert by_calendar.jobs["submit_s"].tolist() == [0, 50, 150]
    assert window.cut(trace()).jobs["submit_s"].tolist() == [0, 50, 100, 200]
    with pytest.raises(InputError, match="no calendar"):
        window.cut(replace(trace(), origin=""), "2017-10-02")
    with pytest.raises(InputError, match="a date and time"):
        window.cut(trace(), "someday")


@pytest.mark.parametrize("bounds", [(1000, 10), (0, 50)])
def test_empty_window_is_an_error(bounds: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="no job is submitted"):
        window.cut(trace(), *bounds)
    with pytest.raises(InputError, match="positive duration_s"):
        window.cut(trace(), 0, 0)


def test_max_jobs() -> None:
    found = window.first(trace(), 3)
    assert found.jobs["job_id"].tolist() == ["a", "b", "c"]
    assert found.left_out["beyond max_jobs"] == 1
    with pytest.raises(InputError, match="at least 1"):
        window.first(trace(), 0)


def test_gaps_are_scaled_and_durations_kept() -> None:
    found = window.scale_gaps(trace(), 0.5)
    assert found.jobs["submit_s"].tolist() == [100, 125, 150, 200]
    assert found.jobs["duration_s"].tolist() == [20, 30, 10, 40]
    assert found.jobs["deadline_s"].tolist()[:3] == [150, np.inf, 210]
    for factor in (0, -1, np.inf, np.nan):
        with pytest.raises(InputError, match="positive factor"):
            window.scale_gaps(trace(), factor)


def test_load_is_demand_over_span_over_capacity() -> None:
    assert window.demand_s(trace()) == 10 * 0.5 + 20 * 2 + 30 + 40
    found, factor = window.scale_to_load(trace(), load=0.8, capacity=2.5)
    assert factor == pytest.approx(115 / (0.8 * 2.5) / 200)
    span = np.ptp(found.jobs["submit_s"])
    assert window.demand_s(found) / span / 2.5 == pytest.approx(0.8)
    with pytest.raises(InputError, match="two times"):
        window.scale_to_load(window.first(trace(), 1), 0.8, 2.5)


def test_models_are_mapped_in_nodes_and_jobs() -> None:
    found = map_models(trace(), {"G2": "A100", "G3": "A100", "T4": "T4"})
    assert found.jobs["gpu_models"].tolist() == ["", "T4", "A100", ""]
    assert found.nodes == (Node("n", "A100", 8),)
    with pytest.raises(InputError, match=r"'T4'.*trace.gpu_models"):
        map_models(trace(), {"G2": "A100", "G3": "A100"})


def test_drop_counts() -> None:
    found = trace().drop(trace().jobs["num_gpus"] == 2, "oversize")
    assert found.jobs["job_id"].tolist() == ["b", "c", "d"]
    assert found.left_out == {"CPU only": 3, "oversize": 1}
    assert trace().drop(np.zeros(4, dtype=bool), "none").left_out == {"CPU only": 3}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("submit_s", -1.0),
        ("submit_s", np.nan),
        ("duration_s", 0.0),
        ("duration_s", np.inf),
        ("num_gpus", 0),
        ("gpu_fraction", 0.0),
        ("gpu_fraction", 1.5),
        ("status", "lost"),
        ("job_id", "b"),
    ],
)
def test_schema_refuses(column: str, value: object) -> None:
    jobs = trace().jobs
    jobs.loc[0, column] = value
    with pytest.raises(InputError, match="expected"):
        Trace(jobs, None, {}, "made")


def test_schema_refuses_unsorted_and_lacking() -> None:
    jobs = trace().jobs
    with pytest.raises(InputError, match="not sorted"):
        Trace(jobs.iloc[::-1].reset_index(drop=True), None, {}, "made")
    with pytest.raises(InputError, match=r"lack.*queue"):
        Trace(jobs.drop(columns="queue"), None, {}, "made")


def test_statistics_by_hand() -> None:
    jobs = jobs_frame(
        job_id=["a", "b", "c"],
        submit_s=[0.0, 3600.0, 7200.0],
        duration_s=[100.0, 200.0, 300.0],
        num_gpus=[1, 2, 1],
        gpu_fraction=[0.5, 1.0, 1.0],
        gpu_models=["T4", "", ""],
        status=["pass", "failed", "killed"],
    )
    found = describe.statistics(jobs)
    assert found["jobs_per_hour"] == 1.5
    assert found["gap_cv"] == 0
    assert found["hourly_fano"] == 0
    assert found["duration_mean_s"] == 200
    assert found["gpu_share_<1"] == found["gpu_share_1"] == found["gpu_share_2-3"] == pytest.approx(1 / 3)
    assert found["gpu_time_share_2-3"] == pytest.approx(400 / 750)
    assert found["failed_gpu_time_share"] == pytest.approx(400 / 750)
    assert found["busy_gpus"] == pytest.approx(750 / 7200)
    assert found["constrained_share"] == pytest.approx(1 / 3)


def test_statistics_of_few_jobs_are_nan_not_errors() -> None:
    for count in (0, 1, 2):
        jobs = window.first(trace(), max(count, 1)).jobs.head(count)
        assert describe.statistics(jobs)["jobs"] == count


def test_statistics_of_the_real_traces(shared_data: Path) -> None:
    """Against the numbers measured independently of this code in the data's own README."""
    philly = formats.read("philly_list", shared_data / "traces" / "philly" / "philly_jobs_pass.csv.gz")
    found = describe.statistics(window.cut(philly, "2017-09-24", 80 * 86400).jobs)
    expected = {
        "jobs": 80702,
        "jobs_per_hour": 42.1,
        "gap_cv": 2.54,
        "gap_cv_local": 1.80,
        "hourly_fano": 161.3,
        "hourly_lag1": 0.39,
        "duration_p50_s": 1173,
        "duration_mean_s": 12035,
        "busy_gpus": 451.2,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=0.01)
    two_weeks = window.cut(philly, "2017-10-02", 14 * 86400)
    assert two_weeks.rows == 82247
    assert 0 < len(two_weeks.jobs) < 82247
    assert two_weeks.jobs["submit_s"].max() < 14 * 86400
