"""Gavel's and Shockwave's simulator traces: tab-separated, no header, one job a row.

Formats and data: github.com/stanford-futuredata/gavel (MIT), Narayanan et al., OSDI 2020: ten fields, and seven in the
older traces made from Philly; github.com/uw-mad-dash/shockwave (MIT), NSDI 2023: twelve, of which `duration` is one.
The others record steps: a job's run time is steps over steps per second of its type on as many GPUs of the reference
type, from the file of throughputs that Gavel ships (``[gpu_type]["('job type', gpus)"]["null"]``). The workload is the
job type as named there. An SLO is a multiple of the run time; where a trace has any, -1 means none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.limits import parsed_json
from gogh_sim.traces.build import Column, build_trace
from gogh_sim.traces.faults import Ledger, Report, stop_at_error
from gogh_sim.traces.files import read_text
from gogh_sim.traces.rows import TABS
from gogh_sim.traces.schema import Trace
from gogh_sim.traces.sources import Sources
from gogh_sim.traces.table import Table, read_bare_table
from gogh_sim.types import FloatArray, IntArray

REFERENCE = "v100"
"""The reference GPU type as the file of throughputs names it."""

_OLD = ("job_type", "command", "num_steps_arg", "needs_data_dir", "total_steps", "arrival_time", "scale_factor")
_TYPED = ("job_type", "command", "working_directory", "num_steps_arg", "needs_data_dir", "total_steps", "scale_factor")
_GAVEL = (*_TYPED, "priority_weight", "SLO", "arrival_time")
_SHOCKWAVE = (*_TYPED, "mode", "priority_weight", "SLO", "duration", "arrival_time")
LAYOUTS = (_OLD, _GAVEL, _SHOCKWAVE)
_LARGEST_TABLE = 64 << 20
"""Bytes of the largest file of throughputs, which JSON can hold at many times its size; Gavel's has under 1 MiB."""


def read(sources: Sources, report: Report = stop_at_error) -> Trace:
    """Read the jobs; those whose type and size have no throughput are left out.

    Raises
    ------
    InputError
        If a file is unusable, no throughputs are given where they are needed, or from `report` at a faulty row.
    """
    sources.refuse_nodes()
    table = read_bare_table(sources.jobs, LAYOUTS, Ledger(sources.jobs, report), TABS)
    job_type = table.columns["job_type"]
    table.reject(job_type == "", "job_type", "a job type")
    gpus = table.integers("scale_factor", most=10**6)
    submit = table.numbers("arrival_time")
    if "duration" in table.columns:
        sources.refuse_throughputs()
        duration = Column("duration", table.numbers("duration"))
    else:
        duration = Column("total_steps", _run_times(table, gpus, sources))
    others: dict[str, Any] = {"job_id": table.numbered("gavel"), "workload": job_type}
    if "SLO" in table.columns:
        others |= _deadlines(table, submit, duration.cells)
    return build_trace(
        table,
        sources,
        submit=Column("arrival_time", submit),
        duration=duration,
        gpus=Column("scale_factor", gpus),
        others=others,
    )


def _run_times(table: Table, gpus: IntArray, sources: Sources) -> FloatArray:
    steps = table.numbers("total_steps")
    if sources.throughputs is None:
        what = "the file records steps, not run times; give trace.throughputs=<simulation_throughputs.json[.gz]>"
        raise InputError(what, file=sources.jobs, line=int(table.lines[0]) if len(table) else None)
    rates = read_throughputs(sources.throughputs)
    keys = [f"('{kind}', {size})" for kind, size in zip(table.columns["job_type"], gpus.tolist(), strict=True)]
    rate = np.array([rates.get(key, np.nan) for key in keys], dtype=np.float64)
    table.leave_out(np.isnan(rate), "job_type", "no throughput known for this type and size")
    return steps / rate


def read_throughputs(path: Path) -> dict[str, float]:
    """Steps per second alone on the reference type, by job type and GPUs as the file writes them.

    Raises
    ------
    InputError
        If the file is unusable or holds no positive number where one is expected.
    """
    content = parsed_json(read_text(path, most=_LARGEST_TABLE), path)
    table = content.get(REFERENCE) if isinstance(content, dict) else None
    if not isinstance(table, dict):
        raise InputError(f"expected an object of throughputs with the GPU type {REFERENCE!r}", file=path)
    rates = {}
    for key, partners in table.items():
        rate = partners.get("null") if isinstance(partners, dict) else None
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1e12:
            raise InputError(f"expected steps per second alone ('null') of {key}, found {rate!r:.60}", file=path)
        if rate > 0:  # 0 marks what could not be run
            rates[key] = float(rate)
    return rates


def _deadlines(table: Table, submit: FloatArray, duration: FloatArray) -> dict[str, FloatArray]:
    """Deadlines where the trace has any."""
    slo = table.numbers("SLO", least=-1)
    table.reject((slo <= 0) & (slo != -1), "SLO", "-1 or a positive multiple of the run time")
    if not (slo[table.kept] > 0).any():
        return {}
    return {"deadline_s": np.where(slo > 0, submit + slo * np.maximum(duration, 1.0), np.inf)}
