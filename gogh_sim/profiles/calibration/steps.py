"""Step laws of every model, with the measurements that each was fitted to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gogh_sim.profiles.calibration.models import Inputs, load_inputs
from gogh_sim.profiles.calibration.sources import step_times
from gogh_sim.profiles.calibration.speed import Ratios, StepLaw, field_shares, fit_ratios, fit_step, points_of


@dataclass(frozen=True)
class StepFits:
    """Models, card ratios, and per model its measured points and its law."""

    inputs: Inputs
    ratios: Ratios
    points: Mapping[str, pd.DataFrame]
    laws: Mapping[str, StepLaw]


def fit_steps(data: Path) -> StepFits:
    """Fit the step law of every model of ``inputs/models.csv``; `InputError` where a table or its rows are missing."""
    inputs, ratios, steps = load_inputs(), fit_ratios(data), step_times(data)
    share = field_shares(data, ratios)
    points = {name: points_of(name, inputs, steps) for name in inputs.models}
    laws = {name: fit_step(m, points[name], ratios, share[m.domain]) for name, m in inputs.models.items()}
    return StepFits(inputs, ratios, points, laws)
