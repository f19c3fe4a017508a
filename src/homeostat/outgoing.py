"""Outgoing: what waits to be told to a channel, and what of it goes now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo

from homeostat.alert import Alert, AlertSeverity, Change

__all__ = [
    "Attachment",
    "ChannelPolicy",
    "Envelope",
    "Fate",
    "Hours",
    "Notice",
    "Queue",
    "Sent",
    "Trouble",
    "after_trouble",
    "backoff",
    "next_batch",
]

GIVE_UP = timedelta(hours=24)  #: after which what does not get through is a dead letter
REFUSALS = 3  #: after which what is refused is one
FIRST_S, LONGEST_S = 1.0, 300.0  #: between two tries


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a message."""

    name: str
    media_type: str  #: such as "text/html"
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to tell a channel that is no alert: a scheduled report, for instance."""

    id: str  #: the same when it is added again, which then has no effect
    channel: str
    model: str
    subject: str
    text: str
    created_at: datetime  #: UTC
    html: str = ""  #: as it is shown in a mail; made by us, never by somebody else
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One change of an alert, or one notice, for one channel."""

    id: str  #: what a receiver knows a repetition by
    channel: str
    model: str
    created_at: datetime  #: UTC
    due_at: datetime  #: not tried before; UTC
    alert: Alert | None = None  #: as it was after the change
    change: Change | None = None
    notice: Notice | None = None
    message_id: str | None = None  #: of the message that it is a part of, once that was tried
    tries: int = 0
    refusals: int = 0
    fallback_for: str | None = None  #: the channel that could not be told
    trouble: str | None = None  #: of the last try

    @property
    def severity(self) -> AlertSeverity:
        """How urgent it is to tell this; that something is over never is."""
        if self.alert is None or self.change in {Change.RESOLVED, Change.ACKNOWLEDGED}:
            return AlertSeverity.LOW
        return self.alert.severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message that was delivered."""

    severity: AlertSeverity
    at: datetime  #: UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What the store knows of a channel of one model."""

    waiting: Sequence[Envelope] = ()  #: what may be tried now, oldest first
    busy: frozenset[str] = frozenset()  #: alerts of which a message was tried and goes first
    sent: Sequence[Sent] = ()  #: what was delivered in the last hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When people are at work."""

    begin: time = time(9)
    end: time = time(17)
    weekdays: frozenset[int] = frozenset(range(5))  #: Monday is 0
    zone: tzinfo = UTC

    def next_open(self, moment: datetime) -> datetime:
        """`moment` itself when it lies within, else when work begins next.

        Examples
        --------
        >>> Hours().next_open(datetime(2026, 3, 6, 18, tzinfo=UTC)).isoformat()
        '2026-03-09T09:00:00+00:00'
        """
        local = moment.astimezone(self.zone)
        for days in range(9):
            day = local.date() + timedelta(days=days)
            begin = datetime.combine(day, self.begin, self.zone)
            end = datetime.combine(day, self.end, self.zone)
            if day.weekday() in self.weekdays and local < end:
                return max(moment, begin.astimezone(UTC))
        return moment


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPolicy:
    """How often and when a channel is told."""

    name: str
    groups: bool = True  #: whether a message may hold several changes
    group_wait: timedelta = timedelta(seconds=30)  #: what comes within it goes along
    group_interval: timedelta = timedelta(minutes=5)  #: between two messages
    per_hour: int = 20  #: messages; not counted is what is more urgent, or CRITICAL
    digest_at: time | None = None  #: when what is LOW is told, all at once; None: as all else
    hours: Hours | None = None  #: None: at any time
    always: AlertSeverity = AlertSeverity.CRITICAL  #: from which on hours do not matter
    zone: tzinfo = UTC  #: of `digest_at`
    fallback: str | None = None  #: the channel that gets what this one cannot deliver


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a try did not succeed."""

    reason: str
    after_s: float | None = None  #: what the receiver asked for; None: nothing
    refused: bool = False  #: whether it was understood and not wanted
    final: bool = False  #: whether another try is of no use


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of a message that did not get through."""

    due_at: datetime | None  #: UTC; of the next try, None when it is given up
    refusals: int


def backoff(tries: int, jitter: float) -> timedelta:
    """How long to wait after so many tries: 1 s, doubled each time up to 5 min.

    Parameters
    ----------
    tries
        At least 1.
    jitter
        In [0, 1): how much of another half is added.

    Examples
    --------
    >>> [backoff(tries, 0.0).seconds for tries in (1, 2, 5, 20)]
    [1, 2, 16, 300]
    """
    wait = FIRST_S * 2 ** min(tries - 1, 20) * (1 + jitter / 2)
    return timedelta(seconds=min(LONGEST_S, wait))


