"""Links between tracks: who is in one cluster with whom, whatever the order in which links are found."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dronewall.tracking.group_links import Flying, components

SPACING_M = 400.0


@given(st.integers(2, 30), st.data())
def test_clusters_are_the_connected_components_of_the_links(n: int, data: st.DataObject) -> None:
    pair = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))
    pairs = np.array(data.draw(st.lists(pair, min_size=1, max_size=40)), np.int64)
    still = np.zeros((n, 3))
    flying = Flying(still, still, np.ones(n), np.zeros(n, np.int64), np.full(n, SPACING_M))
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    np.testing.assert_array_equal(components(flying, pairs), connected_components(graph, directed=False)[1])


def test_a_long_chain_is_one_cluster() -> None:
    n = 300
    place = np.arange(n)[:, None] * np.array([SPACING_M, 0.0, 0.0])
    flying = Flying(place, np.zeros((n, 3)), np.ones(n), np.zeros(n, np.int64), np.full(n, SPACING_M))
    pairs = np.stack([np.arange(n - 1), np.arange(1, n)], axis=1)[::-1]
    assert not components(flying, pairs).any()
    cut = np.delete(pairs, 149, axis=0)
    assert np.bincount(components(flying, cut)).tolist() == [150, 150]
