"""`gogh-sim trace`: generate, check, describe, convert and fetch traces."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from gogh_sim import traces
from gogh_sim.cli.parser import Parser
from gogh_sim.errors import InputError
from gogh_sim.traces import Fault, Severity, Sources, alibaba_style, requests

_NATIVE = MappingProxyType(
    {"alibaba_style": "openb", "philly_style": "philly_list", "itp_style": "itp", "poisson": "plain"}
)
"""The format whose trace a style follows."""


def main(arguments: Sequence[str]) -> None:
    """Run one of the five."""
    given = _parser().parse_args(arguments)
    given.execute(given)


def _parser() -> Parser:
    about = _listed({name: form.about for name, form in traces.FORMATS.items()})
    of_requests = _listed({name: form.about for name, form in requests.REQUEST_FORMATS.items()})
    both = f"formats of jobs:\n{about}\nformats of requests to services:\n{of_requests}"
    parser = Parser(prog="gogh-sim trace", description="Make, validate, describe, convert and download traces.")
    commands = parser.add_subparsers(required=True, metavar="generate|check|stats|convert|fetch", parser_class=Parser)
    _add_generate(commands.add_parser("generate", help="draw a trace", epilog=f"formats:\n{about}"))
    _add_check(commands.add_parser("check", help="name every fault with file, line and column", epilog=both))
    of_stats = "arrivals, durations, GPU mix, constraints, endings; rates of requests; side by side"
    _add_stats(commands.add_parser("stats", help=of_stats, epilog=both))
    _add_convert(commands.add_parser("convert", help="write another format", epilog=f"formats:\n{about}"))
    _add_fetch(commands.add_parser("fetch", help="download a public trace file and check its sum"))
    return parser


def _listed(about: Mapping[str, str]) -> str:
    return "\n".join(f"  {name:<12}{text}" for name, text in sorted(about.items()))


def _names() -> list[str]:
    return sorted(traces.FORMATS)


def _all_names() -> list[str]:
    """Formats of jobs, and of requests."""
    return sorted([*traces.FORMATS, *requests.REQUEST_FORMATS])


def _add_generate(made: argparse.ArgumentParser) -> None:
    made.add_argument("style", choices=sorted(traces.STYLES))
    made.add_argument("out", type=Path, help="file to write the jobs to")
    made.add_argument("--jobs", type=int, default=400)
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--format", choices=_names(), help="default: the format of the trace that the style follows")
    made.add_argument("--nodes", type=Path, help="also write a list of nodes here (formats openb, pai, spot)")
    made.add_argument("--gpus", type=int, default=64, help="GPUs in the list of nodes, and those that --load fills")
    made.add_argument("--load", type=float, help="offered load to scale the gaps to, as a share of --gpus")
    made.add_argument("--shortest-s", type=float, default=1.0, help="shortest run time in seconds")
    made.add_argument("--longest-s", type=float, default=float("inf"), help="longest run time in seconds")
    made.set_defaults(execute=_generate)


def _add_sources(command: argparse.ArgumentParser) -> None:
    command.add_argument("--nodes", type=Path, help="file of the nodes, where the format has one")
    command.add_argument("--throughputs", type=Path, help="file of steps per second, where the format needs one")


def _add_check(checked: argparse.ArgumentParser) -> None:
    checked.add_argument("path", type=Path)
    checked.add_argument("--format", choices=_all_names(), help="default: told by the first row")
    _add_sources(checked)
    checked.add_argument("--gpus", type=int, help="GPUs of the cluster; jobs that ask for more are at fault")
    checked.add_argument("--fix", type=Path, metavar="OUT", help="write the sound rows here, the others beside it")
    checked.set_defaults(execute=_check)


def _add_stats(described: argparse.ArgumentParser) -> None:
    described.add_argument("paths", type=Path, nargs="+")
    described.add_argument(
        "--format",
        action="append",
        choices=_all_names(),
        help="one for all files, or once for each; default: told by them",
    )
    _add_sources(described)
    described.add_argument("--step-s", type=float, default=60.0, help="seconds over which rates of requests are means")
    described.add_argument("--plot", type=Path, metavar="FILE", help="also draw them (.png, .svg or .pdf)")
    described.set_defaults(execute=_stats)


def _add_convert(converted: argparse.ArgumentParser) -> None:
    converted.add_argument("source", type=Path)
    converted.add_argument("target", type=Path)
    converted.add_argument("--from", dest="source_format", choices=_names(), help="default: told by the first row")
    converted.add_argument("--to", dest="target_format", required=True, choices=_names())
    _add_sources(converted)
    converted.add_argument("--target-nodes", type=Path)
    converted.set_defaults(execute=_convert)


def _generate(given: Namespace) -> None:
    if given.seed < 0:
        raise InputError(f"--seed: expected a whole number from 0, found {given.seed}")
    if given.gpus < 1:
        raise InputError(f"--gpus: expected at least 1, found {given.gpus}")
    _writable(given.out, given.nodes)
    rng = np.random.default_rng(given.seed)
    trace = traces.generate(given.style, given.jobs, rng, shortest_s=given.shortest_s, longest_s=given.longest_s)
    if given.load is not None:
        trace, _ = traces.scale_to_load(trace, given.load, float(given.gpus))
        trace = trace.assign(submit_s=np.floor(trace.jobs["submit_s"]))
    if given.nodes is not None:
        trace = replace(trace, nodes=alibaba_style.nodes(given.gpus))
    lost = traces.write(given.format or _NATIVE[given.style], trace, given.out, given.nodes)
    print(f"{len(trace.jobs)} jobs written to {given.out}")
    _tell("the format cannot hold", lost)


def _check(given: Namespace) -> None:
    if given.gpus is not None and given.gpus < 1:
        raise InputError(f"--gpus: expected at least 1, found {given.gpus}")
    capacity = None if given.gpus is None else traces.Capacity(given.gpus)
    given.format = given.format or _guess(given.path)
    if given.format in requests.REQUEST_FORMATS:
        faults = requests.check(given.format, given.path)
    else:
        faults = traces.check(given.format, Sources(given.path, given.nodes, given.throughputs, capacity))
    for fault in faults:
        print(_line(fault))
    errors = [fault for fault in faults if fault.severity is Severity.ERROR]
    if given.fix is not None:
        _fix(given, errors)
    elif errors:
        raise errors[0].error() if len(errors) == 1 else InputError(f"errors of {len(errors)} kinds, listed above")
    else:
        print(f"{given.path}: a sound {given.format} trace")


def _fix(given: Namespace, errors: list[Fault]) -> None:
    """Only rows of the jobs' file can be left away; what is wrong beyond them is for the user to mend."""
    beyond = next((fault for fault in errors if not fault.records or fault.file != str(given.path)), None)
    if beyond is not None:
        raise beyond.error()
    _writable(given.fix)
    rejected = traces.fix(given.format, given.path, given.fix, errors)
    held = f"; these, with reasons, are in {traces.quarantine_file(given.fix)}" if errors else ""
    print(f"{given.fix}: written without {rejected} faulty rows{held}")


