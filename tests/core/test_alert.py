import json
from dataclasses import replace
from datetime import timedelta

import pytest

from homeostat.alert import (
    Alert,
    AlertSeverity,
    AlertType,
    Answer,
    Change,
    Damping,
    Finding,
    Occasion,
    overdue,
    update,
)
from homeostat.verdict import Outcome
from tests.core.made import NOW

LATER = NOW + timedelta(hours=1)
FOUND = Finding(
    key="drift",
    kind=AlertType.DATA_DRIFT,
    severity=AlertSeverity.MEDIUM,
    title="Drift in age",
    reason="KS 0.2",
    facts=("age: ks 0.2 seen, 0.05 asked",),
    features=("age",),
    rows=400,
    window=(NOW - timedelta(days=1), NOW),
    channels=("oncall",),
)
OPEN = Alert(
    id="a1",
    model="credit",
    finding=FOUND,
    severity=AlertSeverity.MEDIUM,
    opened_at=NOW,
    updated_at=NOW,
)
DAMPING = Damping()


def failed(severity: AlertSeverity = AlertSeverity.MEDIUM, reason: str = "KS 0.2") -> Answer:
    finding = replace(FOUND, severity=severity, reason=reason)
    return Answer(key="drift", outcome=Outcome.FAIL, finding=finding)


def answered(outcome: Outcome) -> Answer:
    return Answer(key="drift", outcome=outcome)


def at(moment: object = LATER, new_id: str = "a2") -> Occasion:
    return Occasion(model="credit", now=moment, new_id=new_id)  # type: ignore[arg-type]


def test_a_failure_opens_one() -> None:
    assert update(None, failed(), at(NOW, "a1"), DAMPING) == (OPEN, Change.OPENED)


def test_the_next_failure_adds_to_it() -> None:
    alert, change = update(OPEN, failed(reason="KS 0.3"), at(), DAMPING)

    assert change is Change.UPDATED
    assert alert is not None
    assert (alert.id, alert.times_seen, alert.updated_at) == ("a1", 2, LATER)
    assert alert.reason == "KS 0.3"


def test_what_gets_worse_is_told_and_has_to_be_taken_up_anew() -> None:
    taken = replace(OPEN, acknowledged_at=NOW, acknowledged_by="ann", overdue_at=NOW)

    worse, change = update(taken, failed(AlertSeverity.CRITICAL), at(), DAMPING)
    better, next_change = update(worse, failed(AlertSeverity.LOW), at(), DAMPING)

    assert (change, next_change) == (Change.ESCALATED, Change.UPDATED)
    assert worse is not None
    assert better is not None
    assert (worse.severity, worse.acknowledged_at) == (AlertSeverity.CRITICAL, None)
    assert better.severity is AlertSeverity.CRITICAL  # the worst that it was


def test_good_news_resolves_it() -> None:
    alert, change = update(OPEN, answered(Outcome.PASS), at(), DAMPING)

    assert change is Change.RESOLVED
    assert alert == replace(OPEN, updated_at=LATER, resolved_at=LATER)


def test_good_news_too_soon_resolves_nothing() -> None:
    soon = at(NOW + timedelta(minutes=4, seconds=59))

    assert update(OPEN, answered(Outcome.PASS), soon, DAMPING) == (OPEN, Change.NONE)


@pytest.mark.parametrize("held", [None, OPEN])
@pytest.mark.parametrize("outcome", [Outcome.INCONCLUSIVE, Outcome.ERROR])
def test_not_knowing_is_no_all_clear(held: Alert | None, outcome: Outcome) -> None:
    assert update(held, answered(outcome), at(), DAMPING) == (held, Change.NONE)


def test_good_news_about_nothing_is_no_news() -> None:
    assert update(None, answered(Outcome.PASS), at(), DAMPING) == (None, Change.NONE)
    over = replace(OPEN, resolved_at=NOW)
    assert update(over, answered(Outcome.PASS), at(), DAMPING) == (over, Change.NONE)


def test_one_that_comes_back_must_be_quiet_for_longer_each_time() -> None:
    held: Alert | None = None
    now, waits = NOW, []
    for n in range(6):
        held, _ = update(held, failed(), at(now, f"a{n}"), DAMPING)
        begun = now
        change = Change.NONE
        while change is not Change.RESOLVED:
            now += timedelta(minutes=1)
            held, change = update(held, answered(Outcome.PASS), at(now), DAMPING)
        waits.append((now - begun) / timedelta(minutes=1))

    assert waits == [5, 10, 20, 40, 60, 60]


def test_one_that_comes_back_much_later_is_a_new_one() -> None:
    over = replace(OPEN, resolved_at=NOW, flaps=3)

    alert, change = update(over, failed(), at(NOW + timedelta(hours=2)), DAMPING)

    assert change is Change.OPENED
    assert alert is not None
    assert (alert.id, alert.flaps) == ("a2", 0)


def test_ten_changes_a_minute_make_one_alert() -> None:
    """E4: what flaps is opened once and resolved once it is quiet."""
    held: Alert | None = None
    changes = []
    for n in range(100):
        now = NOW + timedelta(seconds=6 * n)
        answer = failed() if n % 2 == 0 else answered(Outcome.PASS)
        held, change = update(held, answer, at(now, f"a{n}"), DAMPING)
        changes.append(change)

    assert changes[0] is Change.OPENED
    assert set(changes[1:]) == {Change.UPDATED, Change.NONE}


@pytest.mark.parametrize(
    ("alert", "late"),
    [
        (OPEN, True),
        (replace(OPEN, acknowledged_at=NOW), False),
        (replace(OPEN, overdue_at=NOW), False),
        (replace(OPEN, resolved_at=NOW), False),
        (replace(OPEN, severity=AlertSeverity.LOW), False),
    ],
)
def test_what_nobody_takes_up_is_overdue_once(alert: Alert, late: bool) -> None:
    least, after = AlertSeverity.MEDIUM, timedelta(minutes=30)

    assert overdue(alert, after, least=least, now=LATER) is late
    assert not overdue(alert, after, least=least, now=NOW + timedelta(minutes=29))


@pytest.mark.parametrize(
    "alert",
    [
        OPEN,
        replace(
            OPEN,
            severity=AlertSeverity.CRITICAL,
            resolved_at=LATER,
            acknowledged_at=LATER,
            acknowledged_by="ann",
            overdue_at=LATER,
            flaps=2,
            finding=replace(FOUND, channels=None, window=None, cause="data fault"),
        ),
    ],
)
def test_it_is_read_as_it_was_written(alert: Alert) -> None:
    assert Alert.from_dict(json.loads(json.dumps(alert.to_dict()))) == alert
