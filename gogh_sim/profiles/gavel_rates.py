"""Gavel's table of throughputs as published: steps per second by job type, gang size and GPU type, alone and in pairs.

The file `simulation_throughputs.json` of github.com/stanford-futuredata/gavel (MIT; Narayanan et al., OSDI 2020):
``[gpu_type]["('job type', gpus)"]["null"]`` alone, and with another key of that kind in place of ``null`` the two rates
of the pair. It is the user's to supply; nothing of it comes with the package.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.types import FloatArray

GPU_TYPES = ("k80", "p100", "v100")
"""In the order of every array, consolidated gangs only."""


class GavelRates:
    """Steps per second on `GPU_TYPES`.

    Parameters
    ----------
    table
        Content of the file.
    source
        Where it came from, for messages.
    """

    def __init__(self, table: dict[str, Any], source: str) -> None:
        missing = [name for name in GPU_TYPES if not isinstance(table.get(name), dict)]
        if missing:
            raise InputError(f"expected throughputs on the GPU type {missing[0]!r}", file=source)
        self._table, self._source = table, source

    def solo(self, job_type: str, num_gpus: int) -> FloatArray:
        """(K,) rate of a gang alone; 0 where it cannot run."""
        return np.array([self._cell(kind, job_type, num_gpus, "null") for kind in GPU_TYPES], dtype=np.float64)

    def pair(self, first: str, second: str, num_gpus: int) -> FloatArray:
        """(2, K) rates of two equally wide gangs that share their GPUs; 0 where they cannot."""
        other = _key(second, num_gpus)
        return np.array([self._cell(kind, first, num_gpus, other) for kind in GPU_TYPES], dtype=np.float64).T

    def _cell(self, gpu_type: str, job_type: str, num_gpus: int, partner: str) -> Any:
        try:
            return self._table[gpu_type][_key(job_type, num_gpus)][partner]
        except (KeyError, TypeError) as error:
            what = f"no throughput of {_key(job_type, num_gpus)} beside {partner} on {gpu_type}"
            raise InputError(what, file=self._source) from error


def _key(job_type: str, num_gpus: int) -> str:
    return f"('{job_type}', {num_gpus})"
