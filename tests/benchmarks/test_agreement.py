"""The page on agreement holds what is computed here and now, and its own promises."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from benchmarks.agreement.__main__ import HEADS, PAGE, written
from benchmarks.agreement.measures import MEASURES, Measure, by_scipy, measured, ours
from benchmarks.agreement.samples import Pair, pairs

BY_NAME = {one.shown: one for one in MEASURES}


@pytest.fixture(scope="module")
def held(data_dir: Path) -> Mapping[str, Pair]:
    return pairs(data_dir)


def lines() -> Iterator[tuple[str, str, Measure, list[str]]]:
    """The rows of the table: data, column, distance, and what each of the four says."""
    text = PAGE.read_text(encoding="utf-8").partition("<!-- agreement begins -->")[2]
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(HEADS) and cells[1].startswith("`"):
            yield cells[0], cells[1].strip("`"), BY_NAME[cells[2]], cells[3:]


TABLE = list(lines())


def test_the_table_is_that_of_these_columns_and_distances(held: Mapping[str, Pair]) -> None:
    asked = [(name, column, one) for name, pair in held.items() for column, one in measured(pair)]

    assert [line[:3] for line in TABLE] == asked


@pytest.mark.parametrize("name", ["car loan", "credit", "made"])
def test_the_page_shows_what_homeostat_and_scipy_compute(
    name: str, held: Mapping[str, Pair]
) -> None:
    mine, scipys = ours(held[name]), by_scipy(held[name])
    for data, column, one, (shown, scipys_shown, *_) in TABLE:
        if data == name:
            place = column, one.shown
            assert shown == written(mine[place]), place
            assert scipys_shown == written(scipys[place]), place


@pytest.mark.parametrize("name", ["car loan", "credit", "made"])
def test_binning_costs_no_more_than_the_page_says(name: str, held: Mapping[str, Pair]) -> None:
    mine, scipys = ours(held[name]), by_scipy(held[name])
    for column, one in measured(held[name]):
        value, exact = mine[column, one.shown], scipys[column, one.shown]
        assert abs(value - exact) <= one.error + one.relative * exact, f"{column}: {one.shown}"


def test_evidently_and_nannyml_agree_where_they_mean_the_same() -> None:
    """To the fifth digit, and NannyML's bins of equal width to a thousandth."""
    said = 0
    for data, column, one, (_, scipys, *peers) in TABLE:
        for shown in peers:
            if shown != "\u2013":
                said += 1
                slack = 1.1e-3 if one.shown in {"KS", "Wasserstein / s"} else 1.1e-5
                assert float(shown) == pytest.approx(float(scipys), abs=slack), (data, column)

    assert said >= 40
