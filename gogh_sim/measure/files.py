"""The files of a campaign: rows, workload facts and machine, as ``gogh-sim calibrate --own`` reads them."""

from __future__ import annotations

import csv
import json
import math
import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from gogh_sim.measure.campaign import Campaign, Measured, Row
from gogh_sim.measure.catalogue import probe_of

ROW_COLUMNS = (
    *("kind", "gpu_type", "workload", "partner", "rate_per_s", "power_w", "memory_gib"),
    *("rate_low_per_s", "rate_high_per_s", "blocks", "seconds", "sm_clock_mhz", "memory_clock_mhz", "power_samples"),
)
"""The seven that calibrate reads, then what tells how good a row is."""

FACT_COLUMNS = (
    *("workload", "model", "family", "task", "kind", "batch_size"),
    *("parameters_m", "gflop_per_sample", "memory_gib", "relative"),
)


def write_measurements(campaign: Campaign, found: Measured, described: Mapping[str, str], out: Path) -> list[Path]:
    """Write ``measurements.csv``, ``workloads.csv`` and ``machine.json`` into `out`, made if missing.

    Parameters
    ----------
    described
        What to keep beside the numbers: versions, card, driver, date.

    Returns
    -------
    list of Path
        The files, in that order.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows, facts, machine = (out / name for name in ("measurements.csv", "workloads.csv", "machine.json"))
    _write(rows, ROW_COLUMNS, found.rows)
    _write(facts, FACT_COLUMNS, _facts(found))
    kept = {
        "gpu_type": campaign.gpu_type,
        "torch_device": campaign.device,
        "size": campaign.size.value,
        "seconds": campaign.seconds,
        "python": sys.version.split()[0],
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        **described,
        "failures": list(found.failures),
    }
    machine.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return [rows, facts, machine]


def _facts(found: Measured) -> Iterable[Row]:
    for name, facts in found.facts.items():
        probe, batch = probe_of(name)
        yield {
            "workload": name,
            "model": probe.model,
            "family": probe.family,
            "task": probe.task,
            "kind": probe.kind,
            "batch_size": batch,
            "parameters_m": facts.parameters_m,
            "gflop_per_sample": facts.gflop_per_sample,
            "memory_gib": found.memory_gib[name],
            "relative": probe.relative,
        }


def _write(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(row.get(column, "")) for column in columns] for row in rows)


def _cell(value: str | float) -> str:
    """Text as it is; numbers to six digits; nothing where a number is not known."""
    if isinstance(value, str):
        return value
    return f"{value:.6g}" if math.isfinite(value) else ""
