"""Challengers, and what those in the shadow said of the rows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    exists,
    insert,
    literal,
    select,
    tuple_,
    update,
)

from homeostat.challenger import Challenger, Mode, free_place
from homeostat.errors import Conflict, NotFound
from homeostat.prediction import Prediction
from homeostat.store import tables
from homeostat.store.predictions import prediction_from, within
from homeostat.store.statements import insert_if_new, lock_writers

__all__ = [
    "Said",
    "Shadow",
    "add_shadows",
    "answered",
    "challengers",
    "end_challenger",
    "shadowed",
    "start_challenger",
    "unshadowed",
]

_TABLE = tables.challengers
_SHADOWS = tables.shadow_predictions
_PREDICTIONS = tables.predictions
_LABELS = tables.labels


@dataclass(frozen=True, slots=True)
class Shadow:
    """What a version in the shadow said of one row."""

    prediction_id: str
    version: int
    prediction: int  #: 1 is the positive class
    probability: float  #: of the positive class, in [0, 1]


@dataclass(frozen=True, slots=True)
class Said:
    """What a version said of one row, and what turned out to be true."""

    prediction_id: str
    version: int
    prediction: int  #: 1 is the positive class
    probability: float  #: of the positive class, in [0, 1]
    label: int | None  #: the newest one


def challengers(connection: Connection, model: str, *, running: bool) -> list[Challenger]:
    """The trials of a model, oldest first; only those that run, or all."""
    query = select(_TABLE).where(_TABLE.c.model == model)
    if running:
        query = query.where(_TABLE.c.ended_at.is_(None))
    query = query.order_by(_TABLE.c.started_at, _TABLE.c.id)
    return [_challenger(row._asdict()) for row in connection.execute(query)]


def start_challenger(connection: Connection, asked: Challenger) -> Challenger:
    """The trial as it begins, with its places found."""
    lock_writers(connection, _TABLE)
    running = challengers(connection, asked.model, running=True)
    same = [one for one in running if one.version == asked.version]
    if same:
        message = (
            f"version {asked.version} is tried already, as {same[0].mode.value}; stop it first"
        )
        raise Conflict(message)
    splits = [one for one in running if one.mode is Mode.SPLIT]
    if asked.mode is Mode.SPLIT:
        salt = splits[0].salt if splits else asked.id
        asked = replace(asked, lower=free_place(splits, asked.share), salt=salt)
    connection.execute(insert(_TABLE), {**asdict(asked), "mode": asked.mode.value})
    return asked


def end_challenger(connection: Connection, model: str, version: int, at: datetime) -> Challenger:
    """The trial of this version, which is over now."""
    lock_writers(connection, _TABLE)
    running = challengers(connection, model, running=True)
    ended = [replace(one, ended_at=at) for one in running if one.version == version]
    if not ended:
        known = ", ".join(str(one.version) for one in running) or "none"
        raise NotFound(f"version {version} of {model!r} is not tried; those that are: {known}")
    statement = update(_TABLE).where(_TABLE.c.id == ended[0].id)
    connection.execute(statement.values(ended_at=at))
    return ended[0]


def unshadowed(
    connection: Connection, model: str, version: int, window: tuple[datetime, datetime], limit: int
) -> list[Prediction]:
    """Rows received in the window that a version has not been asked about, oldest first."""
    asked = and_(_SHADOWS.c.prediction_id == _PREDICTIONS.c.id, _SHADOWS.c.version == version)
    query = select(_PREDICTIONS).outerjoin(_SHADOWS, asked)
    query = query.where(_SHADOWS.c.prediction_id.is_(None), _PREDICTIONS.c.version != version)
    query = within(query, model, *window, None).limit(limit)
    return [prediction_from(row) for row in connection.execute(query)]


def add_shadows(connection: Connection, shadows: Sequence[Shadow]) -> None:
    """Keep what was said; what is there already stays."""
    for one in shadows:
        insert_if_new(connection, _SHADOWS, asdict(one))


def answered(connection: Connection, model: str, window: tuple[datetime, datetime]) -> list[Said]:
    """What was answered to the rows of the window, by whatever version."""
    table = _PREDICTIONS.c
    columns = (table.id, table.version, table.prediction, table.probability, _LABELS.c.value)
    query = select(*columns).select_from(_PREDICTIONS).outerjoin(_LABELS, _newest_label())
    return [Said(*row) for row in connection.execute(within(query, model, *window, None))]


def shadowed(
    connection: Connection, model: str, version: int, window: tuple[datetime, datetime]
) -> list[Said]:
    """What a version in the shadow said of the rows of the window."""
    table = _SHADOWS.c
    columns = (_PREDICTIONS.c.id, table.version, table.prediction, table.probability)
    asked = and_(table.prediction_id == _PREDICTIONS.c.id, table.version == version)
    query = select(*columns, _LABELS.c.value).select_from(_PREDICTIONS).join(_SHADOWS, asked)
    query = query.outerjoin(_LABELS, _newest_label())
    return [Said(*row) for row in connection.execute(within(query, model, *window, None))]


def _newest_label() -> ColumnElement[bool]:
    """The label of a prediction that no other one follows."""
    later = _LABELS.alias("later")
    follows = and_(
        later.c.prediction_id == _LABELS.c.prediction_id,
        tuple_(later.c.received_at, later.c.revision)
        > tuple_(_LABELS.c.received_at, _LABELS.c.revision),
    )
    followed = exists(select(literal(1)).select_from(later).where(follows))
    return and_(_LABELS.c.prediction_id == _PREDICTIONS.c.id, ~followed)


def _challenger(plain: dict[str, Any]) -> Challenger:
    return Challenger(**{**plain, "mode": Mode(plain["mode"])})
