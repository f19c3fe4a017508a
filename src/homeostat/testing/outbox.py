# ruff: noqa: S101 (a check asserts)
"""What the outbox and the alert book of every store must do.

Run each check on an empty store; it raises AssertionError where the store fails:

```
@pytest.mark.parametrize("check", list(outbox_checks()), ids=lambda c: c.__name__)
def test_outbox(check, empty_store):
    check(empty_store)
```
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from homeostat.alert import AlertSeverity, Change
from homeostat.errors import Conflict, NotFound
from homeostat.outgoing import Attachment, Envelope, Notice, Queue
from homeostat.silence import Silence
from homeostat.store import AlertEntry, AlertEvent, Delivery, Standing, Store
from homeostat.testing.store_samples import DAY, MINUTE, START, refuses, sample_alert

__all__ = ["outbox_checks", "sample_envelope"]

Check = Callable[[Store], None]


def outbox_checks() -> Iterator[Check]:
    """The checks, each named after what must hold."""
    yield check_an_alert_and_its_envelopes_are_written_together
    yield check_a_change_that_fails_writes_nothing
    yield check_of_many_that_see_one_thing_one_opens_it
    yield check_what_waits_is_read_as_it_was_written
    yield check_what_was_claimed_stays_together
    yield check_a_postponed_message_comes_back_when_it_is_due
    yield check_what_is_given_up_goes_elsewhere
    yield check_it_is_known_who_was_told
    yield check_a_thread_begins_with_the_first_message
    yield check_each_model_has_an_outbox_of_its_own
    yield check_what_waits_for_a_channel_that_is_gone_is_given_up
    yield check_a_notice_is_added_once
    yield check_a_silence_is_in_force_until_it_ends
    yield check_an_alert_is_found_by_id_and_by_key


def sample_envelope(name: str, channel: str = "slack", *, alert: str = "a") -> Envelope:
    """One change of an alert that waits from START on."""
    return Envelope(
        id=name,
        channel=channel,
        model="m",
        created_at=START,
        due_at=START,
        alert=sample_alert(alert),
        change=Change.OPENED,
    )


def check_an_alert_and_its_envelopes_are_written_together(store: Store) -> None:
    seen: list[Standing] = []

    def decide(standing: Standing) -> list[AlertEntry]:
        seen.append(standing)
        entry = AlertEntry(
            alert=sample_alert("a"),
            change=Change.OPENED,
            envelopes=(sample_envelope("1"), sample_envelope("2", "mail")),
            event=AlertEvent(at=START, model="m", subject="a", event="opened", who="ann"),
        )
        return [entry]

    [entry] = store.alerting.change("m", ["drift"], decide, now=START)

    assert entry.change is Change.OPENED
    assert dict(seen[0].held) == {}
    assert store.open_alert("m", "drift") == sample_alert("a")
    assert [one.id for one in _queue(store).waiting] == ["1"]
    assert [one.id for one in _queue(store, "mail").waiting] == ["2"]
    assert [one.who for one in store.alerting.events("m", subject="a")] == ["ann"]


def check_a_change_that_fails_writes_nothing(store: Store) -> None:
    store.outbox.put([sample_envelope("1")])

    def decide(_: Standing) -> list[AlertEntry]:
        first = AlertEntry(
            alert=sample_alert("a"), change=Change.OPENED, envelopes=(sample_envelope("2"),)
        )
        return [first, AlertEntry(alert=sample_alert("b"), change=Change.OPENED)]

    refuses(Conflict, lambda: store.alerting.change("m", ["drift"], decide, now=START))

    assert store.alerts("m", open_only=False) == []
    assert [one.id for one in _queue(store).waiting] == ["1"]


def check_of_many_that_see_one_thing_one_opens_it(store: Store) -> None:
    def see(number: int) -> int:
        def decide(standing: Standing) -> list[AlertEntry]:
            if "drift" in standing.held:
                held = standing.held["drift"]
                again = replace(held, times_seen=held.times_seen + 1)
                return [AlertEntry(alert=again, change=Change.UPDATED)]
            return [AlertEntry(alert=sample_alert(f"{number}"), change=Change.OPENED)]

        entries = store.alerting.change("m", ["drift"], decide, now=START)
        return sum(one.change is Change.OPENED for one in entries)

    with ThreadPoolExecutor(4) as threads:
        opened = sum(threads.map(see, range(12)))

    assert opened == 1
    [alert] = store.alerts("m", open_only=True)
    assert alert.times_seen == 12


def check_what_waits_is_read_as_it_was_written(store: Store) -> None:
    later = replace(sample_envelope("2"), due_at=START + MINUTE, fallback_for="mail")
    store.outbox.put([sample_envelope("1"), later])

    assert _queue(store) == Queue(waiting=(sample_envelope("1"),))
    assert _queue(store, minutes=1).waiting == (sample_envelope("1"), later)


def check_what_was_claimed_stays_together(store: Store) -> None:
    batch = [sample_envelope("1"), sample_envelope("2")]
    store.outbox.put(batch)
    claimed = store.outbox.claim(batch, "1")
    store.outbox.put([sample_envelope("3")])

    assert [(one.id, one.message_id, one.tries) for one in claimed] == [
        ("1", "1", 1),
        ("2", "1", 1),
    ]
    queue = _queue(store)
    assert [(one.id, one.message_id) for one in queue.waiting] == [
        ("1", "1"),
        ("2", "1"),
        ("3", None),
    ]
    assert queue.busy == {"a"}
    store.outbox.delivered(_delivery("1"))
    assert store.outbox.claim(batch, "1") == []
    done = _queue(store)
    assert [one.id for one in done.waiting] == ["3"]
    assert [(one.severity, one.at) for one in done.sent] == [(AlertSeverity.HIGH, START)]
    assert _queue(store, minutes=61).sent == ()


def check_a_postponed_message_comes_back_when_it_is_due(store: Store) -> None:
    store.outbox.put([sample_envelope("1")])
    store.outbox.claim([sample_envelope("1")], "1")
    due = START + MINUTE
    store.outbox.postpone(replace(_delivery("1"), detail="HTTP 500"), due_at=due, refusals=1)

    assert _queue(store) == Queue(busy=frozenset({"a"}))
    [again] = _queue(store, minutes=1).waiting
    assert (again.refusals, again.trouble, again.tries) == (1, "HTTP 500", 1)
    assert [one.outcome for one in store.outbox.deliveries("a")] == ["trouble"]


def check_what_is_given_up_goes_elsewhere(store: Store) -> None:
    store.outbox.put([sample_envelope("1")])
    store.outbox.claim([sample_envelope("1")], "1")
    instead = replace(sample_envelope("1>mail", "mail"), fallback_for="slack")
    store.outbox.give_up(replace(_delivery("1"), detail="HTTP 400"), [instead])

    assert _queue(store) == Queue()
    assert _queue(store, "mail").waiting == (instead,)
    assert [one.outcome for one in store.outbox.deliveries("a")] == ["dead"]


def check_it_is_known_who_was_told(store: Store) -> None:
    store.save_alert(sample_alert("a"))
    store.outbox.put([sample_envelope("1"), sample_envelope("2", "mail"), sample_envelope("3")])
    for name, channel in (("1", "slack"), ("2", "mail")):
        store.outbox.claim([sample_envelope(name, channel)], name)
    store.outbox.delivered(_delivery("1"))
    store.outbox.give_up(_delivery("2", "mail"), [])
    seen: list[Standing] = []

    def look(standing: Standing) -> list[AlertEntry]:
        seen.append(standing)
        return []

    store.alerting.change("m", ["drift", "quality"], look, now=START)

    told = seen[0].told["a"]
    assert (told["slack"].waiting, told["slack"].delivered_at) == (True, START)
    assert (told["mail"].waiting, told["mail"].delivered_at) == (False, None)
    assert told["mail"].given_up_at == START


def check_a_thread_begins_with_the_first_message(store: Store) -> None:
    assert store.outbox.thread("slack", "a") is None

    for name, receipt in (("1", None), ("2", "t2"), ("3", "t3")):
        store.outbox.put([sample_envelope(name)])
        store.outbox.claim([sample_envelope(name)], name)
        store.outbox.delivered(replace(_delivery(name), receipt=receipt))

    assert store.outbox.thread("slack", "a") == "t2"
    assert store.outbox.thread("mail", "a") is None


def check_each_model_has_an_outbox_of_its_own(store: Store) -> None:
    store.outbox.put([sample_envelope("1"), replace(sample_envelope("2"), model="n")])

    assert [one.id for one in _queue(store).waiting] == ["1"]
    other = store.outbox.queue("n", "slack", grouped=True, now=START)
    assert [one.id for one in other.waiting] == ["2"]


def check_what_waits_for_a_channel_that_is_gone_is_given_up(store: Store) -> None:
    """Only that, of this model, and it is known that nobody was told."""
    sent = replace(sample_envelope("sent", "gone", alert="b"), message_id="sent")
    other = replace(sample_envelope("other", "gone", alert="c"), model="other")
    store.outbox.put([sample_envelope("e1", "gone"), sample_envelope("e2"), sent, other])
    store.outbox.delivered(_delivery("sent", channel="gone"))
    at = START + MINUTE
    assert store.outbox.abandon("m", ["slack"], now=at) == {"gone": 1}
    assert store.outbox.abandon("m", ["slack"], now=at) == {}
    assert not store.outbox.queue("m", "gone", grouped=True, now=at).waiting
    assert [one.id for one in _queue(store).waiting] == ["e2"]
    assert store.outbox.queue("other", "gone", grouped=True, now=at).waiting


def check_a_notice_is_added_once(store: Store) -> None:
    notice = Notice(
        id="report",
        channel="slack",
        model="m",
        subject="The week",
        text="All is well.\n",
        html="<p>All is well.</p>",
        created_at=START,
        attachments=(Attachment(name="a.html", media_type="text/html", content=b"\x00\xff"),),
    )

    assert store.outbox.add(notice)
    assert not store.outbox.add(replace(notice, text="otherwise"))
    [waiting] = _queue(store).waiting
    assert (waiting.notice, waiting.alert) == (notice, None)


def check_a_silence_is_in_force_until_it_ends(store: Store) -> None:
    asked = Silence(
        id="s",
        model="m",
        key="drift",
        owner="ann",
        reason="a move",
        created_at=START,
        ends_at=START + DAY,
    )
    store.alerting.silence(asked)
    refuses(Conflict, lambda: store.alerting.silence(asked))

    assert list(store.alerting.silences("m", now=START)) == [asked]
    assert list(store.alerting.silences("m", now=START + DAY)) == []
    assert list(store.alerting.silences("n", now=START)) == []
    ended = store.alerting.end_silence("m", "s", at=START + MINUTE, by="bob")
    assert (ended.ended_at, ended.ended_by) == (START + MINUTE, "bob")
    assert list(store.alerting.silences("m", now=START + 2 * MINUTE)) == []
    assert list(store.alerting.silences("m")) == [ended]
    refuses(NotFound, lambda: store.alerting.end_silence("m", "s", at=START + MINUTE, by="bob"))
    done = [(one.event, one.who) for one in store.alerting.events("m")]
    assert done == [("silence ended", "bob"), ("silenced", "ann")]


def check_an_alert_is_found_by_id_and_by_key(store: Store) -> None:
    first, second = sample_alert("a"), sample_alert("b", minutes=5)
    over = replace(first, resolved_at=START + MINUTE)
    store.save_alert(over)
    store.save_alert(second)

    assert store.alerting.alert("m", "a") == over
    assert store.alerting.alert("m", "drift") == second
    refuses(NotFound, lambda: store.alerting.alert("m", "c"))
    refuses(NotFound, lambda: store.alerting.alert("n", "a"))
    late = store.alerting.unacknowledged("m", opened_by=START + 5 * MINUTE)
    assert late == [second]
    assert store.alerting.unacknowledged("m", opened_by=START + 4 * MINUTE) == []
    store.save_alert(replace(second, acknowledged_at=START + timedelta(hours=1)))
    assert store.alerting.unacknowledged("m", opened_by=START + 5 * MINUTE) == []


def _queue(store: Store, channel: str = "slack", *, minutes: float = 0.0) -> Queue:
    return store.outbox.queue("m", channel, grouped=True, now=START + minutes * MINUTE)


def _delivery(message_id: str, channel: str = "slack") -> Delivery:
    return Delivery(
        message_id=message_id,
        channel=channel,
        model="m",
        severity=AlertSeverity.HIGH,
        at=START,
        outcome="",
    )
