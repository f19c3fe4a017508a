"""Which group each row belongs to: a value of a column, or a period of its times."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from homeostat.bins import Bins
from homeostat.comparison.columns import TIMES
from homeostat.comparison.sides import as_frame
from homeostat.dataset.times import is_times, parse_times
from homeostat.engines.frames import count_frame
from homeostat.engines.source import Column, Source
from homeostat.errors import UserError
from homeostat.extension import did_you_mean
from homeostat.profile import Profile
from homeostat.schema import Feature, Kind

__all__ = ["MOST_GROUPS", "Grouping", "counted_by", "grouping"]

#: Groups that are compared, those with the most rows.
MOST_GROUPS = 50

#: Periods, the shortest first; the first that gives at most `MOST_PERIODS` is taken.
PERIODS = {
    "hour": (timedelta(hours=1), "1h", "%Y-%m-%d %H:00"),
    "day": (timedelta(days=1), "1d", "%Y-%m-%d"),
    "week": (timedelta(weeks=1), "1w", "%Y-%m-%d"),
    "month": (timedelta(days=28), "1mo", "%Y-%m"),
    "year": (timedelta(days=365), "1y", "%Y"),
}
MOST_PERIODS = 40
MISSING = "missing"

#: Rows at the beginning by which a column of text is taken for times.
LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """A division of the rows by one column."""

    column: str
    period: str | None  #: "hour", "day" ...; None when each value is a group
    rows: dict[str, int]  #: by group; by time, or those with the most rows first
    label: Callable[[pl.Series], pl.Series]  #: from the values of the column to their groups


def grouping(source: Source, column: str) -> Grouping:
    """How the rows of a source are divided by a column.

    Raises
    ------
    UserError
        When there is no such column, or it holds neither times nor a few values.
    """
    found = source.kinds.get(column)
    if found is None:
        near = did_you_mean(column, list(source.kinds))
        raise UserError(f"{source.what} has no column {column!r} to group by; {near}")
    if found.kind is Kind.NUMBER or (found.kind is None and found.reason not in TIMES):
        what = found.reason or "holds numbers with fractions"
        raise UserError(
            f"{column!r} cannot group the rows: it {what}; name one of text, whole numbers or times"
        )
    if found.reason in TIMES or (found.kind is Kind.CATEGORY and _holds_times(source, column)):
        return _by_period(source, column)
    counts: Counter[str] = Counter()
    for values in _values(source, column):
        counts.update(dict(_words(values).value_counts().iter_rows()))
    rows = dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
    return Grouping(column=column, period=None, rows=rows, label=_words)


def counted_by(
    source: Source, bins: Bins, division: Grouping, groups: Sequence[str]
) -> dict[str, Profile]:
    """The profile of each of the groups, in one pass over the rows."""
    profiles = {one: Profile.empty(bins) for one in groups}
    own = Feature(name=division.column, kind=Kind.CATEGORY)
    columns: list[Column] = [*bins.features, own]
    names = [one.name for one in columns]
    for batch in source.batches(columns):
        frame = as_frame(batch, names)
        labels = division.label(frame[division.column])
        for group in set(labels.unique().to_list()) & profiles.keys():
            profiles[group] += count_frame(frame.filter(labels == group), bins)
    return profiles


def _values(source: Source, column: str) -> Iterator[pl.Series]:
    """The column, batch by batch."""
    for batch in source.batches([Feature(name=column, kind=Kind.CATEGORY)]):
        yield as_frame(batch, [column])[column]


def _holds_times(source: Source, column: str) -> bool:
    first = next(_values(source, column), pl.Series(dtype=pl.String))
    return is_times(first.head(LOOKED_AT).cast(pl.String))


def _words(values: pl.Series) -> pl.Series:
    return values.cast(pl.String).fill_null(MISSING).alias("value")


def _by_period(source: Source, column: str) -> Grouping:
    ends: list[datetime] = []
    for values in _values(source, column):
        known = _moments(values).drop_nulls()
        ends += [known.dt.min(), known.dt.max()] if len(known) else []  # type: ignore[list-item]
    if not ends:
        raise UserError(f"{column!r} holds no time; name another column to group by")
    span = max(ends) - min(ends)
    fits = (name for name, (length, *_) in PERIODS.items() if span <= MOST_PERIODS * length)
    period = next(fits, "year")
    _, every, written = PERIODS[period]

    def label(values: pl.Series) -> pl.Series:
        moments = _moments(values).dt.truncate(every)
        return moments.dt.strftime(written).fill_null(MISSING).alias("value")

    counts: Counter[str] = Counter()
    for values in _values(source, column):
        counts.update(dict(label(values).value_counts().iter_rows()))
    return Grouping(column=column, period=period, rows=dict(sorted(counts.items())), label=label)


def _moments(values: pl.Series) -> pl.Series:
    """When each row happened, UTC; null where that is missing."""
    if values.dtype.is_temporal():
        zone = getattr(values.dtype, "time_zone", None)
        moments = values.cast(pl.Datetime("us", zone))
        return moments.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    text = values.cast(pl.String)
    known = text.is_not_null()
    read = parse_times(pl.DataFrame({text.name: text.filter(known)}), text.name)
    times = pl.Series(text.name, [None] * len(text), dtype=pl.Datetime("us"))
    return times.scatter(known.arg_true(), read.dt.replace_time_zone(None))
