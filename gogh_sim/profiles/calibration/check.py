"""Are the shipped tables what the measurements give?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from gogh_sim.profiles.calibration.calibrate import ErrorTable, calibrate
from gogh_sim.profiles.load import shipped_folder


@dataclass(frozen=True)
class CheckResult:
    """The error table, and the names of shipped tables that differ from the regenerated ones in any byte."""

    errors: ErrorTable
    changed: tuple[str, ...]


def check(data: Path) -> CheckResult:
    """Derive all tables again from the folder `data` and compare them with the shipped ones, byte for byte."""
    shipped = shipped_folder("calibrated")
    with TemporaryDirectory() as folder:
        errors = calibrate(data, Path(folder))
        written = sorted(Path(folder).iterdir())
        changed = [p.name for p in written if p.read_bytes() != (shipped / p.name).read_bytes()]
    return CheckResult(errors, tuple(changed))
