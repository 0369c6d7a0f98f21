"""Work of jobs, measured by the reference type: how a trace's durations become iterations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gogh_sim.profiles.gang import gang_factor
from gogh_sim.profiles.profile import Profile
from gogh_sim.types import FloatArray

GPUS_PER_REFERENCE_NODE = 8
"""Nodes of the reference cluster; the size of DGX-1 V100 nodes and of the clouds' largest V100 machines."""


def reference_rate(
    profile: Profile, workload: npt.ArrayLike, num_gpus: npt.ArrayLike = 1, fraction: npt.ArrayLike = 1.0
) -> FloatArray:
    """Iterations per second of a gang alone on the reference type, on as few nodes of 8 GPUs as hold it.

    All arguments broadcast; `workload` holds workload numbers, `fraction` the share of each GPU.
    """
    jobs = np.asarray(workload, dtype=np.intp)
    gpus = np.asarray(num_gpus, dtype=np.float64)
    nodes = np.ceil(gpus / GPUS_PER_REFERENCE_NODE)
    factor = gang_factor(profile.local_sync[jobs], profile.remote_sync[jobs], gpus, nodes)
    return np.asarray(profile.reference_solo_rate[jobs] * gpus * np.asarray(fraction) * factor, dtype=np.float64)


def work_of(
    profile: Profile,
    workload: npt.ArrayLike,
    num_gpus: npt.ArrayLike,
    fraction: npt.ArrayLike,
    duration_s: npt.ArrayLike,
) -> FloatArray:
    """Iterations that a gang does in `duration_s` seconds alone on the reference type; arguments broadcast."""
    return reference_rate(profile, workload, num_gpus, fraction) * np.asarray(duration_s, dtype=np.float64)
