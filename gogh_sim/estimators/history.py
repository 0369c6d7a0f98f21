"""What an operator measured of past workloads: the ground on which P1 and P2 are trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, TypeVar, get_type_hints

import numpy as np
import torch

from gogh_sim.errors import InputError, require
from gogh_sim.estimators.coordinates import Effects, additive_effects, complete, pressure_of
from gogh_sim.types import FloatArray, GpuType, HostPower, IntArray, JobKind, Workload

_Facts = TypeVar("_Facts", Workload, GpuType, HostPower)

_LARGEST = 1e15
"""Largest number of a fact; a nan is none either."""

LEAST_FAMILIES = 4
"""With two folds of two families, each fold leaves a newcomer's family and one other to learn from."""


@dataclass(frozen=True)
class History:
    """Measured speeds and watts of W workloads on T GPU types, alone and in pairs.

    Attributes
    ----------
    speed
        (W, T) relative speed alone, 1 on the reference type; nan where it cannot run.
    norm
        (T, W, W) normalised throughput of the row workload beside the column workload; nan where the pair does not fit.
    power_w
        (W, T) watts of a GPU that runs it alone, idle watts included.
    pair_power_w
        (T, W, W) watts of a GPU that runs the pair.
    """

    workloads: tuple[Workload, ...]
    gpu_types: tuple[GpuType, ...]
    speed: FloatArray
    norm: FloatArray
    power_w: FloatArray
    pair_power_w: FloatArray

    def __post_init__(self) -> None:
        count, types = len(self.workloads), len(self.gpu_types)
        if len({w.name for w in self.workloads}) != count:
            raise InputError("history: names of workloads are not unique")
        for name, shape in (
            ("speed", (count, types)),
            ("norm", (types, count, count)),
            ("power_w", (count, types)),
            ("pair_power_w", (types, count, count)),
        ):
            found = getattr(self, name).shape
            if found != shape:
                raise InputError(f"history: {name} must have shape {shape}, found {found}")
            if np.isinf(getattr(self, name)).any():
                raise InputError(f"history: {name} must be finite, or nan where nothing is known")
        if (self.speed <= 0).any() or (self.norm <= 0).any() or (self.norm > 1).any():
            raise InputError("history: speeds must be positive and norms in (0, 1]")
        if (self.power_w < 0).any() or (self.pair_power_w < 0).any():
            raise InputError("history: watts must not be negative")

    @property
    def families(self) -> tuple[str, ...]:
        """Names of the model families, sorted."""
        return tuple(sorted({w.family for w in self.workloads}))

    def of_families(self, families: Iterable[str]) -> History:
        """The part that concerns these families alone: no row or column of any other remains."""
        wanted = frozenset(families)
        return self.of_workloads(
            np.array([i for i, w in enumerate(self.workloads) if w.family in wanted], dtype=np.int64)
        )

    def of_workloads(self, keep: IntArray) -> History:
        """The part that concerns the workloads of these numbers alone."""
        square = np.ix_(np.arange(len(self.gpu_types)), keep, keep)
        return History(
            workloads=tuple(self.workloads[i] for i in keep),
            gpu_types=self.gpu_types,
            speed=self.speed[keep],
            norm=self.norm[square],
            power_w=self.power_w[keep],
            pair_power_w=self.pair_power_w[square],
        )

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Number of each workload by name."""
        return {w.name: i for i, w in enumerate(self.workloads)}

    @cached_property
    def log_speed(self) -> FloatArray:
        """(W, T) log relative speed, gaps filled by workload and type effects."""
        return complete(np.log(self.speed))

    @cached_property
    def pressure_effects(self) -> tuple[Effects, ...]:
        """Per type: log pressure as a mean plus what the row workload suffers plus what the column workload does."""
        return tuple(additive_effects(pressure_of(norm)) for norm in self.norm)

    @cached_property
    def log_pressure(self) -> FloatArray:
        """(T, W, W) log pressure on the row workload, gaps filled by the effects of the two workloads."""
        measured = pressure_of(self.norm)
        return np.where(np.isfinite(measured), measured, np.stack([e.table() for e in self.pressure_effects]))

    @cached_property
    def completion_variance(self) -> FloatArray:
        """(T,) mean square of what measured log pressures differ from the effects of their two workloads.

        Divided by what is left of the measurements after the effects are fitted; 1, which means that anything is
        possible, where nothing is left.
        """
        measured = pressure_of(self.norm)
        rest = measured - np.stack([e.table() for e in self.pressure_effects])
        known = np.isfinite(rest)
        fitted = known.any(axis=2).sum(axis=1) + known.any(axis=1).sum(axis=1)
        left = known.sum(axis=(1, 2)) - fitted
        square = np.where(known, rest, 0.0) ** 2
        return np.where(left > 0, square.sum(axis=(1, 2)) / np.maximum(left, 1), 1.0)

    @cached_property
    def sensitivity(self) -> FloatArray:
        """(T, W) effect of the row workload on log pressure: how much it suffers, 0 on average."""
        return np.stack([e.rows for e in self.pressure_effects])

    @cached_property
    def intensity(self) -> FloatArray:
        """(T, W) effect of the column workload on log pressure: how hard it presses, 0 on average."""
        return np.stack([e.columns for e in self.pressure_effects])

    def to_payload(self) -> dict[str, Any]:
        """Plain values and tensors, which `torch.load(weights_only=True)` reads back."""
        arrays = {name: torch.from_numpy(getattr(self, name).copy()) for name in _ARRAYS}
        return {
            "workloads": [asdict(w) | {"kind": str(w.kind)} for w in self.workloads],
            "gpu_types": [_gpu_type_payload(t) for t in self.gpu_types],
            **arrays,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> History:
        """Inverse of `to_payload`; `InputError` or whatever Python says if it is none."""
        return cls(
            workloads=tuple(_made(Workload, {**row, "kind": JobKind(row["kind"])}) for row in payload["workloads"]),
            gpu_types=tuple(
                _made(GpuType, {**row, "host": _made(HostPower, row["host"])}) for row in payload["gpu_types"]
            ),
            **{name: payload[name].numpy() for name in _ARRAYS},
        )


_ARRAYS = ("speed", "norm", "power_w", "pair_power_w")


def _gpu_type_payload(gpu_type: GpuType) -> dict[str, Any]:
    row = {f.name: getattr(gpu_type, f.name) for f in fields(gpu_type)}
    return row | {"host": asdict(gpu_type.host)}


def _made(kind: type[_Facts], values: Mapping[str, Any]) -> _Facts:
    """A dataclass of facts from plain values, whose kinds are checked: Python would take any."""
    for name, hint in get_type_hints(kind).items():
        value = values[name]
        number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
        fits = number if hint in (int, float) else isinstance(value, hint)
        require(
            fits, f"history: {name}: expected {'a number' if hint in (int, float) else 'text'}, found {value!r:.40}"
        )
    return kind(**values)


def without_families(history: History, held_out: Sequence[str]) -> History:
    """The history that remains to learn from when whole families are held out.

    Raises
    ------
    InputError
        If a family is not in the history, or fewer than `LEAST_FAMILIES` remain.
    """
    unknown = sorted(set(held_out) - set(history.families))
    if unknown:
        raise InputError(f"held-out families {unknown} are not in the history, which has {list(history.families)}")
    kept = [f for f in history.families if f not in held_out]
    if len(kept) < LEAST_FAMILIES:
        raise InputError(f"training needs at least {LEAST_FAMILIES} families that are not held out, found {kept}")
    return history.of_families(kept)
