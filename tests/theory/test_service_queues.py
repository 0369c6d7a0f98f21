"""The queueing formulas of services against simulated queues and textbook values."""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogh_sim.inference import ServiceTime
from gogh_sim.queueing import MOST_LOAD, admitted, attainment, erlang_c, late_share

EXPONENTIAL, DETERMINISTIC = ServiceTime.EXPONENTIAL, ServiceTime.DETERMINISTIC
REQUESTS, WARM_UP = 400_000, 10_000


def sojourn_times(load: float, servers: int, service_time: ServiceTime, seed: int) -> np.ndarray:
    """Sojourn times of requests in one first-come queue for servers of mean service time 1, one after the other."""
    rng = np.random.default_rng(seed)
    arrivals = np.cumsum(rng.exponential(1 / (load * servers), REQUESTS))
    services = rng.exponential(1.0, REQUESTS) if service_time is EXPONENTIAL else np.ones(REQUESTS)
    free_at = [0.0] * servers
    ends = np.empty(REQUESTS)
    for i, (arrival, service) in enumerate(zip(arrivals.tolist(), services.tolist(), strict=True)):
        end = max(arrival, free_at[0]) + service
        heapq.heapreplace(free_at, end)
        ends[i] = end
    return (ends - arrivals)[WARM_UP:]


@pytest.mark.parametrize("load", [0.3, 0.6, 0.85])
@pytest.mark.parametrize("service_time", [EXPONENTIAL, DETERMINISTIC])
def test_one_server_against_a_simulated_queue(load: float, service_time: ServiceTime) -> None:
    """M/M/1 and M/D/1: the formulas are exact, so only the simulation's own error is left."""
    times = sojourn_times(load, 1, service_time, seed=11)
    for within in (0.5, 1.0, 1.3, 2.0, 3.5, 5.5, 8.0):
        found = late_share(load, 1.0, 1, within, service_time)
        assert found == pytest.approx((times > within).mean(), abs=0.012), within


@pytest.mark.parametrize(("servers", "load"), [(2, 0.5), (4, 0.8), (16, 0.9)])
def test_several_servers_against_a_simulated_queue(servers: int, load: float) -> None:
    """M/M/c is exact; M/D/c is an approximation, off by a few hundredths at most."""
    for service_time, allowed in ((EXPONENTIAL, 0.01), (DETERMINISTIC, 0.035)):
        times = sojourn_times(load, servers, service_time, seed=12)
        for within in (0.7, 1.0, 1.2, 2.0, 4.0):
            found = late_share(load * servers, 1.0, servers, within, service_time)
            assert found == pytest.approx((times > within).mean(), abs=allowed), (service_time, within)


def test_textbook_values() -> None:
    """M/M/1 at load .8: exp(-.2 t). Erlang's C of 2 servers at load .5 is 1/3. M/D/1 waits with chance rho."""
    assert late_share(0.8, 1.0, 1, 10.0, EXPONENTIAL) == pytest.approx(math.exp(-2))
    assert erlang_c(2, 0.5) == pytest.approx(1 / 3)
    assert late_share(0.7, 1.0, 1, 1.0, DETERMINISTIC) == pytest.approx(0.7)
    # Between one and two service times nobody has waited longer than the one who was there: 1 - (1 - rho) e^(rho x).
    assert late_share(0.7, 1.0, 1, 1.6, DETERMINISTIC) == pytest.approx(1 - 0.3 * math.exp(0.7 * 0.6))


@pytest.mark.parametrize("load", [0.05, 0.5, 0.9, MOST_LOAD])
def test_tail_of_deterministic_queue_goes_on_smoothly(load: float) -> None:
    below, above = (late_share(load, 1.0, 1, within, DETERMINISTIC) for within in (5.0 - 1e-9, 5.0 + 1e-9))
    assert below == pytest.approx(above, rel=2e-3, abs=1e-5)


def test_many_servers_do_not_overflow() -> None:
    assert 0 <= erlang_c(4096, 0.99) <= 1
    assert erlang_c(4096, 0.5) == pytest.approx(0.0, abs=1e-12)
    assert erlang_c(3, 0.0) == 0.0


def test_beyond_most_load_requests_are_turned_away() -> None:
    """At twice the capacity .95 of it is served: 47.5 % of the requests get in, and of those exp(-.05 t) are late."""
    assert admitted(2.0, 1.0) == MOST_LOAD
    expected = MOST_LOAD / 2 * (1 - math.exp(-(1 - MOST_LOAD) * 20))
    assert attainment(2.0, 1.0, 1, 20.0, EXPONENTIAL) == pytest.approx(expected)
    assert attainment(0.0, 1.0, 1, 20.0, EXPONENTIAL) == 1.0
    assert attainment(1.0, 0.0, 1, 20.0, EXPONENTIAL) == 0.0


@given(
    rate=st.floats(0.0, 50.0),
    service_rate=st.floats(0.01, 20.0),
    servers=st.integers(1, 64),
    within_s=st.floats(0.001, 100.0),
    service_time=st.sampled_from([EXPONENTIAL, DETERMINISTIC]),
)
def test_attainment_is_a_share_and_grows_with_speed_and_patience(
    rate: float, service_rate: float, servers: int, within_s: float, service_time: ServiceTime
) -> None:
    found = attainment(rate, service_rate, servers, within_s, service_time)
    assert 0 <= found <= 1
    assert attainment(rate, service_rate * 1.5, servers, within_s, service_time) >= found - 1e-9
    assert attainment(rate, service_rate, servers, within_s * 1.5, service_time) >= found - 1e-9
