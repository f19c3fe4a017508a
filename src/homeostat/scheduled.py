"""Scheduled reports: which is due, what it says, its files, and its place in the store."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from homeostat.account.gather import performance_report, period_report
from homeostat.account.performance import performance_json
from homeostat.account.performance_page import performance_html
from homeostat.account.period import PeriodReport, period_json, period_subject, period_text
from homeostat.account.period_page import period_html
from homeostat.account.schedule import Period, Schedule, due
from homeostat.reports.files import stamped, write_json, write_text
from homeostat.store import Store

__all__ = ["Message", "Reporting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A report as it is sent: to a channel, to a file."""

    id: str  #: the same for the same period, so that it is sent once
    subject: str
    text: str
    html: str
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """Makes the reports of one model.

    Everything is taken from the store as it was known at the end of the time reported on, so
    a report that is made again is the same to the byte.
    """

    store: Store
    model: str
    folder: Path  #: of the reports
    schedule: Schedule | None = None
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    at: time = time(7)
    #: Is handed every report that was due, before it counts as made; once more after a failure.
    told: Callable[[Message], Any] | None = None

    def make_due(self, *, now: datetime) -> Message | None:
        """The report that is due, written to files and then to the store; None when none is.

        Raises
        ------
        Unavailable
            When it cannot be written; it is due again then.
        """
        if self.schedule is None:
            return None
        held = self.store.history.periodic(self.model, self.schedule.value)
        last = datetime.fromisoformat(held["until"]) if held else None
        period = due(self.schedule, now=now, zone=self.zone, at=self.at, last=last)
        if period is None:
            return None
        report = period_report(self.store, self.model, period)
        message = self._write(report)
        if self.told is not None:
            self.told(message)
        body = period_json(report)
        self.store.history.add_periodic(self.model, self.schedule.value, body, now)
        return message

    def make(self, period: Period) -> Message:
        """The report of a period with its files, which take the place of those before."""
        return self._write(period_report(self.store, self.model, period))

    def _write(self, report: PeriodReport) -> Message:
        period = report.period
        kind = period.schedule.value
        name = f"{kind}_report_{stamped(period.until)}"
        place = self.folder / f"{kind}_reports"
        text, html = period_text(report), period_html(report)
        return Message(
            id=f"{self.model}:{kind}:{period.since.isoformat()}",
            subject=period_subject(report),
            text=text,
            html=html,
            files=(
                write_json(place / f"{name}.json", period_json(report)),
                write_text(place / f"{name}.txt", text),
                write_text(place / f"{name}.html", html),
            ),
        )

    def performance(self, *, days: float, as_of: datetime) -> tuple[Path, Path]:
        """The performance report of the last days, as JSON and HTML files."""
        report = performance_report(
            self.store, self.model, since=as_of - timedelta(days=days), as_of=as_of
        )
        name = f"performance_report_{stamped(as_of)}"
        place = self.folder / "performance_reports"
        return (
            write_json(place / f"{name}.json", performance_json(report)),
            write_text(place / f"{name}.html", performance_html(report)),
        )
