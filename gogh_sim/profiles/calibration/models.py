"""The hand-written inputs of the calibration: which models, and which public rows tell their step times."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One row of ``inputs/models.csv``: what is known of a model without timing it.

    Attributes
    ----------
    domain
        Field of work; picks the share of arithmetic where no measurement tells it.
    gflop_per_sample
        Forward work, and for training backward work, of one sample.
    memory_fixed_gib, memory_per_sample_mib
        Footprint at batch b is ``fixed + per_sample * b``.
    power_class
        Class of work whose share of the card's headroom it draws.
    relatives
        ``dataset:job`` where it was measured in pairs, else the model whose interference it is taken to share.
    host_s
        Seconds of a step that no GPU shortens; none where the fit is to find it.
    host_share
        Share of the time per sample that is data loading on the host.
    gpu_per_sample_s
        Assumed GPU seconds per sample on the reference card, of a model that nobody timed.
    gradient_mib
        What a gang exchanges each step.
    """

    name: str
    family: str
    task: str
    domain: str
    kind: str
    batches: tuple[int, ...]
    parameters_m: float
    gflop_per_sample: float
    size_source: str
    memory_fixed_gib: float
    memory_per_sample_mib: float
    memory_source: str
    memory_tag: str
    power_class: str
    relatives: str
    host_s: float | None
    host_share: float
    gpu_per_sample_s: float | None
    gradient_mib: float

    def memory_gib(self, batch: int) -> float:
        """Footprint on one GPU at this batch."""
        return self.memory_fixed_gib + self.memory_per_sample_mib * batch / 1024.0


@dataclass(frozen=True, slots=True)
class Anchor:
    """One row of ``inputs/anchors.csv``: which measured rows time a model on one card.

    An empty `variant` takes all, empty `batches` all that the source lists. `assumed_batch` stands in where the source
    states none; `units_per_sample` converts the source's units or model size to ours.
    """

    model: str
    dataset: str
    key: str
    variant: str
    gpu_variant: str
    batches: tuple[int, ...]
    assumed_batch: int
    units_per_sample: float


@dataclass(frozen=True, slots=True)
class Inputs:
    """Both tables, models by name in the order of the file."""

    models: Mapping[str, ModelFacts]
    anchors: tuple[Anchor, ...]


def load_inputs() -> Inputs:
    """Read the tables that ship beside this module."""
    models = [_model(row) for row in _rows("models.csv")]
    return Inputs({m.name: m for m in models}, tuple(_anchor(row) for row in _rows("anchors.csv")))


def _model(row: Mapping[str, str]) -> ModelFacts:
    host_ms, gpu_us = _optional(row["host_ms"]), _optional(row["gpu_us_per_sample"])
    return ModelFacts(
        name=row["model"],
        family=row["family"],
        task=row["task"],
        domain=row["domain"],
        kind=row["kind"],
        batches=_batches(row["batches"]),
        parameters_m=float(row["parameters_m"]),
        gflop_per_sample=float(row["gflop_per_sample"]),
        size_source=row["size_source"],
        memory_fixed_gib=float(row["memory_fixed_gib"]),
        memory_per_sample_mib=float(row["memory_per_sample_mib"]),
        memory_source=row["memory_source"],
        memory_tag=row["memory_tag"],
        power_class=row["power_class"],
        relatives=row["relatives"],
        host_s=None if host_ms is None else host_ms * 1e-3,
        host_share=float(row["host_share"]),
        gpu_per_sample_s=None if gpu_us is None else gpu_us * 1e-6,
        gradient_mib=float(row["gradient_mib"]),
    )


def _anchor(row: Mapping[str, str]) -> Anchor:
    return Anchor(
        model=row["model"],
        dataset=row["dataset"],
        key=row["key"],
        variant=row["variant"],
        gpu_variant=row["gpu_variant"],
        batches=_batches(row["batches"]),
        assumed_batch=int(row["assumed_batch"] or 0),
        units_per_sample=float(row["units_per_sample"]),
    )


def _batches(cell: str) -> tuple[int, ...]:
    return tuple(int(x) for x in cell.split(";")) if cell else ()


def _optional(cell: str) -> float | None:
    return float(cell) if cell else None


def _rows(name: str) -> Iterator[dict[str, str]]:
    path = resources.files("gogh_sim.profiles.calibration") / "inputs" / name
    with path.open(encoding="utf-8") as file:
        yield from csv.DictReader(file)
