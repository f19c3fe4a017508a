"""The performance report as one HTML file that needs nothing else to be read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from homeostat.account.performance import (
    PerformanceReport,
    PerformanceRow,
    interval,
    title_of,
)
from homeostat.account.trend import Point, draw_trend
from homeostat.reports.html import words
from homeostat.reports.html.page import environment

__all__ = ["Trend", "headline", "performance_html"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One metric over time as the page shows it."""

    title: str
    newest: PerformanceRow
    picture: Markup
    changes: int  #: how many figures there are


def performance_html(report: PerformanceReport) -> str:
    """The report as text: what holds now, each metric over time, segments, versions, labels.

    It has no script, loads nothing, fits a phone and follows the reader's light or dark
    colours.  Names and values are escaped wherever they stand.
    """
    worst, said = headline(report)
    return (
        environment()
        .get_template("performance_report.html")
        .render(
            report=report,
            worst=worst,
            headline=said,
            trends=_trends(report),
            title_of=title_of,
            interval=interval,
            covered=_covered(report),
        )
    )


def headline(report: PerformanceReport) -> tuple[str, str]:
    """How the newest figures stand, as a class of the page and in words."""
    judged = [one for one in (*report.newest, *report.segments) if one.breached is not None]
    breached = [one for one in judged if one.breached]
    if not judged:
        return "inconclusive", "How good the answers are cannot be told yet"
    if not breached:
        return "pass", "No limit is breached"
    names = ", ".join(dict.fromkeys(title_of(one.metric) for one in breached))
    return "fail", f"Breached: {names}"


def _trends(report: PerformanceReport) -> list[Trend]:
    trends = []
    for newest in report.newest:
        rows = [
            one
            for one in report.rows
            if (one.metric, one.segment) == (newest.metric, None) and math.isfinite(one.value)
        ]
        if rows:
            trends.append(
                Trend(
                    title=title_of(newest.metric),
                    newest=newest,
                    picture=_picture(rows, newest),
                    changes=len(rows),
                )
            )
    return sorted(trends, key=lambda one: (not one.newest.breached, one.title))


def _picture(rows: Sequence[PerformanceRow], newest: PerformanceRow) -> Markup:
    points = [
        Point(
            at=one.at,
            value=one.value,
            lower=one.lower,
            upper=one.upper,
            breached=bool(one.breached),
        )
        for one in rows
    ]
    text = (
        f"{title_of(newest.metric)} from {words.number(points[0].value)} to "
        f"{words.number(points[-1].value)} over {len(points)} looks."
    )
    return draw_trend(points, asked=newest.asked, text=text)


def _covered(report: PerformanceReport) -> tuple[int, int]:
    """Labelled rows and all, of the whole time."""
    return (
        sum(one.labelled for one in report.coverage),
        sum(one.rows for one in report.coverage),
    )
