"""The engine against queueing theory: Erlang C for fifo on equal GPUs, and Little's law."""

from __future__ import annotations

import math

import numpy as np
import pytest
from builders import V100, cluster, exponential_jobs, profile, run, workload
from scipy import stats

from gogh_sim.policy import PolicyContext
from gogh_sim.schedulers.fifo import Fifo
from gogh_sim.types import Cluster

SERVERS, MEAN_SERVICE_S, UTILISATION = 4, 600.0, 0.75
WARM_UP = 500


def fifo(machine: Cluster) -> Fifo:
    return Fifo(PolicyContext(machine, {name: workload(name) for name in ("cnn", "rnn")}))


def erlang_c_wait_s(servers: int, utilisation: float, mean_service_s: float) -> float:
    """Mean wait of M/M/c (Erlang 1917; e.g. Kleinrock, Queueing Systems I, eq. 3.40)."""
    offered = servers * utilisation
    blocked = offered**servers / math.factorial(servers) / (1 - utilisation)
    busy = blocked / (sum(offered**k / math.factorial(k) for k in range(servers)) + blocked)
    return busy * mean_service_s / (servers * (1 - utilisation))


def test_erlang_c_of_one_server_is_mm1() -> None:
    """M/M/1: rho / (1 - rho) service times."""
    assert erlang_c_wait_s(1, 0.5, 10.0) == pytest.approx(10.0)


def waits(seed: int, machine: Cluster, jobs: int) -> float:
    rng = np.random.default_rng(seed)
    rate = SERVERS * UTILISATION / MEAN_SERVICE_S
    records, _ = run(
        machine,
        exponential_jobs(rng, jobs, rate, MEAN_SERVICE_S),
        fifo(machine),
        truth=profile(gpu_types=(V100,), solo_rate=[[10.0], [2.0]], dyn_w=[[100.0], [100.0]]),
    )
    delays = (records.jobs.first_start_s - records.jobs.submit_s).to_numpy()
    return float(delays[WARM_UP:].mean())


def test_fifo_mean_wait_is_within_its_confidence_interval_of_erlang_c() -> None:
    machine = cluster(("V100", SERVERS), theta=1, gpu_types=(V100,))
    means = np.array([waits(seed, machine, 3_500) for seed in range(12)])
    half_width = stats.t.ppf(0.975, len(means) - 1) * means.std(ddof=1) / math.sqrt(len(means))
    expected = erlang_c_wait_s(SERVERS, UTILISATION, MEAN_SERVICE_S)
    assert abs(means.mean() - expected) <= half_width
    assert half_width < 0.2 * expected, "the interval is too wide to show anything"


def test_littles_law() -> None:
    """Time integral of jobs in the system = sum of times in the system, exactly, when all have left."""
    machine = cluster(("V100", 3), ("T4", 2))
    jobs = exponential_jobs(np.random.default_rng(3), 400, 1 / 200, 600.0)
    records, _ = run(machine, jobs, fifo(machine))
    timeline = records.timeline
    in_system = (timeline.pending + timeline.running).to_numpy()[:-1]
    integral = float((in_system * np.diff(timeline.time_s)).sum())
    assert integral == pytest.approx(float((records.jobs.end_s - records.jobs.submit_s).sum()), rel=1e-9)
