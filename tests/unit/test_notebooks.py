"""Notebooks are stripped, hold no model logic, and show every figure they draw; that they run is nbmake's to test."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from synthetic_runs import save_sweep

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
MOST_LINES = 25
"""Of code in one cell: what is longer belongs into the package."""


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_there_is_one_per_kind_of_user() -> None:
    assert [n.stem for n in NOTEBOOKS] == ["add_a_gpu", "paper_figures", "quickstart", "write_your_own_scheduler"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda n: n.stem)
def test_outputs_are_stripped(notebook: Path) -> None:
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code_cells(notebook))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda n: n.stem)
def test_there_is_no_model_logic(notebook: Path) -> None:
    defined = []
    for cell in code_cells(notebook):
        source = "".join(cell["source"])
        assert len(source.splitlines()) <= MOST_LINES
        defined += [n.name for n in ast.walk(ast.parse(source)) if isinstance(n, ast.ClassDef | ast.FunctionDef)]
    # The one notebook that is about writing a class writes one.
    assert defined == (["Patient", "__init__", "decide"] if notebook.stem == "write_your_own_scheduler" else [])


def test_a_notebook_shows_every_figure(tmp_path: Path) -> None:
    save_sweep(tmp_path, ("gogh", "fifo"), seeds=(1,), jobs=12)
    notebook = nbformat.v4.new_notebook()
    load = f"import gogh_sim\nsweep = gogh_sim.load_sweep({str(tmp_path)!r})\nsweep.plot_power();"
    later = "sweep.plot_jct()\nsweep.plot_energy_slo();"
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in (load, later)]
    NotebookClient(notebook, timeout=120).execute()
    shown = [sum("image/png" in output.get("data", {}) for output in cell.outputs) for cell in notebook.cells]
    assert shown == [1, 2]
