"""A made-up law of speeds and interference with features that tell most, but not all, of it."""

from __future__ import annotations

from functools import cache

import numpy as np

from gogh_sim.estimators import ErrorTable, Estimator, History, TrainingSettings, train
from gogh_sim.types import GpuType, HostPower, JobKind, Workload

HOST = HostPower(base_w=100.0, slope=1.1)
GPU_TYPES = (
    GpuType("V100", "SXM2-32GB", 32.0, 300.0, 30.0, 55.0, 15.7, 125.0, 900.0, HOST),
    GpuType("A100", "SXM4-40GB", 40.0, 400.0, 45.0, 75.0, 19.5, 312.0, 1555.0, HOST),
    GpuType("H100", "SXM5-80GB", 80.0, 700.0, 60.0, 110.0, 67.0, 990.0, 3350.0, HOST),
    GpuType("T4", "PCIe-16GB", 16.0, 70.0, 9.0, 28.0, 8.1, 65.0, 320.0, HOST),
)
TASKS = ("vision", "language", "speech", "recommendation")


def make_history(families: int = 14, batches: int = 2, seed: int = 0, quirk: float = 0.2) -> History:
    """`quirk` is the spread of what no feature tells, in logs, equal for all batches of a family."""
    rng = np.random.default_rng(seed)
    workloads, heat, care, quick = [], [], [], []
    for f in range(families):
        size, work = rng.normal(3, 1.2), rng.normal(1.5, 1.0)
        own = quirk * rng.normal(size=3)
        for k in range(batches):
            batch = 8 * 4**k
            load = 0.5 * (np.log(batch) - 3.5) + 0.6 * (work - 1.5)
            workloads.append(
                Workload(
                    name=f"f{f}-b{batch}",
                    model=f"f{f}",
                    family=f"f{f}",
                    task=TASKS[f % len(TASKS)],
                    kind=JobKind.INFERENCE if f % 5 == 4 else JobKind.TRAINING,
                    batch_size=batch,
                    parameters_m=float(np.exp(size)),
                    gflop_per_sample=float(np.exp(work)),
                    memory_gib=float(np.clip(1.0 + 0.02 * np.exp(size) + 0.02 * batch * np.exp(0.5 * work), 1, 30)),
                )
            )
            heat.append(load + own[0])
            care.append(0.8 * load - 0.2 * (size - 3) + own[1])
            quick.append(1 / (1 + np.exp(-1.5 * load - own[2])))
    gain = np.log([1.0, 2.2, 4.0, 0.35])
    speed = np.exp(np.array(quick)[:, None] * gain)
    own_gib = np.array([w.memory_gib for w in workloads])
    room = np.array([t.memory_gib for t in GPU_TYPES])
    speed[own_gib[:, None] > room] = np.nan
    ease = np.array([0.0, -0.4, -0.8, 0.5])
    pressure = np.exp(-0.5 + np.array(care)[:, None] + np.array(heat)[None, :] + ease[:, None, None])
    norm = 1 / (1 + np.minimum(pressure, 20))
    norm[own_gib[:, None] + own_gib > room[:, None, None]] = np.nan
    idle = np.array([t.idle_context_w for t in GPU_TYPES])
    tdp = np.array([t.tdp_w for t in GPU_TYPES])
    dynamic = (0.3 + 0.6 / (1 + np.exp(-np.array(heat)))[:, None]) * (tdp - idle)
    pair = idle[:, None, None] + np.sqrt(dynamic.T[:, :, None] ** 2 + dynamic.T[:, None, :] ** 2)
    return History(
        workloads=tuple(workloads),
        gpu_types=GPU_TYPES,
        speed=speed,
        norm=norm,
        power_w=idle + dynamic,
        pair_power_w=np.minimum(pair, tdp[:, None, None]),
    )


TINY = TrainingSettings(
    p1_architecture="feed_forward",
    p2_architecture="feed_forward",
    parameters=3_000,
    members=2,
    folds=3,
    p1_steps=150,
    p2_steps=120,
    batch_size=256,
    held_out=("f2", "f6", "f9"),
)


@cache
def tiny_training() -> tuple[History, Estimator, ErrorTable]:
    """A full history, and an estimator trained on it without the families of `TINY.held_out`."""
    history = make_history()
    estimator, table = train(history, TINY, seed=1)
    return history, estimator, table
