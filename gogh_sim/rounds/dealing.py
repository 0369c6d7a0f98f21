"""Which GPUs a turn gets: the mechanism counts GPUs per type only, a run's tables name them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gogh_sim.rounds.accounts import Row
from gogh_sim.rounds.simulation import Turn
from gogh_sim.types import Cluster, Gpus


@dataclass(frozen=True, slots=True)
class Dealt:
    """A turn and the GPUs that it has."""

    turn: Turn
    gpus: Gpus


def deal(
    rounds: Sequence[Sequence[Turn]], widths: Sequence[int], cluster: Cluster, types: Sequence[int]
) -> Iterator[list[Dealt]]:
    """GPUs of every turn, round by round: those it had if it goes on on its type, else the first free ones.

    Parameters
    ----------
    widths
        GPUs of each job by its number.
    types
        Per GPU type of the turns: its number in the cluster.
    """
    of_type = [np.flatnonzero(cluster.type_of == number) for number in types]
    held: dict[tuple[Row, int], Gpus] = {}
    for turns in rounds:
        held = {key: held[key] for turn in turns if (key := (turn.row, turn.gpu_type)) in held}
        free = np.ones(cluster.num_gpus, dtype=np.bool_)
        free[[gpu for gpus in held.values() for gpu in gpus]] = False
        for turn in turns:
            if (turn.row, turn.gpu_type) not in held:
                here = of_type[turn.gpu_type]
                gpus = here[free[here]][: widths[turn.row[0]]]
                free[gpus] = False
                held[turn.row, turn.gpu_type] = tuple(gpus.tolist())
        yield [Dealt(turn, held[turn.row, turn.gpu_type]) for turn in turns]
