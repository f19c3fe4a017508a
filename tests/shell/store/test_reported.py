"""Rows of models that are served elsewhere are kept once and counted once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from homeostat.engines.rows import RowCounter
from homeostat.errors import Conflict, StateError
from homeostat.store import OTHER, MinuteProfile, ReportedRow, Store
from homeostat.store.reported import FORGOTTEN_AFTER, MOST_VERSIONS
from homeostat.testing.store_samples import BINS, MINUTE, START, sample_prediction

DAY = timedelta(days=1)


def row(i: int, *, version: str = "v1", at: datetime = START) -> ReportedRow:
    return ReportedRow(
        id=f"r{i}",
        model="m",
        version=version,
        received_at=at,
        event_time=at - DAY,
        features=sample_prediction(f"{i}").features,
        probability=0.25 if i % 2 else None,
        body_digest=f"digest of {i}",
    )


def count(rows: Sequence[tuple[ReportedRow, int]]) -> list[MinuteProfile]:
    found = []
    for one, number in rows:
        counter = RowCounter(BINS)
        counter.add(one.features)
        found.append(MinuteProfile("s", number, one.received_at, counter.profile.sparse()))
    return found


def counted(store: Store, number: int) -> int:
    return store.window_profile("s", number, BINS, START - DAY, START + 400 * DAY).n


def test_a_row_is_read_as_it_was_written(store: Store) -> None:
    rows = [row(i, at=START + i * MINUTE) for i in range(3)]
    receipt = store.reports.add(rows, count)

    assert receipt.new == {"r0", "r1", "r2"}
    assert receipt.numbers == {"v1": 1}
    assert store.reports.rows("m", since=START, until=START + 2 * MINUTE) == rows[:2]
    assert store.reports.rows("another", since=START, until=START + DAY) == []


def test_a_repeat_is_counted_once_also_within_a_batch(store: Store) -> None:
    store.reports.add([row(0)], count)
    receipt = store.reports.add([row(0), row(1), row(1)], count)

    assert receipt.new == {"r1"}
    assert counted(store, 1) == 2


@pytest.mark.parametrize("change", [{"body_digest": "another"}, {"model": "another"}])
def test_a_clash_stores_nothing_and_is_named(store: Store, change: dict[str, str]) -> None:
    store.reports.add([row(0)], count)

    with pytest.raises(Conflict, match=r"rows\[1\]\.prediction_id"):
        store.reports.add([row(5), replace(row(0), **change)], count)  # type: ignore[arg-type]
    with pytest.raises(Conflict, match=r"rows\[1\]\.prediction_id"):
        store.reports.add([row(6), replace(row(6), **change)], count)  # type: ignore[arg-type]
    assert counted(store, 1) == 1
    assert len(store.reports.rows("m", since=START, until=START + DAY)) == 1


def test_what_cannot_be_counted_is_not_stored(store: Store) -> None:
    def broken(_: Sequence[tuple[ReportedRow, int]]) -> list[MinuteProfile]:
        raise StateError("not in these bins")

    with pytest.raises(StateError, match="these bins"):
        store.reports.add([row(0)], broken)

    assert store.reports.rows("m", since=START, until=START + DAY) == []
    assert store.reports.versions("m", at=START) == {}


def test_so_many_versions_are_told_apart_and_no_more(store: Store) -> None:
    rows = [row(i, version=f"v{i}") for i in range(MOST_VERSIONS + 5)]
    receipt = store.reports.add(rows, count)
    again = store.reports.add([row(500, version="late"), row(501, version="v3")], count)

    assert sorted(receipt.numbers.values()) == [OTHER] * 5 + list(range(1, MOST_VERSIONS + 1))
    assert again.numbers == {"late": OTHER, "v3": receipt.numbers["v3"]}
    assert counted(store, OTHER) == 6
    assert len(store.reports.versions("m", at=START)) == MOST_VERSIONS


def test_a_version_that_is_no_longer_seen_gives_its_place_back(store: Store) -> None:
    store.reports.add([row(i, version=f"v{i}") for i in range(MOST_VERSIONS)], count)
    later = START + FORGOTTEN_AFTER - DAY
    kept = store.reports.add([row(200, version="v7", at=later)], count)
    after = later + 2 * DAY
    new = store.reports.add([row(201, version="new", at=after)], count)
    back = store.reports.add([row(202, version="v8", at=after)], count)

    assert new.numbers == {"new": MOST_VERSIONS + 1}
    assert back.numbers == {"v8": MOST_VERSIONS + 2}  # never the rows of another time
    assert set(store.reports.versions("m", at=after)) == {"v7", "new", "v8"}
    assert kept.numbers == {"v7": 8}


def test_many_at_once_share_versions_and_rows(store: Store) -> None:
    def one(thread: int) -> None:
        rows = [row(i, version=f"v{i % 7}") for i in range(thread, thread + 20)]
        store.reports.add(rows, count)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(12)))
    numbers = store.reports.versions("m", at=START)

    assert sorted(numbers.values()) == list(range(1, 8))
    assert sum(counted(store, number) for number in numbers.values()) == 31
    assert len(store.reports.rows("m", since=START, until=START + DAY)) == 31
