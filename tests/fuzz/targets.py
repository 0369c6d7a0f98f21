"""What is fuzzed: every reader of a user's file, as a function of the file's bytes, with a file to begin from.

A target returns, or raises `InputError`; whatever else it raises is a finding. `explore.py` drives them by coverage,
`test_targets.py` by structure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from request_samples import SAMPLES as REQUESTS
from trace_samples import SAMPLES as TRACES

from gogh_sim import profiles
from gogh_sim.estimators import weights
from gogh_sim.metrics.results import load_summary
from gogh_sim.profiles.gpu_spec import read_gpu_spec
from gogh_sim.profiles.load import build
from gogh_sim.profiles.named import tables_of
from gogh_sim.profiles.new_gpu import add_gpu
from gogh_sim.profiles.new_workloads import read_workload_facts, with_workloads
from gogh_sim.profiles.own import read_measurements, with_measurements
from gogh_sim.profiles.tables import Tables, write_tables
from gogh_sim.rounds.replay import read_rates
from gogh_sim.traces import Sources, formats, requests

GPU_SPEC = """\
gpu_type: L40S
variant: L40S-PCIE-48GB
memory_gib: 44.99
tdp_w: 350
fp32_tflops: 91.6
fp16_tflops: 362
bandwidth_gbps: 864
idle_bare_w: 24
idle_context_w: 70
host_base_w: 315
host_slope: 1.129
measured:
  - {workload: WORKLOAD, rate_per_s: 9.1, power_w: 310}
"""
MEASUREMENTS = """\
# of one evening
kind,gpu_type,workload,partner,rate_per_s,power_w,memory_gib
solo,T4,WORKLOAD,,20.5,65,2.5
pair,T4,WORKLOAD,WORKLOAD,9,,
idle_bare,T4,,,,9.5,
"""
FACTS = """\
workload,model,family,task,kind,batch_size,parameters_m,gflop_per_sample,memory_gib,relative
mine,MyNet,MyNets,image classification,training,32,25.6,12.3,4.5,WORKLOAD
"""
OWN_OF_FACTS = b"kind,gpu_type,workload,partner,rate_per_s,power_w,memory_gib\nsolo,V100,mine,,7.5,200,4.5\n"
SUMMARY = {"scheduler": "fifo", "seed": 1, "trace": "t", "cluster": "c", "profile": "p", "node_energy_kwh": 1.5}


class Target(NamedTuple):
    """A reader, given the bytes of its file and a folder to put that in; and a file that it takes."""

    read: Callable[[bytes, Path], object]
    seed: bytes


def _put(content: bytes, path: Path) -> Path:
    path.write_bytes(content)
    return path


def _requests(form: str, content: bytes, folder: Path) -> object:
    path = _put(content, folder / "requests")
    requests.guess(path)
    requests.check(form, path)
    return requests.read(form, path)


def _trace(sample: str, content: bytes, folder: Path) -> object:
    sources = TRACES[sample].put(folder)
    path, form = _put(content, folder / "trace"), TRACES[sample].format
    formats.guess(path)
    formats.check(form, Sources(path, None, sources.throughputs))
    return formats.read(form, path, throughputs=sources.throughputs)


@cache
def _tables() -> Tables:
    """The shipped profile, cut to few workloads so that reading it is quick."""
    whole = tables_of("calibrated")
    few = whole.workload_names[:3]
    cut = {name: table[table["workload"].isin(few)] for name, table in vars(whole).items() if name != "gpu_types"}
    return Tables(gpu_types=whole.gpu_types, **{name: table.reset_index(drop=True) for name, table in cut.items()})


def _profile(table: str, content: bytes, folder: Path) -> object:
    write_tables(vars(_tables()), folder)
    _put(content, folder / f"{table}.csv")
    return profiles.load(str(folder))


@cache
def _table_text(table: str) -> bytes:
    return getattr(_tables(), table).to_csv(index=False).encode()


def _gpu_spec(content: bytes, folder: Path) -> object:
    return build(add_gpu(_tables(), read_gpu_spec(_put(content, folder / "type.yaml"))), "grown")


def _measurements(content: bytes, folder: Path) -> object:
    return build(with_measurements(_tables(), read_measurements(_put(content, folder / "own.csv"))), "own")


def _facts(content: bytes, folder: Path) -> object:
    facts = read_workload_facts(_put(content, folder / "facts.csv"))
    own = read_measurements(_put(OWN_OF_FACTS, folder / "own.csv"))
    return build(with_workloads(_tables(), facts, own), "grown")


def _of_shipped(text: str) -> bytes:
    return text.replace("WORKLOAD", _tables().workload_names[0]).encode()


def _weights(content: bytes, folder: Path) -> object:
    return weights.load(_put(content, folder / "weights.pt"))


def _rates(content: bytes, folder: Path) -> object:
    return read_rates(_put(content, folder / "rates.json"))


def _summary(content: bytes, folder: Path) -> object:
    _put(content, folder / "summary.json")
    return load_summary(folder)


@cache
def targets() -> Mapping[str, Target]:
    """Every target by name; `requests.*`, `traces.*` and `profile.*` are one for each format or table."""
    shipped = resources.files("gogh_sim.estimators") / "shipped" / "calibrated.pt"
    found = {f"requests.{form}": Target(partial(_requests, form), text.encode()) for form, text in REQUESTS.items()}
    found |= {f"traces.{name}": Target(partial(_trace, name), one.text.encode()) for name, one in TRACES.items()}
    found |= {f"profile.{name}": Target(partial(_profile, name), _table_text(name)) for name in vars(_tables())}
    return found | {
        "gpu_spec": Target(_gpu_spec, _of_shipped(GPU_SPEC)),
        "measurements": Target(_measurements, _of_shipped(MEASUREMENTS)),
        "workload_facts": Target(_facts, _of_shipped(FACTS)),
        "weights": Target(_weights, shipped.read_bytes()),
        "rates": Target(_rates, json.dumps({"v100": {"('A3C', 1)": {"null": 2.0}}, "p100": {}, "k80": {}}).encode()),
        "summary": Target(_summary, json.dumps(SUMMARY).encode()),
    }
