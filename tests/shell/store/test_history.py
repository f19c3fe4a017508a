"""The history tells what was, as it was known at a time, on every database."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from homeostat.alert import Alert
from homeostat.errors import UserError
from homeostat.store import Entry, Kind, Span, Store
from homeostat.testing.store_samples import DAY, MINUTE, START, sample_alert, sample_decision
from homeostat.verdict import Measurement, Outcome, Verdict

TICK = timedelta(microseconds=1)


def alert(key: str = "drift", *, at: datetime = START) -> Alert:
    made = sample_alert(f"a-{key}", key=key)
    finding = replace(made.finding, reason="seen")
    return replace(made, finding=finding, opened_at=at, updated_at=at)


def verdict(question: str = "drift", **changes: object) -> Verdict:
    seen = Measurement(
        subject="income",
        statistic="ks",
        value=0.3,
        effect=0.3,
        asked=0.1,
        p_value=1e-6,
        n_reference=600,
        n_current=400,
        drifted=True,
    )
    plain = Verdict(
        question=question, outcome=Outcome.FAIL, reason="0.3 seen", measurements=(seen,)
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def told(store: Store, kind: Kind, **span: object) -> list[Entry]:
    return list(store.history.entries(kind, "m", Span(**span)).entries)  # type: ignore[arg-type]


def test_an_alert_is_told_in_the_state_of_each_time(store: Store) -> None:
    opened = alert()
    worse = replace(opened.finding, reason="worse")
    seen = replace(opened, finding=worse, updated_at=START + DAY, times_seen=2)
    ended = replace(seen, updated_at=START + 2 * DAY, resolved_at=START + 2 * DAY)
    for one in (opened, seen, ended):
        store.save_alert(one)

    states = [told(store, Kind.ALERTS, as_of=START + n * DAY) for n in range(3)]

    assert told(store, Kind.ALERTS, as_of=START - TICK) == []
    assert [[one.body["reason"] for one in state] for state in states] == [
        ["seen"],
        ["worse"],
        ["worse"],
    ]
    assert [state[0].body["resolved_at"] for state in states] == [
        None,
        None,
        (START + 2 * DAY).isoformat(),
    ]
    assert told(store, Kind.ALERTS) == states[2]


def test_what_came_later_changes_no_past_answer(store: Store) -> None:
    store.save_alert(alert())
    store.add_verdict("m", verdict(), START)
    store.add_decision(sample_decision("d1"))
    as_of = START + DAY
    before = {kind: told(store, kind, as_of=as_of) for kind in Kind}

    later = as_of + MINUTE
    store.save_alert(replace(alert(), updated_at=later, resolved_at=later))
    store.save_alert(alert("quality", at=later))
    for question in ("drift", "quality"):
        store.add_verdict("m", verdict(question), later)
    store.add_decision(sample_decision("d2", minutes=2000))

    assert {kind: told(store, kind, as_of=as_of) for kind in Kind} == before
    assert all(len(told(store, kind)) > len(before[kind]) for kind in Kind)


@pytest.mark.parametrize("kind", [Kind.ALERTS, Kind.DECISIONS, Kind.VERDICTS])
def test_pages_hold_everything_once_newest_first(store: Store, kind: Kind) -> None:
    for i in range(7):
        at = START + (i // 2) * MINUTE  # several at the same time
        store.save_alert(alert(f"k{i}", at=at))
        store.add_decision(sample_decision(f"d{i}", minutes=i // 2))
        store.add_verdict("m", verdict(), at)

    seen = [one for page in pages(store, kind, 3) for one in page]

    assert seen == told(store, kind)
    assert len({one.key for one in seen}) == 7
    assert [one.at for one in seen] == sorted((one.at for one in seen), reverse=True)


def pages(store: Store, kind: Kind, limit: int) -> Iterator[tuple[Entry, ...]]:
    span = Span(limit=limit)
    while True:
        found = store.history.entries(kind, "m", span)
        yield found.entries
        if found.following is None:
            return
        span = replace(span, page=found.following)


def test_a_span_is_half_open_and_of_one_model(store: Store) -> None:
    for minute in range(4):
        store.add_verdict("m", verdict(), START + minute * MINUTE)
    store.add_verdict("another", verdict(), START)

    found = told(store, Kind.DRIFT, since=START + MINUTE, until=START + 3 * MINUTE)

    assert [one.at for one in found] == [START + 2 * MINUTE, START + MINUTE]


@pytest.mark.parametrize("page", ["", "x", "12", "12-x", "9" * 40 + "-1"])
def test_what_is_no_page_is_refused(store: Store, page: str) -> None:
    with pytest.raises(UserError, match="is no page; take what the page before says is next"):
        told(store, Kind.DRIFT, page=page)


def test_reports_of_periods_are_kept_once_and_the_newest_is_found(store: Store) -> None:
    for n in range(2):
        since, until = START + n * DAY, START + (n + 1) * DAY
        body = {"since": since.isoformat(), "until": until.isoformat(), "n": n}
        store.history.add_periodic("m", "daily", body, until)

    newest = store.history.periodic("m", "daily")
    first = store.history.periodic("m", "daily", until=START + DAY)

    assert newest is not None
    assert first is not None
    assert (newest["n"], first["n"]) == (1, 0)
    assert store.history.periodic("m", "weekly") is None


def test_the_views_can_be_asked_by_anyone(store: Store) -> None:
    store.save_alert(alert())
    strange = Measurement(
        subject="é",
        statistic="ks",
        value=float("nan"),
        effect=float("inf"),
        n_reference=1,
        n_current=2,
    )
    store.add_verdict("m", verdict(measurements=(*verdict().measurements, strange)), START)
    store.add_verdict("m", verdict("quality"), START)
    store.add_decision(sample_decision("d1"))

    with store._database.read() as connection:
        rows = {
            name: [row._asdict() for row in connection.execute(text(f"SELECT * FROM {name}"))]
            for name in (
                "history_alerts",
                "history_verdicts",
                "history_drift_reports",
                "history_performance_metrics",
                "history_decisions",
                "history_removals",
            )
        }

    [told_alert], drift = rows["history_alerts"], rows["history_drift_reports"]
    [quality], [decision] = rows["history_performance_metrics"], rows["history_decisions"]
    assert str(told_alert["opened_at"]).replace(" ", "T").startswith("2024-05-01T12:00:00")
    assert told_alert["resolved_at"] is None
    assert len(rows["history_verdicts"]) == 2
    assert [one["feature"] for one in drift] == ["income", "é"]
    assert (drift[0]["effect"], drift[0]["n_current"], bool(drift[0]["drifted"])) == (
        0.3,
        400,
        True,
    )
    assert drift[1]["value"] is drift[1]["effect"] is None
    assert (quality["metric"], quality["value"], quality["n"]) == ("ks", 0.3, 400)
    assert (decision["decided_by"], decision["version_after"]) == ("loop", 2)
