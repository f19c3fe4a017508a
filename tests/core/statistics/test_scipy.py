"""Our statistics beside SciPy's, on rows where SciPy sees rows and ours see bins."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from homeostat.bins import QUANTILES, fit_category, fit_numeric
from homeostat.profile import FeatureProfile
from homeostat.statistics import STATISTICS, share_p_value
from tests.core.made import feature, text

Floats = NDArray[np.float64]
SHIFTS = (0.0, 0.1, 0.3, 1.0, 3.0)


def normal(seed: int, n: int, shift: float) -> Floats:
    return np.random.default_rng(seed).normal(50 + 10 * shift, 10, n)


def pair(reference: Floats, current: Floats) -> tuple[FeatureProfile, FeatureProfile]:
    bins = fit_numeric("x", reference)
    return feature(bins, reference), feature(bins, current)


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize(("m", "n"), [(2_000, 300), (10_000, 3_000)])
def test_ks_is_that_of_the_rows_to_the_width_of_a_bin(m: int, n: int, shift: float) -> None:
    reference, current = normal(1, m, 0), normal(2, n, shift)
    ours = STATISTICS["ks"]().distance(*pair(reference, current))
    theirs = stats.ks_2samp(reference, current, method="asymp")

    assert theirs.statistic - 1 / QUANTILES - 1 / m <= ours.value <= theirs.statistic + 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_the_p_value_of_ks_is_about_the_exact_one_and_hardly_ever_below(seed: int) -> None:
    reference, current = normal(seed, 100, 0), normal(seed + 50, 90, 0.3)
    ours = STATISTICS["ks"]().distance(*pair(reference, current)).p_value
    theirs = stats.ks_2samp(reference, current, method="exact")

    assert ours is not None
    assert 0.95 * theirs.pvalue <= ours <= 2 * theirs.pvalue


@pytest.mark.parametrize("shift", SHIFTS)
def test_wasserstein_is_that_of_the_rows_to_a_hundredth_of_a_deviation(shift: float) -> None:
    reference, current = normal(3, 5_000, 0), normal(4, 2_000, shift)
    ours = STATISTICS["wasserstein"]().distance(*pair(reference, current)).value
    theirs = stats.wasserstein_distance(reference, current) / reference.std()

    # What lies beyond the reference falls into bins a factor of two wide.
    outside = np.mean((current > reference.max()) | (current < reference.min()))
    assert ours == pytest.approx(theirs, abs=0.015 + 4 * outside)


@pytest.mark.parametrize("tilt", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("k", [3, 6])
def test_chi2_is_pearsons_without_correction(tilt: float, k: int) -> None:
    random = np.random.default_rng(k)
    weights = np.full(k, 1 / k)
    m = random.multinomial(3_000, weights)
    n = random.multinomial(
        800, weights + tilt / k * np.where(np.arange(k) % 2, 1, -1) * (k % 2 == 0)
    )
    bins = fit_category("c", [f"c{i}" for i in range(k)])
    sides = [
        feature(bins, text(np.repeat(list(bins.categories), counts).tolist())) for counts in (m, n)
    ]
    ours = STATISTICS["chi2"]().distance(sides[0], sides[1])
    theirs = stats.chi2_contingency(np.array([m, n]), correction=False)

    assert ours.value == pytest.approx(theirs.statistic, rel=1e-12)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9)


@pytest.mark.parametrize(
    ("cases_reference", "cases_current"), [(0, 5), (3, 4), (12, 30), (0, 1), (50, 60), (90, 2)]
)
def test_few_cases_are_compared_exactly(cases_reference: int, cases_current: int) -> None:
    """Ours is twice the smaller tail; SciPy's two-sided one adds up what is as unlikely."""
    m, n = 1_000, 400
    table = np.array([[cases_current, n - cases_current], [cases_reference, m - cases_reference]])
    ours = share_p_value(cases_reference, m, cases_current, n)
    tails = [stats.fisher_exact(table, alternative=side).pvalue for side in ("less", "greater")]

    assert ours == pytest.approx(min(1, 2 * min(tails)), rel=1e-6)
    assert ours >= stats.fisher_exact(table).pvalue * (1 - 1e-9)


@pytest.mark.parametrize(("before", "after"), [(3_000, 310), (150, 90), (9_800, 950)])
def test_many_cases_are_compared_by_the_z_test(before: int, after: int) -> None:
    m, n = 10_000, 1_000
    table = [[after, n - after], [before, m - before]]
    pearson = stats.chi2_contingency(table, correction=False)

    assert share_p_value(before, m, after, n) == pytest.approx(pearson.pvalue, rel=1e-9)


def test_both_ways_to_compare_shares_meet() -> None:
    exact = share_p_value(150, 10_000, 49, 2_000)
    normal_limit = share_p_value(151, 10_000, 49, 2_000)

    assert normal_limit < exact < 2 * normal_limit


@pytest.mark.parametrize("shift", SHIFTS[1:])
def test_psi_is_the_textbook_sum_over_deciles(shift: float) -> None:
    reference, current = normal(5, 10_000, 0), normal(6, 10_000, shift)
    ours = STATISTICS["psi"]().distance(*pair(reference, current)).value
    cuts = np.quantile(reference, np.linspace(0.1, 0.9, 9))
    p, q = (
        (np.bincount(np.searchsorted(cuts, side), minlength=10) + 0.5) / (len(side) + 5)
        for side in (reference, current)
    )

    assert ours == pytest.approx(float(np.sum((q - p) * np.log(q / p))), rel=0.03)
