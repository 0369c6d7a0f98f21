"""`Profile`: the true throughput and power of workloads on GPU types, alone, in gangs and sharing a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gogh_sim.errors import InputError
from gogh_sim.profiles import interference, power
from gogh_sim.profiles.gang import gang_factor
from gogh_sim.types import REFERENCE_GPU, FloatArray, GpuType, Workload

_NOT_NEGATIVE = (
    *("dyn_w", "sensitivity", "intensity", "alpha", "beta", "gamma"),
    *("local_sync", "remote_sync", "interference_spread"),
)
TagArray = npt.NDArray[np.str_]


class Source(StrEnum):
    """What a number rests on, best first."""

    MEASURED = "measured"
    FITTED = "fitted"
    TRANSFERRED = "transferred"
    DATASHEET = "datasheet"
    ASSUMED = "assumed"


class Member(NamedTuple):
    """One job on a GPU: number of its workload, and the share of the GPU it can use (`Job.gpu_fraction`)."""

    workload: int
    fraction: float


class Combination(NamedTuple):
    """Normalised throughput of each member, in the order given, and the GPU's watts without a cap."""

    norms: tuple[float, ...]
    power_w: float


@dataclass(frozen=True, eq=False)
class Profile:
    """Throughput, interference, memory and power of W workloads on T GPU types.

    Attributes
    ----------
    gpu_types, workloads
        In the order that numbers them in every array.
    solo_rate
        (W, T) iterations per second alone on one whole GPU; nan where it does not fit the memory.
    reference_solo_rate
        (W,) iterations per second alone on the reference type, also of workloads that its memory cannot hold.
    dyn_w
        (W, T) watts above ``idle_context_w`` alone at full load.
    sensitivity, intensity
        (W, T) dimensionless s and i of the interference law.
    measured_norm
        (T, W, W) measured norm of the row workload beside the column workload on a whole GPU; nan where not measured.
    alpha, beta, gamma
        (T,) exponents of power against load, of sharing, and of speed under a cap.
    local_sync, remote_sync
        (W,) coefficients of the gang scaling law.
    solo_tag, shared_tag
        (W, T) `Source` of the speed alone and of the interference.
    interference_spread
        (T,) relative standard deviation declared for s and i of the type, for sensitivity sweeps.
    """

    name: str
    gpu_types: tuple[GpuType, ...]
    workloads: tuple[Workload, ...]
    solo_rate: FloatArray
    reference_solo_rate: FloatArray
    dyn_w: FloatArray
    sensitivity: FloatArray
    intensity: FloatArray
    measured_norm: FloatArray
    alpha: FloatArray
    beta: FloatArray
    gamma: FloatArray
    local_sync: FloatArray
    remote_sync: FloatArray
    solo_tag: TagArray
    shared_tag: TagArray
    interference_spread: FloatArray

    def __post_init__(self) -> None:
        _check(self)

    @classmethod
    def from_rates(
        cls,
        name: str,
        gpu_types: Sequence[GpuType],
        workloads: Sequence[Workload],
        solo_rate: npt.ArrayLike,
        *,
        dyn_w: npt.ArrayLike | None = None,
        sensitivity: npt.ArrayLike = 0.0,
        intensity: npt.ArrayLike = 0.0,
        alpha: npt.ArrayLike = 1.0,
        beta: npt.ArrayLike = 1.0,
        gamma: npt.ArrayLike = 1.0,
        local_sync: npt.ArrayLike = 0.0,
        remote_sync: npt.ArrayLike = 0.0,
        source: Source = Source.ASSUMED,
    ) -> Profile:
        """Profile from speeds alone; everything else defaults to "no effect" and broadcasts.

        Without `dyn_w` every workload draws the TDP at full load. No pair counts as measured.
        """
        types, jobs = tuple(gpu_types), tuple(workloads)
        shape = (len(jobs), len(types))
        rates = np.array(solo_rate, dtype=np.float64)
        if rates.shape != shape:
            raise InputError(f"profile {name}: expected solo_rate of shape {shape}, found {rates.shape}")
        headroom = np.array([t.tdp_w - t.idle_context_w for t in types])
        return cls(
            name=name,
            gpu_types=types,
            workloads=jobs,
            solo_rate=rates,
            reference_solo_rate=rates[:, _reference_type(types)].copy(),
            dyn_w=_filled(headroom if dyn_w is None else dyn_w, shape),
            sensitivity=_filled(sensitivity, shape),
            intensity=_filled(intensity, shape),
            measured_norm=np.full((len(types), len(jobs), len(jobs)), np.nan),
            alpha=_filled(alpha, shape[1:]),
            beta=_filled(beta, shape[1:]),
            gamma=_filled(gamma, shape[1:]),
            local_sync=_filled(local_sync, shape[:1]),
            remote_sync=_filled(remote_sync, shape[:1]),
            solo_tag=np.full(shape, source.value),
            shared_tag=np.full(shape, source.value),
            interference_spread=np.zeros(len(types)),
        )

    @cached_property
    def workload_index(self) -> dict[str, int]:
        """Number of each workload, by name."""
        return {w.name: i for i, w in enumerate(self.workloads)}

    @cached_property
    def type_index(self) -> dict[str, int]:
        """Number of each GPU type, by name."""
        return {t.name: i for i, t in enumerate(self.gpu_types)}

    @cached_property
    def reference_type(self) -> int:
        """Number of the reference type; the first type of a profile that does not know `REFERENCE_GPU`."""
        return _reference_type(self.gpu_types)

    @cached_property
    def relative_speed(self) -> FloatArray:
        """(W, T) solo rate over solo rate on the reference type; nan where it does not fit."""
        return self.solo_rate / self.reference_solo_rate[:, np.newaxis]

    @cached_property
    def slowdown(self) -> FloatArray:
        """(T, W, W) slowdown that the column workload's full load adds to the row workload; see `interference`."""
        per_type = zip(self.sensitivity.T, self.intensity.T, self.measured_norm, strict=True)
        return np.stack([interference.slowdowns(*numbers) for numbers in per_type])

    @cached_property
    def memory_gib(self) -> FloatArray:
        """(W,) memory footprints."""
        return np.array([w.memory_gib for w in self.workloads])

    def gang_factor(self, workload: int, num_gpus: int, num_nodes: int) -> float:
        """Speed per GPU of a gang over speed alone, in (0, 1]; its rate is ``num_gpus * solo * fraction * factor``."""
        return float(gang_factor(self.local_sync[workload], self.remote_sync[workload], num_gpus, num_nodes))

    def combine(self, gpu_type: int, members: tuple[Member, ...]) -> Combination:
        """Norms and uncapped watts of these jobs together on one GPU.

        A job with fraction f slows its partners f times as much as its full load would, and draws
        ``dyn_w * f^alpha`` watts above idle when alone. Memory is not looked at.
        """
        kind = self.gpu_types[gpu_type]
        jobs = np.array([m.workload for m in members], dtype=np.intp)
        fractions = np.array([m.fraction for m in members], dtype=np.float64)
        norms = interference.norms(self.slowdown[gpu_type][np.ix_(jobs, jobs)], fractions)
        dynamic = power.dynamic_watts(self.dyn_w[jobs, gpu_type], fractions, float(self.alpha[gpu_type]))
        watts = power.shared_watts(dynamic, norms, kind.idle_context_w, kind.tdp_w, float(self.beta[gpu_type]))
        return Combination(tuple(norms.tolist()), watts)

    def fits(self, gpu_type: int, workloads: Sequence[int]) -> bool:
        """Whether the footprints of these workloads together fit the memory of one GPU."""
        return float(self.memory_gib[list(workloads)].sum()) <= self.gpu_types[gpu_type].memory_gib

    def cap_speed(self, gpu_type: int, power_w: float, cap_w: float) -> float:
        """Factor in (0, 1] on the speed of a GPU that would draw `power_w` when it may draw `cap_w`."""
        idle = self.gpu_types[gpu_type].idle_context_w
        return power.cap_speed(power_w, cap_w, idle, float(self.gamma[gpu_type]))

    def pair_norms(self, gpu_type: int) -> FloatArray:
        """(W, W) norm of the row workload beside the column workload, whole GPU; nan where the pair does not fit."""
        together = self.memory_gib[:, np.newaxis] + self.memory_gib[np.newaxis, :]
        fits = together <= self.gpu_types[gpu_type].memory_gib
        return np.where(fits, 1.0 / (1.0 + self.slowdown[gpu_type]), np.nan)

    def source_tag(self, workload: int, gpu_type: int, shared: bool) -> str:
        """What the speed of a workload on a type rests on: alone, or while it shares a GPU."""
        return str((self.shared_tag if shared else self.solo_tag)[workload, gpu_type])


