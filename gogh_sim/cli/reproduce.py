"""`gogh-sim reproduce`: published results computed anew, with a verdict on each number."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from gogh_sim.cli.parser import Parser
from gogh_sim.cli.simulations import Simulations
from gogh_sim.cli.verdicts import (
    FIGURES,
    Outcome,
    as_json,
    is_shown,
    page_parts,
    write_drawing,
    write_frame,
    write_verdicts,
)
from gogh_sim.errors import InputError
from gogh_sim.outputs import write_whole
from gogh_sim.plots.files import FORMATS, SCREEN_DPI
from gogh_sim.reproduce import (
    EXPERIMENTS,
    Drawing,
    Experiment,
    Finding,
    Record,
    Relation,
    Size,
    Study,
    Verdict,
)
from gogh_sim.reproduce import Outcome as StudyOutcome
from gogh_sim.reproduce.data import VARIABLE, data_folder

EVERYTHING = "all"

_NOT_AS_EXPECTED = 1


KEPT_RUNS = Path("outputs/reproduce")
"""Where summaries of simulated runs are kept unless the user says otherwise."""


class _Wanted(NamedTuple):
    """Where figures and verdicts go, if anywhere."""

    out: Path | None
    docs: Path | None


class _Given(NamedTuple):
    """What experiments work on: the folder of published data, and what simulates configurations."""

    data: Path
    simulations: Simulations


def main(arguments: Sequence[str]) -> int:
    """Run experiments, print every number as it comes, and say whether all were as expected."""
    given = _parser().parse_args(arguments)
    _check(given.json, given.out, given.docs)
    if given.workers < 1:
        raise InputError(f"--workers: expected 1 or more, found {given.workers}")
    wanted = _Wanted(given.out, given.docs)
    if given.name == EVERYTHING:
        names, without = _runnable()
    else:
        names, without = [given.name], []
    data = data_folder() if any(EXPERIMENTS[name].needs_data for name in names) else Path()
    resources = _Given(data, Simulations(given.runs, given.workers))
    outcomes = []
    for name in names:
        outcomes.append(_run(name, given.size, resources, wanted))
        if given.docs is not None:
            # After each, as a long experiment that comes later may be interrupted.
            write_verdicts(given.docs, outcomes[-1:])
    records = [record for outcome in outcomes for record in outcome.records]
    print(_tally(records))
    if without:
        print(f"not run, as they need the published data ({VARIABLE}): {', '.join(without)}")
    if given.json is not None:
        write_whole(given.json, lambda file: file.write_text(as_json(records), encoding="utf-8"))
    return _NOT_AS_EXPECTED if any(record.verdict is Verdict.FAIL for record in records) else 0


def _parser() -> Parser:
    listed = "\n".join(f"  {name:<18}{experiment.about}" for name, experiment in EXPERIMENTS.items())
    parser = Parser(
        prog="gogh-sim reproduce",
        description="Compute published results anew and compare them with what was published or claimed.",
        epilog=f"experiments:\n{listed}\n\nThe published data are read from the folder that {VARIABLE} names.\n"
        "Exit code: 0 as expected, 1 a number was not, 2 something to mend.",
    )
    parser.add_argument("name", choices=[*EXPERIMENTS, EVERYTHING], metavar="NAME", help="an experiment, or all")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--small", dest="size", action="store_const", const=Size.SMALL, help="the quick part (default)")
    size.add_argument("--full", dest="size", action="store_const", const=Size.FULL, help="everything")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records to FILE as well")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write figures, and the numbers they show, below DIR")
    parser.add_argument(
        "--docs", type=Path, metavar="DIR", help="renew the verdicts and figures of the documentation in DIR"
    )
    parser.add_argument(
        "--runs",
        type=Path,
        metavar="DIR",
        default=KEPT_RUNS,
        help="keep the summaries of simulated runs in DIR, and run only what is not there (default: %(default)s)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        default=os.cpu_count() or 1,
        help="runs to simulate side by side (default: one per core)",
    )
    parser.set_defaults(size=Size.SMALL)
    return parser


def _check(json: Path | None, out: Path | None, docs: Path | None) -> None:
    """Refuse now what could not be written after minutes of work."""
    if json is not None and not json.parent.is_dir():
        raise InputError(f"expected a folder to write into, found none at {json.parent}", file=json)
    if out is not None and out.exists() and not out.is_dir():
        raise InputError("expected a folder, found a file", file=out)
    if docs is not None:
        page_parts(docs)


def _runnable() -> tuple[list[str], list[str]]:
    """Names of the experiments that can run here, and of those that lack the published data."""
    try:
        data_folder()
    except InputError:
        return (
            [name for name, experiment in EXPERIMENTS.items() if not experiment.needs_data],
            [name for name, experiment in EXPERIMENTS.items() if experiment.needs_data],
        )
    return list(EXPERIMENTS), []


def _run(name: str, size: Size, given: _Given, wanted: _Wanted) -> Outcome:
    experiment = EXPERIMENTS[name]
    about = experiment.about
    print(f"{name} ({size}): {about}", flush=True)
    outcome = Outcome(name, about, size)
    for finding in _findings(name, experiment, size, given):
        match finding:
            case Record():
                print(_line(finding), flush=True)
                outcome.records.append(finding)
            case Drawing():
                outcome.drawings.append(finding)
                _draw(outcome, finding, wanted)
    return outcome


def _findings(name: str, experiment: Experiment | Study, size: Size, given: _Given) -> Iterator[Finding]:
    if isinstance(experiment, Study):
        return experiment.run[size](_simulating(name, experiment.outcome, given.simulations))
    return experiment.run[size](given.data)


def _simulating(name: str, outcome: StudyOutcome, usual: Simulations) -> Simulations:
    """What simulates for a study: outcomes that only it wants are kept apart."""
    if outcome is usual.outcome:
        return usual
    return replace(usual, folder=usual.folder / name, outcome=outcome)


def _draw(outcome: Outcome, drawing: Drawing, wanted: _Wanted) -> None:
    if wanted.out is not None:
        folder = wanted.out / outcome.name
        files = [*write_drawing(drawing, folder, FORMATS), write_frame(drawing, folder)]
        print("\n".join(f"  written     {file}" for file in files), flush=True)
    if wanted.docs is not None and is_shown(wanted.docs, outcome.name, outcome.size):
        write_drawing(drawing, wanted.docs / FIGURES / outcome.name, ["png"], SCREEN_DPI)


def _line(record: Record) -> str:
    spread = "" if record.ci_low == record.ci_high else f" (95 %: {record.ci_low:.6g} to {record.ci_high:.6g})"
    expected = "" if math.isnan(record.expected) else f", expected {_expected(record)}"
    return f"  {record.verdict:<11} {record.item}: found {record.found:.9g}{spread}{expected}"


def _expected(record: Record) -> str:
    if record.relation is not Relation.WITHIN:
        return f"{record.relation} {record.expected:.9g}"
    within = "" if math.isinf(record.tolerance) else f" within {record.tolerance:.4g}"
    return f"{record.expected:.9g}{within}"


def _tally(records: Iterable[Record]) -> str:
    counts = dict.fromkeys(Verdict, 0)
    for record in records:
        counts[record.verdict] += 1
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
