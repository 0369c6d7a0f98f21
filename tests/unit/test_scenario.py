"""From configuration to jobs: every row of the trace is a job or accounted for."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gogh_sim import profiles, scenario
from gogh_sim.cli.composition import composed, without_hydra
from gogh_sim.cli.schema import plain
from gogh_sim.errors import InputError


def config(*overrides: str) -> dict[str, Any]:
    return plain(without_hydra(composed([*overrides])))


def pods(folder: Path, *rows: str) -> Path:
    header = (
        "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time"
    )
    path = folder / "pods.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def openb(folder: Path, *rows: str, cluster: str = "small", **more: object) -> dict[str, Any]:
    extra = [f"trace.{key}={value}" for key, value in more.items()]
    path = pods(folder, *rows)
    return config(
        "trace=openb", f"trace.path={path}", f"cluster={cluster}", "trace.start_s=0", "trace.load=null", *extra
    )


ONE = "a,1000,1024,1,1000,,LS,Running,0,160,60"
TWO = "b,1000,1024,2,1000,,LS,Failed,10,110,10"


def test_work_is_what_the_duration_allows_on_the_reference_type(tmp_path: Path) -> None:
    world = scenario.build(openb(tmp_path, ONE, TWO))
    profile = profiles.load("calibrated")
    for job in world.jobs:
        number = profile.workload_index[job.workload]
        rate = profile.reference_solo_rate[number] * job.num_gpus * profile.gang_factor(number, job.num_gpus, 1)
        assert job.work == pytest.approx(100.0 * rate)
        assert job.reference_s == 100.0
    assert [job.source_status for job in world.jobs] == ["pass", "failed"]


def test_deadline_and_floor_follow_the_class(tmp_path: Path) -> None:
    world = scenario.build(openb(tmp_path, ONE, **{"sla.classes": "[{slack: 2.0, share: 1.0}]"}))
    assert world.jobs[0].deadline_s == 200.0
    assert world.jobs[0].floor == 0.5


def test_rows_are_jobs_or_accounted_for(tmp_path: Path) -> None:
    never = "c,1000,1024,1,1000,,LS,Pending,20,30,"
    cpu_only = "d,1000,1024,0,0,,LS,Running,20,30,21"
    wide = "e,1000,1024,8,1000,,LS,Running,20,30,21"
    world = scenario.build(openb(tmp_path, ONE, TWO, never, cpu_only, wide, oversize="skip"))
    assert [job.job_id for job in world.jobs] == ["a", "b"]
    assert world.trace.left_out == {"never scheduled": 1, "CPU only": 1, "oversize": 1}
    assert world.trace.rows == 5


def test_a_job_that_can_never_run_is_named(tmp_path: Path) -> None:
    wide = "giant,1000,1024,8,1000,,LS,Running,20,30,21"
    with pytest.raises(InputError, match=r"job giant can never run on cluster small.*8 GPUs.*trace.oversize=skip"):
        scenario.build(openb(tmp_path, ONE, wide))


def test_a_job_whose_type_the_cluster_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="job t can never run on cluster homogeneous64"):
        scenario.build(openb(tmp_path, "t,1000,1024,1,1000,T4,LS,Running,0,30,0", cluster="homogeneous64"))


def test_load_is_what_was_asked_for() -> None:
    world = scenario.build(config("trace.load=0.5", "cluster=hetero64"))
    speeds = scenario.mean_speeds(world.profile)
    capacity = sum(speeds[node.gpu_type] * node.num_gpus for node in world.cluster.nodes)
    demand = sum(job.reference_s * job.num_gpus * job.gpu_fraction for job in world.jobs)
    span = max(job.submit_s for job in world.jobs) - min(job.submit_s for job in world.jobs)
    assert demand / span / capacity == pytest.approx(0.5)


def test_mean_speeds_are_over_what_a_type_can_run() -> None:
    profile = profiles.load("calibrated")
    column = profile.relative_speed[:, profile.type_index["H100"]]
    assert scenario.mean_speeds(profile)["H100"] == pytest.approx(float(column[~np.isnan(column)].mean()))
    assert scenario.mean_speeds(profile)["V100"] == pytest.approx(1.0)


def test_unknown_gpu_type_of_a_cluster_is_named() -> None:
    with pytest.raises(InputError, match="unknown GPU type 'B300'"):
        scenario.build(config("cluster.nodes=[{gpu_type: B300, count: 1, gpus_per_node: 8}]"))


def test_nodes_of_the_trace_are_needed_for_from_trace(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"trace\.nodes"):
        scenario.build(openb(tmp_path, ONE, cluster="from_trace"))


def test_the_same_seed_gives_the_same_jobs_and_another_seed_others() -> None:
    same = [scenario.build(config("trace=philly_style", "trace.oversize=skip", "seed=3")).jobs for _ in range(2)]
    assert same[0] == same[1]
    assert scenario.build(config("trace=philly_style", "trace.oversize=skip", "seed=4")).jobs != same[0]


def test_best_effort_has_no_deadline_and_no_floor(tmp_path: Path) -> None:
    world = scenario.build(openb(tmp_path, ONE, **{"sla.classes": "[{slack: inf, share: 1.0}]"}))
    assert math.isinf(world.jobs[0].deadline_s)
    assert world.jobs[0].floor == 0.0


def test_bounds_of_run_times_and_what_never_runs_come_before_the_load() -> None:
    """The load offered is that of the jobs that stay: a gang of 32 that fits nowhere would count for most of it."""
    bounds = ("trace.shortest_s=600", "trace.longest_s=1200", "trace.oversize=skip")
    given = config("trace=philly_style", "trace.jobs=300", "cluster=hetero64", *bounds)
    worlds = (scenario.build({**given, "seed": seed}) for seed in range(1, 50))
    world = next(world for world in worlds if world.trace.left_out)
    assert world.trace.left_out["oversize"] > 0
    assert all(600 <= job.reference_s <= 1200 for job in world.jobs)
    speeds = scenario.mean_speeds(world.profile)
    capacity = sum(speeds[node.gpu_type] * node.num_gpus for node in world.cluster.nodes)
    span_s = max(job.submit_s for job in world.jobs) - min(job.submit_s for job in world.jobs)
    asked = sum(job.reference_s * job.num_gpus * job.gpu_fraction for job in world.jobs)
    assert asked / span_s / capacity == pytest.approx(0.7)
