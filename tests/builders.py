"""Small worlds with round numbers, so that tests can be checked by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from gogh_sim.engine import EngineSettings, Gating, Records, Simulation
from gogh_sim.engine.validate import validate_state
from gogh_sim.inference import RequestSeries, Service
from gogh_sim.policy import NOTHING, ClusterView, Decision, Observation, Prediction, Scheduler
from gogh_sim.profiles import Profile
from gogh_sim.streams import Streams
from gogh_sim.types import Cluster, GpuId, GpuType, HostPower, Job, JobKind, Node, Workload

V100 = GpuType("V100", "test", 16.0, 300.0, 40.0, 50.0, 15.0, 125.0, 900.0, HostPower(300.0, 1.2, 10.0))
T4 = GpuType("T4", "test", 16.0, 70.0, 10.0, 20.0, 8.0, 65.0, 320.0, HostPower(400.0, 1.1, 5.0))

FRICTIONLESS = EngineSettings(
    checkpoint_s=0.0, restore_s=0.0, noise_sigma=0.0, hidden_sigma=0.0, gating=Gating(math.inf, 0.0)
)
"""No restart cost, no gating, no noise, no hidden factors."""


def workload(name: str = "cnn", memory_gib: float = 4.0, **changes: object) -> Workload:
    base = Workload(name, name, name, "vision", JobKind.TRAINING, 32, 25.0, 12.0, memory_gib)
    return replace(base, **changes)  # type: ignore[arg-type]


def profile(
    workloads: Sequence[Workload] | None = None,
    solo_rate: Sequence[Sequence[float]] | None = None,
    gpu_types: Sequence[GpuType] = (V100, T4),
    **laws: object,
) -> Profile:
    """Two workloads, 'cnn' (10 it/s on V100, 4 on T4) and 'rnn' (2 and 1), 100 and 40 W above idle; no interference."""
    workloads = workloads or (workload("cnn"), workload("rnn"))
    rates = solo_rate or [[10.0, 4.0], [2.0, 1.0]]
    laws.setdefault("dyn_w", [[100.0, 40.0]] * len(workloads))
    return Profile.from_rates("test", gpu_types, workloads, rates, **laws)  # type: ignore[arg-type]


def cluster(*nodes: tuple[str, int], theta: int = 2, gpu_types: Sequence[GpuType] = (V100, T4)) -> Cluster:
    """Nodes n0, n1, ... given as (type, GPUs)."""
    return Cluster("test", tuple(gpu_types), tuple(Node(f"n{i}", t, n) for i, (t, n) in enumerate(nodes)), theta)


def job(job_id: str, submit_s: float = 0.0, reference_s: float = 100.0, kind: str = "cnn", **changes: object) -> Job:
    """A job that needs `reference_s` alone on V100s (with the profile above and gangs that scale perfectly)."""
    gpus = int(changes.get("num_gpus", 1))  # type: ignore[call-overload]
    rate = {"cnn": 10.0, "rnn": 2.0}.get(kind, 1.0) * gpus * float(changes.get("gpu_fraction", 1.0))  # type: ignore[arg-type]
    return Job(job_id, submit_s, kind, JobKind.TRAINING, reference_s * rate, reference_s, **changes)  # type: ignore[arg-type]


def service(
    job_id: str,
    *rates: tuple[float, float],
    lifetime_s: float = 1000.0,
    slo_s: float = 1.0,
    kind: str = "cnn",
    submit_s: float = 0.0,
    num_gpus: int = 1,
    floor: float = 0.0,
    **changes: object,
) -> Job:
    """A service of requests of one iteration, whose rates are given as (from, requests per second)."""
    starts_s, per_s = zip(*rates, strict=True)
    serving = Service(lifetime_s, RequestSeries(starts_s, per_s), slo_s, **changes)  # type: ignore[arg-type]
    work = {"cnn": 10.0, "rnn": 2.0}[kind] * num_gpus * lifetime_s
    more = {"num_gpus": num_gpus, "floor": floor}
    return Job(job_id, submit_s, kind, JobKind.INFERENCE, work, lifetime_s, service=serving, **more)  # type: ignore[arg-type]


def gpus(*names: str) -> tuple[GpuId, ...]:
    """GPUs written as 'n0/1'."""
    return tuple(GpuId(name.split("/")[0], int(name.split("/")[1])) for name in names)


class Script:
    """A policy that does what it is told at given times, and validates the world whenever it is asked."""

    def __init__(self, **steps: Decision) -> None:
        """Steps as ``at_12=Decision(...)``: at the first call at or after 12 s."""
        self.steps = sorted((float(name.removeprefix("at_").replace("_", ".")), step) for name, step in steps.items())
        self.views: list[ClusterView] = []

    def decide(self, view: ClusterView) -> Decision:
        self.views.append(view)
        if self.steps and self.steps[0][0] <= view.now_s:
            return self.steps.pop(0)[1]
        return NOTHING


class LearningScript(Script):
    """A script that also keeps what it is told of measurements."""

    def __init__(self, **steps: Decision) -> None:
        super().__init__(**steps)
        self.observations: list[Observation] = []

    def observe(self, observations: Sequence[Observation]) -> list[Prediction]:
        self.observations += observations
        return [Prediction(seen, "P1", seen.rate * 2) for seen in observations]


class Checked:
    """Wraps a policy and validates the world before each of its decisions."""

    def __init__(self, make: Callable[[], Scheduler]) -> None:
        self.policy = make()
        self.simulation: Simulation | None = None

    def decide(self, view: ClusterView) -> Decision:
        assert self.simulation is not None
        validate_state(self.simulation.world)
        return self.policy.decide(view)


def run(
    cluster: Cluster,
    jobs: Sequence[Job],
    scheduler: Scheduler,
    settings: EngineSettings = FRICTIONLESS,
    truth: Profile | None = None,
    seed: int = 1,
) -> tuple[Records, Simulation]:
    """Simulate and validate the world at the end."""
    simulation = Simulation(cluster, jobs, truth or profile(), scheduler, settings, Streams(seed))
    if isinstance(scheduler, Checked):
        scheduler.simulation = simulation
    records = simulation.run()
    validate_state(simulation.world)
    return records, simulation


def row(frame: object, **where: object) -> dict[str, object]:
    """The one row of a table with these values."""
    for column, value in where.items():
        frame = frame[frame[column] == value]  # type: ignore[index]
    assert len(frame) == 1, frame  # type: ignore[arg-type]
    return frame.iloc[0].to_dict()  # type: ignore[union-attr,no-any-return]


def exponential_jobs(rng: np.random.Generator, n: int, rate: float, mean_s: float) -> list[Job]:
    """Poisson arrivals, exponential service."""
    submit = np.cumsum(rng.exponential(1 / rate, n))
    service = np.maximum(rng.exponential(mean_s, n), 1e-6)
    return [job(f"j{i:06d}", float(s), float(d)) for i, (s, d) in enumerate(zip(submit, service, strict=True))]
