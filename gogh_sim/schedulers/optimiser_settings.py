"""What the placement optimiser can be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gogh_sim.errors import InputError, require
from gogh_sim.placement import DrainSettings, Objective, SolveSettings, Tariff
from gogh_sim.schedulers.demand import DemandSettings
from gogh_sim.series import HourlySeries


@dataclass(frozen=True, slots=True)
class GridSettings:
    """What the site's energy costs: constants, or values for every hour from trace start, which repeat.

    Attributes
    ----------
    pue
        Site energy over node energy.
    carbon_g_per_kwh
        Grams of CO2 equivalent, for the objective "carbon".
    price_usd_per_kwh
        Price, for the objective "cost".
    """

    pue: float | Sequence[float] = 1.0
    carbon_g_per_kwh: float | Sequence[float] = 1.0
    price_usd_per_kwh: float | Sequence[float] = 1.0

    def tariff(self, objective: Objective) -> Tariff:
        """What a joule of a node costs, in grams or US dollars; 1 at all times for the other objectives."""
        if objective is Objective.CARBON:
            return Tariff.of(HourlySeries.of(self.pue), HourlySeries.of(self.carbon_g_per_kwh))
        if objective is Objective.COST:
            return Tariff.of(HourlySeries.of(self.pue), HourlySeries.of(self.price_usd_per_kwh))
        return Tariff.flat()


@dataclass(frozen=True, slots=True)
class OptimiserSettings:
    """What is optimised, how often, and how finely.

    Attributes
    ----------
    objective
        "energy", "carbon" or "cost" (to completion), or "power" (now); see `placement.costs`.
    theta
        Most jobs per GPU that the policy wants, if the cluster allows as many: 1 for no co-location, 2 or 3.
    caps
        Power caps, as shares of the TDP, that a placement may put on GPUs; none for no caps.
    event_solves_below
        Up to this many active jobs every wake-up is optimised; above, only rounds are, and in between jobs start
        greedily on free GPUs.
    refresh_s
        An unchanged placement with nobody waiting is looked at again after this long, for what has been learned.
    most_groups
        Groups of jobs above which they are drawn coarser; those of one group that share their GPUs with others of
        different groups are told apart on top of it.
    demand, solve, drain, grid
        See `DemandSettings`, `SolveSettings`, `DrainSettings` and `GridSettings`; mappings are accepted.
    """

    objective: str = "energy"
    theta: int = 2
    caps: tuple[float, ...] = ()
    event_solves_below: int = 200
    refresh_s: float = 1800.0
    most_groups: int = 300
    demand: DemandSettings = field(default_factory=DemandSettings)
    solve: SolveSettings = field(default_factory=SolveSettings)
    drain: DrainSettings = field(default_factory=DrainSettings)
    grid: GridSettings = field(default_factory=GridSettings)

    def __post_init__(self) -> None:
        if self.objective not in list(Objective):
            raise InputError(f"objective must be one of {', '.join(Objective)}, found {self.objective!r}")
        for name in ("theta", "refresh_s", "most_groups"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be positive, found {getattr(self, name)}")
        if not all(0 < cap < 1 for cap in self.caps):
            raise InputError(f"caps must lie between 0 and 1, as shares of the TDP, found {list(self.caps)}")
        self.tariff()
        if self.event_solves_below < 0:
            raise InputError(f"event_solves_below must not be negative, found {self.event_solves_below}")

    @classmethod
    def of(cls, **values: object) -> OptimiserSettings:
        """Settings from plain values, as configs have them; the nested ones may be mappings.

        Raises
        ------
        InputError
            Naming an unknown or unfit setting.
        """
        nested = {"demand": DemandSettings, "solve": SolveSettings, "drain": DrainSettings, "grid": GridSettings}
        try:
            made = {
                name: nested[name](**value) if name in nested and isinstance(value, Mapping) else value
                for name, value in values.items()
            }
            for name, kind in nested.items():
                require(isinstance(made.get(name, kind()), kind), f"{name}: expected its settings by name")
            caps = made.pop("caps", ())
            return cls(**made, caps=tuple(caps))  # type: ignore[arg-type]
        except TypeError as error:
            raise InputError(f"optimiser settings: {error}") from error

    def tariff(self) -> Tariff:
        """What a joule counts in the objective, over time.

        Raises
        ------
        InputError
            If what the objective counts costs nothing.
        """
        return self.grid.tariff(Objective(self.objective))
