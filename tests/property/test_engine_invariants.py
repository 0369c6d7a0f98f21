"""Random clusters, jobs and policies that place, move, evict and cap at random: the invariants hold throughout."""

from __future__ import annotations

import numpy as np
import pytest
from builders import Checked, cluster, job, profile, run, service
from hypothesis import given, settings
from hypothesis import strategies as st

from gogh_sim.engine import EngineSettings, Gating
from gogh_sim.engine.records import Records
from gogh_sim.policy import ClusterView, Decision, Placement
from gogh_sim.types import Cluster, GpuId, Job

TRUTH = profile(sensitivity=0.7, intensity=0.9, local_sync=0.05, remote_sync=0.2, beta=0.5, alpha=0.8)


class Chaos:
    """Starts whatever fits on random GPUs, and evicts, moves and caps at random."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def decide(self, view: ClusterView) -> Decision:
        room = np.where(view.occupancy.up, view.cluster.theta - view.occupancy.jobs, 0)
        evict, place = set(), {}
        for job_id, active in view.running.items():
            roll = self._rng.random()
            if roll < 0.1:
                evict.add(job_id)
            elif roll < 0.2 and (found := self._somewhere(view.cluster, room, active.job)):
                room[[view.cluster.index_of[gpu] for gpu in active.gpus]] += 1
                place[job_id] = found
        for job_id, active in view.pending.items():
            if self._rng.random() < 0.8 and (found := self._somewhere(view.cluster, room, active.job)):
                place[job_id] = found
        capped = view.cluster.gpu_ids[int(self._rng.integers(view.cluster.num_gpus))]
        return Decision(place=place, evict=frozenset(evict), power_caps={capped: float(self._rng.uniform(60.0, 150.0))})

    def _somewhere(self, cluster: Cluster, room: np.ndarray, wants: Job) -> Placement | None:
        free = np.flatnonzero(room > 0)
        if len(free) < wants.num_gpus:
            return None
        gpus = self._rng.choice(free, wants.num_gpus, replace=False)
        room[gpus] -= 1
        return tuple(GpuId(*cluster.gpu_ids[gpu]) for gpu in gpus)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Cluster, list[Job], EngineSettings, int]:
    nodes = draw(st.lists(st.tuples(st.sampled_from(["V100", "T4"]), st.integers(1, 4)), min_size=1, max_size=4))
    most = sum(size for _, size in nodes)
    jobs = []
    for number in range(draw(st.integers(1, 12))):
        width = draw(st.integers(1, most))
        jobs.append(
            job(
                f"j{number}",
                submit_s=draw(st.floats(0, 2_000)),
                reference_s=draw(st.floats(1, 2_000)),
                kind=draw(st.sampled_from(["cnn", "rnn"])),
                num_gpus=width,
                gpu_fraction=draw(st.sampled_from([1.0, 0.5, 0.25])) if width == 1 else 1.0,
                source_status=draw(st.sampled_from(["pass", "failed"])),
            )
        )
    for number in range(draw(st.integers(0, 3))):
        rates = draw(st.lists(st.floats(0, 30), min_size=1, max_size=4))
        jobs.append(
            service(
                f"s{number}",
                *((300.0 * i, rate) for i, rate in enumerate(rates)),
                lifetime_s=draw(st.floats(1, 2_000)),
                submit_s=draw(st.floats(0, 2_000)),
                num_gpus=draw(st.integers(1, most)),
                slots=draw(st.integers(1, 4)),
            )
        )
    frictions = EngineSettings(
        checkpoint_s=draw(st.sampled_from([0.0, 20.0])),
        restore_s=draw(st.sampled_from([0.0, 40.0])),
        gating=Gating(draw(st.sampled_from([0.0, 100.0, float("inf")])), draw(st.sampled_from([0.0, 60.0]))),
        horizon_s=draw(st.sampled_from([1_000.0, 50_000.0])),
    )
    return cluster(*nodes, theta=draw(st.integers(1, 3))), jobs, frictions, draw(st.integers(0, 1_000))


@settings(max_examples=60)
@given(worlds())
def test_invariants_hold_at_every_decision_and_integrals_agree(
    world: tuple[Cluster, list[Job], EngineSettings, int],
) -> None:
    machine, jobs, frictions, seed = world
    records, _ = run(machine, jobs, Checked(lambda: Chaos(seed)), frictions, TRUTH, seed)
    statuses = records.jobs.status.value_counts()
    assert statuses.sum() == len(jobs)
    assert set(statuses.index) <= {"finished", "failed", "unfinished"}
    assert_energy_is_the_integral_of_power(records)
    assert_held_gpus_add_up(records, machine)
    works = records.jobs[records.jobs.request_target.isna()]
    ended = works[works.status != "unfinished"]
    assert ended.done_s.to_numpy() == pytest.approx(ended.reference_s.to_numpy())
    assert (works.done_s <= works.reference_s * (1 + 1e-9)).all()
    assert_services_last_and_their_requests_add_up(records, jobs)
    assert records.timeline.time_s.is_monotonic_increasing
    assert records.decisions.time_s.is_unique


def assert_services_last_and_their_requests_add_up(records: Records, jobs: list[Job]) -> None:
    found = records.jobs.set_index("job_id")
    for one in jobs:
        if one.service is None:
            continue
        row = found.loc[one.job_id]
        assert row.requests_in_slo <= row.requests_answered * (1 + 1e-9) <= row.requests * (1 + 2e-9)
        if row.status != "unfinished":
            assert row.end_s == pytest.approx(one.submit_s + one.service.lifetime_s)
            assert row.requests == pytest.approx(one.service.requests.requests(one.service.lifetime_s))
            assert (row.status == "finished") == (row.first_start_s <= row.end_s)


def assert_energy_is_the_integral_of_power(records: Records) -> None:
    held_s = np.diff(records.timeline.time_s)
    for watts, table in (("gpu_w", records.gpus), ("node_w", records.nodes)):
        integral = float((records.timeline[watts].to_numpy()[:-1] * held_s).sum())
        assert table.energy_j.sum() == pytest.approx(integral, rel=1e-9)
    shared = records.jobs.gpu_energy_j.sum()
    assert shared <= records.gpus.energy_j.sum() * (1 + 1e-9)


def assert_held_gpus_add_up(records: Records, machine: Cluster) -> None:
    """GPU-seconds held by jobs are those of the timeline, counted by job and, shared GPUs once, by GPU."""
    held_s = np.diff(records.timeline.time_s)
    for prefix, found in (("jobs_on_", records.jobs.allocated_gpu_s.sum()), ("busy_", records.gpus.busy_s.sum())):
        counts = sum(records.timeline[prefix + name].to_numpy()[:-1] for name in machine.type_names)
        assert found == pytest.approx(float((counts * held_s).sum()), rel=1e-9, abs=1e-6)
    assert records.sources.gpu_s.sum() == pytest.approx(records.jobs.allocated_gpu_s.sum(), rel=1e-9, abs=1e-6)
