from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from homeostat.comparison import compare_by
from homeostat.errors import UserError
from homeostat.policy import DriftPolicy
from homeostat.verdict import Outcome
from tests.shell.comparison.made import frame

START = datetime(2024, 3, 1, 6, tzinfo=UTC)


def regions(seed: int, mix: dict[str, int], moved: tuple[str, ...] = ()) -> pl.DataFrame:
    """Rows of some regions that differ from each other; those named moved."""
    parts = [
        frame(seed * 10 + i, rows, shift=i + (0.8 if name in moved else 0.0)).with_columns(
            region=pl.lit(name)
        )
        for i, (name, rows) in enumerate(sorted(mix.items()))
    ]
    return pl.concat(parts)


BEFORE = regions(0, {"east": 600, "north": 600, "west": 600})


def test_only_the_group_that_changed_is_named() -> None:
    now = regions(1, {"east": 500, "north": 400, "west": 300}, moved=("north",))

    found = compare_by(BEFORE, now, "region")

    assert list(found.groups) == ["east", "north", "west"]  # by their rows
    assert (found.outcome, found.changed) == (Outcome.FAIL, ["north"])
    assert found.groups["north"].changed == ["income"]
    assert found.left_out == {"region": "divides the rows into groups"}
    assert "1 of 3 groups by region changed" in found.reason


def test_another_mix_of_unchanged_groups_is_no_change() -> None:
    now = regions(2, {"east": 900, "north": 300, "west": 250})

    found = compare_by(BEFORE, now, "region")

    assert found.outcome is Outcome.PASS
    assert found.against_all == ()


def test_a_group_without_a_past_is_compared_with_all() -> None:
    now = regions(3, {"east": 400, "north": 400, "south": 400})

    found = compare_by(BEFORE, now, "region")

    assert found.against_all == ("south",)
    assert found.groups["south"].reference.n == BEFORE.height
    assert found.groups["east"].reference.n == 600


def test_the_level_is_split_over_the_groups() -> None:
    found = compare_by(BEFORE, BEFORE, "region", policy=DriftPolicy.once(0.03))

    assert [one.policy.alpha for one in found.groups.values()] == pytest.approx([0.01] * 3)
    assert found.policy.alpha == pytest.approx(0.03)


def test_small_groups_are_inconclusive_and_so_is_the_whole() -> None:
    found = compare_by(BEFORE, regions(4, {"east": 500, "west": 50}), "region")

    assert found.groups["west"].outcome is Outcome.INCONCLUSIVE
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "1 cannot be told" in found.reason


def test_no_row_is_lost_or_counted_twice() -> None:
    now = regions(5, {"east": 500, "north": 300, "west": 200}).with_columns(
        region=pl.when(pl.int_range(pl.len()) % 7 == 0).then(None).otherwise("region")
    )

    found = compare_by(BEFORE, now, "region")

    assert sum(one.current.n for one in found.groups.values()) == now.height
    assert found.groups["missing"].current.n == now["region"].null_count()


def test_fifty_groups_are_looked_at_and_the_others_named() -> None:
    now = frame(1, 3000).with_columns(shop=pl.int_range(pl.len()) % 53)

    found = compare_by(BEFORE, now, "shop")

    assert len(found.groups) == 50
    assert len(found.beyond) == 3
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "3 more groups were left out" in found.reason


PAST = frame(8, 3000)


def series(hours: float, rows: int = 4000) -> pl.DataFrame:
    """Rows over so many hours; the income moves in the second half."""
    step = timedelta(hours=hours) / rows
    half = rows // 2
    data = pl.concat([frame(6, half), frame(7, half, shift=0.8)])
    return data.with_columns(at=pl.Series([START + i * step for i in range(rows)]))


TIMES: dict[str, Callable[[pl.DataFrame], Any]] = {
    "polars": lambda data: data,
    "lazy": lambda data: data.lazy(),
    "pandas": lambda data: data.to_pandas(),
    "pyarrow": lambda data: data.to_arrow(),
    "text": lambda data: data.with_columns(pl.col("at").dt.strftime("%Y-%m-%d %H:%M:%S")),
}


@pytest.mark.parametrize("kind", TIMES)
def test_periods_show_when_it_began(kind: str) -> None:
    found = compare_by(PAST, TIMES[kind](series(12)), "at")

    assert found.period == "hour"
    assert list(found.groups) == [f"2024-03-01 {hour:02}:00" for hour in range(6, 18)]
    assert "2024-03-01 11:00" not in found.changed
    assert found.changed == [f"2024-03-01 {hour:02}:00" for hour in range(12, 18)]


@pytest.mark.parametrize(
    ("hours", "period", "first"),
    [
        pytest.param(30, "hour", "2024-03-01 06:00", id="a day"),
        pytest.param(24 * 20, "day", "2024-03-01", id="weeks"),
        pytest.param(24 * 150, "week", "2024-02-26", id="months"),
        pytest.param(24 * 900, "month", "2024-03", id="years"),
        pytest.param(24 * 4000, "year", "2024", id="a decade"),
    ],
)
def test_the_period_makes_some_ten_groups(hours: float, period: str, first: str) -> None:
    found = compare_by(PAST, series(hours), "at")

    assert (found.period, next(iter(found.groups))) == (period, first)
    assert 5 <= len(found.groups) <= 41


def test_what_can_be_compared_in_no_group_is_said_once() -> None:
    found = compare_by(BEFORE, series(12), "at")

    assert found.untold == {"region": "not in the current data"}
    assert "region" not in found.groups["2024-03-01 06:00"].features
    assert found.outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("by", "why"),
    [
        ("reigon", "did you mean 'region'"),
        ("income", "holds numbers with fractions"),
        ("odd", "holds lists"),
        ("never", "holds no value at all"),
    ],
)
def test_a_column_that_makes_no_groups_is_refused(by: str, why: str) -> None:
    now = BEFORE.with_columns(odd=pl.lit([1]), never=pl.lit(None))

    with pytest.raises(UserError, match=why):
        compare_by(BEFORE, now, by)


def test_every_name_of_a_group_will_do() -> None:
    rng = np.random.default_rng(0)
    names = np.array(["", "🙂", "<script>alert(1)</script>", "a\nb"])
    now = frame(1, 1600).with_columns(group=pl.Series(rng.choice(names, 1600)))

    found = compare_by(BEFORE.drop("region"), now, "group")

    assert set(found.groups) == set(names)
    assert "<script" not in found.to_html()
