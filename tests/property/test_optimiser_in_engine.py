"""The optimiser in whole simulations: the engine refuses whatever breaks a rule, and the world stays valid."""

from __future__ import annotations

import stat
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pulp
import pytest
from builders import T4, V100, cluster, job, profile, workload

from gogh_sim import profiles
from gogh_sim.engine import EngineSettings, Simulation, Truth
from gogh_sim.engine.hidden import hidden_factors
from gogh_sim.engine.records import Records
from gogh_sim.engine.validate import validate_state
from gogh_sim.policy import ClusterView, Decision, PolicyContext
from gogh_sim.profiles import ProfileSettings, Sharing
from gogh_sim.schedulers.oracle import Oracle
from gogh_sim.streams import Streams
from gogh_sim.types import Cluster, Job, JobKind, Node

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


def simulated(seed: int, machine: Cluster = NODES, **settings: object) -> Records:
    jobs = random_jobs(np.random.default_rng(seed), 25)
    truth_of = profile(MODELS, sensitivity=0.5, intensity=0.6, beta=0.5, gamma=0.3)
    engine, streams = EngineSettings(), Streams(seed)
    truth = Truth(truth_of, machine, hidden_factors(jobs, engine, streams))
    context = PolicyContext(machine, {w.name: w for w in MODELS})
    watched = Watched(Oracle(context, truth, **settings))
    watched.simulation = Simulation(machine, jobs, truth_of, watched, engine, streams)
    return watched.simulation.run()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"objective": "power"},
        {"objective": "carbon", "grid": {"pue": 1.2, "carbon_g_per_kwh": [500.0, 100.0]}},
        {"objective": "cost", "grid": {"price_usd_per_kwh": [0.1, 0.3, -0.02]}},
        {"event_solves_below": 0},
        {"most_groups": 4},
        {"theta": 1},
        {"caps": [0.6], "objective": "power"},
    ],
    ids=["energy", "power", "carbon", "cost", "rounds_only", "coarse", "alone", "capped"],
)
def test_every_job_ends_and_no_rule_is_broken(seed: int, settings: dict[str, object]) -> None:
    records = simulated(seed, **settings)
    assert (records.jobs["status"] == "finished").all()
    shared = records.timeline[["jobs_on_V100", "jobs_on_T4"]].sum(axis=1)
    busy = records.timeline[["busy_V100", "busy_T4"]].sum(axis=1)
    assert bool((shared > busy).any()) == (settings.get("theta") != 1)


@pytest.mark.parametrize(
    ("script", "status"),
    [
        (None, "solver missing"),
        ("kill -9 $$", "solver failed"),
        ('head -c 4096 /dev/urandom > "$out"', "solver failed"),
        ('printf "Optimal - objective value 1\\n  0 n0 many 0\\n" > "$out"', "solver failed"),
        ('echo "Infeasible - objective value 0" > "$out"', "solver found no answer"),
        ('echo "Stopped on time (no integer solution - continuous used)" > "$out"', "solver found no answer"),
    ],
    ids=["missing", "killed", "noise", "garbage", "infeasible", "limit"],
)
def test_without_a_working_solver_the_simulation_goes_on_and_says_so(
    script: str | None, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    solver = tmp_path / "cbc"
    if script is not None:
        solver.write_text(f'#!/bin/sh\nwhile [ "$1" != "-solution" ]; do shift; done; out="$2"; {script}\n')
        solver.chmod(solver.stat().st_mode | stat.S_IXUSR)
    working = simulated(1).decisions
    monkeypatch.setattr(pulp.PULP_CBC_CMD, "pulp_cbc_path", str(solver))
    records = simulated(1)
    found = records.decisions[records.decisions["status"] != ""]
    assert (records.jobs["status"] == "finished").all()
    # Where there is nothing to place, nobody asks the solver.
    flagged = found[found["fallback"]]
    assert set(flagged["status"]) == {status}
    assert set(found.loc[~found["fallback"], "status"]) <= {"optimal"}
    assert (found.loc[~found["fallback"], "columns"] == 0).all()
    assert len(flagged) > 10
    assert flagged["gap"].between(0, 1).all()
    assert not working["fallback"].any()


def test_three_share_a_gpu_where_the_cluster_lets_them() -> None:
    records = simulated(2, replace(NODES, theta=3), theta=3)
    assert (records.jobs["status"] == "finished").all()
    places: dict[str, list[str]] = {}
    most = 0
    for event in records.events.itertuples():
        if event.event in ("start", "move"):
            places[event.job_id] = event.gpus.split("|")
        elif event.event in ("finish", "evict"):
            del places[event.job_id]
        held = Counter(gpu for gpus in places.values() for gpu in gpus)
        most = max(most, *held.values(), 0)
    assert most == 3


def test_caps_hold_power_down() -> None:
    """All jobs draw 100 W above idle on a V100; at 0.4 of 300 W they draw 120 W at most, and take longer."""
    plain, capped = (simulated(2, theta=1, objective="power", caps=caps) for caps in ([], [0.4]))
    assert float(plain.timeline["gpu_w"].max()) > float(capped.timeline["gpu_w"].max())
    assert capped.jobs["end_s"].mean() > plain.jobs["end_s"].mean()


def test_slices_of_a_card_are_gpu_types_like_others() -> None:
    """Jobs on slices of an A100 by the oracle: at most one a slice, gangs and floors included, on whole cards too."""
    whole = profiles.configured(ProfileSettings(sharing=Sharing.MIG, mig={"A100": "3g.20gb"}), np.random.default_rng(0))
    cards = Cluster("cards", whole.gpu_types, (Node("a0", "A100", 2), Node("v0", "V100", 4)))
    machine = profiles.as_shared(cards, whole, Sharing.MIG, {"A100": "3g.20gb"})
    assert {t.name for t in machine.gpu_types} == {"A100-3g.20gb", "V100"}
    names = [w.name for w in whole.workloads if w.memory_gib < 10][:4]
    jobs = [
        Job(f"j{i:02}", 60.0 * i, names[i % 4], JobKind.TRAINING, 9e4, 1e3, 1 + (i % 5 == 0), deadline_s=60.0 * i + 9e3)
        for i in range(20)
    ]
    cards_only = frozenset({"V100"})
    jobs = [replace(one, allowed_gpu_types=cards_only) if one.num_gpus > 1 else one for one in jobs]
    engine, streams = EngineSettings(), Streams(1)
    truth = Truth(whole, machine, hidden_factors(jobs, engine, streams))
    watched = Watched(Oracle(PolicyContext(machine, {w.name: w for w in whole.workloads}), truth))
    watched.simulation = Simulation(machine, jobs, whole, watched, engine, streams)
    records = watched.simulation.run()
    assert (records.jobs["status"] == "finished").all()
    assert set(records.decisions["status"]) <= {"optimal", ""}
    assert records.timeline["jobs_on_A100-3g.20gb"].equals(records.timeline["busy_A100-3g.20gb"]), "one job a slice"
    assert records.timeline["busy_A100-3g.20gb"].max() > 1


def test_runs_are_reproducible() -> None:
    one, other = simulated(7), simulated(7)
    assert one.events.equals(other.events)
    assert one.decisions.equals(other.decisions)
