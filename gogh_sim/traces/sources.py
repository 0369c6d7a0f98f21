"""The files that one trace is read from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gogh_sim.errors import InputError


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a cluster can hold, for checks: its GPUs, and the models they are of (empty where not known)."""

    gpus: int
    models: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Sources:
    """Jobs, and beside them what some formats need or offer.

    Attributes
    ----------
    jobs
        File of the jobs; for tables that belong together, their folder.
    nodes
        File of the nodes.
    throughputs
        File of steps per second, for formats that record steps instead of run times.
    capacity
        If given, a job that asks for more is at fault.
    """

    jobs: Path
    nodes: Path | None = None
    throughputs: Path | None = None
    capacity: Capacity | None = None

    def refuse_nodes(self) -> None:
        """Raise an `InputError` if nodes are named; for formats that know of none."""
        if self.nodes is not None:
            raise InputError("this format has no node file; describe the nodes with cluster=...", file=self.nodes)

    def refuse_throughputs(self) -> None:
        """Raise an `InputError` if throughputs are named; for formats that record run times."""
        if self.throughputs is not None:
            raise InputError("this format records run times and takes no file of throughputs", file=self.throughputs)

    def jobs_only(self) -> Path:
        """The jobs' file, for formats that have no other."""
        self.refuse_nodes()
        self.refuse_throughputs()
        return self.jobs
