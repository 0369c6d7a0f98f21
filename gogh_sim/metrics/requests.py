"""What became of the requests of inference services. Each measure is defined here and nowhere else."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gogh_sim.series import J_PER_KWH
from gogh_sim.types import BoolArray

TARGET_TOLERANCE = 1e-9
"""A share this little below the target still meets it: expected numbers are sums over many segments."""


def is_service(jobs: pd.DataFrame) -> BoolArray:
    """Per job: whether it serves requests. Tables without the columns of requests hold no services."""
    if "request_target" not in jobs:
        return np.zeros(len(jobs), dtype=np.bool_)
    return jobs["request_target"].notna().to_numpy(dtype=np.bool_)


def met_target(services: pd.DataFrame) -> BoolArray:
    """Per service: whether the share of its requests that was answered within the latency SLO reached its target."""
    in_slo, target = services["requests_in_slo"], services["request_target"]
    met = in_slo >= (target - TARGET_TOLERANCE) * services["requests"]
    return met.to_numpy(dtype=np.bool_)


def of_requests(jobs: pd.DataFrame) -> dict[str, int | float]:
    """Numbers of a run's services; shares are of all their requests, nan where there are none.

    ``requests_lost_share`` came while the service held no GPUs or had too little capacity to let them in;
    ``request_slo_attainment`` was answered within the latency SLO; ``service_gpu_energy_kwh`` is the services' part in
    the energy of the GPUs they were on.
    """
    services = jobs[is_service(jobs)]
    if services.empty:
        nothing = ("requests_total", "requests_lost_share", "request_slo_attainment", "service_gpu_energy_kwh")
        return {"services_total": 0} | dict.fromkeys(nothing, np.nan)
    total = float(services["requests"].sum())
    answered, in_slo = (
        float(services[name].sum()) / total if total > 0 else np.nan
        for name in ("requests_answered", "requests_in_slo")
    )
    return {
        "services_total": len(services),
        "requests_total": total,
        "requests_lost_share": 1 - answered,
        "request_slo_attainment": in_slo,
        "service_gpu_energy_kwh": float(services["gpu_energy_j"].sum()) / J_PER_KWH,
    }
