"""The performance report: how good the answers were, as far as labels tell, in plain data."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar

from homeostat.reports import strict, utc
from homeostat.store import Figure
from homeostat.verdict import Verdict

__all__ = [
    "Coverage",
    "PerformanceReport",
    "PerformanceRow",
    "interval",
    "performance_json",
    "rows_of",
    "title_of",
    "with_figures",
]

#: Metrics by the names that the verdicts on quality give to what they measure.
_NAMES: Mapping[str, str] = {"brier_excess": "brier", "positives_excess": "positive_share"}


#: What people call them.
TITLES: Mapping[str, str] = {
    "accuracy": "Accuracy",
    "auc": "ROC AUC",
    "brier": "Brier score",
    "ece": "Calibration error",
    "f1": "F1",
    "log_loss": "Log loss",
    "mae": "Mean absolute error",
    "n": "Rows",
    "positive_share": "Positive labels",
    "pr_auc": "PR AUC",
    "precision": "Precision",
    "r2": "R²",
    "recall": "Recall",
    "rmse": "Root mean squared error",
    "roc_auc": "ROC AUC",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceRow:
    """One metric of one cohort, as it was known at a time."""

    at: datetime  #: UTC, when it was measured
    metric: str
    value: float
    lower: float | None = None  #: of the interval; None when it has none
    upper: float | None = None
    confidence: float | None = None  #: of the interval, in (0, 1)
    n: int  #: labelled rows
    asked: float | None = None  #: the limit; None when it was only measured
    breached: bool | None = None  #: None when it was not judged
    segment: str | None = None  #: None: all rows
    version: int | None = None
    window: tuple[datetime, datetime] | None = None  #: of the rows, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many rows of a time have a label."""

    since: datetime
    until: datetime
    labelled: int
    rows: int

    @property
    def share(self) -> float | None:
        """In [0, 1]; None without rows."""
        return self.labelled / self.rows if self.rows else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceReport:
    """What a report on performance says; everything in it was known at `as_of`."""

    model: str
    as_of: datetime  #: UTC
    since: datetime
    until: datetime
    rows: tuple[PerformanceRow, ...]  #: oldest first
    coverage: tuple[Coverage, ...]  #: by day
    notes: tuple[str, ...] = ()  #: what cannot be told, and why

    @property
    def newest(self) -> tuple[PerformanceRow, ...]:
        """The newest figure of each metric over all rows, by name."""
        overall = _newest((one.metric, one) for one in self.rows if one.segment is None)
        return tuple(overall[name] for name in sorted(overall))

    @property
    def segments(self) -> tuple[PerformanceRow, ...]:
        """The newest figure of each metric in each segment."""
        found = _newest(((one.segment or "", one.metric), one) for one in self.rows if one.segment)
        return tuple(found[key] for key in sorted(found))

    @property
    def versions(self) -> tuple[PerformanceRow, ...]:
        """The newest figure of each metric over all rows of each version."""
        found = _newest(
            ((one.version or 0, one.metric), one)
            for one in self.rows
            if one.segment is None and one.version is not None
        )
        return tuple(found[key] for key in sorted(found))


def rows_of(verdict: Verdict, at: datetime) -> Iterator[PerformanceRow]:
    """What a verdict on quality judged: one row for each measurement."""
    details = verdict.details
    intervals: Mapping[str, Any] = details.get("intervals") or {}
    version, segment = details.get("version"), details.get("segment")
    for one in verdict.measurements:
        named = one.statistic if verdict.question == "quality" else one.subject
        # Intervals have the names of metrics, so those of several segments share one.
        ends = None if one.partner else intervals.get(named)
        lower, upper = ends or (None, None)
        yield PerformanceRow(
            at=at,
            metric=_NAMES.get(named, named),
            value=one.value,
            lower=lower,
            upper=upper,
            confidence=details.get("confidence") if lower is not None else None,
            n=one.n_current,
            asked=None if verdict.question == "quality" else one.asked,
            breached=one.drifted,
            segment=one.partner or segment,
            version=version if isinstance(version, int) else None,
            window=verdict.window,
        )


def with_figures(
    judged: Iterable[PerformanceRow], figures: Iterable[Figure]
) -> list[PerformanceRow]:
    """What was measured, with what was asked of it, and what was only judged; oldest first.

    A figure that was judged twice at its time, by a limit and beside the reference, keeps
    the one that it broke.
    """
    asked: dict[tuple[datetime, str, str | None], PerformanceRow] = {}
    for row in judged:
        key = (row.at, row.metric, row.segment)
        known = asked.get(key)
        if known is None or (row.breached and not known.breached):
            asked[key] = row
    rows = []
    for one in figures:
        found = asked.pop((one.known_at, one.metric, one.segment or None), None)
        rows.append(_measured(one, found))
    rows += asked.values()
    return sorted(rows, key=lambda row: (row.at, row.segment or "", row.metric))


def _measured(one: Figure, judged: PerformanceRow | None) -> PerformanceRow:
    window = (one.since, one.until) if one.since and one.until else None
    return PerformanceRow(
        at=one.known_at,
        metric=one.metric,
        value=one.value,
        lower=one.lower,
        upper=one.upper,
        confidence=judged.confidence if judged else None,
        n=one.n,
        asked=judged.asked if judged else None,
        breached=judged.breached if judged else None,
        segment=one.segment or None,
        version=one.version,
        window=window,
    )


def title_of(metric: str) -> str:
    """The metric as people call it.

    Examples
    --------
    >>> title_of("roc_auc"), title_of("my_cost")
    ('ROC AUC', 'My cost')
    """
    plain = metric.replace("_", " ")
    return TITLES.get(metric, plain[:1].upper() + plain[1:])


def interval(row: PerformanceRow) -> str:
    """The value with its interval, or the value alone; a dash for no number.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> interval(PerformanceRow(at=at, metric="f1", value=0.65, lower=0.61, upper=0.69, n=812))
    '0.65 (0.61 to 0.69)'
    """
    if not math.isfinite(row.value):
        return "–"
    value = f"{row.value:.3g}"
    if row.lower is None or row.upper is None:
        return value
    return f"{value} ({row.lower:.3g} to {row.upper:.3g})"


def performance_json(report: PerformanceReport) -> dict[str, Any]:
    """The report as strict JSON; times as ISO 8601 in UTC."""
    plain: dict[str, Any] = strict(
        {
            "timestamp": report.as_of,
            "schema_version": 1,
            "model": report.model,
            "since": report.since,
            "until": report.until,
            "metrics": _plain(report.newest),
            "by_segment": _plain(report.segments),
            "by_version": _plain(report.versions),
            "over_time": _plain(report.rows),
            "label_coverage": [
                {**asdict(one), "coverage": one.share, "since": utc(one.since)}
                for one in report.coverage
            ],
            "notes": list(report.notes),
        }
    )
    return plain


Key = TypeVar("Key")


def _newest(rows: Iterable[tuple[Key, PerformanceRow]]) -> dict[Key, PerformanceRow]:
    """The last row for each key; of several questions at one time a breach goes first."""
    found: dict[Key, PerformanceRow] = {}
    for key, one in rows:
        held = found.get(key)
        if held is None or held.at != one.at or one.breached or not held.breached:
            found[key] = one
    return found


def _plain(rows: Sequence[PerformanceRow]) -> list[dict[str, Any]]:
    return [asdict(one) for one in rows]
