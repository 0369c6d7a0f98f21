"""What summaries say of services, by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from gogh_sim.metrics import jobs as of_jobs
from gogh_sim.metrics.requests import is_service, of_requests

NAN, INF = math.nan, math.inf
COLUMNS = ["job_id", "status", "submit_s", "end_s", "deadline_s", "requests", "requests_answered", "requests_in_slo"]
JOBS = pd.DataFrame(
    [
        ("a", "finished", 0.0, 100.0, 100.0, NAN, NAN, NAN),
        ("b", "finished", 0.0, 200.0, 100.0, NAN, NAN, NAN),
        ("s", "finished", 0.0, 900.0, INF, 1000.0, 1000.0, 990.0),
        ("t", "finished", 0.0, 900.0, INF, 3000.0, 2990.0, 2960.0),
        ("u", "unfinished", 0.0, NAN, INF, 0.0, 0.0, 0.0),
    ],
    columns=COLUMNS,
).assign(
    request_target=[NAN, NAN, 0.99, 0.99, 0.99],
    gpu_energy_j=[1.0, 1.0, 1.8e6, 3.6e6, 0.0],
    num_gpus=1,
    gpu_fraction=1.0,
    reference_s=[100.0, 100.0, 900.0, 900.0, 900.0],
)


def test_services_are_counted_with_their_requests() -> None:
    assert of_requests(JOBS) == pytest.approx(
        {
            "services_total": 3,
            "requests_total": 4000.0,
            "requests_lost_share": 10 / 4000,
            "request_slo_attainment": 3950 / 4000,
            "service_gpu_energy_kwh": 1.5,
        }
    )


def test_without_services_there_is_nothing_to_say() -> None:
    for jobs in (JOBS[:2], JOBS[:2].drop(columns=["request_target"])):
        found = of_requests(jobs)
        assert found.pop("services_total") == 0
        assert np.isnan(list(found.values())).all()
        assert not is_service(jobs).any()


def test_a_service_meets_its_sla_by_its_share_of_requests() -> None:
    """a was in time, b late; s reached its target on the dot, t did not; u has not ended."""
    assert of_jobs.slo_attainment(JOBS, run_end_s=1000.0) == pytest.approx(2 / 4)
    assert of_jobs.slo_attainment(JOBS[:2], run_end_s=1000.0) == pytest.approx(1 / 2)


def test_completion_times_and_fairness_are_of_jobs_that_work() -> None:
    assert of_jobs.jct_s(JOBS).tolist() == [100.0, 200.0]
    assert len(of_jobs.finish_time_fairness(JOBS, 1.0, 4)) == 2
