"""`gogh-sim bench`: how fast this machine runs the parts that matter, as records."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from gogh_sim.bench import engine, estimator, placement, placement_replay
from gogh_sim.bench.placement_case import Case
from gogh_sim.cli.parser import Parser
from gogh_sim.errors import InputError
from gogh_sim.outputs import write_whole


class Bench(NamedTuple):
    """A benchmark: what times a case and gives a record, a frozen dataclass; its usual cases and its longer ones.

    `obstacle` tells why a case cannot be run here, if so: it is passed over.
    """

    run: Callable[[Any], Any]
    standard: Sequence[Any]
    further: Sequence[Any]
    obstacle: Callable[[Any], str] = lambda _: ""

    def chosen(self, names: Sequence[str], everything: bool) -> list[Any]:
        """The cases of these names, or all, or the usual ones."""
        cases = [*self.standard, *self.further]
        known = {case.name: case for case in cases if hasattr(case, "name")}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise InputError(f"--case: expected one of {', '.join(known) or 'none'}, found {unknown[0]!r}")
        if names:
            return [known[name] for name in names]
        return cases if everything else list(self.standard)


def _time_placement(case: Case | placement_replay.Replay) -> Any:
    return placement_replay.bench(case) if isinstance(case, placement_replay.Replay) else placement.bench(case)


BENCHES: Mapping[str, Callable[[], Bench]] = {
    "engine": lambda: Bench(engine.bench, engine.STANDARD, engine.FURTHER, engine.obstacle),
    "estimator": lambda: Bench(estimator.bench, estimator.STANDARD, ()),
    "placement": lambda: Bench(_time_placement, (*placement.STANDARD, *placement_replay.STANDARD), placement.FURTHER),
}


def main(arguments: Sequence[str]) -> None:
    """Run a benchmark's standard cases, print every record as it comes, and write them all."""
    parser = Parser(
        prog="gogh-sim bench",
        description="Time a part's standard cases. Compare numbers of one run only: machines differ and are shared.",
    )
    parser.add_argument("name", choices=sorted(BENCHES), metavar="NAME", help=f"one of {', '.join(sorted(BENCHES))}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the list of records to FILE as well")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--case", action="append", default=[], metavar="CASE", help="this named case only; repeatable")
    which.add_argument("--all", action="store_true", help="the longer cases as well")
    given = parser.parse_args(arguments)
    if given.json is not None and not given.json.parent.is_dir():
        raise InputError(f"expected a folder to write into, found none at {given.json.parent}", file=given.json)
    bench = BENCHES[given.name]()
    records = []
    for case in bench.chosen(given.case, given.all):
        if reason := bench.obstacle(case):
            print(f"{case.name} is passed over: {reason}")
            continue
        records.append(asdict(bench.run(case)))
        print("  ".join(f"{key} {_shown(value)}" for key, value in records[-1].items()), flush=True)
    if given.json is not None:
        text = json.dumps(records, indent=1, allow_nan=False) + "\n"
        write_whole(given.json, lambda file: file.write_text(text, encoding="utf-8"))


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)
