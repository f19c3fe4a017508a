"""Gathering from the store what the reports of a past time say, as it was known then."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from homeostat.account.performance import (
    Coverage,
    PerformanceReport,
    PerformanceRow,
    rows_of,
    with_figures,
)
from homeostat.account.period import AlertLine, DecisionLine, PeriodReport
from homeostat.account.schedule import Period
from homeostat.store import Entry, Kind, Span, Store
from homeostat.verdict import Verdict

__all__ = ["performance_report", "period_report", "walk"]

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
POINTS = 200  #: of one metric over the time of a report, at most
AT_ONCE = 1000  #: entries read in one transaction
MOST_FIGURES = 200_000  #: the newest, in one report
ESTIMATED = "estimate"  #: the question whose figures no label stands behind


def walk(store: Store, kind: Kind, model: str, span: Span) -> Iterator[Entry]:
    """All entries of a span, newest first."""
    page = replace(span, limit=AT_ONCE)
    while True:
        found = store.history.entries(kind, model, page)
        yield from found.entries
        if found.following is None:
            return
        page = replace(page, page=found.following)


def performance_report(
    store: Store, model: str, *, since: datetime, as_of: datetime
) -> PerformanceReport:
    """How good the answers were from `since` on, as it was known at `as_of`.

    The same times give the same report whatever came later: labels, verdicts, corrections.
    """
    span = Span(since=since, until=as_of + TICK, as_of=as_of)
    judged = [
        row
        for one in walk(store, Kind.PERFORMANCE, model, span)
        if one.body["question"] != ESTIMATED
        for row in rows_of(Verdict.from_dict(dict(one.body)), one.at)
    ]
    figures = store.performance.history(model, since=since, until=as_of + TICK, limit=MOST_FIGURES)
    rows = with_figures(judged, figures)
    return PerformanceReport(
        model=model,
        as_of=as_of,
        since=since,
        until=as_of,
        rows=tuple(_thinned(rows, since, as_of)),
        coverage=tuple(_coverage(store, model, since, as_of)),
        notes=tuple(_moved(store, model, since, as_of)),
    )


def period_report(store: Store, model: str, period: Period) -> PeriodReport:
    """What happened in a period, as it was known at its end."""
    since, until = period.since, period.until
    span = Span(since=since, until=until, as_of=until)
    drift = [Verdict.from_dict(dict(one.body)) for one in walk(store, Kind.DRIFT, model, span)]
    labelled, rows = store.label_coverage(model, since=since, until=until, as_of=until)
    before = store.label_coverage(model, since=since - (until - since), until=since, as_of=until)
    alerts = [_alert(one) for one in _alerts(store, model, until)]
    decisions = list(walk(store, Kind.DECISIONS, model, replace(span, since=None)))
    return PeriodReport(
        model=model,
        period=period,
        champion=decisions[0].body["version_after"] if decisions else None,
        rows=rows,
        rows_before=before[1],
        labelled=labelled,
        looks=dict(sorted(Counter(one.outcome.value for one in drift).items())),
        drifted=_drifted(drift),
        errors=_errors(store, model, span),
        opened=tuple(one for one in alerts if one.opened_at >= since),
        resolved=tuple(one for one in alerts if one.resolved_at and one.resolved_at >= since),
        still_open=tuple(one for one in alerts if one.resolved_at is None),
        performance=performance_report(store, model, since=since, as_of=until - TICK).newest,
        decisions=tuple(_decision(one) for one in reversed(decisions) if one.at >= since),
    )


def _thinned(rows: list[PerformanceRow], since: datetime, until: datetime) -> list[PerformanceRow]:
    """Of each metric the newest figure in each of so many parts of the time, oldest first.

    A breach is kept before what came after it in its part.
    """
    part = max((until - since) / POINTS, TICK)
    kept: dict[tuple[object, ...], PerformanceRow] = {}
    for one in rows:
        key = ((one.at - since) // part, one.metric, one.segment, one.version)
        if key not in kept or one.breached or not kept[key].breached:
            kept[key] = one
    newest = {(one.metric, one.segment, one.version): one for one in rows}
    chosen = {id(one) for one in (*kept.values(), *newest.values())}
    return [one for one in rows if id(one) in chosen]


def _coverage(store: Store, model: str, since: datetime, until: datetime) -> Iterator[Coverage]:
    day = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while day < until:
        begin, end = max(day, since), min(day + DAY, until)
        labelled, rows = store.label_coverage(model, since=begin, until=end, as_of=until)
        if rows:
            yield Coverage(since=begin, until=end, labelled=labelled, rows=rows)
        day += DAY


def _moved(store: Store, model: str, since: datetime, until: datetime) -> Iterator[str]:
    """What the counts of rows and labels lack, because it left the store."""
    days = [
        one.day
        for one in store.history.removed(model, "predictions")
        if since.date().isoformat() <= one.day <= until.date().isoformat()
    ]
    if days:
        yield (
            f"The rows of {len(days)} days ({days[0]} to {days[-1]}) were moved to files and are "
            "not counted among the labels below"
        )


def _alerts(store: Store, model: str, until: datetime) -> Iterator[Entry]:
    """All alerts that were opened by then, in the state of that time."""
    return walk(store, Kind.ALERTS, model, Span(until=until, as_of=until - TICK))


def _alert(one: Entry) -> AlertLine:
    ended = one.body["resolved_at"]
    return AlertLine(
        key=one.body["key"],
        reason=one.body["reason"],
        opened_at=one.at,
        resolved_at=datetime.fromisoformat(ended) if ended else None,
    )


def _decision(one: Entry) -> DecisionLine:
    body = one.body
    return DecisionLine(
        at=one.at,
        action=body["action"],
        by=body["decided_by"],
        reason=body["reasons"][0] if body["reasons"] else "no reason",
        version_before=body["version_before"],
        version_after=body["version_after"],
    )


def _drifted(verdicts: list[Verdict]) -> dict[str, int]:
    """Features by the number of looks that saw them drift, most first."""
    seen = Counter(
        name
        for verdict in verdicts
        for name in {one.subject for one in verdict.measurements if one.drifted}
    )
    return dict(sorted(seen.items(), key=lambda pair: (-pair[1], pair[0])))


def _errors(store: Store, model: str, span: Span) -> int:
    return sum(one.body["outcome"] == "ERROR" for one in walk(store, Kind.VERDICTS, model, span))
