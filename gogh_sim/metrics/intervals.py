"""Events to occupancy: which job held which GPU from when to when."""

from __future__ import annotations

import numpy as np
import pandas as pd

_TAKES = ("start", "move")
_CHANGES = ("start", "move", "evict", "interrupt", "finish", "fail")


def occupancy_intervals(events: pd.DataFrame, run_end_s: float) -> pd.DataFrame:
    """Occupancy of GPUs by jobs.

    Parameters
    ----------
    events
        ``time_s``, ``event``, ``job_id``, ``gpus`` ("n0/0|n0/1") in order of occurrence. A job takes the named GPUs
        at "start" and "move" and leaves them at the next "move", "evict", "interrupt", "finish" or "fail".
    run_end_s
        Closes what is still held.

    Returns
    -------
    DataFrame
        ``job_id``, ``node_id``, ``slot``, ``start_s``, ``ready_s`` (first progress, after a restore if there was
        one), ``end_s``; sorted by start, node, slot, job.
    """
    rows = events[events["event"].isin((*_CHANGES, "ready"))].sort_values("job_id", kind="stable")
    held = _next_of_job(rows, rows["event"].isin(_CHANGES).to_numpy(dtype=np.bool_), run_end_s)
    # A take that a "ready" follows was restoring until then; one without was running at once.
    following = rows["event"].shift(-1).where(rows["job_id"] == rows["job_id"].shift(-1))
    ready_s = rows["time_s"].shift(-1).where(following == "ready", rows["time_s"])
    takes = rows["event"].isin(_TAKES)
    taken = pd.DataFrame(
        {
            "job_id": rows["job_id"].astype(str),
            "gpu": rows["gpus"].astype(str).str.split("|"),
            "start_s": rows["time_s"].astype(float),
            "ready_s": ready_s.astype(float),
            "end_s": held,
        }
    )[takes].explode("gpu")
    place = taken["gpu"].astype(str).str.rsplit("/", n=1, expand=True).reindex(columns=[0, 1])
    taken = taken.assign(node_id=place[0].astype(str), slot=place[1].astype("int64"))
    taken = taken[["job_id", "node_id", "slot", "start_s", "ready_s", "end_s"]]
    return taken.sort_values(["start_s", "node_id", "slot", "job_id"], ignore_index=True)


def _next_of_job(rows: pd.DataFrame, counts: np.ndarray, run_end_s: float) -> pd.Series:
    """Per row: time of the next row of the same job that `counts`; `run_end_s` where there is none."""
    time_s = rows["time_s"].astype(float).where(counts)
    following = time_s.groupby(rows["job_id"]).shift(-1)
    return following.groupby(rows["job_id"]).bfill().fillna(run_end_s)
