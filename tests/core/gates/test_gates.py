"""Each gate at its boundaries."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from homeostat.errors import NotFound
from homeostat.gates import GATES, Evidence, build_gates
from homeostat.metrics.auc import RankingQuality
from homeostat.metrics.confusion import Confusion, PairedConfusion
from homeostat.metrics.paired_loss import PairedLoss
from homeostat.testing.gate import good_evidence
from homeostat.verdict import Outcome, Verdict

GOOD = good_evidence()
PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE


def asked(gate: str, evidence: Evidence) -> Verdict:
    return GATES[gate]().judge(evidence)


def rows(negatives: int, positives: int) -> PairedConfusion:
    return PairedConfusion((negatives, 0, 0, 0, 0, 0, 0, positives))


@pytest.mark.parametrize(
    ("negatives", "positives", "outcome"),
    [(150, 50, PASS), (149, 50, INCONCLUSIVE), (951, 49, INCONCLUSIVE), (49, 951, INCONCLUSIVE)],
)
def test_min_rows_asks_for_both_classes(negatives: int, positives: int, outcome: Outcome) -> None:
    verdict = asked("min_rows", replace(GOOD, paired=rows(negatives, positives)))

    assert verdict.outcome is outcome
    assert f"{min(negatives, positives):,} of the rarer class, 50 asked" in verdict.reason


@pytest.mark.parametrize(
    ("due", "outcome"), [(1_000, PASS), (1_001, INCONCLUSIVE), (0, INCONCLUSIVE)]
)
def test_label_coverage_asks_for_three_tenths(due: int, outcome: Outcome) -> None:
    evidence = replace(GOOD, due=due, paired=rows(200, 100))

    assert asked("label_coverage", evidence).outcome is outcome


@pytest.mark.parametrize(
    ("waited", "outcome"),
    [
        (None, PASS),
        (timedelta(days=7), PASS),
        (timedelta(days=7, seconds=-1), INCONCLUSIVE),
        (timedelta(days=-1), INCONCLUSIVE),
    ],
)
def test_cooldown_waits_for_a_week(waited: timedelta | None, outcome: Outcome) -> None:
    last = None if waited is None else GOOD.now - waited

    assert asked("cooldown", replace(GOOD, last_promoted_at=last)).outcome is outcome


@pytest.mark.parametrize(("shared", "outcome"), [(0, PASS), (1, FAIL)])
def test_not_one_row_may_have_been_learnt(shared: int, outcome: Outcome) -> None:
    assert asked("unseen_rows", replace(GOOD, shared_rows=shared)).outcome is outcome


@pytest.mark.parametrize(
    ("brier", "outcome"),
    [
        pytest.param(PairedLoss(1_000, -0.01, 1.0), PASS, id="better"),
        pytest.param(PairedLoss(1_000, 0.009, 0.001), PASS, id="worse, but surely within"),
        pytest.param(PairedLoss(1_000, 0.005, 100.0), INCONCLUSIVE, id="it cannot be told"),
        pytest.param(PairedLoss(1_000, 0.011, 100.0), FAIL, id="over the margin"),
        pytest.param(PairedLoss(1, -0.5, 0.0), INCONCLUSIVE, id="one row"),
        pytest.param(PairedLoss(), INCONCLUSIVE, id="no rows"),
        pytest.param(PairedLoss(9, math.nan, math.nan), INCONCLUSIVE, id="not a number"),
    ],
)
def test_calibration_is_not_shown_to_be_kept_until_it_is(
    brier: PairedLoss, outcome: Outcome
) -> None:
    assert asked("calibration", replace(GOOD, brier=brier)).outcome is outcome


@pytest.mark.parametrize(
    ("champion", "candidate", "outcome"),
    [
        pytest.param((0.8, 0.01, 900), (0.79, 0.01, 900), PASS, id="kept"),
        pytest.param((0.8, 0.01, 900), (0.69, 0.01, 900), FAIL, id="lost"),
        pytest.param((0.8, 0.01, 900), (0.705, 0.01, 900), INCONCLUSIVE, id="perhaps"),
        pytest.param((0.8, 0.001, 499), (0.8, 0.001, 900), INCONCLUSIVE, id="few rows"),
        pytest.param((0.8, 0.001, 900), (0.8, 0.001, 499), INCONCLUSIVE, id="few of its own"),
        pytest.param(None, (0.8, 0.01, 900), INCONCLUSIVE, id="no champion"),
        pytest.param((0.8, 0.01, 900), None, INCONCLUSIVE, id="no candidate"),
    ],
)
def test_the_golden_rows_must_still_be_ranked(
    champion: tuple[float, float, int] | None,
    candidate: tuple[float, float, int] | None,
    outcome: Outcome,
) -> None:
    evidence = replace(
        GOOD,
        golden_champion=champion and RankingQuality(*champion),
        golden_candidate=candidate and RankingQuality(*candidate),
    )

    assert asked("golden_set", evidence).outcome is outcome


@pytest.mark.parametrize(
    ("cells", "outcome"),
    [
        pytest.param((800, 10, 30, 20, 40, 30, 5, 65), PASS, id="better"),
        pytest.param((800, 30, 10, 20, 40, 5, 30, 65), FAIL, id="worse"),
        pytest.param((820, 20, 20, 0, 40, 7, 6, 87), FAIL, id="better by chance"),
        pytest.param((79_000, 0, 0, 999, 1_000, 101, 1, 18_899), FAIL, id="surely, but by nothing"),
        pytest.param((0,) * 8, INCONCLUSIVE, id="no rows"),
    ],
)
def test_improvement_asks_for_size_and_for_more_than_luck(
    cells: tuple[int, ...], outcome: Outcome
) -> None:
    verdict = asked("improvement", replace(GOOD, paired=PairedConfusion(cells)))

    assert verdict.outcome is outcome


def test_what_better_by_chance_means() -> None:
    lucky = PairedConfusion((820, 20, 20, 0, 40, 7, 6, 87))
    sure = PairedConfusion((79_000, 0, 0, 999, 1_000, 101, 1, 18_899))

    assert (100 * lucky.f1_gain_share, lucky.p_value) > (0.4, 0.2)
    assert sure.p_value < 0.001
    assert 100 * sure.f1_gain_share < 2


WORSE = PairedConfusion((160, 0, 0, 0, 5, 0, 20, 15))  #: F1 from 0.93 to 0.55 on 200 rows
SAME = PairedConfusion((160, 0, 0, 0, 5, 0, 0, 35))
TINY = PairedConfusion((80, 0, 0, 0, 0, 0, 19, 0))


@pytest.mark.parametrize(
    ("segments", "outcome", "words"),
    [
        ({}, PASS, "no segment is declared"),
        ({"a": SAME}, PASS, "no fall over 5 % is shown in 1 segments"),
        ({"a": SAME, "b": WORSE}, FAIL, "b: F1 0.545 against 0.933 on 200 rows"),
        ({"a": SAME, "b": TINY}, PASS, "unknown, with under 100 rows: b"),
        ({"c": TINY, "b": TINY}, INCONCLUSIVE, "unknown, with under 100 rows: b, c"),
        ({"a": WORSE, "b": TINY}, FAIL, "allowed; unknown, with under 100 rows: b"),
    ],
)
def test_segments_that_are_declared_are_asked(
    segments: dict[str, PairedConfusion], outcome: Outcome, words: str
) -> None:
    verdict = asked("segments", replace(GOOD, segments=segments))

    assert verdict.outcome is outcome
    assert words in verdict.reason


def test_the_more_segments_the_surer_each_must_be() -> None:
    """At 5 % one of twenty segments seems to fall when none does."""
    doubtful = PairedConfusion((140, 6, 4, 5, 12, 2, 9, 24))
    many = {f"region {i}": SAME for i in range(19)}

    assert -100 * doubtful.f1_gain_share > 5
    assert 0.05 / 20 < doubtful.p_value_of_loss < 0.05
    alone = asked("segments", replace(GOOD, segments={"region 19": doubtful}))
    assert alone.outcome is FAIL
    among = asked("segments", replace(GOOD, segments={**many, "region 19": doubtful}))
    assert among.outcome is PASS


def group(positives: int, n: int) -> Confusion:
    return Confusion(false_negatives=positives, true_negatives=n - positives)


@pytest.mark.parametrize(
    ("safest", "golden", "outcome"),
    [
        pytest.param(group(2, 100), group(1, 100), PASS, id="still safe"),
        pytest.param(group(10, 100), group(0, 100), PASS, id="as high as allowed"),
        pytest.param(group(12, 100), group(1, 100), FAIL, id="no longer safe"),
        pytest.param(group(30, 39), group(0, 100), INCONCLUSIVE, id="few rows"),
        pytest.param(group(30, 100), group(0, 39), INCONCLUSIVE, id="few golden rows"),
        pytest.param(group(0, 0), group(0, 0), INCONCLUSIVE, id="no rows"),
        pytest.param(None, group(0, 100), INCONCLUSIVE, id="nothing known"),
        pytest.param(group(0, 100), None, INCONCLUSIVE, id="nothing to compare with"),
    ],
)
def test_labels_without_a_safe_group_are_not_believed(
    safest: Confusion | None, golden: Confusion | None, outcome: Outcome
) -> None:
    evidence = replace(GOOD, safest=safest, safest_golden=golden)

    assert asked("label_sanity", evidence).outcome is outcome


def test_options_reach_the_gate_they_name() -> None:
    names = list(GATES)
    plain = build_gates({})
    strict = build_gates({"min_rows": {"at_least": 5_000}})

    assert len(plain) == len(strict) == len(names)
    assert [a == b for a, b in zip(plain, strict, strict=True)] == [
        name != "min_rows" for name in names
    ]
    assert strict[names.index("min_rows")].judge(GOOD).outcome is INCONCLUSIVE


def test_an_option_for_a_gate_that_does_not_exist_is_refused() -> None:
    with pytest.raises(NotFound, match="did you mean 'cooldown'"):
        build_gates({"cooldwn": {}})


def test_evidence_counts_its_rows() -> None:
    assert Evidence(now=GOOD.now).rows == 0
    assert GOOD.rows == GOOD.paired.n == 4_000
