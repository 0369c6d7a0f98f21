"""Sweeps that can be killed and started again: launchers run what is missing, and no failure stops the rest."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any

from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, RunMode, TaskFunction
from omegaconf import DictConfig, ListConfig, open_dict
from omegaconf.errors import OmegaConfBaseException

from gogh_sim.cli.composition import composing, said, without_hydra
from gogh_sim.cli.folders import clear_dead, first_existing, found_identity, remove_empty, runs_in, share_done
from gogh_sim.cli.job import Failure, job
from gogh_sim.cli.progress import Share, sweep_bar
from gogh_sim.cli.schema import plain
from gogh_sim.errors import InputError
from gogh_sim.identity import identity
from gogh_sim.metrics.results import load_summary
from gogh_sim.outputs import write_whole

FAILURES = "failures.json"
"""File of a sweep's folder: what failed, and why; there only if something did."""

Measures = list[str] | str | None
"""Keys of summary.json that a sweeper reads of a finished run, if any."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a sweep: its overrides, its identity, and the folder where it is or will be."""

    overrides: tuple[str, ...]
    identity: str
    folder: Path

    @property
    def whole(self) -> bool:
        """Whether its run is there."""
        return found_identity(self.folder) == self.identity


@dataclass
class Account:
    """What becomes of a sweep.

    Attributes
    ----------
    before
        Identities of the runs that were there when it began.
    expected
        How many elements there will be, for sweepers that name one after another; 0 for those that do not.
    elements, failed
        Those named so far, in order, and those of them that failed, with the reason.
    """

    folder: Path
    before: frozenset[str]
    expected: int = 0
    elements: list[Element] = field(default_factory=list)
    failed: list[tuple[Element, Failure]] = field(default_factory=list)
    _whole: set[Path] = field(default_factory=set)

    def lines(self) -> list[str]:
        """What a user has to know of it: how many runs of each kind, then a line for each that failed.

        An element that describes the same run as another counts as one with it.
        """
        runs = {element.identity for element in self.elements}
        kept, failed = len(runs & self.before), {element.identity: (element, why) for element, why in self.failed}
        counts = [f"{len(runs) - kept - len(failed)} run", f"{kept} kept from before", f"{len(failed)} failed"]
        return [
            f"{len(runs)} runs in {self.folder}: {', '.join(counts)}",
            *(f"failed: {' '.join(e.overrides)}: {_one_line(why.reason)}" for e, why in failed.values()),
        ]

    def share(self) -> Share:
        """How far it is, for a bar; folders of unfinished runs are looked into."""
        elements = tuple(self.elements)  # launchers add to them while a bar asks
        self._whole.update(e.folder for e in elements if e.folder not in self._whole and e.whole)
        # A run whose process was killed has failed, although what it had done is still there to be seen.
        ended = self._whole | {element.folder for element, _ in self.failed}
        done = sum(1.0 if element.folder in ended else share_done(element.folder) for element in elements)
        kept = sum(element.identity in self.before for element in elements)
        return Share(done, kept, max(len(elements), self.expected))

    def write_failures(self) -> None:
        """Write `FAILURES`, or remove that of an earlier start where nothing failed."""
        file = self.folder / FAILURES
        if not self.failed:
            file.unlink(missing_ok=True)
            return
        rows = [
            {"overrides": list(element.overrides), "reason": why.reason, "traceback": why.traceback}
            for element, why in self.failed
        ]
        write_whole(file, lambda part: part.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8"))


def run_sweep(overrides: Sequence[str]) -> Account:
    """Let Hydra's sweeper and launcher run every element that is not there yet.

    Raises
    ------
    InputError
        If an element cannot be composed or holds a wrong value; nothing has run then.
    """
    with composing():
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None  # set by composing
        try:
            config = hydra.compose_config("config", list(overrides), RunMode.MULTIRUN, with_log_configuration=False)
            context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(config))
            sweeper = Plugins.instance().instantiate_sweeper(config=config, hydra_context=context, task_function=job)
            folder, expected = Path(config.hydra.sweep.dir).absolute(), int(config.hydra.sweeper.get("n_trials") or 0)
            account = Account(folder, frozenset(runs_in(folder).values()), expected)
            _put_before_launcher(sweeper, account, context, config, _told(config))
            with _removed_if_nothing_ran(account.folder), sweep_bar(account.share):
                sweeper.sweep(list(config.hydra.overrides.task))
        except (HydraException, OmegaConfBaseException) as error:
            raise InputError(said(error)) from error
    account.write_failures()
    return account


def _told(config: DictConfig) -> Measures:
    """What a sweeper reads of a run: Hydra's own reads nothing, those that search have to be told."""
    if str(config.hydra.sweeper["_target_"]).startswith("hydra."):
        return None
    measures = config.tune_for
    if measures is None:
        raise InputError("tune_for is needed where a sweeper searches: a key of summary.json, or a list of them")
    return [str(measure) for measure in measures] if isinstance(measures, ListConfig) else str(measures)


