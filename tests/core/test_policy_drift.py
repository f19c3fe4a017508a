"""When a difference is a drift."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.battery import EFFECTS, TOGETHER, corrected, weights
from homeostat.bins import PREDICTION, PROBABILITY, Bins, fit_numeric
from homeostat.errors import StateError
from homeostat.policy import (
    WEEK_S,
    DriftPolicy,
    Severity,
    judge_drift,
    persistent,
    severity,
)
from homeostat.profile import Profile
from homeostat.verdict import Measurement, Outcome, Verdict
from tests.core.made import Columns, counted, fitted, said, text

POLICY = DriftPolicy()
REGIONS, FLAGS, ANSWERS = text(list("nsew")), text(["true", "false"]), text(["0", "1"])
LOUD = DriftPolicy(false_alarms_per_week=1e9)  #: alpha 0.05 at every look


def rows(n: int, seed: int, shift: float = 0.0) -> Columns:
    """Six features of all kinds with scores; `shift` moves the first in deviations."""
    random = np.random.default_rng([seed, n])
    income = random.lognormal(10, 0.5, n) * np.exp(0.5 * shift)
    income[random.random(n) < 0.05] = np.nan
    return {
        "income": income,
        "age": random.normal(45, 12, n),
        "children": random.poisson(1.5, n).astype(float),
        "debt": random.exponential(1_000, n) * (random.random(n) < 0.3),
        "region": REGIONS[random.choice(4, n, p=[0.6, 0.3, 0.09, 0.01])],
        "member": FLAGS[random.integers(0, 2, n)],
        PROBABILITY: random.beta(1, 9, n),
        PREDICTION: ANSWERS[(random.random(n) < 0.07).astype(int)],
    }


BINS = fitted(rows(10_000, 0))
REFERENCE = counted(BINS, rows(10_000, 0))


def window(n: int, seed: int = 1, shift: float = 0.0) -> Profile:
    return counted(BINS, rows(n, seed, shift))


def measurement(
    p_value: float | None, effect: float = 1.0, asked: float | None = 0.1
) -> Measurement:
    return Measurement(
        subject="x",
        statistic="s",
        value=effect,
        p_value=p_value,
        effect=effect,
        asked=asked,
        n_reference=1,
        n_current=1,
    )


def test_the_budget_is_spread_over_the_looks_of_a_week() -> None:
    assert DriftPolicy().alpha == pytest.approx(1 / 2016)
    assert DriftPolicy(false_alarms_per_week=2, interval_s=WEEK_S / 1_000).alpha == 2e-3
    assert DriftPolicy(interval_s=10 * WEEK_S).alpha == 0.05


def test_holm_on_an_example_by_hand() -> None:
    """p times 4, 3, 2, 1 from the least, never falling: Holm (1979), by hand."""
    given_p = [0.03, 0.001, 0.02, 0.5]
    measured = [measurement(p) for p in given_p]
    after = corrected(measured, alpha=0.05)

    assert [one.p_value for one in after] == pytest.approx([0.06, 0.004, 0.06, 0.5])
    assert [one.drifted for one in after] == [False, True, False, False]


def test_what_only_reports_is_not_corrected_and_costs_nothing() -> None:
    measured = [measurement(0.04), measurement(0.01, asked=None), measurement(None, asked=None)]
    after = corrected(measured, alpha=0.05)

    assert [one.p_value for one in after] == [0.04, 0.01, None]
    assert [one.drifted for one in after] == [True, False, False]


def test_a_question_with_more_weight_needs_less_evidence() -> None:
    """With weights w and 1 the level is split w to 1, and what is left goes to the rest."""
    shift, other = replace(measurement(0.01), statistic="location"), measurement(0.004)
    after = corrected([shift, other], alpha=0.05)

    [w, _] = weights(["location", "psi"])
    assert w > 10
    assert [one.p_value for one in after] == pytest.approx([0.01 * (w + 1) / w] * 2)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_never_makes_a_finding_likelier(p_values: list[float]) -> None:
    after = [one.p_value or 0.0 for one in corrected([measurement(p) for p in p_values], 0.05)]

    assert all(
        p <= q <= min(1, len(p_values) * p) + 1e-12 for p, q in zip(p_values, after, strict=True)
    )
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(after)[order]) >= 0).all()


@pytest.mark.parametrize(
    ("p_value", "effect", "drifted"),
    [
        pytest.param(1e-9, 0.2, True, id="significant and large"),
        pytest.param(1e-9, 0.1, True, id="as large as asked"),
        pytest.param(1e-9, 0.09, False, id="significant but small"),
        pytest.param(0.2, 0.9, False, id="large but by chance"),
    ],
)
def test_size_alone_and_significance_alone_are_no_drift(
    p_value: float, effect: float, *, drifted: bool
) -> None:
    assert corrected([measurement(p_value, effect)], alpha=0.05)[0].drifted is drifted


@pytest.mark.parametrize("n", [200, 5_000])
def test_false_alarms_stay_within_the_budget(n: int) -> None:
    """200 quiet windows at a level of 5 %, each against a reference of its own."""
    alarms = 0
    for seed in range(200):
        reference = rows(1_000, 2 * seed)
        bins = fitted(reference)
        current = counted(bins, rows(n, 2 * seed + 1))
        alarms += judge_drift(counted(bins, reference), current, LOUD).outcome is Outcome.FAIL

    assert alarms / 200 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_at_200_rows_200_quiet_windows_raise_no_alarm() -> None:
    """By PSI over 0.1 or KS over 0.05 alone most of the same windows would."""
    verdicts = [judge_drift(REFERENCE, window(200, seed), POLICY) for seed in range(1, 201)]
    by_size_alone = [
        any(
            one.value > {"psi": 0.1, "ks": 0.05}.get(one.statistic, np.inf)
            for one in verdict.measurements
        )
        for verdict in verdicts
    ]

    assert {one.outcome for one in verdicts} == {Outcome.PASS}
    assert np.mean(by_size_alone) > 0.5


def test_a_change_that_matters_is_found_and_named() -> None:
    verdict = judge_drift(REFERENCE, window(2_000, shift=0.5), POLICY)
    drifted = [one for one in verdict.measurements if one.drifted]

    assert verdict.outcome is Outcome.FAIL
    assert verdict.details["drifted"] == ["income"]
    assert {one.subject for one in drifted} == {"income", TOGETHER}
    assert all(one.asked is not None and one.effect >= one.asked for one in drifted)
    assert "1 of 6 features changed" in verdict.reason
    assert "2,000 rows against 10,000" in verdict.reason


def test_the_share_of_drifted_features_is_the_real_one() -> None:
    columns = dict(rows(3_000, 1))
    columns["income"] = columns["income"] * 2
    columns["region"] = text(["n"] * 3_000)
    columns["age"] = columns["age"] + 30
    columns[PROBABILITY] = columns[PROBABILITY] / 2
    verdict = judge_drift(REFERENCE, counted(BINS, columns), POLICY)

    assert set(verdict.details["drifted"]) == {"income", "region", "age", PROBABILITY}
    assert verdict.reason.startswith("3 of 6 features and the model's answers changed")


def test_a_large_change_in_few_rows_is_found_but_not_a_small_one_in_many() -> None:
    patient = replace(POLICY, effects={name: 3 * effect for name, effect in EFFECTS.items()})
    small = judge_drift(REFERENCE, window(200_000, shift=0.1), patient)
    income = {one.statistic: one for one in small.measurements if one.subject == "income"}

    assert judge_drift(REFERENCE, window(220, shift=1.5), POLICY).outcome is Outcome.FAIL
    assert small.outcome is Outcome.PASS
    assert income["location"].p_value is not None
    assert income["location"].p_value < POLICY.alpha
    assert 0.05 < income["location"].effect < 3 * EFFECTS["location"]


@pytest.mark.parametrize(("n", "outcome"), [(199, Outcome.INCONCLUSIVE), (200, Outcome.PASS)])
def test_too_few_rows_cannot_be_judged(n: int, outcome: Outcome) -> None:
    verdict = judge_drift(REFERENCE, window(n), POLICY)

    assert verdict.outcome is outcome
    assert f"{n:,} rows" in verdict.reason


def test_a_short_reference_cannot_be_judged_by() -> None:
    bins = fitted(rows(150, 0))
    reference = counted(bins, rows(150, 0))
    verdict = judge_drift(reference, counted(bins, rows(5_000, 1)), POLICY)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "5,000 rows in the window and 150 in the reference; 200 asked" in verdict.reason


def test_features_without_enough_values_are_excluded_by_name_but_for_their_missing() -> None:
    columns = dict(rows(1_000, 1))
    columns["age"] = np.where(np.arange(1_000) < 150, columns["age"], np.nan)
    verdict = judge_drift(REFERENCE, counted(BINS, columns), POLICY)

    assert verdict.details["excluded"] == {"age": "150 values in the window, 200 asked"}
    assert [one.statistic for one in verdict.measurements if one.subject == "age"] == ["missing"]
    assert verdict.details["drifted"] == ["age"]


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_what_cannot_be_told_is_an_error_unless_something_drifted(shift: float) -> None:
    policy = replace(POLICY, effects={**EFFECTS, "wasserstein": 0.1})
    verdict = judge_drift(REFERENCE, window(2_000, shift=shift), policy)

    assert verdict.outcome is (Outcome.FAIL if shift else Outcome.ERROR)
    assert ("no p-value, so it cannot be told" in verdict.reason) is not shift


def test_without_a_question_there_is_no_good_news() -> None:
    verdict = judge_drift(REFERENCE, window(2_000, shift=2), replace(POLICY, effects={}))

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.details["drifted"] == []


def test_counts_in_different_bins_are_not_compared() -> None:
    other = Bins((fit_numeric("income", np.array([1.0, 2.0])),))

    with pytest.raises(StateError, match="different bins"):
        judge_drift(REFERENCE, Profile.empty(other), POLICY)


def test_every_measurement_says_what_it_could_have_seen() -> None:
    verdict = judge_drift(REFERENCE, window(1_000), POLICY)
    deciding = [one for one in verdict.measurements if one.asked is not None]

    assert {one.statistic for one in deciding} == set(EFFECTS)
    assert all((one.n_reference, one.n_current) == (10_000, 1_000) for one in deciding)
    for one in deciding:
        assert one.asked is not None
        assert one.minimum_detectable_effect is not None
        assert one.minimum_detectable_effect >= one.asked
    assert "would have been seen 4 times in 5" in verdict.reason
    assert verdict.reason.endswith(f"{len(deciding)} questions")


@pytest.mark.parametrize("times", [1_000, 100_000])
def test_what_could_have_been_seen_is_stated_in_any_number_of_rows(times: int) -> None:
    """The p-value of the effect that is asked is 0 in millions of rows, as far as floats go."""
    before, now = (
        Profile(one.bins, one.counts * times, one.moments * times, one.joint * times)
        for one in (REFERENCE, window(1_000))
    )
    verdict = judge_drift(before, now, POLICY)
    deciding = [one for one in verdict.measurements if one.asked is not None]

    for one in deciding:
        assert one.asked is not None
        assert one.asked <= (one.minimum_detectable_effect or 0.0) <= 1.1 * one.asked


def test_a_verdict_can_be_written_down_for_constant_features_too() -> None:
    columns = {"x": np.full(500, 3.0), "y": np.arange(500.0)}
    bins = fitted(columns)
    moved = counted(bins, {"x": np.full(500, 4.0), "y": np.arange(500.0)})
    verdict = judge_drift(counted(bins, columns), moved, POLICY)

    assert verdict.details["drifted"] == ["x"]
    assert all(np.isfinite(one.value) for one in verdict.measurements)
    assert Verdict.from_dict(verdict.to_dict()) == verdict


@pytest.mark.parametrize(
    ("outcomes", "patience", "answer"),
    [
        ("PASS", 3, "PASS"),
        ("PASS FAIL FAIL FAIL", 3, "PASS"),
        ("FAIL", 1, "FAIL"),
        ("FAIL FAIL", 3, "INCONCLUSIVE"),
        ("FAIL FAIL FAIL", 3, "FAIL"),
        ("FAIL FAIL FAIL FAIL", 3, "FAIL"),
        ("FAIL FAIL PASS FAIL", 3, "INCONCLUSIVE"),
        ("FAIL FAIL INCONCLUSIVE FAIL", 3, "INCONCLUSIVE"),
        ("FAIL FAIL ERROR FAIL", 3, "INCONCLUSIVE"),
        ("ERROR FAIL FAIL FAIL", 3, "ERROR"),
        ("INCONCLUSIVE FAIL FAIL FAIL", 3, "INCONCLUSIVE"),
    ],
)
def test_a_failure_counts_once_it_lasts(outcomes: str, patience: int, answer: str) -> None:
    verdict = persistent([said(Outcome(one)) for one in outcomes.split()], patience)

    assert verdict.outcome == answer
    assert verdict.question == "drift"


def test_a_failure_held_back_says_how_long_it_has_lasted() -> None:
    verdict = persistent(
        [said(Outcome.FAIL, reason="KS 0.3"), said(Outcome.FAIL), said(Outcome.PASS)], 3
    )

    assert verdict.reason == "in 2 windows in a row, 3 asked: KS 0.3"


def test_a_comparison_that_is_made_once_has_a_level_of_its_own() -> None:
    assert DriftPolicy.once(0.01).alpha == pytest.approx(0.01)
    assert DriftPolicy.once(0.5).alpha == 0.05


@pytest.mark.parametrize(
    ("shift", "severe"),
    [(0.0, Severity.NONE), (0.3, Severity.NONE), (0.55, Severity.WARNING), (2, Severity.CRITICAL)],
)
def test_severity_is_by_psi_and_only_of_what_is_shown(shift: float, severe: Severity) -> None:
    verdict = judge_drift(REFERENCE, window(3_000, shift=shift), POLICY)

    assert severity(verdict, "income", POLICY) is severe
    assert severity(verdict, "age", POLICY) is Severity.NONE
