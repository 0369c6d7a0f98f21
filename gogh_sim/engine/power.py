"""Power meters: exact integrals of piecewise constant watts, per GPU and per node."""

from __future__ import annotations

from collections.abc import Iterable

from gogh_sim.types import Cluster, HostPower


class PowerMeter:
    """Watts and joules of every GPU and node.

    A node draws ``base_w + slope * sum(GPU W)`` while on and ``off_w`` while off; its GPUs draw nothing while it is
    off. A change costs what it touches; totals are kept along.
    """

    def __init__(self, cluster: Cluster) -> None:
        types = [cluster.gpu_types[t] for t in cluster.type_of]
        self._node_of: list[int] = cluster.node_of.tolist()
        self._first: list[int] = cluster.node_start.tolist()
        self._host: list[HostPower] = [types[first].host for first in self._first[:-1]]
        self._idle_bare_w: list[float] = [t.idle_bare_w for t in types]
        self.gpu_w: list[float] = list(self._idle_bare_w)
        self.gpu_energy_j = [0.0] * len(types)
        self._gpu_since_s = [0.0] * len(types)
        self.on = [True] * len(self._host)
        self.dead = [False] * len(types)
        self.node_w = [self._node_watts(n) for n in range(len(self._host))]
        self.node_energy_j = [0.0] * len(self._host)
        self.node_on_s = [0.0] * len(self._host)
        self._node_since_s = [0.0] * len(self._host)
        self.total_gpu_w = sum(self.gpu_w)
        self.total_node_w = sum(self.node_w)
        self.nodes_on = len(self._host)

    def _node_watts(self, node: int) -> float:
        host = self._host[node]
        if not self.on[node]:
            return host.off_w
        return host.base_w + host.slope * sum(self.gpu_w[self._first[node] : self._first[node + 1]])

    def empty_w(self, gpu: int) -> float:
        """Watts of a GPU without a job: idle while it works and its node is on, else none."""
        return self._idle_bare_w[gpu] if self.on[self._node_of[gpu]] and not self.dead[gpu] else 0.0

    def settle_gpu(self, gpu: int, now_s: float) -> float:
        """Integrate one GPU up to `now_s`; return the joules added since it was last settled."""
        if self._gpu_since_s[gpu] == now_s:
            return 0.0
        joules = self.gpu_w[gpu] * (now_s - self._gpu_since_s[gpu])
        self.gpu_energy_j[gpu] += joules
        self._gpu_since_s[gpu] = now_s
        return joules

    def _settle_node(self, node: int, now_s: float) -> None:
        elapsed = now_s - self._node_since_s[node]
        self.node_energy_j[node] += self.node_w[node] * elapsed
        if self.on[node]:
            self.node_on_s[node] += elapsed
        self._node_since_s[node] = now_s

    def _refresh_node(self, node: int, now_s: float) -> None:
        self._settle_node(node, now_s)
        watts = self._node_watts(node)
        self.total_node_w += watts - self.node_w[node]
        self.node_w[node] = watts

    def _set_gpu(self, gpu: int, watts: float, now_s: float) -> None:
        self.settle_gpu(gpu, now_s)
        self.total_gpu_w += watts - self.gpu_w[gpu]
        self.gpu_w[gpu] = watts

    def set_gpus(self, watts: Iterable[tuple[int, float]], now_s: float) -> None:
        """Give GPUs of nodes that are on new draws from `now_s`."""
        nodes = set()
        for gpu, draw in watts:
            self._set_gpu(gpu, draw, now_s)
            nodes.add(self._node_of[gpu])
        for node in sorted(nodes):
            self._refresh_node(node, now_s)

    def switch(self, node: int, on: bool, now_s: float) -> None:
        """Turn an empty node on (its GPUs idle) or off (they draw nothing)."""
        if self.on[node] == on:
            return
        self._settle_node(node, now_s)
        self.on[node] = on
        self.nodes_on += 1 if on else -1
        for gpu in range(self._first[node], self._first[node + 1]):
            self._set_gpu(gpu, self.empty_w(gpu), now_s)
        self._refresh_node(node, now_s)

    def close(self, now_s: float) -> None:
        """Integrate everything up to `now_s`."""
        for gpu in range(len(self.gpu_w)):
            self.settle_gpu(gpu, now_s)
        for node in range(len(self.node_w)):
            self._settle_node(node, now_s)
