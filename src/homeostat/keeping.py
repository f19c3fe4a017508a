"""Keeping: how long each kind of record stays, and what is still needed all the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from homeostat.plan import Phase

__all__ = ["Holding", "KeepPolicy", "Needs", "held_by", "removable"]

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepPolicy:
    """Days that each kind of record stays; None: for ever."""

    predictions_days: float | None = None  #: then they leave for files, with their labels
    verdicts_days: float | None = 365.0
    alerts_days: float | None = 365.0  #: after they were resolved
    reports_days: float | None = 30.0

    @property
    def messages_days(self) -> float | None:
        """As of alerts: what was told of one goes when it does, after it was told."""
        return self.alerts_days

    def days(self, kind: str) -> float | None:
        """Of a kind by its name."""
        asked: float | None = getattr(self, f"{kind}_days")
        return asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What still asks for logged rows."""

    phase: Phase  #: of the deployment; in all but STEADY a version is being judged by rows
    training: timedelta  #: a retraining looks so far back
    labels_due: timedelta  #: a label may come so long after its prediction
    lookback: timedelta  #: length of a window
    trials: tuple[datetime, ...] = ()  #: when those began that run now
    alerts: tuple[datetime, ...] = ()  #: when those were opened that are open
    written: tuple[datetime, ...] = ()  #: when the rows came by which a file tells its end


@dataclass(frozen=True, slots=True)
class Holding:
    """A day that is old enough to go and stays, and what needs it."""

    day: date
    reason: str


def removable(
    days: Sequence[date], kind: str, policy: KeepPolicy, *, now: datetime
) -> tuple[date, ...]:
    """The days, UTC, that are over and older than the policy asks for.

    Examples
    --------
    >>> now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    >>> policy = KeepPolicy(reports_days=7)
    >>> [
    ...     str(one)
    ...     for one in removable([date(2026, 3, 2), date(2026, 3, 3)], "reports", policy, now=now)
    ... ]
    ['2026-03-02']
    """
    asked = policy.days(kind)
    if asked is None:
        return ()
    oldest_kept = now.astimezone(UTC) - timedelta(days=asked)
    return tuple(day for day in days if _end(day) <= oldest_kept)


def held_by(day: date, needs: Needs, *, now: datetime) -> str | None:
    """What still needs the logged rows of a day; None when nothing does.

    A version that is trained, tried or verified is judged by rows whose number nobody knows
    beforehand, so nothing leaves meanwhile.  A trial and an open alert need all rows since
    they began.
    """
    end = _end(day)
    if needs.phase is not Phase.STEADY:
        return f"the model is {needs.phase.value}: a version is being judged by logged rows"
    spans = (
        (needs.training, "a retraining learns from the last {} days"),
        (needs.labels_due, "labels may come {} days late"),
        (needs.lookback, "a window is {} days long"),
    )
    for span, reason in spans:
        if end > now - span:
            return reason.format(f"{span / DAY:g}")
    since = (
        (needs.trials, "a version is tried since {}"),
        (needs.alerts, "an alert is open since {}"),
    )
    for times, reason in since:
        first = min(times, default=None)
        if first is not None and end > first:
            return reason.format(f"{first:%Y-%m-%d %H:%M} UTC")
    if any(end - DAY <= one < end for one in needs.written):
        return "the last rows that were written are of this day"
    return None


def _end(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY
