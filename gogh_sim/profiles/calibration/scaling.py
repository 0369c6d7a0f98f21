"""Gang scaling: seconds that synchronising a gradient adds to a step, by gang size and nodes spanned.

Both coefficients are medians over measured gangs, since cloud gangs scatter widely: slowdown over one GPU at the same
batch per GPU, divided by the doublings and by the gradient's MiB per second of a step alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gogh_sim.profiles.calibration.models import ModelFacts
from gogh_sim.profiles.calibration.sources import read_table

NODE_GANGS: Mapping[str, tuple[str, str, str, float]] = {
    "gnmt": ("Translation/GNMT", "", "128", 50.0),
    "jasper": ("SpeechRecognition/Jasper", "", "16", 1.0),
    "ssd300": ("Detection/SSD", "", "32", 1.0),
    "transformer-xl": ("LanguageModeling/Transformer-XL", "Base model", "32", 192.0),
    "electra-base": ("LanguageModeling/ELECTRA", "Sequence length=384", "16", 1.0),
    "unet-medical": ("Segmentation/UNet_Medical", "", "8", 1.0),
}
"""Model: its mixed-precision rows on 1 and 8 V100 of one node (name, variant, batch, table units per sample)."""

SIA_GRADIENT_MIB: Mapping[str, float] = {"bert": 420.0, "imagenet": 98.0, "cifar10": 43.0, "deepspeech2": 198.0}
"""fp32 gradients of BERT-base, ResNet-50, ResNet-18 and DeepSpeech2; NCF and YOLOv3 are left out as anomalous."""


@dataclass(frozen=True, slots=True)
class SyncCost:
    """Seconds per MiB of gradient added by each doubling of the gang, and of the nodes it spans."""

    local_s_per_mib: float
    remote_s_per_mib: float
    local_points: int
    remote_points: int


def fit_sync(data: Path, models: Mapping[str, ModelFacts]) -> SyncCost:
    """Local cost from 8-GPU nodes with NVLink (NVIDIA tables), remote cost from Sia's V100 gangs across nodes."""
    local = _local_costs(data, models)
    remote = _remote_costs(data, float(np.median(local)))
    return SyncCost(float(np.median(local)), float(np.median(remote)), len(local), len(remote))


def _local_costs(data: Path, models: Mapping[str, ModelFacts]) -> list[float]:
    table = read_table(data, "throughput/cross_gpu_throughput.csv").fillna({"variant": ""})
    keep = (table["source"] == "nvidia_dle") & (table["task"] == "training") & (table["precision"] == "fp16")
    table = table[keep & (table["gpu_type"] == "V100")]
    costs = []
    for model, (key, variant, batch, units) in sorted(NODE_GANGS.items()):
        rows = table[(table["model"] == key) & (table["variant"] == variant) & (table["batch"] == batch)]
        by_size = rows.groupby("n_gpus")["throughput"].median()
        slowdown = 8.0 * float(by_size[1]) / float(by_size[8]) - 1.0
        step_s = float(batch) * units / float(by_size[1])
        costs.append(slowdown * step_s / (3.0 * models[model].gradient_mib))
    return costs


def _remote_costs(data: Path, local: float) -> list[float]:
    table = read_table(data, "throughput/sia_step_times.csv")
    table = table[table["model"].isin(SIA_GRADIENT_MIB) & (table["gpu_type"] == "V100")]
    cells = ["model", "local_batch"]
    steps = table.groupby([*cells, "n_gpus", "n_nodes"], as_index=False)["step_time_s"].mean()
    alone = steps[steps["n_gpus"] == 1].set_index(cells)["step_time_s"].rename("alone_s")
    gangs = steps[steps["n_nodes"] > 1].join(alone, on=cells, how="inner")
    added_s = gangs["step_time_s"] - gangs["alone_s"]
    per_mib = added_s / gangs["model"].map(SIA_GRADIENT_MIB) - local * np.log2(gangs["n_gpus"])
    return [float(x) for x in per_mib / np.log2(gangs["n_nodes"])]
