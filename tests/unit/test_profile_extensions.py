"""New GPU types from one file, and a user's own measurements in place of the shipped numbers."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gogh_sim.errors import InputError
from gogh_sim.profiles import Member, load
from gogh_sim.profiles.gpu_spec import GpuSpec, MeasuredPoint, read_gpu_spec
from gogh_sim.profiles.load import build, shipped_folder
from gogh_sim.profiles.new_gpu import BUSY_EXPONENT, add_gpu
from gogh_sim.profiles.own import COLUMNS, read_measurements, with_measurements
from gogh_sim.profiles.sharing import read_slices, sliced, time_sliced
from gogh_sim.profiles.tables import GPU_FACTS, Tables, read_tables, write_tables

TABLES = read_tables(shipped_folder("calibrated"))
L40S = Path(str(resources.files("gogh_sim.profiles") / "examples" / "l40s.yaml"))


def _without(gpu_type: str) -> Tables:
    return replace(
        TABLES,
        **{
            name: frame[frame["gpu_type"] != gpu_type].reset_index(drop=True)
            for name, frame in (
                ("gpu_types", TABLES.gpu_types),
                ("solo", TABLES.solo),
                ("interference", TABLES.interference),
            )
        },
    )


def _spec_of(gpu_type: str, **changes: object) -> GpuSpec:
    row = TABLES.gpu_types.set_index("gpu_type").loc[gpu_type]
    facts = {name: float(row[name]) for name in (*GPU_FACTS, "host_base_w", "host_slope")}
    return GpuSpec(gpu_type, "again", **facts, **changes)  # type: ignore[arg-type]


def test_the_example_file_gives_a_whole_tagged_type(tmp_path: Path) -> None:
    write_tables(vars(add_gpu(TABLES, read_gpu_spec(L40S))), tmp_path / "wider")
    profile = load(str(tmp_path / "wider"))
    l40s = profile.type_index["L40S"]
    assert len(profile.gpu_types) == 5
    assert profile.gpu_types[l40s].tdp_w == 350.0
    assert set(profile.solo_tag[:, l40s]) == {"datasheet"}
    assert set(profile.shared_tag[:, l40s]) == {"transferred"}
    speed = profile.relative_speed[profile.workload_index["resnet50-b128"]]
    assert speed[profile.type_index["V100"]] < speed[l40s] < speed[profile.type_index["A100"]]
    members = tuple(Member(profile.workload_index[w], 1.0) for w in ("resnet50-b64", "lstm-lm-b20"))
    assert 70.0 < profile.combine(l40s, members).power_w <= 350.0


@pytest.mark.parametrize(("gpu_type", "error"), [("A100", 0.05), ("H100", 0.20), ("T4", 0.30)])
def test_a_known_type_is_found_again_from_its_datasheet(gpu_type: str, error: float) -> None:
    shipped, found = build(TABLES, "x"), build(add_gpu(_without(gpu_type), _spec_of(gpu_type)), "y")
    before = shipped.solo_rate[:, shipped.type_index[gpu_type]]
    after = found.solo_rate[:, found.type_index[gpu_type]]
    assert np.nanmean(np.abs(after / before - 1.0)) < error


def test_one_measured_point_moves_all_others_closer() -> None:
    shipped = build(TABLES, "x")
    t4 = shipped.type_index["T4"]
    names = ("resnet50-b128", "bert-base-b8")
    points = tuple(MeasuredPoint(n, float(shipped.solo_rate[shipped.workload_index[n], t4]), 68.0) for n in names)

    def error(measured: tuple[MeasuredPoint, ...]) -> float:
        found = build(add_gpu(_without("T4"), _spec_of("T4", measured=measured)), "y")
        return float(np.nanmean(np.abs(found.solo_rate[:, -1] / shipped.solo_rate[:, t4] - 1.0)))

    assert error(points) < 0.5 * error(())
    found = build(add_gpu(_without("T4"), _spec_of("T4", measured=points)), "y")
    for name, point in zip(names, points, strict=True):
        w = found.workload_index[name]
        assert found.solo_rate[w, -1] == pytest.approx(point.rate_per_s)
        assert found.source_tag(w, len(found.gpu_types) - 1, shared=False) == "measured"
        assert found.combine(len(found.gpu_types) - 1, (Member(w, 1.0),)).power_w == pytest.approx(68.0)


def test_the_busy_exponent_is_the_fitted_one() -> None:
    errors = pd.read_csv(Path(str(shipped_folder("calibrated") / "errors.csv")))
    fitted = errors[errors["metric"] == "exponent e of i ~ busy^e"]["value"].iloc[0]
    assert pytest.approx(fitted, abs=0.005) == BUSY_EXPONENT


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("tdp_w: 350 ", "tdp_w: high ", "column tdp_w: expected a number of at least 0, found 'high'"),
        ("bandwidth_gbps: 864", "", "column bandwidth_gbps: expected a value of bandwidth_gbps"),
        ("variant:", "colour:", r"found \['colour'\]"),
        ("gpu_type: L40S", "gpu_type: [", "expected YAML"),
    ],
)
def test_a_bad_gpu_file_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    text = L40S.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "gpu.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=complaint):
        read_gpu_spec(path)


def test_a_type_cannot_be_added_twice() -> None:
    with pytest.raises(InputError, match="already in the profile"):
        add_gpu(TABLES, _spec_of("A100"))


def test_a_point_of_an_unknown_workload_is_refused() -> None:
    spec = _spec_of("T4", measured=(MeasuredPoint("nonesuch", 1.0),))
    with pytest.raises(InputError, match="unknown workload 'nonesuch'"):
        add_gpu(_without("T4"), spec)


# --- Own measurements --------------------------------------------------------------------------------------------


def _own(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "own.csv"
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    return path


def test_own_measurements_take_the_place_of_the_tables(tmp_path: Path) -> None:
    path = _own(
        tmp_path,
        "solo,H100,resnet50-b64,,20,,9.5",
        "solo,H100,resnet50-b64,,30,610,",
        "solo,H100,lstm-lm-b20,,100,,",
        "pair,H100,resnet50-b64,lstm-lm-b20,20,,",
        "pair,H100,lstm-lm-b20,resnet50-b64,40,,",
        "idle_context,H100,,,,110,",
    )
    profile = build(with_measurements(TABLES, read_measurements(path)), "own")
    h100 = profile.type_index["H100"]
    resnet, lstm = profile.workload_index["resnet50-b64"], profile.workload_index["lstm-lm-b20"]
    assert profile.solo_rate[resnet, h100] == pytest.approx(25.0)
    assert profile.workloads[resnet].memory_gib == 9.5
    assert profile.combine(h100, (Member(resnet, 1.0),)).power_w == pytest.approx(610.0)
    assert profile.combine(h100, ()).power_w == 110.0
    assert profile.combine(h100, (Member(resnet, 1.0), Member(lstm, 1.0))).norms == pytest.approx((0.8, 0.4))
    assert profile.source_tag(resnet, h100, shared=False) == "measured"
    assert profile.source_tag(resnet, h100, shared=True) == "measured"
    other = profile.workload_index["resnet50-b32"]
    shipped = build(TABLES, "x")
    assert profile.solo_rate[other, h100] == shipped.solo_rate[other, h100]


def test_measured_pairs_survive_writing(tmp_path: Path) -> None:
    path = _own(
        tmp_path,
        "solo,T4,a3c-b1,,5,,",
        "pair,T4,a3c-b1,a3c-b1,4,,",
    )
    write_tables(vars(with_measurements(TABLES, read_measurements(path))), tmp_path / "mine")
    profile = load(str(tmp_path / "mine"))
    member = Member(profile.workload_index["a3c-b1"], 1.0)
    assert profile.combine(profile.type_index["T4"], (member, member)).norms == pytest.approx((0.8, 0.8))


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("solo,H100,resnet50-b64,,fast,,", "line 2, column rate_per_s: expected a positive number, found 'fast'"),
        ("solo,H100,resnet50-b64,,-3,,", "line 2, column rate_per_s: expected a positive number"),
        ("duo,H100,resnet50-b64,,3,,", "line 2, column kind: expected one of"),
        ("solo,H100,,,3,,", "line 2, column workload: expected a value in a row of kind solo"),
        ("solo,H800,resnet50-b64,,3,,", "line 2, column gpu_type: expected a gpu_type of the profile, found 'H800'"),
        ("solo,H100,resnet5,,3,,", "line 2, column workload: expected a workload of the profile"),
        ("solo,H100,resnet50-b64,,3,900,", "line 2, column power_w: expected power between idle and TDP"),
        ("pair,H100,a3c-b1,nonesuch,3,,", "line 2, column partner: expected a workload of the profile"),
        ("pair,H100,a3c-b1,resnet50-b64,1,,", "column partner: expected a second row for the other job"),
        ("pair,H100,a3c-b1,a3c-b1,1000,,", "column rate_per_s: expected at most 1.05 times"),
    ],
)
def test_a_bad_measurement_is_refused(tmp_path: Path, row: str, complaint: str) -> None:
    path = _own(tmp_path, row)
    with pytest.raises(InputError, match=complaint):
        with_measurements(TABLES, read_measurements(path))


def test_a_measurement_file_without_a_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("kind,gpu_type\nsolo,H100\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1: expected columns"):
        read_measurements(path)
    path.write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="expected a CSV"):
        read_measurements(path)
    with pytest.raises(InputError, match="found none"):
        read_measurements(tmp_path / "nonesuch.csv")


# --- Sharing modes -----------------------------------------------------------------------------------------------


def test_time_slicing_gives_busy_jobs_their_turns() -> None:
    profile = build(time_sliced(TABLES), "turns")
    v100 = profile.type_index["V100"]
    busy, idle = profile.workload_index["vgg19-b128"], profile.workload_index["dqn-b128"]
    assert profile.combine(v100, (Member(busy, 1.0), Member(busy, 1.0))).norms == pytest.approx((0.5, 0.5), abs=0.01)
    beside_idle = profile.combine(v100, (Member(busy, 1.0), Member(idle, 1.0))).norms
    assert beside_idle[0] > 0.95
    assert beside_idle[1] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("size", "part"), [("1g.5gb", 1 / 7), ("2g.10gb", 2 / 7), ("3g.20gb", 3 / 7), ("4g.20gb", 4 / 7)]
)
def test_a_slice_gives_about_its_part_of_a_busy_card(size: str, part: float) -> None:
    profile = build(sliced(TABLES, "A100", size, read_slices(shipped_folder("calibrated"))), "mig")
    whole, slice_ = profile.type_index["A100"], profile.type_index[f"A100-{size}"]
    ratio = profile.solo_rate[:, slice_] / profile.solo_rate[:, whole]
    assert ratio[profile.workload_index["bert-large-infer-b8"]] == pytest.approx(part, rel=0.25)
    assert ratio[profile.workload_index["resnet18-b16"]] > 1.5 * part  # held back by the host, so it loses less
    assert np.isnan(profile.solo_rate[profile.workload_index["qwen3-14b-decode-b8"], slice_])
    assert profile.gpu_types[slice_].tdp_w == pytest.approx(400.0 * part)


def test_seven_slices_draw_no_more_than_the_card() -> None:
    profile = build(sliced(TABLES, "A100", "1g.5gb", read_slices(shipped_folder("calibrated"))), "mig")
    slice_ = profile.type_index["A100-1g.5gb"]
    for w in range(len(profile.workloads)):
        assert 7 * profile.combine(slice_, (Member(w, 1.0),)).power_w <= 400.0 + 1e-9


def test_an_unknown_slice_is_refused() -> None:
    with pytest.raises(InputError, match="expected a MIG slice among"):
        sliced(TABLES, "T4", "1g.5gb", read_slices(shipped_folder("calibrated")))
