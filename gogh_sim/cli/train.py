"""`gogh-sim train`: pre-train P1 and P2 on a profile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gogh_sim import profiles
from gogh_sim.cli.parser import Parser
from gogh_sim.errors import InputError
from gogh_sim.estimators import TrainingSettings
from gogh_sim.estimators.networks import ARCHITECTURES
from gogh_sim.pretraining import pretrain


def main(arguments: Sequence[str]) -> None:
    """Train, write the weights, and print the errors on families that no network has seen."""
    default = TrainingSettings()
    parser = Parser(prog="gogh-sim train", description="Pre-train P1 and P2 on the history that a profile gives.")
    parser.add_argument("out", type=Path, metavar="FILE", help="weights to write, for scheduler.estimator.weights=FILE")
    parser.add_argument("--profile", default="calibrated")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--p1", choices=sorted(ARCHITECTURES), default=default.p1_architecture)
    parser.add_argument("--p2", choices=sorted(ARCHITECTURES), default=default.p2_architecture)
    given = parser.parse_args(arguments)
    if not given.out.parent.is_dir():
        raise InputError(f"expected a folder to write into, found none at {given.out.parent}", file=given.out)
    if given.seed < 0:
        raise InputError(f"--seed: expected a whole number from 0, found {given.seed}")
    settings = TrainingSettings(p1_architecture=given.p1, p2_architecture=given.p2)
    print(pretrain(profiles.load(given.profile), given.out, given.seed, settings))
    print(f"weights written to {given.out}")
