"""What became of the jobs: completion, queueing, SLOs, fairness. Each measure is defined here and nowhere else."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gogh_sim.metrics.requests import is_service, met_target
from gogh_sim.types import BoolArray, FloatArray

DEADLINE_TOLERANCE_S = 1e-6
"""An end this much after the deadline still meets it: rates carried over many segments round in the last digits."""


def ended(jobs: pd.DataFrame) -> BoolArray:
    """Per job: whether it did its work, be it that it finished or that it then failed as its trace says."""
    return jobs["status"].isin(["finished", "failed"]).to_numpy(dtype=np.bool_)


def jct_s(jobs: pd.DataFrame) -> FloatArray:
    """Job completion time, end - submit in seconds, of the jobs that ended; services, which last as long as they are
    told to, have none."""
    done = jobs[ended(jobs) & ~is_service(jobs)]
    return (done["end_s"] - done["submit_s"]).to_numpy(dtype=np.float64)


def queue_delay_s(jobs: pd.DataFrame) -> FloatArray:
    """First start - submit in seconds, of the jobs that ever started."""
    delay = (jobs["first_start_s"] - jobs["submit_s"]).to_numpy(dtype=np.float64)
    return np.asarray(delay[np.isfinite(delay)], dtype=np.float64)


def makespan_s(jobs: pd.DataFrame, run_end_s: float) -> float:
    """Last end - first submit in seconds; while a job is unfinished the last end is the run's."""
    if jobs.empty:
        return 0.0
    end_s = float(jobs["end_s"].max()) if ended(jobs).all() else run_end_s
    return end_s - float(jobs["submit_s"].min())


def slo_attainment(jobs: pd.DataFrame, run_end_s: float) -> float:
    """Share of the jobs with an SLA that met it, in [0, 1]; nan where none is known.

    A job meets its SLA when it ended (finished, or failed as its trace says) by its deadline. An unfinished job has
    missed it once the run has passed the deadline; before that nothing is known of it and it does not count.
    A service that ended has met its SLA when its target share of requests was answered within its latency SLO.
    """
    serving = is_service(jobs)
    deadline_s = jobs["deadline_s"].to_numpy(dtype=np.float64)
    done = ended(jobs)
    end_s = jobs["end_s"].to_numpy(dtype=np.float64)
    met = done & (end_s <= deadline_s + DEADLINE_TOLERANCE_S)
    counted = np.isfinite(deadline_s) & (done | (deadline_s < run_end_s))
    if serving.any():
        counted[serving] = done[serving]
        met[serving] = met_target(jobs[serving])
    return float(met[counted].mean()) if counted.any() else float("nan")


def mean_active(jobs: pd.DataFrame) -> FloatArray:
    """Per job that ended: time-weighted mean number of jobs in the system (itself included) from its submit to its end.

    With A(t) the integral of that number up to t, it is ``(A(end) - A(submit)) / (end - submit)``; 1 where that is 0/0.
    """
    done = jobs[ended(jobs)]
    submits = np.sort(jobs["submit_s"].to_numpy(dtype=np.float64))
    ends = np.sort(done["end_s"].to_numpy(dtype=np.float64))
    start_s = done["submit_s"].to_numpy(dtype=np.float64)
    end_s = done["end_s"].to_numpy(dtype=np.float64)
    job_seconds = _ramp(submits, end_s) - _ramp(ends, end_s) - _ramp(submits, start_s) + _ramp(ends, start_s)
    life_s: FloatArray = end_s - start_s
    mean: FloatArray = np.ones_like(life_s)
    np.divide(job_seconds, life_s, out=mean, where=life_s > 0)
    return mean


def finish_time_fairness(jobs: pd.DataFrame, mean_speed: float, num_gpus: int) -> FloatArray:
    """Finish-time fairness rho of the jobs that ended, services aside: JCT over the time on an exclusive 1/n share.

    After Themis (Mahajan et al., NSDI 2020) with the share as in Gavel's isolated allocation (Narayanan et al.,
    OSDI 2020): a job of g GPUs gets ``min(1, G / (n g))`` of the time on g of the cluster's G GPUs, at their mean
    relative speed, n being the mean number of jobs in the system during its life. Above 1 sharing made it later than
    the share would have. Speeds are catalogue means, not the job's own, and GPU type constraints are not looked at.

    Parameters
    ----------
    mean_speed
        Mean over the cluster's GPUs of their types' mean relative speed.
    num_gpus
        G.
    """
    done = jobs[ended(jobs)]
    works = ~is_service(done)
    active, done = mean_active(jobs)[works], done[works]
    gang = (done["num_gpus"] * done["gpu_fraction"]).to_numpy(dtype=np.float64)
    share = np.minimum(1.0, num_gpus / (active * gang))
    isolated_s = done["reference_s"].to_numpy(dtype=np.float64) / (mean_speed * share)
    return np.asarray(jct_s(jobs) / isolated_s, dtype=np.float64)


def _ramp(sorted_times: FloatArray, at: FloatArray) -> FloatArray:
    """Sum over the times of max(0, at - time)."""
    total = np.concatenate([[0.0], np.cumsum(sorted_times)])
    count = np.searchsorted(sorted_times, at, side="right")
    return np.asarray(count * at - total[count], dtype=np.float64)
