"""Limits and the reference are tested, and not compared as bare numbers."""

import json

import numpy as np
import pytest

from homeostat.metrics import NONE, Estimate, mean_estimate, share_estimate
from homeostat.standards import (
    Standards,
    interval_text,
    judge_degradation,
    judge_segments,
    judge_thresholds,
)
from homeostat.verdict import Outcome, Verdict
from homeostat.weakness import WeakSegment

WEAK = WeakSegment(
    name="job cook",
    n=400,
    share=0.1,
    seen=0.3,
    expected=0.2,
    brier=0.2,
    expected_brier=0.15,
    cost=0.005,
    p_value=0.001,
)


def share(value: float, n: int) -> Estimate:
    return share_estimate(value, value * (1 - value) / n, (n, n), method="Wilson")


def loss(value: float, error: float, n: int = 500) -> Estimate:
    return mean_estimate(value, error**2, n=n, method="Student")


@pytest.mark.parametrize(
    ("figures", "limits", "outcome"),
    [
        pytest.param({"recall": share(0.65, 500)}, {"recall": 0.7}, Outcome.FAIL, id="shown"),
        pytest.param(
            {"recall": share(0.68, 500)}, {"recall": 0.7}, Outcome.INCONCLUSIVE, id="by chance"
        ),
        pytest.param({"recall": share(0.71, 500)}, {"recall": 0.7}, Outcome.PASS, id="kept"),
        pytest.param(
            {"recall": share(0.1, 19)}, {"recall": 0.7}, Outcome.INCONCLUSIVE, id="19 cases"
        ),
        pytest.param({"recall": share(0.1, 20)}, {"recall": 0.7}, Outcome.FAIL, id="20 cases"),
        pytest.param({"recall": NONE}, {"recall": 0.7}, Outcome.INCONCLUSIVE, id="unknown"),
        pytest.param({}, {"recall": 0.7}, Outcome.INCONCLUSIVE, id="not measured"),
        pytest.param({"brier": loss(0.2, 0.01)}, {"brier": 0.15}, Outcome.FAIL, id="a loss"),
        pytest.param({"brier": loss(0.1, 0.01)}, {"brier": 0.15}, Outcome.PASS, id="a low loss"),
        pytest.param(
            {"recall": share(0.62, 500), "accuracy": share(0.9, 900)},
            {"recall": 0.7, "accuracy": 0.8},
            Outcome.FAIL,
            id="one of two",
        ),
        pytest.param(
            {"accuracy": share(1.0, 300)}, {"accuracy": 0.9}, Outcome.PASS, id="all right"
        ),
        pytest.param(
            {"accuracy": share(0.0, 300)}, {"accuracy": 0.9}, Outcome.FAIL, id="all wrong"
        ),
    ],
)
def test_a_limit(figures: dict[str, Estimate], limits: dict[str, float], outcome: Outcome) -> None:
    verdict = judge_thresholds(figures, Standards(limits=limits), 900)

    assert verdict.outcome is outcome
    assert verdict.reason
    json.dumps(verdict.to_dict(), allow_nan=False)


def test_a_breach_says_what_was_seen_and_asked_and_on_how_many_rows() -> None:
    verdict = judge_thresholds({"recall": share(0.65, 500)}, Standards(limits={"recall": 0.7}), 812)
    [told] = verdict.measurements

    assert verdict.reason == "Recall 0.65 (0.61 to 0.69) below 0.70 on 812 labelled rows"
    assert (told.subject, told.statistic, told.drifted) == ("recall", "threshold", True)
    assert (told.value, told.asked, told.n_current) == (0.65, 0.7, 500)
    assert told.p_value is not None
    assert told.p_value < 0.01
    assert verdict.details["intervals"]["recall"] == pytest.approx([0.607, 0.6905], abs=0.001)
    assert verdict.details["methods"]["recall"] == "Wilson"


def test_what_chance_may_explain_is_said_to_be_so() -> None:
    verdict = judge_thresholds({"recall": share(0.68, 500)}, Standards(limits={"recall": 0.7}), 812)

    assert "is not shown to be below 0.70" in verdict.reason


@pytest.mark.parametrize("rows", [0, 199])
def test_with_too_few_rows_nothing_is_told(rows: int) -> None:
    figures, standards = {"recall": share(0.1, 500)}, Standards(limits={"recall": 0.7})
    verdicts = [
        judge_thresholds(figures, standards, rows),
        judge_degradation(figures, {"recall": share(0.9, 500)}, standards, rows),
        judge_segments({"a": figures}, [], standards, rows),
    ]

    assert {one.outcome for one in verdicts} == {Outcome.INCONCLUSIVE}
    assert {one.reason for one in verdicts} == {f"{rows} labelled rows, 200 asked"}


@pytest.mark.parametrize(
    ("now", "before", "outcome"),
    [
        pytest.param(share(0.79, 2000), share(0.85, 3000), Outcome.FAIL, id="fallen"),
        pytest.param(share(0.83, 20000), share(0.85, 30000), Outcome.PASS, id="too little"),
        pytest.param(share(0.79, 60), share(0.85, 3000), Outcome.INCONCLUSIVE, id="by chance"),
        pytest.param(share(0.79, 2000), share(0.85, 60), Outcome.INCONCLUSIVE, id="few before"),
        pytest.param(share(0.90, 2000), share(0.85, 3000), Outcome.PASS, id="better"),
        pytest.param(share(0.79, 2000), share(0.0, 3000), Outcome.PASS, id="from nothing"),
    ],
)
def test_the_reference(now: Estimate, before: Estimate, outcome: Outcome) -> None:
    verdict = judge_degradation({"accuracy": now}, {"accuracy": before}, Standards(), 2000)

    assert verdict.outcome is outcome
    json.dumps(verdict.to_dict(), allow_nan=False)


