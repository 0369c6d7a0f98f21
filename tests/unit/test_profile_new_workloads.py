"""Workloads that no table has, from facts and measurements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gogh_sim.errors import InputError
from gogh_sim.profiles.load import build, shipped_folder
from gogh_sim.profiles.new_workloads import FACT_COLUMNS, read_workload_facts, with_workloads
from gogh_sim.profiles.own import COLUMNS, read_measurements, with_measurements
from gogh_sim.profiles.profile import Member, Profile
from gogh_sim.profiles.tables import read_tables

TABLES = read_tables(shipped_folder("calibrated"))
SHIPPED = build(TABLES, "shipped")
FACT = "mine-b4,mine,mine,speech,training,4,12,3,2.5,resnet50-b64"


def written(path: Path, columns: tuple[str, ...], *rows: str) -> Path:
    path.write_text("\n".join([",".join(columns), *rows]) + "\n", encoding="utf-8")
    return path


def profile_of(tmp_path: Path, facts: list[str], own: list[str]) -> Profile:
    told = read_workload_facts(written(tmp_path / "facts.csv", FACT_COLUMNS, *facts))
    measured = read_measurements(written(tmp_path / "own.csv", COLUMNS, *own))
    return build(with_measurements(with_workloads(TABLES, told, measured), measured), "wider")


def test_a_new_workload_follows_its_relative_where_it_was_not_measured(tmp_path: Path) -> None:
    resnet = SHIPPED.workload_index["resnet50-b64"]
    found = profile_of(tmp_path, [FACT], [f"solo,A100,mine-b4,,{2.0 * SHIPPED.solo_rate[resnet, 1]},200,3"])
    mine = found.workload_index["mine-b4"]
    assert found.solo_rate[mine] == pytest.approx(2.0 * SHIPPED.solo_rate[resnet], rel=1e-6)
    assert found.solo_tag[mine].tolist() == ["transferred", "measured", "transferred", "transferred"]
    assert set(found.shared_tag[mine]) == {"assumed"}
    np.testing.assert_array_equal(found.slowdown[:, mine, :-1], SHIPPED.slowdown[:, resnet, :])
    assert found.workloads[mine].memory_gib == 3.0  # as measured, not as stated
    assert found.workloads[mine].batch_size == 4
    a100 = found.gpu_types[1]
    assert found.combine(1, (Member(mine, 1.0),)).power_w == pytest.approx(200.0)
    assert found.dyn_w[mine, 0] == SHIPPED.dyn_w[resnet, 0]
    assert a100.name == "A100"


def test_two_measured_types_are_kept_and_the_rest_lies_between(tmp_path: Path) -> None:
    resnet = SHIPPED.workload_index["resnet50-b64"]
    v100, a100, h100 = SHIPPED.solo_rate[resnet, :3]
    found = profile_of(tmp_path, [FACT], [f"solo,V100,mine-b4,,{v100},,", f"solo,A100,mine-b4,,{4 * a100},,"])
    mine = found.workload_index["mine-b4"]
    assert found.solo_rate[mine, :3] == pytest.approx([v100, 4 * a100, 2 * h100])


def test_shipped_workloads_stay_as_they_are(tmp_path: Path) -> None:
    found = profile_of(tmp_path, [FACT], ["solo,A100,mine-b4,,5,,"])
    np.testing.assert_array_equal(found.solo_rate[:-1], SHIPPED.solo_rate)
    assert [w.name for w in found.workloads[:-1]] == [w.name for w in SHIPPED.workloads]


@pytest.mark.parametrize(
    ("fact", "complaint"),
    [
        (FACT.replace("mine-b4", "a3c-b1"), "line 2, column workload: expected a workload not in the profile"),
        (FACT.replace("resnet50-b64", "nonesuch"), "line 2, column relative: expected a workload of the profile"),
        (FACT.replace("mine-b4", "other-b4"), "line 2, column workload: expected a workload measured alone"),
        (FACT.replace("training", "play"), "line 2, column kind: expected one of"),
        (FACT.replace(",4,", ",4.5,"), "line 2, column batch_size: expected a whole number"),
        (FACT.replace(",12,", ",,"), "line 2, column parameters_m: expected a value"),
        (FACT.replace("2.5", "-1"), "line 2, column memory_gib: expected a positive number"),
        (FACT + "\n" + FACT, "line 3, column workload: expected each workload once"),
    ],
)
def test_bad_facts_are_refused(tmp_path: Path, fact: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        profile_of(tmp_path, [fact], ["solo,A100,mine-b4,,5,,"])


def test_a_file_of_facts_without_a_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a row for each new workload, found none"):
        read_workload_facts(written(tmp_path / "facts.csv", FACT_COLUMNS))
