"""Several references agree, each with a bounded share; one that contradicts them is left out."""

from __future__ import annotations

import numpy as np
import pytest

from dronewall.registration.consensus import consensus

PRIOR = np.eye(2)
NOTHING = (np.zeros((2, 2)), np.zeros(2))


def voices(told: list[tuple[float, float]], weight: float) -> tuple[np.ndarray, np.ndarray]:
    """Return information and score of references that each say two numbers, with so much weight."""
    info = np.tile(weight * np.eye(2), (len(told), 1, 1))
    return info, weight * np.array(told, float)


def test_all_that_agree_are_kept_and_weighed_together() -> None:
    info, score = voices([(0.5, -0.2), (0.52, -0.21), (0.48, -0.19)], 100.0)
    agreed = consensus(PRIOR, NOTHING, info, score, np.zeros((3, 2)), enough=3)
    assert agreed.kept.all()
    assert agreed.estimate == pytest.approx([0.5 * 300 / 301, -0.2 * 300 / 301])
    assert np.diag(agreed.covariance) == pytest.approx([1 / 301, 1 / 301])


def test_the_one_that_contradicts_is_left_out_whatever_its_weight() -> None:
    info, score = voices([(0.5, 0.0), (0.52, 0.0), (0.48, 0.0), (0.49, 0.0), (2.5, 0.0)], 400.0)
    info[4] *= 100.0
    score[4] *= 100.0
    agreed = consensus(PRIOR, NOTHING, info, score, np.full((5, 2), 0.01), enough=3)
    assert agreed.kept.tolist() == [True, True, True, True, False]
    assert agreed.estimate[0] == pytest.approx(0.5, abs=0.01)


def test_a_reference_watched_for_ever_says_no_more_than_its_own_error_allows() -> None:
    info, score = voices([(0.3, 0.3)], 1e9)
    agreed = consensus(PRIOR, NOTHING, info, score, np.array([[0.04, 0.04]]), enough=3)
    assert np.diag(agreed.info[0]) == pytest.approx([25.0, 25.0])
    assert np.sqrt(agreed.covariance[0, 0]) == pytest.approx(np.sqrt(1 / 26))


@pytest.mark.parametrize(("present", "history_kept"), [(2, True), (3, False)])
def test_history_gives_way_to_enough_references_only(present: int, history_kept: bool) -> None:
    history = 400.0 * np.eye(2), 400.0 * np.array([2.0, 0.0])
    info, score = voices([(0.0, 0.0)] * present, 400.0)
    agreed = consensus(PRIOR, history, info, score, np.zeros((present, 2)), enough=3)
    assert agreed.history_kept is history_kept


def test_nobody_says_anything_and_the_prior_stands() -> None:
    agreed = consensus(PRIOR, NOTHING, np.empty((0, 2, 2)), np.empty((0, 2)), np.empty((0, 2)), enough=3)
    assert agreed.estimate.tolist() == [0.0, 0.0]
    assert agreed.covariance == pytest.approx(np.eye(2))
