"""`gogh-sim reproduce`: published results computed anew, with a verdict on each number."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from gogh_sim.cli.parser import Parser
from gogh_sim.errors import InputError
from gogh_sim.outputs import write_whole
from gogh_sim.reproduce import EXPERIMENTS, Record, Size, Verdict
from gogh_sim.reproduce.data import VARIABLE, data_folder

EVERYTHING = "all"

_NOT_AS_EXPECTED = 1


def main(arguments: Sequence[str]) -> int:
    """Run experiments, print every number as it comes, and say whether all were as expected."""
    listed = "\n".join(f"  {name:<18}{experiment.about}" for name, experiment in EXPERIMENTS.items())
    parser = Parser(
        prog="gogh-sim reproduce",
        description="Compute published results anew and compare them with what was published.",
        epilog=f"experiments:\n{listed}\n\nThe published data are read from the folder that {VARIABLE} names.",
    )
    parser.add_argument("name", choices=[*EXPERIMENTS, EVERYTHING], metavar="NAME", help="an experiment, or all")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--small", dest="size", action="store_const", const=Size.SMALL, help="the quick part (default)")
    size.add_argument("--full", dest="size", action="store_const", const=Size.FULL, help="everything")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records to FILE as well")
    parser.set_defaults(size=Size.SMALL)
    given = parser.parse_args(arguments)
    if given.json is not None and not given.json.parent.is_dir():
        raise InputError(f"expected a folder to write into, found none at {given.json.parent}", file=given.json)
    data = data_folder()
    records: list[Record] = []
    for name in EXPERIMENTS if given.name == EVERYTHING else [given.name]:
        print(f"{name} ({given.size}): {EXPERIMENTS[name].about}", flush=True)
        for record in EXPERIMENTS[name].run[given.size](data):
            print(_line(record), flush=True)
            records.append(record)
    print(_tally(records))
    if given.json is not None:
        write_whole(given.json, lambda file: file.write_text(_as_json(records), encoding="utf-8"))
    return _NOT_AS_EXPECTED if any(record.verdict is Verdict.FAIL for record in records) else 0


def _line(record: Record) -> str:
    within = "" if math.isinf(record.tolerance) else f" within {record.tolerance:.4g}"
    spread = "" if record.ci_low == record.ci_high else f" (95 %: {record.ci_low:.6g} to {record.ci_high:.6g})"
    expected = f"expected {record.expected:.9g}{within}"
    return f"  {record.verdict:<11} {record.item}: found {record.found:.9g}{spread}, {expected}"


def _tally(records: Iterable[Record]) -> str:
    counts = dict.fromkeys(Verdict, 0)
    for record in records:
        counts[record.verdict] += 1
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items())


def _as_json(records: Iterable[Record]) -> str:
    """A list of records; numbers that do not exist become null."""
    rows = [
        {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}
        for row in map(asdict, records)
    ]
    return json.dumps(rows, indent=1, allow_nan=False) + "\n"
