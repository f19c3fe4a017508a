"""Means and spreads against plain numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from homeostat.expected import Expected, ExpectedPolicy, Moments, judge_expected
from homeostat.verdict import Measurement, Outcome, Verdict

POLICY = ExpectedPolicy()
CLICKS = Expected(mean=0.025, deviation=0.015)
LATENCY = Expected(mean=0.05, deviation=0.01)


def moments(values: NDArray[np.float64]) -> Moments:
    apart = values - values.mean()
    return Moments(
        n=len(values),
        mean=float(values.mean()),
        deviation=float(values.std()),
        kurtosis=float(np.mean(apart**4) / np.mean(apart**2) ** 2),
    )


def scores(n: int, seed: int, *, shift: float = 0.0, wider: float = 1.0) -> Moments:
    """Gamma scores with the expected mean and deviation, moved and widened by so much."""
    shape = (CLICKS.mean / CLICKS.deviation) ** 2
    values = np.random.default_rng(seed).gamma(shape, CLICKS.mean / shape, n)
    return moments(CLICKS.mean + (values - CLICKS.mean) * wider + shift * CLICKS.deviation)


def asked(verdict: Verdict) -> dict[str, Measurement]:
    return {one.statistic: one for one in verdict.measurements}


def test_a_fifth_of_a_deviation_shows_in_a_thousand_rows() -> None:
    """Divided by the deviation itself, not by that of a mean, z would be 0.2 and show nothing."""
    verdict = judge_expected((scores(1_000, 1, shift=0.2), CLICKS), None, POLICY)
    shift = asked(verdict)["mean_shift"]

    assert verdict.outcome is Outcome.FAIL
    assert shift.value == pytest.approx(0.2 * 1_000**0.5, abs=3)
    assert shift.drifted
    assert not asked(verdict)["variance_change"].drifted


def test_what_is_as_expected_seldom_alarms() -> None:
    verdicts = [judge_expected((scores(1_000, s), CLICKS), None, POLICY) for s in range(400)]

    assert sum(one.outcome is Outcome.FAIL for one in verdicts) <= 2


def test_p_values_are_even_where_nothing_changed() -> None:
    loud = ExpectedPolicy(mean_effect=0.0, spread_effect=0.0)
    found = [asked(judge_expected((scores(2_000, s), CLICKS), None, loud)) for s in range(400)]
    for name in ("mean_shift", "variance_change"):
        p_values = [one[name].p_value or 0.0 for one in found]
        assert 0.02 <= np.mean([p / 2 < 0.05 for p in p_values]) <= 0.09


@pytest.mark.parametrize("wider", [0.7, 1.4])
def test_a_changed_spread_shows_whichever_way(wider: float) -> None:
    verdict = judge_expected((scores(2_000, 2, wider=wider), CLICKS), None, POLICY)

    assert asked(verdict)["variance_change"].drifted
    assert np.sign(asked(verdict)["variance_change"].value) == np.sign(wider - 1)
    assert asked(verdict)["variance_change"].effect == pytest.approx(abs(np.log(wider)), abs=0.06)


@given(n=st.integers(100, 10**9))
def test_a_shift_that_does_not_matter_never_counts(n: int) -> None:
    seen = Moments(n=n, mean=CLICKS.mean + 0.04 * CLICKS.deviation, deviation=CLICKS.deviation)

    assert judge_expected((seen, CLICKS), None, POLICY).outcome is Outcome.PASS


@pytest.mark.parametrize(("mean", "outcome"), [(0.08, Outcome.FAIL), (0.02, Outcome.PASS)])
def test_only_a_rise_of_the_latency_counts(mean: float, outcome: Outcome) -> None:
    seen = Moments(n=500, mean=mean, deviation=0.02)

    assert judge_expected(None, (seen, LATENCY), POLICY).outcome is outcome


def test_few_rows_or_nothing_expected_cannot_tell() -> None:
    few = Moments(n=99, mean=1.0, deviation=1.0)

    assert judge_expected(None, None, POLICY).outcome is Outcome.INCONCLUSIVE
    verdict = judge_expected((few, CLICKS), None, POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "99 rows, 100 asked" in verdict.reason


def test_scores_that_are_all_the_same_changed_their_spread() -> None:
    stuck = Moments(n=1_000, mean=CLICKS.mean, deviation=0.0)
    verdict = judge_expected((stuck, CLICKS), None, POLICY)

    assert asked(verdict)["variance_change"].drifted
    assert not asked(verdict)["mean_shift"].drifted
