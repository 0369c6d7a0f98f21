"""What is to be placed, as arrays: groups of interchangeable jobs, GPU types, and what each believes of the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from gogh_sim.errors import InputError
from gogh_sim.placement.tariff import Tariff
from gogh_sim.types import BoolArray, FloatArray, IntArray

PENDING = -1
"""`Groups.current_type` of jobs that wait, and what fills `Groups.partners` where there is none."""

MOST_MEMBERS = 3
"""Jobs of the largest column; a larger theta is used as this."""


class Objective(StrEnum):
    """What a placement costs; formulas in `costs`."""

    ENERGY = "energy"
    POWER = "power"
    CARBON = "carbon"
    COST = "cost"

    @property
    def to_completion(self) -> bool:
        """Whether it counts what a job takes until it ends, and not what it draws now."""
        return self is not Objective.POWER


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
        (G,) work left of one job, in seconds alone on the reference GPU type; of a timed job the seconds it stays.
    timed
        (G,) whether a job ends by the clock, however fast it runs, as services do.
    allowed
        (G, T) whether it may run on the type.
    floor
        (G, T) relative speed that every member must keep there; 0 for none.
    queue_cost
        (G,) cost of leaving one job queued, in the unit of the objective.
    current_type
        (G,) type that the members run on now, or `PENDING`.
    partners
        (G, 2) groups that each member shares its GPUs with now, ascending, `PENDING` behind them; mutual.
    move_cost
        (G,) cost of restarting one job elsewhere, in the unit of the objective; 0 for one that waits.
    """

    count: IntArray
    width: IntArray
    memory_gib: FloatArray
    remaining_s: FloatArray
    timed: BoolArray
    allowed: BoolArray
    floor: FloatArray
    queue_cost: FloatArray
    current_type: IntArray
    partners: IntArray
    move_cost: FloatArray

    def __post_init__(self) -> None:
        size = self.count.size
        for name in ("count", "width", "memory_gib", "remaining_s", "timed", "queue_cost", "current_type", "move_cost"):
            _require_shape(name, getattr(self, name), (size,))
        _require_shape("partners", self.partners, (size, MOST_MEMBERS - 1))
        for name in ("memory_gib", "remaining_s", "floor", "queue_cost", "move_cost"):
            values = getattr(self, name)
            if not (np.isfinite(values).all() and (values >= 0).all()):
                raise InputError(f"placement: groups.{name} must be finite and not negative")
        if (self.count < 1).any() or (self.width < 1).any():
            raise InputError("placement: groups.count and groups.width must be at least 1")

    def __len__(self) -> int:
        return int(self.count.size)

    @cached_property
    def parting_cost(self) -> FloatArray:
        """(G,) what a job adds that stays in place without any of its partners: half of the cheapest one's move."""
        has = self.partners != PENDING
        theirs = np.where(has, self.move_cost[self.partners], np.inf).min(axis=1)
        return np.where(has.any(axis=1), 0.5 * np.minimum(self.move_cost, theirs), 0.0)


@dataclass(frozen=True, eq=False)
class Supply:
    """T GPU types: how many GPUs are to be had, what they hold and draw, and what the host adds.

    Attributes
    ----------
    gpus, memory_gib
        (T,) GPUs and the memory of each.
    idle_w, tdp_w
        (T,) watts of a GPU with a process that runs no kernel, and its limit.
    host_w, host_slope
        (T,) each GPU's share of its node's base watts, and node watts per GPU watt.
    theta
        Most jobs per GPU; more than three are used as three.
    caps
        Power caps that columns may have, as shares of `tdp_w`; none for no caps.
    """

    gpus: IntArray
    memory_gib: FloatArray
    idle_w: FloatArray
    tdp_w: FloatArray
    host_w: FloatArray
    host_slope: FloatArray
    theta: int = 2
    caps: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("memory_gib", "idle_w", "tdp_w", "host_w", "host_slope"):
            _require_shape(name, getattr(self, name), self.gpus.shape)
        if (self.gpus < 0).any():
            raise InputError("placement: supply.gpus must not be negative")
        if self.theta < 1:
            raise InputError(f"placement: supply.theta must be at least 1, found {self.theta}")
        if not all(0 < cap < 1 for cap in self.caps):
            raise InputError(f"placement: supply.caps must lie between 0 and 1, found {list(self.caps)}")

    def __len__(self) -> int:
        return int(self.gpus.size)


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What is believed of G groups on T types, as in `policy.Beliefs`; nan where something cannot run.

    Attributes
    ----------
    speed
        (G, T) relative speed of the gang alone.
    norm
        (T, G, G) normalised throughput of the row group's job beside the column group's.
    power_w, pair_power_w
        (G, T) and (T, G, G) watts of one GPU that runs the job alone, or the pair.
    share_exponent, cap_exponent
        (T,) exponents of power against the load of all members, and of speed against dynamic watts under a cap.
    """

    speed: FloatArray
    norm: FloatArray
    power_w: FloatArray
    pair_power_w: FloatArray
    share_exponent: FloatArray
    cap_exponent: FloatArray


@dataclass(frozen=True, eq=False)
class Blocks:
    """B limits beyond the number of GPUs: of its room, a use of a column takes some, by the gang of its members.

    `gpu_type` (B,) whose columns it limits, `taken` (B, G) what a gang of the group takes, `room` (B,) what there is.
    """

    gpu_type: IntArray
    taken: IntArray
    room: IntArray

    @classmethod
    def none(cls, groups: int) -> Blocks:
        """No limit."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(nothing, np.zeros((0, groups), dtype=np.int64), nothing)


