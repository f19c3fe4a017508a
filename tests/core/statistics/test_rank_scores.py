"""Location, spread and tail: what they see, and p-values that hold far out in the tail."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from homeostat.bins import FeatureBins, fit_numeric
from homeostat.chance import share_p_value
from homeostat.profile import FeatureProfile
from homeostat.schema import Kind
from homeostat.statistics import STATISTICS, Distance, normal_scores
from tests.core.made import feature

Floats = NDArray[np.float64]
NAMES = ("location", "spread", "tail")

#: Shares of the values 0, 1, 2 ...
LAWS = {
    "smooth": np.full(256, 1 / 256),
    "whole numbers": stats.poisson.pmf(np.arange(25), 1.5),
    "mostly zero": np.append(0.8, np.full(60, 0.2 / 60)),
}
LAWS = {name: law / law.sum() for name, law in LAWS.items()}


def counted(law: Floats, counts: NDArray[np.int64]) -> FeatureProfile:
    edges = tuple(float(i) for i in range(len(law)))
    bins = FeatureBins(name="x", kind=Kind.NUMBER, edges=edges)
    return FeatureProfile(bins, np.concatenate(([0], counts, [0])), np.zeros(3))


def direction(name: str, law: Floats) -> Floats:
    """The score of each value, standardised, were the law known."""
    middle = stats.norm.ppf(np.cumsum(law) - law / 2)
    if name == "tail":
        score = stats.t.logpdf(middle * np.sqrt(3), 3) - stats.norm.logpdf(middle)
    else:
        score = middle if name == "location" else (middle - law @ middle) ** 2
    score = score - law @ score
    return np.asarray(score / np.sqrt(law @ score**2))


@dataclass(frozen=True)
class Leaning:
    """A law that leans to one side, and what each draw from it weighs against the true law."""

    law: Floats
    score: Floats
    by: float  #: exponent for each unit of score

    @property
    def leaning(self) -> Floats:
        tilted: Floats = self.law * np.exp(self.by * self.score)
        tilted /= tilted.sum()
        return tilted

    def log_weight(self, counts: NDArray[np.int64]) -> Floats:
        size = np.log(self.law @ np.exp(self.by * self.score))
        weight: Floats = counts.sum(axis=-1) * size - self.by * (counts @ self.score)
        return weight


def false_alarms(name: str, law: Floats, rows: tuple[int, int], asked: tuple[float, int]) -> float:
    """How often p is under the level though nothing changed, as a multiple of the level.

    By importance sampling: references and windows lean apart, to where such p-values begin.
    """
    (m, n), (level, sign), random = rows, asked, np.random.default_rng(list(name.encode()))
    z, score = stats.norm.isf(level / 2), direction(name, law)
    by = sign * z / np.sqrt(1 / n + 1 / m)
    before, after = Leaning(law, score, -by / m), Leaning(law, score, by / n)
    statistic, found = STATISTICS[name](), []
    for reference in random.multinomial(m, before.leaning, size=60):
        profile = counted(law, reference)
        windows = random.multinomial(n, after.leaning, size=20)
        weights = np.exp(before.log_weight(reference) + after.log_weight(windows))
        for window, weight in zip(windows, weights.tolist(), strict=True):
            p_value = statistic.distance(profile, counted(law, window)).p_value
            assert p_value is not None
            found.append(weight * (p_value < level))
    return float(np.mean(found)) / level


@pytest.mark.parametrize(("m", "n"), [(20_000, 200), (1_000, 200), (1_000, 50_000)])
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", NAMES)
def test_one_window_in_ten_million_has_a_p_value_that_small(
    name: str, law: str, m: int, n: int
) -> None:
    """At most twice as many, and not so few that changes would go unseen."""
    seen = sum(false_alarms(name, LAWS[law], (m, n), (1e-7, sign)) for sign in (1, -1))

    assert 0.05 <= seen <= 2.0


def normal(seed: int, n: int, mean: float = 0.0, deviation: float = 1.0) -> Floats:
    return np.random.default_rng(seed).normal(mean, deviation, n)


REFERENCE = normal(0, 100_000)
BINS = fit_numeric("x", REFERENCE)
KNOWN = feature(BINS, REFERENCE)


def size(name: str, values: Floats) -> float:
    return STATISTICS[name]().distance(KNOWN, feature(BINS, values)).size


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.5, 1.0])
def test_of_a_normal_feature_location_is_the_shift_and_no_change_of_spread(shift: float) -> None:
    values = normal(1, 100_000, shift)

    assert size("location", values) == pytest.approx(shift, abs=0.03)
    assert size("spread", values) < 0.03


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.0, 1.25])
def test_of_a_normal_feature_spread_is_the_log_of_its_factor(factor: float) -> None:
    values = normal(2, 100_000, 0, factor)

    assert size("spread", values) == pytest.approx(abs(np.log(factor)), abs=0.03)
    assert size("location", values) < 0.02


def test_the_scores_of_a_normal_feature_are_its_values() -> None:
    values = np.linspace(-2, 2, 9)
    places = np.searchsorted(BINS.edges, values, side="right")

    assert normal_scores(KNOWN).values[places] == pytest.approx(values, abs=0.05)


def test_what_lies_beyond_the_reference_has_the_score_of_its_end() -> None:
    values = np.sort(normal(3, 200))
    beyond = np.where(values > values[-10], 1e6, values)
    end = np.where(values > values[-10], REFERENCE.max(), values)

    for name in NAMES:
        assert size(name, beyond) == pytest.approx(size(name, end), rel=1e-9)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        pytest.param(lambda x: x + 0.5, "location", id="half a deviation up"),
        pytest.param(lambda x: 1.5 * x, "spread", id="half as wide again"),
        pytest.param(lambda x: 0.6 * x, "spread", id="narrower"),
    ],
)
def test_a_clear_change_shows_at_once_in_two_hundred_rows(change: object, name: str) -> None:
    assert callable(change)
    seen = [
        STATISTICS[name]().distance(KNOWN, feature(BINS, change(normal(seed, 200)))).p_value or 0
        for seed in range(100)
    ]

    assert np.mean(np.array(seen) < 1e-6) >= 0.95


def test_a_heavier_tail_of_equal_spread_shows_in_two_hundred_rows() -> None:
    """Student's law with three degrees of freedom and unit variance: in 9 of 10 windows."""
    random = np.random.default_rng(4)
    windows = [feature(BINS, random.standard_t(3, 200) / np.sqrt(3)) for _ in range(300)]
    by_score = [STATISTICS["tail"]().distance(KNOWN, one).p_value or 0 for one in windows]
    inside = np.abs(stats.norm.cdf(BINS.positions) - 0.5) < 0.495
    by_share = [
        share_p_value(1_000, 100_000, int(one.present[~inside].sum()), 200) for one in windows
    ]

    assert np.mean(np.array(by_score) < 1e-6) >= 0.85
    assert np.mean(np.array(by_share) < 1e-6) <= 0.05


@pytest.mark.parametrize("name", NAMES)
def test_a_feature_of_one_value_has_nothing_to_compare(name: str) -> None:
    bins = fit_numeric("x", np.full(100, 7.0))
    reference, current = feature(bins, np.full(100, 7.0)), feature(bins, np.full(50, 9.0))
    statistic = STATISTICS[name]()

    assert statistic.distance(reference, current).p_value == 1.0
    assert statistic.detectable(reference, current, 0.01) is None


def test_of_two_values_location_has_fishers_p_value_and_says_it_all() -> None:
    flags = np.repeat([0.0, 1.0], [990, 10])
    bins = fit_numeric("flag", flags)
    window = np.repeat([0.0, 1.0], [190, 10])
    reference, current = feature(bins, flags), feature(bins, window)
    exact = share_p_value(10, 1_000, 10, 200)

    assert STATISTICS["location"]().distance(reference, current).p_value == pytest.approx(exact)
    for name in ("spread", "tail"):
        assert STATISTICS[name]().distance(reference, current) == Distance(0.0, 1.0)
        assert STATISTICS[name]().detectable(reference, current, 0.01) is None
