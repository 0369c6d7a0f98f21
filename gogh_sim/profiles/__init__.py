"""Calibrated truth about workloads: throughput, interference, memory and power on each GPU type."""

from gogh_sim.profiles.named import load
from gogh_sim.profiles.profile import Combination, Member, Profile, Source
from gogh_sim.profiles.reference import reference_rate, work_of
from gogh_sim.profiles.settings import ProfileSettings, configured
from gogh_sim.profiles.sharing import Sharing, as_shared, stand_ins

__all__ = [
    "Combination",
    "Member",
    "Profile",
    "ProfileSettings",
    "Sharing",
    "Source",
    "as_shared",
    "configured",
    "load",
    "reference_rate",
    "stand_ins",
    "work_of",
]
