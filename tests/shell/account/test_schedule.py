"""Which report is due."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from homeostat.account.schedule import Period, Schedule, due

BERLIN = ZoneInfo("Europe/Berlin")


def asked(now: str, schedule: Schedule = Schedule.DAILY, last: str | None = None) -> Period | None:
    return due(
        schedule,
        now=datetime.fromisoformat(now).astimezone(UTC),
        zone=BERLIN,
        at=time(7),
        last=datetime.fromisoformat(last) if last else None,
    )


@pytest.mark.parametrize(
    ("now", "since", "until"),
    [
        pytest.param("2026-01-15T07:00+01:00", "01-13T23", "01-14T23", id="at the hour"),
        pytest.param("2026-01-15T06:59+01:00", "01-12T23", "01-13T23", id="before the hour"),
        pytest.param("2026-07-15T12:00+02:00", "07-13T22", "07-14T22", id="in summer"),
        pytest.param("2026-03-30T08:00+02:00", "03-28T23", "03-29T22", id="23 hours"),
        pytest.param("2026-10-26T08:00+01:00", "10-24T22", "10-25T23", id="25 hours"),
    ],
)
def test_a_day_is_that_of_the_time_zone(now: str, since: str, until: str) -> None:
    found = asked(now)

    assert found is not None
    assert [f"{one:%m-%dT%H}" for one in (found.since, found.until)] == [since, until]


@pytest.mark.parametrize(
    ("now", "since"),
    [
        pytest.param("2026-01-12T07:00+01:00", "2026-01-04T23", id="monday"),
        pytest.param("2026-01-12T06:00+01:00", "2025-12-28T23", id="monday too early"),
        pytest.param("2026-01-18T23:00+01:00", "2026-01-04T23", id="sunday"),
    ],
)
def test_a_week_is_from_monday_to_monday(now: str, since: str) -> None:
    found = asked(now, Schedule.WEEKLY)

    assert found is not None
    assert f"{found.since:%Y-%m-%dT%H}" == since
    assert found.until - found.since == timedelta(days=7)


def test_a_report_is_made_once_and_missed_ones_are_not_piled_up() -> None:
    first = asked("2026-01-15T08:00+01:00")
    assert first is not None

    assert asked("2026-01-15T23:00+01:00", last=first.until.isoformat()) is None
    later = asked("2026-01-20T08:00+01:00", last=first.until.isoformat())
    assert later is not None
    assert f"{later.since:%m-%d}" == "01-18"
