"""What looks, loops and schedules find out reaches those who are to be told."""

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from homeostat.alert import AlertSeverity
from homeostat.cli.clock import system_clock
from homeostat.cli.housekeeping import keep_house
from homeostat.cli.project import open_project
from homeostat.cli.serve import build_services
from homeostat.cli.watching import vigil_over
from homeostat.errors import Unavailable
from tests.shell.project import MODEL, Town, change_settings

LONG_AGO = timedelta(hours=2)


def stopped_monitor(town: Town) -> None:
    """One that promised a look every minute, and was last seen two hours ago."""
    heart, then = town.project.store.heart, system_clock() - LONG_AGO
    heart.promised(MODEL, "monitor", every_s=60.0, at=then)
    heart.succeeded(MODEL, "monitor", at=then)
    heart.seen(MODEL, "monitor", at=then)


def test_whoever_looks_tells_of_a_loop_that_is_dead_and_once_it_is_back_of_that(
    start: Town,
) -> None:
    store = start.project.store
    stopped_monitor(start)
    vigil = vigil_over(start.project)

    vigil.look(now=system_clock())
    opened = store.open_alert(MODEL, "liveness")
    vigil.look(now=system_clock())
    again = store.open_alert(MODEL, "liveness")
    later = system_clock() + LONG_AGO
    store.heart.succeeded(MODEL, "monitor", at=later)
    store.heart.seen(MODEL, "monitor", at=later)
    verdict = vigil.look(now=later)
    start.project.alerting.consider([verdict], now=later)

    assert opened is not None
    assert again is not None
    assert opened.severity is AlertSeverity.CRITICAL
    assert "monitor" in opened.reason
    assert (again.id, again.times_seen) == (opened.id, 2)
    assert store.open_alert(MODEL, "liveness") is None


def test_what_is_wrong_is_logged_and_kept_though_nobody_can_be_told(start: Town) -> None:
    def refuse(_: object) -> None:
        raise Unavailable("the store is locked")

    stopped_monitor(start)
    vigil = replace(vigil_over(start.project), told=refuse)

    with capture_logs() as logs, pytest.raises(Unavailable):
        vigil.look(now=system_clock())

    assert "not all loops are alive" in [one["event"] for one in logs]
    assert len(start.project.store.verdicts(MODEL, "liveness", limit=9)) == 1


def test_the_service_tells_of_a_monitor_that_is_dead(start: Town) -> None:
    project = start.project
    stopped_monitor(start)
    services = build_services(project.settings, project.store, system_clock)

    services.default.pulse.tick()

    told = project.store.open_alert(MODEL, "liveness")
    assert told is not None
    assert "monitor" in told.reason


def test_a_report_that_is_due_waits_for_its_channels_once(quiet: Town) -> None:
    change_settings(
        quiet.folder,
        {
            "alerts": {"channels": {"screen": {"kind": "console"}, "other": {"kind": "console"}}},
            "reports": {"schedule": "daily", "hour": 0, "send_to": ["screen"]},
        },
    )
    with open_project(quiet.folder / "homeostat.yaml") as project:
        for _ in range(2):
            keep_house(project, now=quiet.now)
        now = system_clock()
        waiting = {
            name: project.store.outbox.queue(MODEL, name, grouped=True, now=now).waiting
            for name in ("screen", "other")
        }

    [envelope] = waiting["screen"]
    notice = envelope.notice
    assert waiting["other"] == ()
    assert notice is not None
    assert MODEL in notice.subject
    assert notice.html.startswith("<!doctype html>") or "<html" in notice.html
    assert [one.media_type for one in notice.attachments] == ["text/html"]
