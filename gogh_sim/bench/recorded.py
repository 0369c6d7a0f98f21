"""The public openb trace as a case: real pods on the nodes that they ran on, as ``trace=openb`` replays them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from gogh_sim import resources, scenario
from gogh_sim.errors import InputError
from gogh_sim.profiles.public_data import data_folder
from gogh_sim.types import Cluster, Job

_CONFIGS = ("_replay", "_openb", "openb")
_PODS, _NODES = "openb_pod_list_default.csv.gz", "openb_node_list_gpu_node.csv"


def missing_data() -> str:
    """Why openb cannot be run here; nothing where it can."""
    try:
        folder = _folder()
    except InputError as error:
        return str(error)
    absent = [name for name in (_PODS, _NODES) if not (folder / name).is_file()]
    return f"{folder / absent[0]} is not there" if absent else ""


def openb(most_jobs: int) -> tuple[Cluster, tuple[Job, ...]]:
    """Nodes and the first so many jobs of openb, with the settings of its configuration.

    Raises
    ------
    InputError
        If the data are not there.
    """
    folder, trace = _folder(), dict[str, Any]()
    for name in _CONFIGS:
        trace |= yaml.safe_load((resources.configs() / "trace" / f"{name}.yaml").read_text(encoding="utf-8"))
    trace |= {"path": str(folder / _PODS), "nodes": str(folder / _NODES), "max_jobs": most_jobs}
    cluster = {"name": "openb", "nodes": "from_trace", "theta": 2}
    built = scenario.build({"seed": 1, "cluster": cluster, "profile": {"name": "calibrated"}, "trace": trace})
    return built.cluster, built.jobs


def _folder() -> Path:
    return data_folder() / "traces" / "alibaba_openb_v2023"
