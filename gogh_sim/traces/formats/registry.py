"""Every trace format by name: how it is read, written, checked and taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from gogh_sim.errors import InputError
from gogh_sim.traces.faults import Fault, Report, Severity, stop_at_error
from gogh_sim.traces.formats import (
    acme,
    gavel,
    helios,
    itp,
    openb,
    pai,
    pai_tables,
    philly,
    philly_list,
    plain,
    pollux,
    spot,
    swf,
)
from gogh_sim.traces.pieces import BARE, HEADED, JSON_ARRAY, PLAIN, TABBED, WORDED, Shape
from gogh_sim.traces.schema import Trace
from gogh_sim.traces.sources import Capacity, Sources


class Reader(Protocol):
    """Reads the files of a trace."""

    def __call__(self, sources: Sources, report: Report = stop_at_error) -> Trace:
        """Read; see the formats' modules."""
        ...


class Writer(Protocol):
    """Writes a trace and tells what the format could not hold."""

    def __call__(self, trace: Trace, target: Sources) -> Mapping[str, int]:
        """Write; see the formats' modules."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """A file format: what it is, its reader, its writer where it can hold a trace, and the shapes of its files."""

    about: str
    read: Reader
    write: Writer | None
    shape: Shape = HEADED
    shape_of_nodes: Shape = HEADED


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "acme": Format("Shanghai AI Laboratory Acme: trace_seren, trace_kalos, CSV", acme.read, acme.write),
        "gavel": Format("Gavel (7 and 10 fields), Shockwave (12): tab-separated", gavel.read, None, TABBED),
        "helios": Format("SenseTime Helios: cluster_log, CSV", helios.read, helios.write),
        "itp": Format("Microsoft ITP 2021 (ElasticFlow): one cluster, CSV", itp.read, itp.write),
        "openb": Format("Alibaba openb v2023: pods and nodes, CSV", openb.read, openb.write),
        "pai": Format("Alibaba PAI v2020: the simulator's jobs, and machines, CSV", pai.read, pai.write, HEADED, BARE),
        "pai_tables": Format("Alibaba PAI v2020: a folder of the full tables, CSV", pai_tables.read, None, BARE),
        "philly": Format("Microsoft Philly: cluster_job_log, JSON", philly.read, philly.write, JSON_ARRAY),
        "philly_list": Format("Microsoft Philly: flat list, CSV", philly_list.read, philly_list.write),
        "plain": Format("your own data: the simulator's columns, CSV or Parquet", plain.read, plain.write, PLAIN),
        "pollux": Format("Pollux: submissions without run times, CSV", pollux.read, None),
        "spot": Format("Alibaba v2026 spot GPUs: jobs and nodes, CSV", spot.read, spot.write),
        "swf": Format("Standard Workload Format: 18 numbers a job", swf.read, swf.write, WORDED),
    }
)


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise InputError(f"unknown trace format {name!r}; there are {', '.join(sorted(FORMATS))}")
    return FORMATS[name]


def _path(name: Path | str | None) -> Path | None:
    return None if name is None else Path(name)


def read(
    format: str,
    path: Path | str,
    nodes: Path | str | None = None,
    report: Report = stop_at_error,
    throughputs: Path | str | None = None,
) -> Trace:
    """Read a trace file.

    Parameters
    ----------
    format
        A name in `FORMATS`.
    path, nodes, throughputs
        The jobs, and the other files where the format has them (see `Sources`); gzip is unpacked.
    report
        What faults are told to; by default the first error stops.

    Raises
    ------
    InputError
        If the format is unknown or a file unusable, naming file, line and column; no other error.
    """
    return _format(format).read(Sources(Path(path), _path(nodes), _path(throughputs)), report)


def write(format: str, trace: Trace, path: Path | str, nodes: Path | str | None = None) -> Mapping[str, int]:
    """Write a trace file; returns what the format could not hold -> rows that lost it.

    Raises
    ------
    InputError
        If the format is unknown or cannot hold a trace, or the file cannot be written.
    """
    writer = _format(format).write
    if writer is None:
        able = ", ".join(name for name, form in sorted(FORMATS.items()) if form.write)
        raise InputError(f"the format {format!r} has no place for run times; traces can be written as {able}")
    return writer(trace, Sources(Path(path), _path(nodes)))


def check(format: str, sources: Sources) -> list[Fault]:
    """Every fault and warning of a trace file, in order of reading; nodes, if named, say what the cluster can hold."""
    faults: list[Fault] = []
    reader = _format(format).read
    try:
        trace = reader(sources, faults.append)
        if sources.capacity is None and trace.nodes:
            held = Capacity(sum(n.num_gpus for n in trace.nodes), frozenset(n.gpu_type for n in trace.nodes))
            faults.clear()
            reader(replace(sources, capacity=held), faults.append)
    except InputError as error:
        faults.append(Fault(str(error.file or sources.jobs), error.line, error.column, 1, error.message))
    return faults


def errors(faults: list[Fault]) -> list[Fault]:
    """Those that make rows unusable."""
    return [fault for fault in faults if fault.severity is Severity.ERROR]


def convert(
    source: Sources, source_format: str, target: Path | str, target_format: str, target_nodes: Path | str | None = None
) -> tuple[Trace, Mapping[str, int]]:
    """Read one format, write another; returns the trace and what the target could not hold."""
    trace = _format(source_format).read(source)
    return trace, write(target_format, trace, target, target_nodes)
