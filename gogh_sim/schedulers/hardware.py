"""What the optimiser knows of a cluster's hardware: datasheets and node overheads, as arrays."""

from __future__ import annotations

import numpy as np

from gogh_sim.placement import Supply
from gogh_sim.types import Cluster, FloatArray


def supply_of(cluster: Cluster, theta: int, caps: tuple[float, ...]) -> Supply:
    """All GPUs of a cluster by type; the base watts of nodes are spread over their GPUs."""
    types = cluster.gpu_types
    nodes = np.bincount(cluster.type_of[cluster.node_start[:-1]], minlength=len(types))
    base_w = np.array([t.host.base_w for t in types])
    return Supply(
        gpus=cluster.gpus_per_type,
        memory_gib=np.array([t.memory_gib for t in types]),
        idle_w=np.array([t.idle_context_w for t in types]),
        tdp_w=np.array([t.tdp_w for t in types]),
        host_w=base_w * nodes / np.maximum(cluster.gpus_per_type, 1),
        host_slope=np.array([t.host.slope for t in types]),
        theta=theta,
        caps=caps,
    )


def node_idle_w(cluster: Cluster) -> FloatArray:
    """(nodes,) watts of a node that is on with all its GPUs idle, less those of one that is off."""
    first = cluster.type_of[cluster.node_start[:-1]]
    base_w = np.array([t.host.base_w - t.host.off_w for t in cluster.gpu_types])
    idle_w = np.array([t.host.slope * t.idle_bare_w for t in cluster.gpu_types])
    return np.asarray(base_w[first] + idle_w[first] * np.diff(cluster.node_start))
