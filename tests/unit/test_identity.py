"""A run's identity: what results follow from changes it, and nothing else does."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from gogh_sim.cli.composition import composed, without_hydra
from gogh_sim.cli.schema import plain
from gogh_sim.identity import content_hash, identity


def config(*overrides: str) -> dict[str, Any]:
    return plain(without_hydra(composed(overrides)))


def test_equal_configurations_have_one_identity_in_whatever_order() -> None:
    one = config("scheduler=gogh")
    other = {key: one[key] for key in reversed(one)}
    assert identity(one) == identity(other) == identity(config("scheduler=gogh"))
    assert len(identity(one)) == 64


@pytest.mark.parametrize(
    "override", ["seed=2", "scheduler=fifo", "engine.round_s=299", "scheduler.demand.margin=0.06", "cluster.theta=1"]
)
def test_whatever_results_follow_from_changes_it(override: str) -> None:
    assert identity(config(override)) != identity(config())


def test_where_results_and_rejected_rows_go_does_not(tmp_path: Path) -> None:
    assert identity(config(f"hydra.run.dir={tmp_path}", "trace.quarantine=a.csv")) == identity(config())


def test_input_files_count_by_what_is_in_them(tmp_path: Path) -> None:
    here = config()
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    for file in (one, other):
        file.write_bytes(Path(here["trace"]["path"]).read_bytes())
    at = {file: identity(config(f"trace.path={file}")) for file in (one, other)}
    assert at[one] == at[other] == identity(here)
    with other.open("a") as file:
        file.write("\n")
    assert identity(config(f"trace.path={other}")) != at[one]


def test_recorded_requests_count_by_what_is_in_them(tmp_path: Path) -> None:
    for name, rate in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).write_text(f"service,time_s,requests_per_s\ns,0,{rate}\n")
    services = ("trace.services.series=requests", "trace.services.count=1")
    found = [identity(config(*services, f"trace.services.path={tmp_path / name}")) for name in "abc"]
    assert found[0] == found[1] != found[2]


def test_a_folder_counts_by_its_files_and_their_names(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "deeper").mkdir(parents=True)
        (tmp_path / name / "deeper" / "x").write_text("1")
    assert content_hash(tmp_path / "a") == content_hash(tmp_path / "b")
    (tmp_path / "b" / "deeper" / "x").rename(tmp_path / "b" / "deeper" / "y")
    assert content_hash(tmp_path / "a") != content_hash(tmp_path / "b")


def test_the_configuration_is_left_as_it_was() -> None:
    one = config("scheduler=gogh")
    before = copy.deepcopy(one)
    identity(one)
    assert one == before
