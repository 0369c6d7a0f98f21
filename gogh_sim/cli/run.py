"""`gogh-sim run`: one simulation, or with -m a sweep, by Hydra."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from gogh_sim import resources
from gogh_sim.cli.composition import HYDRA, check
from gogh_sim.cli.folders import cleared_on_failure, first_existing
from gogh_sim.cli.parser import Parser
from gogh_sim.cli.policy import make_policy
from gogh_sim.cli.progress import bar
from gogh_sim.cli.report import FIGURES_DIR, report
from gogh_sim.cli.schema import plain
from gogh_sim.errors import GoghError
from gogh_sim.experiment import run_config
from gogh_sim.metrics.results import load_run
from gogh_sim.plots.figures import write_figures

_EPILOG = """\
examples:
  gogh-sim run scheduler=fifo seed=3
  gogh-sim run -m scheduler=fifo,best_fit,gogh seed=1,2,3
  gogh-sim run trace=openb trace.path=pods.csv.gz trace.nodes=nodes.csv scheduler=gogh
  gogh-sim run cluster=small engine.round_s=60 hydra.run.dir=results/first

`gogh-sim list` names the choices; `gogh-sim run --cfg` prints the configuration instead of running it.
"""


def main(arguments: Sequence[str]) -> None:
    """Check the configuration, simulate, and print the table."""
    parser = Parser(prog="gogh-sim run", description="Simulate.", epilog=_EPILOG)
    parser.add_argument("overrides", nargs="*", metavar="OVERRIDE", help="Hydra overrides: group=choice, key=value")
    parser.add_argument("-m", "--multirun", action="store_true", help="sweep over comma-separated values")
    parser.add_argument("--cfg", action="store_true", help="print the composed configuration and stop")
    given = parser.parse_intermixed_args(list(arguments))
    folder = check(given.overrides, given.multirun)
    flags = [*(["--cfg", "job"] if given.cfg else []), *(["--multirun"] if given.multirun else [])]
    written = _simulate([*flags, *given.overrides], first_existing(folder))
    if written:
        print(report(written[-1]), end="")


def _simulate(hydra_arguments: list[str], existing: Path) -> list[Path]:
    """Let Hydra run every job; return the folders to report on, the last of which covers them all."""
    written: list[Path] = []

    @hydra.main(version_base=HYDRA, config_path=str(resources.configs()), config_name="config")
    def job(config: DictConfig) -> None:
        settings = HydraConfig.get()
        out = Path(settings.runtime.output_dir)
        swept = settings.mode == RunMode.MULTIRUN
        plain_config = plain(config)
        title = f"{plain_config['scheduler']['name']} ({settings.job.num + 1})" if swept else "run"
        with _told_past_hydra(), cleared_on_failure(out, existing), bar(title) as progress:
            run_config(plain_config, out, partial(make_policy, plain_config["scheduler"]), progress)
        if swept:
            # The report draws all runs together; a single run's figures are those of its report.
            write_figures([load_run(out)], out / FIGURES_DIR)
        written.append(Path(settings.sweep.dir).resolve() if swept else out)

    # HYDRA_FULL_ERROR makes Hydra pass a job's error on; without it Hydra prints its own account and exits with 1.
    with _process(["gogh-sim run", *hydra_arguments], HYDRA_FULL_ERROR="1"):
        try:
            job()
        except _StopError as stop:
            raise stop.reason from stop.reason.__cause__
    return written


class _StopError(BaseException):
    """Carries a user's error through Hydra, which would print an account of its own of any `Exception`."""

    def __init__(self, reason: GoghError) -> None:
        super().__init__(str(reason))
        self.reason = reason


@contextmanager
def _told_past_hydra() -> Iterator[None]:
    try:
        yield
    except GoghError as error:
        raise _StopError(error) from error


@contextmanager
def _process(argv: list[str], **environment: str) -> Iterator[None]:
    """Other arguments and environment variables of the process, for the while: Hydra reads nothing else."""
    before_argv, before = sys.argv, {name: os.environ.get(name) for name in environment}
    sys.argv = argv
    os.environ.update(environment)
    try:
        yield
    finally:
        sys.argv = before_argv
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
