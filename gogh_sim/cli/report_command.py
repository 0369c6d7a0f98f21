"""`gogh-sim report`: tables and figures of what was run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gogh_sim.cli.parser import Parser
from gogh_sim.cli.report import report


def main(arguments: Sequence[str]) -> None:
    """Print the tables and name the files written."""
    parser = Parser(prog="gogh-sim report", description="Tables and figures over every run at or below a folder.")
    parser.add_argument("directory", type=Path, metavar="DIR", help="output folder of a run or a sweep")
    parser.add_argument(
        "--baseline", metavar="POLICY", help="compare the others with this one (default: fifo, else the first)"
    )
    given = parser.parse_args(arguments)
    print(report(given.directory, given.baseline), end="")
