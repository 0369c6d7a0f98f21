"""Placement of jobs on GPUs at least cost: arrays in, assignment out."""

from gogh_sim.placement.assign import Assignment, Fleet, assign
from gogh_sim.placement.drain import DrainSettings, Tenants, drain
from gogh_sim.placement.problem import PENDING, Groups, Knowledge, Objective, Problem, Supply
from gogh_sim.placement.settings import SolverName, SolveSettings
from gogh_sim.placement.solve import Solution, solve, solve_greedily
from gogh_sim.placement.uncollapsed import solve_uncollapsed

__all__ = [
    "PENDING",
    "Assignment",
    "DrainSettings",
    "Fleet",
    "Groups",
    "Knowledge",
    "Objective",
    "Problem",
    "Solution",
    "SolveSettings",
    "SolverName",
    "Supply",
    "Tenants",
    "assign",
    "drain",
    "solve",
    "solve_greedily",
    "solve_uncollapsed",
]
