import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.bins import (
    HALVINGS,
    OCTAVES,
    PREDICTION,
    PROBABILITY,
    QUANTILES,
    Bins,
    FeatureBins,
    fit_bins,
    fit_category,
    fit_numeric,
    same_bins,
)
from homeostat.errors import StateError, UserError
from homeostat.schema import Feature, Kind, Schema, Target, Task
from tests.core.made import places, text

LARGEST = float(np.finfo(float).max)
#: Quantiles, their halves, octaves on both sides, the ends.
MOST = QUANTILES + 2 + 2 * HALVINGS + 2 * (6 * OCTAVES + 2) + 2

FINITE = st.floats(allow_nan=False, allow_infinity=False)
ANY = st.floats()


def test_they_cannot_be_changed() -> None:
    bins = fit_numeric("x", np.array([1.0, 2.0]))

    with pytest.raises(FrozenInstanceError):
        bins.edges = ()  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        Bins((bins,)).features = ()  # type: ignore[misc]


@given(st.lists(FINITE, min_size=1), st.lists(ANY))
def test_every_value_has_one_bin_whatever_the_reference(
    reference: list[float], window: list[float]
) -> None:
    bins = fit_numeric("x", np.array(reference))
    edges = np.array(bins.edges)
    values = np.array([*reference, *window])
    found = places(bins, values)
    ends = np.concatenate(([-np.inf], edges, [np.inf]))

    assert (np.diff(edges) > 0).all()
    assert np.isfinite(edges).all()
    assert bins.size <= MOST
    known = ~np.isnan(values)
    assert (found[~known] == bins.size - 1).all()
    assert (ends[found[known]] <= values[known]).all()
    finite = np.isfinite(values)
    assert (values[finite] < ends[found[finite] + 1]).all()


@given(st.lists(FINITE, min_size=1), st.lists(FINITE))
def test_out_of_range_is_what_lies_beyond_the_reference(
    reference: list[float], window: list[float]
) -> None:
    bins = fit_numeric("x", np.array(reference))
    outside = bins.out_of_range

    assert not outside[places(bins, np.array(reference))].any()
    for value, place in zip(window, places(bins, np.array(window)), strict=True):
        if max(reference) < LARGEST or value < LARGEST:
            assert outside[place] == (value < min(reference) or value > max(reference))


@given(st.lists(FINITE, min_size=1))
def test_representative_values_lie_in_their_bins_in_order(reference: list[float]) -> None:
    bins = fit_numeric("x", np.array(reference))

    assert len(bins.positions) == bins.size - 1
    assert (np.diff(bins.positions) >= 0).all()
    assert np.isfinite(bins.positions).all()
    assert (bins.positions[1:] >= bins.edges).all()
    assert (bins.positions[:-1] <= bins.edges).all()
    assert bins.positions[0] == bins.edges[0]
    assert bins.positions[-1] == bins.edges[-1]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([5e-324], id="the least float"),
        pytest.param([1e-300, 1.0, 1e300], id="all sizes"),
        pytest.param([5e-324, LARGEST], id="the least and the largest"),
        pytest.param([-LARGEST, LARGEST], id="the whole line"),
        pytest.param([LARGEST], id="the largest"),
        pytest.param([0.0], id="nothing but zero"),
        pytest.param([7.0] * 50, id="a constant"),
        pytest.param([-3.0, -2.0, -1.0], id="negative only"),
        pytest.param(list(np.geomspace(1e-308, 1e308, 5_000)), id="six hundred decades"),
        pytest.param(list(np.linspace(-1, 1, 5_000)), id="more than 256 values"),
    ],
)
def test_no_reference_explodes_the_number_of_bins(values: list[float]) -> None:
    bins = fit_numeric("x", np.array(values))

    assert 3 <= bins.size <= MOST
    assert np.isfinite(bins.edges).all()
    assert (bins.low, bins.high) == (min(values), max(values))


def test_few_values_have_a_bin_each_and_many_about_256() -> None:
    few = fit_numeric("x", np.arange(QUANTILES, dtype=float))
    many = fit_numeric("x", np.random.default_rng(0).normal(1_000, 1, 20_000))
    counts = np.bincount(
        places(many, np.random.default_rng(0).normal(1_000, 1, 20_000)), minlength=many.size
    )

    assert set(np.arange(QUANTILES, dtype=float)) <= set(few.edges)
    assert counts.max() <= 20_000 / QUANTILES + 1


def test_infinite_and_missing_values_do_not_count() -> None:
    plain = fit_numeric("x", np.array([1.0, 2.0]))

    assert fit_numeric("x", np.array([np.inf, 1, np.nan, 2, -np.inf])) == plain


