"""What every law says of the measurements behind it, point by point; what the calibration figures draw.

Every frame has the columns group (GPU type, card or data set), measured and fitted, plus what tells its points apart.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from gogh_sim.profiles.calibration.errors import measured_pairs
from gogh_sim.profiles.calibration.pairs import fit_contention, law_norms
from gogh_sim.profiles.calibration.power_shape import CONCAVE, FORMS, fit_alpha, sweeps
from gogh_sim.profiles.calibration.sources import read_table
from gogh_sim.profiles.calibration.steps import fit_steps
from gogh_sim.profiles.calibration.validation import held_out_norms

CAPPED_CARDS = ("V100-PCIE", "A40", "RTX6000", "T4")
"""Cards whose power-limit sweeps have training runs enough to draw."""


def step_points(data: Path) -> pd.DataFrame:
    """Step times in milliseconds: group (GPU type), model, batch, measured, fitted."""
    fits = fit_steps(data)
    frames = []
    for model, points in fits.points.items():
        law = fits.laws[model]
        cells = zip(points["batch"], points["gpu_variant"], strict=True)
        fitted = [sum(law.times(batch, fits.ratios.gpu_time(card, law.compute_share))) for batch, card in cells]
        measured = points["step_s"].to_numpy(dtype=np.float64)
        frames.append(
            pd.DataFrame(
                {
                    "group": points["gpu_type"].to_numpy(),
                    "model": model,
                    "batch": points["batch"].to_numpy(),
                    "measured": 1e3 * measured,
                    "fitted": 1e3 * np.array(fitted, dtype=np.float64),
                }
            )
        )
    return pd.concat([f for f in frames if len(f)], ignore_index=True)


def pair_points(data: Path) -> pd.DataFrame:
    """Norms: group (data set), measured, fitted (in sample) and unseen (by a fit that did not see the pair)."""
    frames = []
    for name, pairs in measured_pairs(data).items():
        columns = {"measured": pairs.norm, "fitted": law_norms(fit_contention(pairs), pairs)}
        frames.append(pd.DataFrame({"group": name, **columns, "unseen": held_out_norms(pairs)}))
    return pd.concat(frames, ignore_index=True)


def power_points(data: Path) -> pd.DataFrame:
    """Watts of sweeps over load: group (card and phase), alpha, load, measured, fitted, and a column per other form."""
    frames = []
    for name, sweep in sweeps(data).items():
        alpha = fit_alpha(sweep)
        forms = {form.partition(":")[0]: law(sweep, alpha) for form, law in FORMS.items() if form != CONCAVE}
        frames.append(
            pd.DataFrame(
                {
                    "group": name,
                    "alpha": alpha,
                    "load": sweep.load,
                    "measured": sweep.watts,
                    "fitted": FORMS[CONCAVE](sweep, alpha),
                    **forms,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def cap_points(data: Path) -> pd.DataFrame:
    """Speeds under a binding power cap over speeds without: group (card), gamma, dynamic_share, measured, fitted.

    `dynamic_share` is ``(cap - idle) / (P0 - idle)``, what the cap leaves of the dynamic power.
    """
    fits = read_table(data, "power/power_cap_fits.csv")
    fits = fits[(fits["phase"] == "training") & fits["parameter"].fillna("").str.contains("idle")].set_index("gpu")
    table = read_table(data, "power/zeus_train_power.csv")
    run = ["gpu", "source", "dataset", "network", "batch_size", "optimizer", "n_gpus"]
    uncapped = table[table["power_limit_w"] == table["max_limit_w"]].groupby(run, dropna=False)["avg_power_w"].mean()
    frames = []
    for card in CAPPED_CARDS:
        rows = table[(table["gpu"] == card) & (table["power_limit_w"] < table["max_limit_w"])]
        rows = rows.join(uncapped.rename("uncapped_w"), on=run).dropna(subset=["uncapped_w", "rel_speed_vs_uncapped"])
        rows = rows[rows["uncapped_w"] > rows["power_limit_w"]]
        gamma, idle_w = (float(x) for x in re.findall(r"[\d.]+", str(fits.loc[card, "parameter"])))
        share = (rows["power_limit_w"] - idle_w) / (rows["uncapped_w"] - idle_w)
        columns = {"measured": rows["rel_speed_vs_uncapped"], "fitted": share**gamma}
        frames.append(pd.DataFrame({"group": card, "gamma": gamma, "dynamic_share": share, **columns}))
    return pd.concat(frames, ignore_index=True)
