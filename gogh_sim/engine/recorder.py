"""Collects what happens during a run, row by row, and hands it over as `Records`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import pandas as pd

from gogh_sim.engine.decisions import Moves
from gogh_sim.engine.jobs import JobState, Status
from gogh_sim.engine.records import History, Records
from gogh_sim.engine.table import Table, frame_of
from gogh_sim.engine.world import World
from gogh_sim.policy import Prediction, Wake
from gogh_sim.types import SolveReport

_SOLVER_COLUMNS = ("status", "objective", "bound", "gap", "groups", "columns", "rows", "fallback", "unpacked")
_NO_SOLVER = ("", float("nan"), float("nan"), float("nan"), 0, 0, 0, False, 0)
_JOB_COLUMNS = {
    "job_id": "str",
    "submit_s": "float64",
    "first_start_s": "float64",
    "end_s": "float64",
    "status": "str",
    "workload": "str",
    "kind": "str",
    "num_gpus": "int64",
    "gpu_fraction": "float64",
    "user": "str",
    "queue": "str",
    "deadline_s": "float64",
    "floor": "float64",
    "reference_s": "float64",
    "done_s": "float64",
    "preemptions": "int64",
    "migrations": "int64",
    "allocated_gpu_s": "float64",
    "gpu_energy_j": "float64",
    "requests": "float64",
    "requests_answered": "float64",
    "requests_in_slo": "float64",
    "latency_slo_s": "float64",
    "request_target": "float64",
    "interruptions": "int64",
    "lost_gpu_s": "float64",
}
_NO_REQUESTS = (math.nan,) * 5
_TIMELINE_COLUMNS = {
    "time_s": "float64",
    "gpu_w": "float64",
    "node_w": "float64",
    "pending": "int64",
    "running": "int64",
    "nodes_on": "int64",
}
_DECISION_COLUMNS = {
    "decision": "int64",
    "time_s": "float64",
    "wakes": "str",
    "pending": "int64",
    "running": "int64",
    "started": "int64",
    "moved": "int64",
    "evicted": "int64",
    "status": "str",
    "objective": "float64",
    "bound": "float64",
    "gap": "float64",
    "groups": "int64",
    "columns": "int64",
    "rows": "int64",
    "fallback": "bool",
    "unpacked": "int64",
}
_TIMING_COLUMNS = {"decision": "int64", "decide_s": "float64", "build_s": "float64", "solve_s": "float64"}
_ESTIMATE_COLUMNS = {
    "time_s": "float64",
    "job_id": "str",
    "workload": "str",
    "gpu_type": "str",
    "partners": "str",
    "source": "str",
    "predicted_rate": "float64",
    "measured_rate": "float64",
}
_EVENT_COLUMNS = {"time_s": "float64", "event": "str", "job_id": "str", "node_id": "str", "gpus": "str"}


class Recorder:
    """Rows of every table of `Records`, in order of time; `history` keeps the long ones."""

    def __init__(self, world: World, history: History) -> None:
        self._world = world
        self._history = history
        names = world.cluster.type_names
        counts = {f"busy_{name}": "int64" for name in names} | {f"jobs_on_{name}": "int64" for name in names}
        self._timeline = Table(_TIMELINE_COLUMNS | counts, partial(history.add, "timeline"))
        self._now: tuple[float, ...] = ()
        self._decisions = Table(_DECISION_COLUMNS, partial(history.add, "decisions"))
        self._timings = Table(_TIMING_COLUMNS, partial(history.add, "timings"))
        self._estimates = Table(_ESTIMATE_COLUMNS, partial(history.add, "estimates"))
        self._events = Table(_EVENT_COLUMNS, partial(history.add, "events"))
        self._gpu_names = [str(gpu) for gpu in world.cluster.gpu_ids]
        self._node_names = [node.node_id for node in world.cluster.nodes]
        self._wake_names: dict[frozenset[Wake], str] = {}

    def job_event(self, now_s: float, event: str, state: JobState) -> None:
        """Something happened to a job."""
        names = self._gpu_names
        gpus = "|".join([names[gpu] for gpu in state.gpus])
        node = self._node_names[state.nodes[0]] if len(state.nodes) == 1 else ""
        self._events.add((now_s, event, state.job.job_id, node, gpus))

    def node_event(self, now_s: float, event: str, node: int) -> None:
        """A node went off, woke or came on."""
        self._events.add((now_s, event, "", self._node_names[node], ""))

    def unit_event(self, now_s: float, event: str, gpus: Sequence[int]) -> None:
        """GPUs went out or slow, or are well again; one row a node."""
        names, node_of = self._gpu_names, self._world.book.node_of
        for node, members in groupby(gpus, key=node_of.__getitem__):
            self._events.add((now_s, event, "", self._node_names[node], "|".join([names[gpu] for gpu in members])))

    def state(self, now_s: float) -> None:
        """The world's watts and counts from now on; the last call of a moment counts."""
        world = self._world
        if self._now and self._now[0] != now_s:
            self._timeline.add(self._now)
        self._now = (
            now_s,
            world.meter.total_gpu_w,
            world.meter.total_node_w,
            len(world.pending),
            len(world.running),
            world.meter.nodes_on,
            *world.book.busy_gpus,
            *world.book.jobs_on,
        )

    def decision(
        self,
        now_s: float,
        wakes: frozenset[Wake],
        queue: tuple[int, int],
        moves: Moves,
        solve: SolveReport | None,
        decide_s: float,
    ) -> None:
        """A scheduler call with the pending and running jobs it saw, what it changed and how long it took."""
        number = len(self._decisions)
        names = self._wake_names.get(wakes)
        if names is None:
            names = self._wake_names[wakes] = "+".join(sorted(wakes))
        solver = _NO_SOLVER if solve is None else tuple([getattr(solve, name) for name in _SOLVER_COLUMNS])
        changes = (len(moves.start), len(moves.move), len(moves.evict))
        self._decisions.add((number, now_s, names, *queue, *changes, *solver))
        clock = (0.0, 0.0) if solve is None else (solve.build_s, solve.solve_s)
        self._timings.add((number, decide_s, *clock))

    def predictions(self, now_s: float, predictions: Iterable[Prediction]) -> None:
        """What a learner had believed of situations that were now measured."""
        for prediction in predictions:
            seen = prediction.observation
            partners = "|".join(sorted(job.workload for job in seen.partners))
            situation = (seen.job.job_id, seen.job.workload, seen.gpu_type, partners)
            self._estimates.add((now_s, *situation, prediction.source, prediction.rate, seen.rate))

    def records(self) -> Records:
        """Everything, as tables; nothing may be recorded after this."""
        self._timeline.add(self._now)
        for table in (self._timeline, self._decisions, self._timings, self._estimates, self._events):
            table.close()
        return Records(
            jobs=frame_of(map(_job_row, self._world.states.values()), _JOB_COLUMNS),
            gpus=self._gpus(),
            nodes=self._nodes(),
            sources=frame_of(sorted(self._world.source_gpu_s.items()), {"tag": "str", "gpu_s": "float64"}),
            history=self._history,
        )

    def _gpus(self) -> pd.DataFrame:
        cluster, world = self._world.cluster, self._world
        rows = [
            (
                gpu.node_id,
                gpu.slot,
                cluster.type_names[cluster.type_of[i]],
                world.busy_s[i],
                world.meter.gpu_energy_j[i],
                world.outage.failures[i],
                world.outage.down_s[i],
            )
            for i, gpu in enumerate(cluster.gpu_ids)
        ]
        columns = {"node_id": "str", "slot": "int64", "gpu_type": "str", "busy_s": "float64", "energy_j": "float64"}
        columns |= {"failures": "int64", "down_s": "float64"}
        return frame_of(rows, columns)

    def _nodes(self) -> pd.DataFrame:
        meter = self._world.meter
        rows = [
            (node.node_id, node.gpu_type, meter.node_on_s[i], meter.node_energy_j[i])
            for i, node in enumerate(self._world.cluster.nodes)
        ]
        return frame_of(rows, {"node_id": "str", "gpu_type": "str", "on_s": "float64", "energy_j": "float64"})


