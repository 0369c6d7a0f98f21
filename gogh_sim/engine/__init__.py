"""The simulated world: state, physics, power, and the SimPy processes that move it."""

from gogh_sim.engine.records import Records
from gogh_sim.engine.settings import EngineSettings, Gating
from gogh_sim.engine.simulation import Simulation, simulate
from gogh_sim.engine.truth import Truth

__all__ = ["EngineSettings", "Gating", "Records", "Simulation", "Truth", "simulate"]
