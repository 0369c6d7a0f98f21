"""The list of nodes that some formats have beside their jobs."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from gogh_sim.traces.table import Table
from gogh_sim.types import Node

LARGEST_NODE = 1024
"""Most GPUs of a node of a list; the published ones end at 8."""


def nodes_of(table: Table, *, name: str, gpus: str, model: str, no_model: Collection[str] = ("",)) -> tuple[Node, ...]:
    """Nodes of a list, one a row; those without GPUs are left out.

    Parameters
    ----------
    name, gpus, model
        Columns that tell a node's name, how many GPUs it has, and of which model.
    no_model
        What stands in the column of the model where there is none; at fault if the node has GPUs.
    """
    names = table.names(name)
    counts = table.integers(gpus, most=LARGEST_NODE)
    models = table.columns[model]
    table.reject((counts > 0) & models.isin(no_model).to_numpy(), model, "a GPU model, as the node has GPUs")
    table.leave_out(counts == 0, gpus, "CPU only")
    return tuple(Node(names.iloc[i], models.iloc[i], int(counts[i])) for i in np.flatnonzero(table.kept))
