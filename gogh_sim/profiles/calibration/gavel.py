"""The published data set as a profile of its own: Gavel's 26 jobs on V100, P100 and K80, speeds and pairs as measured.

It holds measured rows, so it is made from the data folder and not shipped. Footprints, gradients and power are those of
the calibrated profile, which Gavel does not publish; steps are not split into host and GPU time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gogh_sim.profiles.calibration.contention import DATASET_MODELS
from gogh_sim.profiles.calibration.pairs import fit_contention, gavel_pairs
from gogh_sim.profiles.calibration.sources import read_table
from gogh_sim.profiles.load import shipped_folder
from gogh_sim.profiles.profile import Source
from gogh_sim.profiles.tables import Tables, read_tables, write_tables

GPU_TYPES = ("V100", "P100", "K80")

_OTHER_CARDS: dict[str, dict[str, Any]] = {
    # Datasheets; memory as nvidia-smi reports it (16280 MiB); idle: constants of the PWR simulator and, with a
    # context, the lowest draw of Zeus' P100 runs.
    "P100": {
        "variant": "P100-PCIE-16GB",
        "memory_gib": 15.9,
        "tdp_w": 250.0,
        "fp32_tflops": 9.3,
        "fp16_tflops": 18.7,
        "bandwidth_gbps": 732.0,
        "idle_bare_w": 25.0,
        "idle_context_w": 30.0,
    },
    # Half a board (two GPUs of 12 GB, 300 W together). ResNet-50 at 128 ran alone on it, so its footprint must fit.
    # Idle is assumed.
    "K80": {
        "variant": "K80",
        "memory_gib": 12.81,
        "tdp_w": 150.0,
        "fp32_tflops": 4.37,
        "fp16_tflops": 4.37,
        "bandwidth_gbps": 240.0,
        "idle_bare_w": 26.0,
        "idle_context_w": 35.0,
    },
}


def calibrate_gavel(data: Path, out: Path) -> None:
    """Write the tables of the Gavel profile into `out`; ``load(str(out))`` reads them.

    Raises
    ------
    InputError
        If the data folder lacks one of Gavel's tables.
    """
    write_tables(vars(gavel_tables(data)), out)


def gavel_tables(data: Path) -> Tables:
    """Tables of the Gavel profile; workloads are named as in the calibrated one."""
    shipped = read_tables(shipped_folder("calibrated"))
    solo = _solo(data, shipped)
    names = sorted(set(solo["workload"]), key=shipped.workload_names.index)
    workloads = shipped.workloads.set_index("workload").loc[names].reset_index()
    return Tables(
        gpu_types=_gpu_types(shipped),
        workloads=workloads,
        solo=solo,
        interference=pd.concat([_strains(data, gpu) for gpu in GPU_TYPES], ignore_index=True),
        pairs=_pairs(data),
    )


def workload_of(job: str) -> str:
    """Our name of one of Gavel's, written ``ResNet-18 (batch size 16)`` or ``ResNet-18/16``."""
    model, _, batch = job.replace(" (batch size ", "/").rstrip(")").partition("/")
    return f"{DATASET_MODELS['gavel'][model]}-b{batch or 1}"


def _gpu_types(shipped: Tables) -> pd.DataFrame:
    v100 = shipped.gpu_types[shipped.gpu_types["gpu_type"] == "V100"]
    others = [
        v100.assign(gpu_type=name, memory_source="nvidia-smi", alpha_source="transferred", **facts)
        for name, facts in _OTHER_CARDS.items()
    ]
    return pd.concat([v100, *others], ignore_index=True)


def _solo(data: Path, shipped: Tables) -> pd.DataFrame:
    table = read_table(data, "throughput/gavel_solo.csv")
    table = table[(table["source"] == "gavel_sim") & (table["scale_factor"] == 1) & (table["steps_per_s"] > 0)]
    workload = table["job_type"].map(workload_of)
    v100 = shipped.solo[shipped.solo["gpu_type"] == "V100"].set_index("workload")
    cards = _gpu_types(shipped).set_index("gpu_type")
    gpu_type = table["gpu_type"].str.upper()
    headroom = (cards["tdp_w"] - cards["idle_context_w"]).astype(float)
    share = workload.map(v100["dyn_w"]) / headroom["V100"] * gpu_type.map(_share_over_v100(data))
    return pd.DataFrame(
        {
            "workload": workload,
            "gpu_type": gpu_type,
            "host_ms": 0.0,
            "gpu_ms": 1e3 / table["steps_per_s"],
            "tag": Source.MEASURED.value,
            "dyn_w": gpu_type.map(headroom) * share,
            "power_tag": Source.TRANSFERRED.value,
            "power_source": "share of headroom on V100, scaled as Zeus' training runs are",
        }
    ).sort_values(["workload", "gpu_type"], ignore_index=True)


def _share_over_v100(data: Path) -> dict[str, float]:
    """Share of headroom in use over V100's, mean of the Zeus training runs made on both; K80 taken as P100."""
    table = read_table(data, "power/workload_power_profiles.csv")
    share = table[table["phase"] == "training"].pivot_table(index="workload", columns="gpu", values="dyn_frac")
    both = share[["P100-PCIE", "V100-PCIE"]].dropna().mean()
    ratio = float(both["P100-PCIE"] / both["V100-PCIE"])
    return {"V100": 1.0, "P100": ratio, "K80": ratio}


def _strains(data: Path, gpu_type: str) -> pd.DataFrame:
    """s and i per job on one type; a job that never ran beside another there is given the others' means."""
    fit = fit_contention(gavel_pairs(data, gpu_type.lower()))
    found = pd.DataFrame(
        {
            "workload": [workload_of(job) for job in fit.jobs],
            "sensitivity": fit.sensitivity,
            "intensity": fit.intensity,
            "tag": Source.FITTED.value,
        }
    ).set_index("workload")
    everyone = sorted(workload_of(job) for job in gavel_pairs(data, "v100").jobs)
    missing = [name for name in everyone if name not in found.index]
    means = np.exp(np.log(found[["sensitivity", "intensity"]]).mean())
    fill = pd.DataFrame({**means.to_dict(), "tag": Source.ASSUMED.value}, index=missing)
    whole = pd.concat([found, fill]) if missing else found
    whole = whole.rename_axis("workload").reset_index()
    return whole.assign(gpu_type=gpu_type, source=f"pairs of gavel on {gpu_type}")


def _pairs(data: Path) -> pd.DataFrame:
    rows = []
    for gpu_type in GPU_TYPES:
        pairs = gavel_pairs(data, gpu_type.lower())
        names = np.array([workload_of(job) for job in pairs.jobs])
        columns = {"workload": names[pairs.victim], "partner": names[pairs.partner], "norm": pairs.norm}
        rows.append(pd.DataFrame({"gpu_type": gpu_type, **columns, "source": "gavel"}))
    table = pd.concat(rows, ignore_index=True)
    return table[table["norm"] > 0].sort_values(["gpu_type", "workload", "partner"], ignore_index=True)