def _reference_type(gpu_types: Sequence[GpuType]) -> int:
    names = [t.name for t in gpu_types]
    return names.index(REFERENCE_GPU) if REFERENCE_GPU in names else 0


def _filled(values: npt.ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    return np.broadcast_to(np.asarray(values, dtype=np.float64), shape).copy()


def _require(condition: object, what: str) -> None:
    if not condition:
        raise InputError(what)


def _check(profile: Profile) -> None:
    """Raise `InputError` unless shapes agree and every number lies in its range."""
    name = f"profile {profile.name}"
    w, t = len(profile.workloads), len(profile.gpu_types)
    _require(w and t, f"{name}: expected at least one workload and one GPU type")
    _require(len({x.name for x in profile.workloads}) == w, f"{name}: workload names are not unique")
    _require(len({x.name for x in profile.gpu_types}) == t, f"{name}: GPU type names are not unique")
    shapes = {
        (w, t): ("solo_rate", "dyn_w", "sensitivity", "intensity", "solo_tag", "shared_tag"),
        (t, w, w): ("measured_norm",),
        (t,): ("alpha", "beta", "gamma", "interference_spread"),
        (w,): ("reference_solo_rate", "local_sync", "remote_sync"),
    }
    for shape, fields in shapes.items():
        for field in fields:
            found = getattr(profile, field).shape
            _require(found == shape, f"{name}: expected {field} of shape {shape}, found {found}")
            getattr(profile, field).setflags(write=False)
    fractions = (profile.measured_norm > 0) & (profile.measured_norm <= 1)
    good: dict[str, npt.NDArray[np.bool_]] = {
        "solo_rate": (profile.solo_rate > 0) | np.isnan(profile.solo_rate),
        "reference_solo_rate": profile.reference_solo_rate > 0,
        "measured_norm": fractions | np.isnan(profile.measured_norm),
        **{field: getattr(profile, field) >= 0 for field in _NOT_NEGATIVE},
        **{field: np.isin(getattr(profile, field), list(Source)) for field in ("solo_tag", "shared_tag")},
    }
    for field, holds in good.items():
        _require(holds.all(), f"{name}: {field} holds {np.count_nonzero(~holds)} values out of range")
    headroom = np.array([x.tdp_w - x.idle_context_w for x in profile.gpu_types])
    _require(np.all(profile.dyn_w <= headroom + 1e-9), f"{name}: dyn_w exceeds TDP less idle power")
