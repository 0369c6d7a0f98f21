"""The numbers of summary.json that follow from a run's tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import pandas as pd

from gogh_sim.metrics import jobs as of_jobs
from gogh_sim.metrics import resources
from gogh_sim.metrics.faults import of_faults
from gogh_sim.metrics.frames import Frames
from gogh_sim.metrics.prediction import mape
from gogh_sim.metrics.requests import of_requests
from gogh_sim.metrics.site import Site
from gogh_sim.series import J_PER_KWH
from gogh_sim.types import FloatArray

Summary: TypeAlias = dict[str, int | float | dict[str, float]]

CLOCK_KEYS = ("wall_s", "solve_mean_s", "solve_max_s")
"""Keys of summary.json that a clock measured; all others are equal for equal config and seed."""


def summarise(records: Frames, mean_speed: Mapping[str, float], site: Site) -> Summary:
    """Numbers of one run.

    Parameters
    ----------
    records
        The run's tables.
    mean_speed
        Per GPU type: mean relative speed over the workload catalogue.
    site
        PUE, carbon intensity and price.

    Returns
    -------
    dict
        The keys of summary.json from ``jobs_total`` to ``source_shares``, in that order, then those of services. Times
        in seconds, shares and
        gaps as fractions, ``p1_mape`` and ``p2_mape`` in percent. nan where a number does not exist (no job ended,
        no SLA, no solver, no learner).
    """
    run_end_s = float(records.timeline["time_s"].iloc[-1])
    makespan_s = of_jobs.makespan_s(records.jobs, run_end_s)
    return {
        **_counts(records.jobs),
        "makespan_s": makespan_s,
        **_service(records, mean_speed, run_end_s),
        **_energy(records, site),
        "gpu_utilization": resources.gpu_utilization(records.gpus, makespan_s),
        "allocation_efficiency": resources.allocation_efficiency(records.jobs, records.gpus, mean_speed),
        "migrations": int(records.jobs["migrations"].sum()),
        "preemptions": int(records.jobs["preemptions"].sum()),
        **_decisions(records.decisions, records.timings),
        "p1_mape": mape(records.estimates, "P1"),
        "p2_mape": mape(records.estimates, "P2"),
        "source_shares": resources.source_shares(records.sources),
        **of_requests(records.jobs),
        **of_faults(records.jobs, records.gpus, run_end_s),
    }


def _counts(jobs: pd.DataFrame) -> dict[str, int]:
    statuses = ("finished", "failed", "unfinished")
    return {"jobs_total": len(jobs)} | {f"jobs_{status}": int((jobs["status"] == status).sum()) for status in statuses}


def _service(records: Frames, mean_speed: Mapping[str, float], run_end_s: float) -> dict[str, float]:
    jobs, gpus = records.jobs, records.gpus
    jct_s = of_jobs.jct_s(jobs)
    attainment = of_jobs.slo_attainment(jobs, run_end_s)
    cluster_speed = float(resources.speeds(gpus, mean_speed).mean())
    return {
        "jct_mean_s": _mean(jct_s),
        "jct_p50_s": _percentile(jct_s, 50),
        "jct_p90_s": _percentile(jct_s, 90),
        "jct_p99_s": _percentile(jct_s, 99),
        "queue_mean_s": _mean(of_jobs.queue_delay_s(jobs)),
        "slo_attainment": attainment,
        "sla_violation_rate": 1 - attainment,
        "rho_mean": _mean(of_jobs.finish_time_fairness(jobs, cluster_speed, len(gpus))),
    }


def _energy(records: Frames, site: Site) -> dict[str, float]:
    # Energy that nobody knows (nan) adds up to none that anybody knows.
    node_kwh = float(records.nodes["energy_j"].sum(skipna=False)) / J_PER_KWH
    jobs_ended = int(of_jobs.ended(records.jobs).sum())
    account = site.account(records.timeline)
    return {
        "gpu_energy_kwh": float(records.gpus["energy_j"].sum(skipna=False)) / J_PER_KWH,
        "node_energy_kwh": node_kwh,
        "site_energy_kwh": account.energy_kwh,
        # Node energy, as a job's share of a host's base power cannot be told apart.
        "energy_per_job_kwh": node_kwh / jobs_ended if jobs_ended else math.nan,
        "carbon_kg": account.carbon_kg,
        "cost_usd": account.cost_usd,
    }


def _decisions(decisions: pd.DataFrame, timings: pd.DataFrame) -> dict[str, int | float]:
    # What is started greedily between two solves has no gap to speak of; an answer in place of a failed solver's has.
    solved = decisions[(decisions["status"] != "") & ((decisions["status"] != "greedy") | decisions["fallback"])]
    gap = solved["gap"].to_numpy(dtype=np.float64)
    gap = gap[~np.isnan(gap)]
    solve_s = timings.loc[timings["decision"].isin(solved["decision"]), "solve_s"].to_numpy(dtype=np.float64)
    return {
        "decisions": len(decisions),
        "fallbacks": int(solved["fallback"].sum()),
        "solve_mean_s": _mean(solve_s),
        "solve_max_s": float(solve_s.max()) if solve_s.size else math.nan,
        "gap_max": float(gap.max()) if gap.size else math.nan,
    }


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if values.size else math.nan


def _percentile(values: FloatArray, q: float) -> float:
    return float(np.percentile(values, q)) if values.size else math.nan
