"""A run or a sweep as tables, figures and a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from gogh_sim.cli.page import PageTable, page
from gogh_sim.cli.report_tables import columns_of, difference_rows, policy_rows
from gogh_sim.cli.tables import Rows, markdown_table, text_table
from gogh_sim.errors import InputError
from gogh_sim.metrics.comparison import Replicates, by_setting, compare
from gogh_sim.metrics.differences import baseline_of, differences
from gogh_sim.metrics.ranking import order_notes
from gogh_sim.metrics.results import RunFrames, load_runs, summaries
from gogh_sim.outputs import write_whole
from gogh_sim.plots.figures import write_figures

REPORT_DIR = "report"
"""Where, below the reported directory, the tables and the page go."""

FIGURES_DIR = "figures"
"""Where, below a run's or the reported directory, the figures go."""


def report(directory: Path, baseline: str | None = None) -> str:
    """Tables over every run at or below `directory`.

    They are also written, as CSV, Markdown and page, into ``report/`` there, and the figures into ``figures/``.

    Parameters
    ----------
    baseline
        Policy that the others are compared with, seed by seed; fifo where it is among them, else the first.

    Returns
    -------
    str
        Plain text: per setting a table with a row per policy, means over seeds with 95 % intervals where several, and
        one of the differences from the baseline; then notes and the names of the files written.

    Raises
    ------
    InputError
        If there is no run, a file of one is missing or bad, or no run is of the baseline.
    """
    replicates = Replicates.of(load_runs(directory))
    runs = replicates.runs
    policies = list(dict.fromkeys(run.scheduler for group in by_setting(runs).values() for run in group))
    baseline = baseline_of(runs) if baseline is None else baseline
    if baseline not in policies:
        raise InputError(f"no run of the baseline {baseline!r} here; there are {', '.join(policies)}", file=directory)
    means, against = compare(runs), differences(runs, baseline)
    out = directory / REPORT_DIR
    out.mkdir(exist_ok=True)
    notes = [*_notes(replicates), *order_notes(means)]
    figures = write_figures(runs, directory / FIGURES_DIR)
    drawn = [file for file in figures if file.suffix == ".svg"]
    tables = [_means_of_all(means), *(_differences_of_all(differences(runs, name)) for name in policies)]
    texts = {
        "index.html": page(f"Report of {directory.resolve().name}", _runs(runs), tables, notes, drawn, baseline),
        "table.csv": means.to_csv(index=False, lineterminator="\n"),
        "differences.csv": against.to_csv(index=False, lineterminator="\n"),
        "table.md": _document(means, against, notes, markdown_table, "## {}\n"),
    }
    for name, text in texts.items():
        _write(out / name, text)
    written = ["Written:", *_files([*(out / name for name in texts), *figures])]
    return _document(means, against, [*notes, *written], text_table, "{}")


def _document(
    means: pd.DataFrame, against: pd.DataFrame, notes: Sequence[str], render: Callable[[Rows], str], heading: str
) -> str:
    compared = dict(list(against.groupby("setting", sort=False)))
    parts, columns = [], columns_of(means)
    for setting, part in means.groupby("setting", sort=False):
        parts.append(f"{heading.format(setting)}\n{render(policy_rows(part, columns))}")
        if (own := compared.get(setting)) is not None:
            parts.append(f"Differences from {own['baseline'].iloc[0]}, seed by seed:\n\n{render(difference_rows(own))}")
    return "\n\n".join([*parts, "\n".join(notes)]) + "\n"


def _means_of_all(means: pd.DataFrame) -> PageTable:
    settings, columns = means.groupby("setting", sort=False), columns_of(means)
    return PageTable("", _under_settings({str(setting): policy_rows(part, columns) for setting, part in settings}))


def _differences_of_all(against: pd.DataFrame) -> PageTable:
    settings = against.groupby("setting", sort=False)
    rows = _under_settings({str(setting): difference_rows(part) for setting, part in settings})
    return PageTable(str(against["baseline"].iloc[0]) if len(against) else "", rows)


def _under_settings(tables: dict[str, list[list[str]]]) -> list[list[str]]:
    """All settings' rows under one heading, the setting in the first column."""
    headings = [["setting", *rows[0]] for rows in tables.values()]
    return [*headings[:1], *([setting, *row] for setting, rows in tables.items() for row in rows[1:])]


def _runs(runs: Sequence[RunFrames]) -> pd.DataFrame:
    """Summaries in the order of the table, with what tells runs apart in front."""
    table = summaries([run for group in by_setting(runs).values() for run in group])
    front = ["setting", "scheduler", "seed"]
    unsaid = ["run", "experiment", "trace", "cluster", "profile", "git_commit", "identity"]
    return table[[*front, *(name for name in table.columns if name not in (*front, *unsaid))]]


def _notes(replicates: Replicates) -> list[str]:
    """What a reader has to know of the table."""
    notes = [
        "Energy is that of the nodes; JCT and queueing over the jobs that ended or started; MAPE in percent of the "
        "measured rate. ± is the half width of Student's 95 % interval over seeds; differences are taken seed by seed "
        "(common random numbers), and a star marks those whose interval does not hold 0."
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