@pytest.mark.parametrize("values", [[], [np.nan], [np.inf, -np.inf]])
def test_nothing_finite_cannot_be_binned(values: list[float]) -> None:
    with pytest.raises(UserError, match="'x' has no finite value"):
        fit_numeric("x", np.array(values, dtype=float))


def test_nothing_but_missing_categories_cannot_be_binned() -> None:
    with pytest.raises(UserError, match="'x' has no value"):
        fit_category("x", [None, None])


def test_categories_are_in_order_then_other_then_missing() -> None:
    bins = fit_category("x", ["b", None, "a", "b"])

    assert bins.categories == ("a", "b")
    assert places(bins, text(["a", "b", "new", None])).tolist() == [0, 1, 2, 3]
    assert bins.out_of_range.tolist() == [False, False, True]


SCHEMA = Schema(
    task=Task.BINARY,
    target=Target(column="bad"),
    features=(
        Feature(name="income", kind=Kind.NUMBER),
        Feature(name="age", kind=Kind.INTEGER),
        Feature(name="region", kind=Kind.CATEGORY),
        Feature(name="member", kind=Kind.BOOLEAN),
    ),
)


def test_bins_come_in_the_order_of_the_schema() -> None:
    bins = fit_bins(
        SCHEMA,
        {
            "member": text(["true", "false"]),
            "region": text(["north", None]),
            "age": np.array([3.0, 4.0]),
            "income": np.array([1.0, np.nan]),
        },
    )

    assert [one.name for one in bins.features] == ["income", "age", "region", "member"]
    assert [one.kind for one in bins.features] == [
        Kind.NUMBER,
        Kind.INTEGER,
        Kind.CATEGORY,
        Kind.BOOLEAN,
    ]
    assert bins.index == {"income": 0, "age": 1, "region": 2, "member": 3}
    assert bins.offsets[0] == 0
    assert np.diff(bins.offsets).tolist() == [one.size for one in bins.features]


def test_all_features_without_a_value_are_named() -> None:
    columns = {
        "income": np.array([np.nan, np.inf]),
        "age": np.array([3.0, 4.0]),
        "region": text([None, None]),
        "member": text(["true", None]),
    }

    with pytest.raises(UserError) as caught:
        fit_bins(SCHEMA, columns)

    assert len(caught.value.problems) == 2
    assert "'income'" in caught.value.problems[0]
    assert "'region'" in caught.value.problems[1]


@given(
    st.lists(FINITE, min_size=1), st.lists(st.text(), min_size=1), st.sampled_from(list(Kind)[:2])
)
def test_bins_survive_json_to_the_last_bit(
    numbers: list[float], categories: list[str], kind: Kind
) -> None:
    bins = Bins(
        (
            fit_numeric("x", np.array(numbers), kind=kind),
            fit_category("c", list(categories)),
        )
    )
    after = Bins.from_dict(json.loads(json.dumps(bins.to_dict())))

    assert after == bins
    assert after.digest == bins.digest
    assert all(
        a.hex() == b.hex()
        for a, b in zip(after.features[0].edges, bins.features[0].edges, strict=True)
    )


def test_the_digest_sees_one_bit_of_one_edge() -> None:
    one = FeatureBins(name="x", kind=Kind.NUMBER, edges=(0.1, 0.2))
    other = FeatureBins(name="x", kind=Kind.NUMBER, edges=(0.1, float(np.nextafter(0.2, 1))))

    assert Bins((one,)).digest != Bins((other,)).digest
    with pytest.raises(StateError, match="counts in different bins"):
        same_bins(Bins((one,)), Bins((other,)))
    same_bins(Bins((one,)), Bins((one,)))


def test_a_single_bin_has_a_place() -> None:
    assert FeatureBins(name="x", kind=Kind.NUMBER).positions.tolist() == [0.0]
    assert (
        FeatureBins(name="x", kind=Kind.NUMBER, edges=(1.0,)).out_of_range.tolist() == [False] * 2
    )


def test_scores_are_counted_like_features() -> None:
    bins = Bins((fit_numeric("x", np.array([1.0])),)).with_scores(np.array([0.1, 0.9]))

    assert [one.name for one in bins.features] == ["x", PROBABILITY, PREDICTION]
    assert bins.features[2].categories == ("0", "1")


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("power", range(1, OCTAVES))
def test_values_beyond_the_range_are_told_apart_by_octaves(power: int, sign: int) -> None:
    bins = fit_numeric("x", sign * np.random.default_rng(0).uniform(1, 1.9, 1_000))
    beyond = sign * np.array([1.5 * 2.0**power, 1.5 * 2.0 ** (power + 1)])
    below = sign * np.array([0.75 * 2.0**-power, 0.75 * 2.0 ** -(power + 1)])

    assert len(set(places(bins, beyond).tolist())) == 2
    assert len(set(places(bins, below).tolist())) == 2
