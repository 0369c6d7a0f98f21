"""The trained pair of networks with the history that they stand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gogh_sim.estimators import p1
from gogh_sim.estimators.catalogue import Catalogue
from gogh_sim.estimators.doubt import Doubt
from gogh_sim.estimators.networks import Ensemble
from gogh_sim.estimators.record import Record
from gogh_sim.types import GpuType, Workload


@dataclass(frozen=True)
class Estimator:
    """P1, P2 and the record they read.

    Attributes
    ----------
    doubt
        How wrong P1 is on workloads not trained on.
    architectures
        Names of the architectures of P1 and P2.
    parameters
        About how many parameters each network of an ensemble has.
    """

    record: Record
    p1: Ensemble
    p2: Ensemble
    doubt: Doubt
    architectures: tuple[str, str]
    parameters: int

    def estimate(self, workloads: Sequence[Workload], gpu_types: Sequence[GpuType]) -> Catalogue:
        """Catalogue of these workloads on these types before anything is observed; see `p1.estimate`."""
        return p1.estimate(self.p1, self.record, workloads, gpu_types, self.doubt.mean_variance)
