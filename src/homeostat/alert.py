"""Alert: one thing that is wrong, from when it opens until it is resolved."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any

from homeostat.verdict import Outcome

__all__ = [
    "Alert",
    "AlertSeverity",
    "AlertType",
    "Answer",
    "Change",
    "Damping",
    "Finding",
    "Occasion",
    "overdue",
    "update",
]


class AlertType(StrEnum):
    """What kind of thing is wrong."""

    DATA_DRIFT = "DATA_DRIFT"  #: other rows than those of the reference
    MODEL_DEGRADATION = "MODEL_DEGRADATION"  #: the model answers worse than it did
    THRESHOLD_BREACH = "THRESHOLD_BREACH"  #: a metric is beyond a limit that was set for it
    DATA_QUALITY = "DATA_QUALITY"  #: a feed is broken
    SYSTEM_ERROR = "SYSTEM_ERROR"  #: could not look, or something that was kept is gone
    INFRASTRUCTURE = "INFRASTRUCTURE"  #: what should look or tell does not


class AlertSeverity(IntEnum):
    """How urgent it is."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class Change(StrEnum):
    """What happened to an alert."""

    OPENED = "opened"
    UPDATED = "updated"  #: seen again
    ESCALATED = "escalated"  #: worse than it was ever seen
    OVERDUE = "overdue"  #: nobody took it up in time
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, as it is told to people."""

    key: str  #: the alert that it belongs to, such as "drift"
    kind: AlertType
    severity: AlertSeverity
    title: str
    reason: str  #: the number seen and the number asked
    cause: str = ""  #: what the diagnosis says
    facts: tuple[str, ...] = ()  #: one line for each number, the worst first
    features: tuple[str, ...] = ()  #: all that it is about, the worst first
    rows: int | None = None  #: over how many; None where rows play no part
    window: tuple[datetime, datetime] | None = None  #: [since, until), UTC
    advice: str = ""  #: what to do
    runbook: str | None = None  #: an address with more about what to do
    channels: tuple[str, ...] | None = None  #: the only ones that are told; None: as routed
    silenceable: bool = True  #: False for what tells that nobody looks or nobody is told

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain data that JSON can hold."""
        return {
            "key": self.key,
            "type": self.kind.value,
            "severity": self.severity.name,
            "title": self.title,
            "reason": self.reason,
            "cause": self.cause,
            "facts": list(self.facts),
            "features": list(self.features),
            "rows": self.rows,
            "window": [one.isoformat() for one in self.window] if self.window else None,
            "advice": self.advice,
            "runbook": self.runbook,
            "channels": None if self.channels is None else list(self.channels),
            "silenceable": self.silenceable,
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Finding":
        """The finding that `to_dict` wrote."""
        known = {**plain}
        window, channels = known.pop("window"), known.pop("channels")
        return cls(
            kind=AlertType(known.pop("type")),
            severity=AlertSeverity[known.pop("severity")],
            facts=tuple(known.pop("facts")),
            features=tuple(known.pop("features")),
            window=(datetime.fromisoformat(window[0]), datetime.fromisoformat(window[1]))
            if window
            else None,
            channels=None if channels is None else tuple(channels),
            **known,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One open or resolved alert.  There is at most one open for a model and key."""

    id: str
    model: str
    finding: Finding  #: the newest
    severity: AlertSeverity  #: the highest that was seen while it is open
    opened_at: datetime  #: UTC
    updated_at: datetime  #: when it was last seen, or resolved; UTC
    resolved_at: datetime | None = None  #: UTC; None while it is open
    times_seen: int = 1  #: looks that found it
    flaps: int = 0  #: times in a row that it opened anew soon after it was resolved
    acknowledged_at: datetime | None = None  #: UTC
    acknowledged_by: str | None = None
    overdue_at: datetime | None = None  #: UTC; when it was told that nobody took it up

    @property
    def key(self) -> str:
        """What it is about, such as "drift"."""
        return self.finding.key

    @property
    def reason(self) -> str:
        """The cause, and what was seen and asked, by the newest finding."""
        cause, reason = self.finding.cause, self.finding.reason
        return f"{cause}: {reason}" if cause else reason

    def to_dict(self) -> dict[str, Any]:
        """The alert as plain data that JSON can hold; what `Finding.to_dict` gives, and more."""
        return {
            **self.finding.to_dict(),
            "id": self.id,
            "model": self.model,
            "severity": self.severity.name,
            "newest_severity": self.finding.severity.name,
            "opened_at": self.opened_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            "resolved_at": _text(self.resolved_at),
            "times_seen": self.times_seen,
            "flaps": self.flaps,
            "acknowledged_at": _text(self.acknowledged_at),
            "acknowledged_by": self.acknowledged_by,
            "overdue_at": _text(self.overdue_at),
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Alert":
        """The alert that `to_dict` wrote."""
        known = {**plain}
        own: dict[str, Any] = {name: known.pop(name) for name in _OWN}
        times: dict[str, Any] = {name: _time(known.pop(name)) for name in _TIMES}
        return cls(
            severity=AlertSeverity[known.pop("severity")],
            finding=Finding.from_dict({"severity": known.pop("newest_severity"), **known}),
            **own,
            **times,
        )


_OWN = ("id", "model", "times_seen", "flaps", "acknowledged_by")
_TIMES = ("opened_at", "updated_at", "resolved_at", "acknowledged_at", "overdue_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a look says about one thing."""

    key: str
    outcome: Outcome  #: FAIL: it is wrong; PASS: it is not; else it is not known
    finding: Finding | None = None  #: with FAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """For whom and when something is looked at."""

    model: str
    now: datetime  #: UTC
    new_id: str  #: of the alert, should one open


@dataclass(frozen=True, slots=True, kw_only=True)
class Damping:
    """How long it must be quiet before an alert is resolved, so that none flaps."""

    quiet: timedelta = timedelta(minutes=5)  #: the first time; doubled each time it comes back
    longest: timedelta = timedelta(hours=1)
    memory: timedelta = timedelta(hours=1)  #: opened again within so long, it has come back

    def settled(self, alert: Alert) -> timedelta:
        """How long this one must be quiet: twice as long for each time it came back."""
        times: int = 2 ** min(alert.flaps, 10)
        return min(self.longest, self.quiet * times)


def update(
    held: Alert | None, answer: Answer, occasion: Occasion, damping: Damping
) -> tuple[Alert | None, Change]:
    """What an answer makes of the newest alert of its key, if there ever was one.

    FAIL opens one or adds to it, and PASS resolves it once it was quiet for long enough.
    INCONCLUSIVE and ERROR leave everything as it is: not knowing is no all-clear.
    """
    now = occasion.now
    is_open = held is not None and held.resolved_at is None
    if answer.outcome is Outcome.FAIL and answer.finding is not None:
        if held is None or not is_open:
            return _opened(held, answer.finding, occasion, damping), Change.OPENED
        return _seen_again(held, answer.finding, now)
    if answer.outcome is Outcome.PASS and held is not None and is_open:
        if now - held.updated_at < damping.settled(held):
            return held, Change.NONE
        return replace(held, updated_at=now, resolved_at=now), Change.RESOLVED
    return held, Change.NONE


def overdue(alert: Alert, after: timedelta, *, least: AlertSeverity, now: datetime) -> bool:
    """Whether nobody took the alert up within `after`, and it was not told so far."""
    waiting = alert.resolved_at is None and alert.acknowledged_at is None
    told = alert.overdue_at is not None
    return waiting and not told and alert.severity >= least and now - alert.opened_at >= after


def _opened(before: Alert | None, finding: Finding, occasion: Occasion, damping: Damping) -> Alert:
    ended = before.resolved_at if before else None
    back = ended is not None and occasion.now - ended < damping.memory
    return Alert(
        id=occasion.new_id,
        model=occasion.model,
        finding=finding,
        severity=finding.severity,
        opened_at=occasion.now,
        updated_at=occasion.now,
        flaps=before.flaps + 1 if before and back else 0,
    )


def _seen_again(held: Alert, finding: Finding, now: datetime) -> tuple[Alert, Change]:
    worse = finding.severity > held.severity
    seen = replace(
        held,
        finding=finding,
        severity=max(finding.severity, held.severity),
        updated_at=max(now, held.updated_at),
        times_seen=held.times_seen + 1,
    )
    if worse:  # who took it up took up something less urgent
        again = replace(seen, acknowledged_at=None, acknowledged_by=None, overdue_at=None)
        return again, Change.ESCALATED
    return seen, Change.UPDATED


def _text(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
