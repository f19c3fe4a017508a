"""When a model's answers no longer hold, and when a promotion was a mistake."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from homeostat.metrics.calibration import Calibration
from homeostat.metrics.confusion import PairedConfusion
from homeostat.metrics.paired_loss import PairedLoss
from homeostat.quality import (
    AftermathPolicy,
    QualityPolicy,
    fixed_look,
    judge_aftermath,
    judge_quality,
)
from homeostat.verdict import Outcome

POLICY = QualityPolicy()
Floats = NDArray[np.float64]


def scores(n: int, seed: int, *, shape: tuple[float, float] = (1.0, 9.0)) -> Floats:
    return np.random.default_rng(seed).beta(*shape, n)


def labelled(p: Floats, seed: int, *, truth: Floats | None = None) -> Calibration:
    """Labels drawn from the scores themselves, or from another truth."""
    drawn = np.random.default_rng(seed + 1_000).random(len(p))
    return Calibration.of((drawn < (p if truth is None else truth)).astype(np.int64), p)


@pytest.mark.parametrize("n", [200, 2_000, 20_000])
def test_right_probabilities_pass(n: int) -> None:
    outcomes = [judge_quality(labelled(scores(n, s), s), POLICY).outcome for s in range(300)]

    assert outcomes.count(Outcome.FAIL) <= 2  # 0.1 % are allowed
    assert set(outcomes) <= {Outcome.PASS, Outcome.FAIL}


def test_right_probabilities_fail_as_often_as_the_level_says_at_most() -> None:
    loud = QualityPolicy(alpha=0.05, brier_excess=0, positives_excess=0)
    failed = [
        judge_quality(labelled(scores(2_000, s), s), loud).outcome is Outcome.FAIL
        for s in range(400)
    ]

    assert np.mean(failed) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize("shape", [(2.0, 8.0), (4.0, 4.0), (1.0, 60.0)])
def test_other_rows_with_the_same_relation_pass(shape: tuple[float, float]) -> None:
    """A covariate shift: the Brier score is another, and so is what was promised."""
    seen = labelled(scores(5_000, 3, shape=shape), 3)

    assert abs(seen.brier - labelled(scores(5_000, 3), 3).brier) > 0.02
    assert judge_quality(seen, POLICY).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "truth",
    [
        pytest.param(lambda p: np.minimum(1, 1.5 * p), id="half as many again"),
        pytest.param(lambda p: p / 2, id="half as many"),
        pytest.param(lambda p: np.full(len(p), p.mean()), id="as many, but others"),
        pytest.param(lambda p: p[::-1], id="the scores of other rows"),
    ],
)
def test_probabilities_that_are_wrong_fail(truth: object) -> None:
    p = scores(5_000, 4, shape=(0.5, 3.0))
    assert callable(truth)
    verdict = judge_quality(labelled(p, 4, truth=truth(p)), POLICY)

    assert verdict.outcome is Outcome.FAIL
    assert any(one.drifted for one in verdict.measurements)


def test_a_small_excess_is_no_failure_however_sure() -> None:
    p = scores(400_000, 5)
    verdict = judge_quality(labelled(p, 5, truth=1.08 * p), POLICY)
    positives = verdict.measurements[1]

    assert verdict.outcome is Outcome.PASS
    assert positives.p_value is not None
    assert positives.p_value < POLICY.alpha
    assert positives.effect == pytest.approx(0.08, abs=0.02)


def test_fewer_positives_than_promised_count_as_an_effect() -> None:
    """The excess is negative, the effect its size."""
    p = scores(5_000, 6)
    verdict = judge_quality(labelled(p, 6, truth=p / 2), POLICY)

    assert verdict.measurements[1].effect == pytest.approx(0.5, abs=0.06)
    assert verdict.measurements[1].drifted


@pytest.mark.parametrize(("n", "outcome"), [(199, Outcome.INCONCLUSIVE), (200, Outcome.PASS)])
def test_too_few_labels_cannot_tell(n: int, outcome: Outcome) -> None:
    verdict = judge_quality(labelled(scores(n, 7), 7), POLICY)

    assert verdict.outcome is outcome
    assert f"{n} labelled rows" in verdict.reason
    assert judge_quality(Calibration(), POLICY).outcome is Outcome.INCONCLUSIVE


def test_the_reason_holds_what_was_seen_and_what_was_promised() -> None:
    seen = labelled(scores(1_000, 8), 8)
    verdict = judge_quality(seen, POLICY)

    assert f"Brier score {seen.brier:.4f} where the scores promise {seen.expected_brier:.4f}" in (
        verdict.reason
    )
    assert f"positives {seen.positive_share:.2%}" in verdict.reason
    assert "1,000 labelled rows" in verdict.reason
    assert verdict.question == "quality"


AFTER = AftermathPolicy()


def served(
    n: int, right: float, *, positives: float = 0.2, before: float = 0.8, seed: int = 0
) -> PairedConfusion:
    """Rows answered by the version before and by the promoted one, right that often."""
    random = np.random.default_rng(seed)
    labels = (random.random(n) < positives).astype(np.int64)
    answers = [np.where(random.random(n) < share, labels, 1 - labels) for share in (before, right)]
    return PairedConfusion.of(labels, answers[0], answers[1])


LEVEL = PairedLoss(1_000, 0.0, 10.0)  #: no change of the Brier score


@pytest.mark.parametrize("right", [0.8, 0.9])
def test_a_promotion_that_was_no_mistake_passes(right: float) -> None:
    verdict = judge_aftermath(served(2_000, right), LEVEL, AFTER)

    assert verdict.outcome is Outcome.PASS
    assert verdict.question == "aftermath"


def test_a_fall_of_f1_fails() -> None:
    verdict = judge_aftermath(served(2_000, 0.65), LEVEL, AFTER)

    assert verdict.outcome is Outcome.FAIL
    assert "-5.0 % asked" in verdict.reason
    assert "2,000 rows since the promotion" in verdict.reason


@pytest.mark.parametrize(
    ("brier", "outcome"),
    [
        pytest.param(PairedLoss(2_000, 0.02, 10.0), Outcome.FAIL, id="shown to be worse"),
        pytest.param(PairedLoss(2_000, 0.02, 5_000.0), Outcome.PASS, id="not shown"),
        pytest.param(PairedLoss(2_000, 0.004, 0.01), Outcome.PASS, id="too little to matter"),
        pytest.param(PairedLoss(2_000, -0.02, 10.0), Outcome.PASS, id="better"),
        pytest.param(PairedLoss(1, 0.9, 0.0), Outcome.PASS, id="one row"),
    ],
)
def test_a_rise_of_the_brier_score_fails_when_it_is_shown_and_matters(
    brier: PairedLoss, outcome: Outcome
) -> None:
    assert judge_aftermath(served(2_000, 0.8), brier, AFTER).outcome is outcome


def test_a_fall_that_chance_explains_passes() -> None:
    paired = PairedConfusion((140, 5, 8, 5, 12, 2, 7, 21))

    assert -100 * paired.f1_gain_share > AFTER.worse_f1_pct
    assert judge_aftermath(paired, LEVEL, AFTER).outcome is Outcome.PASS


def test_a_sure_fall_that_is_too_small_to_matter_passes() -> None:
    """Two of a hundred thousand right answers in a thousand are lost, and none is won."""
    paired = PairedConfusion((79_000, 0, 0, 1_000, 1_000, 0, 200, 18_800))

    assert paired.p_value_of_loss < 1e-6
    assert -100 * paired.f1_gain_share < AFTER.worse_f1_pct
    assert judge_aftermath(paired, LEVEL, AFTER).outcome is Outcome.PASS


@pytest.mark.parametrize(("rows", "positives"), [(0, 0), (199, 40), (1_000, 19), (199, 19)])
def test_before_there_are_rows_enough_nothing_is_said(rows: int, positives: int) -> None:
    paired = PairedConfusion((rows - positives, 0, 0, 0, 0, 0, positives, 0))
    verdict = judge_aftermath(paired, PairedLoss(rows, 0.5, 0.0), AFTER)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert f"{rows:,} labelled rows since the promotion, 200 asked" in verdict.reason
    assert f"{positives} positives, 20 asked" in verdict.reason


def test_from_the_asked_number_on_it_is_judged() -> None:
    paired = PairedConfusion((180, 0, 0, 0, 0, 0, 20, 0))  # every positive is lost

    assert judge_aftermath(paired, LEVEL, AFTER).outcome is Outcome.FAIL


def test_an_equal_version_is_taken_back_no_more_often_than_the_level_says() -> None:
    """Asked whenever labels come in, which changes the rows that are looked at five times."""
    taken_back = 0
    for seed in range(400):
        random = np.random.default_rng(seed)
        labels = (random.random(4_000) < 0.2).astype(np.int64)
        answers = [np.where(random.random(4_000) < 0.8, labels, 1 - labels) for _ in range(2)]
        looks = sorted({fixed_look(rows, AFTER.min_rows) for rows in range(200, 4_001)})
        assert looks == [200, 400, 800, 1_600, 3_200]
        seen = [PairedConfusion.of(labels[:n], *(a[:n] for a in answers)) for n in looks]
        taken_back += Outcome.FAIL in {judge_aftermath(one, LEVEL, AFTER).outcome for one in seen}

    assert taken_back / 400 <= AFTER.alpha + 3 * np.sqrt(AFTER.alpha * (1 - AFTER.alpha) / 400)


@given(st.integers(0, 10**9), st.integers(1, 10**5))
def test_looks_are_at_doublings_of_the_least(rows: int, least: int) -> None:
    look = fixed_look(rows, least)

    if rows < least:
        assert look == rows
    else:
        assert look <= rows < 2 * look
        assert (look // least).bit_count() == 1
        assert look % least == 0