def _line(fault: Fault) -> str:
    place = [fault.file]
    if fault.line is not None:
        place.append(f"line {fault.line}")
    if fault.column is not None:
        place.append(f"column {fault.column}")
    return f"{fault.severity}: {', '.join(place)}: {fault.what} ({fault.count} rows)"


def _stats(given: Namespace) -> None:
    formats = given.format or [_guess(path) for path in given.paths]
    formats = formats * len(given.paths) if len(formats) == 1 else formats
    if len(formats) != len(given.paths):
        raise InputError(f"--format: expected one, or one for each of {len(given.paths)} files, found {len(formats)}")
    if given.plot is not None:
        _writable(given.plot)
    named = {
        _title(path, i, given.paths): (path, form)
        for i, (path, form) in enumerate(zip(given.paths, formats, strict=True))
    }
    serving = {form in requests.REQUEST_FORMATS for form in formats}
    if len(serving) == 2:
        raise InputError("traces of jobs and of requests have no statistics in common; ask for them one by one")
    if serving == {True}:
        _stats_of_requests(given, named)
    else:
        _stats_of_jobs(given, named)


def _stats_of_requests(given: Namespace, named: Mapping[str, tuple[Path, str]]) -> None:
    found = {name: requests.read(form, path, given.step_s) for name, (path, form) in named.items()}
    _show({name: requests.statistics(trace) for name, trace in found.items()})
    for name, trace in found.items():
        print(f"{name}: rates are {trace.unit}")
        _tell(f"{name}: left out" if len(found) > 1 else "left out", trace.left_out)
    if given.plot is not None:
        _plot_rates(found, given.plot)


