"""From configuration to services: rates scaled by the profile, replicas and floors by the queue, errors by name."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import cluster, profile, workload

from gogh_sim import scenario
from gogh_sim.cli.composition import composed, without_hydra
from gogh_sim.cli.schema import plain
from gogh_sim.errors import InputError
from gogh_sim.inference import RequestSeries, Service, ServiceTime
from gogh_sim.services import ServiceSettings, build, kept, least_speed, replicas
from gogh_sim.types import Job, JobKind

# 10 and 2 iterations/s on the reference type; the second generates tokens, 4 sequences at a time.
TRUTH = profile(
    [
        workload("vision", kind=JobKind.INFERENCE, batch_size=1),
        workload("text", kind=JobKind.INFERENCE, batch_size=4, task="token generation (1024 of context)"),
        workload("train"),
    ],
    [[10.0, 4.0], [2.0, 1.0], [1.0, 1.0]],
)
MACHINE = cluster(("V100", 4), ("T4", 2))
RATES = "service,time_s,requests_per_s\na,0,2\na,300,4\na,600,1\n"


def built(rng_seed: int = 1, **told: Any) -> tuple[Job, ...]:
    settings = ServiceSettings(**{"count": 1, "lifetime_s": 3600.0, "workloads": ["vision"]} | told)
    return build(settings, TRUTH, MACHINE, np.random.default_rng(rng_seed))


def serving(job: Job) -> Service:
    assert job.service is not None
    return job.service


def test_generated_rates_peak_at_the_load_asked_for() -> None:
    """Of 10 requests/s that a V100 answers, half; an SLO of 10 service times; a load of .5 keeps e^-5 late."""
    (job,) = built()
    assert serving(job).peak_rate == pytest.approx(5.0)
    assert serving(job).latency_slo_s == pytest.approx(1.0)
    assert (job.kind, job.num_gpus, job.submit_s, job.reference_s) == (JobKind.INFERENCE, 1, 0.0, 3600.0)
    # M/M/1 with rate v * 10: 1 - e^(-(10 v - 5)) = .99.
    assert job.floor == pytest.approx((5 - math.log(0.01)) / 10)
    assert job.work == pytest.approx(36_000.0)


def test_requests_that_generate_tokens_take_an_iteration_for_each() -> None:
    """4 sequences at 2 iterations/s and 20 tokens each are .4 requests/s."""
    (job,) = built(workloads=["text"], tokens_per_request=20.0)
    service = serving(job)
    assert service.peak_rate == pytest.approx(0.2)
    assert (service.slots, service.iterations_per_request, service.latency_slo_s) == (4, 20.0, pytest.approx(100.0))


def test_a_service_gets_as_many_replicas_as_its_peak_needs() -> None:
    (job,) = built(peak_load=2.5)
    assert job.num_gpus == 3
    assert kept(serving(job), 3, 10.0) >= 0.99 > kept(serving(job), 2, 10.0)
    assert kept(serving(job), 3, 10.0 * job.floor) == pytest.approx(0.99)
    assert job.work == pytest.approx(3 * 36_000.0)


def test_floors_lie_between_no_load_and_too_much() -> None:
    quiet = Service(10.0, RequestSeries((0.0,), (0.0,)), 1.0)
    assert replicas(quiet, 10.0, 1) == 1
    assert least_speed(quiet, 1, 10.0) == pytest.approx(1e-3)
    hopeless = Service(10.0, RequestSeries((0.0,), (1e9,)), 1.0)
    assert replicas(hopeless, 10.0, 8) is None
    assert least_speed(hopeless, 1, 10.0) == pytest.approx(1e3)


def test_recorded_rates_are_kept_or_scaled(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(RATES)
    told = {"series": "requests", "path": str(path), "lifetime_s": 1200.0}
    (kept_as_is,) = built(**told, peak_load=None)
    assert serving(kept_as_is).requests == RequestSeries((0.0, 300.0, 600.0, 900.0), (2.0, 4.0, 1.0, 2.0))
    (doubled,) = built(**told, peak_load=None, rate_scale=2.0)
    assert serving(doubled).requests.rates == (4.0, 8.0, 2.0, 4.0)
    (scaled,) = built(**told, peak_load=0.5, start_s=300.0)
    assert serving(scaled).requests.rates == pytest.approx((5.0, 1.25, 2.5, 5.0))


def test_series_that_are_silent_in_the_window_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(RATES + "b,1200,9\n")
    told = {"series": "requests", "path": str(path), "lifetime_s": 900.0, "peak_load": None, "count": 2}
    jobs = built(**told)
    assert [serving(job).peak_rate for job in jobs] == [4.0, 4.0]
    with pytest.raises(InputError, match="no requests in the 300 s from 900 s on"):
        built(**(told | {"start_s": 900.0, "lifetime_s": 300.0}))


def test_same_seed_same_services_and_workloads_are_drawn_that_fit() -> None:
    jobs = [built(seed, count=20, workloads=[]) for seed in (1, 1, 2)]
    assert jobs[0] == jobs[1] != jobs[2]
    assert {job.workload for job in jobs[0]} == {"vision", "text"}
    assert [job.job_id for job in jobs[0]][:2] == ["service-01", "service-02"]


def test_deterministic_service_times_need_less() -> None:
    (exponential,), (deterministic,) = built(), built(service_time="deterministic")
    assert serving(deterministic).service_time is ServiceTime.DETERMINISTIC
    assert deterministic.floor < exponential.floor


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"count": -1}, "trace.services.count"),
        ({"series": "nope"}, "trace.services.series: expected one of diurnal, on_off, azure_llm"),
        ({"series": "azure_llm"}, "trace.services.path: expected the file of the record"),
        ({"path": "a.csv"}, "trace.services.path: expected no file"),
        ({"peak_load": None}, "trace.services.peak_load is needed"),
        ({"peak_load": -1.0}, "trace.services.peak_load: expected a positive number"),
        ({"service_time": "normal"}, "trace.services.service_time"),
        ({"target": 1.0}, "trace.services.target"),
        ({"step_s": 0.0}, "trace.services.step_s"),
        ({"latency_slo_s": 0.0}, "trace.services.latency_slo_s"),
        ({"workloads": ["train"]}, "'train' is no inference workload"),
        ({"peak_load": 20.0}, "keeps an SLO of 1 s on no 8 GPUs"),
        ({"peak_load": 5.0}, "cluster test has at most 4"),
        ({"latency_slo": 1.0}, "raise latency_slo"),
    ],
)
def test_what_cannot_be_is_said(told: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        built(**told)


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(InputError, match=r"nothing reads trace\.services\.counts"):
        ServiceSettings.of({"counts": 1})


def test_instances_need_a_load(tmp_path: Path) -> None:
    path = tmp_path / "dlrm.csv"
    header = "instance_sn,role,app_name,gpu_request,creation_time,scheduled_time,deletion_time"
    path.write_text(f"{header}\ni,HN,a,1,,,900\n")
    with pytest.raises(InputError, match="records instances, not requests"):
        built(series="dlrm", path=str(path), peak_load=None)
    (job,) = built(series="dlrm", path=str(path))
    assert serving(job).requests.rates == pytest.approx((5.0,))


def test_services_stand_beside_the_jobs_of_a_trace() -> None:
    config = plain(without_hydra(composed(["trace.max_jobs=5", "trace.services.count=2"])))
    world = scenario.build(config)
    assert [job.service is not None for job in world.jobs] == [False] * 5 + [True] * 2
    assert len(world.trace.jobs) == 5


@pytest.mark.parametrize(
    "override", ["trace.services.counts=1", "trace.services.count=many", "trace.services.target=2"]
)
def test_wrong_keys_and_values_are_found_before_a_run(override: str) -> None:
    with pytest.raises(InputError, match="services"):
        plain(without_hydra(composed([override])))


RECORDS = {
    "azure_llm": "azure_llm_2023/AzureLLMInferenceTrace_conv.csv.gz",
    "dlrm": "alibaba_dlrm_v2025/disaggregated_DLRM_trace.csv.gz",
    "genai_lora": "alibaba_genai_v2026/lora_request_trace.csv.gz",
    "genai_qps": "alibaba_genai_v2026/qps.csv.gz",
}


@pytest.mark.parametrize("series", RECORDS)
def test_services_of_the_public_records(shared_data: Path, series: str) -> None:
    """Each keeps its target on as many V100s at its peak, which is the load asked for; a floor of 1 would be those."""
    told = {"series": series, "path": str(shared_data / "traces" / RECORDS[series]), "count": 3, "step_s": 600.0}
    jobs = built(**told, workloads=["vision", "text"], peak_load=1.5)
    assert len(jobs) == 3
    for job in jobs:
        service, rate = serving(job), {"vision": 10.0, "text": 2.0}[job.workload]
        capacity = rate * service.slots / service.iterations_per_request
        assert service.requests.peak(math.inf) == pytest.approx(1.5 * capacity)
        assert job.num_gpus == 2
        assert kept(service, 2, rate) >= service.target
        assert 0.75 < job.floor <= 1.0


def test_azure_conversations_as_recorded_need_the_gpus_that_their_peak_takes(shared_data: Path) -> None:
    """8.45 requests/s in the busiest minute, of 211 tokens; four sequences at 100 iterations/s answer 1.9 of them."""
    path = shared_data / "traces" / RECORDS["azure_llm"]
    chat = profile([workload("text", kind=JobKind.INFERENCE, batch_size=4, task="token generation")], [[100.0, 40.0]])
    settings = ServiceSettings(1, "azure_llm", str(path), 60.0, lifetime_s=59 * 60.0, peak_load=None)
    (job,) = build(settings, chat, cluster(("V100", 8)), np.random.default_rng(1))
    assert serving(job).peak_rate == pytest.approx(8.45)
    assert job.num_gpus == 5
    assert serving(job).requests.requests(59 * 60.0) == pytest.approx(19_366)
