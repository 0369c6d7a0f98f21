"""`calibrate`: public measurements in, the shipped profile tables and their error table out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gogh_sim.profiles.calibration.cards import CARDS, gpu_table
from gogh_sim.profiles.calibration.contention import (
    Cell,
    Strain,
    all_strains,
    busy_exponent,
    direct_strains,
)
from gogh_sim.profiles.calibration.errors import error_table
from gogh_sim.profiles.calibration.grid import grid_table
from gogh_sim.profiles.calibration.mig import slice_table
from gogh_sim.profiles.calibration.models import Inputs
from gogh_sim.profiles.calibration.pairs import blox_pairs, fit_contention, gavel_pairs
from gogh_sim.profiles.calibration.scaling import SyncCost, fit_sync
from gogh_sim.profiles.calibration.speed import Ratios, StepLaw
from gogh_sim.profiles.calibration.steps import fit_steps
from gogh_sim.profiles.calibration.watts import shares
from gogh_sim.profiles.profile import Source
from gogh_sim.profiles.tables import write_tables
from gogh_sim.types import REFERENCE_GPU

ErrorTable = pd.DataFrame
"""Columns law, subject, metric, value, points: how far each law lies from the measurements that it was fitted to."""


@dataclass(frozen=True)
class _Timing:
    """Host and GPU seconds of one step of a workload on a type, and what they rest on."""

    host_s: float
    gpu_s: float
    tag: Source

    @property
    def busy(self) -> float:
        return self.gpu_s / (self.host_s + self.gpu_s)


def calibrate(data: Path, out: Path) -> ErrorTable:
    """Derive every table of the calibrated profile and write it into `out`.

    Parameters
    ----------
    data
        Folder that holds ``throughput/`` and ``power/`` of the public measurements.
    out
        Folder to write ``gpu_types.csv``, ``workloads.csv``, ``solo.csv``, ``interference.csv``, ``slices.csv``,
        ``grid.csv`` and ``errors.csv`` into; made if missing. The same data give the same bytes.

    Raises
    ------
    InputError
        If a table is missing or holds no rows for a model that needs them.
    """
    tables = derive(data)
    write_tables(tables, out)
    return tables["errors"]


def derive(data: Path) -> dict[str, pd.DataFrame]:
    """Every shipped table by name, not yet rounded."""
    fits = fit_steps(data)
    inputs, laws, ratios = fits.inputs, fits.laws, fits.ratios
    timing = _timings(inputs, laws, ratios)
    sync = fit_sync(data, inputs.models)
    direct = direct_strains(
        {"gavel": fit_contention(gavel_pairs(data, "v100")), "blox": fit_contention(blox_pairs(data))}
    )
    busy = {cell: t.busy for cell, t in timing.items()}
    exponent = busy_exponent(direct, busy)
    strains = all_strains(inputs.models, busy, direct, exponent)
    return {
        "gpu_types": gpu_table(data, _spread(data)),
        "workloads": _workload_table(inputs, laws, timing, sync),
        "solo": _solo_table(data, inputs, timing),
        "interference": _interference_table(strains),
        "slices": slice_table(data),
        "grid": grid_table(data),
        "errors": error_table(data, fits, len(direct), exponent, sync),
    }


def workload_name(model: str, batch: int) -> str:
    """Name of a workload: model and batch size."""
    return f"{model}-b{batch}"


def _timings(inputs: Inputs, laws: Mapping[str, StepLaw], ratios: Ratios) -> dict[Cell, _Timing]:
    found: dict[Cell, _Timing] = {}
    for model, law in laws.items():
        for batch in inputs.models[model].batches:
            for gpu, card in CARDS.items():
                host_s, gpu_s = law.times(batch, ratios.gpu_time(card.variant, law.compute_share))
                if not law.measured_types:
                    tag = Source.ASSUMED
                else:
                    tag = Source.FITTED if gpu in law.measured_types else Source.TRANSFERRED
                found[model, batch, gpu] = _Timing(host_s, gpu_s, tag)
    return found


def _workload_table(
    inputs: Inputs, laws: Mapping[str, StepLaw], timing: Mapping[Cell, _Timing], sync: SyncCost
) -> pd.DataFrame:
    rows = []
    for model in inputs.models.values():
        for batch in model.batches:
            reference = timing[model.name, batch, REFERENCE_GPU]
            mib_per_s = model.gradient_mib / (reference.host_s + reference.gpu_s)
            rows.append(
                {
                    "workload": workload_name(model.name, batch),
                    "model": model.name,
                    "family": model.family,
                    "task": model.task,
                    "kind": model.kind,
                    "batch_size": batch,
                    "parameters_m": model.parameters_m,
                    "gflop_per_sample": model.gflop_per_sample,
                    "size_source": model.size_source,
                    "memory_gib": model.memory_gib(batch),
                    "memory_tag": model.memory_tag,
                    "memory_source": model.memory_source,
                    "compute_share": laws[model.name].compute_share,
                    "local_sync": sync.local_s_per_mib * mib_per_s,
                    "remote_sync": sync.remote_s_per_mib * mib_per_s,
                    "sync_tag": Source.FITTED.value if model.gradient_mib else Source.ASSUMED.value,
                }
            )
    return pd.DataFrame(rows)


def _solo_table(data: Path, inputs: Inputs, timing: Mapping[Cell, _Timing]) -> pd.DataFrame:
    share = shares(data)
    cards = gpu_table(data, dict.fromkeys(CARDS, 0.0)).set_index("gpu_type").to_dict("index")
    rows = []
    for (model, batch, gpu), t in timing.items():
        power = share[inputs.models[model].power_class, gpu]
        card = cards[gpu]
        headroom = float(card["tdp_w"]) - float(card["idle_context_w"])
        rows.append(
            {
                "workload": workload_name(model, batch),
                "gpu_type": gpu,
                "host_ms": t.host_s * 1e3,
                "gpu_ms": t.gpu_s * 1e3,
                "tag": t.tag.value,
                "dyn_w": headroom * power.value * t.busy ** float(card["alpha"]),
                "power_tag": power.tag.value,
                "power_source": power.source,
            }
        )
    return pd.DataFrame(rows)


def _interference_table(strains: Mapping[Cell, Strain]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "workload": workload_name(model, batch),
            "gpu_type": gpu,
            "sensitivity": strain.sensitivity,
            "intensity": strain.intensity,
            "tag": strain.tag.value,
            "source": strain.source,
        }
        for (model, batch, gpu), strain in strains.items()
    )


def _spread(data: Path) -> dict[str, float]:
    """Standard deviation of ``log(s * i)`` between GPU types for the jobs measured on V100, P100 and K80.

    It tells how far a pair's slowdown on one type is known from another; half of it is declared for types with own
    pairs, since some of their workloads are carried over as well.
    """
    logs = []
    for gpu in ("v100", "p100", "k80"):
        fit = fit_contention(gavel_pairs(data, gpu))
        logs.append(pd.Series(np.log(fit.sensitivity * fit.intensity), index=list(fit.jobs)))
    together = pd.concat(logs, axis=1).dropna()
    spread = float(np.sqrt(together.var(axis=1, ddof=1).mean()))
    return {gpu: spread / 2.0 if gpu in ("V100", "A100") else spread for gpu in CARDS}
