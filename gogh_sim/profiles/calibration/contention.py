"""Sensitivity and intensity of every workload on every GPU type: fitted where measured, carried over elsewhere.

Carrying over rests on one regularity of the measured jobs: the intensity of a job grows with the share of its step
that it keeps the GPU busy, ``i ~ busy^e``, whereas its sensitivity shows no such trend (R^2 below 0.1). So from one
type to another s stays and i follows the busy share, which is higher on slow cards and lower on fast ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.profiles.calibration.models import ModelFacts
from gogh_sim.profiles.calibration.pairs import Contention
from gogh_sim.profiles.profile import Source

Cell = tuple[str, int, str]
"""Model, batch, GPU type."""

DATASET_TYPE: Mapping[str, str] = {"gavel": "V100", "blox": "A100"}
"""GPU type that each data set of pairs was measured on."""

DATASET_MODELS: Mapping[str, Mapping[str, str]] = {
    "gavel": {
        "ResNet-18": "resnet18",
        "ResNet-50": "resnet50",
        "Transformer": "transformer",
        "LM": "lstm-lm",
        "Recommendation": "recoder",
        "CycleGAN": "cyclegan",
        "A3C": "a3c",
    },
    "blox": {"DCGAN": "dcgan", "PointNet": "pointnet", "resnet50": "resnet50", "vgg19": "vgg19"},
}


@dataclass(frozen=True, slots=True)
class Strain:
    """s and i of one workload on one type, with what they rest on."""

    sensitivity: float
    intensity: float
    tag: Source
    source: str


def direct_strains(fits: Mapping[str, Contention]) -> dict[Cell, Strain]:
    """Strains of the jobs that were themselves measured in pairs, by data set."""
    found = {}
    for dataset, fit in fits.items():
        for job, s, i in zip(fit.jobs, fit.sensitivity, fit.intensity, strict=True):
            name, _, batch = job.partition("/")
            cell = (DATASET_MODELS[dataset][name], int(batch or 1), DATASET_TYPE[dataset])
            found[cell] = Strain(float(s), float(i), Source.FITTED, f"pairs of {dataset}: {job}")
    return found


def busy_exponent(direct: Mapping[Cell, Strain], busy: Mapping[Cell, float]) -> float:
    """Exponent e of ``i ~ busy^e`` over the measured jobs, one level per GPU type, by least squares in logarithms."""
    cells = sorted(direct)
    log_i = np.log([direct[c].intensity for c in cells])
    log_busy = np.log([busy[c] for c in cells])
    types = pd.get_dummies(pd.Series([c[2] for c in cells])).to_numpy(dtype=np.float64)
    solution, *_ = np.linalg.lstsq(np.column_stack([types, log_busy]), log_i, rcond=None)
    return float(solution[-1])


def all_strains(
    models: Mapping[str, ModelFacts], busy: Mapping[Cell, float], direct: Mapping[Cell, Strain], exponent: float
) -> dict[Cell, Strain]:
    """Strain of every cell of `busy`.

    A model without pairs takes the geometric mean of its declared relative's batches on the same type, with i moved
    to its own busy share; relatives may have relatives.
    """
    found: dict[Cell, Strain] = {}
    for model in _relatives_first(models):
        for cell in (c for c in busy if c[0] == model):
            found[cell] = direct.get(cell) or _carried(cell, models, busy, direct, found, exponent)
    return found


def _carried(
    cell: Cell,
    models: Mapping[str, ModelFacts],
    busy: Mapping[Cell, float],
    direct: Mapping[Cell, Strain],
    found: Mapping[Cell, Strain],
    exponent: float,
) -> Strain:
    model, batch, gpu_type = cell
    # A100 first: Blox's jobs keep the GPU busy, where Gavel's on V100 also wait for the host.
    for base_type in ("A100", "V100"):
        base = (model, batch, base_type)
        if base in direct:
            moved = direct[base].intensity * (busy[cell] / busy[base]) ** exponent
            return Strain(direct[base].sensitivity, moved, Source.TRANSFERRED, f"{direct[base].source}, on {base_type}")
    relative = models[model].relatives
    like = sorted(c for c in found if c[0] == relative and c[2] == gpu_type)
    if not like:
        raise InputError(f"model {model}: expected relatives to name a model with pairs, found {relative!r}")
    log_busy = np.mean([np.log(busy[c]) for c in like])
    log_i = np.mean([np.log(found[c].intensity) for c in like]) + exponent * (np.log(busy[cell]) - log_busy)
    log_s = np.mean([np.log(found[c].sensitivity) for c in like])
    return Strain(float(np.exp(log_s)), float(np.exp(log_i)), Source.ASSUMED, f"as {relative}, by busy share")


def _relatives_first(models: Mapping[str, ModelFacts]) -> Iterator[str]:
    done: set[str] = set()
    waiting = list(models)
    while waiting:
        ready = [m for m in waiting if ":" in models[m].relatives or models[m].relatives in done]
        if not ready:
            raise InputError(f"models {waiting}: relatives form a cycle or name no model")
        yield from ready
        done.update(ready)
        waiting = [m for m in waiting if m not in done]
