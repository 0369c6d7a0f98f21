"""Every trace format by name: how it is read, written and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from gogh_sim.errors import InputError
from gogh_sim.traces import openb, philly, philly_list
from gogh_sim.traces.faults import Fault, Report, stop_at_error
from gogh_sim.traces.schema import Trace


class Reader(Protocol):
    """Reads a file of jobs, and one of nodes where the format has them."""

    def __call__(self, path: Path, nodes: Path | None = None, report: Report = stop_at_error) -> Trace:
        """Read; see the formats' modules."""
        ...


class Writer(Protocol):
    """Writes a trace and tells what the format could not hold."""

    def __call__(self, trace: Trace, path: Path, nodes: Path | None = None) -> Mapping[str, int]:
        """Write; see the formats' modules."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """A file format: what it is, and its reader and writer."""

    about: str
    read: Reader
    write: Writer


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "openb": Format("Alibaba openb v2023: pods and nodes, CSV", openb.read, openb.write),
        "philly": Format("Microsoft Philly: cluster_job_log, JSON", philly.read, philly.write),
        "philly_list": Format("Microsoft Philly: flat list, CSV", philly_list.read, philly_list.write),
    }
)


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise InputError(f"unknown trace format {name!r}; there are {', '.join(sorted(FORMATS))}")
    return FORMATS[name]


def read(format: str, path: Path | str, nodes: Path | str | None = None, report: Report = stop_at_error) -> Trace:
    """Read a trace file.

    Parameters
    ----------
    format
        A name in `FORMATS`.
    path, nodes
        The jobs, and the nodes where the format has them; gzip is unpacked.
    report
        What faults are told to; by default the first error stops.

    Raises
    ------
    InputError
        If the format is unknown or a file unusable, naming file, line and column; no other error.
    """
    return _format(format).read(Path(path), None if nodes is None else Path(nodes), report)


def write(format: str, trace: Trace, path: Path | str, nodes: Path | str | None = None) -> Mapping[str, int]:
    """Write a trace file; returns what the format could not hold -> rows that lost it."""
    return _format(format).write(trace, Path(path), None if nodes is None else Path(nodes))


def check(path: Path | str, format: str, nodes: Path | str | None = None) -> list[Fault]:
    """Every fault and warning of a trace file, in order of reading."""
    faults: list[Fault] = []
    try:
        read(format, path, nodes, faults.append)
    except InputError as error:
        faults.append(Fault(str(error.file or path), error.line, error.column, 1, error.message))
    return faults


def convert(
    source: Path | str,
    source_format: str,
    target: Path | str,
    target_format: str,
    nodes: Path | str | None = None,
    target_nodes: Path | str | None = None,
) -> tuple[Trace, Mapping[str, int]]:
    """Read one format, write another; returns the trace and what the target could not hold."""
    trace = read(source_format, source, nodes)
    return trace, write(target_format, trace, target, target_nodes)
