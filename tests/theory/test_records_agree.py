"""The tables of a run are several accounts of one history; what follows from one must equal what another says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import FRICTIONLESS, cluster, exponential_jobs, run

from gogh_sim.engine import Gating, Records
from gogh_sim.metrics.intervals import occupancy_intervals
from gogh_sim.metrics.site import Site, integral
from gogh_sim.metrics.statistics import littles_law
from gogh_sim.metrics.summary import summarise
from gogh_sim.policy import ClusterView, Decision
from gogh_sim.types import GpuId

SETTINGS = replace(FRICTIONLESS, checkpoint_s=20.0, restore_s=40.0, gating=Gating(idle_s=300.0, wake_s=60.0))


class Restless:
    """Starts who fits anywhere, two to a GPU, and evicts or moves somebody at every third call."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def decide(self, view: ClusterView) -> Decision:
        load = view.occupancy.jobs.copy()
        place: dict[str, tuple[GpuId, ...]] = {}
        evict: set[str] = set()
        for job_id, active in view.running.items():
            if self._rng.random() < 0.05:
                load[[view.cluster.index_of[gpu] for gpu in active.gpus]] -= 1
                gpu = int(self._rng.integers(view.cluster.num_gpus))
                if load[gpu] < view.cluster.theta and view.cluster.gpu_ids[gpu] not in active.gpus:
                    place[job_id] = (view.cluster.gpu_ids[gpu],)
                    load[gpu] += 1
                else:
                    evict.add(job_id)
        for job_id in view.pending:
            gpu = int(self._rng.integers(view.cluster.num_gpus))
            if load[gpu] < view.cluster.theta:
                place[job_id] = (view.cluster.gpu_ids[gpu],)
                load[gpu] += 1
        return Decision(place=place, evict=frozenset(evict))


@pytest.fixture(scope="module", params=[1, 2])
def records(request: pytest.FixtureRequest) -> Records:
    jobs = exponential_jobs(np.random.default_rng(request.param), 150, 1 / 150, 600.0)
    found, _ = run(cluster(("V100", 2), ("T4", 2), ("V100", 1)), jobs, Restless(request.param), SETTINGS)
    assert found.jobs["migrations"].sum() > 5
    assert found.jobs["preemptions"].sum() > 5
    return found


def test_node_energy_is_the_area_under_the_timeline(records: Records) -> None:
    time_s, node_w, gpu_w = (records.timeline[c].to_numpy(np.float64) for c in ("time_s", "node_w", "gpu_w"))
    assert integral(time_s, node_w) == pytest.approx(records.nodes["energy_j"].sum(), rel=1e-9)
    assert integral(time_s, gpu_w) == pytest.approx(records.gpus["energy_j"].sum(), rel=1e-9)


def test_site_energy_is_node_energy_times_pue(records: Records) -> None:
    found = summarise(records, {"V100": 1.0, "T4": 0.4}, Site.of(1.3, 100.0, 0.1))
    assert found["site_energy_kwh"] == pytest.approx(1.3 * found["node_energy_kwh"], rel=1e-9)


def test_littles_law_holds(records: Records) -> None:
    assert littles_law(records.jobs, records.timeline).residual == pytest.approx(0.0, abs=1e-9)


def test_stays_on_gpus_are_what_the_jobs_held(records: Records) -> None:
    stays = occupancy_intervals(records.events, float(records.timeline["time_s"].iloc[-1]))
    held_s = (stays["end_s"] - stays["start_s"]).groupby(stays["job_id"]).sum()
    jobs = records.jobs.set_index("job_id")
    assert held_s.reindex(jobs.index, fill_value=0.0).to_numpy() == pytest.approx(jobs["allocated_gpu_s"].to_numpy())
    assert (stays["start_s"] <= stays["ready_s"]).all()
    assert (stays["ready_s"] <= stays["end_s"]).all()


def test_busy_gpus_are_those_with_a_stay(records: Records) -> None:
    time_s = records.timeline["time_s"].to_numpy()
    stays = occupancy_intervals(records.events, float(time_s[-1]))
    middle_s = (time_s[:-1] + time_s[1:]) / 2
    on = (stays["start_s"].to_numpy() <= middle_s[:, None]) & (middle_s[:, None] < stays["end_s"].to_numpy())
    gpu = stays["node_id"] + "/" + stays["slot"].astype(str)
    busy = sum(on[:, (gpu == name).to_numpy()].any(axis=1).astype(int) for name in gpu.unique())
    told = records.timeline[["busy_V100", "busy_T4"]].sum(axis=1).to_numpy()[:-1]
    assert (busy == told).all()
    assert float(busy @ np.diff(time_s)) == pytest.approx(records.gpus["busy_s"].sum())
