"""Versions: registered once, never changed."""

import json
from typing import Any

from sqlalchemy import Connection, func, select

from homeostat.errors import Conflict, NotFound
from homeostat.schema import Schema
from homeostat.store import tables
from homeostat.store.statements import insert_if_new
from homeostat.version import Version

__all__ = ["add_version", "next_version_number", "version", "versions"]

_TABLE = tables.versions
_COLUMNS = tuple(column.name for column in _TABLE.columns)


def add_version(connection: Connection, new: Version) -> None:
    """Register a version; Conflict when its number is taken."""
    row = {name: getattr(new, name) for name in _COLUMNS}
    row["schema"] = json.dumps(new.schema.to_dict())
    row["metrics"] = json.dumps(dict(new.metrics))
    row["manifest"] = json.dumps(dict(new.manifest))
    if not insert_if_new(connection, _TABLE, row):
        message = f"version {new.number} of model {new.model!r} is already registered"
        raise Conflict(f"{message}; take the next number and try again")


def version(connection: Connection, model: str, number: int) -> Version:
    """The version with this number; NotFound when there is none."""
    query = select(_TABLE).where(_TABLE.c.model == model, _TABLE.c.number == number)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"no version {number} of model {model!r}")
    return _from(row._asdict())


def versions(connection: Connection, model: str) -> list[Version]:
    """All versions of the model, by number."""
    query = select(_TABLE).where(_TABLE.c.model == model).order_by(_TABLE.c.number)
    return [_from(row._asdict()) for row in connection.execute(query)]


def next_version_number(connection: Connection, model: str) -> int:
    """The number after the highest registered one; 1 for a new model."""
    query = select(func.max(_TABLE.c.number)).where(_TABLE.c.model == model)
    return (connection.scalar(query) or 0) + 1


def _from(plain: dict[str, Any]) -> Version:
    plain["schema"] = Schema.from_dict(json.loads(plain["schema"]))
    plain["metrics"] = json.loads(plain["metrics"])
    plain["manifest"] = json.loads(plain["manifest"])
    return Version(**plain)
