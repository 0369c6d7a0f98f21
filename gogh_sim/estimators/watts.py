"""Estimated watts of a GPU that runs a job alone or a pair, from datasheets, similar workloads and measurements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gogh_sim.estimators.record import Record
from gogh_sim.types import BoolArray, FloatArray, GpuType, IntArray, Workload

DEFAULT_LOAD = 0.65
"""Share of the span from idle to TDP that a workload of no resemblance draws: what GPUs under training load report in
Zeus' and MLPerf's public power logs lies between about a half and four fifths."""
DEFAULT_EXPONENT = 0.5
"""Exponent of sharing where the history has no pair: (sum of loads over the heaviest load) ** exponent."""
_PRIOR_WEIGHT = 0.5


class Watts:
    """Running estimates of dynamic watts (above ``idle_context_w``) per type and workload, and of pairs.

    Alone: the mean of the measurements, else the load share of the most similar known workload, scaled by how far that
    was off on the types where the workload has been measured. Pairs: the mean of the measurements, else
    ``h * (sum_j norm_j d_j / h) ** exponent`` with d_j the dynamic watts of each alone and h the larger of them, at
    most the TDP. A job that can use a fraction f of a GPU draws f times its workload's dynamic watts.
    """

    def __init__(self, record: Record, workloads: Sequence[Workload], gpu_types: Sequence[GpuType]) -> None:
        self._idle = np.array([t.idle_context_w for t in gpu_types])
        self._span = np.array([t.tdp_w for t in gpu_types]) - self._idle
        shape = (len(gpu_types), len(workloads))
        stand_in, _ = record.types(gpu_types)
        similar = record.subjects(workloads).similar
        known = record.known(workloads) >= 0
        self._prior = self._span[:, None] * _load_shares(record)[similar][:, stand_in].T
        self._sum = np.zeros(shape)
        self._count = np.zeros(shape, dtype=np.int64)
        self.share_exponent = _exponents(record)[stand_in]
        self._pair_sum = np.zeros((*shape, shape[1]))
        self._pair_count = np.zeros((*shape, shape[1]), dtype=np.int64)
        self._take_over_pairs(record, similar, known, gpu_types)

    def _take_over_pairs(
        self, record: Record, similar: IntArray, known: BoolArray, gpu_types: Sequence[GpuType]
    ) -> None:
        stand_in, known_type = record.types(gpu_types)
        pairs = record.history.pair_power_w[np.ix_(stand_in, similar, similar)] - self._idle[:, None, None]
        usable = np.isfinite(pairs) & (known[:, None] & known) & known_type[:, None, None]
        self._pair_sum[usable] = pairs[usable]
        self._pair_count[usable] = 1

    def alone(self) -> FloatArray:
        """(T, W) dynamic watts alone."""
        measured = self._count > 0
        mean = self._sum / np.maximum(self._count, 1)
        ratio = np.where(measured, np.log(np.maximum(mean, 1e-3) / np.maximum(self._prior, 1e-3)), 0.0)
        shift = ratio.sum(axis=0) / (measured.sum(axis=0) + _PRIOR_WEIGHT)
        expected = np.minimum(self._prior * np.exp(shift), self._span[:, None])
        result: FloatArray = np.where(measured, mean, expected)
        return result

    def power(self, workloads: IntArray, fractions: FloatArray) -> FloatArray:
        """(J, T) watts of a GPU that runs each job alone."""
        dynamic = self.alone()[:, workloads] * fractions
        result: FloatArray = (self._idle[:, None] + np.minimum(dynamic, self._span[:, None])).T
        return result

    def pair_power(self, workloads: IntArray, fractions: FloatArray, norm: FloatArray) -> FloatArray:
        """(T, J, J) watts of a GPU that runs each pair, given the (T, J, J) norms."""
        dynamic = self.alone()[:, workloads] * fractions
        heaviest = np.maximum(np.maximum(dynamic[:, :, None], dynamic[:, None, :]), 1e-6)
        total = norm * dynamic[:, :, None] + norm.transpose(0, 2, 1) * dynamic[:, None, :]
        law = heaviest * (total / heaviest) ** self.share_exponent[:, None, None]
        pick = np.ix_(np.arange(len(self._idle)), workloads, workloads)
        measured = self._pair_sum[pick] / np.maximum(self._pair_count[pick], 1)
        whole = (fractions[:, None] == 1.0) & (fractions == 1.0)
        both = np.where((self._pair_count[pick] > 0) & whole, measured, law)
        result: FloatArray = self._idle[:, None, None] + np.minimum(both, self._span[:, None, None])
        return result

    def observe(
        self, gpu_type: int, workload: int, fraction: float, partners: IntArray, fractions: FloatArray, watts: float
    ) -> None:
        """Take in a measurement of a GPU; combinations of three or more, and fractions in pairs, teach nothing here."""
        dynamic = max(watts - float(self._idle[gpu_type]), 0.0)
        if not len(partners):
            self._sum[gpu_type, workload] += dynamic / fraction
            self._count[gpu_type, workload] += 1
        elif len(partners) == 1 and fraction == 1.0 and fractions[0] == 1.0:
            for pair in sorted({(workload, int(partners[0])), (int(partners[0]), workload)}):
                self._pair_sum[gpu_type][pair] += dynamic
                self._pair_count[gpu_type][pair] += 1


def _load_shares(record: Record) -> FloatArray:
    """(W, T) dynamic watts of the known workloads over the span from idle to TDP."""
    idle = np.array([t.idle_context_w for t in record.history.gpu_types])
    span = np.array([t.tdp_w for t in record.history.gpu_types]) - idle
    shares = (record.history.power_w - idle) / np.maximum(span, 1e-6)
    own = np.isfinite(shares).sum(axis=1, keepdims=True)
    mean = np.where(own > 0, np.nansum(shares, axis=1, keepdims=True) / np.maximum(own, 1), DEFAULT_LOAD)
    result: FloatArray = np.clip(np.where(np.isfinite(shares), shares, mean), 0.0, 1.0)
    return result


def _exponents(record: Record) -> FloatArray:
    """(T,) exponent of sharing per known type, by least squares through the origin in logs; pairs at TDP left out."""
    history = record.history
    found = np.full(len(history.gpu_types), DEFAULT_EXPONENT)
    for t, kind in enumerate(history.gpu_types):
        dynamic = history.power_w[:, t] - kind.idle_context_w
        heaviest = np.maximum(dynamic[:, None], dynamic)
        heaviest[~(heaviest > 0)] = np.nan  # who draws no more than an idle GPU says nothing of how loads add up
        norm = history.norm[t]
        load = (norm * dynamic[:, None] + norm.T * dynamic) / heaviest
        rise = (history.pair_power_w[t] - kind.idle_context_w) / heaviest
        usable = np.isfinite(load) & np.isfinite(rise) & (load > 0) & (rise > 0)
        usable &= history.pair_power_w[t] < kind.tdp_w - 1e-6
        x, y = np.log(load[usable]), np.log(rise[usable])
        if len(x) and float((x**2).sum()) > 1e-9:
            found[t] = float(np.clip((x * y).sum() / (x**2).sum(), 0.0, 1.0))
    return found
