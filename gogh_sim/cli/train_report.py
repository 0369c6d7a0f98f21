"""`gogh-sim train --report`: errors of all methods on what was held out, how far confidences hold, and their figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from gogh_sim import profiles
from gogh_sim.errors import InputError
from gogh_sim.estimators import TrainingSettings
from gogh_sim.estimators.baselines import regressors_missing
from gogh_sim.estimators.networks import ARCHITECTURES
from gogh_sim.estimators.splits import NEW_FAMILY, SPLITS
from gogh_sim.estimators.trials import FIRST, OTHER_TYPE
from gogh_sim.outputs import write_whole
from gogh_sim.plots.confidence import confidence_held
from gogh_sim.plots.files import SCREEN_DPI, figure_of, save
from gogh_sim.plots.style import paper_style
from gogh_sim.pretraining import Calibration, ReportLine, error_report, noise_floor
from gogh_sim.profiles.profile import Profile

PROFILES = ("calibrated", "gavel")
"""What is reported on unless one is named; who lacks the data of the second is told so."""

_SOURCES: Mapping[str, str] = {FIRST: "P1", OTHER_TYPE: "P2"}
"""Whose beliefs a stage judges."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How long trainings are, which splits are drawn, and which architectures are compared on new families."""

    settings: TrainingSettings
    splits: tuple[str, ...]
    architectures: tuple[str, ...]


FULL = Extent(
    # Small trainings: a third of the time, nearly the same errors.
    TrainingSettings(members=1, folds=3, p2_steps=60),
    SPLITS,
    ("feed_forward", *sorted(set(ARCHITECTURES) - {"feed_forward"})),
)
SMALL = Extent(
    TrainingSettings(members=1, folds=2, parameters=2_000, p1_steps=20, p2_steps=8), (NEW_FAMILY,), ("feed_forward",)
)
"""Shows the report, not the errors: trainings are far too short."""


def report(name: str | None, seeds: Sequence[int], extent: Extent, figures: Path | None) -> None:
    """Print the report on the profile of this name, or on all of `PROFILES`; write its figure below `figures`.

    Raises
    ------
    InputError
        If the profile named cannot be read.
    """
    if (missing := regressors_missing()) is not None:
        print(f"ridge and gradient boosting are left out: {missing}")
    print(f"noise floor (job factor and measurement noise): {noise_floor():.1%} of a rate")
    for profile in _profiles(name):
        print(f"\nprofile {profile.name}: {len(profile.workloads)} workloads, {_types(profile)}", flush=True)
        lines, held = error_report(profile, extent.settings, seeds, extent.architectures, extent.splits)
        _print(lines, held, len(seeds))
        if figures is not None:
            for file in write_confidence(held, figures / f"confidence_{profile.name}"):
                print(f"written {file}")


def _profiles(name: str | None) -> Iterator[Profile]:
    if name is not None:
        yield profiles.load(name)
        return
    for each in PROFILES:
        try:
            yield profiles.load(each)
        except InputError as error:
            if each == PROFILES[0]:
                raise
            print(f"\nprofile {each} is left out: {error}")


def _types(profile: Profile) -> str:
    return ", ".join(t.name for t in profile.gpu_types)


def _print(lines: Sequence[ReportLine], held: Sequence[Calibration], seeds: int) -> None:
    print(f"{'split':<16}{'stage':<36}{'method':<36}{'measure':<12}{'mean':>8}  95 % interval, {seeds} seeds")
    for line in lines:
        interval = f"{line.ci_low:.3f} .. {line.ci_high:.3f}"
        print(f"{line.split:<16}{line.stage:<36}{line.method:<36}{line.measure:<12}{line.mean:>8.3f}  {interval}")
    for one in held:
        if one.confidence >= 0.5:
            said = f"confidence {one.confidence:.2f} in a {one.what} held in {one.found:.2f} of cases"
            print(f"{one.split:<16}{one.stage:<36}{said}, {one.ci_low:.2f} .. {one.ci_high:.2f}")


def confidence_table(held: Sequence[Calibration]) -> pd.DataFrame:
    """What P1 and P2 believe of new families, as `plots.confidence` draws it."""
    rows = [asdict(one) | {"source": _SOURCES[one.stage]} for one in held if one.split == NEW_FAMILY]
    return pd.DataFrame(rows)


def write_confidence(held: Sequence[Calibration], stem: Path) -> list[Path]:
    """Write the figure of how far confidences hold on new families, and its numbers as CSV."""
    table = confidence_table(held)
    with paper_style():
        files = save(figure_of(confidence_held(table)), stem, ["png"], SCREEN_DPI)
    write = partial(table.to_csv, index=False, lineterminator="\n", float_format="%.6g")
    return [*files, write_whole(stem.with_suffix(".csv"), write)]
