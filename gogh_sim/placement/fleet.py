"""Concrete GPUs and nodes: which are free, and where a gang fits best."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gogh_sim.placement.problem import Blocks
from gogh_sim.types import BoolArray, IntArray


@dataclass(frozen=True, eq=False)
class Fleet:
    """GPUs in cluster order.

    Attributes
    ----------
    type_of, node_of
        (GPUs,) type and node of each; the GPUs of a node are neighbours and of one type.
    available
        (GPUs,) whether the placement may use it.
    node_on
        (nodes,) whether the node is on.
    """

    type_of: IntArray
    node_of: IntArray
    available: BoolArray
    node_on: BoolArray

    @cached_property
    def node_type(self) -> IntArray:
        """(nodes,) type of a node's GPUs; -1 where it has none."""
        found = np.full(self.node_on.size, -1, dtype=np.int64)
        found[self.node_of] = self.type_of
        return found

    def gpus_per_type(self, num_types: int) -> IntArray:
        """(T,) available GPUs of each type."""
        return np.bincount(self.type_of[self.available], minlength=num_types).astype(np.int64)

    def blocks(self, width: IntArray, num_types: int) -> Blocks:
        """What node boundaries leave of each type for gangs of these (G,) widths.

        A node with f available GPUs holds ``floor(f / w)`` blocks of w neighbours, a gang of v GPUs on one node takes
        ``floor(v / w)`` of them, whatever else shares the node; one that is wider than a node takes them only where it
        must fill its nodes. Blocks that the number of GPUs limits anyway are left out.
        """
        free = np.bincount(self.node_of[self.available], minlength=self.node_on.size)
        sizes = np.bincount(self.node_of, minlength=self.node_on.size)
        found: list[tuple[int, IntArray, int]] = []
        for gpu_type in range(num_types):
            here = self.node_type == gpu_type
            largest = int(sizes[here].max(initial=0))
            even = bool((sizes[here] == largest).all())
            for block in np.unique(width[(width > 1) & (width <= largest)]).tolist():
                room = int((free[here] // block).sum())
                if room < free[here].sum() // block:
                    fills = even & (width % max(largest, 1) == 0) & (largest % block == 0)
                    found.append((gpu_type, np.where((width <= largest) | fills, width // block, 0), room))
        if not found:
            return Blocks.none(width.size)
        gpu_types, taken, rooms = zip(*found, strict=True)
        return Blocks(np.array(gpu_types), np.stack(taken), np.array(rooms))


class FreeGpus:
    """Free GPUs of a fleet, taken one gang at a time; a scratch copy that leaves the fleet as it is.

    `free` (GPUs,) tells which, `left` (nodes,) how many of each node.
    """

    def __init__(self, fleet: Fleet) -> None:
        nodes = fleet.node_on.size
        self._fleet = fleet
        self.free = fleet.available.copy()
        self._size = np.bincount(fleet.node_of, minlength=nodes)
        self.left = np.bincount(fleet.node_of[self.free], minlength=nodes)
        self._first = np.searchsorted(fleet.node_of, np.arange(nodes))
        # Type, width and node of the last answer of `whole`: until other nodes change, that node is the best again.
        self._last: tuple[int, int, int] | None = None

    def take(self, gpus: tuple[int, ...]) -> None:
        """Mark these free GPUs as used."""
        self.free[list(gpus)] = False
        for node in self._fleet.node_of[list(gpus)].tolist():
            self.left[node] -= 1
            if self._last is not None and node != self._last[2]:
                self._last = None

    def give_back(self, gpus: tuple[int, ...]) -> None:
        """Mark these GPUs as free again."""
        index = list(gpus)
        self._last = None
        self.free[index] = True
        np.add.at(self.left, self._fleet.node_of[index], 1)

    def whole(self, gpu_type: int, width: int) -> tuple[int, ...] | None:
        """Free GPUs for a gang on as few nodes as nodes of this type allow at all; None if they are not free.

        Among nodes that hold it: those in use first, then those that are on, then the one left with least room.
        """
        if self._last is not None and self._last[:2] == (gpu_type, width) and self.left[self._last[2]] >= width:
            return self.slots(self._last[2], width)
        nodes = np.flatnonzero(self._fleet.node_type == gpu_type)
        if nodes.size == 0:
            return None
        largest = int(self._size[nodes].max())
        if width <= largest:
            fitting = nodes[self.left[nodes] >= width]
            if fitting.size == 0:
                return None
            self._last = gpu_type, width, self._best(fitting)
            return self.slots(self._last[2], width)
        return self.spread(gpu_type, width, -(-width // largest))

    def spread(self, gpu_type: int, width: int, most_nodes: int) -> tuple[int, ...] | None:
        """Free GPUs for a gang on at most `most_nodes` nodes, as few as possible; None if there are none."""
        nodes = np.flatnonzero((self._fleet.node_type == gpu_type) & (self.left > 0))
        nodes = nodes[np.lexsort((nodes, ~self._fleet.node_on[nodes], -self.left[nodes]))]
        needed = int(np.searchsorted(np.cumsum(self.left[nodes]), width)) + 1
        if needed > min(nodes.size, most_nodes):
            return None
        chosen = nodes[: needed - 1]
        rest = width - int(self.left[chosen].sum())
        others = nodes[needed - 1 :]
        last = self._best(others[self.left[others] >= rest])
        gpus = [gpu for node in chosen.tolist() for gpu in self.slots(node, int(self.left[node]))]
        return tuple(sorted([*gpus, *self.slots(last, rest)]))

    def fewest_nodes(self, gpu_type: int, width: int) -> int:
        """Nodes that a gang of this width needs at least on this type."""
        sizes = self._size[self._fleet.node_type == gpu_type]
        return -(-width // int(sizes.max(initial=1)))

    def _best(self, nodes: IntArray) -> int:
        left, on = self.left[nodes], self._fleet.node_on[nodes]
        unused = left == self._size[nodes]
        return int(nodes[np.lexsort((nodes, left, ~on, unused))[0]])

    def slots(self, node: int, width: int) -> tuple[int, ...]:
        """The first free GPUs of a node, at most `width`."""
        first, last = int(self._first[node]), int(self._first[node] + self._size[node])
        return tuple((first + self.free[first:last].nonzero()[0][:width]).tolist())
