"""Sending: what waits in the outbox goes out, each channel by itself, until it arrived."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from homeostat.alert import Answer
from homeostat.alerting import Alerting
from homeostat.errors import HomeostatError
from homeostat.findings import finding_of
from homeostat.messages import Message, render, test_message
from homeostat.notifiers import Notifier, Receipt, Refused, Retry, Wire
from homeostat.outgoing import ChannelPolicy, Envelope, Trouble, after_trouble, next_batch
from homeostat.store import Delivery, Store
from homeostat.verdict import Outcome, Verdict

__all__ = ["Channel", "Sender", "Tried"]

log = structlog.get_logger()

POLL_S = 0.25  #: between two looks into the outbox
PATIENCE = 5  #: failed tries in a row after which a channel is left alone until the next look
KEEP_S = 10.0  #: between two looks whether somebody took an alert up


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One place where people, or programs, are told."""

    policy: ChannelPolicy
    notifier: Notifier

    @property
    def name(self) -> str:
        """As it is called in the settings."""
        return self.policy.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a try."""

    receipt: Receipt | None = None
    trouble: Trouble | None = None  #: why there is no receipt


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Delivers what is to be told about one model.

    Every message goes out at least once.  It is written down before it is sent under which
    id, and after it was sent that it was; whoever is killed between the two sends it again
    under the same id.
    """

    store: Store
    alerting: Alerting
    channels: tuple[Channel, ...]
    wire: Wire
    jitter: Callable[[], float]  #: in [0, 1)
    new_id: Callable[[], str]
    holder: str  #: of the leases, which keep two senders from sending the same

    @property
    def model(self) -> str:
        """About which it tells."""
        return self.alerting.model

    def drain(self, channel: Channel, *, hasty: bool = False, stop: threading.Event) -> int:
        """How many messages were delivered, until nothing is to be told now or `stop` is set.

        Parameters
        ----------
        hasty
            Whether not to wait for what may come along.
        """
        delivered = in_a_row = 0
        while not stop.is_set() and in_a_row < PATIENCE:
            tried = self.step(channel, hasty=hasty)
            if tried is None:
                break
            delivered += tried.receipt is not None
            in_a_row = 0 if tried.trouble is None else in_a_row + 1
        return delivered

    def step(self, channel: Channel, *, hasty: bool = False) -> Tried | None:
        """What came of the next message of the channel; None when nothing is to be told now."""
        now = self.wire.now()
        grouped = channel.notifier.groups
        queue = self.store.outbox.queue(self.model, channel.name, grouped=grouped, now=now)
        batch = next_batch(queue, channel.policy, now=now, hasty=hasty)
        if not batch or not self._leased(channel, now):
            return None
        message_id = batch[0].message_id or batch[0].id
        claimed = self.store.outbox.claim(batch, message_id)
        if not claimed:
            return None
        tried = self._try(channel, claimed, message_id)
        self._write_down(channel, claimed, tried)
        return tried

    def test(self, channel: Channel) -> Tried:
        """What comes of a message that says that the channel works; not by the outbox."""
        message = test_message(channel.name, self.model, self.new_id(), now=self.wire.now())
        tried = self._sent(channel, message)
        if tried.receipt is not None:
            self._working(channel)
        return tried

    def drain_all(self, *, limit_s: float) -> int:
        """How many messages were delivered, of what is due now; by all channels side by side."""
        stop = threading.Event()
        counts: list[int] = []

        def work(channel: Channel) -> None:
            counts.append(self._guarded(channel, stop=stop, hasty=True))

        threads = self._started(work)
        deadline = time.monotonic() + limit_s
        for one in threads:
            one.join(max(0.0, deadline - time.monotonic()))
        stop.set()
        return sum(counts)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Every channel is told as long as the block lasts, each by a thread of its own."""
        stop = threading.Event()

        def work(channel: Channel) -> None:
            while not stop.is_set():
                self._guarded(channel, stop=stop)
                stop.wait(POLL_S)

        def keep() -> None:
            while not stop.wait(KEEP_S):
                self._escalated()

        threads = self._started(work)
        keeper = threading.Thread(target=keep, name="escalation", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            stop.set()
            for one in (*threads, keeper):
                one.join(max(2.0, 4 * max(self._timeouts(), default=0.0)))
            for channel in self.channels:
                self._released(channel)

    def _started(self, work: Callable[[Channel], None]) -> list[threading.Thread]:
        self._abandoned()
        threads = [
            threading.Thread(target=work, args=(one,), name=f"channel {one.name}", daemon=True)
            for one in self.channels
        ]
        for one in threads:
            one.start()
        return threads

    def _timeouts(self) -> list[float]:
        return [one.notifier.timeout_s for one in self.channels]

    def _guarded(self, channel: Channel, *, stop: threading.Event, hasty: bool = False) -> int:
        """`drain`, after which the next look is made whatever went wrong in this one."""
        try:
            return self.drain(channel, hasty=hasty, stop=stop)
        except HomeostatError:
            log.exception("nothing could be sent", model=self.model, channel=channel.name)
        except Exception:  # the outermost edge of this channel's thread
            log.exception("sending failed", model=self.model, channel=channel.name)
        return 0

    def _abandoned(self) -> None:
        """Wait no longer to tell channels that are gone from the settings."""
        known = [one.name for one in self.channels]
        try:
            lost = self.store.outbox.abandon(self.model, known, now=self.wire.now())
        except HomeostatError:
            log.exception("what waits for channels that are gone stays", model=self.model)
            return
        for channel, count in lost.items():
            log.warning("messages to a channel that is gone", channel=channel, given_up=count)

    def _escalated(self) -> None:
        try:
            self.alerting.escalate(now=self.wire.now())
        except HomeostatError:
            log.exception("nobody could be told that an alert waits", model=self.model)

    def _leased(self, channel: Channel, now: datetime) -> bool:
        """Whether this sender is the one that tells this channel now."""
        ttl_s = 4 * channel.notifier.timeout_s + 1
        name = self._lease(channel)
        return self.store.lease(name, self.holder, now=now, ttl_s=ttl_s) is not None

    def _lease(self, channel: Channel) -> str:
        return f"send:{self.model}:{channel.name}"

    def _released(self, channel: Channel) -> None:
        try:
            self.store.release(self._lease(channel), self.holder)
        except HomeostatError:
            log.exception("a lease could not be given back", channel=channel.name)

    def _try(self, channel: Channel, batch: Sequence[Envelope], message_id: str) -> Tried:
        alerts = {one.alert.id for one in batch if one.alert}
        thread = None
        if len(alerts) == 1:
            thread = self.store.outbox.thread(channel.name, *alerts)
        message = render(batch, message_id, now=self.wire.now(), thread=thread)
        return self._sent(channel, message)

    def _sent(self, channel: Channel, message: Message) -> Tried:
        try:
            return Tried(receipt=channel.notifier.send(message, self.wire))
        except Retry as error:
            return Tried(trouble=Trouble(reason=str(error), after_s=error.after_s))
        except Refused as error:
            trouble = Trouble(reason=str(error), refused=True, final=error.final)
            return Tried(trouble=trouble)
        except Exception as error:  # a notifier may be anybody's, and one is not to stop the rest
            log.exception("a notifier failed", channel=channel.name)
            reason = f"{type(error).__name__}: {error}"
            return Tried(trouble=Trouble(reason=reason, refused=True))

    def _write_down(self, channel: Channel, batch: Sequence[Envelope], tried: Tried) -> None:
        now = self.wire.now()
        first, trouble = batch[0], tried.trouble
        delivery = Delivery(
            message_id=first.message_id or first.id,
            channel=channel.name,
            model=self.model,
            severity=max(one.severity for one in batch),
            at=now,
            outcome="",
            detail=trouble.reason if trouble else "",
            receipt=tried.receipt.thread if tried.receipt else None,
        )
        if trouble is None:
            self.store.outbox.delivered(delivery)
            self._working(channel)
            return
        fate = after_trouble(batch, trouble, now=now, jitter=self.jitter())
        log.warning(
            "a message was not delivered",
            channel=channel.name,
            message=delivery.message_id,
            reason=trouble.reason,
            again_at=fate.due_at.isoformat() if fate.due_at else None,
        )
        if fate.due_at is not None:
            self.store.outbox.postpone(delivery, due_at=fate.due_at, refusals=fate.refusals)
            return
        self.store.outbox.give_up(delivery, list(_instead(batch, channel.policy.fallback, now)))
        self._broken(channel, len(batch), trouble.reason)

    def _broken(self, channel: Channel, lost: int, reason: str) -> None:
        """Tell the others that this one cannot be told."""
        question = _question(channel)
        said = f"{lost} messages to the channel {channel.name!r} are given up: {reason}"
        verdict = Verdict(question=question, outcome=Outcome.FAIL, reason=said)
        others = tuple(one.name for one in self.channels if one is not channel)
        finding = finding_of(verdict, self.alerting.rules.drift, None)
        finding = replace(finding, channels=others, title=f"{finding.title}: {channel.name}")
        answer = Answer(key=question, outcome=Outcome.FAIL, finding=finding)
        self.alerting.record([answer], now=self.wire.now())

    def _working(self, channel: Channel) -> None:
        """Resolve the alert that this channel cannot be told, if there is one."""
        key = _question(channel)
        if self.store.open_alert(self.model, key) is not None:
            self.alerting.record([Answer(key=key, outcome=Outcome.PASS)], now=self.wire.now())


def _question(channel: Channel) -> str:
    return f"channel:{channel.name}"


def _instead(batch: Sequence[Envelope], fallback: str | None, now: datetime) -> Iterator[Envelope]:
    """The same for another channel; what came by a fallback already goes no further."""
    for one in batch:
        if fallback is not None and one.fallback_for is None:
            yield replace(
                one,
                id=f"{one.id}>{fallback}",
                channel=fallback,
                created_at=now,
                due_at=now,
                message_id=None,
                tries=0,
                refusals=0,
                fallback_for=one.channel,
                trouble=None,
            )
