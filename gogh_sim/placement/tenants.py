"""Who shares which GPUs, how they would fare elsewhere, and what moving them costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.placement.fleet import Fleet
from gogh_sim.types import BoolArray, FloatArray, Gpus


@dataclass(frozen=True, eq=False)
class Tenants:
    """U tenants: jobs that share just the same GPUs, and stay together; T GPU types.

    Attributes
    ----------
    gpus
        GPUs of each, sorted; no two tenants share one.
    home
        GPUs that some of its jobs hold now, so that they need not restart there; empty for none.
    stay_s
        (U, T) seconds until the last of its jobs ends on each type.
    run_j
        (U, T) joules that it adds to what idle GPUs draw, until then.
    may
        (U, T) whether it may go to other GPUs of the type.
    delay_s, cost_j
        (U,) by how much later it ends anywhere but at home, and the energy of the restart.
    """

    gpus: Sequence[Gpus]
    home: Sequence[Gpus]
    stay_s: FloatArray
    run_j: FloatArray
    may: BoolArray
    delay_s: FloatArray
    cost_j: FloatArray

    def __post_init__(self) -> None:
        size = len(self.gpus)
        shapes = {"delay_s": (size,), "cost_j": (size,)} | dict.fromkeys(("run_j", "may", "stay_s"), self.may.shape)
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape or shape[0] != size:
                raise InputError(f"drain: expected {name} with {size} rows, all of one length, found {shape}")
            if not np.isfinite(getattr(self, name)).all():
                raise InputError(f"drain: {name} must be finite")
        taken = [gpu for gpus in self.gpus for gpu in gpus]
        if len(set(taken)) != len(taken):
            raise InputError("drain: no GPU may have two tenants")

    def room(self, fleet: Fleet) -> BoolArray:
        """(GPUs,) which available GPUs nobody holds."""
        free = fleet.available.copy()
        free[[gpu for gpus in self.gpus for gpu in gpus]] = False
        return free
