"""What is particular to one statistic: what it answers to, and in which direction."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from homeostat.bins import FeatureBins, fit_category, fit_numeric
from homeostat.chance import share_p_value
from homeostat.power import share_detectable
from homeostat.profile import FeatureProfile
from homeostat.schema import Kind
from homeostat.statistics import STATISTICS, Distance, pool_rare
from homeostat.testing.statistic_samples import BASES, CHANGES, expected
from tests.core.made import feature, text

CATEGORY = fit_category("c", list("abcdef"))
COUNTS = st.lists(st.integers(0, 500), min_size=CATEGORY.size, max_size=CATEGORY.size).filter(
    lambda counts: sum(counts[:-1]) > 0
)


def profile(counts: Sequence[int], bins: FeatureBins = CATEGORY) -> FeatureProfile:
    return FeatureProfile(bins, np.array(counts, dtype=np.int64), np.zeros(3))


def distance(name: str, reference: FeatureProfile, current: FeatureProfile) -> Distance:
    return STATISTICS[name]().distance(reference, current)


@given(COUNTS, COUNTS)
@pytest.mark.parametrize("name", ["chi2", "g", "hellinger", "js", "missing", "psi"])
def test_they_are_the_same_both_ways(name: str, a: list[int], b: list[int]) -> None:
    there, back = distance(name, profile(a), profile(b)), distance(name, profile(b), profile(a))

    assert there.value == pytest.approx(back.value, rel=1e-9, abs=1e-12)
    assert there.size == pytest.approx(back.size, rel=1e-9, abs=1e-12)
    assert there.p_value == pytest.approx(back.p_value, rel=1e-6, abs=1e-12)


def test_ks_is_the_same_both_ways_and_wasserstein_but_for_its_unit() -> None:
    a, b = (np.random.default_rng(seed).normal(seed, 1 + seed, 500) for seed in (0, 1))
    bins = fit_numeric("x", np.concatenate((a, b)))
    one, other = feature(bins, a), feature(bins, b)

    assert distance("ks", one, other) == distance("ks", other, one)
    there, back = distance("wasserstein", one, other), distance("wasserstein", other, one)
    assert there.value / back.value == pytest.approx(b.std() / a.std(), rel=0.02)


def test_unseen_asks_for_a_rise_only() -> None:
    usual, new = profile([100] * 6 + [0, 0]), profile([100] * 6 + [60, 0])

    assert distance("unseen", usual, new).value == pytest.approx(60 / 660)
    assert distance("unseen", new, usual) == Distance(0.0, 1.0)


UP, SHIFT, SPREAD = "values that move up", "values that shift", "values that spread"
TAILS, STICK = "values that gain tails", "values that stick"
MISSING, UNKNOWN, UNIT = (
    "values that go missing",
    "values that are unknown",
    "values in another unit",
)
ANY_SHARES = {UP, SHIFT, SPREAD, TAILS, STICK, UNKNOWN, UNIT}


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("constant", {SPREAD, STICK, UNKNOWN, UNIT}),
        ("hellinger", ANY_SHARES),
        ("js", ANY_SHARES),
        ("ks", ANY_SHARES),
        ("location", {UP, SHIFT, UNKNOWN, UNIT, STICK}),
        ("mean_shift", {UP, SHIFT, UNKNOWN, UNIT, STICK}),
        ("missing", {MISSING}),
        ("psi", ANY_SHARES),
        ("spread", ANY_SHARES - {SHIFT}),
        ("tail", {TAILS, SPREAD, STICK, SHIFT, UNKNOWN, UNIT}),
        ("tv", ANY_SHARES),
        ("unit", {UNIT}),
        ("unseen", {UNKNOWN, UNIT}),
        ("variance_ratio", {UP, SPREAD, TAILS, STICK, UNKNOWN, UNIT}),
        ("wasserstein", ANY_SHARES),
    ],
)
def test_what_each_answers_to_in_numbers(name: str, answers: set[str]) -> None:
    statistic, base = STATISTICS[name](), BASES[0]
    before = expected(base, base.shares)
    sizes = {
        what: statistic.distance(before, expected(base, change(base, 0.3))).size
        for what, change in CHANGES.items()
    }

    assert {what for what, size in sizes.items() if size > 0.01} == answers, sizes


@pytest.mark.parametrize("name", ["chi2", "g", "hellinger", "js", "psi", "tv"])
def test_shares_of_categories_answer_to_all_but_missing(name: str) -> None:
    statistic = STATISTICS[name]()
    for base in BASES[1:]:
        before = expected(base, base.shares)
        for what in (UP, STICK, UNKNOWN, MISSING):
            seen = statistic.distance(before, expected(base, CHANGES[what](base, 0.3)))
            assert (seen.size > 0.01) == (what != MISSING), f"{base.name}: {what}: {seen}"


@pytest.mark.parametrize(
    ("name", "numbers", "categories"),
    [
        ("chi2", False, True),
        ("constant", True, True),
        ("g", False, True),
        ("hellinger", True, True),
        ("js", True, True),
        ("ks", True, False),
        ("location", True, False),
        ("mean_shift", True, False),
        ("missing", True, True),
        ("psi", True, True),
        ("spread", True, False),
        ("tail", True, False),
        ("tv", True, True),
        ("unit", True, False),
        ("unseen", True, True),
        ("variance_ratio", True, False),
        ("wasserstein", True, False),
    ],
)
def test_what_each_applies_to(name: str, *, numbers: bool, categories: bool) -> None:
    statistic = STATISTICS[name]()

    for kind in Kind:
        bins = FeatureBins(name="x", kind=kind)
        assert statistic.applies(bins) is (numbers if kind.is_numeric else categories)


def test_wasserstein_from_a_constant_is_finite_in_the_spread_of_both() -> None:
    bins = fit_numeric("x", np.full(100, 7.0))
    seen = distance(
        "wasserstein", feature(bins, np.full(100, 7.0)), feature(bins, np.full(100, 9.0))
    )

    assert 1.5 < seen.value <= 2.01  # two equal halves, two of their deviations apart
    assert seen.p_value is None


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 1e300])
def test_wasserstein_bears_values_of_any_size(scale: float) -> None:
    values = np.random.default_rng(0).uniform(1, 2, 500)
    after = np.sqrt(values)
    bins = fit_numeric("x", scale * values)
    moved = distance("wasserstein", feature(bins, scale * values), feature(bins, scale * after))

    asked = stats.wasserstein_distance(values, after) / values.std()
    assert moved.value == pytest.approx(asked, abs=0.02)


def test_a_long_tail_of_categories_does_not_alarm_for_what_it_always_lacks() -> None:
    """Of 200 categories a reference of 1,000 rows lacks about 30; so does the next one."""
    random = np.random.default_rng(0)
    names = np.array([f"c{i:03}" for i in range(200)], dtype=object)
    weights = 1 / np.arange(1, 201)
    reference, current = (
        random.choice(names, n, p=weights / weights.sum()) for n in (1_000, 5_000)
    )
    bins = fit_category("c", reference.tolist())
    sides = feature(bins, reference), feature(bins, current)

    assert len(bins.categories) < 190
    assert sides[1].present[-1] > 25
    assert share_p_value(0, 1_000, int(sides[1].present[-1]), 5_000) < 0.05
    for name in ("chi2", "psi", "unseen"):
        seen = distance(name, *sides)
        assert seen.p_value is not None
        assert seen.p_value > 0.05, name


def test_a_flood_of_something_new_is_still_seen_in_a_long_tail() -> None:
    random = np.random.default_rng(0)
    weights = 1 / np.arange(1, 201)
    names = np.array([f"c{i:03}" for i in range(200)], dtype=object)
    reference, current = (random.choice(names, 1_000, p=weights / weights.sum()) for _ in range(2))
    bins = fit_category("c", reference.tolist())
    current[:150] = "new"
    p_value = distance("unseen", feature(bins, reference), feature(bins, current)).p_value

    assert p_value is not None
    assert p_value < 1e-6


def test_one_row_of_a_rare_flag_is_no_surprise() -> None:
    """Expected a tenth of a time, it comes in one window of ten."""
    flag = fit_category("flag", ["false", "true"])
    seen = distance("chi2", profile([9_990, 10, 0, 0], flag), profile([99, 1, 0, 0], flag))

    assert seen.value > 5  # which a chi-square with one degree exceeds in 3 % of windows
    assert seen.p_value is not None
    assert seen.p_value > 0.1


@given(COUNTS, COUNTS)
def test_pooling_loses_no_row_and_keeps_both_sides_alike(a: list[int], b: list[int]) -> None:
    m, n = np.array(a[:-1]), np.array(b[:-1])
    before, now = pool_rare(m, n)

    assert before.sum() == m.sum()
    assert now.sum() == n.sum()
    assert len(before) == len(now) >= 2
    least = 5 * (m.sum() + n.sum()) / min(m.sum(), n.sum())
    if len(before) > 2:
        pooled = before + now
        assert (pooled[:-1] >= least).all()
        assert pooled[-1] == 0 or pooled[-1] >= least


def test_text_that_is_missing_is_no_category() -> None:
    sides = feature(CATEGORY, text(["a", None])), feature(CATEGORY, text(["a", "a"]))

    assert distance("chi2", *sides).value == 0
    assert distance("missing", *sides).value == 0.5


@given(
    st.floats(0, 1),
    st.integers(1, 100_000),
    st.integers(1, 100_000),
    st.floats(1e-9, 0.1),
)
def test_what_is_detectable_is_a_share(share: float, m: int, n: int, alpha: float) -> None:
    assert 0 < share_detectable(share, m, n, alpha) <= 1


def test_more_rows_see_more() -> None:
    seen = [share_detectable(0.1, 10_000, n, 0.001) for n in (100, 1_000, 10_000)]

    assert seen == sorted(seen, reverse=True)


def test_equal_shares_of_nothing_or_all_are_no_surprise() -> None:
    assert share_p_value(0, 50, 0, 70) == share_p_value(50, 50, 70, 70) == 1.0
