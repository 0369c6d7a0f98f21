"""`gogh-sim calibrate`: profile tables from raw measurements, public or the user's own."""

from __future__ import annotations

import shutil
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from gogh_sim.cli.calibration_figures import write_calibration_figures
from gogh_sim.cli.parser import Parser
from gogh_sim.cli.tables import number, text_table
from gogh_sim.errors import InputError
from gogh_sim.profiles.calibration.calibrate import ErrorTable, calibrate
from gogh_sim.profiles.calibration.check import check
from gogh_sim.profiles.folder import writable, write_profile
from gogh_sim.profiles.named import tables_of
from gogh_sim.profiles.new_workloads import read_workload_facts, with_workloads
from gogh_sim.profiles.own import Measurements, read_measurements, with_measurements
from gogh_sim.profiles.tables import Tables

DIFFERS = 1
"""Exit code of a check that found a difference."""

_EPILOG = """\
examples:
  gogh-sim calibrate --data DIR --check            are the shipped tables what the public measurements give?
  gogh-sim calibrate --data DIR --figures docs/figures/calibration
  gogh-sim calibrate --data DIR --out mine         derive them again; then: gogh-sim run profile.name=mine
  gogh-sim calibrate --own rates.csv --out mine    the shipped profile, your measurements in place of its numbers
  gogh-sim calibrate --profile wider --own rates.csv --out mine    the same, over another folder of tables
  gogh-sim calibrate --own rates/measurements.csv --workloads rates/workloads.csv --out mine    after measure

DIR holds throughput/ and power/. docs/profiles.md describes the columns of --own, and what each number rests on.
"""


def main(arguments: Sequence[str]) -> int | None:
    """Derive, check or overlay tables; 1 where a check finds that shipped tables differ."""
    parser = Parser(prog="gogh-sim calibrate", description="Profile tables from measurements.", epilog=_EPILOG)
    base = parser.add_mutually_exclusive_group()
    base.add_argument("--data", type=Path, metavar="DIR", help="public measurements to derive every table from")
    base.add_argument("--profile", default="calibrated", help="tables that --own changes: a name or a folder")
    goal = parser.add_mutually_exclusive_group(required=True)
    goal.add_argument("--out", type=Path, metavar="DIR", help="folder to write the tables into, for profile.name=DIR")
    goal.add_argument("--check", action="store_true", help="compare the shipped tables with those of --data, by byte")
    goal.add_argument("--figures", type=Path, metavar="DIR", help="draw every law against the measurements of --data")
    parser.add_argument("--own", type=Path, metavar="FILE.csv", help="your own rates, pairs and watts, which win")
    parser.add_argument("--workloads", type=Path, metavar="FILE.csv", help="facts of workloads of --own that are new")
    given = parser.parse_args(arguments)
    if given.workloads is not None and given.own is None:
        raise InputError("calibrate --workloads needs --own FILE.csv, which says how fast the new workloads ran")
    if given.check:
        return _check(given)
    if given.figures is not None:
        _draw(given)
        return None
    if given.data is None and given.own is None:
        raise InputError("calibrate --out needs --data DIR or --own FILE.csv; see `gogh-sim calibrate --help`")
    _write(given)
    return None


def _check(given: Namespace) -> int | None:
    if given.data is None or given.own is not None:
        raise InputError("calibrate --check needs --data DIR and takes no --own: it is about the shipped tables")
    found = check(_data(given.data))
    _print_errors(found.errors)
    if found.changed:
        print(f"differ from the shipped tables: {', '.join(found.changed)}")
        return DIFFERS
    print("the shipped tables are what these measurements give, byte for byte")
    return None


def _draw(given: Namespace) -> None:
    if given.data is None or given.own is not None:
        raise InputError("calibrate --figures needs --data DIR and takes no --own: it is about the public measurements")
    files = write_calibration_figures(_data(given.data), writable(given.figures))
    print(f"written: {', '.join(str(file) for file in files)}")


def _write(given: Namespace) -> None:
    own = None if given.own is None else read_measurements(given.own)
    out = writable(given.out)
    # Derived aside, so that measurements which do not fit leave nothing behind.
    with TemporaryDirectory() as aside:
        if given.data is not None:
            _print_errors(calibrate(_data(given.data), Path(aside)))
        if own is None:
            shutil.copytree(aside, out, dirs_exist_ok=True, copy_function=shutil.copyfile)
        else:
            base = tables_of(given.profile if given.data is None else aside)
            write_profile(_overlaid(base, own, given.workloads), out)
            print(f"{len(own.rows)} rows of {given.own} in place of what the tables said")
    print(f"tables written to {out}; use them with profile.name={out}")


def _overlaid(tables: Tables, own: Measurements, facts: Path | None) -> Tables:
    """The tables with new workloads, if a file tells of any, and with what was measured."""
    wider = tables if facts is None else with_workloads(tables, read_workload_facts(facts), own)
    return with_measurements(wider, own)


def _data(folder: Path) -> Path:
    if not folder.is_dir():
        raise InputError("expected a folder that holds throughput/ and power/, found none", file=folder)
    return folder


def _print_errors(errors: ErrorTable) -> None:
    values = [number(float(value)) for value in errors["value"]]
    table = zip(errors["law"], errors["subject"], errors["metric"], values, errors["points"], strict=True)
    print(text_table([list(errors.columns), *([str(cell) for cell in row] for row in table)]))
