"""The gang scaling law: what synchronisation costs a job that spans GPUs and nodes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gogh_sim.types import FloatArray


def gang_factor(
    local_sync: npt.ArrayLike, remote_sync: npt.ArrayLike, num_gpus: npt.ArrayLike, num_nodes: npt.ArrayLike
) -> FloatArray:
    """Speed per GPU of a gang over speed alone, ``1 / (1 + a * log2(num_gpus) + b * log2(num_nodes))``.

    Parameters
    ----------
    local_sync, remote_sync
        Dimensionless a and b of the workload: time lost per doubling of the gang, and per doubling of the nodes it
        spans, as a share of one step alone.
    num_gpus, num_nodes
        Size of the gang and number of nodes it spans, at least 1 each.

    Returns
    -------
    FloatArray
        In (0, 1]; 1 for one GPU; all arguments broadcast.

    Notes
    -----
    Ring and tree reductions cost a number of rounds that grows with the logarithm of the gang, and slow links between
    nodes dominate once a gang leaves one node. The coefficients are fitted to step times of 1 to 64 GPUs in the Sia
    measurements and to the Gavel scaling table; see `calibration/gang.py`.
    """
    return np.asarray(
        1.0
        / (
            1.0
            + np.asarray(local_sync, dtype=np.float64) * np.log2(num_gpus)
            + np.asarray(remote_sync, dtype=np.float64) * np.log2(num_nodes)
        ),
        dtype=np.float64,
    )
