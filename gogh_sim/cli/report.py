"""A run or a sweep as one table and its figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gogh_sim.cli.page import page
from gogh_sim.metrics.comparison import ENERGY_CHANGE, Replicates, by_setting, compare
from gogh_sim.metrics.ranking import order_notes
from gogh_sim.metrics.results import RunFrames, load_runs, summaries
from gogh_sim.outputs import write_whole
from gogh_sim.plots.figures import write_figures

REPORT_DIR = "report"
"""Where, below the reported directory, the table and the page go."""

FIGURES_DIR = "figures"
"""Where, below a run's or the reported directory, the figures go."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table: a measure, its heading, and how many of its units are one of the summary's."""

    measure: str
    heading: str
    scale: float = 1.0


_PER_HOUR = 1 / 3600
COLUMNS = (
    Column("node_energy_kwh", "energy kWh"),
    Column(ENERGY_CHANGE, "vs fifo %"),
    Column("slo_attainment", "SLO %", 100),
    Column("jct_mean_s", "JCT mean h", _PER_HOUR),
    Column("jct_p50_s", "p50 h", _PER_HOUR),
    Column("jct_p99_s", "p99 h", _PER_HOUR),
    Column("queue_mean_s", "queue h", _PER_HOUR),
    Column("allocation_efficiency", "alloc eff"),
    Column("gpu_utilization", "GPU util %", 100),
    Column("migrations", "migr"),
    Column("p1_mape", "P1 MAPE %"),
    Column("p2_mape", "P2 MAPE %"),
)


def report(directory: Path) -> str:
    """Table over every run at or below `directory`.

    The table is also written, as CSV, Markdown and page, into ``report/`` there, and the figures into ``figures/``.

    Returns
    -------
    str
        Plain text: per setting a table with a row per policy, means over seeds with 95 % intervals where several;
        then notes and the names of the files written.

    Raises
    ------
    InputError
        If there is no run, or a file of one is missing or bad.
    """
    replicates = Replicates.of(load_runs(directory))
    table = compare(replicates.runs)
    out = directory / REPORT_DIR
    out.mkdir(exist_ok=True)
    notes = [*_notes(replicates), *order_notes(table)]
    _write(out / "table.csv", table.to_csv(index=False, lineterminator="\n"))
    _write(out / "table.md", _document(table, notes, markdown_table, "## {}\n"))
    figures = write_figures(replicates.runs, directory / FIGURES_DIR)
    drawn = [file for file in figures if file.suffix == ".svg"]
    _write(
        out / "index.html",
        page(f"Report of {directory.resolve().name}", _runs(replicates), _policies(table), notes, drawn),
    )
    written = ["Written:", *_files([out / "index.html", out / "table.csv", out / "table.md", *figures])]
    return _document(table, [*notes, *written], text_table, "{}")


def cells(table: pd.DataFrame) -> list[list[str]]:
    """Heading row and a row per policy of one setting's part of `compare`'s table, as text."""
    rows = [["policy", *(column.heading for column in COLUMNS)]]
    for scheduler, own in table.groupby("scheduler", sort=False):
        mean, low, high = (dict(zip(own["measure"], own[key], strict=True)) for key in ("mean", "low", "high"))
        named = [(column.measure, column.scale) for column in COLUMNS]
        rows.append([str(scheduler), *(_cell(scale * mean[m], scale * low[m], scale * high[m]) for m, scale in named)])
    return rows


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows aligned with blanks: the first column to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def markdown_table(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Rows as a Markdown table, the first of them its heading; numbers to the right from column `left` on."""
    rule = ["---"] * left + ["---:"] * (len(rows[0]) - left)
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))


def _document(
    table: pd.DataFrame, notes: Sequence[str], render: Callable[[Sequence[Sequence[str]]], str], heading: str
) -> str:
    parts = [
        f"{heading.format(setting)}\n{render(cells(part))}" for setting, part in table.groupby("setting", sort=False)
    ]
    return "\n\n".join([*parts, "\n".join(notes)]) + "\n"


def _policies(table: pd.DataFrame) -> list[list[str]]:
    """All settings' rows under one heading, the setting in the first column."""
    heading = ["setting", "policy", *(column.heading for column in COLUMNS)]
    settings = table.groupby("setting", sort=False)
    return [heading, *([str(setting), *row] for setting, part in settings for row in cells(part)[1:])]


def _runs(replicates: Replicates) -> pd.DataFrame:
    """Summaries in the order of the table, with what tells runs apart in front."""
    ordered = [run for group in by_setting(replicates.runs).values() for run in group]
    table = summaries(ordered)
    front = ["setting", "scheduler", "seed"]
    unsaid = ["run", "experiment", "trace", "cluster", "profile", "git_commit"]
    return table[[*front, *(name for name in table.columns if name not in (*front, *unsaid))]]


def _cell(mean: float, low: float, high: float) -> str:
    if math.isnan(mean):
        return "-"
    return number(mean) if math.isnan(low) else f"{number(mean)} ±{number((high - low) / 2)}"


def number(value: float) -> str:
    """A number to three significant digits, whole from 100 on; without an exponent down to a thousandth."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{min(decimals, 5)}f}"
    return text if float(text) else "0"


def _notes(replicates: Replicates) -> list[str]:
    """What a reader has to know of the table."""
    notes = [
        "Energy is that of the nodes; JCT and queueing over the jobs that ended or started; MAPE in percent of the "
        "measured rate. ± is the half width of a 95 % interval over seeds."
    ]
    left_over = [_unfinished(run) for run in replicates.runs if run.summary.get("jobs_unfinished")]
    fell_back = [_fallbacks(run) for run in replicates.runs if run.summary.get("fallbacks")]
    repeated = [
        f"Left out, as a later run has the same setting, policy and seed: {r.path}" for r in replicates.repeated
    ]
    left_out = dict.fromkeys(_left_out(run) for run in replicates.runs if run.summary.get("trace_left_out"))
    return [*notes, *left_out, *left_over, *fell_back, *repeated]


def _files(files: Sequence[Path]) -> list[str]:
    """A line per file, those that differ in their suffix only on one."""
    suffixes: dict[Path, list[str]] = {}
    for file in files:
        suffixes.setdefault(file.with_suffix(""), []).append(file.suffix)
    return [f"  {stem}{', '.join(found)}" for stem, found in suffixes.items()]


def _left_out(run: RunFrames) -> str:
    reasons = run.summary["trace_left_out"]
    said = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return f"{run.summary['trace']}: {sum(reasons.values())} of {run.summary['trace_rows']} rows left out: {said}."


def _unfinished(run: RunFrames) -> str:
    summary = run.summary
    return (
        f"{run.scheduler}, seed {run.seed}: {summary['jobs_unfinished']} of {summary['jobs_total']} jobs were "
        "unfinished when the run closed."
    )


def _fallbacks(run: RunFrames) -> str:
    return f"{run.scheduler}, seed {run.seed}: {run.summary['fallbacks']} decisions fell back to a greedy answer."


def _write(file: Path, text: str) -> None:
    write_whole(file, lambda temporary: temporary.write_text(text, encoding="utf-8"))
