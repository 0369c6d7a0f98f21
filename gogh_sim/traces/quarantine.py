"""Rows that cannot be used, kept in a file of their own with the reason, so that none is dropped in silence."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from gogh_sim.traces.faults import Fault, Severity
from gogh_sim.traces.files import write_text
from gogh_sim.traces.formats.registry import FORMATS, read
from gogh_sim.traces.pieces import HEADED, Shape
from gogh_sim.traces.schema import Trace

COLUMNS = ("file", "row", "column", "reason", "text")
"""Columns of a quarantine file: where a row stood (rows count from 1, headers not counted), why it is there, itself."""


class Quarantine:
    """Collects the errors that a reader reports, so that reading goes on without the rows at fault."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def __call__(self, fault: Fault) -> None:
        """Take note of an error; warnings pass."""
        if fault.severity is Severity.ERROR:
            self.faults.append(fault)

    @property
    def count(self) -> int:
        """How many rows are held."""
        return sum(fault.count for fault in self.faults)

    def rejected(self, file: Path) -> dict[int, Fault]:
        """Numbers of the rows of a file that are held -> their fault."""
        return {row: fault for fault in self.faults if fault.file == str(file) for row in fault.records}

    def write(self, path: Path, shapes: Mapping[str, Shape], other: Shape) -> None:
        """Write the rows held, with their reasons, as CSV (`COLUMNS`).

        Parameters
        ----------
        shapes
            Of files by name.
        other
            Shape of all other files.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for file in dict.fromkeys(fault.file for fault in self.faults):
            held = self.rejected(Path(file))
            for number, row in enumerate(shapes.get(file, other).rows(Path(file))):
                if fault := held.get(number):
                    writer.writerow((file, number + 1, fault.column or "", fault.what, row))
        write_text(path, text.getvalue())


def read_skipping(
    format: str,
    path: Path | str,
    quarantine: Path | str,
    nodes: Path | str | None = None,
    throughputs: Path | str | None = None,
) -> tuple[Trace, int]:
    """Read a trace without its faulty rows, which are written to a quarantine file and counted as "faulty".

    Returns
    -------
    tuple[Trace, int]
        The trace, and how many rows are in quarantine; with none, no file is written.

    Raises
    ------
    InputError
        If a file is unusable as a whole.
    """
    held = Quarantine()
    trace = read(format, path, nodes, held, throughputs)
    if held.count:
        form = FORMATS[format]
        held.write(Path(quarantine), {str(nodes): form.shape_of_nodes}, form.shape)
    return trace, held.count


def fix(format: str, path: Path | str, target: Path | str, faults: list[Fault]) -> int:
    """Write the jobs' file anew without the rows that `faults`, of a check of it, hold to be errors.

    All else stays as it was. Faults of other files are passed over.

    Returns
    -------
    int
        How many rows were left away; they stand in `quarantine_file` of the target.
    """
    held = Quarantine()
    for fault in faults:
        if fault.file == str(path):
            held(fault)
    # Traces of requests, which are no format of jobs, are CSV with a header.
    shape = FORMATS[format].shape if format in FORMATS else HEADED
    shape.copy(Path(path), Path(target), held.rejected(Path(path)).keys())
    if held.count:
        held.write(quarantine_file(target), {}, shape)
    return held.count


def quarantine_file(path: Path | str) -> Path:
    """Where the rows rejected from a file go unless told otherwise: beside it, named after it."""
    path = Path(path)
    return path.with_name(f"{path.name}.quarantine.csv")
