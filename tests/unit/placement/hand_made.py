"""Small problems with round numbers."""

from __future__ import annotations

import numpy as np

from gogh_sim.placement import PENDING, Groups, Knowledge, Objective, Problem, Supply


def problem(
    speed: list[list[float]],
    *,
    gpus: list[int],
    norm: float = 0.8,
    power_w: float = 100.0,
    pair_power_w: float = 120.0,
    count: list[int] | None = None,
    width: list[int] | None = None,
    memory_gib: list[float] | None = None,
    remaining_s: list[float] | None = None,
    floor: list[float] | None = None,
    queue_cost: float = 1e9,
    current_type: list[int] | None = None,
    partners: list[list[int]] | None = None,
    move_cost: list[float] | None = None,
    host_w: float = 50.0,
    theta: int = 2,
    caps: tuple[float, ...] = (),
    objective: Objective = Objective.ENERGY,
) -> Problem:
    """Groups with the given speeds per type; every GPU has 16 GiB, idles at 40 W, may draw 200 W, and its node adds
    `host_w` and 20 % of its watts."""
    size, types = len(speed), len(speed[0])
    floors = np.array(floor or [0.0] * size)
    return Problem(
        Groups(
            count=np.array(count or [1] * size),
            width=np.array(width or [1] * size),
            memory_gib=np.array(memory_gib or [4.0] * size),
            remaining_s=np.array(remaining_s or [1000.0] * size),
            timed=np.zeros(size, dtype=bool),
            allowed=np.ones((size, types), dtype=bool),
            floor=np.repeat(floors[:, None], types, axis=1),
            queue_cost=np.full(size, queue_cost),
            current_type=np.array(current_type or [PENDING] * size),
            partners=np.array(partners or [[PENDING] * 2] * size),
            move_cost=np.array(move_cost or [0.0] * size),
        ),
        Supply(
            gpus=np.array(gpus),
            memory_gib=np.full(types, 16.0),
            idle_w=np.full(types, 40.0),
            tdp_w=np.full(types, 200.0),
            host_w=np.full(types, host_w),
            host_slope=np.full(types, 1.2),
            theta=theta,
            caps=caps,
        ),
        Knowledge(
            speed=np.array(speed, dtype=float),
            norm=np.full((types, size, size), norm),
            power_w=np.full((size, types), power_w),
            pair_power_w=np.full((types, size, size), pair_power_w),
            share_exponent=np.full(types, 0.5),
            cap_exponent=np.full(types, 0.5),
        ),
        objective,
    )
