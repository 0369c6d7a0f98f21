"""Requests of a service while it lives: what arrives, what is answered, and what of that in time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from gogh_sim.inference import Service
from gogh_sim.queueing import admitted, attainment

_LOAD_STEPS = 1024
"""Loads are rounded up to so many steps, so that what the profile says of them can be kept."""


@dataclass(slots=True, eq=False)
class Serving:
    """Expected numbers of requests so far, and what is true of them until the next change.

    Between two changes (of the request rate, of what the service gets, of whether it runs) the queue counts as settled:
    see `queueing`. While the service holds no GPUs, waits for a node to wake or restores, its requests are lost.

    Attributes
    ----------
    rate
        Requests per second that arrive now.
    answered_share, in_time_share
        Of those: what is let in, and what is answered within the SLO.
    arrived, answered, in_time
        Requests up to `settled_s`.
    """

    service: Service
    submit_s: float
    rate: float = field(init=False)
    answered_share: float = 0.0
    in_time_share: float = 0.0
    arrived: float = 0.0
    answered: float = 0.0
    in_time: float = 0.0
    settled_s: float = field(init=False)
    _segment: int = 0

    def __post_init__(self) -> None:
        self.rate = self.service.requests.rates[0]
        self.settled_s = self.submit_s

    @property
    def ends_s(self) -> float:
        """When its lifetime is over."""
        return self.submit_s + self.service.lifetime_s

    @property
    def next_change_s(self) -> float:
        """When its request rate changes next, or it ends."""
        return (
            self.ends_s if self.in_last_segment else self.submit_s + self.service.requests.starts_s[self._segment + 1]
        )

    @property
    def in_last_segment(self) -> bool:
        """Whether its request rate stays as it is to the end."""
        starts_s = self.service.requests.starts_s
        return self._segment + 1 == len(starts_s) or starts_s[self._segment + 1] >= self.service.lifetime_s

    def left(self, now_s: float) -> float:
        """Share of its lifetime that is left."""
        return min(1.0, max(0.0, (self.ends_s - now_s) / self.service.lifetime_s))

    def load(self, gang_rate: float) -> float:
        """Share of what its gang alone can answer, at `gang_rate` iterations per second, that arrives; at most 1."""
        needed = self.rate * self.service.iterations_per_request / self.service.slots
        return min(1.0, math.ceil(needed / gang_rate * _LOAD_STEPS) / _LOAD_STEPS)

    def next_rate(self, now_s: float) -> None:
        """The next request rate begins; what is true of it has still to be said, by `serve` or `stop`."""
        self.settle(now_s)
        self._segment += 1
        self.rate = self.service.requests.rates[self._segment]

    def serve(self, gang_rate: float, num_gpus: int, now_s: float) -> None:
        """From now on the gang does `gang_rate` iterations per second, each of its GPUs an equal part."""
        self.settle(now_s)
        service = self.service
        servers = num_gpus * service.slots
        per_server = gang_rate / num_gpus / service.iterations_per_request
        accepted = admitted(self.rate, servers * per_server)
        self.answered_share = accepted / self.rate if self.rate > 0 else 1.0
        self.in_time_share = attainment(self.rate, per_server, servers, service.latency_slo_s, service.service_time)

    def stop(self, now_s: float) -> None:
        """From now on requests are lost."""
        self.settle(now_s)
        self.answered_share = self.in_time_share = 0.0

    def settle(self, now_s: float) -> None:
        """Count what has arrived up to now."""
        requests = self.rate * (now_s - self.settled_s)
        self.arrived += requests
        self.answered += requests * self.answered_share
        self.in_time += requests * self.in_time_share
        self.settled_s = now_s
