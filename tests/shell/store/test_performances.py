"""Figures are kept as they were known, and answers are read beside the labels known then."""

from dataclasses import replace
from datetime import timedelta

import pytest

from homeostat.maturity import UNLABELLED
from homeostat.metrics import Estimate, share_estimate
from homeostat.prediction import Label
from homeostat.store import Figure, FigureKind, Store
from homeostat.testing.store_samples import DAY, MINUTE, START, sample_prediction

SEEN = share_estimate(0.65, 0.65 * 0.35 / 500, (500, 480.5), method="Wilson")


def figure(metric: str = "recall", *, known_at: int = 0, version: int = 1) -> Figure:
    return Figure(
        model="m",
        version=version,
        metric=metric,
        since=START,
        until=START + DAY,
        known_at=START + known_at * DAY,
        **Figure.parts(SEEN),
    )


def test_a_figure_is_read_as_it_was_written(store: Store) -> None:
    written = [figure("recall"), figure("a name of its own")]

    assert store.performance.add(written) == 2
    assert store.performance.newest("m", 1) == written
    assert store.performance.newest("m", 1)[0].estimate == SEEN
    assert store.performance.newest("m", 2) == []
    assert store.performance.newest("another", 1) == []


def test_what_is_unbounded_stays_so(store: Store) -> None:
    unbounded = Estimate(
        value=-1.5,
        lower=float("-inf"),
        upper=float("inf"),
        n=1,
        standard_error=float("inf"),
        method="Student",
    )
    store.performance.add([replace(figure(), **Figure.parts(unbounded))])

    assert store.performance.newest("m", 1)[0].estimate == unbounded


def test_the_same_figure_at_the_same_time_is_kept_once(store: Store) -> None:
    store.performance.add([figure()])

    assert store.performance.add([figure(), figure("f1")]) == 1
    assert store.performance.add([replace(figure(), value=0.1)]) == 0
    assert {one.value for one in store.performance.newest("m", 1)} == {0.65}


def test_any_time_is_told_what_was_known_then(store: Store) -> None:
    store.performance.add([figure(known_at=1), figure("f1", known_at=1), figure(known_at=3)])
    read = store.performance.newest

    assert [one.known_at for one in read("m", 1)] == [START + 3 * DAY]
    assert len(read("m", 1, as_of=START + 3 * DAY)) == 1
    assert len(read("m", 1, as_of=START + 3 * DAY - MINUTE)) == 2
    assert read("m", 1, as_of=START) == []


def test_the_frozen_reference_is_apart_from_what_was_measured(store: Store) -> None:
    frozen = replace(figure(), kind=FigureKind.REFERENCE, since=None, until=None, value=0.8)
    store.performance.add([frozen, figure()])

    assert store.performance.newest("m", 1, kind=FigureKind.REFERENCE) == [frozen]
    assert [one.value for one in store.performance.newest("m", 1)] == [0.65]
    assert [one.value for one in store.performance.history("m")] == [0.65]


def test_the_history_comes_newest_first_within_its_bounds(store: Store) -> None:
    store.performance.add([figure(known_at=day) for day in range(4)])
    store.performance.add([figure("f1", known_at=2)])
    read = store.performance.history

    assert [one.known_at for one in read("m", metric="recall", limit=2)] == [
        START + 3 * DAY,
        START + 2 * DAY,
    ]
    held = read("m", since=START + DAY, until=START + 3 * DAY)
    assert [one.metric for one in held] == ["recall", "f1", "recall"]


def label(key: str, value: int, after: timedelta) -> Label:
    return Label(prediction_id=key, value=value, received_at=START + after)


@pytest.fixture
def served(store: Store) -> Store:
    """Three predictions a minute apart: corrected after a day, labelled at once, and waiting."""
    rows = [
        replace(sample_prediction(key), received_at=START + i * MINUTE, version=1 + i // 2)
        for i, key in enumerate("abc")
    ]
    store.add_predictions(rows)
    store.add_labels([label("a", 0, 6 * 60 * MINUTE), label("b", 1, MINUTE)])
    store.add_labels([label("a", 1, DAY)])
    return store


def test_answers_stand_beside_the_newest_label_and_the_time_of_the_first(served: Store) -> None:
    at = START + 2 * DAY
    seen = served.performance.served("m", since=START, until=at, as_of=at)

    assert seen.ids == ("a", "b", "c")
    assert seen.versions.tolist() == [1, 1, 2]
    assert seen.rows.labels.tolist() == [1, 1, UNLABELLED]
    assert seen.rows.delays[:2].tolist() == [0.25, 0.0]
    assert seen.rows.ages[0] == 2.0
    assert len(seen.only(seen.rows.labelled)) == 2


def test_a_past_time_is_told_the_labels_of_then(served: Store) -> None:
    at = START + DAY - MINUTE
    seen = served.performance.served("m", since=START, until=at, as_of=at)
    before = served.performance.served("m", since=START, until=at, as_of=START)

    assert seen.rows.labels.tolist() == [0, 1, UNLABELLED]
    assert before.rows.labels.tolist() == [UNLABELLED] * 3


def test_windows_are_half_open_and_rows_come_in_the_order_asked(served: Store) -> None:
    seen = served.performance.served("m", since=START, until=START + MINUTE, as_of=START + DAY)

    assert seen.ids == ("a",)
    assert len(served.performance.served("x", since=START, until=START + DAY, as_of=START)) == 0
    rows = served.performance.rows(["c", "a"])
    assert rows == [sample_prediction("c").features, sample_prediction("a").features]