def _job_row(state: JobState) -> tuple[Any, ...]:
    job = state.job
    status = state.status if state.status in (Status.FINISHED, Status.FAILED) else "unfinished"
    return (
        job.job_id,
        job.submit_s,
        state.first_start_s,
        state.end_s,
        str(status),
        job.workload,
        str(job.kind),
        job.num_gpus,
        job.gpu_fraction,
        job.user,
        job.queue,
        job.deadline_s,
        job.floor,
        job.reference_s,
        _done_s(state),
        state.preemptions,
        state.migrations,
        state.allocated_gpu_s,
        state.energy_j,
        *_requests(state),
        state.interruptions,
        state.lost_gpu_s,
    )


def _done_s(state: JobState) -> float:
    """Work done in seconds of the gang alone on the reference type; of a service, for the requests it answered."""
    if state.serving is None:
        return (state.job.work - state.remaining) / state.job.reference_rate
    service = state.serving.service
    iterations = state.serving.answered * service.iterations_per_request / service.slots
    return iterations / state.job.reference_rate


def _requests(state: JobState) -> tuple[float, ...]:
    """Requests that arrived, were answered, and in time; the SLO and its target; nan for jobs that are no services."""
    if state.serving is None:
        return _NO_REQUESTS
    serving = state.serving
    wanted = (serving.service.latency_slo_s, serving.service.target)
    return (serving.arrived, serving.answered, serving.in_time, *wanted)
