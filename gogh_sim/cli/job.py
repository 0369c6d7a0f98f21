"""One run of the command line, by itself or as a part of a sweep, in this process or wherever a launcher puts it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from gogh_sim.cli.composition import register_resolvers
from gogh_sim.cli.folders import CONFIG, PROGRESS, written_aside
from gogh_sim.cli.policy import make_policy
from gogh_sim.cli.progress import noting
from gogh_sim.cli.report import FIGURES_DIR
from gogh_sim.cli.schema import plain
from gogh_sim.errors import GoghError
from gogh_sim.experiment import run_config
from gogh_sim.identity import identity
from gogh_sim.metrics.results import load_run
from gogh_sim.plots.figures import write_figures


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run of a sweep did not end well: a line for the user, and where in the code it happened."""

    reason: str
    traceback: str


def write_run(
    config: DictConfig,
    out: Path,
    progress: Callable[[float], None] | None = None,
    figures: bool = False,
) -> Mapping[str, Any]:
    """Simulate a composed configuration, and write everything about the run into `out`, which is whole or not there.

    Parameters
    ----------
    config
        The run's own part of what Hydra composed; Hydra's part is taken from `HydraConfig`.
    progress
        Takes the share done; without one it is noted in a file beside the results to be.
    figures
        Draw the run's own figures too.

    Returns
    -------
    Mapping
        The summary.

    Raises
    ------
    InputError, InvalidDecisionError
        If the configuration, the trace or the policy asks for what cannot be.
    """
    resolved = plain(config)
    with written_aside(out, identity(resolved)) as aside:
        _save_config(config, aside / CONFIG)
        told = noting(aside / PROGRESS) if progress is None else progress
        summary = run_config(resolved, aside, partial(make_policy, resolved["scheduler"]), told)
        if figures:
            write_figures([load_run(aside)], aside / FIGURES_DIR)
    return summary


def job(config: DictConfig) -> Failure | None:
    """What a launcher runs for each element of a sweep: a run that, if it fails, says why and stops no other."""
    register_resolvers()  # a launcher's own process knows none of them
    try:
        # The report draws all runs together; a single run's figures are those of its report.
        write_run(config, Path(HydraConfig.get().runtime.output_dir), figures=True)
    except GoghError as error:
        return Failure(str(error), traceback.format_exc())
    except Exception as error:
        return Failure(f"{type(error).__name__}: {error}", traceback.format_exc())
    return None


def _save_config(config: DictConfig, folder: Path) -> None:
    folder.mkdir()
    hydra = HydraConfig.get()
    OmegaConf.save(config, folder / "config.yaml")
    OmegaConf.save(OmegaConf.create({"hydra": hydra}), folder / "hydra.yaml")
    OmegaConf.save(hydra.overrides.task, folder / "overrides.yaml")
