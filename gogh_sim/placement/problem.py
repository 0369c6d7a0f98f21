"""What is to be placed, as arrays: groups of interchangeable jobs, GPU types, and what each believes of the other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from gogh_sim.errors import InputError
from gogh_sim.types import BoolArray, FloatArray, IntArray

PENDING = -1
"""`Groups.current_type` of jobs that wait, and `Groups.partner` of jobs alone on their GPUs."""


class Objective(StrEnum):
    """What a placement costs; formulas in `costs`."""

    ENERGY = "energy"
    POWER = "power"


@dataclass(frozen=True, eq=False)
class Groups:
    """G groups of jobs that the optimiser cannot tell apart.

    Attributes
    ----------
    count
        (G,) jobs in the group.
    width
        (G,) GPUs of one job.
    memory_gib
        (G,) footprint of one job on each of its GPUs.
    remaining_s
        (G,) work left of one job, in seconds alone on the reference GPU type.
    allowed
        (G, T) whether it may run on the type.
    floor
        (G, T) relative speed that every member must keep there; 0 for none.
    queue_cost
        (G,) cost of leaving one job queued, in the unit of the objective.
    current_type
        (G,) type that the members run on now, or `PENDING`.
    partner
        (G,) group that each member shares its GPUs with now, or `PENDING`; symmetric.
    move_cost
        (G,) cost of restarting one job elsewhere, in the unit of the objective; 0 for one that waits.
    """

    count: IntArray
    width: IntArray
    memory_gib: FloatArray
    remaining_s: FloatArray
    allowed: BoolArray
    floor: FloatArray
    queue_cost: FloatArray
    current_type: IntArray
    partner: IntArray
    move_cost: FloatArray

    def __post_init__(self) -> None:
        size = self.count.size
        for name in ("count", "width", "memory_gib", "remaining_s", "queue_cost", "current_type", "partner"):
            _require_shape(name, getattr(self, name), (size,))
        _require_shape("move_cost", self.move_cost, (size,))
        for name in ("memory_gib", "remaining_s", "floor", "queue_cost", "move_cost"):
            values = getattr(self, name)
            if not (np.isfinite(values).all() and (values >= 0).all()):
                raise InputError(f"placement: groups.{name} must be finite and not negative")
        if (self.count < 1).any() or (self.width < 1).any():
            raise InputError("placement: groups.count and groups.width must be at least 1")

    def __len__(self) -> int:
        return int(self.count.size)


@dataclass(frozen=True, eq=False)
class Supply:
    """T GPU types: how many GPUs are to be had, and what the host adds to their draw.

    `host_w` (T,) is each GPU's share of its node's base watts, `host_slope` (T,) node watts per GPU watt; `theta` is
    the most jobs per GPU. Columns hold one or two jobs; a larger theta is not used yet.
    """

    gpus: IntArray
    memory_gib: FloatArray
    host_w: FloatArray
    host_slope: FloatArray
    theta: int = 2

    def __post_init__(self) -> None:
        for name in ("memory_gib", "host_w", "host_slope"):
            _require_shape(name, getattr(self, name), self.gpus.shape)
        if (self.gpus < 0).any():
            raise InputError("placement: supply.gpus must not be negative")
        if self.theta < 1:
            raise InputError(f"placement: supply.theta must be at least 1, found {self.theta}")

    def __len__(self) -> int:
        return int(self.gpus.size)


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What is believed of G groups on T types, as in `policy.Beliefs`; nan where something cannot run.

    `speed` (G, T) relative speed of the gang alone; `norm` (T, G, G) normalised throughput of the row group's job
    beside the column group's; `power_w` (G, T) and `pair_power_w` (T, G, G) watts of one GPU.
    """

    speed: FloatArray
    norm: FloatArray
    power_w: FloatArray
    pair_power_w: FloatArray


@dataclass(frozen=True, eq=False)
class Problem:
    """An instance of the placement program."""

    groups: Groups
    supply: Supply
    knowledge: Knowledge
    objective: Objective = Objective.ENERGY

    def __post_init__(self) -> None:
        size, types = len(self.groups), len(self.supply)
        for name in ("allowed", "floor"):
            _require_shape(name, getattr(self.groups, name), (size, types))
        for name in ("speed", "power_w"):
            _require_shape(name, getattr(self.knowledge, name), (size, types))
        for name in ("norm", "pair_power_w"):
            _require_shape(name, getattr(self.knowledge, name), (types, size, size))
        if size and (self.groups.current_type.min() < PENDING or self.groups.current_type.max() >= types):
            raise InputError("placement: groups.current_type names a GPU type that is not there")


def _require_shape(name: str, values: npt.NDArray[np.generic], shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise InputError(f"placement: expected {name} of shape {shape}, found {values.shape}")
