"""How hard the solver tries, and which one it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gogh_sim.errors import InputError


class SolverName(StrEnum):
    """Solvers behind PuLP: CBC as PuLP ships it, HiGHS by its Python package."""

    CBC = "cbc"
    HIGHS = "highs"


@dataclass(frozen=True, slots=True)
class SolveSettings:
    """Stopping rules and sizes. All but `time_limit_s` give the same answer on every machine.

    Attributes
    ----------
    solver
        "cbc" or "highs".
    gap
        Relative gap between answer and proven bound at which to stop.
    node_limit
        Most branch-and-bound nodes of one integer step.
    time_limit_s
        Guard against a solver that does not come back, per call; an answer it touched has the status "time limit".
    all_columns_below
        Up to this many columns the first master problem holds all of them; else they are priced in.
    integer_columns
        Most columns that enter the integer step by their reduced costs.
    rounds
        Most pricing rounds.
    satisfied_above
        With more groups than this, an answer within the gap is as good as a better one: whoever runs stays and the free
        room is filled up, if the prices of the last decision prove that to be one, and integer programs stop as soon as
        they have one. With fewer, a program is always solved, and more closely: it takes little then.
    """

    solver: str = "cbc"
    gap: float = 0.005
    node_limit: int = 5000
    time_limit_s: float = 60.0
    all_columns_below: int = 600
    integer_columns: int = 4000
    rounds: int = 60
    satisfied_above: int = 200

    def __post_init__(self) -> None:
        if self.solver not in list(SolverName):
            raise InputError(f"solver must be one of {', '.join(SolverName)}, found {self.solver!r}")
        if not 0 <= self.gap < 1:
            raise InputError(f"gap must be in [0, 1), found {self.gap}")
        for name in ("node_limit", "time_limit_s", "integer_columns"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be positive, found {getattr(self, name)}")
        for name in ("all_columns_below", "rounds", "satisfied_above"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} must not be negative, found {getattr(self, name)}")
