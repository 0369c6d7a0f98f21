"""`gogh-sim list`: what can be named, with a line on each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gogh_sim import profiles, resources
from gogh_sim.cli.parser import Parser
from gogh_sim.profiles import Profile, Source
from gogh_sim.reproduce import EXPERIMENTS
from gogh_sim.traces import FORMATS
from gogh_sim.traces.requests import PATTERNS, REQUEST_FORMATS

GROUPS = (
    "scheduler",
    "estimator",
    "exploration",
    "trace",
    "cluster",
    "profile",
    "power",
    "engine",
    "faults",
    "experiment",
)


def main(arguments: Sequence[str]) -> None:
    """Print the choices of each group, the formats of traces and of requests, what can be reproduced, and workloads."""
    parser = Parser(prog="gogh-sim list", description="Every choice by name.")
    names = [*GROUPS, "format", "requests", "figure", "workload"]
    parser.add_argument("group", nargs="?", type=_singular, choices=names, help="only this group")
    parser.add_argument("--profile", default="calibrated", help="whose workloads: a name, or a folder of tables")
    given = parser.parse_args(arguments)
    for group in names if given.group is None else [given.group]:
        if group == "workload":
            _show_workloads(profiles.load(given.profile))
        else:
            _show(group, _choices(group))


def _singular(word: str) -> str:
    return word if word == "requests" else word.removesuffix("s")


def _choices(group: str) -> dict[str, str]:
    if group == "format":
        return {name: form.about for name, form in sorted(FORMATS.items())}
    if group == "requests":
        drawn = {name: f"drawn: {(draw.__doc__ or '').partition('.')[0]}" for name, draw in PATTERNS.items()}
        return {name: form.about for name, form in sorted(REQUEST_FORMATS.items())} | drawn
    if group == "figure":
        return {name: experiment.about for name, experiment in EXPERIMENTS.items()}
    files = sorted((resources.configs() / group).glob("[!_]*.yaml"))
    return {file.stem: _about(file) for file in files}


def _show_workloads(profile: Profile) -> None:
    """Per workload: kind, footprint, and per GPU type its relative speed with the tags of that and of sharing."""
    width = max(len(w.name) for w in profile.workloads)
    print("workload:")
    for number, workload in sorted(enumerate(profile.workloads), key=lambda item: item[1].name):
        facts = f"{workload.kind:<9}  {workload.memory_gib:5.1f} GiB"
        speeds = "  ".join(_speed(profile, number, t) for t in range(len(profile.gpu_types)))
        print(f"  {workload.name:<{width}}  {facts}  {speeds}  {workload.task}")
    initials = ", ".join(f"{tag[0]} {tag}" for tag in Source)
    reference = profile.gpu_types[profile.reference_type].name
    print(f"Speeds are relative to {reference}, - does not fit; tags of speed alone and while sharing: {initials}.")


def _speed(profile: Profile, workload: int, gpu_type: int) -> str:
    name = profile.gpu_types[gpu_type].name
    speed = profile.relative_speed[workload, gpu_type]
    if np.isnan(speed):
        return f"{name}    -   "
    return f"{name} {speed:4.2f} {profile.solo_tag[workload, gpu_type][0]}{profile.shared_tag[workload, gpu_type][0]}"


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
