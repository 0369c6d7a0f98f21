"""Tables of a run in rounds, as the output contract has them, without what the mechanism does not know: power."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gogh_sim.rounds.dealing import Dealt, deal
from gogh_sim.rounds.simulation import RoundResult
from gogh_sim.types import Cluster, FloatArray, Gpus, Job

_TAG = "measured"
"""Every speed is a row of the published table of throughputs."""

_ORDER = {"submit": 0, "finish": 1, "evict": 2, "start": 3, "move": 3}
"""Of what happens at one moment: who leaves its GPUs comes before who takes them."""


@dataclass(frozen=True, slots=True)
class _Event:
    time_s: float
    event: str
    job: int
    gpus: Gpus = ()


@dataclass
class _Use:
    """What became of one job so far."""

    gpus: Gpus = ()
    first_start_s: float = math.nan
    allocated_gpu_s: float = 0.0
    steps: int = 0
    preemptions: int = 0
    migrations: int = 0


@dataclass
class _Log:
    """Goes through the rounds once; `rounds` holds start, running before, started, moved and evicted of each."""

    events: list[_Event] = field(default_factory=list)
    uses: dict[int, _Use] = field(default_factory=dict)
    rounds: list[tuple[float, int, int, int, int]] = field(default_factory=list)

    def round(self, dealt: Sequence[Dealt], ends_s: Mapping[int, float], until_s: float) -> None:
        """Changes from the round before, which ended at `until_s`, to this one."""
        start_s = dealt[0].turn.start_s
        now = {job: one.gpus for one in dealt for job in one.turn.row}
        running = sum(bool(use.gpus) for use in self.uses.values())
        evicted = [job for job, use in self.uses.items() if use.gpus and job not in now]
        for job in evicted:
            self._leave(job, until_s)
            self.uses[job].preemptions += 1
        started = moved = 0
        for job, gpus in now.items():
            use = self.uses.setdefault(job, _Use())
            if use.gpus and use.gpus != gpus:
                self.events.append(_Event(start_s, "move", job, gpus))
                use.migrations += 1
                moved += 1
            elif not use.gpus:
                self.events.append(_Event(start_s, "start", job, gpus))
                started += 1
            use.gpus = gpus
            use.first_start_s = start_s if math.isnan(use.first_start_s) else use.first_start_s
        self.rounds.append((start_s, running, started, moved, len(evicted)))
        for one in dealt:
            self._count(one, ends_s)

    def _count(self, one: Dealt, ends_s: Mapping[int, float]) -> None:
        for job, steps in zip(one.turn.row, one.turn.steps, strict=True):
            use = self.uses[job]
            use.allocated_gpu_s += len(one.gpus) * (one.turn.end_s - one.turn.start_s)
            # A turn in which some worker gets no step fails.
            use.steps += steps if steps >= len(one.gpus) else 0
            if ends_s.get(job) == one.turn.end_s:
                self.events.append(_Event(one.turn.end_s, "finish", job, use.gpus))
                use.gpus = ()

    def _leave(self, job: int, time_s: float) -> None:
        self.events.append(_Event(time_s, "evict", job, self.uses[job].gpus))
        self.uses[job].gpus = ()


def frames(
    result: RoundResult,
    jobs: Sequence[Job],
    steps: Sequence[int],
    cluster: Cluster,
    types: Sequence[int],
) -> dict[str, pd.DataFrame]:
    """The nine tables of a run, by name; watts, joules and solver columns are nan or empty.

    Parameters
    ----------
    jobs, steps
        By the numbers that the result has; steps as given to the mechanism.
    types
        Per GPU type of the result: its number in the cluster.
    """
    ends_s = {number: jobs[number].submit_s + jct_s for number, jct_s in result.jct_s.items()}
    log, busy_s, until_s = _Log(), np.zeros(cluster.num_gpus), 0.0
    # An end is told by the turn it came with, so the two are compared as they were computed.
    exact_s = _ends(result)
    for dealt in deal(result.turns, [job.num_gpus for job in jobs], cluster, types):
        log.round(dealt, exact_s, until_s)
        until_s = max(one.turn.end_s for one in dealt)
        for one in dealt:
            busy_s[list(one.gpus)] += one.turn.end_s - one.turn.start_s
    log.events += [_Event(job.submit_s, "submit", number) for number, job in enumerate(jobs)]
    for number, use in log.uses.items():
        if use.gpus:  # dropped while it had GPUs
            log.events.append(_Event(until_s, "evict", number, use.gpus))
    events = sorted(log.events, key=lambda event: (event.time_s, _ORDER[event.event], event.job))
    end_s = max([until_s, *(event.time_s for event in events[-1:])])
    decisions = _decisions(log, jobs, ends_s)
    return {
        "jobs": _jobs(jobs, steps, log.uses, ends_s),
        "timeline": _timeline(events, cluster, end_s),
        "decisions": decisions,
        "timings": _timings(decisions),
        "estimates": _estimates(),
        "events": _event_rows(events, jobs, cluster),
        "gpus": _gpus(cluster, busy_s),
        "nodes": _nodes(cluster, end_s),
        "sources": pd.DataFrame({"tag": [_TAG], "gpu_s": [float(busy_s.sum())]}),
    }


def _ends(result: RoundResult) -> dict[int, float]:
    """End of the last turn of each job that ended."""
    last = {job: turn.end_s for turns in result.turns for turn in turns for job in turn.row}
    return {job: last[job] for job in result.jct_s}


def _jobs(
    jobs: Sequence[Job], steps: Sequence[int], uses: Mapping[int, _Use], ends_s: Mapping[int, float]
) -> pd.DataFrame:
    rows = []
    for number, job in enumerate(jobs):
        use = uses.get(number, _Use())
        ended = "finished" if job.source_status == "pass" else "failed"
        rows.append(
            {
                "job_id": job.job_id,
                "submit_s": job.submit_s,
                "first_start_s": use.first_start_s,
                "end_s": ends_s.get(number, math.nan),
                "status": ended if number in ends_s else "unfinished",
                "workload": job.workload,
                "kind": str(job.kind),
                "num_gpus": job.num_gpus,
                "gpu_fraction": job.gpu_fraction,
                "user": job.user,
                "queue": job.queue,
                "deadline_s": job.deadline_s,
                "floor": job.floor,
                "reference_s": job.reference_s,
                "done_s": job.reference_s * use.steps / steps[number],
                "preemptions": use.preemptions,
                "migrations": use.migrations,
                "allocated_gpu_s": use.allocated_gpu_s,
                "gpu_energy_j": math.nan,
                **dict.fromkeys(
                    ("requests", "requests_answered", "requests_in_slo", "latency_slo_s", "request_target"), math.nan
                ),
            }
        )
    return pd.DataFrame(rows)


def _event_rows(events: Sequence[_Event], jobs: Sequence[Job], cluster: Cluster) -> pd.DataFrame:
    names = [str(gpu) for gpu in cluster.gpu_ids]
    node_of = [cluster.nodes[number].node_id for number in cluster.node_of.tolist()]
    rows = []
    for event in events:
        nodes = {node_of[gpu] for gpu in event.gpus}
        where = nodes.pop() if len(nodes) == 1 else ""
        gpus = "|".join(names[gpu] for gpu in event.gpus)
        rows.append((event.time_s, event.event, jobs[event.job].job_id, where, gpus))
    return pd.DataFrame(rows, columns=["time_s", "event", "job_id", "node_id", "gpus"])


def _timeline(events: Sequence[_Event], cluster: Cluster, end_s: float) -> pd.DataFrame:
    """Counts after each moment at which something happened; every node is taken to be on."""
    jobs_on = np.zeros(cluster.num_gpus, dtype=np.int64)
    held: dict[int, Gpus] = {}
    active = 0
    rows: list[tuple[float, ...]] = [_state(0.0, 0, held, jobs_on, cluster)]
    for event in events:
        jobs_on[list(held.pop(event.job, ()))] -= 1
        active += {"submit": 1, "finish": -1}.get(event.event, 0)
        if event.event in ("start", "move"):
            jobs_on[list(event.gpus)] += 1
            held[event.job] = event.gpus
        if rows[-1][0] == event.time_s:
            rows.pop()
        rows.append(_state(event.time_s, active, held, jobs_on, cluster))
    if rows[-1][0] < end_s:
        rows.append((end_s, *rows[-1][1:]))
    counts = [f"{what}_{name}" for what in ("busy", "jobs_on") for name in cluster.type_names]
    whole = dict.fromkeys(("pending", "running", "nodes_on", *counts), "int64")
    columns = ["time_s", "gpu_w", "node_w", "pending", "running", "nodes_on", *counts]
    return pd.DataFrame(rows, columns=columns).astype(whole)


def _state(
    time_s: float, active: int, held: Mapping[int, Gpus], jobs_on: np.ndarray, cluster: Cluster
) -> tuple[float, ...]:
    kinds = len(cluster.type_names)
    busy = np.bincount(cluster.type_of[jobs_on > 0], minlength=kinds).tolist()
    jobs = np.bincount(cluster.type_of, weights=jobs_on, minlength=kinds).tolist()
    return (time_s, math.nan, math.nan, active - len(held), len(held), len(cluster.nodes), *busy, *jobs)


def _decisions(log: _Log, jobs: Sequence[Job], ends_s: Mapping[int, float]) -> pd.DataFrame:
    """A row a round: who waited and ran before it, and what it changed."""
    rows = np.array(log.rounds, dtype=np.float64).reshape(-1, 5)
    start_s, running = rows[:, 0], rows[:, 1].astype(np.int64)
    came = np.searchsorted(np.sort([job.submit_s for job in jobs]), start_s, side="right")
    gone = np.searchsorted(np.sort(list(ends_s.values())), start_s, side="right")
    number = np.arange(len(rows))
    return pd.DataFrame(
        {
            "decision": number,
            "time_s": start_s,
            "wakes": "round",
            "pending": came - gone - running,
            "running": running,
            **dict(zip(("started", "moved", "evicted"), rows[:, 2:].astype(np.int64).T, strict=True)),
            "status": "",
            **dict.fromkeys(("objective", "bound", "gap"), math.nan),
            **dict.fromkeys(("groups", "columns", "rows"), 0),
            "fallback": False,
            "unpacked": 0,
        }
    )


def _timings(decisions: pd.DataFrame) -> pd.DataFrame:
    """Nobody takes the time of a round."""
    return decisions[["decision"]].assign(decide_s=math.nan, build_s=math.nan, solve_s=math.nan)


def _estimates() -> pd.DataFrame:
    """Nobody estimates."""
    kinds = {"time_s": "float64", "job_id": "str", "workload": "str", "gpu_type": "str", "partners": "str"}
    kinds |= {"source": "str", "predicted_rate": "float64", "measured_rate": "float64"}
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in kinds.items()})


def _gpus(cluster: Cluster, busy_s: FloatArray) -> pd.DataFrame:
    rows = [
        (gpu.node_id, gpu.slot, cluster.type_names[kind])
        for gpu, kind in zip(cluster.gpu_ids, cluster.type_of.tolist(), strict=True)
    ]
    return pd.DataFrame(rows, columns=["node_id", "slot", "gpu_type"]).assign(busy_s=busy_s, energy_j=math.nan)


def _nodes(cluster: Cluster, end_s: float) -> pd.DataFrame:
    rows = [(node.node_id, node.gpu_type) for node in cluster.nodes]
    return pd.DataFrame(rows, columns=["node_id", "gpu_type"]).assign(on_s=end_s, energy_j=math.nan)
