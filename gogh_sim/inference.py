"""What an inference service is: request rates over time, and the latency at which requests are to be answered."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gogh_sim.errors import require


class ServiceTime(StrEnum):
    """How the times that servers need for requests are spread around their mean."""

    EXPONENTIAL = "exponential"
    DETERMINISTIC = "deterministic"


@dataclass(frozen=True, slots=True)
class RequestSeries:
    """Piecewise constant request rate of a service.

    ``rates[i]`` requests per second arrive from ``starts_s[i]``, in seconds since the service's submission, up to the
    next start; the last rate lasts.
    """

    starts_s: tuple[float, ...]
    rates: tuple[float, ...]

    def __post_init__(self) -> None:
        require(len(self.starts_s) == len(self.rates) > 0, "a request series needs as many rates as starts, at least 1")
        steps = np.diff(self.starts_s)
        require(self.starts_s[0] == 0 and bool((steps > 0).all()), "a request series starts at 0 and goes on in time")
        rates = np.array(self.rates)
        require(bool((np.isfinite(rates) & (rates >= 0)).all()), "request rates must be finite and not negative")

    def requests(self, until_s: float) -> float:
        """Expected requests up to `until_s`."""
        ends_s = np.append(self.starts_s[1:], np.inf)
        lengths = np.clip(np.minimum(ends_s, until_s) - self.starts_s, 0.0, None)
        return float(lengths @ np.array(self.rates))

    def peak(self, until_s: float) -> float:
        """Largest rate before `until_s`, in requests per second."""
        return max(rate for start_s, rate in zip(self.starts_s, self.rates, strict=True) if start_s < until_s)


@dataclass(frozen=True, slots=True)
class Service:
    """What makes an inference job a service: it answers requests for a time, instead of doing an amount of work.

    Every GPU of the job is a replica with `slots` servers, which all take from one queue. A server needs
    `iterations_per_request` iterations of the workload for a mean request, so that a replica that runs r iterations
    per second answers up to ``r * slots / iterations_per_request`` requests per second.

    Attributes
    ----------
    lifetime_s
        Seconds from submission to end, whether it holds GPUs or not; while it holds none its requests are lost.
    latency_slo_s
        Seconds within which a request is to be answered.
    slots
        Requests that a replica works on at the same time: its batch size.
    target
        Share of its requests that must be answered within `latency_slo_s` for the service to meet its SLA.
    """

    lifetime_s: float
    requests: RequestSeries
    latency_slo_s: float
    iterations_per_request: float = 1.0
    slots: int = 1
    service_time: ServiceTime = ServiceTime.EXPONENTIAL
    target: float = 0.99

    def __post_init__(self) -> None:
        for name in ("lifetime_s", "latency_slo_s", "iterations_per_request", "slots"):
            value = getattr(self, name)
            require(math.isfinite(value) and value > 0, f"service: {name} must be positive, found {value}")
        require(0 < self.target <= 1, f"service: target must be in (0, 1], found {self.target}")

    @property
    def mean_rate(self) -> float:
        """Requests per second over its lifetime."""
        return self.requests.requests(self.lifetime_s) / self.lifetime_s

    @property
    def peak_rate(self) -> float:
        """Largest requests per second in its lifetime."""
        return self.requests.peak(self.lifetime_s)
