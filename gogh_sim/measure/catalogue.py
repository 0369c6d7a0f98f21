"""The probes: which kinds of work are timed, by what a scheduler knows of them and by what they resemble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from gogh_sim.errors import InputError


class Size(StrEnum):
    """How large the probes' models are: `full` fills a data-centre GPU, `tiny` runs anywhere in milliseconds."""

    FULL = "full"
    TINY = "tiny"


@dataclass(frozen=True, slots=True)
class Probe:
    """One kind of work.

    Attributes
    ----------
    model
        Name; with a batch size it names a workload, ``<model>-b<batch>``.
    family, task, kind
        As of workloads in a profile.
    batches
        Batch sizes timed by default.
    relative
        Workload of the calibrated profile that it is taken to resemble where it was not measured: on other GPU types,
        beside other workloads, in gangs.
    """

    model: str
    family: str
    task: str
    kind: str
    batches: tuple[int, ...]
    relative: str

    def workload(self, batch: int) -> str:
        """Name of the probe at a batch size."""
        return f"{self.model}-b{batch}"


_ALL = (
    Probe("probe-convolution", "probe-cnn", "image classification", "training", (16, 64), "resnet50-b64"),
    Probe("probe-attention", "probe-encoder", "masked language modelling", "training", (8, 32), "bert-base-b8"),
    Probe("probe-embedding", "probe-recommender", "recommendation", "training", (2048, 16384), "dlrm-b65536"),
    Probe("probe-recurrent", "probe-lstm", "language modelling", "training", (20, 80), "lstm-lm-b20"),
    Probe("probe-small-kernels", "probe-actor", "reinforcement learning", "training", (64,), "a2c-b64"),
    Probe("probe-decode", "probe-llm", "text generation", "inference", (1, 32), "llama3.2-1b-decode-b32"),
)

PROBES: Mapping[str, Probe] = MappingProxyType({probe.model: probe for probe in _ALL})
"""Every probe by its model's name."""


def probe_of(workload: str) -> tuple[Probe, int]:
    """Probe and batch size of a workload's name; `InputError` where it names none."""
    model, _, batch = workload.rpartition("-b")
    if model not in PROBES or not batch.isdigit() or int(batch) < 1:
        raise InputError(f"expected <probe>-b<batch> with a probe among {sorted(PROBES)}, found {workload!r}")
    return PROBES[model], int(batch)
