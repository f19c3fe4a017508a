"""Faults that loops like this one are known for, each as a test that would have caught it."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from homeostat.decision import decide_promotion
from homeostat.gates import Evidence, build_gates
from homeostat.metrics.auc import RankingQuality
from homeostat.metrics.confusion import Confusion, PairedConfusion
from homeostat.metrics.paired_loss import PairedLoss
from homeostat.testing.gate import NOW, good_evidence
from homeostat.verdict import Outcome, Verdict

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GATES = build_gates({})
POSITIVE = 0.07
SIZES = (200, 500, 1_000, 2_000, 5_000)


def answer(evidence: Evidence) -> tuple[Outcome, dict[str, Verdict]]:
    outcome, verdicts = decide_promotion(GATES, evidence)
    return outcome, {one.question: one for one in verdicts}


def world(random: np.random.Generator, n: int) -> tuple[Floats, Ints]:
    """What the best model would say of n rows, and their labels: 7 % positive."""
    truth = random.normal(-3.6, 1.6, n)
    p = 1 / (1 + np.exp(-truth))
    return truth, (random.random(n) < p).astype(np.int64)


def model(random: np.random.Generator, truth: Floats, noise: float = 0.5) -> Floats:
    """Probabilities of a model that sees the truth through noise of its own."""
    return 1 / (1 + np.exp(-(truth + random.normal(0, noise, len(truth)))))


def evidence_of(random: np.random.Generator, n: int, noises: tuple[float, float]) -> Evidence:
    """A champion and a candidate with so much noise, side by side on n fresh rows."""
    truth, labels = world(random, n)
    scores = [model(random, truth, noise) for noise in noises]
    answers = [(p >= 0.15).astype(np.int64) for p in scores]
    golden_truth, golden_labels = world(random, 2_000)
    golden = [model(random, golden_truth, noise) for noise in noises]
    safest = np.argsort(scores[1])[: n // 5]
    golden_safest = np.argsort(golden[0])[:400]
    return Evidence(
        now=NOW,
        due=n,
        paired=PairedConfusion.of(labels, answers[0], answers[1]),
        brier=PairedLoss.brier(labels, scores[0], scores[1]),
        safest=Confusion.of(labels[safest], answers[1][safest]),
        safest_golden=Confusion.of(golden_labels[golden_safest], np.zeros(400, dtype=np.int64)),
        golden_champion=RankingQuality.of(golden_labels, golden[0]),
        golden_candidate=RankingQuality.of(golden_labels, golden[1]),
    )


def test_an_equally_good_candidate_is_promoted_in_at_most_one_of_twenty_decisions() -> None:
    """400 A/A pairs at 200 to 5,000 rows; by the size of the gain alone a fifth would pass."""
    promoted = by_size_alone = 0
    for seed in range(400):
        evidence = evidence_of(np.random.default_rng(seed), SIZES[seed % 5], (0.5, 0.5))
        promoted += answer(evidence)[0] is Outcome.PASS
        by_size_alone += evidence.paired.f1_gain_share >= 0.02

    assert promoted / 400 <= 0.05
    assert by_size_alone / 400 > 0.2


def test_a_better_candidate_is_promoted() -> None:
    """The other side of the same gates: 5,000 rows show what they are there to show."""
    outcomes = [
        answer(evidence_of(np.random.default_rng(seed), 5_000, (2.5, 0.2)))[0] for seed in range(20)
    ]

    assert outcomes.count(Outcome.PASS) >= 18


@pytest.mark.parametrize("found", [20, 100, 400])
def test_a_dead_champion_can_be_replaced(found: int) -> None:
    """A gain as a share of F1 = 0 is no number; the dead model was kept for ever."""
    paired = PairedConfusion((3_550, 50, 0, 0, 400 - found, found, 0, 0))
    outcome, verdicts = answer(replace(good_evidence(), paired=paired, segments={}))

    assert paired.champion.f1 == 0
    assert verdicts["improvement"].outcome is Outcome.PASS
    assert outcome is Outcome.PASS


def test_a_dead_champion_is_not_replaced_by_another_dead_model() -> None:
    paired = PairedConfusion((3_600, 0, 0, 0, 400, 0, 0, 0))

    assert answer(replace(good_evidence(), paired=paired))[0] is Outcome.FAIL


def test_a_segment_that_is_declared_and_fails_stops_the_promotion() -> None:
    """The check for segments was never reached, whatever was declared."""
    good = good_evidence()
    fallen = PairedConfusion((400, 0, 0, 0, 0, 0, 60, 40))
    outcome, verdicts = answer(replace(good, segments={**good.segments, "age [60, inf)": fallen}))

    assert outcome is Outcome.FAIL
    assert [name for name, one in verdicts.items() if one.outcome is not Outcome.PASS] == [
        "segments"
    ]
    assert "age [60, inf)" in verdicts["segments"].reason


@pytest.mark.parametrize("due", [0, 4_000 * 10, 10**9])
def test_labels_that_are_missing_never_pass(due: int) -> None:
    """Coverage that could not be computed was taken for full coverage."""
    outcome, verdicts = answer(replace(good_evidence(), due=due))

    assert verdicts["label_coverage"].outcome is Outcome.INCONCLUSIVE
    assert outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("n", range(0, 200, 25))
def test_few_rows_never_promote_and_never_discard(n: int) -> None:
    """Of a few rows nothing can be told: neither luck nor bad luck counts."""
    lucky = PairedConfusion((n // 2, 0, 0, 0, 0, n - n // 2, 0, 0))
    unlucky = PairedConfusion((n // 2, 0, 0, 0, 0, 0, n - n // 2, 0))

    for paired in (lucky, unlucky):
        evidence = replace(good_evidence(), paired=paired, due=n)
        assert answer(evidence)[0] is Outcome.INCONCLUSIVE


def test_everything_that_is_wrong_is_said_at_once() -> None:
    """It stopped at the first reason, so that the next came to light a month later."""
    bad = replace(
        good_evidence(),
        shared_rows=7,
        brier=PairedLoss(4_000, 0.2, 1.0),
        golden_candidate=RankingQuality(0.5, 0.01, 4_000),
    )
    outcome, verdicts = answer(bad)
    failed = {name for name, one in verdicts.items() if one.outcome is Outcome.FAIL}

    assert outcome is Outcome.FAIL
    assert failed == {"unseen_rows", "calibration", "golden_set"}


def test_a_spoilt_window_of_labels_does_not_promote_what_learnt_from_it() -> None:
    """Four in ten labels flipped: a candidate that learnt the flips looks better on them."""
    random = np.random.default_rng(0)
    good = evidence_of(random, 4_000, (0.5, 0.5))
    safest = Confusion(false_negatives=320, true_negatives=480)
    outcome, verdicts = answer(
        replace(good, safest=safest, paired=PairedConfusion((1_500, 0, 900, 0, 0, 1_200, 0, 400)))
    )

    assert verdicts["improvement"].outcome is Outcome.PASS
    assert verdicts["label_sanity"].outcome is Outcome.FAIL
    assert outcome is Outcome.FAIL
