"""Placement of jobs on GPUs at least cost: arrays in, assignment out."""

from gogh_sim.placement.assign import Assignment, Fleet, assign
from gogh_sim.placement.columns import Duals
from gogh_sim.placement.costs import UNCAPPED, best_caps
from gogh_sim.placement.drain import DrainSettings, drain
from gogh_sim.placement.problem import (
    MOST_MEMBERS,
    PENDING,
    Blocks,
    Groups,
    Knowledge,
    Objective,
    Problem,
    Supply,
    Trial,
)
from gogh_sim.placement.running import Running
from gogh_sim.placement.settings import SolverName, SolveSettings
from gogh_sim.placement.solve import Solution, solve, solve_greedily
from gogh_sim.placement.tariff import Tariff
from gogh_sim.placement.tenants import Tenants
from gogh_sim.placement.uncollapsed import solve_uncollapsed

__all__ = [
    "MOST_MEMBERS",
    "PENDING",
    "UNCAPPED",
    "Assignment",
    "Blocks",
    "DrainSettings",
    "Duals",
    "Fleet",
    "Groups",
    "Knowledge",
    "Objective",
    "Problem",
    "Running",
    "Solution",
    "SolveSettings",
    "SolverName",
    "Supply",
    "Tariff",
    "Tenants",
    "Trial",
    "assign",
    "best_caps",
    "drain",
    "solve",
    "solve_greedily",
    "solve_uncollapsed",
]
