"""Power at full load of every class of work on every GPU type, as a share of the card's headroom.

Headroom is TDP less idle-with-context. A workload that keeps the GPU busy only part of its step draws
``share * headroom * busy^alpha``, the same concave law that holds for load.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gogh_sim.profiles.calibration.sources import read_table
from gogh_sim.profiles.profile import Source

MEASURED_AS: Mapping[str, str] = {
    "cnn": "imagenet/resnet50",
    "cnn_small": "cifar100/shufflenetv2",
    "transformer": "bert_base_uncased",
    "speech": "librispeech/deepspeech2",
    "recsys_loader": "movielens-1m/ncf",
}
"""Class of work: which Zeus training runs measure it."""

H100_MEASURED_AS: Mapping[str, str] = {"cnn": "/resnet ", "transformer": "/bert ", "recsys_gpu": "/dlrm"}
"""Class of work: which MLPerf training runs tell it on H100, from node power less the host's share."""

STANDS_FOR: Mapping[str, str] = {"rl": "cnn_small", "recsys_gpu": "cnn", "llm_prefill": "transformer"}
"""Classes without power measurements and the class taken for them; assumed."""


@dataclass(frozen=True, slots=True)
class Share:
    """Share of headroom in use at full load, in [0, 1]."""

    value: float
    tag: Source
    source: str


def shares(data: Path) -> dict[tuple[str, str], Share]:
    """Share per (class, GPU type) on V100, A100, H100 and T4."""
    table = read_table(data, "power/workload_power_profiles.csv")

    def mean(gpus: list[str], workload: str) -> float:
        rows = table[table["gpu"].isin(gpus) & table["workload"].str.contains(workload, regex=False)]
        return float(rows.loc[rows["phase"] == "training", "dyn_frac"].mean())

    found: dict[tuple[str, str], Share] = {}
    for kind, workload in MEASURED_AS.items():
        v100, others = mean(["V100-PCIE"], workload), mean(["V100-PCIE", "A40", "RTX6000"], workload)
        found[kind, "V100"] = Share(v100, Source.TRANSFERRED, f"Zeus {workload} on V100-PCIE")
        found[kind, "A100"] = Share(others, Source.TRANSFERRED, f"Zeus {workload} on V100, A40 and RTX 6000")
        on_t4 = mean(["T4"], workload)
        if not pd.isna(on_t4):
            found[kind, "T4"] = Share(on_t4, Source.FITTED, f"Zeus {workload} on T4")
        if kind in H100_MEASURED_AS:
            value = mean(["H100-SXM5-80GB"], H100_MEASURED_AS[kind])
            found[kind, "H100"] = Share(value, Source.FITTED, "MLPerf training v4.0 node power")
    t4_over_v100 = found["cnn", "T4"].value / found["cnn", "V100"].value
    h100_over_a100 = found["cnn", "H100"].value / found["cnn", "A100"].value
    for kind in MEASURED_AS:
        scaled = {"T4": ("V100", t4_over_v100), "H100": ("A100", h100_over_a100)}
        for gpu, (base, ratio) in scaled.items():
            value = min(1.0, found[kind, base].value * ratio)
            found.setdefault((kind, gpu), Share(value, Source.TRANSFERRED, f"{base} share, scaled as ResNet-50 is"))
    found["recsys_gpu", "H100"] = Share(
        mean(["H100-SXM5-80GB"], H100_MEASURED_AS["recsys_gpu"]), Source.FITTED, "MLPerf training v4.0 node power"
    )
    for kind, other in STANDS_FOR.items():
        for gpu in ("V100", "A100", "H100", "T4"):
            found.setdefault((kind, gpu), Share(found[other, gpu].value, Source.ASSUMED, f"taken as {other}"))
    return found | _decode_shares(data, t4_over_v100)


def _decode_shares(data: Path, t4_over_v100: float) -> dict[tuple[str, str], Share]:
    table = read_table(data, "power/power_model_parameters.csv").set_index("parameter")["value"]
    a100, h100 = (float(table[f"dyn_frac llm_decode_inference_{gpu}"]) for gpu in ("A100", "H100"))
    return {
        ("llm_decode", "A100"): Share(a100, Source.FITTED, "ML.ENERGY, median over models"),
        ("llm_decode", "H100"): Share(h100, Source.FITTED, "ML.ENERGY, median over models"),
        ("llm_decode", "V100"): Share(a100, Source.TRANSFERRED, "A100 share"),
        ("llm_decode", "T4"): Share(
            min(1.0, a100 * t4_over_v100), Source.TRANSFERRED, "A100 share, scaled as ResNet-50"
        ),
    }
