"""Faults of trace files: what is wrong, where and how often, and what is done about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from gogh_sim.errors import InputError


class Severity(StrEnum):
    """An error makes its rows unusable; a warning is worth knowing."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault in one file.

    Attributes
    ----------
    line
        The first place, counted from 1.
    count
        How many rows have it.
    records
        Which rows have it: their numbers among the file's rows, from 0, headers and blank lines not counted.
    """

    file: str
    line: int | None
    column: str | None
    count: int
    what: str
    severity: Severity = Severity.ERROR
    records: Sequence[int] = field(default=(), repr=False, compare=False)

    def error(self) -> InputError:
        """The fault as an error a user can act on."""
        more = f" ({self.count} rows in all)" if self.count > 1 else ""
        return InputError(self.what + more, file=self.file, line=self.line, column=self.column)


Report: TypeAlias = Callable[[Fault], None]
"""What a reader tells its faults to. If it returns, the reader goes on without the rows at fault."""


def stop_at_error(fault: Fault) -> None:
    """Raise at the first error, pass over warnings."""
    if fault.severity is Severity.ERROR:
        raise fault.error()


class Ledger:
    """What becomes of the rows of one file: faults are reported, and every row that is no job is counted.

    Attributes
    ----------
    left_out
        Reason -> rows left out.
    adjusted
        Change -> rows kept with that change.
    """

    def __init__(self, path: Path, report: Report) -> None:
        self.path = path
        self.left_out: Counter[str] = Counter()
        self.adjusted: Counter[str] = Counter()
        self._report = report

    def reject(self, what: str, *, records: Sequence[int], line: int | None = None, column: str | None = None) -> None:
        """Rows that cannot be used: an error, and counted where the report lets reading go on."""
        self._report(Fault(str(self.path), line, column, len(records), what, records=records))
        self.left_out["faulty"] += len(records)

    def leave_out(self, reason: str, *, line: int | None = None, column: str | None = None, count: int = 1) -> None:
        """Rows that are sound but no job for a simulation."""
        self.left_out[reason] += count
        self._warn(f"left out: {reason}", line, column, count)

    def adjust(self, change: str, *, line: int | None = None, column: str | None = None, count: int = 1) -> None:
        """Rows kept with a change."""
        self.adjusted[change] += count
        self._warn(change, line, column, count)

    def note(self, what: str, *, line: int | None = None, column: str | None = None, count: int = 1) -> None:
        """Rows kept as they are though they deserve a look."""
        self._warn(what, line, column, count)

    def _warn(self, what: str, line: int | None, column: str | None, count: int) -> None:
        self._report(Fault(str(self.path), line, column, count, what, Severity.WARNING))