def _put_before_launcher(
    sweeper: Sweeper, account: Account, context: HydraContext, config: DictConfig, told: Measures
) -> None:
    """Sweepers of Hydra's plugins hold their launcher themselves or in the implementation that they wrap."""
    holder = getattr(sweeper, "sweeper", sweeper)
    assert holder.launcher is not None  # set up by the sweeper
    holder.launcher = _Resuming(holder.launcher, account, context, config, told)


@contextmanager
def _removed_if_nothing_ran(folder: Path) -> Iterator[None]:
    """If the block does not end well, remove the folders made for a sweep that has not written any run."""
    existing = first_existing(folder)
    try:
        yield
    except BaseException:
        remove_empty(folder, existing)
        raise


class _Resuming(Launcher):
    """Hands another launcher those elements of a sweep whose runs are not there yet."""

    def __init__(
        self, inner: Launcher, account: Account, context: HydraContext, config: DictConfig, told: Measures
    ) -> None:
        self._inner = inner
        self._told = told
        self._account = account
        self._context = context
        self._config = config

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self._inner.setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        account = self._account
        elements = self._elements(job_overrides, initial_job_idx)
        account.elements += elements
        for element in elements:
            if element.whole:
                clear_dead(element.folder)
        missing = {element.identity: element for element in elements if not element.whole}
        failures = self._launch(list(missing.values()), initial_job_idx) if missing else {}
        account.failed += [(e, failures[e.identity]) for e in elements if e.identity in failures]
        return [self._returned(element, failures.get(element.identity)) for element in elements]

    def _elements(self, job_overrides: Sequence[Sequence[str]], first: int) -> list[Element]:
        """Every element with its identity, checked before any of them runs, and a folder that is its own."""
        folder = self._account.folder
        taken = {**runs_in(folder), **{element.folder: element.identity for element in self._account.elements}}
        places = {known: place for place, known in reversed(taken.items())}
        elements = []
        for number, overrides in enumerate(job_overrides, start=first):
            config = self._context.config_loader.load_sweep_config(self._config, list(overrides))
            with open_dict(config):
                config.hydra.job.num = number
            known = identity(plain(without_hydra(config)))
            if known not in places:
                wanted = chain([str(config.hydra.sweep.subdir)], map(str, count()))
                places[known] = next(free for name in wanted if (free := folder / name) not in taken)
                taken[places[known]] = known
            elements.append(Element(tuple(overrides), known, places[known]))
        return elements

    def _launch(self, missing: Sequence[Element], first: int) -> dict[str, Failure]:
        """Run these; give by identity why some did not end well.

        Where a process dies, launchers give up on all that they were given, and do not say which one it was. So what
        is missing then is tried again by halves, until the run that takes its process with it is alone.
        """
        try:
            returned = self._inner.launch([self._placed(element) for element in missing], initial_job_idx=first)
            values = [each.return_value for each in returned]
        except Exception as error:
            left = [element for element in missing if not element.whole]
            if len(left) > 1:
                half = len(left) // 2
                return self._launch(left[:half], first) | self._launch(left[half:], first + half)
            gone = Failure(f"no result; the launcher said {type(error).__name__}: {error}", traceback.format_exc())
            values = [gone] * len(missing)
        lost = Failure("it ended without an error and without a result", "")
        found = ((e, value if isinstance(value, Failure) else lost) for e, value in zip(missing, values, strict=True))
        return {element.identity: why for element, why in found if not element.whole}

    def _placed(self, element: Element) -> list[str]:
        """Overrides that send a run to its folder, whatever the launcher numbers it and wherever it runs."""
        sweep, own = self._account.folder, element.folder.relative_to(self._account.folder)
        return [*element.overrides, f"hydra.sweep.dir={_quoted(sweep)}", f"hydra.sweep.subdir={_quoted(own)}"]

    def _returned(self, element: Element, failure: Failure | None) -> JobReturn:
        """What a sweeper is told: the measures it tunes for, or the failure; nothing where it tunes for none."""
        returned = JobReturn(overrides=element.overrides, status=JobStatus.COMPLETED)
        if self._told is None:
            return returned
        if failure is not None:
            returned.status = JobStatus.FAILED
            returned.return_value = InputError(f"{' '.join(element.overrides)}: {failure.reason}")
            return returned
        summary = load_summary(element.folder)
        if isinstance(self._told, str):
            returned.return_value = _number(summary, self._told)
        else:
            returned.return_value = [_number(summary, measure) for measure in self._told]
        return returned


def _number(summary: Mapping[str, Any], measure: str) -> float:
    if not isinstance(summary.get(measure), int | float):
        raise InputError(f"tune_for: expected a number of summary.json, found {measure!r}")
    return float(summary[measure])


def _quoted(path: Path) -> str:
    """A path as Hydra's grammar of overrides reads it back."""
    text = str(path)
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _one_line(text: str) -> str:
    return " ".join(text.split())
