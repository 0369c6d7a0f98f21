"""What `gogh-sim reproduce` leaves: records as JSON, figures, and the verdicts in the documentation.

The documentation keeps each outcome as ``verdicts/<name>-<size>.json``; the tables of ``validation.md``, between two
markers, are made from all of these, so that a long experiment need not run again when another one does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from gogh_sim.cli.tables import markdown_table, number
from gogh_sim.errors import InputError
from gogh_sim.limits import parsed_json
from gogh_sim.outputs import write_json, write_whole
from gogh_sim.plots.files import figure_of, save
from gogh_sim.plots.style import paper_style
from gogh_sim.reproduce import Drawing, Record, Relation, Size, Verdict

PAGE = "validation.md"
VERDICTS = "verdicts"
FIGURES = "figures/reproduce"
"""Below the documentation's folder: the page, the outcomes, and a folder of figures for each experiment."""

BEGIN, END = "<!-- verdicts: begin -->", "<!-- verdicts: end -->"
"""The lines of the page between which the tables are put."""


@dataclass(frozen=True)
class Outcome:
    """Everything that one experiment yielded at one size."""

    name: str
    about: str
    size: Size
    records: list[Record] = field(default_factory=list)
    drawings: list[Drawing] = field(default_factory=list)


def as_json(records: Iterable[Record]) -> str:
    """A list of records; numbers that do not exist become null."""
    rows = [
        {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}
        for row in map(asdict, records)
    ]
    return json.dumps(rows, indent=1, allow_nan=False) + "\n"


def write_drawing(drawing: Drawing, folder: Path, formats: Sequence[str], dpi: int | None = None) -> list[Path]:
    """Write the figure in each format."""
    with paper_style():
        return save(figure_of(drawing.draw(drawing.frame)), folder / drawing.name, formats, dpi)


def write_frame(drawing: Drawing, folder: Path) -> Path:
    """Write, as CSV, the numbers that the figure shows."""
    write = partial(drawing.frame.to_csv, index=False, lineterminator="\n")
    return write_whole(folder / f"{drawing.name}.csv", write)


def write_verdicts(docs: Path, outcomes: Iterable[Outcome]) -> Path:
    """Keep these outcomes and renew the tables of the page from all that are kept; returns the page.

    Raises
    ------
    InputError
        If the page is not as `page_parts` needs it, or an outcome kept there cannot be read.
    """
    head, tail = page_parts(docs)
    for outcome in outcomes:
        write_json(docs / VERDICTS / f"{outcome.name}-{outcome.size}.json", _kept(outcome))
    made = f"{head}{BEGIN}\n\n{tables(_read_all(docs / VERDICTS))}\n{END}{tail}"
    return write_whole(docs / PAGE, lambda file: file.write_text(made, encoding="utf-8"))


def is_shown(docs: Path, name: str, size: Size) -> bool:
    """Whether the page tells of this size of an experiment: no larger one is kept."""
    larger = list(Size)[list(Size).index(size) + 1 :]
    return not any((docs / VERDICTS / f"{name}-{other}.json").is_file() for other in larger)


def page_parts(docs: Path) -> tuple[str, str]:
    """What the page says before and after the tables; `InputError` where it is not there or lacks the markers."""
    page = docs / PAGE
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise InputError(f"expected a page with the lines {BEGIN} and {END}, once each", file=page)
    head, _, rest = text.partition(BEGIN)
    return head, rest.partition(END)[2]


def tables(kept: Sequence[dict[str, Any]]) -> str:
    """Markdown of kept outcomes: one row each, then the numbers and figures of each experiment at its largest size."""
    rows = [["experiment", "size", "what", *Verdict], *(_row(outcome) for outcome in kept)]
    largest = {outcome["name"]: outcome for outcome in sorted(kept, key=lambda o: list(Size).index(Size(o["size"])))}
    return "\n\n".join([markdown_table(rows, left=3), *(_section(largest[name]) for name in sorted(largest))]) + "\n"


def _kept(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        "about": outcome.about,
        "size": outcome.size,
        "drawings": [{"name": drawing.name, "caption": drawing.caption} for drawing in outcome.drawings],
        "records": json.loads(as_json(outcome.records)),
    }


def _read_all(folder: Path) -> list[dict[str, Any]]:
    return [parsed_json(file.read_bytes(), file) for file in sorted(folder.glob("*.json"))]


def _row(outcome: dict[str, Any]) -> list[str]:
    found = [record["verdict"] for record in outcome["records"]]
    return [f"`{outcome['name']}`", outcome["size"], outcome["about"], *(str(found.count(v)) for v in Verdict)]


def _section(outcome: dict[str, Any]) -> str:
    records = outcome["records"]
    # Sources are long and few: a list below the table, which the rows name by number.
    sources = list(dict.fromkeys(record["source"] for record in records if record["source"]))
    cited = {source: str(number) for number, source in enumerate(sources, start=1)}
    heading = ["", "found", "95 % interval", "expected", "verdict", "source"]
    rows = [heading, *([*_cells(record), cited.get(record["source"], "")] for record in records)]
    figures = [
        f"![{drawing['caption']}]({FIGURES}/{outcome['name']}/{drawing['name']}.png)\n\n*{drawing['caption']}*"
        for drawing in outcome["drawings"]
    ]
    title = f"### {outcome['name']}, {outcome['size']}"
    about = f"{outcome['about'][0].upper()}{outcome['about'][1:]}."
    told = ["Sources:", "\n".join(f"{number}. {source}" for source, number in cited.items())]
    return "\n\n".join([title, about, *figures, markdown_table(rows), *(told if sources else [])])


def _cells(record: dict[str, Any]) -> list[str]:
    low, high = record["ci_low"], record["ci_high"]
    spread = "" if low == high or low is None or high is None else f"{number(low)} to {number(high)}"
    verdict = record["verdict"]
    marked = f"**{verdict}**" if verdict == Verdict.FAIL else verdict
    return [record["item"], _number(record["found"]), spread, _expected(record), marked]


def _expected(record: dict[str, Any]) -> str:
    value = _number(record["expected"])
    if record["relation"] != Relation.WITHIN:
        return f"{record['relation']} {value}"
    return value if record["tolerance"] is None else f"{value} ±{record['tolerance']:.3g}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"
