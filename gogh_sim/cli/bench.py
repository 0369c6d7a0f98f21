"""`gogh-sim bench`: how fast this machine runs the parts that matter, as records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gogh_sim.bench import engine, placement
from gogh_sim.cli.parser import Parser
from gogh_sim.errors import InputError
from gogh_sim.outputs import write_whole


def _engine() -> Iterator[Any]:
    yield from map(engine.bench, engine.STANDARD)


def _placement() -> Iterator[Any]:
    yield from map(placement.bench, placement.STANDARD)


BENCHES: Mapping[str, Callable[[], Iterator[Any]]] = {"engine": _engine, "placement": _placement}
"""Each yields its records, frozen dataclasses, as they come."""


def main(arguments: Sequence[str]) -> None:
    """Run a benchmark's standard cases, print every record as it comes, and write them all."""
    parser = Parser(
        prog="gogh-sim bench",
        description="Time a part's standard cases. Compare numbers of one run only: machines differ and are shared.",
    )
    parser.add_argument("name", choices=sorted(BENCHES), metavar="NAME", help=f"one of {', '.join(sorted(BENCHES))}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the list of records to FILE as well")
    given = parser.parse_args(arguments)
    if given.json is not None and not given.json.parent.is_dir():
        raise InputError(f"expected a folder to write into, found none at {given.json.parent}", file=given.json)
    records = []
    for record in BENCHES[given.name]():
        records.append(asdict(record))
        print("  ".join(f"{key} {_shown(value)}" for key, value in records[-1].items()), flush=True)
    if given.json is not None:
        text = json.dumps(records, indent=1, allow_nan=False) + "\n"
        write_whole(given.json, lambda file: file.write_text(text, encoding="utf-8"))


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
