"""Hydra configurations composed and checked before anything runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gogh_sim import resources
from gogh_sim.cli.schema import plain
from gogh_sim.errors import InputError
from gogh_sim.profiles.grid import grid_day
from gogh_sim.profiles.public_data import data_folder

HYDRA = "1.3"
"""Version of Hydra whose defaults hold."""


EXTRAS = {
    "hydra/launcher/joblib": "joblib",
    "hydra/launcher/submitit_slurm": "slurm",
    "hydra/launcher/ray": "ray",
    "hydra/sweeper/optuna": "tune",
}
"""Extras of this package that bring a plugin of Hydra's, by what the configuration calls it."""

_NO_KEY = re.compile(r"Could not override '([^']+)'\.\nTo append")


def register_resolvers() -> None:
    """Make known what configurations compute.

    ``${sample:FILE}``, a shipped sample trace; ``${public:FILE}``, a file in the user's folder of public data;
    ``${add:x,y}``, a sum; ``${carbon_of:REGION}`` and ``${price_of:REGION}``, 24 hourly values of a region's mean day.
    """
    OmegaConf.register_new_resolver("sample", lambda name: str(resources.sample_traces() / name), replace=True)
    OmegaConf.register_new_resolver("public", lambda name: str(data_folder() / name), replace=True)
    OmegaConf.register_new_resolver("add", lambda *terms: sum(terms), replace=True)
    OmegaConf.register_new_resolver("carbon_of", lambda region: list(grid_day(region).carbon_g_per_kwh), replace=True)
    OmegaConf.register_new_resolver("price_of", lambda region: list(grid_day(region).price_usd_per_kwh), replace=True)


@contextmanager
def composing() -> Iterator[None]:
    """Make Hydra read the shipped configuration, for the while."""
    register_resolvers()
    with initialize_config_dir(str(resources.configs()), job_name="gogh-sim", version_base=HYDRA):
        yield


def composed(overrides: Sequence[str]) -> DictConfig:
    """Configuration of one run, Hydra's own part included.

    Raises
    ------
    InputError
        If an override cannot be read, or names a group, choice or key that is not there.
    """
    try:
        with composing():
            return compose("config", overrides=list(overrides), return_hydra_config=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(said(error)) from error


def check(overrides: Sequence[str], sweep: bool) -> None:
    """Check the configuration of a run, or of every element of a sweep.

    Elements are tried one axis at a time, the other axes at their first element.

    Raises
    ------
    InputError
        If a configuration cannot be composed or holds a wrong value.
    """
    for chosen in _checked_elements(overrides) if sweep else [list(overrides)]:
        plain(without_hydra(composed(chosen)))


def without_hydra(config: DictConfig) -> DictConfig:
    """The part of a configuration that is a run's own."""
    own = config.copy()
    OmegaConf.set_struct(own, False)
    own.pop("hydra", None)
    return own


def elements(overrides: Sequence[str]) -> list[list[str]]:
    """Every combination of the values that overrides sweep over, in Hydra's order; itself alone if none does.

    Raises
    ------
    InputError
        If an override cannot be read.
    """
    fixed, axes = _split(overrides)
    return [[*fixed, *chosen] for chosen in product(*axes)]


def _checked_elements(overrides: Sequence[str]) -> Iterator[list[str]]:
    fixed, axes = _split(overrides)
    swept = composed(fixed).hydra.sweeper.get("params") or {}
    given = {override.partition("=")[0] for override in [*fixed, *(axis[0] for axis in axes)]}
    more = [f"{key}={value}" for key, value in swept.items() if key not in given]
    more_fixed, more_axes = _split(more)
    fixed, axes = [*fixed, *more_fixed], [*axes, *more_axes]
    first = [axis[0] for axis in axes]
    yield [*fixed, *first]
    for number, axis in enumerate(axes):
        for element in axis[1:]:
            yield [*fixed, *first[:number], element, *first[number + 1 :]]


def _split(overrides: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Overrides with one value, and the elements of those that sweep."""
    fixed, axes = [], []
    try:
        for override in OverridesParser.create().parse_overrides(list(overrides)):
            if override.is_sweep_override():
                key = override.get_key_element()
                axes.append([f"{key}={value}" for value in _values(override)])
            else:
                fixed.append(str(override.input_line))
    except HydraException as error:
        raise InputError(said(error)) from error
    return fixed, axes


def _values(override: Override) -> Iterator[str]:
    """Every value that an override sweeps over; of an interval, which has no every, the ends."""
    if override.is_discrete_sweep():
        return override.sweep_string_iterator()
    interval = override.value()
    assert isinstance(interval, IntervalSweep)  # the only kind that is not discrete
    return iter([str(interval.start), str(interval.end)])


def said(error: Exception) -> str:
    """What Hydra said, for a reader who does not know Hydra."""
    missing = next((extra for plugin, extra in EXTRAS.items() if f"'{plugin}'" in str(error)), None)
    if missing is not None:
        return f"what runs this is not installed; pip install 'gogh-sim[{missing}]'"
    key = _NO_KEY.match(str(error))
    if key is not None:
        return f"{key[1]}: the configuration has no such key; `gogh-sim run --cfg` prints those it has"
    lines = [line.strip() for line in str(error).partition("Config search path")[0].splitlines()]
    # Options that begin with "_" are parts of others, not choices.
    text = " ".join(line for line in lines if line and not line.startswith("_") and not set(line) <= {"^"})
    return f"override {error.override!r}: {text}" if isinstance(error, OverrideParseException) else text
