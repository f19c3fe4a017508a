import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from homeostat.bins import fit_category, fit_numeric
from homeostat.profile import FeatureProfile
from homeostat.reports.html.bars import FEW, NAMED, Axis, Bar, categories, histogram, quantile
from homeostat.reports.html.svg import draw_categories, draw_histogram
from homeostat.schema import Kind

VALUES = st.lists(
    st.one_of(
        st.none(),
        st.integers(-3, 3).map(float),
        st.floats(-1e12, 1e12),
        st.sampled_from([float("inf"), float("-inf"), 1e-300, 1e300]),
    ),
    max_size=60,
)
FITTED = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400)


def numeric(fitted: list[float], values: list[float | None]) -> FeatureProfile:
    bins = fit_numeric("x", np.array(fitted))
    known = np.array([one for one in values if one is not None], dtype=float)
    counts = np.zeros(bins.size, dtype=np.int64)
    np.add.at(counts, np.searchsorted(bins.edges, known, side="right"), 1)
    counts[-1] = len(values) - len(known)
    finite = known[np.isfinite(known)]
    finite = finite[np.abs(finite) < 1e100]
    moments = np.array([len(finite), finite.sum(), (finite**2).sum()])
    return FeatureProfile(bins, counts, moments)


def named(known: list[str], counts: list[int]) -> FeatureProfile:
    bins = fit_category("c", list(known))
    return FeatureProfile(bins, np.array(counts, dtype=np.int64), np.zeros(3))


def total(bars: list[Bar]) -> list[float]:
    return [sum(one.reference for one in bars), sum(one.current for one in bars)]


@given(FITTED, VALUES)
@example([*map(float, range(13)), 25.0, 26.0, 1.5, 1.25, 2.5, -1e6, -999_999.9999999999], [16.0])
def test_no_row_is_lost_between_bins_and_bars(fitted: list[float], now: list[float | None]) -> None:
    reference, current = numeric(fitted, list(fitted)), numeric(fitted, now)

    plot = histogram(reference, current)

    seen = [*plot.bars, plot.below, plot.above, plot.missing]
    assert total(seen) == pytest.approx([1.0, 1.0 if now else 0.0], abs=1e-9)
    assert min(min(one.reference, one.current) for one in seen) >= -1e-12
    assert "nan" not in draw_histogram(plot, unit="x", text="")


@given(st.lists(st.integers(0, 50), min_size=22, max_size=22), st.integers(1, 20))
def test_no_row_is_lost_between_categories_and_bars(counts: list[int], known: int) -> None:
    names = [f"c{i:02d}" for i in range(known)]
    reference = named(names, [1, *counts[1:known], 0, 0])
    current = named(names, counts[: known + 2])

    bars = categories(reference, current)

    assert total(list(bars)) == pytest.approx([1.0, 1.0 if current.n else 0.0], abs=1e-9)
    assert len(bars) <= NAMED + 3
    assert str(draw_categories(bars, text="")).count('class="ref"') == len(bars)


def test_few_values_have_a_bar_each_with_their_name() -> None:
    rows: list[float | None] = [0.0, 0.5, 0.5, 2.0]

    plot = histogram(numeric([0.0, 0.5, 2.0], rows), numeric([0.0, 0.5, 2.0], rows))

    assert [one.label for one in plot.bars] == ["0", "0.5", "2"]
    assert plot.axis is None


def test_a_change_of_units_is_seen_on_a_log_like_axis() -> None:
    incomes = np.random.default_rng(0).lognormal(8.5, 0.6, 3000)

    plot = histogram(
        numeric(incomes.tolist(), incomes.tolist()),
        numeric(incomes.tolist(), (incomes / 1000).tolist()),
    )

    assert plot.axis is not None
    assert plot.axis.scale is not None
    assert plot.bars[-1].current == 0
    overlap = sum(min(one.reference, one.current) for one in plot.bars)
    assert overlap < 0.01
    assert max(one.reference for one in plot.bars) < 0.4
    assert max(one.current for one in plot.bars) < 0.4


def test_a_plain_bell_has_a_linear_axis() -> None:
    bell = np.random.default_rng(0).normal(50, 10, 3000).tolist()

    plot = histogram(numeric(bell, bell), numeric(bell, bell))

    assert plot.axis is not None
    assert plot.axis.scale is None
    assert len(plot.bars) > FEW
    assert plot.axis.ticks() == [30, 40, 50, 60, 70]


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.one_of(st.none(), st.floats(1e-3, 1e3)))
def test_ticks_rise_within_the_range(low: float, width: float, scale: float | None) -> None:
    axis = Axis(low=low, high=low + width + abs(low) * 1e-6, scale=scale)

    ticks = axis.ticks()

    places = axis.places(np.array(ticks))
    assert len(ticks) <= 9
    assert ticks == sorted(set(ticks))
    assert np.all((places >= 0) & (places <= 1))


def test_a_quantile_is_exact_where_bins_are_values() -> None:
    rows: list[float | None] = [0.0, 0.5, 0.5, 2.0]

    assert quantile(numeric([0.0, 0.5, 2.0], rows), 0.5) == 0.5


def test_integers_in_a_wide_bin_are_named_by_their_range() -> None:
    bins = fit_numeric("x", np.array([1.0, 4.0, 8.0]), kind=Kind.INTEGER)
    counts = np.bincount(np.searchsorted(bins.edges, [1, 5, 8], side="right"), minlength=bins.size)
    profile = FeatureProfile(bins, counts, np.array([3.0, 14.0, 90.0]))

    plot = histogram(profile, profile)

    assert [one.label for one in plot.bars] == ["1", "4–7", "8"]
