"""Inference services of a run: from request rates and the profile to jobs that serve them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy.optimize import brentq

from gogh_sim import profiles
from gogh_sim.errors import InputError
from gogh_sim.inference import Service, ServiceTime
from gogh_sim.profiles import Profile
from gogh_sim.queueing import attainment
from gogh_sim.traces import requests
from gogh_sim.traces.requests import PATTERNS, REQUEST_FORMATS, RequestTrace, Unit
from gogh_sim.types import MOST_GPUS, Cluster, Job, JobKind, Workload

_GENERATES = "token generation"
"""What the task of workloads says whose requests take an iteration for every token."""

MOST_RATES = 100_000_000
"""Most rates of all services together, of eight bytes each: a slip in a number is told before memory is spent."""

_SLOWEST, _FASTEST = 1e-3, 1e3
"""Relative speeds between which a floor is sought."""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Which services a run has; beside the keys of ``trace.services`` stands what each means.

    Attributes
    ----------
    count
        How many.
    series
        Where their request rates come from: a pattern (`requests.PATTERNS`), or a format of `path`.
    path
        The file of a recorded series.
    step_s
        Seconds over which a rate is constant.
    start_s, lifetime_s
        The window: each service lives for `lifetime_s` from the start of the run, with the rates from `start_s` of the
        record on; beyond its end the record begins again.
    peak_load
        Peak request rate over what one GPU of the reference type can answer; None keeps recorded rates.
    rate_scale
        What recorded rates are multiplied by when `peak_load` is None.
    workloads
        Names to draw from, evenly; empty: all inference workloads that fit a GPU type of the cluster.
    tokens_per_request
        Iterations of a request to a workload that generates tokens; those of all other workloads are one iteration.
    latency_slo
        Latency SLO in mean service times on the reference type.
    latency_slo_s
        Latency SLO in seconds instead.
    service_time
        "exponential" or "deterministic".
    target
        Share of requests within the SLO that a service needs to meet its SLA.
    most_gpus
        Most replicas that a service may need.
    """

    count: int = 0
    series: str = "diurnal"
    path: str | None = None
    step_s: float = 300.0
    start_s: float = 0.0
    lifetime_s: float = 86_400.0
    peak_load: float | None = 0.5
    rate_scale: float = 1.0
    workloads: tuple[str, ...] = ()
    tokens_per_request: float = 211.0
    latency_slo: float = 10.0
    latency_slo_s: float | None = None
    service_time: str = ServiceTime.EXPONENTIAL.value
    target: float = 0.99
    most_gpus: int = 8

    def __post_init__(self) -> None:
        if self.count < 0:
            raise InputError(f"trace.services.count: expected at least 0, found {self.count}")
        known = [*sorted(PATTERNS), *sorted(REQUEST_FORMATS)]
        if self.series not in known:
            raise InputError(f"trace.services.series: expected one of {', '.join(known)}, found {self.series!r}")
        if self.count and (self.path is None) != (self.series in PATTERNS):
            wanted = "no file" if self.series in PATTERNS else "the file of the record"
            raise InputError(f"trace.services.path: expected {wanted} for series={self.series}, found {self.path}")
        if self.series in PATTERNS and self.peak_load is None:
            raise InputError("trace.services.peak_load is needed: only recorded series have rates of their own")
        if self.service_time not in list(ServiceTime):
            raise InputError(
                f"trace.services.service_time: expected one of {', '.join(ServiceTime)}, found {self.service_time!r}"
            )
        if not 0 < self.target < 1:
            raise InputError(f"trace.services.target: expected a share between 0 and 1, found {self.target}")
        positive = ("step_s", "lifetime_s", "peak_load", "rate_scale", "tokens_per_request", "latency_slo")
        for name in (*positive, "latency_slo_s"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and np.isfinite(value)):
                raise InputError(f"trace.services.{name}: expected a positive number, found {value}")
        self._check_sizes()

    def _check_sizes(self) -> None:
        if not 0 < self.most_gpus <= MOST_GPUS:
            raise InputError(f"trace.services.most_gpus: expected from 1 to {MOST_GPUS}, found {self.most_gpus}")
        if self.count * max(self.lifetime_s / self.step_s, 1) > MOST_RATES:
            raise InputError(
                f"trace.services: expected at most {MOST_RATES} rates, found count x lifetime_s / step_s of "
                f"{self.count} x {self.lifetime_s:g} / {self.step_s:g}"
            )

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> ServiceSettings:
        """Settings of the key ``trace.services``.

        Raises
        ------
        InputError
            Naming an unknown key or a value out of range.
        """
        unknown = sorted(set(config) - {field.name for field in fields(cls)})
        if unknown:
            raise InputError(f"nothing reads trace.services.{unknown[0]}")
        return cls(**{**config, "workloads": tuple(config.get("workloads", ()))})


def build(settings: ServiceSettings, profile: Profile, cluster: Cluster, rng: np.random.Generator) -> tuple[Job, ...]:
    """Jobs that serve requests from the start of the run; the same generator state gives the same.

    A service has as many replicas as its peak rate needs on the reference type to keep `target`, and the least relative
    speed at which so many still keep it as its floor. Series without a request in the window are passed over.

    Raises
    ------
    InputError
        If a file is unusable, a workload unknown, or a service needs more GPUs than it may have or the cluster holds.
    """
    if not settings.count:
        return ()
    trace = _trace(settings, rng)
    choice = _candidates(settings, profile, cluster)
    order = rng.permutation(np.flatnonzero(trace.rates.max(axis=1) > 0))
    if not order.size:
        window = f"the {settings.lifetime_s:g} s from {settings.start_s:g} s on"
        raise InputError(f"trace.services.series={settings.series} has no requests in {window}", file=settings.path)
    picked = rng.integers(len(choice), size=settings.count)
    width = len(str(settings.count))
    return tuple(
        _job(
            f"service-{i + 1:0{width}d}",
            settings,
            profile,
            cluster,
            choice[picked[i]],
            trace,
            int(order[i % order.size]),
        )
        for i in range(settings.count)
    )


