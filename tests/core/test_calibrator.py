"""The calibration is that of scikit-learn, and knows how sure it is."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from homeostat.answers import Answers, Labelled, qualities
from homeostat.calibrator import calibrated
from homeostat.errors import UserError
from tests.core.made_answers import THRESHOLD, drawn


@pytest.mark.parametrize("digits", [None, 2, 1])
def test_chances_are_those_of_scikit_learn(digits: int | None) -> None:
    labels, scores = drawn(3_000, digits=digits)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    asked = np.concatenate((drawn(500, seed=1)[1], [0.0, 1.0]))

    ours = calibrated(Labelled.of(labels, scores))

    assert ours.chances(asked) == pytest.approx(theirs.predict(asked), abs=1e-9)


def test_doubt_is_how_far_other_learning_rows_would_have_led() -> None:
    answers = Answers.of(drawn(50_000, seed=2, shift=1.0)[1], THRESHOLD)
    told = {"accuracy": [], "recall": [], "brier": []}  # type: dict[str, list[tuple[float, float]]]
    for seed in range(120):
        one = calibrated(Labelled.of(*drawn(1_500, seed=1_000 + seed)))
        found = qualities(answers, answers.rows * one.chances(answers.score))
        for name, each in told.items():
            quality = found[name]
            assert quality is not None
            each.append((quality.value, one.doubt(answers, quality.slope)))

    for name, each in told.items():
        values, doubts = np.array(each).T
        assert 0.7 < np.mean(doubts) / values.std() < 1.5, name


@pytest.mark.parametrize("labels", [[], [0, 0], [1, 1]])
def test_one_class_teaches_nothing(labels: list[int]) -> None:
    rows = Labelled.of(np.array(labels, dtype=np.int64), np.linspace(0.2, 0.8, len(labels)))

    with pytest.raises(UserError, match="rows of both classes"):
        calibrated(rows)
