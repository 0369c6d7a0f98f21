"""Readers of the public tables: each gives step times in one common frame.

The frame has the columns dataset, key, variant, gpu_type, gpu_variant, batch, step_s: seconds of one iteration of
`batch` units on one GPU alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from gogh_sim.errors import InputError

COLUMNS = ("dataset", "key", "variant", "gpu_type", "gpu_variant", "batch", "step_s")
TENSOR_PARALLEL = 2
"""Splitwise rows used: the smallest degree measured on both A100 and H100, where links matter least."""


def read_table(data: Path, name: str) -> pd.DataFrame:
    """One CSV of the data folder; `InputError` where it is missing."""
    path = data / name
    if not path.is_file():
        raise InputError(f"expected the data folder to hold {name}", file=path)
    return pd.read_csv(path)


def step_times(data: Path) -> pd.DataFrame:
    """Every step time of every source, sorted, in the common frame."""
    frames = [reader(data) for reader in _READERS]
    table = pd.concat(frames, ignore_index=True)[list(COLUMNS)]
    table["variant"] = table["variant"].fillna("")
    return table.sort_values(list(COLUMNS), ignore_index=True)


def _gavel(data: Path) -> pd.DataFrame:
    table = read_table(data, "throughput/gavel_solo.csv")
    table = table[(table["source"] == "gavel_sim") & (table["scale_factor"] == 1) & (table["steps_per_s"] > 0)]
    return pd.DataFrame(
        {
            "dataset": "gavel",
            "key": table["model"],
            "variant": "",
            "gpu_type": table["gpu_type"].str.upper(),
            "gpu_variant": table["gpu_type"].map({"v100": "V100-SXM2-16GB", "p100": "P100-PCIE-16GB", "k80": "K80"}),
            "batch": table["batch_size"].fillna(1).replace(0, 1),
            "step_s": 1.0 / table["steps_per_s"],
        }
    )


def _sia(data: Path) -> pd.DataFrame:
    table = read_table(data, "throughput/sia_step_times.csv")
    table = table[table["n_gpus"] == 1]
    variants = {"V100": "V100-SXM2-32GB", "A100": "A100-SXM4-40GB", "T4": "T4"}
    table = table[table["gpu_type"].isin(variants)]
    steps = table.groupby(["model", "gpu_type", "local_batch"], as_index=False)["step_time_s"].mean()
    return pd.DataFrame(
        {
            "dataset": "sia",
            "key": steps["model"],
            "variant": "",
            "gpu_type": steps["gpu_type"],
            "gpu_variant": steps["gpu_type"].map(variants),
            "batch": steps["local_batch"],
            "step_s": steps["step_time_s"],
        }
    )


def _mig(data: Path) -> pd.DataFrame:
    table = read_table(data, "throughput/mig_a100.csv")
    whole = (table["gpc_slices"] == 7) & (table["n_mps_procs"] == 1)
    table = table[whole]
    is_miso_40 = table["gpu_variant"].str.contains("40GB")
    length = table["seq_len"].map(lambda x: "" if pd.isna(x) else f"{x:g}")
    return pd.DataFrame(
        {
            "dataset": "mig",
            "key": table["source"] + "/" + table["model"],
            "variant": length,
            "gpu_type": "A100",
            "gpu_variant": is_miso_40.map({True: "A100-SXM4-40GB", False: "A100-SXM4-80GB"}),
            "batch": table["batch"],
            "step_s": table["latency_ms"] / 1e3,
        }
    )


def _published(data: Path) -> pd.DataFrame:
    """Tables of samples per second; the step time is that of the table's batch, or of one unit where none is given."""
    table = read_table(data, "throughput/cross_gpu_throughput.csv")
    table = table[table["source"].isin(["nvidia_dle", "lambda", "elasticflow"]) & (table["n_gpus"] == 1)]
    table = table[table["throughput"] > 0]
    batch = pd.to_numeric(table["batch"].str.replace("64k", "65536"), errors="coerce").fillna(0)
    detail = table["variant"].where(table["source"] == "nvidia_dle")
    detail = detail.str.replace(r";TF32=.*", "", regex=True)
    inference = (table["source"] == "nvidia_dle") & (table["task"] == "inference")
    return pd.DataFrame(
        {
            "dataset": table["source"].where(~inference, "nvidia_dle_inference"),
            "key": table["model"] + detail.map(lambda x: "" if pd.isna(x) else f"|{x}"),
            "variant": table["precision"],
            "gpu_type": table["gpu_type"],
            "gpu_variant": (table["gpu_type"] + " " + table["gpu_variant"].fillna("")).map(_VARIANTS),
            "batch": batch,
            "step_s": batch.where(batch > 0, 1.0) / table["throughput"],
        }
    )


_VARIANTS = {
    "V100 16GB": "V100-SXM2-16GB",
    "V100 32GB": "V100-SXM2-32GB",
    "V100 SXM2 16GB": "V100-SXM2-16GB",
    "A100 40GB": "A100-SXM4-40GB",
    "A100 40GB SXM": "A100-SXM4-40GB",
    "A100 80GB": "A100-SXM4-80GB",
    "A100 SXM 80GB": "A100-SXM4-80GB",
    "H100 SXM 80GB": "H100-SXM5-80GB",
    "T4 16GB": "T4",
}


def _mlenergy(data: Path) -> pd.DataFrame:
    table = read_table(data, "power/mlenergy_inference_power.csv")
    keep = (table["dataset"] == "v3_2026") & (table["task"] == "lm-arena-chat") & (table["n_gpus"] == 1)
    table = table[keep & (table["gpu"] == "H100-SXM5-80GB") & (table["latency_unit"] == "ITL ms")]
    return pd.DataFrame(
        {
            "dataset": "mlenergy",
            "key": table["model"],
            "variant": "",
            "gpu_type": "H100",
            "gpu_variant": table["gpu"],
            "batch": table["max_batch"].astype(float),
            "step_s": table["latency"].astype(float) / 1e3,
        }
    )


def _splitwise(data: Path) -> pd.DataFrame:
    table = read_table(data, "throughput/splitwise_llm_a100_h100.csv")
    keep = (table["tensor_parallel"] == TENSOR_PARALLEL) & (table["prompt_tokens"] == 512) & (table["batch"] <= 8)
    table = table[keep & table["gpu"].isin(["a100-80gb", "h100-80gb"])]
    variants = {"a100-80gb": "A100-SXM4-80GB", "h100-80gb": "H100-SXM5-80GB"}
    return pd.DataFrame(
        {
            "dataset": "splitwise",
            "key": table["model"],
            "variant": "",
            "gpu_type": table["gpu"].str[:4].str.upper(),
            "gpu_variant": table["gpu"].map(variants),
            "batch": table["batch"],
            "step_s": table["prompt_time_ms"] / 1e3,
        }
    )


def _muri(data: Path) -> pd.DataFrame:
    table = read_table(data, "throughput/muri_v100_stage_times.csv")
    table = table[table["n_gpus"] == 1]
    return pd.DataFrame(
        {
            "dataset": "muri",
            "key": table["model"],
            "variant": "",
            "gpu_type": "V100",
            "gpu_variant": "V100-SXM2-32GB",
            "batch": table["batch_size"],
            "step_s": table["iteration_time_ms"] / 1e3,
        }
    )


_READERS: tuple[Callable[[Path], pd.DataFrame], ...] = (
    _gavel,
    _sia,
    _mig,
    _published,
    _mlenergy,
    _splitwise,
    _muri,
)
