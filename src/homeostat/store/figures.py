"""Figures of a model, append-only: each as it was known at a time."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    Table,
    Text,
    func,
    select,
)

from homeostat.metrics import Estimate
from homeostat.store.columns import Number, UtcTime
from homeostat.store.statements import insert_if_new
from homeostat.store.tables import METADATA

__all__ = ["Figure", "FigureKind", "add_figures", "figure_history", "newest_figures"]

_TABLE = Table(
    "performance_metrics",
    METADATA,
    Column("number", Number, primary_key=True),
    Column("model", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("segment", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("value", Double, nullable=False),
    Column("lower", Double),  # null is unbounded
    Column("upper", Double),
    Column("standard_error", Double),
    Column("size", Double),
    Column("bias", Double, nullable=False),
    Column("method", Text, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("since", UtcTime),
    Column("until", UtcTime),
    Column("known_at", UtcTime, nullable=False),
    Index(
        "ix_performance_metrics_one",
        "model",
        "kind",
        "version",
        "known_at",
        "segment",
        "metric",
        unique=True,
    ),
    Index("ix_performance_metrics_known", "model", "metric", "known_at"),
)
_FIELDS = tuple(one.name for one in _TABLE.columns if one.name != "number")


class FigureKind(StrEnum):
    """What a figure is of."""

    MEASURED = "measured"  #: rows that were served
    REFERENCE = "reference"  #: frozen rows that the version was not fitted on


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure with its interval, and when that was known."""

    model: str
    version: int
    kind: FigureKind = FigureKind.MEASURED
    segment: str = ""  #: "" is all rows
    metric: str
    value: float
    lower: float | None  #: None is unbounded
    upper: float | None
    standard_error: float | None
    size: float | None
    bias: float
    method: str
    n: int  #: rows
    since: datetime | None  #: first and last row, UTC
    until: datetime | None
    known_at: datetime  #: UTC

    @property
    def estimate(self) -> Estimate:
        """The figure as it was measured."""
        unbounded = float("inf")
        return Estimate(
            value=self.value,
            lower=-unbounded if self.lower is None else self.lower,
            upper=unbounded if self.upper is None else self.upper,
            n=self.n,
            standard_error=unbounded if self.standard_error is None else self.standard_error,
            size=self.size,
            bias=self.bias,
            method=self.method,
        )

    @staticmethod
    def parts(seen: Estimate) -> dict[str, Any]:
        """The fields that follow from an estimate, which must be known."""
        return {
            "value": seen.value,
            "lower": _finite(seen.lower),
            "upper": _finite(seen.upper),
            "standard_error": _finite(seen.standard_error),
            "size": seen.size,
            "bias": seen.bias,
            "method": seen.method,
            "n": seen.n,
        }


def add_figures(connection: Connection, figures: Sequence[Figure]) -> int:
    """How many are new; one of the same version, kind, part and time stays as it is."""
    rows = ({**asdict(one), "kind": one.kind.value} for one in figures)
    return sum(insert_if_new(connection, _TABLE, row) for row in rows)


def newest_figures(
    connection: Connection,
    model: str,
    version: int,
    kind: FigureKind,
    as_of: datetime | None,
) -> list[Figure]:
    """All that became known last, up to and including `as_of`, in the order of writing."""
    of = (_TABLE.c.model == model, _TABLE.c.version == version, _TABLE.c.kind == kind.value)
    newest = select(func.max(_TABLE.c.known_at)).where(*of)
    if as_of is not None:
        newest = newest.where(_TABLE.c.known_at <= as_of)
    query = select(*(_TABLE.c[name] for name in _FIELDS)).where(
        *of, _TABLE.c.known_at == newest.scalar_subquery()
    )
    return [_figure(row) for row in connection.execute(query.order_by(_TABLE.c.number))]


def figure_history(
    connection: Connection,
    model: str,
    metric: str | None,
    window: tuple[datetime | None, datetime | None],
    limit: int,
) -> list[Figure]:
    """What was measured and known in [since, until), newest first."""
    since, until = window
    query = select(*(_TABLE.c[name] for name in _FIELDS)).where(
        _TABLE.c.model == model, _TABLE.c.kind == FigureKind.MEASURED.value
    )
    if metric is not None:
        query = query.where(_TABLE.c.metric == metric)
    if since is not None:
        query = query.where(_TABLE.c.known_at >= since)
    if until is not None:
        query = query.where(_TABLE.c.known_at < until)
    query = query.order_by(_TABLE.c.known_at.desc(), _TABLE.c.number).limit(limit)
    return [_figure(row) for row in connection.execute(query)]


def _figure(row: Sequence[Any]) -> Figure:
    plain = dict(zip(_FIELDS, row, strict=True))
    return Figure(**{**plain, "kind": FigureKind(plain["kind"])})


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
