"""`gogh-sim train`: pre-train P1 and P2 on a profile, or tell how far they and simpler methods are off."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gogh_sim import profiles
from gogh_sim.cli.parser import Parser
from gogh_sim.errors import InputError
from gogh_sim.estimators import TrainingSettings
from gogh_sim.estimators.baselines import regressors_missing
from gogh_sim.estimators.networks import ARCHITECTURES
from gogh_sim.pretraining import error_report, noise_floor, pretrain
from gogh_sim.profiles.profile import Profile


def main(arguments: Sequence[str]) -> None:
    """Train and write the weights, or print the errors of all methods on what was held out."""
    default = TrainingSettings()
    parser = Parser(prog="gogh-sim train", description="Pre-train P1 and P2 on the history that a profile gives.")
    parser.add_argument(
        "out", type=Path, nargs="?", metavar="FILE", help="weights to write, for scheduler.estimator.weights=FILE"
    )
    parser.add_argument("--report", action="store_true", help="errors of all methods on held-out parts, several seeds")
    parser.add_argument("--seeds", type=int, default=5, help="seeds of the report")
    parser.add_argument("--profile", default="calibrated", help="calibrated, gavel or a folder of profile tables")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights, and first seed of the report")
    parser.add_argument("--p1", choices=sorted(ARCHITECTURES), default=default.p1_architecture)
    parser.add_argument("--p2", choices=sorted(ARCHITECTURES), default=default.p2_architecture)
    given = parser.parse_args(arguments)
    if given.out is None and not given.report:
        raise InputError("expected a file to write weights to, or --report, found neither")
    if given.out is not None and not given.out.parent.is_dir():
        raise InputError(f"expected a folder to write into, found none at {given.out.parent}", file=given.out)
    if given.seed < 0 or given.seeds < 2:
        raise InputError(f"expected --seed from 0 and --seeds from 2, found {given.seed} and {given.seeds}")
    profile = profiles.load(given.profile)
    if given.out is not None:
        settings = TrainingSettings(p1_architecture=given.p1, p2_architecture=given.p2)
        print(pretrain(profile, given.out, given.seed, settings))
        print(f"weights written to {given.out}")
    if given.report:
        _report(profile, range(given.seed, given.seed + given.seeds))


def _report(profile: Profile, seeds: Sequence[int]) -> None:
    # Small trainings: a third of the time, nearly the same errors.
    settings = TrainingSettings(members=1, folds=3, p2_steps=60)
    if (missing := regressors_missing()) is not None:
        print(f"ridge and gradient boosting are left out: {missing}")
    architectures = ("feed_forward", *sorted(set(ARCHITECTURES) - {"feed_forward"}))
    lines, covered = error_report(profile, settings, seeds, architectures)
    print(f"noise floor (job factor and measurement noise): {noise_floor():.1%} of a rate")
    print(f"{'split':<16}{'stage':<36}{'method':<26}{'measure':<12}{'mean':>8}  95 % interval, {len(seeds)} seeds")
    for line in lines:
        interval = f"{line.ci_low:.3f} .. {line.ci_high:.3f}"
        print(f"{line.split:<16}{line.stage:<36}{line.method:<26}{line.measure:<12}{line.mean:>8.3f}  {interval}")
    for one in covered:
        print(f"{one.split:<16}{one.stage:<36}confidence {one.confidence:.2f} held in {one.found:.2f} of cases")
