"""What was expected of windows, and what their labels said, on every database."""

from dataclasses import replace
from datetime import timedelta

import numpy as np

from homeostat.answers import Labelled
from homeostat.estimated import Estimated, Scored
from homeostat.estimators import Estimate
from homeostat.store import Store
from homeostat.testing.store_samples import START

DAY = timedelta(days=1)

LABELLED = Labelled.of(np.array([0, 1, 1]), np.array([0.1, 0.5, 0.75]))


def estimated(day: int, *, version: int = 1) -> Estimated:
    """What was expected of the window that ends on this day."""
    until = START + day * DAY
    said = Estimate(
        metric="f1", value=0.1 + 0.2, noise=0.01, doubt=0.002, n=3, lowest=0.0, highest=1.0
    )
    return Estimated(
        model="m",
        version=version,
        at=until,
        since=until - DAY,
        until=until,
        n=3,
        said={"f1": {"cbpe": said, "labels": replace(said, value=0.5)}},
        combined={"f1": (0.31, 0.25, 0.4)},
    )


def scored(day: int) -> Scored:
    return Scored(at=START + day * DAY, n=3, seen={"f1": 0.25}, labelled=LABELLED)


def plain(one: Estimated) -> dict[str, object]:
    """All of it, comparable."""
    came = one.scored and (one.scored.at, one.scored.to_dict())
    place = (one.model, one.version, one.at, one.since, one.until, one.n)
    return {"place": place, "said": one.to_dict(), "scored": came}


def read(store: Store, day: int, limit: int = 10) -> list[dict[str, object]]:
    held = store.estimates.made("m", 1, as_of=START + day * DAY, limit=limit)
    return [plain(one) for one in held]


def test_an_estimate_is_read_as_it_was_made_and_scored(store: Store) -> None:
    one = estimated(1)

    assert store.estimates.add(one)
    assert read(store, 5) == [plain(one)]
    store.estimates.score(one, scored(3))
    assert read(store, 5) == [plain(replace(one, scored=scored(3)))]


def test_a_window_is_estimated_once_and_scored_once(store: Store) -> None:
    one = estimated(1)
    store.estimates.add(one)
    store.estimates.score(one, scored(3))

    assert not store.estimates.add(replace(one, n=4))
    store.estimates.score(one, scored(4))
    assert read(store, 5) == [plain(replace(one, scored=scored(3)))]


def test_a_past_time_sees_what_was_known_then(store: Store) -> None:
    for day in (1, 2, 3):
        store.estimates.add(estimated(day))
    store.estimates.score(estimated(1), scored(4))
    before = read(store, 3)
    store.estimates.score(estimated(2), scored(6))
    store.estimates.add(estimated(4))

    assert read(store, 3) == before == [plain(estimated(day)) for day in (1, 2, 3)]
    assert read(store, 9, limit=2) == [plain(estimated(day)) for day in (3, 4)]


def test_the_oldest_that_wait_for_labels_come_first(store: Store) -> None:
    for day in (3, 1, 2):
        store.estimates.add(estimated(day))
    store.estimates.add(estimated(1, version=2))
    store.estimates.score(estimated(1), scored(2))

    waiting = store.estimates.unscored("m", 1, until=START + 3 * DAY, limit=5)

    assert [plain(one) for one in waiting] == [plain(estimated(day)) for day in (2, 3)]
    newest = store.estimates.newest("m", 1, until=START + 2 * DAY)
    assert newest is not None
    assert newest.until == START + 2 * DAY
    assert store.estimates.newest("m", 3, until=START + 2 * DAY) is None


def test_a_labelled_reference_is_kept_for_its_version(store: Store) -> None:
    store.estimates.keep_reference("m", 1, "abc", LABELLED)
    store.estimates.keep_reference("m", 1, "abc", Labelled.of(np.array([1]), np.array([0.5])))

    held = store.estimates.reference("m", 1, "abc")

    assert held is not None
    assert held.truth.tolist() == LABELLED.truth.tolist()
    assert held.answers.score.tolist() == LABELLED.answers.score.tolist()
    assert held.answers.positive.tolist() == [False, True, True]
    assert store.estimates.reference("m", 1, "another") is None