def test_a_loss_degrades_by_rising() -> None:
    standards = Standards(compared=("brier",))
    before = {"brier": loss(0.10, 0.002)}
    risen = judge_degradation({"brier": loss(0.12, 0.002)}, before, standards, 500)
    fallen = judge_degradation({"brier": loss(0.08, 0.002)}, before, standards, 500)

    assert (risen.outcome, fallen.outcome) == (Outcome.FAIL, Outcome.PASS)
    assert "above the 0.10 of the reference" in risen.reason


def test_a_degradation_says_how_far_it_fell() -> None:
    verdict = judge_degradation(
        {"accuracy": share(0.79, 2000)}, {"accuracy": share(0.85, 3000)}, Standards(), 2000
    )
    [told] = verdict.measurements

    assert verdict.reason == (
        "Accuracy 0.79 (0.77 to 0.81) 7.1% below the 0.85 of the reference (5.0% asked) on "
        "2,000 labelled rows"
    )
    assert (told.statistic, told.n_reference) == ("degradation", 3000)
    assert told.asked == pytest.approx(0.85 * 0.95)
    assert verdict.details["reference"] == {"accuracy": 0.85}


def test_without_a_reference_nothing_can_be_said_of_it() -> None:
    verdict = judge_degradation({"accuracy": share(0.8, 500)}, {}, Standards(), 500)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "no figure to compare with" in verdict.reason


def rate_of_failures(true: float, limit: float, n: int) -> float:
    random = np.random.default_rng(0)
    standards = Standards(limits={"accuracy": limit}, alpha=0.05)
    seen = [
        judge_thresholds({"accuracy": share(hits / n, n)}, standards, n).outcome
        for hits in random.binomial(n, true, 4000)
    ]
    return float(np.mean([one is Outcome.FAIL for one in seen]))


@pytest.mark.parametrize("n", [200, 1000, 10_000])
def test_a_model_that_is_as_good_as_asked_fails_no_more_often_than_said(n: int) -> None:
    assert 0.03 <= rate_of_failures(0.8, 0.8, n) <= 0.065


def test_a_model_that_is_worse_than_asked_fails_nearly_always() -> None:
    assert rate_of_failures(0.74, 0.8, 1000) > 0.99


def test_of_five_equal_figures_the_reference_fails_no_more_often_than_said() -> None:
    random = np.random.default_rng(1)
    names = Standards().compared
    standards = Standards(degradation=0.0, alpha=0.05)
    failed = 0
    for _ in range(2000):
        now, before = (
            {name: share(random.binomial(n, 0.8) / n, n) for name in names} for n in (500, 800)
        )
        failed += judge_degradation(now, before, standards, 500).outcome is Outcome.FAIL

    assert 0.03 <= failed / 2000 <= 0.065


def segments(parts: dict[str, dict[str, Estimate]], *weak: WeakSegment) -> Verdict:
    return judge_segments(parts, weak, Standards(limits={"recall": 0.7}), 900)


def test_a_declared_part_below_a_limit_is_named() -> None:
    verdict = segments(
        {"age [18, 30)": {"recall": share(0.5, 200)}, "age [30, inf)": {"recall": share(0.8, 400)}}
    )

    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason == (
        "in age [18, 30): Recall 0.50 (0.43 to 0.57) below 0.70 on 200 labelled rows"
    )
    assert [one.partner for one in verdict.measurements if one.drifted] == ["age [18, 30)"]


def test_parts_that_keep_their_limits_are_counted() -> None:
    verdict = segments({"age [18, 30)": {"recall": share(0.8, 300)}})

    assert verdict.outcome is Outcome.PASS
    assert "1 figures of declared parts keep their limits or may" in verdict.reason


def test_a_weak_part_is_named_with_what_it_costs() -> None:
    verdict = segments({}, WEAK)

    assert verdict.outcome is Outcome.FAIL
    assert "weak in job cook: Brier score 0.20 and positives 30.0%" in verdict.reason
    assert "costs 0.0050 of the Brier score" in verdict.reason
    assert verdict.details["weak"][0]["segment"] == "job cook"
    [told] = verdict.measurements
    assert (told.subject, told.statistic, told.drifted) == ("brier", "weak_segment", True)


def test_parts_with_too_few_rows_are_unknown_and_said_to_be() -> None:
    verdict = segments({"age [18, 30)": {"recall": share(0.1, 5)}})

    assert verdict.outcome is Outcome.PASS
    assert verdict.reason.endswith("; 1 of parts with too few rows are unknown")


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (NONE, "unknown"),
        (loss(0.3, 0.01, 1), "0.30"),
        (share(0.05, 100), "0.050 (0.022 to 0.11)"),
        (loss(1234.0, 10.0), "1,234 (1,214 to 1,254)"),
    ],
)
def test_a_figure_reads_well(one: Estimate, text: str) -> None:
    assert interval_text(one) == text
