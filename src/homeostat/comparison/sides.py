"""The two sides of a comparison: rows that can be read, or a profile that was counted before."""

import re
from collections.abc import Sequence
from typing import Any

import polars as pl

from homeostat.dataset.sources import open_source
from homeostat.dataset.times import is_times
from homeostat.engines.source import Source
from homeostat.profile import Profile
from homeostat.reference import Reference
from homeostat.schema import Feature, Kind

__all__ = ["Side", "as_frame", "opened", "without_meaning"]

Side = Source | Profile

#: Rows at the beginning in which identifiers and times are looked for.
HEAD_ROWS = 10_000

#: Fewer rows say nothing about whether values repeat.
LEAST_ROWS = 50

_ID_NAME = re.compile(r"(.*[ _.-])?(id|uuid|guid|index)|.*[a-z](Id|ID)", re.ASCII)


def opened(given: Any) -> Side:
    """Rows of any kind as a source; a frozen reference as its profile.

    Raises
    ------
    UserError
        When it is neither, or cannot be read.
    """
    if isinstance(given, Reference):
        return given.profile
    return given if isinstance(given, Profile) else open_source(given)


def without_meaning(
    reference: Source, current: Source, features: Sequence[Feature]
) -> dict[str, str]:
    """The columns that name rows or tell when they came, and why.

    Such a column always differs, and says nothing.  It is looked for in the first 10,000
    rows of both sides: texts that are all different; whole numbers that are, and rise or
    fall all the way or are named like an identifier; texts that are all times.
    """
    asked = [one for one in features if one.kind in {Kind.CATEGORY, Kind.INTEGER}]
    if not asked:
        return {}
    heads = [_head(side, asked) for side in (reference, current)]
    if any(head.height < LEAST_ROWS for head in heads):
        return {}
    found = {one.name: _reason(one, [head[one.name] for head in heads]) for one in asked}
    return {name: why for name, why in found.items() if why is not None}


def _head(source: Source, features: Sequence[Feature]) -> pl.DataFrame:
    names = [one.name for one in features]
    parts: list[pl.DataFrame] = []
    rows = 0
    for batch in source.batches(features):
        parts.append(as_frame(batch.slice(0, HEAD_ROWS - rows), names))
        rows += batch.num_rows
        if rows >= HEAD_ROWS:
            break
    return pl.concat(parts, how="vertical_relaxed") if parts else pl.DataFrame()


def as_frame(batch: Any, names: Sequence[str]) -> pl.DataFrame:
    """A batch of Arrow as a frame; polars takes no column without a name from Arrow."""
    return pl.DataFrame({name: pl.Series(batch.column(i)) for i, name in enumerate(names)})


def _reason(feature: Feature, columns: Sequence[pl.Series]) -> str | None:
    if feature.kind is Kind.CATEGORY:
        texts = [one.cast(pl.String) for one in columns]
        if all(is_times(one) for one in texts):
            return "holds times, which pass by themselves"
        return "an identifier: a different text in each row" if _all_differ(texts) else None
    if not _all_differ(columns):
        return None
    if all(one.is_sorted() or one.is_sorted(descending=True) for one in columns):
        return "an identifier: different whole numbers in order"
    if _ID_NAME.fullmatch(feature.name):
        return "an identifier by its name, and no value comes twice"
    return None


def _all_differ(columns: Sequence[pl.Series]) -> bool:
    return all(not one.null_count() and one.n_unique() == len(one) for one in columns)
