"""The asymmetric interference law: how much slower a job runs beside others on one GPU.

A job's norm is ``1 / (1 + sum_b f_b * x_ab)``: each partner b, offering the share f_b of its load, adds the slowdown
``x_ab`` that its full load causes. Where the pair was measured, ``x_ab = 1 / norm_ab - 1``, so the measurement wins;
elsewhere ``x_ab = s_a * i_b``, sensitivity times intensity. The law was fitted to public pairs (Gavel on V100, P100 and
K80; Blox on A100), where it does better in cross-validation than additive or bilinear forms of equal size.
"""

from __future__ import annotations

import numpy as np

from gogh_sim.types import FloatArray


def slowdowns(sensitivity: FloatArray, intensity: FloatArray, measured_norm: FloatArray) -> FloatArray:
    """(W, W) slowdown that the column workload's full load adds to the row workload, dimensionless, at least 0.

    Parameters
    ----------
    sensitivity, intensity
        (W,) s and i of the law on one GPU type.
    measured_norm
        (W, W) measured norm of the row workload beside the column workload; nan where not measured.
    """
    law = sensitivity[:, np.newaxis] * intensity[np.newaxis, :]
    return np.asarray(np.where(np.isnan(measured_norm), law, 1.0 / measured_norm - 1.0), dtype=np.float64)


def norms(slowdown: FloatArray, fractions: FloatArray) -> FloatArray:
    """(n,) norms in (0, 1] of n members, from the (n, n) slowdowns between them and their shares of load.

    The diagonal of `slowdown` is a member beside another of its own workload; a member does not slow itself.
    """
    others = slowdown * fractions[np.newaxis, :]
    np.fill_diagonal(others, 0.0)
    return np.asarray(1.0 / (1.0 + others.sum(axis=1)), dtype=np.float64)
