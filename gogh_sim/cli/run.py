"""`gogh-sim run`: one simulation, or with -m a sweep, by Hydra."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from gogh_sim.cli.composition import check, composed, without_hydra
from gogh_sim.cli.folders import clear_dead, first_existing, found_identity, remove_empty
from gogh_sim.cli.job import write_run
from gogh_sim.cli.parser import Parser
from gogh_sim.cli.progress import bar
from gogh_sim.cli.report import report
from gogh_sim.cli.schema import plain
from gogh_sim.cli.sweep import run_sweep
from gogh_sim.errors import InputError
from gogh_sim.identity import identity

RUN_FAILED = 1
"""Exit code of a sweep in which a run failed."""


_EPILOG = """\
examples:
  gogh-sim run scheduler=fifo seed=3
  gogh-sim run -m scheduler=fifo,best_fit,gogh seed=1,2,3
  gogh-sim run -m scheduler=fifo,gogh seed=1,2 hydra.sweep.dir=results/two    again: only what is missing
  gogh-sim run -m hydra/launcher=cores seed=1,2,3,4    on all cores; also slurm, ray_local
  gogh-sim run -m experiment=tune_gogh                 search gogh's margin and weights, by Optuna
  gogh-sim run trace=openb trace.path=pods.csv.gz trace.nodes=nodes.csv scheduler=gogh
  gogh-sim run cluster=small engine.round_s=60 hydra.run.dir=results/first

`gogh-sim list` names the choices; `gogh-sim run --cfg` prints the configuration instead of running it. A sweep in which
a run failed ends with exit code 1. docs/experiments.md tells more.
"""


def main(arguments: Sequence[str]) -> int | None:
    """Check the configuration, simulate what is not there yet, and print the table."""
    parser = Parser(prog="gogh-sim run", description="Simulate.", epilog=_EPILOG)
    parser.add_argument("overrides", nargs="*", metavar="OVERRIDE", help="Hydra overrides: group=choice, key=value")
    parser.add_argument("-m", "--multirun", action="store_true", help="sweep over comma-separated values")
    parser.add_argument("--cfg", action="store_true", help="print the composed configuration and stop")
    given = parser.parse_intermixed_args(list(arguments))
    check(given.overrides, given.multirun)
    if given.cfg:
        print(OmegaConf.to_yaml(without_hydra(composed(given.overrides))), end="")
        return None
    if given.multirun:
        return _sweep(given.overrides)
    _single(given.overrides)
    return None


def _single(overrides: Sequence[str]) -> None:
    config = composed(overrides)
    out = Path(config.hydra.run.dir).absolute()
    known, there = identity(plain(without_hydra(config))), found_identity(out)
    if there == known:
        clear_dead(out)
        print(f"{out}: this run is there already, whole; only its report is written again")
        print(report(out), end="")
        return
    if there is not None:
        raise InputError(
            "another run's results are there already; choose another hydra.run.dir, or remove them", file=out
        )
    HydraConfig.instance().set_config(config)
    existing = first_existing(out)
    try:
        with bar("run") as progress:
            write_run(without_hydra(config), out, progress)
    except BaseException:
        remove_empty(out.parent, existing)
        raise
    print(report(out), end="")


def _sweep(overrides: Sequence[str]) -> int | None:
    account = run_sweep(overrides)
    if len(account.failed) < len(account.elements):
        print(report(account.folder), end="")
    print(account.lines()[0])
    for line in account.lines()[1:]:
        print(f"gogh-sim: {line}", file=sys.stderr)
    return RUN_FAILED if account.failed else None
