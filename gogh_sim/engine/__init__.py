"""The simulated world: state, physics, power, and the SimPy processes that move it."""

from gogh_sim.engine.faults import Faults, Renewal
from gogh_sim.engine.records import LONG_TABLES, History, Records
from gogh_sim.engine.settings import EngineSettings, Gating
from gogh_sim.engine.simulation import Simulation, simulate
from gogh_sim.engine.truth import Truth

__all__ = [
    "LONG_TABLES",
    "EngineSettings",
    "Faults",
    "Gating",
    "History",
    "Records",
    "Renewal",
    "Simulation",
    "Truth",
    "simulate",
]
