"""Simulations from Python, for notebooks and scripts: run, sweep and load, with frames and figures on the results.

The functions here are those of the package itself: ``gogh_sim.run``, ``gogh_sim.sweep``, ``gogh_sim.load`` and
``gogh_sim.load_sweep``. They read the same configuration as the command line, and give what it would write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

from gogh_sim.cli.composition import composed, elements, without_hydra
from gogh_sim.cli.folders import SUMMARY
from gogh_sim.cli.policy import make_policy
from gogh_sim.cli.progress import bar
from gogh_sim.cli.schema import plain
from gogh_sim.errors import InputError
from gogh_sim.experiment import MakeScheduler
from gogh_sim.experiment import run as simulate
from gogh_sim.metrics.results import RunFrames, load_run, load_runs, settings_among
from gogh_sim.outputs import TABLES
from gogh_sim.policy import PolicyContext, Scheduler
from gogh_sim.results import RunResult, SweepResult
from gogh_sim.scenario import Config

Policy = str | Callable[[PolicyContext], Scheduler]
"""A policy by its name (`gogh-sim list scheduler`), or a class, or anything that makes one from a `PolicyContext`."""


def run(
    *,
    cluster: str | None = None,
    trace: str | None = None,
    scheduler: Policy = "gogh",
    seed: int = 1,
    overrides: Sequence[str] = (),
    progress: bool = False,
) -> RunResult:
    """Simulate once.

    Parameters
    ----------
    cluster, trace
        By name (`gogh-sim list`); what `gogh-sim run` takes by default where not given.
    scheduler
        A policy by name, or a class of your own: ``gogh_sim.run(scheduler=Mine)``.
    seed
        Of every random draw; policies under one seed see the same world.
    overrides
        Anything else, as on the command line: ``["trace.max_jobs=100", "engine.round_s=60"]``.
    progress
        Show a bar with the share of jobs that have ended.

    Raises
    ------
    InputError, InvalidDecisionError
        If the configuration, the trace or the policy asks for what cannot be.

    Examples
    --------
    >>> import gogh_sim
    >>> result = gogh_sim.run(cluster="small", trace="philly_style", scheduler="fifo", overrides=["trace.jobs=20"])
    >>> int(result.summary["jobs_total"])
    20
    """
    return _simulated(_described(cluster, trace, scheduler, seed, overrides), progress)


def sweep(
    *,
    scheduler: Sequence[Policy] = ("fifo", "best_fit", "gogh"),
    seed: Sequence[int] = (1,),
    cluster: str | None = None,
    trace: str | None = None,
    overrides: Sequence[str] = (),
    progress: bool = False,
) -> SweepResult:
    """Simulate every combination of policies, seeds and comma-separated values among the overrides, one after another.

    All configurations are checked before the first runs. For what takes long, `gogh-sim run -m` runs on many cores or
    machines and goes on where it was killed; `load_sweep` reads what it wrote.

    Parameters
    ----------
    scheduler, seed
        All to be run; the same seed gives every policy the same world, so differences between policies are paired.
    cluster, trace, overrides, progress
        As of `run`; ``overrides=["trace.load=0.5,0.8"]`` sweeps as on the command line.

    Raises
    ------
    InputError, InvalidDecisionError
        If a configuration, the trace or a policy asks for what cannot be.

    Examples
    --------
    >>> import gogh_sim
    >>> small = ["trace.jobs=20"]
    >>> both = gogh_sim.sweep(scheduler=["fifo", "sjf"], cluster="small", trace="philly_style", overrides=small)
    >>> list(both.summaries["scheduler"])
    ['fifo', 'sjf']
    """
    chosen = product(scheduler, seed, elements(overrides))
    described = [_described(cluster, trace, policy, number, changed) for policy, number, changed in chosen]
    return SweepResult(tuple(_simulated(each, progress) for each in described))


def load(folder: str | Path) -> RunResult:
    """A saved run, from the folder that holds its summary.json.

    Raises
    ------
    InputError
        If a file is missing or cannot be read; the message names it, and says so where the folder holds a sweep.
    """
    folder = Path(folder)
    if not (folder / SUMMARY).is_file() and any(folder.glob(f"*/{SUMMARY}")):
        raise InputError("expected a run, found a sweep; gogh_sim.load_sweep reads it", file=folder)
    return RunResult(load_run(folder))


def load_sweep(folder: str | Path) -> SweepResult:
    """Every saved run at or below a folder.

    Raises
    ------
    InputError
        If there is none, or a file of one is missing or cannot be read.
    """
    return SweepResult(tuple(RunResult(frames) for frames in load_runs(Path(folder))))


@dataclass(frozen=True)
class _Described:
    """A run to be: its resolved configuration, how to make its policy, and what was overridden."""

    config: Config
    make: MakeScheduler
    overrides: tuple[str, ...]


def _described(
    cluster: str | None, trace: str | None, scheduler: Policy, seed: int, overrides: Sequence[str]
) -> _Described:
    named = {"cluster": cluster, "trace": trace, "scheduler": scheduler if isinstance(scheduler, str) else "fifo"}
    given = [*(f"{group}={name}" for group, name in named.items() if name is not None), f"seed={seed}", *overrides]
    config = plain(without_hydra(composed(given)))
    if isinstance(scheduler, str):
        return _Described(config, partial(make_policy, config["scheduler"]), settings_among(given))
    name = str(getattr(scheduler, "__qualname__", type(scheduler).__qualname__)).rpartition(".")[2]
    own = {"name": name, "_target_": f"{scheduler.__module__}.{name}"}
    return _Described({**config, "scheduler": own}, lambda context, _: scheduler(context), settings_among(given))


def _simulated(described: _Described, progress: bool) -> RunResult:
    title = f"{described.config['scheduler']['name']}, seed {described.config['seed']}"
    with bar(title) if progress else nullcontext() as told:
        done = simulate(described.config, described.make, told)
    tables = {name: getattr(done.records, name) for name in TABLES}
    path = Path(f"{done.summary['scheduler']}-{done.summary['seed']}-{done.summary['identity'][:8]}")
    return RunResult(RunFrames(path=path, summary=done.summary, overrides=described.overrides, **tables))
