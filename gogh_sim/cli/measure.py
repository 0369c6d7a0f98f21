"""`gogh-sim measure`: rates, slowdowns and watts of this machine, for `gogh-sim calibrate --own`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from gogh_sim.cli.parser import Parser
from gogh_sim.errors import InputError
from gogh_sim.measure import PROBES, Campaign, Size, measure, write_measurements
from gogh_sim.measure.campaign import all_pairs
from gogh_sim.measure.meter import Meter, NoMeter
from gogh_sim.measure.nvml import NvmlMeter
from gogh_sim.measure.probes import check_device, versions
from gogh_sim.profiles.folder import writable

_EPILOG = """\
examples:
  gogh-sim measure --gpu-type H100 --out rates                     every probe alone and in pairs; about 25 minutes
  gogh-sim measure --gpu-type H100 --out rates --no-pairs --seconds 5
  gogh-sim measure --gpu-type CPU --device cpu --size tiny --seconds 1 --out rates        to see it work
  gogh-sim calibrate --own rates/measurements.csv --workloads rates/workloads.csv --out mine

The GPU must be free. For a type that no profile has, `gogh-sim add-gpu` comes first.
"""


def main(arguments: Sequence[str]) -> None:
    """Measure, and name the files written."""
    given = _parser().parse_args(arguments)
    workloads = tuple(given.workloads or [p.workload(batch) for p in PROBES.values() for batch in p.batches])
    campaign = Campaign(
        gpu_type=given.gpu_type,
        device=given.device,
        workloads=workloads,
        pairs=() if given.no_pairs else _pairs(given.pairs, workloads),
        size=Size(given.size),
        seconds=given.seconds,
        warmup_s=given.warmup,
        settle_s=given.settle,
    )
    out = writable(given.out)
    check_device(given.device)
    meter = _meter(given)
    described = {**versions(given.device), **meter.describe(), "date": datetime.now(UTC).date().isoformat()}
    found = measure(campaign, meter, tell=lambda line: print(line, flush=True))
    files = write_measurements(campaign, found, described, out)
    print(f"written: {', '.join(str(file) for file in files)}")


def _parser() -> Parser:
    parser = Parser(prog="gogh-sim measure", description="Time and meter torch workloads.", epilog=_EPILOG)
    parser.add_argument("--gpu-type", required=True, metavar="NAME", help="name of this GPU's type in the profile")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write the files into")
    parser.add_argument("--device", default="cuda:0", help="device of torch (default: %(default)s)")
    parser.add_argument("--meter", choices=("nvml", "none"), help="default: nvml on CUDA devices, none elsewhere")
    parser.add_argument("--gpu-index", type=int, default=0, help="index of the GPU for NVML, as nvidia-smi has it")
    parser.add_argument("--workloads", nargs="+", metavar="NAME", help="e.g. probe-attention-b8; default: all probes")
    pairs = parser.add_mutually_exclusive_group()
    pairs.add_argument("--pairs", nargs="+", metavar="A:B", help="workloads to run together (default: every pair)")
    pairs.add_argument("--no-pairs", action="store_true", help="measure each workload alone only")
    parser.add_argument("--size", choices=[size.value for size in Size], default=Size.FULL.value)
    parser.add_argument("--seconds", type=float, default=10.0, help="of measuring each trial (default: %(default)g)")
    parser.add_argument("--warmup", type=float, default=3.0, help="seconds before each probe counts")
    parser.add_argument("--settle", type=float, default=1.0, help="seconds that probes run together before they count")
    return parser


def _pairs(named: Sequence[str] | None, workloads: Sequence[str]) -> tuple[tuple[str, str], ...]:
    if named is None:
        return all_pairs(workloads)
    split = [tuple(pair.split(":")) for pair in named]
    wrong = [pair for pair, parts in zip(named, split, strict=True) if len(parts) != 2]
    if wrong:
        raise InputError(f"--pairs: expected A:B, two workloads with a colon between, found {wrong[0]!r}")
    return tuple((parts[0], parts[1]) for parts in split)


def _meter(given: Namespace) -> Meter:
    if given.meter == "nvml" and not given.device.startswith("cuda"):
        raise InputError(f"--meter nvml meters NVIDIA GPUs; device {given.device} is none")
    chosen = given.meter or ("nvml" if given.device.startswith("cuda") else "none")
    return NvmlMeter(given.gpu_index) if chosen == "nvml" else NoMeter()
