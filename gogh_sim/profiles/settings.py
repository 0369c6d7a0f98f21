"""Which profile a run has, and how it is varied: sharing mode, beta, and interference within its declared spread."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.profiles.load import build, name_of
from gogh_sim.profiles.named import slices_of, tables_of
from gogh_sim.profiles.profile import Profile
from gogh_sim.profiles.sharing import Sharing, sliced, time_sliced
from gogh_sim.profiles.uncertainty import perturbed


@dataclass(frozen=True)
class ProfileSettings:
    """Profile of a run.

    Attributes
    ----------
    name
        A shipped profile, "gavel" (made from the data folder), or a folder of tables.
    sharing
        How jobs share a GPU.
    mig
        MIG slice that each GPU of a type is cut into, by type; only with sharing "mig". Other types run one job each.
    beta
        Exponent of dynamic power against total speed in place of the tables'; none keeps theirs.
    interference_shift, interference_scatter
        In declared spreads of each GPU type: how far all slowdowns that nobody measured lie off together, and the
        standard deviation of how far each workload's lie off on its own; see `uncertainty`.

    Raises
    ------
    InputError
        If a value is out of its range.
    """

    name: str = "calibrated"
    sharing: Sharing = Sharing.MPS
    mig: Mapping[str, str] = field(default_factory=dict)
    beta: float | None = None
    interference_shift: float = 0.0
    interference_scatter: float = 0.0

    def __post_init__(self) -> None:
        modes = [mode.value for mode in Sharing]
        if self.sharing not in modes:
            raise InputError(f"profile.sharing: expected one of {modes}, found {self.sharing!r}")
        if (self.sharing == Sharing.MIG) != bool(self.mig):
            raise InputError("profile.mig names the slice of each type, and goes with profile.sharing=mig only")
        if self.beta is not None and not 0 <= self.beta < math.inf:
            raise InputError(f"profile.beta must be finite and not negative, found {self.beta}")
        if not math.isfinite(self.interference_shift):
            raise InputError(f"profile.interference_shift must be finite, found {self.interference_shift}")
        if not 0 <= self.interference_scatter < math.inf:
            raise InputError(
                f"profile.interference_scatter must be finite and not negative, found {self.interference_scatter}"
            )

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> ProfileSettings:
        """Settings of the configuration's part ``profile``; what it leaves out keeps its default."""
        known = {f.name for f in fields(cls)}
        given = {key: value for key, value in config.items() if key in known}
        return cls(**{**given, "mig": given.get("mig") or {}})


def configured(settings: ProfileSettings, rng: np.random.Generator) -> Profile:
    """The profile that the settings ask for; `rng` draws the scatter of interference and nothing else.

    Raises
    ------
    InputError
        If the tables cannot be read, or a MIG slice is unknown.
    """
    tables = tables_of(settings.name)
    if settings.sharing == Sharing.TIME_SLICING:
        tables = time_sliced(tables)
    for gpu_type, size in sorted(settings.mig.items()):
        tables = sliced(tables, gpu_type, size, slices_of(settings.name))
    profile = build(tables, name_of(settings.name))
    if settings.beta is not None:
        profile = replace(profile, beta=np.full(len(profile.gpu_types), float(settings.beta)))
    return perturbed(profile, settings.interference_shift, settings.interference_scatter, rng)
