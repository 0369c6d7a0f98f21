"""The error table: how far every fitted law lies from measurements, those it was fitted to and those held out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from gogh_sim.profiles.calibration.pairs import Pairs, blox_pairs, fit_contention, gavel_pairs, law_norms
from gogh_sim.profiles.calibration.power_shape import shape_table
from gogh_sim.profiles.calibration.scaling import SyncCost
from gogh_sim.profiles.calibration.speed import Ratios, StepLaw
from gogh_sim.profiles.calibration.steps import StepFits
from gogh_sim.profiles.calibration.validation import held_out_jobs_error, held_out_pairs_error

SHOTS = (0, 3)
"""Partners beside which a held-out job is measured before it is foretold."""

Row = dict[str, object]


def error_table(data: Path, fits: StepFits, direct: int, exponent: float, sync: SyncCost) -> pd.DataFrame:
    """Columns law, subject, metric, value, points; `exponent` was fitted to `direct` workloads."""
    rows = [_step_row(m, fits.points[m], fits.laws[m], fits.ratios) for m in sorted(fits.laws) if len(fits.points[m])]
    for name, pairs in measured_pairs(data).items():
        rows.extend(_pair_rows(name, pairs))
    rows.append(_row("interference", "all", "exponent e of i ~ busy^e", exponent, direct))
    rows.append(_row("gang", "one node", "s/MiB per doubling", sync.local_s_per_mib, sync.local_points))
    rows.append(_row("gang", "across nodes", "s/MiB per doubling", sync.remote_s_per_mib, sync.remote_points))
    for shape in shape_table(data).to_dict("records"):
        metric = f"mean relative error of watts, {shape['form']}"
        rows.append(_row("power", str(shape["sweep"]), metric, float(shape["error"]), int(shape["points"])))
    return pd.DataFrame(rows)


def measured_pairs(data: Path) -> dict[str, Pairs]:
    """Every public set of training pairs, by name."""
    gavel = {f"gavel {gpu}": gavel_pairs(data, gpu) for gpu in ("v100", "p100", "k80")}
    return gavel | {"blox a100": blox_pairs(data)}


def _pair_rows(name: str, pairs: Pairs) -> Iterator[Row]:
    def row(what: str, value: float) -> Row:
        return _row("interference", name, f"mean absolute error of norm, {what}", value, len(pairs.norm))

    yield row("in sample", float(np.abs(law_norms(fit_contention(pairs), pairs) - pairs.norm).mean()))
    yield row("held-out pairs", held_out_pairs_error(pairs))
    for shots in SHOTS:
        yield row(f"held-out jobs with {shots} pairs known", held_out_jobs_error(pairs, shots))


def _step_row(model: str, points: pd.DataFrame, law: StepLaw, ratios: Ratios) -> Row:
    cells = zip(points["batch"], points["gpu_variant"], strict=True)
    fitted = np.array([sum(law.times(batch, ratios.gpu_time(card, law.compute_share))) for batch, card in cells])
    off = float(np.abs(fitted / points["step_s"].to_numpy(dtype=np.float64) - 1.0).mean())
    return _row("solo", model, "mean relative error of step time", off, len(points))


def _row(law: str, subject: str, metric: str, value: float, points: int) -> Row:
    # An exact fit leaves rounding noise, which differs between machines.
    value = value if abs(value) > 1e-9 else 0.0
    return {"law": law, "subject": subject, "metric": metric, "value": value, "points": points}
