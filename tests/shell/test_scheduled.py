"""A report of a past time is made again to the byte, whatever came later."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import html5lib
import pytest

from homeostat.account.schedule import Period, Schedule
from homeostat.cli.housekeeping import keep_house
from homeostat.errors import NotFound
from homeostat.past import Past
from homeostat.prediction import Label
from homeostat.scheduled import Reporting
from homeostat.testing.store_samples import sample_alert
from tests.shell.project import CHANGED, DAY, MODEL, START, Town, change_settings


def reporting(town: Town, schedule: Schedule | None = Schedule.DAILY) -> Reporting:
    return Reporting(
        store=town.project.store,
        model=MODEL,
        folder=town.folder / "reports",
        schedule=schedule,
        at=time(0),
    )


def past(town: Town) -> Past:
    return Past(
        store=town.project.store,
        model=MODEL,
        policy=town.project.monitor.policy.drift,
        folder=town.folder / "reports",
    )


def performance(town: Town, as_of: datetime) -> tuple[Path, ...]:
    return reporting(town).performance(days=30, as_of=as_of)


def drift(town: Town, as_of: datetime) -> tuple[Path, ...]:
    return past(town).drift_report(as_of=as_of)


def daily(town: Town, as_of: datetime) -> tuple[Path, ...]:
    return reporting(town).make(Period(Schedule.DAILY, as_of - DAY, as_of)).files


@pytest.mark.parametrize("make", [performance, drift, daily])
def test_what_came_later_changes_no_byte(
    quiet: Town, make: Callable[[Town, datetime], tuple[Path, ...]]
) -> None:
    as_of = quiet.now
    quiet.project.store.save_alert(
        replace(sample_alert("a", key="x"), model=MODEL, updated_at=as_of - DAY)
    )
    before = {path: path.read_bytes() for path in make(quiet, as_of)}
    for path in before:
        path.unlink()

    quiet.live(CHANGED, 30)  # labels, verdicts, alerts and decisions of later times
    store = quiet.project.store
    late = [one.id for one in store.predictions(MODEL, since=START, until=as_of)][:200]
    store.add_labels([Label(prediction_id=one, value=1, received_at=quiet.now) for one in late])
    opened = store.open_alert(MODEL, "x")
    assert opened
    over = replace(opened.finding, reason="over")
    store.save_alert(replace(opened, updated_at=quiet.now, resolved_at=quiet.now, finding=over))

    assert {path: path.read_bytes() for path in make(quiet, as_of)} == before
    assert {path.read_bytes() for path in make(quiet, quiet.now)} != set(before.values())


def test_before_the_first_look_there_is_no_drift_report(quiet: Town) -> None:
    with pytest.raises(NotFound, match="no look at the drift of 'loans' is known up to"):
        past(quiet).drift_report(as_of=START - DAY)


def test_a_daily_report_says_what_happened(quiet: Town) -> None:
    quiet.live(CHANGED, 24)
    period = Period(Schedule.DAILY, quiet.now - DAY, quiet.now)

    message = reporting(quiet).make(period)

    assert message.subject == "loans: daily report from 2026-03-04, 960 rows, 1 open alert"
    assert message.id == "loans:daily:2026-03-04T00:00:00+00:00"
    assert "Rows                960 (960 in the period before)" in message.text
    assert "Look at the alert drift, open since " in message.text
    plain = json.loads(message.files[0].read_text())
    assert plain["looks"]["FAIL"] > 0
    assert "income" in plain["drifted"]
    assert plain["champion"] == 1
    assert [one["key"] for one in plain["still_open"]] == ["drift"]
    html5lib.HTMLParser(strict=True).parse(message.html)
    assert not [bad for bad in ("<svg", "<img", "<style", "<script") if bad in message.html]


def test_a_report_is_made_when_it_is_due_and_once(quiet: Town) -> None:
    reports = reporting(quiet)

    first = reports.make_due(now=quiet.now)
    again = reports.make_due(now=quiet.now + timedelta(hours=23))
    second = reports.make_due(now=quiet.now + DAY)

    assert first is not None
    assert second is not None
    assert (again, first.id == second.id) == (None, False)
    assert all(path.exists() for path in (*first.files, *second.files))
    kept = quiet.project.store.history.periodic(MODEL, "daily")
    assert kept is not None
    assert kept == json.loads(second.files[0].read_text())
    assert reporting(quiet, None).make_due(now=quiet.now + 9 * DAY) is None


def test_a_day_without_anything_says_so(start: Town) -> None:
    message = reporting(start).make(Period(Schedule.DAILY, START, START + DAY))

    assert "No row was received: see whether the service is still asked" in message.text
    assert "- not measured in this period" in message.text


def test_the_house_is_kept_once_a_day(quiet: Town) -> None:
    change_settings(quiet.folder, {"reports": {"schedule": "daily", "hour": 0}})
    old = quiet.folder / "monitoring/reports/drift_reports/drift_report_20250101_000000.html"
    old.parent.mkdir(parents=True, exist_ok=True)
    old.write_text("x")

    first = keep_house(quiet.project, now=quiet.now)
    again = keep_house(quiet.project, now=quiet.now + timedelta(hours=12))

    assert first[1] is not None
    assert (first[1].files, again[1]) == ((old,), None)
    assert len(list((quiet.folder / "reports/performance_reports").iterdir())) == 2
    assert quiet.project.settings.reports.schedule == "never"  # as it was when it was opened
    assert ZoneInfo(quiet.project.settings.reports.timezone).key == "UTC"
    assert datetime.now(UTC) > quiet.now
