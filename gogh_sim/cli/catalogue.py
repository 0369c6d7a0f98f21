"""`gogh-sim list`: what can be named, with a line on each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gogh_sim import profiles, resources
from gogh_sim.cli.parser import Parser
from gogh_sim.traces import FORMATS

GROUPS = ("scheduler", "estimator", "trace", "cluster", "profile", "power", "engine", "experiment")


def main(arguments: Sequence[str]) -> None:
    """Print the choices of each group, then the trace formats and the workloads."""
    parser = Parser(prog="gogh-sim list", description="Every choice by name.")
    parser.add_argument("group", nargs="?", choices=[*GROUPS, "format", "workload"], help="only this group")
    wanted = parser.parse_args(arguments).group
    for group in [*GROUPS, "format", "workload"] if wanted is None else [wanted]:
        _show(group, _choices(group))


def _choices(group: str) -> dict[str, str]:
    if group == "format":
        return {name: form.about for name, form in sorted(FORMATS.items())}
    if group == "workload":
        found = profiles.load().workloads
        return {w.name: f"{w.kind}, {w.task}, {w.memory_gib:.1f} GiB" for w in sorted(found, key=lambda w: w.name)}
    files = sorted((resources.configs() / group).glob("[!_]*.yaml"))
    return {file.stem: _about(file) for file in files}


def _about(file: Path) -> str:
    """First sentence of the comment that opens a configuration."""
    words: list[str] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("# @"):
            continue
        if not line.startswith("#"):
            break
        words.append(line.lstrip("# "))
    return " ".join(words).partition(". ")[0].rstrip(".")


def _show(group: str, choices: dict[str, str]) -> None:
    width = max(map(len, choices), default=0)
    print(f"{group}:")
    for name, about in choices.items():
        print(f"  {name:<{width}}  {about}")
