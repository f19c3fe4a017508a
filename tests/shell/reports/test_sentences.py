"""What is said of a change is what a look at the rows would show."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from homeostat.comparison import compare
from homeostat.reports import Finding, State
from homeostat.reports.html.sentences import advice, amount, could_see, nearest, seen
from tests.shell.reports.made import changed, measured

ROWS = 4000
RNG = np.random.default_rng(0)
NORMAL = RNG.normal(100, 10, (2, ROWS))
PLANS = RNG.choice(["a", "b", "c"], (2, ROWS), p=[0.5, 0.3, 0.2])


def told(before: Any, now: Any, **others: Any) -> str:
    """What is said of the column x."""
    found = compare(
        pl.DataFrame(
            {"x": before, **{name: pair[0] for name, pair in others.items()}}, strict=False
        ),
        pl.DataFrame({"x": now, **{name: pair[1] for name, pair in others.items()}}, strict=False),
    )
    sides = (found.reference.feature("x"), found.current.feature("x"))
    finding = found.features["x"].finding
    sentences = [text for text, _ in seen(finding, *sides)]
    return " ".join([*sentences, advice(finding, *sides)]).strip()


@pytest.mark.parametrize(
    ("now", "said"),
    [
        pytest.param(NORMAL[1] + 5, "The values moved up by 0.5", id="up"),
        pytest.param(NORMAL[1] - 5, "The values moved down by 0.4", id="down"),
        pytest.param(
            100 + 1.5 * (NORMAL[1] - 100),
            "further apart: the middle 50% was 93.1 to 107 and is 90 to 111.",
            id="wider",
        ),
        pytest.param(
            100 + (NORMAL[1] - 100) / 1.5, "closer together: the middle 50%", id="narrower"
        ),
        pytest.param(
            NORMAL[1] * 1000,
            "The whole middle was multiplied by about 1,000. See whether the unit",
            id="unit",
        ),
        pytest.param(
            np.where(RNG.random(ROWS) < 0.1, np.nan, NORMAL[1]),
            "Missing values rose from 0% to 9.",
            id="missing",
        ),
        pytest.param(
            np.where(RNG.random(ROWS) < 0.1, 500.0, NORMAL[1]),
            "of the values lie outside the reference’s range",
            id="out of range",
        ),
    ],
)
def test_numbers(now: Any, said: str) -> None:
    assert said in told(NORMAL[0], now)


def test_a_shift_that_the_median_hides_is_told_by_the_mean() -> None:
    before, now = (RNG.random(ROWS) < share for share in (0.1, 0.2))

    said = told(before.astype(int), now.astype(int))

    assert ": the mean was 0.1" in said
    assert "further apart" not in said


@pytest.mark.parametrize(
    ("factor", "said"),
    [(1.5, "% further apart"), (1 / 1.5, "% closer together"), (0.01, "% closer together")],
)
def test_a_spread_is_told_as_a_share_of_what_it_was(factor: float, said: str) -> None:
    """Half as wide again is 50 % further apart, and nothing comes more than 100 % closer."""
    before = RNG.normal(100, 10, ROWS)
    text = told(before, 100 + (RNG.normal(100, 10, ROWS) - 100) * factor)
    percent = float(text.split("The values lie ")[1].split("%")[0])

    assert said in text
    assert percent == pytest.approx(100 * abs(factor - 1), abs=6)
    assert factor > 1 or percent <= 100


def test_a_spread_that_the_scale_hides_is_told_in_ranks() -> None:
    """Incomes three times as large lie further apart in money, but closer among the old ones."""
    said = told(RNG.lognormal(0, 1, ROWS), RNG.lognormal(1.2, 0.7, ROWS))

    assert said.startswith("The values moved up by 1.2 standard deviations: the median was ")
    assert "Measured in ranks of the reference, the values lie 3" in said
    assert "% closer together." in said


def test_heavier_tails_at_equal_spread() -> None:
    before = RNG.normal(size=ROWS)
    now = RNG.standard_t(3, ROWS)
    finding = Finding(
        subject="x",
        state=State.CHANGED,
        reason="",
        tests=(changed("x", statistic="tail", effect=0.4, asked=0.1),),
    )
    found = compare(pl.DataFrame({"x": before}), pl.DataFrame({"x": now}))

    [(said, asked)] = seen(finding, found.reference.feature("x"), found.current.feature("x"))

    assert said.startswith("The ends of the distribution changed their shape: of the values 1.")
    assert asked == "0.1 (score of tails)"


def test_distributions_apart_at_equal_middle_and_spread() -> None:
    sides = (
        pl.DataFrame({"x": RNG.normal(size=ROWS)}),
        pl.DataFrame({"x": RNG.choice([-1.0, 1.0], ROWS)}),
    )
    found = compare(sides[0], sides[1])
    finding = Finding(subject="x", state=State.CHANGED, reason="", tests=(changed("x"),))

    [(said, _)] = seen(finding, found.reference.feature("x"), found.current.feature("x"))

    assert said.startswith("The distributions are 40.0% of the rows apart: below ")


def test_categories() -> None:
    now = np.where(RNG.random(ROWS) < 0.2, "c", PLANS[1])

    assert "The mix of categories moved by 1" in told(PLANS[0], now)
    assert "'c' from 2" in told(PLANS[0], now)


def test_a_changed_relation() -> None:
    before = NORMAL[0] + RNG.normal(0, 5, ROWS)

    said = told(NORMAL[0], NORMAL[1], y=(before, before))

    assert said.startswith("Its correlation with y changed by ")
    assert "See whether two columns were swapped" in said


def test_a_statistic_of_another_package_is_told_by_its_name() -> None:
    finding = Finding(
        subject="x", state=State.CHANGED, reason="", tests=(changed("x", statistic="mine"),)
    )
    found = compare(pl.DataFrame({"x": NORMAL[0]}), pl.DataFrame({"x": NORMAL[1]}))

    told_so = seen(finding, found.reference.feature("x"), found.current.feature("x"))

    assert told_so == [("mine is 0.4.", "0.05 (mine)")]


@pytest.mark.parametrize("effect", [None, math.nan, math.inf])
def test_what_is_unknown_is_called_so(effect: float | None) -> None:
    assert amount("ks", effect) == "an unknown amount"


def quiet(*tests: Any) -> Finding:
    return Finding(subject="x", state=State.UNCHANGED, reason="", main=tests[0], tests=tests)


def test_the_nearest_difference_says_whether_chance_explains_it() -> None:
    small, large = (quiet(measured("x", effect=effect)) for effect in (0.02, 0.3))

    assert nearest(small) == "distributions apart by 2.0%; it counts from 5.0% on"
    assert nearest(large) == "distributions apart by 30.0%, which chance explains"
    assert not nearest(quiet(measured("x", effect=0.0)))


def test_of_several_columns_the_bluntest_is_told() -> None:
    sharp, blunt = (
        quiet(measured("x", minimum_detectable_effect=effect)) for effect in (0.06, 0.2)
    )

    assert could_see([sharp, blunt]) == "distributions apart by 20.0%"
    assert could_see([quiet(measured("x", minimum_detectable_effect=0.01))]).endswith("5.0%")
    assert not could_see([quiet(changed("x"))])
