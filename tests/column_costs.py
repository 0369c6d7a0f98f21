"""Costs of columns as whole arrays, which the package works out piece by piece."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gogh_sim.placement import Problem, Trial
from gogh_sim.placement.costs import alone_cost, column_cost
from gogh_sim.placement.trial import with_trials
from gogh_sim.types import FloatArray


class Costs(NamedTuple):
    """(G, T) and (T, G, G) costs of columns."""

    alone: FloatArray
    pair: FloatArray


def pair_cost(instance: Problem) -> FloatArray:
    """(T, G, G) cost of a job of the row group beside one of the column group, infinite where that is not allowed."""
    everyone = np.arange(len(instance.groups))
    members = [everyone[:, np.newaxis], everyone[np.newaxis, :]]
    return np.stack([column_cost(instance, gpu_type, members) for gpu_type in range(len(instance.supply))])


def costs(of: Problem, trial: Trial | None) -> Costs:
    """Costs of all columns of one and two members, with what could be learned in them if a trial is given."""
    plain = Costs(alone_cost(of), pair_cost(of))
    return plain if trial is None else Costs(*with_trials(of, trial, *plain))
