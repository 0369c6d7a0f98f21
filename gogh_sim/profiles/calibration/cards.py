"""GPU types of the shipped profile: which card stands for each, and where each of its numbers comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gogh_sim.profiles.calibration.sources import read_table


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU type: its card, its key in the power parameters, and facts that no table of the data folder holds.

    `memory_gib` is what nvidia-smi reports as total. `host_item` names the node model in the power parameters.
    """

    variant: str
    power_key: str
    memory_gib: float
    memory_source: str
    host_item: str
    host_tag: str


CARDS: Mapping[str, Card] = {
    "V100": Card(
        *("V100-SXM2-16GB", "V100-SXM2", 15.78, "nvidia-smi: 16160 MiB"),
        *("8x V100 node (estimate, as A100-PCIe)", "transferred"),
    ),
    "A100": Card(
        *("A100-SXM4-40GB", "A100-SXM4-40GB", 39.59, "nvidia-smi: 40537 MiB"),
        *("8x A100-SXM4 DGX", "fitted"),
    ),
    "H100": Card(
        *("H100-SXM5-80GB", "H100-SXM5-80GB", 79.65, "nvidia-smi: 81559 MiB"),
        *("8x H100-SXM5 immersion (estimate)", "assumed"),
    ),
    "T4": Card(
        *("T4", "T4", 14.76, "nvidia-smi: 15109 MiB with ECC"),
        *("4x T4 XE2420 (estimate; 390 idle, 490 loaded)", "assumed"),
    ),
}

OFF_W = 10.0
"""Watts of a node that is off but can be woken: its management controller; assumed, 5 to 15 W is usual."""

BETA = ("colocation beta training", "assumed")
"""Parameter that sets beta; a compromise over proxy fits, to be swept from 0.3 to 0.8."""


def gpu_table(data: Path, spread: Mapping[str, float]) -> pd.DataFrame:
    """One row per GPU type with units in the names and a source beside each group of numbers."""
    specs = read_table(data, "power/gpu_specs.csv").set_index("variant").to_dict("index")
    parameters = read_table(data, "power/power_model_parameters.csv")
    keys = zip(parameters["gpu"], parameters["parameter"], strict=True)
    found = dict(zip(keys, zip(parameters["value"].astype(float), parameters["basis"], strict=True), strict=True))
    rows = []
    for name, card in CARDS.items():
        spec = specs[card.variant]
        alpha, gamma = found[card.power_key, "alpha_train"], found[card.power_key, "gamma_cap"]
        idle = found[card.power_key, "idle_context"]
        rows.append(
            {
                "gpu_type": name,
                "variant": card.variant,
                "memory_gib": card.memory_gib,
                "memory_source": card.memory_source,
                "tdp_w": float(spec["tdp_w"]),
                "fp32_tflops": float(spec["fp32_tflops"]),
                "fp16_tflops": float(spec["fp16_tensor_tflops"]),
                "bandwidth_gbps": float(spec["mem_bw_gbps"]),
                "spec_source": "datasheet",
                "idle_bare_w": found[card.power_key, "idle_bare"][0],
                "idle_context_w": idle[0],
                "idle_source": "measured" if idle[1].startswith("measured") else "assumed",
                "host_base_w": found["node", f"host_base {card.host_item}"][0],
                "host_slope": found["node", f"host_slope {card.host_item}"][0],
                "host_off_w": OFF_W,
                "host_source": card.host_tag,
                "alpha": alpha[0],
                "alpha_source": "fitted" if alpha[1] == "fit" else "transferred",
                "gamma": gamma[0],
                "gamma_source": "fitted" if gamma[1] == "fit" else "transferred",
                "beta": found["any", BETA[0]][0],
                "beta_source": BETA[1],
                "interference_spread": spread[name],
            }
        )
    return pd.DataFrame(rows)
