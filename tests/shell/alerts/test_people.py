"""Silences, who takes an alert up, escalation, and channels that hang."""

import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from homeostat.alerting import By
from homeostat.messages import Message
from homeostat.notifiers import Receipt, Wire
from homeostat.outgoing import Notice
from homeostat.rules import Escalation
from homeostat.silence import Silence
from homeostat.store import open_store
from homeostat.verdict import Outcome, Verdict
from tests.shell.alerts.office import MINUTE, Office, drift, failed
from tests.shell.alerts.receivers import Received, http_receiver

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def keys(received: Received) -> list[str]:
    return [one["changes"][0]["change"] for one in received.taken]


class BlackHole:
    """Takes messages and says nothing until it is let go."""

    groups: ClassVar[bool] = True
    timeout_s = 0.1

    def __init__(self) -> None:
        self.reached, self.let_go = threading.Event(), threading.Event()

    def send(self, message: Message, wire: Wire) -> Receipt:
        self.reached.set()
        self.let_go.wait(30)
        return Receipt()


def test_a_channel_that_hangs_keeps_no_other_waiting(office: Office) -> None:
    hole = BlackHole()
    with http_receiver() as hook:
        office.add("hole", hole, group_wait=timedelta(0))
        office.webhook("hook", hook.url)
        with office.sender.running():
            assert not hook.taken
            office.see(drift())
            begun = time.monotonic()
            assert hole.reached.wait(20)
            while not hook.taken and time.monotonic() - begun < 20:
                hole.reached.wait(0)
                time.sleep(0)
            hole.let_go.set()

    assert keys(hook) == ["opened"]


def test_what_was_silenced_stays_so_over_a_restart_and_is_told_afterwards(
    office: Office, tmp_path: Path
) -> None:
    asked = Silence(
        id="s",
        model="m",
        key="drift",
        owner="ann",
        reason="a move",
        created_at=office.now,
        ends_at=office.now + HOUR,
    )
    with http_receiver() as hook:
        office.webhook("hook", hook.url)
        office.store.alerting.silence(asked)
        office.see(drift(), failed("liveness"))
        with open_store(f"sqlite:///{tmp_path / 'homeostat.db'}") as store:
            office.store = store
            office.see(drift(0.9))
            office.wait(MINUTE)
            silent = [one["changes"][0]["alert"]["key"] for one in hook.taken]
            office.now += HOUR
            office.see(drift(0.9))
            office.wait(MINUTE)

            assert [one.event for one in store.alerting.events("m")] == ["silenced"]
    assert silent == ["liveness"]
    assert [one["changes"][0]["alert"]["key"] for one in hook.taken] == ["liveness", "drift"]


def test_what_nobody_takes_up_is_escalated_once(office: Office) -> None:
    with http_receiver() as hook, http_receiver() as boss:
        office.webhook("hook", hook.url)
        office.webhook("boss", boss.url)
        office.routes = office.routes[:1]
        office.given = {"escalation": Escalation(after=30 * MINUTE, channels=("boss",))}
        office.see(drift())
        for _ in range(7):
            office.alerting.escalate(now=office.now)
            office.wait(10 * MINUTE)

    assert keys(hook) == ["opened"]
    assert keys(boss) == ["overdue"]


def test_who_takes_an_alert_up_is_not_told_again(office: Office) -> None:
    with http_receiver() as hook:
        office.webhook("hook", hook.url)
        office.given = {"escalation": Escalation(after=30 * MINUTE)}
        office.see(drift())
        office.send()
        office.alerting.acknowledge("drift", By(who="ann", at=office.now, reason="I look"))
        for _ in range(8):
            office.now += HOUR
            office.see(drift())
            office.alerting.escalate(now=office.now)
            office.send()
        office.see(drift(0.9))
        office.send()

    assert keys(hook) == ["opened", "acknowledged", "escalated"]
    [event] = office.store.alerting.events("m")
    assert (event.event, event.who, event.reason) == ("acknowledged", "ann", "I look")


def test_an_error_is_an_alert_of_its_own(office: Office) -> None:
    blind = Verdict(question="drift", outcome=Outcome.ERROR, reason="the disk is away")

    assert office.see(drift()) == ["opened drift"]
    assert office.see(blind) == ["opened error:drift"]
    office.now += HOUR
    assert office.see(drift()) == ["resolved error:drift", "updated drift"]


def test_a_notice_arrives_with_its_text(office: Office) -> None:
    with http_receiver() as hook:
        office.webhook("hook", hook.url)
        notice = Notice(
            id="week",
            channel="hook",
            model="m",
            subject="The week",
            text="All is well.",
            created_at=office.now,
        )
        assert office.store.outbox.add(notice)
        assert not office.store.outbox.add(notice)
        assert office.send() == 1

    assert [one["text"] for one in hook.taken] == ["All is well."]
