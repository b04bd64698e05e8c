"""From a skeleton to the longest path of each of its components.

Source: docs/specification/davis-interactive.md sections 6.5, 6.6.

Which of several equally long paths is taken depends on the order of nodes and of their neighbours; both are
those of the original, with neighbours in increasing number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_LINEAR_PROBES = 9
_PERTURB_SHIFT = 5


def hash_order(values: Iterable[int]) -> list[int]:
    """The distinct values in the order of a set into which they were put one by one; all must be >= 0.

    >>> hash_order([9, 1, 40, 3])
    [40, 9, 3, 1]
    """
    table: list[int] = [-1] * 8
    used = 0
    for value in values:
        slot = _slot(table, value)
        if table[slot] == value:
            continue
        table[slot] = value
        used += 1
        if used * 5 >= (len(table) - 1) * 3:
            table = _grown(table, used * 2 if used > 50000 else used * 4)
    return [value for value in table if value >= 0]


def _slot(table: list[int], value: int) -> int:
    """The slot that holds the value, or the free one where it goes."""
    mask = len(table) - 1
    perturb = value
    first = value & mask
    while True:
        last = first + _LINEAR_PROBES if first + _LINEAR_PROBES <= mask else first
        for slot in range(first, last + 1):
            if table[slot] < 0 or table[slot] == value:
                return slot
        perturb >>= _PERTURB_SHIFT
        first = (first * 5 + 1 + perturb) & mask


def _grown(table: list[int], least: int) -> list[int]:
    size = 8
    while size <= least:
        size <<= 1
    grown = [-1] * size
    for value in table:
        if value >= 0:
            grown[_slot(grown, value)] = value
    return grown


Adjacency: TypeAlias = dict[int, list[int]]
Edge: TypeAlias = tuple[int, int]


class SkeletonGraph:
    """The set pixels of a skeleton (H, W), numbered in raster order, joined to their 8 neighbours."""

    def __init__(self, skeleton: NDArray[np.bool_]) -> None:
        self.rows, self.columns = np.nonzero(skeleton)
        self.neighbours = self._join(skeleton)

    def __len__(self) -> int:
        return len(self.rows)

    def paths(self, min_nodes: int) -> Iterator[NDArray[np.int64]]:
        """The longest path of each component of at least `min_nodes` pixels: (n, 2), rows (x, y)."""
        for component in self.components():
            if len(component) >= min_nodes:
                nodes = longest_path(without_cycles(self._copy(component), self._is_diagonal))
                yield np.stack([self.columns[nodes], self.rows[nodes]], axis=1)

    def components(self) -> Iterator[list[int]]:
        """Nodes of each component, in the component's node order; by smallest node."""
        seen: set[int] = set()
        for start in range(len(self)):
            if start not in seen:
                found = list(_by_level(self.neighbours, start))
                seen.update(found)
                small = 2 * len(found) < len(self)
                yield hash_order(hash_order(found)) if small else sorted(found)

    def _join(self, skeleton: NDArray[np.bool_]) -> Adjacency:
        numbers = np.full((skeleton.shape[0] + 2, skeleton.shape[1] + 2), -1, dtype=np.int64)
        numbers[self.rows + 1, self.columns + 1] = np.arange(len(self.rows))
        around = [
            numbers[self.rows + dy, self.columns + dx]
            for dy in range(3)
            for dx in range(3)
            if (dy, dx) != (1, 1)
        ]
        table = np.stack(around, axis=1).tolist() if len(self.rows) else []
        return {node: [n for n in row if n >= 0] for node, row in enumerate(table)}

    def _copy(self, component: list[int]) -> Adjacency:
        """The component's own graph: a node's earlier neighbours first, in node order, then the others."""
        place = {node: index for index, node in enumerate(component)}
        copy: Adjacency = {node: [] for node in component}
        for node in component:
            for other in self.neighbours[node]:
                if place[other] > place[node]:
                    copy[other].append(node)
        for node in component:
            copy[node] += [other for other in self.neighbours[node] if place[other] > place[node]]
        return copy

    def _is_diagonal(self, edge: Edge) -> bool:
        a, b = edge
        return bool(self.rows[a] != self.rows[b] and self.columns[a] != self.columns[b])


def without_cycles(graph: Adjacency, is_heavy: Callable[[Edge], bool]) -> Adjacency:
    """Cut a connected graph down to a tree: each cycle found loses its first heavy edge, else its first."""
    edges = sum(map(len, graph.values())) // 2
    for _ in range(edges - (len(graph) - 1)):
        cycle = _first_cycle(graph)
        a, b = next(filter(is_heavy, cycle), cycle[0])
        graph[a].remove(b)
        graph[b].remove(a)
    return graph


def _first_cycle(graph: Adjacency) -> list[Edge]:
    """The cycle closed by the first edge of a depth-first search that leads back to the search's path."""
    path = [next(iter(graph))]
    place = {path[0]: 0}
    pending = [iter(graph[path[0]])]
    while pending:
        node = path[-1]
        came_from = path[-2] if len(path) > 1 else -1
        for other in pending[-1]:
            if other == came_from:
                continue
            if other in place:
                cycle = path[place[other] :]
                return [*pairwise(cycle), (node, other)]
            place[other] = len(path)
            path.append(other)
            pending.append(iter(graph[other]))
            break
        else:
            del place[path.pop()]
            pending.pop()
    raise ValueError("the graph has no cycle")


def longest_path(tree: Adjacency) -> list[int]:
    """Nodes of a longest path of a tree, from end to end."""
    *_, far_level = _levels(tree, next(iter(tree)))
    start = far_level[0]
    parent = {start: start}
    queue = [start]
    depth = {start: 0}
    for node in queue:
        for other in tree[node]:
            if other not in parent:
                parent[other] = node
                depth[other] = depth[node] + 1
                queue.append(other)
    end = max(queue, key=depth.__getitem__)  # the first one discovered at the largest depth
    path = [end]
    while path[-1] != start:
        path.append(parent[path[-1]])
    return path[::-1]


def _by_level(graph: Adjacency, start: int) -> Iterator[int]:
    for level in _levels(graph, start):
        yield from level


def _levels(graph: Adjacency, start: int) -> Iterator[list[int]]:
    """Newly found nodes of each level of a breadth-first search, in the order of a set of all neighbours."""
    seen: set[int] = set()
    level: Iterable[int] = [start]
    while fresh := [node for node in level if node not in seen]:
        seen.update(fresh)
        yield fresh
        level = hash_order(other for node in fresh for other in graph[node])
