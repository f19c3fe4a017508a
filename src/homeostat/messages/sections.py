"""Sections: what is said of each alert of a message, before it takes a form."""

from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.alert import Alert, AlertSeverity, AlertType, Change
from homeostat.messages.words import clean, count, listed, safe_link
from homeostat.outgoing import Envelope

__all__ = ["MOST_SECTIONS", "Section", "sections", "subject_of"]

MOST_SECTIONS = 10  #: alerts that are told one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What is said of one alert; all text is clean."""

    severity: AlertSeverity
    change: Change | None
    headline: str  #: type and severity, and what happened
    title: str
    pairs: tuple[tuple[str, str], ...] = ()  #: a label and what stands behind it
    facts: tuple[str, ...] = ()
    link: str | None = None  #: the runbook
    footer: str = ""


def sections(parts: Sequence[Envelope]) -> list[Section]:
    """One for each alert, in its newest state, the most urgent first."""
    newest: dict[str, tuple[Envelope, list[Change]]] = {}
    for one in parts:
        if one.alert is not None and one.change is not None:
            _, before = newest.get(one.alert.id, (one, []))
            newest[one.alert.id] = (one, [*before, one.change])
    made = [
        _section(one.alert, changes, one.fallback_for)
        for one, changes in newest.values()
        if one.alert is not None
    ]
    return sorted(made, key=lambda one: (one.change is Change.RESOLVED, -one.severity))


def subject_of(told: Sequence[Section], model: str) -> str:
    """The one line that stands for the message."""
    name = clean(model, 64)
    if len(told) == 1:
        return f"[{name}] {told[0].headline}: {told[0].title}"[:200]
    worst = max(told, key=lambda one: one.severity)
    over = sum(one.change is Change.RESOLVED for one in told)
    state = f"{over} of them over, " if over else ""
    return f"[{name}] {count(len(told), 'alert')}, {state}worst {worst.severity.name}"


def _section(alert: Alert, changes: Sequence[Change], fallback_for: str | None) -> Section:
    finding = alert.finding
    change = changes[-1]
    happened = ", then ".join(dict.fromkeys(one.value for one in changes))
    if fallback_for:
        happened += f"; the channel {clean(fallback_for, 64)} could not be told"
    return Section(
        severity=alert.severity,
        change=change,
        headline=f"{finding.kind.value} - {alert.severity.name} Severity, {happened}",
        title=clean(finding.title, 200),
        pairs=tuple((label, said) for label, said in _pairs(alert, change) if said),
        facts=() if change is Change.RESOLVED else tuple(clean(one, 200) for one in finding.facts),
        link=safe_link(finding.runbook),
        footer=f"{clean(alert.model, 64)}: {clean(alert.key, 80)} {alert.id}",
    )


def _pairs(alert: Alert, change: Change) -> list[tuple[str, str]]:
    finding = alert.finding
    since = f"{alert.opened_at:%Y-%m-%d %H:%M} UTC"
    if change is Change.RESOLVED and alert.resolved_at is not None:
        lasted = alert.resolved_at - alert.opened_at
        over = (
            f"{since} to {alert.resolved_at:%Y-%m-%d %H:%M} UTC ({_span(lasted.total_seconds())})"
        )
        return [("Lasted", over), ("Last seen", clean(alert.reason, 700))]
    seen = f"{since}, {count(alert.times_seen, 'look')}"
    if alert.flaps:
        seen += f", came back {count(alert.flaps, 'time')}"
    by = alert.acknowledged_by
    of_rows = finding.kind in {AlertType.DATA_DRIFT, AlertType.DATA_QUALITY}
    about = "Top features" if of_rows else "Concerns"
    return [
        ("Seen and asked", clean(alert.reason, 1_000)),
        (about, listed(finding.features)),
        ("Over", _over(alert)),
        ("Since", seen),
        ("Taken up by", clean(by, 80) if by else ""),
        ("What to do", clean(finding.advice, 500)),
    ]


def _over(alert: Alert) -> str:
    rows, window = alert.finding.rows, alert.finding.window
    said = [count(rows, "row")] if rows else []
    if window is not None:
        said.append(f"{window[0]:%Y-%m-%d %H:%M} to {window[1]:%Y-%m-%d %H:%M} UTC")
    return ", ".join(said)


def _span(seconds: float) -> str:
    """A length of time in words.

    Examples
    --------
    >>> _span(90), _span(7300), _span(200_000)
    ('1 min', '2 h 1 min', '2 d 7 h')
    """
    minutes = int(seconds // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
