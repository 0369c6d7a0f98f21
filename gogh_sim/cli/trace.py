"""`gogh-sim trace`: generate, check, describe and convert traces."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from gogh_sim import traces
from gogh_sim.cli.parser import Parser
from gogh_sim.errors import InputError
from gogh_sim.traces import Fault, Severity, alibaba_style

_NATIVE = MappingProxyType({"alibaba_style": "openb", "philly_style": "philly_list"})
"""The format whose trace a style follows."""


def main(arguments: Sequence[str]) -> None:
    """Run one of the four."""
    given = _parser().parse_args(arguments)
    given.execute(given)


def _parser() -> Parser:
    about = "\n".join(f"  {name:<12}{form.about}" for name, form in sorted(traces.FORMATS.items()))
    parser = Parser(prog="gogh-sim trace", description="Make, validate, describe and convert traces.")
    commands = parser.add_subparsers(required=True, metavar="generate|check|stats|convert", parser_class=Parser)
    names = sorted(traces.FORMATS)

    made = commands.add_parser("generate", help="draw a trace", epilog=f"formats:\n{about}")
    made.add_argument("style", choices=sorted(traces.STYLES))
    made.add_argument("out", type=Path, help="file to write the jobs to")
    made.add_argument("--jobs", type=int, default=400)
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--format", choices=names, help="default: the format of the trace that the style follows")
    made.add_argument("--nodes", type=Path, help="also write a list of nodes here (format openb)")
    made.add_argument("--gpus", type=int, default=64, help="GPUs in the list of nodes")
    made.add_argument("--shortest-s", type=float, default=1.0, help="shortest run time in seconds")
    made.add_argument("--longest-s", type=float, default=float("inf"), help="longest run time in seconds")
    made.set_defaults(execute=_generate)

    checked = commands.add_parser("check", help="name every fault with file, line and column")
    described = commands.add_parser("stats", help="arrivals, durations, GPU mix, constraints, endings")
    for command, execute in ((checked, _check), (described, _stats)):
        command.add_argument("path", type=Path)
        command.add_argument("--format", required=True, choices=names)
        command.add_argument("--nodes", type=Path)
        command.set_defaults(execute=execute)

    converted = commands.add_parser("convert", help="write another format")
    converted.add_argument("source", type=Path)
    converted.add_argument("target", type=Path)
    converted.add_argument("--from", dest="source_format", required=True, choices=names)
    converted.add_argument("--to", dest="target_format", required=True, choices=names)
    converted.add_argument("--nodes", type=Path)
    converted.add_argument("--target-nodes", type=Path)
    converted.set_defaults(execute=_convert)
    return parser


def _generate(given: Namespace) -> None:
    if given.seed < 0:
        raise InputError(f"--seed: expected a whole number from 0, found {given.seed}")
    _writable(given.out, given.nodes)
    rng = np.random.default_rng(given.seed)
    trace = traces.generate(given.style, given.jobs, rng, shortest_s=given.shortest_s, longest_s=given.longest_s)
    if given.nodes is not None:
        trace = replace(trace, nodes=alibaba_style.nodes(given.gpus))
    lost = traces.write(given.format or _NATIVE[given.style], trace, given.out, given.nodes)
    print(f"{len(trace.jobs)} jobs written to {given.out}")
    _tell("the format cannot hold", lost)


def _check(given: Namespace) -> None:
    faults = traces.check(given.path, given.format, given.nodes)
    for fault in faults:
        print(_line(fault))
    errors = [fault for fault in faults if fault.severity is Severity.ERROR]
    if errors:
        raise errors[0].error() if len(errors) == 1 else InputError(f"errors of {len(errors)} kinds, listed above")
    print(f"{given.path}: a sound {given.format} trace")


def _line(fault: Fault) -> str:
    place = [fault.file]
    if fault.line is not None:
        place.append(f"line {fault.line}")
    if fault.column is not None:
        place.append(f"column {fault.column}")
    return f"{fault.severity}: {', '.join(place)}: {fault.what} ({fault.count} rows)"


def _stats(given: Namespace) -> None:
    trace = traces.read(given.format, given.path, given.nodes)
    found = traces.statistics(trace.jobs)
    width = max(map(len, found))
    for name, value in found.items():
        print(f"{name:<{width}}  {value:.6g}")
    _tell("left out", trace.left_out)
    _tell("adjusted", trace.adjusted)


def _convert(given: Namespace) -> None:
    _writable(given.target, given.target_nodes)
    trace, lost = traces.convert(
        given.source, given.source_format, given.target, given.target_format, given.nodes, given.target_nodes
    )
    print(f"{len(trace.jobs)} jobs written to {given.target}")
    _tell("left out", trace.left_out)
    _tell("adjusted", trace.adjusted)
    _tell("the format cannot hold", lost)


def _writable(*files: Path | None) -> None:
    for file in files:
        if file is not None and not file.parent.is_dir():
            raise InputError(f"expected a folder to write into, found none at {file.parent}", file=file)


def _tell(what: str, counts: Mapping[str, int]) -> None:
    for reason, rows in sorted(counts.items()):
        print(f"{what}: {reason}: {rows} rows")
