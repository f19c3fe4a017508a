"""Which report is due: the last day or week that is over, where people live."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

__all__ = ["Period", "Schedule", "due"]


class Schedule(StrEnum):
    """How often a report is made."""

    DAILY = "daily"
    WEEKLY = "weekly"  #: from Monday to Monday


@dataclass(frozen=True, slots=True)
class Period:
    """[since, until), UTC; whole days of a time zone, of which one may have 23 or 25 hours."""

    schedule: Schedule
    since: datetime
    until: datetime


def due(
    schedule: Schedule, *, now: datetime, zone: ZoneInfo, at: time, last: datetime | None
) -> Period | None:
    """The newest period that is over and has no report yet; None when there is none.

    Of periods that were missed while nothing ran only the newest is made up for: a pile of
    old reports helps nobody, and the history can be asked.

    Parameters
    ----------
    zone
        Where a day begins at midnight.
    at
        From when on, in that zone, the report of the period before is made.
    last
        The end of the period of the last report; None before the first.

    Examples
    --------
    >>> found = due(
    ...     Schedule.DAILY,
    ...     now=datetime(2026, 3, 30, 6, tzinfo=UTC),
    ...     zone=ZoneInfo("Europe/Berlin"),
    ...     at=time(7),
    ...     last=None,
    ... )
    >>> found.since.isoformat(), found.until.isoformat()  # the clocks went forward
    ('2026-03-28T23:00:00+00:00', '2026-03-29T22:00:00+00:00')
    """
    local = now.astimezone(zone)
    day = local.date() if local.time() >= at else local.date() - timedelta(days=1)
    if schedule is Schedule.WEEKLY:
        day -= timedelta(days=day.weekday())
    length = timedelta(days=7 if schedule is Schedule.WEEKLY else 1)
    since, until = (
        datetime.combine(one, time(), zone).astimezone(UTC) for one in (day - length, day)
    )
    if last is not None and until <= last:
        return None
    return Period(schedule, since, until)
