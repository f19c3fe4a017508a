"""What goes into the next message of a channel, and what becomes of it."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from homeostat.alert import Alert, AlertSeverity, AlertType, Change, Finding
from homeostat.outgoing import (
    ChannelPolicy,
    Envelope,
    Hours,
    Notice,
    Queue,
    Sent,
    Trouble,
    after_trouble,
    backoff,
    next_batch,
)
from tests.core.made import NOW

POLICY = ChannelPolicy(name="slack")
MINUTE = timedelta(minutes=1)


def envelope(
    name: str,
    severity: AlertSeverity = AlertSeverity.HIGH,
    change: Change = Change.OPENED,
    *,
    at: datetime = NOW,
    alert: str = "",
) -> Envelope:
    finding = Finding(
        key=name, kind=AlertType.DATA_DRIFT, severity=severity, title=name, reason="seen"
    )
    held = Alert(
        id=alert or f"alert {name}",
        model="m",
        finding=finding,
        severity=severity,
        opened_at=at,
        updated_at=at,
    )
    return Envelope(
        id=name, channel="slack", model="m", created_at=at, due_at=at, alert=held, change=change
    )


def told(
    queue: Queue, *, after: timedelta = MINUTE, policy: ChannelPolicy = POLICY, hasty: bool = False
) -> list[str]:
    return [one.id for one in next_batch(queue, policy, now=NOW + after, hasty=hasty)]


def sent(severity: AlertSeverity, minutes: float) -> Sent:
    return Sent(severity=severity, at=NOW - minutes * MINUTE)


# What goes together.


def test_nothing_waits_nothing_goes() -> None:
    assert told(Queue()) == []


def test_what_comes_within_half_a_minute_goes_along() -> None:
    queue = Queue(waiting=[envelope("a"), envelope("b", at=NOW + timedelta(seconds=20))])

    assert told(queue, after=timedelta(seconds=29)) == []
    assert told(queue, after=timedelta(seconds=30)) == ["a", "b"]
    assert told(queue, after=timedelta(seconds=21), hasty=True) == ["a", "b"]


def test_what_is_critical_does_not_wait_for_more() -> None:
    queue = Queue(waiting=[envelope("a", AlertSeverity.CRITICAL)])

    assert told(queue, after=timedelta(0)) == ["a"]


def test_a_message_that_was_tried_is_tried_again_as_it_was() -> None:
    tried = [replace(envelope(name), message_id="a") for name in "ab"]
    queue = Queue(waiting=[*tried, envelope("c", AlertSeverity.CRITICAL)])

    assert told(queue) == ["a", "b"]


def test_one_by_one_and_in_order_for_a_program() -> None:
    one_by_one = replace(POLICY, groups=False)
    over = envelope("b", change=Change.RESOLVED, alert="alert a")
    queue = Queue(waiting=[envelope("a"), over, envelope("c")])

    assert told(queue, policy=one_by_one) == ["a"]
    waiting = Queue(waiting=[over, envelope("c")], busy=frozenset({"alert a"}))
    assert told(waiting, policy=one_by_one) == ["c"]


def test_a_notice_goes_by_itself_and_at_once() -> None:
    notice = Notice(id="n", channel="slack", model="m", subject="s", text="t", created_at=NOW)
    report = replace(envelope("n"), alert=None, change=None, notice=notice)
    queue = Queue(waiting=[report, envelope("a")], sent=[sent(AlertSeverity.LOW, 1)])

    assert told(queue, after=timedelta(0)) == ["n"]


# What has to wait, and what never does.


def test_at_most_one_message_in_five_minutes() -> None:
    queue = Queue(waiting=[envelope("a")], sent=[sent(AlertSeverity.HIGH, 3)])

    assert told(queue, after=MINUTE) == []
    assert told(queue, after=2 * MINUTE) == ["a"]


@pytest.mark.parametrize("before", [AlertSeverity.LOW, AlertSeverity.MEDIUM])
def test_what_is_more_urgent_is_not_hidden_behind_what_is_less(before: AlertSeverity) -> None:
    queue = Queue(waiting=[envelope("a")], sent=[sent(before, 0)] * 100)

    assert told(queue) == ["a"]


def test_nothing_hides_what_is_critical() -> None:
    critical = envelope("a", AlertSeverity.CRITICAL)
    queue = Queue(waiting=[critical], sent=[sent(AlertSeverity.CRITICAL, 0)] * 100)

    assert told(queue) == ["a"]


def test_so_many_an_hour_and_then_the_rest_goes_in_one() -> None:
    few = replace(POLICY, per_hour=3, group_interval=timedelta(0))
    before = [sent(AlertSeverity.HIGH, minutes) for minutes in (50, 40, 30)]
    queue = Queue(waiting=[envelope("a"), envelope("b")], sent=before)

    assert told(queue, policy=few) == []
    assert told(queue, policy=few, after=10 * MINUTE) == ["a", "b"]


def test_that_it_is_over_waits_its_turn() -> None:
    over = envelope("a", AlertSeverity.CRITICAL, Change.RESOLVED)
    queue = Queue(waiting=[over], sent=[sent(AlertSeverity.HIGH, 2)])

    assert over.severity is AlertSeverity.LOW
    assert told(queue) == []
    assert told(queue, after=3 * MINUTE) == ["a"]


def test_what_is_low_goes_once_a_day_where_it_is_asked_for() -> None:
    daily = replace(POLICY, digest_at=time(18), zone=ZoneInfo("Europe/Berlin"))  # 17:00 UTC
    low = [envelope(name, AlertSeverity.LOW) for name in "ab"]
    queue = Queue(waiting=[*low, envelope("c")])

    assert told(queue, policy=daily) == ["c"]
    only_low = Queue(waiting=low)
    assert told(only_low, policy=daily, after=timedelta(hours=4, minutes=59), hasty=True) == []
    assert told(only_low, policy=daily, after=timedelta(hours=5)) == ["a", "b"]


def test_hours_of_work_hold_back_what_can_wait() -> None:
    office = replace(POLICY, hours=Hours(), always=AlertSeverity.HIGH)
    friday = datetime(2026, 3, 6, 18, tzinfo=UTC)
    medium = Queue(waiting=[envelope("a", AlertSeverity.MEDIUM, at=friday)])
    monday = datetime(2026, 3, 9, 9, tzinfo=UTC)

    assert told(medium, policy=office, after=monday - timedelta(seconds=1) - NOW) == []
    assert told(medium, policy=office, after=monday - NOW) == ["a"]
    high = Queue(waiting=[envelope("a", AlertSeverity.HIGH, at=friday)])
    assert told(high, policy=office, after=friday + MINUTE - NOW) == ["a"]


def test_hours_without_a_day_of_work_hold_nothing_back() -> None:
    assert Hours(weekdays=frozenset()).next_open(NOW) == NOW


# What becomes of what does not get through.


def test_the_waits_double_up_to_five_minutes() -> None:
    waits = [backoff(tries, 0.0).total_seconds() for tries in range(1, 12)]

    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert backoff(1, 0.999).total_seconds() == pytest.approx(1.4995)


def fate(
    trouble: Trouble, *, tries: int = 1, refusals: int = 0, age: timedelta = timedelta(0)
) -> float | None:
    """Seconds until the next try; None when it is given up."""
    batch = [replace(envelope("a"), tries=tries, refusals=refusals)]
    due = after_trouble(batch, trouble, now=NOW + age, jitter=0.0).due_at
    return None if due is None else (due - NOW - age).total_seconds()


def test_what_gets_no_answer_is_tried_for_a_day() -> None:
    away = Trouble(reason="timed out")

    assert fate(away) == 1
    assert fate(away, tries=50, age=timedelta(hours=23, minutes=59)) == 300
    assert fate(away, tries=50, age=timedelta(hours=24)) is None


def test_what_the_receiver_asks_for_is_kept() -> None:
    assert fate(Trouble(reason="429", after_s=90.0)) == 90
    assert fate(Trouble(reason="429", after_s=0.0)) == 1
    assert fate(Trouble(reason="429", after_s=1e300)) == 86_400


def test_what_is_refused_is_tried_three_times() -> None:
    no = Trouble(reason="HTTP 400", refused=True)

    assert fate(no) == 1
    assert fate(no, tries=2, refusals=1) == 2
    assert fate(no, tries=3, refusals=2) is None
    assert fate(replace(no, final=True)) is None
