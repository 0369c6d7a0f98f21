"""How many requests a service answers in time: tails of the sojourn time (waiting and being served) of queues.

Requests arrive as a Poisson process and wait in one queue for c equal servers. In a segment of constant rate the queue
is taken to be in its steady state. With arrival rate l, service rate m of one server, load ``rho = l / (c m)`` and
Erlang's C the chance of having to wait:

exponential service times, M/M/c (exact)
    ``P(T > t) = e^(-mt) + C m (e^(-mt) - e^(-ht)) / (h - m)`` with ``h = c m - l``; for c = 1 this is ``e^(-(m-l)t)``.
    Gross, Shortle, Thompson and Harris, "Fundamentals of Queueing Theory", 4th edition, section 2.3.
deterministic service times D = 1/m, M/D/c
    ``P(T > t) = 1`` up to D and ``P(W > t - D)`` beyond it, W being the time waited: for c = 1 Erlang's sum up to 4 D,
    and its exponential tail from there (Tijms, "A First Course in Stochastic Models", section 9.2); for more servers
    ``C / rho`` times the tail of one server of c times their speed, which is exact for c = 1 and in heavy traffic.
"""

from __future__ import annotations

import math

from scipy import special

from gogh_sim.inference import ServiceTime

MOST_LOAD = 0.95
"""Load beyond which requests are turned away at admission, so that those let in meet a queue of this load. Assumed: a
queue at load 1 has no steady state, and nobody runs a service for users there."""

_ASYMPTOTIC = 4.0
"""Waits of M/D/1, in service times, beyond which its exponential tail stands for Erlang's alternating sum; the two
then differ by less than 1e-5."""


def erlang_c(servers: int, load: float) -> float:
    """Chance that a request has to wait, for `load` (rho) below 1."""
    if load <= 0:
        return 0.0
    offered = servers * load
    # Erlang's B as a ratio of the Poisson probability of c to that of at most c: no factorial overflows.
    exactly = math.exp(servers * math.log(offered) - offered - math.lgamma(servers + 1))
    blocked = exactly / float(special.gammaincc(servers + 1, offered))
    return blocked / (1 - load * (1 - blocked))


def late_share(rate: float, service_rate: float, servers: int, within_s: float, service_time: ServiceTime) -> float:
    """Share of requests, in [0, 1], whose sojourn time exceeds `within_s` seconds.

    Parameters
    ----------
    rate
        Arrivals per second; must be below ``servers * service_rate``.
    service_rate
        Requests per second of one server.
    """
    load = rate / (servers * service_rate)
    waits = erlang_c(servers, load)
    if service_time is ServiceTime.EXPONENTIAL:
        spare = servers * service_rate - rate
        slower = min(service_rate, spare)
        apart = abs(service_rate - spare) * within_s
        ratio = -math.expm1(-apart) / apart if apart > 0 else 1.0
        convolved = service_rate * within_s * math.exp(-slower * within_s) * ratio
        return min(1.0, math.exp(-service_rate * within_s) + waits * convolved)
    if within_s * service_rate < 1:
        return 1.0
    if load <= 0:
        return 0.0
    return min(1.0, waits / load * _waits_longer(load, servers * (within_s * service_rate - 1)))


def _waits_longer(load: float, times: float) -> float:
    """P(W > `times` service times) in M/D/1."""
    if times < _ASYMPTOTIC:
        terms = ((load * (k - times)) ** k / math.factorial(k) * math.exp(load * (times - k)) for k in _whole(times))
        return 1 - (1 - load) * math.fsum(terms)
    # The decay x solves load (e^x - 1) = x.
    decay = -float(special.lambertw(-load * math.exp(-load), -1).real) - load
    return (1 - load) / (decay + load - 1) * math.exp(-decay * times)


def _whole(times: float) -> range:
    return range(math.floor(times) + 1)


def admitted(rate: float, capacity: float) -> float:
    """Requests per second that are let in of `rate` where `capacity` could be served: up to `MOST_LOAD` of it."""
    return min(rate, MOST_LOAD * capacity)


def attainment(rate: float, service_rate: float, servers: int, within_s: float, service_time: ServiceTime) -> float:
    """Share of all requests, in [0, 1], that are answered within `within_s` seconds; those turned away are not.

    1 where there are no requests.
    """
    if rate <= 0:
        return 1.0
    accepted = admitted(rate, servers * service_rate)
    if accepted <= 0:
        return 0.0
    return accepted / rate * (1 - late_share(accepted, service_rate, servers, within_s, service_time))
