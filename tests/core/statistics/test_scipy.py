"""Our statistics beside SciPy's, on rows where SciPy sees rows and ours see bins."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import distance

from homeostat.bins import QUANTILES, fit_category, fit_numeric
from homeostat.profile import FeatureProfile
from homeostat.statistics import STATISTICS, grouped
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


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("name", ["js", "hellinger", "tv"])
def test_what_compares_shares_is_that_of_scipy_on_the_same_groups(name: str, shift: float) -> None:
    reference, current = normal(7, 10_000, 0), normal(8, 4_000, shift)
    sides = pair(reference, current)
    p, q = (side / side.sum() for side in grouped(*sides))
    theirs = {
        "js": distance.jensenshannon(p, q, base=2),
        "hellinger": distance.euclidean(np.sqrt(p), np.sqrt(q)) / np.sqrt(2),
        "tv": distance.cityblock(p, q) / 2,
    }

    assert len(p) == 10
    assert STATISTICS[name]().distance(*sides).value == pytest.approx(theirs[name], abs=1e-12)


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("name", ["js", "hellinger", "tv"])
def test_the_deciles_are_those_of_the_rows_to_the_width_of_a_bin(name: str, shift: float) -> None:
    reference, current = normal(7, 10_000, 0), normal(8, 4_000, shift)
    cuts = np.quantile(reference, np.linspace(0.1, 0.9, 9))
    p, q = (
        np.bincount(np.searchsorted(cuts, side), minlength=10) / len(side)
        for side in (reference, current)
    )
    theirs = {
        "js": distance.jensenshannon(p, q, base=2),
        "hellinger": distance.euclidean(np.sqrt(p), np.sqrt(q)) / np.sqrt(2),
        "tv": distance.cityblock(p, q) / 2,
    }

    ours = STATISTICS[name]().distance(*pair(reference, current)).value
    assert ours == pytest.approx(theirs[name], abs=2 / QUANTILES)


def test_g_is_that_of_scipy_and_its_p_value_by_williams_factor() -> None:
    random = np.random.default_rng(9)
    m, n = random.multinomial(3_000, [0.4, 0.3, 0.2, 0.1]), np.array([150, 130, 90, 30])
    bins = fit_category("c", list("abcd"))
    sides = [feature(bins, text(np.repeat(list("abcd"), counts).tolist())) for counts in (m, n)]
    ours = STATISTICS["g"]().distance(sides[0], sides[1])
    theirs = stats.chi2_contingency(np.array([m, n]), correction=False, lambda_="log-likelihood")

    assert ours.value == pytest.approx(theirs.statistic, rel=1e-12)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=0.02)
    assert ours.p_value is not None
    assert ours.p_value > theirs.pvalue


@pytest.mark.parametrize("shift", SHIFTS)
def test_the_mean_shift_is_welchs_where_no_side_is_narrower(shift: float) -> None:
    reference, current = normal(10, 5_000, 0), 1.1 * normal(11, 800, shift)
    ours = STATISTICS["mean_shift"]().distance(*with_moments(reference, current))
    theirs = stats.ttest_ind(current, reference, equal_var=False)

    assert ours.value == pytest.approx(abs(theirs.statistic), rel=2e-3)
    assert ours.size == pytest.approx(
        abs(current.mean() - reference.mean()) / reference.std(), rel=1e-9
    )


def test_the_variance_ratio_is_that_of_the_rows() -> None:
    reference, current = normal(12, 5_000, 0), 50 + 1.3 * (normal(13, 800, 0) - 50)
    ours = STATISTICS["variance_ratio"]().distance(*with_moments(reference, current))

    assert ours.value == pytest.approx(2 * np.log(current.std() / reference.std()), abs=2e-3)


def with_moments(reference: Floats, current: Floats) -> tuple[FeatureProfile, FeatureProfile]:
    one, other = (
        FeatureProfile(side.bins, side.counts, np.array([len(x), x.sum(), (x**2).sum()]))
        for side, x in zip(pair(reference, current), (reference, current), strict=True)
    )
    return one, other


def test_of_whole_numbers_wasserstein_is_that_of_the_rows() -> None:
    random = np.random.default_rng(14)
    reference, current = (
        random.poisson(mean, n).astype(np.float64) for mean, n in ((2.5, 9_000), (3.0, 500))
    )
    ours = STATISTICS["wasserstein"]().distance(*with_moments(reference, current)).value
    theirs = stats.wasserstein_distance(reference, current) / reference.std()

    assert ours == pytest.approx(theirs, rel=1e-9)


def test_of_large_values_close_together_the_variance_comes_from_the_bins() -> None:
    """Seconds since 1970 within two minutes: of their squares no digit is left for it."""
    reference, current = (1.7e9 + normal(seed, 5_000, 0) for seed in (15, 16))
    sides = with_moments(reference, 1.7e9 + 50 + 2 * (current - 1.7e9 - 50))
    shift = STATISTICS["mean_shift"]().distance(*sides)
    ratio = STATISTICS["variance_ratio"]().distance(*sides)

    assert shift.size < 0.1
    assert ratio.value == pytest.approx(2 * np.log(2), abs=0.2)


@pytest.mark.parametrize("name", ["mean_shift", "variance_ratio"])
def test_without_a_finite_value_there_is_no_p_value(name: str) -> None:
    reference = normal(17, 500, 0)
    bins = fit_numeric("x", reference)
    sides = feature(bins, reference), feature(bins, np.full(50, np.inf))

    assert STATISTICS[name]().distance(*sides).p_value is None
    assert STATISTICS[name]().detectable(*sides, 0.01) is None