def _stats_of_jobs(given: Namespace, named: Mapping[str, tuple[Path, str]]) -> None:
    found = {
        name: traces.read(form, path, given.nodes, throughputs=given.throughputs)
        for name, (path, form) in named.items()
    }
    _show({name: traces.statistics(trace.jobs) for name, trace in found.items()})
    for name, trace in found.items():
        _tell(f"{name}: left out" if len(found) > 1 else "left out", trace.left_out)
        _tell(f"{name}: adjusted" if len(found) > 1 else "adjusted", trace.adjusted)
    if given.plot is not None:
        _plot(found, given.plot)


def _guess(path: Path) -> str:
    return requests.guess(path) or traces.guess(path)


def _show(table: Mapping[str, Mapping[str, float]]) -> None:
    rows = list(next(iter(table.values())))
    label, widths = max(map(len, rows)), [max(len(name), 12) for name in table]
    if len(table) > 1:
        print(" " * label, *(f"{name:>{width}}" for name, width in zip(table, widths, strict=True)))
    for row in rows:
        cells = (f"{column[row]:>{width}.6g}" for column, width in zip(table.values(), widths, strict=True))
        print(f"{row:<{label}}", *cells)


def _title(path: Path, number: int, paths: Sequence[Path]) -> str:
    """Name of a file in a table, told apart from others of the same name by its place."""
    same = [i for i, other in enumerate(paths) if other.name == path.name]
    return path.name if len(same) == 1 else f"{path.name} ({same.index(number) + 1})"


def _plot(found: Mapping[str, traces.Trace], path: Path) -> None:
    from gogh_sim.plots.style import paper_style  # Matplotlib takes longer to load than the rest of the command
    from gogh_sim.plots.trace import trace_overview

    _drawable(path)
    with paper_style():
        trace_overview({name: trace.jobs for name, trace in found.items()}).savefig(path)
    print(f"figure written to {path}")


def _plot_rates(found: Mapping[str, requests.RequestTrace], path: Path) -> None:
    from gogh_sim.plots.requests import rates_over_time
    from gogh_sim.plots.style import paper_style

    _drawable(path)
    with paper_style():
        rates_over_time({name: (t.rates.sum(axis=0), t.step_s, str(t.unit)) for name, t in found.items()}).savefig(path)
    print(f"figure written to {path}")


def _drawable(path: Path) -> None:
    if path.suffix not in (".png", ".svg", ".pdf"):
        raise InputError("expected a name that ends in .png, .svg or .pdf", file=path)


def _convert(given: Namespace) -> None:
    _writable(given.target, given.target_nodes)
    sources = Sources(given.source, given.nodes, given.throughputs)
    trace, lost = traces.convert(sources, given.source_format, given.target, given.target_format, given.target_nodes)
    print(f"{len(trace.jobs)} jobs written to {given.target}")
    _tell("left out", trace.left_out)
    _tell("adjusted", trace.adjusted)
    _tell("the format cannot hold", lost)


def _add_fetch(fetched: argparse.ArgumentParser) -> None:
    fetched.add_argument("name", nargs="?", help="default: list all")
    fetched.add_argument("--into", type=Path, default=Path("traces_fetched"), help="folder, made if it is not there")
    fetched.add_argument("--mirror", metavar="URL", help="download from below this address, paths as in the original")
    fetched.set_defaults(execute=_fetch)


def _fetch(given: Namespace) -> None:
    if given.name is None:
        width = max(map(len, traces.public_files()))
        for name, file in sorted(traces.public_files().items()):
            print(f"{name:<{width}}  {file.format or '-':<12}{file.licence}; {file.citation}")
        return
    path = traces.fetch(given.name, given.into, given.mirror)
    file = traces.public_files()[given.name]
    print(f"{path}: {file.licence}; please cite {file.citation}")


def _writable(*files: Path | None) -> None:
    for file in files:
        if file is not None and not file.parent.is_dir():
            raise InputError(f"expected a folder to write into, found none at {file.parent}", file=file)


def _tell(what: str, counts: Mapping[str, int]) -> None:
    for reason, rows in sorted(counts.items()):
        print(f"{what}: {reason}: {rows} rows")
