"""A run of five jobs on a V100 and a T4, small enough to compute every number of its summary by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gogh_sim.errors import InputError
from gogh_sim.metrics import jobs as of_jobs
from gogh_sim.metrics.faults import of_faults
from gogh_sim.metrics.prediction import mape, running_mape
from gogh_sim.metrics.requests import of_requests
from gogh_sim.metrics.resources import allocation_efficiency
from gogh_sim.metrics.site import Site
from gogh_sim.metrics.summary import summarise

NAN, INF = math.nan, math.inf
MEAN_SPEED = {"V100": 1.0, "T4": 0.5}
SITE = Site.of(pue=1.2, carbon_g_per_kwh=360.0, price_usd_per_kwh=0.5)
JOB_COLUMNS = ["job_id", "submit_s", "first_start_s", "end_s", "status", "deadline_s", "reference_s", "done_s"]


@pytest.fixture
def jobs() -> pd.DataFrame:
    rows = [
        ("a", 0.0, 0.0, 100.0, "finished", 100.0, 100.0, 100.0),  # on the dot
        ("b", 0.0, 50.0, 250.0, "failed", 200.0, 100.0, 100.0),  # failed as its trace says, but late
        ("c", 100.0, NAN, NAN, "unfinished", 300.0, 100.0, 0.0),  # the run went on past its deadline
        ("d", 200.0, 250.0, NAN, "unfinished", 1000.0, 100.0, 30.0),  # might still have made it
        ("e", 20.0, 20.0, 60.0, "finished", INF, 40.0, 40.0),  # best effort
    ]
    frame = pd.DataFrame(rows, columns=JOB_COLUMNS)
    return frame.assign(
        num_gpus=1, gpu_fraction=[1, 1, 1, 1, 0.5], migrations=[0, 1, 0, 0, 0], preemptions=[0, 0, 0, 2, 0]
    )


@pytest.fixture
def records(jobs: pd.DataFrame) -> SimpleNamespace:
    return SimpleNamespace(
        jobs=jobs,
        timeline=pd.DataFrame({"time_s": [0.0, 100.0, 250.0, 400.0], "node_w": [1000.0, 500.0, 200.0, 7.0]}),
        decisions=pd.DataFrame(
            {
                "decision": [0, 1, 2],
                "status": ["", "optimal", "feasible"],
                "gap": [NAN, 0.001, 0.02],
                "fallback": [False, False, True],
            }
        ),
        timings=pd.DataFrame({"decision": [0, 1, 2], "solve_s": [0.0, 1.0, 3.0]}),
        estimates=pd.DataFrame(
            {
                "time_s": [1.0, 2.0, 3.0, 4.0],
                "source": ["P1", "P1", "P2", "measured"],
                "predicted_rate": [13.0, 9.0, 19.0, 5.0],
                "measured_rate": [10.0, 10.0, 20.0, 5.0],
            }
        ),
        gpus=pd.DataFrame({"gpu_type": ["V100", "T4"], "busy_s": [200.0, 300.0], "energy_j": [36000.0, 18000.0]}),
        nodes=pd.DataFrame({"energy_j": [105000.0, 100000.0]}),
        sources=pd.DataFrame({"tag": ["measured", "fitted"], "gpu_s": [30.0, 10.0]}),
    )


def test_every_number_of_the_summary(records: SimpleNamespace) -> None:
    node_kwh = 205000 / 3.6e6
    # Mean jobs in the system: a 2.4 over 100 s, b 590/250, e 3; shares of the two GPUs 2/2.4, 2/2.36 and, for half a
    # GPU, all it can use; at a mean speed of 0.75.
    rho = [100 / (100 / (0.75 * 2 / 2.4)), 250 / (100 / (0.75 * 2 / 2.36)), 40 / (40 / 0.75)]
    expected = {
        "jobs_total": 5,
        "jobs_finished": 2,
        "jobs_failed": 1,
        "jobs_unfinished": 2,
        "makespan_s": 400.0,
        "jct_mean_s": 130.0,
        "jct_p50_s": 100.0,
        "jct_p90_s": 220.0,
        "jct_p99_s": 247.0,
        "queue_mean_s": 25.0,
        "slo_attainment": 1 / 3,
        "sla_violation_rate": 2 / 3,
        "rho_mean": sum(rho) / 3,
        "gpu_energy_kwh": 0.015,
        "node_energy_kwh": node_kwh,
        "site_energy_kwh": 1.2 * node_kwh,
        "energy_per_job_kwh": node_kwh / 3,
        "carbon_kg": 1.2 * node_kwh * 0.36,
        "cost_usd": 1.2 * node_kwh * 0.5,
        "gpu_utilization": 0.625,
        "allocation_efficiency": (100 + 100 + 30 + 40 * 0.5) / (200 + 300 * 0.5),
        "migrations": 1,
        "preemptions": 2,
        "decisions": 3,
        "fallbacks": 1,
        "solve_mean_s": 2.0,
        "solve_max_s": 3.0,
        "gap_max": 0.02,
        "p1_mape": 20.0,
        "p2_mape": 5.0,
    }
    found = summarise(records, MEAN_SPEED, SITE)
    assert found.pop("source_shares") == {"fitted": 0.25, "measured": 0.75}
    further = {**of_requests(records.jobs), **of_faults(records.jobs, records.gpus, found["makespan_s"])}
    assert list(found) == [*expected, *further]
    assert {key: found[key] for key in expected} == pytest.approx(expected)


def test_numbers_that_do_not_exist_are_nan(records: SimpleNamespace) -> None:
    records.jobs = records.jobs.assign(status="unfinished", end_s=NAN, first_start_s=NAN, deadline_s=INF)
    records.decisions = records.decisions.assign(status="", gap=NAN, fallback=False)
    records.estimates = records.estimates.iloc[:0]
    found = summarise(records, MEAN_SPEED, SITE)
    keys = "jct_mean_s jct_p99_s queue_mean_s slo_attainment rho_mean energy_per_job_kwh solve_max_s gap_max p1_mape"
    assert all(math.isnan(found[key]) for key in keys.split())


def test_makespan_ends_with_the_last_job_where_all_ended(jobs: pd.DataFrame) -> None:
    assert of_jobs.makespan_s(jobs[jobs["status"] != "unfinished"], run_end_s=999.0) == 250.0


def test_makespan_begins_with_the_first_submission(jobs: pd.DataFrame) -> None:
    later = jobs.assign(submit_s=jobs["submit_s"] + 30.0, end_s=jobs["end_s"] + 30.0)
    assert of_jobs.makespan_s(later[later["status"] != "unfinished"], run_end_s=999.0) == 250.0
    assert of_jobs.makespan_s(later, run_end_s=999.0) == 969.0


def test_work_done_counts_for_every_gpu_of_a_gang() -> None:
    """100 s on four GPUs that were held for 125 s each: 400 of 500."""
    gang = pd.DataFrame({"done_s": [100.0], "num_gpus": [4], "gpu_fraction": [1.0]})
    gpus = pd.DataFrame({"gpu_type": ["V100"] * 4, "busy_s": [125.0] * 4})
    assert allocation_efficiency(gang, gpus, MEAN_SPEED) == pytest.approx(0.8)


def test_rounding_in_the_last_digits_does_not_miss_a_deadline(jobs: pd.DataFrame) -> None:
    only = jobs[jobs["job_id"] == "a"]
    assert of_jobs.slo_attainment(only.assign(end_s=100.0 + 1e-9), run_end_s=400.0) == 1.0
    assert of_jobs.slo_attainment(only.assign(end_s=100.001), run_end_s=400.0) == 0.0


def test_a_gpu_type_without_a_speed_is_named(records: SimpleNamespace) -> None:
    with pytest.raises(InputError, match="T4"):
        summarise(records, {"V100": 1.0}, SITE)


def test_running_mape_forgets_what_lies_before_its_window() -> None:
    estimates = pd.DataFrame(
        {"time_s": [3.0, 1.0, 2.0], "source": "P1", "predicted_rate": [10.0, 14.0, 12.0], "measured_rate": 10.0}
    )
    found = running_mape(estimates, "P1", window=2)
    assert found["time_s"].tolist() == [1.0, 2.0, 3.0]
    assert found["mape"].to_numpy() == pytest.approx([40.0, 30.0, 10.0])
    assert running_mape(estimates, "P2", window=2).empty


def test_an_error_relative_to_nothing_is_refused() -> None:
    estimates = pd.DataFrame({"source": ["P1"], "predicted_rate": [1.0], "measured_rate": [0.0]})
    with pytest.raises(InputError, match="positive measured rate"):
        mape(estimates, "P1")


def test_mean_active_of_simultaneous_and_instant_jobs() -> None:
    jobs = pd.DataFrame({"submit_s": [0.0, 0.0, 5.0], "end_s": [10.0, 10.0, 5.0], "status": "finished"})
    assert of_jobs.mean_active(jobs) == pytest.approx(np.array([2.0, 2.0, 1.0]))


def test_greedy_starts_between_solves_have_no_gap_but_fallbacks_do(records: SimpleNamespace) -> None:
    records.decisions = records.decisions.assign(
        status=["greedy", "optimal", "greedy"], gap=[7.0, 0.001, 0.5], fallback=[False, False, True]
    )
    found = summarise(records, MEAN_SPEED, SITE)
    assert found["gap_max"] == 0.5
    assert found["fallbacks"] == 1
