"""`gogh-sim train`: pre-train P1 and P2 on a profile, or tell how far they and simpler methods are off."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from gogh_sim import profiles
from gogh_sim.cli.parser import Parser
from gogh_sim.cli.train_report import FULL, PROFILES, SMALL, report
from gogh_sim.errors import InputError
from gogh_sim.estimators import TrainingSettings
from gogh_sim.estimators.networks import ARCHITECTURES
from gogh_sim.pretraining import pretrain


def main(arguments: Sequence[str]) -> None:
    """Train and write the weights, or print the errors of all methods on what was held out."""
    given = _parser().parse_args(arguments)
    _check(given)
    if given.out is not None:
        settings = TrainingSettings(p1_architecture=given.p1, p2_architecture=given.p2)
        print(pretrain(profiles.load(given.profile or PROFILES[0]), given.out, given.seed, settings))
        print(f"weights written to {given.out}")
    if given.report:
        extent = SMALL if given.small else FULL
        report(given.profile, range(given.seed, given.seed + given.seeds), extent, given.figures)


def _parser() -> Parser:
    default = TrainingSettings()
    parser = Parser(prog="gogh-sim train", description="Pre-train P1 and P2 on the history that a profile gives.")
    parser.add_argument(
        "out", type=Path, nargs="?", metavar="FILE", help="weights to write, for scheduler.estimator.weights=FILE"
    )
    parser.add_argument("--report", action="store_true", help="errors of all methods on held-out parts, several seeds")
    parser.add_argument("--seeds", type=int, default=5, help="seeds of the report")
    parser.add_argument(
        "--small", action="store_true", help="a report in seconds, to see what it says: its trainings are too short"
    )
    parser.add_argument(
        "--figures", type=Path, metavar="DIR", help="write the figure of how far confidences hold, and its numbers"
    )
    parser.add_argument(
        "--profile",
        help="calibrated, gavel or a folder of profile tables (weights: calibrated; report: the first two)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights, and first seed of the report")
    parser.add_argument("--p1", choices=sorted(ARCHITECTURES), default=default.p1_architecture)
    parser.add_argument("--p2", choices=sorted(ARCHITECTURES), default=default.p2_architecture)
    return parser


def _check(given: Namespace) -> None:
    """Refuse now what would fail after minutes of training, or be of no use."""
    if given.out is None and not given.report:
        raise InputError("expected a file to write weights to, or --report, found neither")
    if given.out is not None and not given.out.parent.is_dir():
        raise InputError(f"expected a folder to write into, found none at {given.out.parent}", file=given.out)
    if given.seed < 0 or given.seeds < 2:
        raise InputError(f"expected --seed from 0 and --seeds from 2, found {given.seed} and {given.seeds}")
    if not given.report and (given.small or given.figures is not None):
        raise InputError("--small and --figures are for --report")
    if given.figures is not None and given.figures.exists() and not given.figures.is_dir():
        raise InputError("expected a folder, found a file", file=given.figures)
