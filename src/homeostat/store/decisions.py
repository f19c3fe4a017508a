"""Decisions: the append-only audit record."""

import json

from sqlalchemy import Connection, select

from homeostat.decision import Decision
from homeostat.errors import Conflict, NotFound, StateError
from homeostat.store import tables
from homeostat.store.statements import insert_if_new

__all__ = ["add_decision", "decision", "decisions"]

_TABLE = tables.decisions


def add_decision(connection: Connection, new: Decision) -> None:
    """Write a decision down; Conflict when its id is taken."""
    row = {
        "id": new.id,
        "model": new.model,
        "action": new.action.value,
        "outcome": new.outcome.value,
        "decided_at": new.decided_at,
        "body": json.dumps(new.to_dict(), separators=(",", ":")),
    }
    if not insert_if_new(connection, _TABLE, row):
        raise Conflict(f"the decision id {new.id!r} is taken; nothing was written")


def decision(connection: Connection, key: str) -> Decision:
    """The decision with the id `key`.

    Raises
    ------
    NotFound
        When there is none.
    StateError
        When its verdicts are not those that it was written with.
    """
    body = connection.scalar(select(_TABLE.c.body).where(_TABLE.c.id == key))
    if body is None:
        raise NotFound(f"no decision {key!r}")
    return _from(body)


def decisions(connection: Connection, model: str, limit: int) -> list[Decision]:
    """The newest decisions about the model, newest first."""
    query = (
        select(_TABLE.c.body)
        .where(_TABLE.c.model == model)
        .order_by(_TABLE.c.decided_at.desc(), _TABLE.c.number.desc())
        .limit(limit)
    )
    return [_from(body) for body in connection.scalars(query)]


def _from(body: str) -> Decision:
    plain = json.loads(body)
    found = Decision.from_dict(plain)
    if found.evidence_digest != plain["evidence_digest"]:
        raise StateError(f"the verdicts of decision {found.id!r} were changed; restore a backup")
    return found
