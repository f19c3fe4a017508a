"""Estimates: what was expected of windows, and what their labels said."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, select, update

from homeostat.answers import Labelled
from homeostat.estimated import Estimated, Scored, labelled_from, plain_labelled, said_from
from homeostat.estimators import Estimate
from homeostat.store import tables
from homeostat.store.engine import Database
from homeostat.store.statements import insert_if_new

__all__ = ["Estimates"]

MOST_READ = 512  #: bodies that are kept as they were read

_TABLE = tables.estimates
_REFERENCES = tables.labelled_references


@dataclass(frozen=True, slots=True)
class Estimates:
    """The part of the store about quality that was estimated without labels.

    Each method is one transaction, from any thread, and raises what those of `Store` raise.
    """

    database: Database

    def add(self, one: Estimated) -> bool:
        """Whether it was written down: what is there of this window already stays."""
        row = {
            "model": one.model,
            "version": one.version,
            "at": one.at,
            "since": one.since,
            "until": one.until,
            "n": one.n,
            "body": _text(one.to_dict()),
        }
        with self.database.write() as connection:
            return insert_if_new(connection, _TABLE, row)

    def score(self, one: Estimated, scored: Scored) -> None:
        """Write down what the labels of its window say; what is there already stays."""
        statement = (
            update(_TABLE)
            .where(
                _TABLE.c.model == one.model,
                _TABLE.c.version == one.version,
                _TABLE.c.until == one.until,
                _TABLE.c.scored_at.is_(None),
            )
            .values(scored_at=scored.at, scored=_text(scored.to_dict()))
        )
        with self.database.write() as connection:
            connection.execute(statement)

    def newest(self, model: str, version: int, *, until: datetime) -> Estimated | None:
        """The last one whose window ended by `until`."""
        query = _of(model, version).where(_TABLE.c.until <= until)
        query = query.order_by(_TABLE.c.until.desc()).limit(1)
        with self.database.read() as connection:
            return next(iter(_read(connection, query, until)), None)

    def unscored(self, model: str, version: int, *, until: datetime, limit: int) -> list[Estimated]:
        """The oldest whose labels are still awaited, oldest first."""
        query = _of(model, version).where(_TABLE.c.until <= until, _TABLE.c.scored_at.is_(None))
        with self.database.read() as connection:
            return _read(connection, query.order_by(_TABLE.c.until).limit(limit), until)

    def made(self, model: str, version: int, *, as_of: datetime, limit: int) -> list[Estimated]:
        """The newest made up to `as_of`, oldest first, scored if that was done by then."""
        query = _of(model, version).where(_TABLE.c.at <= as_of)
        query = query.order_by(_TABLE.c.until.desc()).limit(limit)
        with self.database.read() as connection:
            return _read(connection, query, as_of)[::-1]

    def reference(self, model: str, version: int, digest: str) -> Labelled | None:
        """The labelled reference of a version with this digest, if it is kept."""
        query = select(_REFERENCES.c.body).where(
            _REFERENCES.c.model == model,
            _REFERENCES.c.version == version,
            _REFERENCES.c.digest == digest,
        )
        with self.database.read() as connection:
            body = connection.scalar(query)
        return None if body is None else labelled_from(json.loads(body))

    def keep_reference(self, model: str, version: int, digest: str, labelled: Labelled) -> None:
        """Keep the labelled reference of a version."""
        row = {
            "model": model,
            "version": version,
            "digest": digest,
            "body": _text(plain_labelled(labelled)),
        }
        with self.database.write() as connection:
            insert_if_new(connection, _REFERENCES, row)


def _of(model: str, version: int) -> Select[Any]:
    return select(_TABLE).where(_TABLE.c.model == model, _TABLE.c.version == version)


def _read(connection: Connection, query: Select[Any], as_of: datetime) -> list[Estimated]:
    return [_estimated(row, as_of) for row in connection.execute(query)]


def _estimated(row: Any, as_of: datetime) -> Estimated:
    known = row.scored_at is not None and row.scored_at <= as_of
    said, combined = _made(row.body, row.n)
    return Estimated(
        model=row.model,
        version=row.version,
        at=row.at,
        since=row.since,
        until=row.until,
        n=row.n,
        said=said,
        combined=combined,
        scored=_scored(row.scored, row.scored_at) if known else None,
    )


@lru_cache(maxsize=MOST_READ)
def _made(
    body: str, n: int
) -> tuple[Mapping[str, Mapping[str, Estimate]], Mapping[str, tuple[float, float, float]]]:
    """What was said of a window; the same windows are asked for again and again."""
    plain = json.loads(body)
    combined = {name: (one[0], one[1], one[2]) for name, one in plain["combined"].items()}
    return said_from(plain["said"], n), combined


@lru_cache(maxsize=MOST_READ)
def _scored(text: str, at: datetime) -> Scored:
    return Scored.from_dict(json.loads(text), at)


def _text(plain: object) -> str:
    return json.dumps(plain, separators=(",", ":"), allow_nan=False)
