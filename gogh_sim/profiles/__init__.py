"""Calibrated truth about workloads: throughput, interference, memory and power on each GPU type."""

from gogh_sim.profiles.load import load
from gogh_sim.profiles.profile import Combination, Member, Profile, Source
from gogh_sim.profiles.reference import reference_rate, work_of

__all__ = ["Combination", "Member", "Profile", "Source", "load", "reference_rate", "work_of"]
