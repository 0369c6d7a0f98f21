"""Many runs of which only the summaries are wanted: side by side over cores, kept, and never run twice."""

from __future__ import annotations

import math
import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from gogh_sim.cli.composition import composed, without_hydra
from gogh_sim.cli.policy import make_policy
from gogh_sim.cli.progress import Share, sweep_bar
from gogh_sim.cli.schema import plain
from gogh_sim.identity import identity
from gogh_sim.limits import parsed_json
from gogh_sim.outputs import write_json
from gogh_sim.reproduce import Outcome, Overrides, summary_of

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Simulations:
    """Simulates configurations, or knows what came out before.

    Attributes
    ----------
    folder
        Where summaries are kept, ``<identity>.json`` each; whatever is interrupted goes on from there. An identity does
        not cover the version of the package: who changes the code gives another folder, or empties this one.
    workers
        Processes side by side, each on one thread.
    outcome
        What is kept of a run; a folder holds outcomes of one kind.
    """

    folder: Path
    workers: int
    outcome: Outcome = summary_of

    def __call__(self, runs: Sequence[Overrides]) -> list[Mapping[str, Any]]:
        """Outcomes of the runs, in their order.

        Raises
        ------
        InputError, InvalidDecisionError
            If a configuration cannot be, before any of them runs, or a run asks for what cannot be.
        """
        configs = [plain(without_hydra(composed(overrides))) for overrides in runs]
        files = [self.folder / f"{identity(config)}.json" for config in configs]
        missing = {file: config for file, config in zip(files, configs, strict=True) if not file.is_file()}
        total, kept = len(set(files)), len(set(files)) - len(missing)
        if missing:
            done = [kept]
            with sweep_bar(lambda: Share(float(done[0]), kept, total)), _one_thread_each():
                for _ in self._written(missing):
                    done[0] += 1
        return [_read(file) for file in files]

    def _written(self, missing: Mapping[Path, Mapping[str, Any]]) -> Iterator[Path]:
        # Started anew, not forked: a copy of a process with threads may hang.
        with ProcessPoolExecutor(self.workers, multiprocessing.get_context("spawn")) as pool:
            try:
                yield from pool.map(partial(_write, self.outcome), missing.values(), missing.keys())
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def _write(outcome: Outcome, config: Mapping[str, Any], file: Path) -> Path:
    return write_json(file, outcome(config, partial(make_policy, config["scheduler"])))


def _read(file: Path) -> dict[str, Any]:
    summary = parsed_json(file.read_bytes(), file)
    return {key: math.nan if value is None else value for key, value in summary.items()}


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started in the block get libraries that keep to one thread: the cores have a run each."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
