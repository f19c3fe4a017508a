"""Metrics from counted answers are those of scikit-learn, and their slopes are true."""

import numpy as np
import pytest
from sklearn import metrics

from homeostat.answers import Answers, Labelled, qualities
from homeostat.bins import Bins
from homeostat.engines.frames import count_frame
from homeostat.errors import StateError, UserError
from homeostat.profile import Profile
from tests.core.made_answers import THRESHOLD, drawn, frame_of


def test_metrics_are_those_of_scikit_learn() -> None:
    labels, scores = drawn(2_000, digits=2)
    held = Labelled.of(labels, scores, THRESHOLD)
    said = scores >= THRESHOLD

    found = {k: one.value for k, one in qualities(held.answers, held.truth).items() if one}

    assert found == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(labels, said),
            "precision": metrics.precision_score(labels, said),
            "recall": metrics.recall_score(labels, said),
            "f1": metrics.f1_score(labels, said),
            "roc_auc": metrics.roc_auc_score(labels, scores),
            "brier": metrics.brier_score_loss(labels, scores),
            "log_loss": metrics.log_loss(labels, np.clip(scores, 1e-15, 1 - 1e-15)),
        },
        rel=1e-9,
    )
    assert held.n == 2_000
    assert held.positives == labels.sum()


def test_slopes_are_those_of_a_small_change() -> None:
    labels, scores = drawn(500, digits=1)
    held = Labelled.of(labels, scores, THRESHOLD)
    base = qualities(held.answers, held.truth)
    for i in range(len(held.truth)):
        more = held.truth.copy()
        more[i] += 1e-5
        for name, one in qualities(held.answers, more).items():
            before = base[name]
            assert one is not None
            assert before is not None
            assert (one.value - before.value) / 1e-5 == pytest.approx(before.slope[i], abs=1e-6)


@pytest.mark.parametrize(
    ("labels", "scores", "undefined"),
    [
        pytest.param(
            [0, 0], [0.1, 0.2], {"precision", "recall", "f1", "roc_auc"}, id="no positive"
        ),
        pytest.param([1, 0], [0.1, 0.2], {"precision"}, id="none called"),
        pytest.param([1, 1], [0.9, 0.8], {"roc_auc"}, id="no negative"),
        pytest.param([0, 0], [0.9, 0.8], {"recall", "roc_auc"}, id="all called, none positive"),
    ],
)
def test_what_is_not_defined_is_none(
    labels: list[int], scores: list[float], undefined: set[str]
) -> None:
    held = Labelled.of(np.array(labels), np.array(scores))

    found = qualities(held.answers, held.truth)

    assert {name for name, one in found.items() if one is None} == undefined


def test_of_no_rows_nothing_is_defined() -> None:
    nothing = Answers.of(np.empty(0))

    assert set(qualities(nothing, np.empty(0)).values()) == {None}


@pytest.mark.parametrize("wrong", [np.nan, -0.1, 1.1, np.inf])
def test_a_score_that_is_none_is_refused(wrong: float) -> None:
    with pytest.raises(UserError, match="1 of 2 scores are missing or not in"):
        Answers.of(np.array([0.5, wrong]))


def test_labels_that_are_none_are_refused() -> None:
    with pytest.raises(UserError, match="neither 0 nor 1"):
        Labelled.of(np.array([0, 2]), np.array([0.5, 0.5]))
    with pytest.raises(UserError, match="1 labels and 2 scores"):
        Labelled.of(np.array([0]), np.array([0.5, 0.5]))


def test_a_profile_tells_nearly_what_its_rows_do() -> None:
    labels, scores = drawn(20_000)
    bins = Bins(()).with_scores(drawn(5_000, seed=1)[1])
    profile = count_frame(frame_of(scores), bins)

    exact, binned = Answers.of(scores, THRESHOLD), Answers.of_profile(profile)

    assert binned.n == exact.n == 20_000
    assert binned.rows @ binned.positive == exact.rows @ exact.positive
    assert len(binned.score) < 400
    assert binned.rows @ binned.score == pytest.approx(exact.rows @ exact.score, rel=2e-3)
    assert labels.sum() > 0


def test_a_profile_without_answers_is_no_window() -> None:
    with pytest.raises(StateError, match="does not count probability and prediction"):
        Answers.of_profile(Profile.empty(Bins(())))
