import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from civos_siaf.benchmark.robot.graph import SkeletonGraph, longest_path, without_cycles


@st.composite
def connected_graphs(draw):
    n = draw(st.integers(2, 25))
    graph = {node: [] for node in range(n)}

    def join(a, b):
        if a != b and b not in graph[a]:
            graph[a].append(b)
            graph[b].append(a)

    for node in range(1, n):
        join(node, draw(st.integers(0, node - 1)))
    for _ in range(draw(st.integers(0, 12))):
        join(draw(st.integers(0, n - 1)), draw(st.integers(0, n - 1)))
    return graph


@given(connected_graphs(), st.booleans())
def test_what_is_left_is_a_spanning_tree_and_its_longest_path(graph, heavy):
    tree = without_cycles(graph, lambda edge: heavy and sum(edge) % 2 == 0)
    assert sum(map(len, tree.values())) == 2 * (len(tree) - 1)
    path = longest_path(tree)
    assert all(b in tree[a] for a, b in itertools.pairwise(path))
    assert len(path) - 1 == diameter(tree)


def diameter(tree):
    def depth(node, parent):
        best, through = 0, 0
        for child in tree[node]:
            if child != parent:
                below, inner = depth(child, node)
                through = max(through, inner, best + below + 1)
                best = max(best, below + 1)
        return best, through

    return depth(next(iter(tree)), None)[1]


def picture(*rows):
    return np.array([[pixel == "#" for pixel in row] for row in rows])


def test_the_longest_path_of_each_component_long_enough():
    skeleton = picture(
        "#....##.",
        ".#......",
        "..####..",
        "....#...",
        "....#...",
    )
    (path,) = SkeletonGraph(skeleton).paths(min_nodes=4)
    assert {tuple(end) for end in (path[0], path[-1])} in ({(0, 0), (4, 4)},)
    assert len(path) == 7
    assert len(list(SkeletonGraph(skeleton).paths(min_nodes=2))) == 2


def test_a_ring_is_cut_at_a_diagonal_first():
    ring = picture(".##.", "#..#", "#..#", ".##.")
    (path,) = SkeletonGraph(ring).paths(min_nodes=4)
    assert len(path) == 8
    first, last = path[0], path[-1]
    assert (np.abs(first - last) == 1).all()


def test_no_pixels_no_paths():
    assert list(SkeletonGraph(np.zeros((4, 4), bool)).paths(min_nodes=1)) == []


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_single_line(n):
    (path,) = SkeletonGraph(np.ones((1, n), bool)).paths(min_nodes=1)
    assert sorted(path[:, 0].tolist()) == list(range(n))
