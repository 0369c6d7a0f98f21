"""Services: request series and jobs that serve, by hand."""

from __future__ import annotations

import pytest

from gogh_sim.errors import InputError
from gogh_sim.inference import RequestSeries, Service
from gogh_sim.types import Job, JobKind

STEPS = RequestSeries((0.0, 100.0, 300.0), (2.0, 5.0, 1.0))


def job(**changes: object) -> Job:
    fields = {"kind": JobKind.INFERENCE, "work": 6000.0, "reference_s": 600.0} | changes
    return Job("s", 0.0, "cnn", service=Service(600.0, STEPS, 1.0), **fields)  # type: ignore[arg-type]


def test_requests_are_rates_times_lengths() -> None:
    assert STEPS.requests(50.0) == 100.0
    assert STEPS.requests(200.0) == 200.0 + 500.0
    assert STEPS.requests(600.0) == 200.0 + 1000.0 + 300.0


def test_peak_looks_at_the_lifetime_only() -> None:
    assert STEPS.peak(100.0) == 2.0
    assert STEPS.peak(101.0) == 5.0
    service = Service(600.0, STEPS, 1.0)
    assert service.peak_rate == 5.0
    assert service.mean_rate == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("starts", "rates", "told"),
    [
        ((), (), "at least 1"),
        ((0.0, 5.0), (1.0,), "as many rates as starts"),
        ((1.0,), (1.0,), "starts at 0"),
        ((0.0, 5.0, 5.0), (1.0, 2.0, 3.0), "goes on in time"),
        ((0.0,), (-1.0,), "not negative"),
        ((0.0,), (float("nan"),), "finite"),
    ],
)
def test_a_series_that_makes_no_sense_is_refused(starts: tuple, rates: tuple, told: str) -> None:
    with pytest.raises(InputError, match=told):
        RequestSeries(starts, rates)


def test_a_service_is_an_inference_job_that_lasts_its_lifetime() -> None:
    assert job().reference_rate == 10.0
    with pytest.raises(InputError, match="inference"):
        job(kind=JobKind.TRAINING)
    with pytest.raises(InputError, match="lifetime"):
        job(reference_s=500.0)
    with pytest.raises(InputError, match="deadline"):
        job(deadline_s=900.0)


@pytest.mark.parametrize("field", ["lifetime_s", "latency_slo_s", "iterations_per_request", "slots"])
def test_numbers_of_a_service_are_positive(field: str) -> None:
    fields = {"lifetime_s": 600.0, "latency_slo_s": 1.0} | {field: 0}
    with pytest.raises(InputError, match=field):
        Service(requests=STEPS, **fields)  # type: ignore[arg-type]


def test_the_target_is_a_share() -> None:
    with pytest.raises(InputError, match="target"):
        Service(600.0, STEPS, 1.0, target=1.5)
