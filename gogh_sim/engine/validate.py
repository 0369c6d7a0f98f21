"""The invariants of the world, checked from scratch; tests call this after whatever they did."""

from __future__ import annotations

import math

import numpy as np

from gogh_sim.engine.jobs import JobState, Status
from gogh_sim.engine.serving import Serving
from gogh_sim.engine.world import World


def validate_state(world: World) -> None:
    """Check capacity, memory, gangs, job states, counts, watts and energy of a refreshed world.

    Raises
    ------
    AssertionError
        Naming the invariant that does not hold.
    """
    _check_jobs(world)
    _check_gpus(world)
    _check_power(world)


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise AssertionError(what)


def _check_jobs(world: World) -> None:
    running, pending = world.running, world.pending
    _require(not running.keys() & pending.keys(), "a job is both running and pending")
    ended = 0
    for job_id, state in world.states.items():
        _require(0 <= state.remaining <= state.job.work * (1 + 1e-12), f"{job_id}: remaining work out of range")
        if state.status in (Status.PLACED, Status.RUNNING):
            _require(job_id in running, f"{job_id}: {state.status} but not among the running")
            _check_gang(world, state)
        else:
            _require(job_id not in running, f"{job_id}: {state.status} but among the running")
            _require(state.rate == 0 and not state.gpus, f"{job_id}: {state.status} but holds GPUs or has a rate")
        if state.status in (Status.FINISHED, Status.FAILED):
            ended += 1
            _require(state.remaining == 0, f"{job_id}: ended with work left")
            started_s = state.first_start_s if state.ran_before or state.serving is None else state.end_s
            _require(state.end_s >= started_s >= state.job.submit_s, f"{job_id}: times out of order")
        if state.serving is not None:
            _check_requests(state, state.serving)
    _require(ended == world.ended, "the count of ended jobs is wrong")
    numbers = [state.number for state in pending.values()]
    _require(numbers == sorted(numbers), "pending jobs are out of order")


def _check_requests(state: JobState, serving: Serving) -> None:
    job_id = state.job.job_id
    most = serving.service.requests.requests(serving.settled_s - serving.submit_s)
    _require(math.isclose(serving.arrived, most, rel_tol=1e-9, abs_tol=1e-9), f"{job_id}: requests do not add up")
    slack = 1e-9 * (1 + most)
    _require(0 <= serving.in_time <= serving.answered + slack <= most + 2 * slack, f"{job_id}: too many are answered")
    _require(state.status is Status.RUNNING or serving.answered_share == 0, f"{job_id}: serves while {state.status}")


def _check_gang(world: World, state: JobState) -> None:
    job_id = state.job.job_id
    _require(len(set(state.gpus)) == state.job.num_gpus, f"{job_id}: gang is not whole")
    nodes = {world.book.node_of[gpu] for gpu in state.gpus}
    _require(len(nodes) == state.num_nodes, f"{job_id}: wrong count of nodes")
    _require(all(world.meter.on[node] for node in nodes), f"{job_id}: runs on a node that is off")
    _require(all(state in world.book.residents[gpu] for gpu in state.gpus), f"{job_id}: not resident where it runs")
    _require((state.rate > 0) == (state.status is Status.RUNNING), f"{job_id}: rate {state.rate} while {state.status}")


def _check_gpus(world: World) -> None:
    cluster, occupancy = world.cluster, world.occupancy
    held = np.zeros(cluster.num_gpus, dtype=np.int64)
    memory = np.zeros(cluster.num_gpus)
    fraction = np.zeros(cluster.num_gpus)
    for state in world.running.values():
        for gpu in state.gpus:
            held[gpu] += 1
            memory[gpu] += world.memory_gib[state.workload]
            fraction[gpu] += state.job.gpu_fraction
    capacity = np.array([t.memory_gib for t in cluster.gpu_types])[cluster.type_of]
    _require(bool((held <= cluster.theta).all()), "a GPU holds more than theta jobs")
    _require(bool((memory <= capacity * (1 + 1e-9)).all()), "a GPU holds more than its memory")
    _require(np.array_equal(held, occupancy.jobs), "job counts per GPU are wrong")
    _require(np.allclose(memory, occupancy.memory_gib), "memory per GPU is wrong")
    _require(np.allclose(fraction, occupancy.fraction), "fractions per GPU are wrong")
    busy = np.bincount(cluster.type_of, weights=held > 0, minlength=len(cluster.gpu_types))
    _require(busy.tolist() == world.book.busy_gpus, "busy GPUs per type are wrong")
    per_node = np.bincount(cluster.node_of, weights=held, minlength=len(cluster.nodes))
    _require(per_node.tolist() == world.book.node_jobs, "jobs per node are wrong")


def _check_power(world: World) -> None:
    cluster, meter = world.cluster, world.meter
    for number, node in enumerate(cluster.nodes):
        first, last = int(cluster.node_start[number]), int(cluster.node_start[number + 1])
        gpu_type = cluster.gpu_types[cluster.type_of[first]]
        draws = meter.gpu_w[first:last]
        expected = gpu_type.host.base_w + gpu_type.host.slope * sum(draws) if meter.on[number] else gpu_type.host.off_w
        _require(math.isclose(meter.node_w[number], expected), f"node {node.node_id}: watts are wrong")
        _require(bool(world.book.node_on[number]) == meter.on[number], f"node {node.node_id}: power state differs")
        for gpu in range(first, last):
            down = world.outage.down[gpu] > 0
            _require(not (down and world.book.residents[gpu]), f"GPU {cluster.gpu_ids[gpu]}: down, but has residents")
            _require(bool(world.book.up[gpu]) != down, f"GPU {cluster.gpu_ids[gpu]}: up and down differ")
            idle = 0.0 if down or not meter.on[number] else gpu_type.idle_bare_w
            least = gpu_type.idle_context_w if world.book.residents[gpu] else idle
            most = gpu_type.tdp_w if world.book.residents[gpu] else idle
            _require(least - 1e-9 <= meter.gpu_w[gpu] <= most + 1e-9, f"GPU {cluster.gpu_ids[gpu]}: watts out of range")
    _require(math.isclose(meter.total_gpu_w, sum(meter.gpu_w), rel_tol=1e-9, abs_tol=1e-6), "total GPU watts drifted")
    _require(math.isclose(meter.total_node_w, sum(meter.node_w), rel_tol=1e-9, abs_tol=1e-6), "total watts drifted")