@dataclass(frozen=True, eq=False)
class Trial:
    """What G groups on T types could learn in a round.

    Attributes
    ----------
    speed
        (G, T, T) covariance of log speeds alone.
    norm
        (T, G, G) variance of the log normalised throughput of the row group's job beside the column group's.
    noise
        Variance of one measured log rate.
    may
        (G,) whose jobs may be tried.
    round_s, restart_s, threshold
        Seconds until one can choose anew, seconds that a move costs, and what a move must gain beyond, as a share of
        the cost of staying.
    """

    speed: FloatArray
    norm: FloatArray
    noise: float
    may: BoolArray
    round_s: float
    restart_s: float
    threshold: float

    def __post_init__(self) -> None:
        if not (self.round_s > 0 and self.restart_s >= 0 and self.threshold >= 0 and self.noise >= 0):
            raise InputError("placement: a trial needs a positive round; restart, threshold, noise not negative")


@dataclass(frozen=True, eq=False)
class Problem:
    """An instance of the placement program.

    `tariff` weighs the watts of an objective to completion over time; `blocks` are limits that type counts miss; with a
    `trial` columns are worth what could be learned in them.
    """

    groups: Groups
    supply: Supply
    knowledge: Knowledge
    objective: Objective = Objective.ENERGY
    tariff: Tariff = field(default_factory=Tariff.flat)
    blocks: Blocks | None = None
    trial: Trial | None = None

    def __post_init__(self) -> None:
        size, types = len(self.groups), len(self.supply)
        for name in ("allowed", "floor"):
            _require_shape(name, getattr(self.groups, name), (size, types))
        for name in ("speed", "power_w"):
            _require_shape(name, getattr(self.knowledge, name), (size, types))
        for name in ("norm", "pair_power_w"):
            _require_shape(name, getattr(self.knowledge, name), (types, size, size))
        for name in ("share_exponent", "cap_exponent"):
            _require_shape(name, getattr(self.knowledge, name), (types,))
        if self.blocks is not None:
            _require_shape("blocks.taken", self.blocks.taken, (self.blocks.room.size, size))
        if self.trial is not None:
            if not self.objective.to_completion:
                raise InputError(f"placement: trials need an objective to completion, found {self.objective}")
            _require_shape("trial.speed", self.trial.speed, (size, types, types))
            _require_shape("trial.norm", self.trial.norm, (types, size, size))
            _require_shape("trial.may", self.trial.may, (size,))
        if size and (self.groups.current_type.min() < PENDING or self.groups.current_type.max() >= types):
            raise InputError("placement: groups.current_type names a GPU type that is not there")

    @cached_property
    def rows(self) -> Blocks:
        """Every capacity limit: first the GPUs of each type, then `blocks`."""
        types, blocks = len(self.supply), self.blocks or Blocks.none(len(self.groups))
        return Blocks(
            np.concatenate([np.arange(types), blocks.gpu_type]),
            np.concatenate([np.tile(self.groups.width, (types, 1)), blocks.taken]),
            np.concatenate([self.supply.gpus, blocks.room]),
        )


def _require_shape(name: str, values: npt.NDArray[np.generic], shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise InputError(f"placement: expected {name} of shape {shape}, found {values.shape}")