def _trace(settings: ServiceSettings, rng: np.random.Generator) -> RequestTrace:
    if settings.path is None:
        return requests.draw(settings.series, settings.count, settings.lifetime_s, settings.step_s, rng)
    whole = requests.read(settings.series, settings.path, settings.step_s)
    if whole.unit is Unit.INSTANCES and settings.peak_load is None:
        raise InputError(
            f"{settings.series} records instances, not requests: trace.services.peak_load is needed", file=settings.path
        )
    return whole.window(settings.start_s, settings.lifetime_s)


def _candidates(settings: ServiceSettings, profile: Profile, cluster: Cluster) -> list[Workload]:
    most_gib = max(gpu_type.memory_gib for gpu_type in cluster.gpu_types)
    if not settings.workloads:
        serving = [w for w in profile.workloads if w.kind is JobKind.INFERENCE and w.memory_gib <= most_gib]
        if not serving:
            raise InputError(f"trace.services: profile {profile.name} has no inference workload that fits the cluster")
        return serving
    chosen = []
    for name in settings.workloads:
        number = profile.workload_index.get(name)
        if number is None or profile.workloads[number].kind is not JobKind.INFERENCE:
            raise InputError(f"trace.services.workloads: {name!r} is no inference workload of profile {profile.name}")
        if profile.workloads[number].memory_gib > most_gib:
            raise InputError(f"trace.services.workloads: {name} fits no GPU type of cluster {cluster.name}")
        chosen.append(profile.workloads[number])
    return chosen


def _job(
    job_id: str,
    settings: ServiceSettings,
    profile: Profile,
    cluster: Cluster,
    workload: Workload,
    trace: RequestTrace,
    series: int,
) -> Job:
    number = profile.workload_index[workload.name]
    rate = float(profile.reference_solo_rate[number])
    service = _service(settings, workload, rate, trace, series)
    gpus = replicas(service, rate, settings.most_gpus)
    if gpus is None:
        raise InputError(
            f"{job_id} ({workload.name}) at its peak of {service.peak_rate:g} requests per second keeps an SLO of "
            f"{service.latency_slo_s:g} s on no {settings.most_gpus} GPUs of the reference type; lower "
            "trace.services.peak_load or rate_scale, or raise latency_slo or most_gpus"
        )
    widest = _widest(profile, cluster, number)
    if gpus > widest:
        raise InputError(
            f"{job_id} ({workload.name}) needs {gpus} GPUs of one type; cluster {cluster.name} has at most {widest}"
        )
    work = float(profiles.work_of(profile, number, gpus, 1.0, settings.lifetime_s))
    return Job(
        job_id=job_id,
        submit_s=0.0,
        workload=workload.name,
        kind=JobKind.INFERENCE,
        work=work,
        reference_s=settings.lifetime_s,
        num_gpus=gpus,
        floor=least_speed(service, gpus, work / settings.lifetime_s / gpus),
        queue="service",
        service=service,
    )


def _service(settings: ServiceSettings, workload: Workload, rate: float, trace: RequestTrace, series: int) -> Service:
    """What a series asks of a workload that makes `rate` iterations per second alone on the reference type."""
    iterations = settings.tokens_per_request if workload.task.startswith(_GENERATES) else 1.0
    scale = settings.rate_scale
    if settings.peak_load is not None:
        scale = settings.peak_load * rate * workload.batch_size / iterations / float(trace.rates[series].max())
    return Service(
        lifetime_s=settings.lifetime_s,
        requests=trace.series(series, scale),
        latency_slo_s=settings.latency_slo_s or settings.latency_slo * iterations / rate,
        iterations_per_request=iterations,
        slots=workload.batch_size,
        service_time=ServiceTime(settings.service_time),
        target=settings.target,
    )


def _widest(profile: Profile, cluster: Cluster, workload: int) -> int:
    """Most GPUs of one type of the cluster on which the workload runs."""
    runs = np.isfinite(profile.solo_rate[workload])[[profile.type_index[name] for name in cluster.type_names]]
    return int(cluster.gpus_per_type[runs].max(initial=0))


def kept(service: Service, gpus: int, rate: float) -> float:
    """Share of requests at the peak that so many replicas of `rate` iterations per second answer in time."""
    per_slot = rate / service.iterations_per_request
    return attainment(service.peak_rate, per_slot, gpus * service.slots, service.latency_slo_s, service.service_time)


def replicas(service: Service, rate: float, most: int) -> int | None:
    """Fewest GPUs of `rate` iterations per second each that keep the target at the peak rate; None if `most` do not."""
    return next((gpus for gpus in range(1, most + 1) if kept(service, gpus, rate) >= service.target), None)


def least_speed(service: Service, gpus: int, rate: float) -> float:
    """Least factor on `rate`, the iterations per second of a replica, that still keeps the target at the peak rate."""
    if kept(service, gpus, rate * _SLOWEST) >= service.target:
        return _SLOWEST
    if kept(service, gpus, rate * _FASTEST) < service.target:
        return _FASTEST
    found: float = brentq(lambda factor: kept(service, gpus, rate * factor) - service.target, _SLOWEST, _FASTEST)
    return found
