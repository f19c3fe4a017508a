"""The report of a day or a week: what happened, how good it was, what to do; as plain data."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from homeostat.account.performance import PerformanceRow, interval, title_of
from homeostat.account.schedule import Period
from homeostat.reports import strict

__all__ = [
    "AlertLine",
    "DecisionLine",
    "PeriodReport",
    "period_json",
    "period_subject",
    "period_text",
    "what_to_do",
]

FEW_LABELS = 0.05  #: share of labelled rows under which quality hangs by a thread


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """One alert of the period."""

    key: str
    reason: str
    opened_at: datetime
    resolved_at: datetime | None = None  #: None while it is open


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionLine:
    """One decision of the period."""

    at: datetime
    action: str
    by: str
    reason: str
    version_before: int | None = None
    version_after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodReport:
    """What happened in a period, as it was known at its end."""

    model: str
    period: Period
    champion: int | None  #: version in service at the end, as far as decisions tell
    rows: int
    rows_before: int  #: in the period before
    labelled: int  #: of the rows
    looks: Mapping[str, int]  #: verdicts on drift by outcome
    drifted: Mapping[str, int]  #: features by the number of looks that saw them drift
    errors: int  #: verdicts on other questions that could not be given
    opened: tuple[AlertLine, ...]
    resolved: tuple[AlertLine, ...]
    still_open: tuple[AlertLine, ...]
    performance: tuple[PerformanceRow, ...]
    decisions: tuple[DecisionLine, ...]


def what_to_do(report: PeriodReport) -> tuple[str, ...]:
    """What a reader should do now, most urgent first; one line that says so when nothing."""
    return tuple(_advice(report)) or ("Nothing.",)


def period_subject(report: PeriodReport) -> str:
    """The report in one line."""
    kind = report.period.schedule.value
    n = len(report.still_open)
    state = f"{n} open {'alert' if n == 1 else 'alerts'}" if n else "no open alert"
    day = report.period.since
    return f"{report.model}: {kind} report from {day:%Y-%m-%d}, {report.rows:,} rows, {state}"


def period_json(report: PeriodReport) -> dict[str, Any]:
    """The report as strict JSON; times as ISO 8601 in UTC."""
    plain = asdict(report)
    period = plain.pop("period")
    looks, drifted = dict(report.looks), dict(report.drifted)
    told: dict[str, Any] = strict(
        {
            "schema_version": 1,
            "schedule": report.period.schedule.value,
            "since": period["since"],
            "until": period["until"],
            **plain,
            "looks": looks,
            "drifted": drifted,
            "what_to_do": list(what_to_do(report)),
            "subject": period_subject(report),
        }
    )
    return told


def period_text(report: PeriodReport) -> str:
    """The report for a mail without HTML, or a terminal."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: PeriodReport) -> Iterator[str]:
    period = report.period
    yield period_subject(report)
    yield f"{period.since:%Y-%m-%d %H:%M} to {period.until:%Y-%m-%d %H:%M} UTC"
    yield ""
    yield "What to do"
    yield from (f"- {one}" for one in what_to_do(report))
    yield ""
    yield f"Version in service  {report.champion or 'none'}"
    yield f"Rows                {report.rows:,} ({report.rows_before:,} in the period before)"
    yield f"Labelled            {report.labelled:,} of them"
    told = ", ".join(f"{n} {name}" for name, n in report.looks.items()) or "none"
    yield f"Looks at drift      {told}"
    if report.drifted:
        most = ", ".join(f"{name} ({n})" for name, n in list(report.drifted.items())[:5])
        yield f"Drifted, looks      {most}"
    yield ""
    yield "Quality"
    if not report.performance:
        yield "- not measured in this period"
    for one in report.performance:
        limit = f", {one.asked:.3g} asked" if one.asked is not None else ""
        breach = ", BREACHED" if one.breached else ""
        yield f"- {title_of(one.metric)} {interval(one)} on {one.n:,} rows{limit}{breach}"
    yield ""
    yield f"Alerts: {len(report.opened)} opened, {len(report.resolved)} resolved"
    for alert in report.still_open:
        yield f"- open since {alert.opened_at:%Y-%m-%d %H:%M} UTC: {alert.key}: {alert.reason}"
    yield ""
    yield f"Decisions: {len(report.decisions)}"
    for decision in report.decisions:
        champion = f"{decision.version_before or 'none'} > {decision.version_after or 'none'}"
        yield (
            f"- {decision.at:%Y-%m-%d %H:%M} {decision.action}, champion {champion}, "
            f"by {decision.by}: {decision.reason}"
        )


def _advice(report: PeriodReport) -> Iterator[str]:
    for alert in report.still_open:
        yield f"Look at the alert {alert.key}, open since {alert.opened_at:%Y-%m-%d %H:%M} UTC"
    if report.errors:
        yield (f"{report.errors} questions could not be answered; see `homeostat history verdicts`")
    breached = [title_of(one.metric) for one in report.performance if one.breached]
    if breached and not report.still_open:
        yield f"{', '.join(breached)} stands beyond its limit; see the performance report"
    if not report.rows:
        yield "No row was received: see whether the service is still asked"
    elif not sum(report.looks.values()):
        yield "Nothing was looked at: start `homeostat loop run` or `homeostat monitor run`"
    elif not report.labelled:
        yield "None of the rows has a label so far; quality is that of older rows"
    elif report.labelled < FEW_LABELS * report.rows:
        part = report.labelled / report.rows
        yield f"Only {part:.1%} of the rows have a label so far; quality is judged on these alone"
