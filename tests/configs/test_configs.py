"""Every shipped configuration composes, resolves and builds what it names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gogh_sim import profiles, resources
from gogh_sim.cli.composition import composed, without_hydra
from gogh_sim.cli.policy import make_policy
from gogh_sim.cli.schema import plain
from gogh_sim.experiment import engine_settings
from gogh_sim.metrics.site import Site
from gogh_sim.policy import Beliefs, PolicyContext, Scheduler
from gogh_sim.scenario import build_cluster
from gogh_sim.traces import FORMATS, STYLES, generate

REPOSITORY = Path(__file__).resolve().parents[2]
CHOICES = sorted(
    (file.parent.name, file.stem) for file in resources.configs().glob("*/*.yaml") if not file.stem.startswith("_")
)

WITHIN_SCHEDULER = ("estimator", "exploration")
"""Groups of which a scheduler's configuration takes a choice."""


def choices(group: str) -> list[str]:
    return [name for other, name in CHOICES if other == group]


def config_of(*overrides: str) -> dict:
    return plain(without_hydra(composed(overrides)))


def needed(group: str, name: str) -> list[str]:
    """What a choice cannot do without."""
    if group == "trace" and name not in STYLES:
        return ["trace.path=given.csv"]
    if (group, name) == ("engine", "rounds"):
        return ["trace.path=given.trace", "trace.throughputs=given.json", "scheduler=gavel_max_min"]
    return []


class NoTruth:
    """A source that must not be asked while a policy is only being built."""

    def beliefs(self, jobs: list) -> Beliefs:
        raise AssertionError("asked while building")


@pytest.mark.parametrize(("group", "name"), [choice for choice in CHOICES if choice[0] not in WITHIN_SCHEDULER])
def test_every_choice_composes_and_resolves(group: str, name: str) -> None:
    config = config_of(f"{group}={name}", *needed(group, name))
    if group == "experiment":
        assert config["experiment"] == name
    else:
        assert config[group].get("name", name) == name


@pytest.mark.parametrize("name", choices("trace"))
def test_every_trace_has_a_known_format_or_style(name: str) -> None:
    config = config_of(f"trace={name}", *([] if name in STYLES else ["trace.path=given.csv"]))["trace"]
    assert config["format"] in (STYLES if config["path"] is None else FORMATS)
    assert sum(c["share"] for c in config["sla"]["classes"]) == pytest.approx(1.0)
    known = {t.name for t in profiles.load().gpu_types}
    assert set(config["gpu_models"].values()) <= known


@pytest.mark.parametrize("name", [n for n in choices("trace") if n.endswith("_sample")])
def test_sample_traces_are_found_from_any_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Path(config_of(f"trace={name}")["trace"]["path"]).is_file()


# gavel108 has the GPU types of profile=gavel, which is made from public data: tests/cli/test_gavel_profile.py.
@pytest.mark.parametrize("name", [n for n in choices("cluster") if n not in ("from_trace", "gavel108")])
def test_every_cluster_builds(name: str) -> None:
    trace = generate("philly_style", 2, np.random.default_rng(0))
    cluster = build_cluster(config_of(f"cluster={name}")["cluster"], profiles.load(), trace)
    assert cluster.num_gpus > 0


def test_hetero64_has_sixteen_gpus_of_each_type() -> None:
    trace = generate("philly_style", 2, np.random.default_rng(0))
    cluster = build_cluster(config_of("cluster=hetero64")["cluster"], profiles.load(), trace)
    count = dict(zip(cluster.type_names, cluster.gpus_per_type.tolist(), strict=True))
    assert count == {"V100": 16, "A100": 16, "H100": 16, "T4": 16}
    assert sorted(node.num_gpus for node in cluster.nodes) == [4] * 8 + [8] * 4


@pytest.mark.parametrize("name", choices("engine"))
def test_every_engine_builds(name: str) -> None:
    assert engine_settings(config_of(f"engine={name}", *needed("engine", name))).round_s > 0


@pytest.mark.parametrize("name", choices("power"))
def test_every_power_configuration_builds(name: str) -> None:
    config = config_of(f"power={name}")
    power = config["power"]
    assert Site.of(power["pue"], power["carbon_g_per_kwh"], power["price_usd_per_kwh"]).pue.values[0] >= 1
    assert engine_settings(config).gating.idle_s == power["gating"]["idle_s"]


@pytest.mark.parametrize("name", choices("scheduler"))
def test_every_scheduler_builds(name: str) -> None:
    config = config_of(f"scheduler={name}")
    profile = profiles.load()
    cluster = build_cluster(config["cluster"], profile, generate("philly_style", 2, np.random.default_rng(0)))
    context = PolicyContext(cluster, {w.name: w for w in profile.workloads}, np.random.default_rng(0))
    policy: Scheduler = make_policy(config["scheduler"], context, NoTruth())
    assert callable(policy.decide)


def test_philly_comes_with_a_cluster_for_its_largest_gangs_unless_one_is_named() -> None:
    assert config_of("trace=philly", "trace.path=list.csv")["cluster"]["name"] == "hetero512"
    assert config_of("trace=philly", "trace.path=list.csv", "cluster=hetero64")["cluster"]["name"] == "hetero64"


def test_openb_brings_its_own_nodes_unless_a_cluster_is_named() -> None:
    given = ("trace=openb", "trace.path=pods.csv", "trace.nodes=nodes.csv")
    assert config_of(*given)["cluster"]["nodes"] == "from_trace"
    assert config_of(*given, "cluster=hetero64")["cluster"]["name"] == "hetero64"
    assert config_of("trace=alibaba_sample")["cluster"]["name"] == "hetero64"


def test_an_installed_package_finds_configs_and_traces_inside_itself(tmp_path: Path) -> None:
    package = tmp_path / "gogh_sim"
    shutil.copytree(REPOSITORY / "gogh_sim", package, ignore=shutil.ignore_patterns("__pycache__"))
    # What the wheel's force-include does.
    shutil.copytree(REPOSITORY / "configs", package / "configs")
    shutil.copytree(REPOSITORY / "traces", package / "sample_traces")
    asked = "from gogh_sim import resources as r; print(r.configs()); print(r.sample_traces())"
    done = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(package / "configs"), str(package / "sample_traces")]
