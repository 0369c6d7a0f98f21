"""Power caps of GPUs that follow from who runs on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from gogh_sim.placement import MOST_MEMBERS, PENDING, UNCAPPED, Problem, best_caps
from gogh_sim.types import Cluster, GpuId, Gpus


class PowerCaps:
    """The caps that are set, and what has to change for a placement; every GPU starts without one."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._tdp_w = [t.tdp_w for t in cluster.gpu_types]
        self._share = [UNCAPPED] * cluster.num_gpus

    def changes(
        self, problem: Problem, members: Sequence[Sequence[int]], placed: Mapping[int, Gpus]
    ) -> dict[GpuId, float]:
        """Watts of the GPUs whose cap is to be another: for each crew the cap at which its column costs least.

        Parameters
        ----------
        members
            Per group of the problem: its jobs, by number.
        placed
            GPUs of each placed job.
        """
        group_of = {job: g for g, jobs in enumerate(members) for job in jobs}
        crews: defaultdict[Gpus, list[int]] = defaultdict(list)
        for job, gpus in sorted(placed.items()):
            crews[gpus].append(group_of[job])
        if not crews:
            return {}
        gpu_type = self._cluster.type_of[[gpus[0] for gpus in crews]]
        table = np.array([sorted(crew) + [PENDING] * (MOST_MEMBERS - len(crew)) for crew in crews.values()])
        shares = best_caps(problem, gpu_type, table).tolist()
        watts: dict[GpuId, float] = {}
        for gpus, kind, share in zip(crews, gpu_type.tolist(), shares, strict=True):
            for gpu in gpus:
                if self._share[gpu] != share:
                    self._share[gpu] = share
                    watts[self._cluster.gpu_ids[gpu]] = share * self._tdp_w[kind]
        return watts