def after_trouble(
    batch: Sequence[Envelope], trouble: Trouble, *, now: datetime, jitter: float
) -> Fate:
    """When to try again, or that it is of no use.

    What times out, answers 5xx, 408 or 429 is tried for 24 hours; what is refused three times.
    The receiver is never asked before it wants to be.
    """
    tries = max(one.tries for one in batch)
    refusals = max(one.refusals for one in batch) + trouble.refused
    old = now - min(one.created_at for one in batch) >= GIVE_UP
    if trouble.final or refusals >= REFUSALS or (old and not trouble.refused):
        return Fate(due_at=None, refusals=refusals)
    wait = backoff(max(tries, 1), jitter)
    if trouble.after_s is not None:
        wait = max(wait, timedelta(seconds=min(trouble.after_s, GIVE_UP.total_seconds())))
    return Fate(due_at=now + wait, refusals=refusals)


def next_batch(
    queue: Queue, policy: ChannelPolicy, *, now: datetime, hasty: bool = False
) -> tuple[Envelope, ...]:
    """What goes into the next message of the channel; empty when nothing is to be told now.

    Nothing is dropped: what is held back goes later, with what came in between.

    Parameters
    ----------
    hasty
        Whether not to wait for what may come along.
    """
    due = [one for one in queue.waiting if one.due_at <= now]
    tried = [one for one in due if one.message_id is not None]
    if tried:
        return tuple(one for one in tried if one.message_id == tried[0].message_id)
    fresh = [one for one in due if one.alert is None or one.alert.id not in queue.busy]
    for group in _groups(fresh, policy):
        if _released(group, policy, now=now, hasty=hasty) and _allowed(
            group, queue.sent, policy, now=now
        ):
            return group
    return ()


def _groups(fresh: Iterable[Envelope], policy: ChannelPolicy) -> list[tuple[Envelope, ...]]:
    """The messages that could be made, the most urgent first and then the oldest."""
    parts: dict[tuple[str, str], list[Envelope]] = {}
    for one in fresh:
        if one.alert is None:
            parts[("notice", one.id)] = [one]
        elif not policy.groups:
            parts.setdefault(("alert", one.alert.id), [one])
        elif policy.digest_at is not None and one.severity is AlertSeverity.LOW and _opening(one):
            parts.setdefault(("digest", ""), []).append(one)
        else:
            parts.setdefault(("alerts", ""), []).append(one)
    groups = [tuple(one) for one in parts.values()]
    return sorted(groups, key=lambda one: (-_urgency(one), one[0].created_at))


def _opening(one: Envelope) -> bool:
    return one.alert is not None and one.alert.severity is AlertSeverity.LOW


def _urgency(group: Sequence[Envelope]) -> AlertSeverity:
    return max(one.severity for one in group)


def _released(
    group: Sequence[Envelope], policy: ChannelPolicy, *, now: datetime, hasty: bool
) -> bool:
    """Whether the time has come for one of them, which takes the others along."""
    return any(_release(one, policy, hasty=hasty) <= now for one in group)


def _release(one: Envelope, policy: ChannelPolicy, *, hasty: bool) -> datetime:
    at = one.created_at
    urgent = one.severity is AlertSeverity.CRITICAL
    if one.alert is not None and policy.groups and not urgent and not hasty:
        at += policy.group_wait
    if policy.digest_at is not None and policy.groups and _opening(one):
        at = max(at, _next(policy.digest_at, one.created_at, policy.zone))
    if policy.hours is not None and one.severity < policy.always:
        at = policy.hours.next_open(at)
    return at


def _next(at: time, moment: datetime, zone: tzinfo) -> datetime:
    """The first time after `moment` that the clock of that zone shows `at`."""
    local = moment.astimezone(zone)
    today = datetime.combine(local.date(), at, zone)
    later = today if today > local else datetime.combine(local.date() + timedelta(days=1), at, zone)
    return later.astimezone(UTC)


def _allowed(
    group: Sequence[Envelope], sent: Sequence[Sent], policy: ChannelPolicy, *, now: datetime
) -> bool:
    """Whether the last messages leave room; those that were less urgent never stand in the way."""
    urgency = _urgency(group)
    if not policy.groups or group[0].alert is None or urgency is AlertSeverity.CRITICAL:
        return True
    as_urgent = [one for one in sent if one.severity >= urgency]
    lately = sum(now - one.at < timedelta(hours=1) for one in as_urgent)
    just_now = any(now - one.at < policy.group_interval for one in as_urgent)
    return lately < policy.per_hour and not just_now
