"""The optimiser in whole simulations: the engine refuses whatever breaks a rule, and the world stays valid."""

from __future__ import annotations

import numpy as np
import pytest
from builders import T4, V100, cluster, job, profile, workload

from gogh_sim.engine import EngineSettings, Simulation, Truth
from gogh_sim.engine.records import Records
from gogh_sim.engine.simulation import hidden_factors
from gogh_sim.engine.validate import validate_state
from gogh_sim.policy import ClusterView, Decision, PolicyContext
from gogh_sim.schedulers.oracle import Oracle
from gogh_sim.streams import Streams
from gogh_sim.types import Job

MODELS = (workload("cnn", 4.0), workload("rnn", 9.0))
NODES = cluster(("V100", 2), ("V100", 4), ("T4", 2), ("T4", 1), gpu_types=(V100, T4))


def random_jobs(rng: np.random.Generator, count: int) -> list[Job]:
    submit_s = np.cumsum(rng.exponential(150.0, count))
    jobs = []
    for n in range(count):
        gang = int(rng.choice([1, 1, 1, 2, 3]))
        seconds = float(rng.lognormal(6.0, 1.0))
        jobs.append(
            job(
                f"j{n:02}",
                float(submit_s[n]),
                seconds,
                str(rng.choice(["cnn", "rnn"])),
                num_gpus=gang,
                gpu_fraction=0.5 if gang == 1 and rng.random() < 0.3 else 1.0,
                deadline_s=float(submit_s[n] + rng.uniform(0.5, 6.0) * seconds) if rng.random() < 0.5 else np.inf,
                allowed_gpu_types=frozenset({"V100"}) if rng.random() < 0.3 else frozenset(),
            )
        )
    return jobs


class Watched:
    """A policy that validates the world before each of its decisions."""

    def __init__(self, policy: Oracle) -> None:
        self.policy = policy
        self.simulation: Simulation | None = None

    def decide(self, view: ClusterView) -> Decision:
        if self.simulation is not None:
            validate_state(self.simulation.world)
        return self.policy.decide(view)


def simulated(seed: int, **settings: object) -> Records:
    jobs = random_jobs(np.random.default_rng(seed), 25)
    truth_of = profile(MODELS, sensitivity=0.5, intensity=0.6, beta=0.5)
    engine, streams = EngineSettings(), Streams(seed)
    truth = Truth(truth_of, NODES, hidden_factors(jobs, engine, streams))
    context = PolicyContext(NODES, {w.name: w for w in MODELS})
    watched = Watched(Oracle(context, truth, **settings))
    watched.simulation = Simulation(NODES, jobs, truth_of, watched, engine, streams)
    return watched.simulation.run()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "settings",
    [{}, {"objective": "power"}, {"event_solves_below": 0}, {"most_groups": 4}, {"theta": 1}],
    ids=["energy", "power", "rounds_only", "coarse", "alone"],
)
def test_every_job_ends_and_no_rule_is_broken(seed: int, settings: dict[str, object]) -> None:
    records = simulated(seed, **settings)
    assert (records.jobs["status"] == "finished").all()
    shared = records.timeline[["jobs_on_V100", "jobs_on_T4"]].sum(axis=1)
    busy = records.timeline[["busy_V100", "busy_T4"]].sum(axis=1)
    assert bool((shared > busy).any()) == (settings.get("theta") != 1)


def test_runs_are_reproducible() -> None:
    one, other = simulated(7), simulated(7)
    assert one.events.equals(other.events)
    assert one.decisions.equals(other.decisions)
