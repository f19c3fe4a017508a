"""Chances against what can be counted out exactly."""

from fractions import Fraction
from itertools import combinations_with_replacement
from math import comb, exp, lgamma

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from homeostat.chance import fewest_cases, saddlepoint, share_p_value


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, int, int]:
    m, n = draw(st.integers(1, 3_000)), draw(st.integers(1, 3_000))
    return draw(st.integers(0, m)), m, draw(st.integers(0, n)), n


def ways(cases: int, m: int, n: int) -> dict[int, int]:
    """In how many ways each count can be in the window, of C(m + n, n) together."""
    least, most = max(0, cases - m), min(cases, n)
    return {k: comb(cases, k) * comb(m + n - cases, n - k) for k in range(least, most + 1)}


def counted_out(x: int, m: int, y: int, n: int) -> float:
    """Twice the smaller tail, or once where nothing beyond is as unlikely; in whole numbers."""
    found = ways(x + y, m, n)
    below = sum(count for k, count in found.items() if k <= y)
    above = sum(count for k, count in found.items() if k >= y)
    tail = min(below, above)
    other = found[max(found)] if below < above else found[min(found)]
    times = 1 if other > tail else 2
    return float(min(Fraction(1), Fraction(times * tail, comb(m + n, n))))


@given(tables())
def test_shares_are_compared_exactly_whatever_the_counts(table: tuple[int, int, int, int]) -> None:
    exact = counted_out(*table)

    assert share_p_value(*table) == pytest.approx(exact, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("excess", [0, 1_000, 5_000, 9_000])
def test_it_stays_exact_among_ten_million_rows(excess: int) -> None:
    """The limit law is no longer noticeably wrong there, with its continuity correction."""
    m, n = 2_000_000, 10_000_000
    x, y = 400_000, 2_000_000 + excess
    pooled = (x + y) / (m + n)
    spread = np.sqrt(pooled * (1 - pooled) * m * n / (m + n - 1))
    limit = 2 * stats.norm.sf((y - n * pooled - 0.5) / spread)

    assert share_p_value(x, m, y, n) == pytest.approx(min(1.0, limit), rel=0.02)


@pytest.mark.parametrize(
    ("cases_reference", "cases_current"), [(0, 5), (3, 4), (12, 30), (0, 1), (50, 60), (90, 2)]
)
def test_it_is_the_smaller_tail_of_scipys_fisher_test_once_or_twice(
    cases_reference: int, cases_current: int
) -> None:
    """SciPy's two-sided one adds up what is as unlikely, and is never the larger one."""
    m, n = 1_000, 400
    table = np.array([[cases_current, n - cases_current], [cases_reference, m - cases_reference]])
    ours = share_p_value(cases_reference, m, cases_current, n)
    tails = [stats.fisher_exact(table, alternative=side).pvalue for side in ("less", "greater")]

    possible = [min(1, times * min(tails)) for times in (1, 2)]
    assert any(ours == pytest.approx(one, rel=1e-9) for one in possible)
    assert ours >= stats.fisher_exact(table).pvalue * (1 - 1e-9)


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_it_is_so_small_no_more_often_than_it_says(m: int, n: int, data: st.DataObject) -> None:
    cases = data.draw(st.integers(0, m + n))
    found = ways(cases, m, n)
    p_values = {k: share_p_value(cases - k, m, k, n) for k in found}
    for level in p_values.values():
        as_small = sum(found[k] for k, one in p_values.items() if one <= level * (1 + 1e-12))
        assert as_small / comb(m + n, n) <= level * (1 + 1e-9)


@given(tables())
def test_it_is_the_same_both_ways(table: tuple[int, int, int, int]) -> None:
    x, m, y, n = table

    assert share_p_value(x, m, y, n) == pytest.approx(share_p_value(y, n, x, m), rel=1e-9)
    assert share_p_value(m - x, m, n - y, n) == pytest.approx(share_p_value(*table), rel=1e-9)


@given(
    st.integers(0, 500),
    st.integers(1_000, 100_000),
    st.integers(50, 100_000),
    st.floats(1e-9, 0.05),
)
def test_the_fewest_cases_are_those_of_the_test_to_a_row_in_a_hundred(
    x: int, m: int, n: int, alpha: float
) -> None:
    fewest, slope = fewest_cases(float(x), m, n, alpha)
    slack = 1 + fewest // 50

    assert slope >= 0
    assert share_p_value(x, m, min(n, max(0, fewest - slack - 1)), n) > alpha or fewest == 0
    if fewest + slack <= n:
        assert share_p_value(x, m, fewest + slack, n) <= alpha


@given(st.integers(1, 50_000), st.integers(1, 50_000), st.floats(1e-12, 0.5))
def test_beside_no_case_the_fewest_are_exact(m: int, n: int, alpha: float) -> None:
    fewest, _ = fewest_cases(0.0, m, n, alpha)
    chance = share_p_value(0, m, min(fewest, n), n)

    assert (chance <= alpha * (1 + 1e-9)) == (fewest <= n)
    assert fewest <= 1 or share_p_value(0, m, fewest - 1, n) > alpha * (1 - 1e-9)


def urn(weights: NDArray[np.float64], drawn: tuple[int, ...]) -> float:
    """Chance of these counts in a draw from Polya's urn."""
    n, total = sum(drawn), float(weights.sum())
    log = lgamma(n + 1) + lgamma(total) - lgamma(n + total)
    for weight, count in zip(weights.tolist(), drawn, strict=True):
        log += lgamma(count + weight) - lgamma(weight) - lgamma(count + 1)
    return exp(log)


@pytest.mark.parametrize(
    "weights",
    [[30.0, 30.0, 30.0, 30.0], [200.0, 30.0, 8.0, 5.0], [4.0, 9.0, 60.0, 400.0], [2, 2, 2, 2]],
    ids=["even", "skewed up", "skewed down", "nearly unknown"],
)
def test_the_saddlepoint_is_what_counting_gives_within_a_fifth(weights: list[float]) -> None:
    """All draws of 24 rows; the scores are spaced so that hardly two sums are equal."""
    held, n = np.array(weights), 24
    scores = np.array([-1.0, 0.1234, 0.9876, 2.1357])
    chances: dict[float, float] = {}
    for picked in combinations_with_replacement(range(4), n):
        drawn = tuple(picked.count(i) for i in range(4))
        mean = float(scores @ np.array(drawn)) / n
        chances[mean] = chances.get(mean, 0.0) + urn(held, drawn)
    means = np.array(sorted(chances))
    tails = np.cumsum([chances[mean] for mean in means.tolist()][::-1])[::-1]
    assert tails[0] == pytest.approx(1.0)
    for level in (0.1, 1e-2, 1e-3, 1e-5, 1e-7):
        if tails[-1] > level / 10:
            continue
        at = int(np.searchsorted(-tails, -level))
        between = float(means[at] + means[at - 1]) / 2  # no step of the exact law is near
        found = saddlepoint(scores, held, n, between)

        assert found.chance == pytest.approx(tails[at], rel=0.2)
        assert found.counts.sum() == pytest.approx(n, rel=1e-4)
        assert found.counts @ scores == pytest.approx(n * between, rel=1e-4)


def test_at_the_end_all_draws_are_alike() -> None:
    found = saddlepoint(np.array([0.0, 1.0]), np.array([3.0, 2.0]), 2, 1.0)

    assert found.chance == pytest.approx(2 / 5 * 3 / 6)
    assert found.tilt == 0
    assert found.counts.tolist() == [0.0, 2.0]


@given(st.floats(0.01, 0.95), st.integers(1, 1_000_000), st.integers(1, 10_000))
def test_however_far_out_it_is_a_chance(part: float, n: int, row: int) -> None:
    scores = np.array([-1.0, 0.0, 0.5, 3.0])
    weights = row * np.array([5.0, 3.0, 2.0, 0.1])
    middle = float(scores @ weights) / float(weights.sum())
    found = saddlepoint(scores, weights, n, middle + part * (3.0 - middle))

    assert 0 <= found.chance <= 1
