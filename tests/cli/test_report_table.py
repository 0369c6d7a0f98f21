from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest
from synthetic_runs import save_sweep

from gogh_sim.cli.report import report
from gogh_sim.cli.report_tables import COLUMNS, DIFFERENCES
from gogh_sim.cli.tables import difference_cell, number
from gogh_sim.errors import InputError
from gogh_sim.metrics.comparison import MEASURES

NO_SERVICES = "request_slo_attainment"


@pytest.fixture(scope="module")
def sweep_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sweep")
    save_sweep(directory, ("gogh", "fifo"), seeds=(1, 2), jobs=20)
    summary_file = directory / "3" / "summary.json"
    summary = json.loads(summary_file.read_text())
    told = {"jobs_unfinished": 3, "fallbacks": 2, "trace_rows": 25, "trace_left_out": {"oversize": 1, "CPU only": 4}}
    summary_file.write_text(json.dumps({**summary, **told}))
    return directory


@pytest.fixture(scope="module")
def text(sweep_dir: Path) -> str:
    return report(sweep_dir)


def test_a_row_per_policy_with_every_measure(text: str, sweep_dir: Path) -> None:
    heading, *rows = [line for line in text.splitlines() if line.startswith(("policy", "fifo  ", "gogh  "))][:3]
    # All but that of services, of which these runs have none.
    assert [column.heading in heading for column in COLUMNS] == [c.measure != NO_SERVICES for c in COLUMNS]
    assert [row.split()[0] for row in rows] == ["fifo", "gogh"]
    attained = [json.loads((sweep_dir / n / "summary.json").read_text())["slo_attainment"] for n in ("2", "3")]
    assert number(100 * sum(attained) / 2) in rows[0]
    assert len({len(heading), *map(len, rows)}) == 1


def test_differences_from_the_baseline_follow(text: str, sweep_dir: Path) -> None:
    heading, _, row = text.partition("Differences from fifo, seed by seed:\n\n")[2].splitlines()[:3]
    assert all(column.heading in heading for column in DIFFERENCES)
    assert row.split()[:2] == ["gogh", "2"]
    energy = [json.loads((sweep_dir / n / "summary.json").read_text())["node_energy_kwh"] for n in ("0", "1", "2", "3")]
    change = 100 * (energy[0] / energy[2] + energy[1] / energy[3]) / 2 - 100
    assert row.split()[2] == number(change)
    saved = pd.read_csv(sweep_dir / "report" / "differences.csv").set_index("measure")
    assert saved.loc["node_energy_kwh", "mean"] == pytest.approx(change)


def test_another_baseline_can_be_asked_for(sweep_dir: Path) -> None:
    said = report(sweep_dir, "gogh")
    assert "Differences from gogh, seed by seed:" in said
    with pytest.raises(InputError, match=r"no run of the baseline 'sjf' here; there are fifo, gogh"):
        report(sweep_dir, "sjf")
    report(sweep_dir)


def test_a_star_marks_an_interval_without_0() -> None:
    assert difference_cell(-2.0, -3.0, -1.0) == "-2.00 ±1.00 *"
    assert difference_cell(2.0, 1.0, 3.0) == "2.00 ±1.00 *"
    assert difference_cell(0.5, -1.0, 2.0) == "0.500 ±1.50"
    assert difference_cell(0.5, math.nan, math.nan) == "0.500"


def test_what_a_reader_must_know_is_said(text: str) -> None:
    assert "fifo, seed 2: 3 of 20 jobs were unfinished" in text
    assert "fifo, seed 2: 2 decisions fell back" in text
    assert "5 of 25 rows left out: 4 CPU only, 1 oversize." in text
    assert "95 % interval" in text


def test_files_are_written_and_named(text: str, sweep_dir: Path) -> None:
    out, figures = sweep_dir / "report", sweep_dir / "figures"
    assert {f.name for f in out.iterdir()} == {"index.html", "table.csv", "differences.csv", "table.md"}
    assert {"power_over_time.png", "power_over_time.svg"} <= {f.name for f in figures.iterdir()}
    assert f"{figures / 'energy_slo'}.png, .svg" in text
    table = pd.read_csv(out / "table.csv")
    assert set(table["measure"]) == set(MEASURES)
    assert len(table) == 2 * len(MEASURES)
    assert (table["low"].dropna() <= table["mean"][table["low"].notna()]).all()


def test_markdown_has_a_cell_per_column(text: str, sweep_dir: Path) -> None:
    lines = [line for line in (sweep_dir / "report" / "table.md").read_text().splitlines() if line.startswith("|")]
    assert [line.count("|") for line in lines] == [len(COLUMNS) + 2] * 4 + [len(DIFFERENCES) + 3] * 3


def contents(sweep_dir: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for folder in ("report", "figures") for file in (sweep_dir / folder).iterdir()}


def test_a_second_report_is_the_same(text: str, sweep_dir: Path) -> None:
    before = contents(sweep_dir)
    assert report(sweep_dir) == text
    assert contents(sweep_dir) == before


def test_a_single_run_has_no_intervals(sweep_dir: Path) -> None:
    said = report(sweep_dir / "0")
    rows = [line for line in said.splitlines() if line.startswith("gogh")]
    assert len(rows) == 1
    assert "±" not in rows[0]
    assert "Differences" not in said  # nobody to compare with


def test_nothing_is_written_where_there_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a summary.json"):
        report(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0"), (0.01234, "0.0123"), (1.0, "1.00"), (-12.345, "-12.3"), (123.4, "123"), (4e6, "4000000"), (1e-9, "0")],
)
def test_numbers_have_three_significant_digits(value: float, expected: str) -> None:
    assert number(value) == expected
    assert number(math.inf) == "inf"
