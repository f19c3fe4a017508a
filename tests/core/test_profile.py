import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.bins import Bins, fit_category, fit_numeric
from homeostat.engines.rows import RowCounter
from homeostat.errors import StateError
from homeostat.profile import LARGEST, Profile, total
from homeostat.schema import Row

BINS = Bins(
    (
        fit_numeric("income", np.array([10.0, 20.0, 40.0])),
        fit_category("region", ["north", "south"]),
        fit_category("member", ["false", "true"]),
    )
)
VALUES = st.none() | st.floats() | st.sampled_from([10.0, 20.0, 40.0, -0.0, 5e-324])
ROWS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "income": VALUES,
            "region": st.none() | st.sampled_from(["north", "south", "west", ""]),
            "member": st.none() | st.booleans(),
        },
    ),
    max_size=30,
)


def counted(rows: list[Row]) -> Profile:
    counter = RowCounter(BINS)
    for row in rows:
        counter.add(row)
    return counter.profile


def same_moments(one: Profile, other: Profile) -> bool:
    return np.allclose(one.moments, other.moments, rtol=1e-9, atol=1e-9 * _size(one))


def _size(profile: Profile) -> float:
    return float(np.abs(profile.moments).max(initial=1.0))


@given(rows=ROWS, cut=st.integers(0, 30))
def test_parts_add_up_to_the_whole(rows: list[Row], cut: int) -> None:
    whole = counted(rows)
    a, b = counted(rows[:cut]), counted(rows[cut:])

    assert whole == a + b == b + a
    assert hash(whole) == hash(a + b)
    assert whole.n == len(rows) == a.n + b.n
    assert same_moments(whole, a + b)


@given(a=ROWS, b=ROWS, c=ROWS)
def test_the_order_of_adding_does_not_matter(a: list[Row], b: list[Row], c: list[Row]) -> None:
    x, y, z = counted(a), counted(b), counted(c)

    assert (x + y) + z == x + (y + z) == z + y + x
    assert same_moments((x + y) + z, x + (y + z))


@given(a=ROWS, b=ROWS)
def test_subtraction_undoes_addition(a: list[Row], b: list[Row]) -> None:
    x, y = counted(a), counted(b)

    assert (x + y) - y == x
    assert x - x == Profile.empty(BINS)


@given(rows=ROWS)
def test_the_empty_profile_is_the_zero(rows: list[Row]) -> None:
    profile, zero = counted(rows), Profile.empty(BINS)

    assert profile + zero == zero + profile == profile - zero == profile
    assert zero.n == 0


@given(parts=st.lists(ROWS, max_size=5))
def test_written_down_and_summed_again_they_are_the_whole(parts: list[list[Row]]) -> None:
    profiles = [counted(rows) for rows in parts]
    whole = total(BINS, (one.sparse() for one in profiles))

    assert whole == sum(profiles, Profile.empty(BINS))
    assert same_moments(whole, sum(profiles, Profile.empty(BINS)))
    for one in profiles:
        sparse = one.sparse()
        assert (sparse.counts > 0).all()
        assert total(BINS, [sparse]) == one


@given(rows=ROWS)
def test_each_row_counts_once_for_each_feature(rows: list[Row]) -> None:
    profile = counted(rows)

    for name in BINS.index:
        one = profile.feature(name)
        assert one.n == len(rows)
        assert one.present.sum() + one.missing == len(rows)
        given_none = [row.get(name) for row in rows]
        assert one.missing == sum(
            v is None or (isinstance(v, float) and math.isnan(v)) for v in given_none
        )


def test_nothing_is_shared_with_the_summands() -> None:
    a, b = counted([{"income": 10.0}]), counted([{"income": 20.0}])
    before = a.counts.copy()
    (a + b).counts[0] = 99

    assert (a.counts == before).all()


def test_profiles_in_different_bins_refuse_to_add() -> None:
    other = Profile.empty(Bins((fit_numeric("income", np.array([10.0, 20.0])),)))

    with pytest.raises(StateError, match="count the rows again"):
        counted([]) + other
    with pytest.raises(StateError, match="count the rows again"):
        counted([]) - other
    assert counted([]) != other
    assert counted([]) != "a profile"


def test_more_cannot_be_taken_away_than_there_is() -> None:
    with pytest.raises(StateError, match="taken from a smaller one"):
        counted([{"income": 10.0}]) - counted([{"income": 20.0}])


def test_moments_are_those_of_the_finite_values() -> None:
    rows: list[Row] = [{"income": v} for v in (1.0, 2.0, 6.0, None, math.nan, math.inf, 1e200)]
    one = counted(rows).feature("income")

    assert one.moments.tolist() == [3, 9, 41]
    assert one.mean == 3
    assert one.std == pytest.approx(math.sqrt(14 / 3))
    assert one.missing == 2


def test_without_values_there_is_no_mean_and_no_quantile() -> None:
    one = counted([{}]).feature("income")

    assert all(map(math.isnan, (one.mean, one.std, one.quantile(0.5))))


def test_values_of_any_size_leave_the_moments_finite() -> None:
    sizes = [LARGEST, -LARGEST, 1e308, -1e308, 1.7e308]
    profile = counted([{"income": v} for v in sizes])

    assert np.isfinite((profile + profile).moments).all()
    assert profile.feature("income").moments[0] == 2
    assert (profile - profile).moments.tolist() == np.zeros((3, 3)).tolist()


def test_quantiles_are_true_to_the_width_of_their_bin() -> None:
    values = np.random.default_rng(0).lognormal(3, 1, 5_000)
    bins = Bins((fit_numeric("x", values),))
    counter = RowCounter(bins)
    for value in values.tolist():
        counter.add({"x": value})
    one = counter.profile.feature("x")
    edges = np.array(bins.features[0].edges)

    for share in np.linspace(0.01, 0.99, 25):
        exact = np.quantile(values, share, method="inverted_cdf")
        i = int(np.searchsorted(edges, exact, side="right"))
        assert abs(one.quantile(float(share)) - exact) <= edges[i] - edges[i - 1]


def test_no_feature_no_rows() -> None:
    empty = Profile.empty(Bins(()))

    assert empty.n == 0
    assert empty + empty == empty
