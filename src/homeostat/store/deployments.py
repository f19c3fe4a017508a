"""Deployments: one row for each model, changed by compare-and-set only."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, select, update

from homeostat.decision import Decision
from homeostat.plan import Deployment, Phase
from homeostat.store import tables
from homeostat.store.decisions import add_decision
from homeostat.store.statements import insert_if_new

__all__ = ["deployment", "transition"]

_TABLE = tables.deployments


def deployment(connection: Connection, model: str) -> Deployment | None:
    """Where the model stands; None before its first deployment."""
    row = connection.execute(select(_TABLE).where(_TABLE.c.model == model)).one_or_none()
    if row is None:
        return None
    plain = row._asdict()
    plain["phase"] = Phase(plain["phase"])
    return Deployment(**plain)


def transition(connection: Connection, new: Deployment, decision: Decision | None) -> bool:
    """Whether `new` was the successor of what stood; else nothing is written."""
    row = asdict(new)
    row["phase"] = new.phase.value
    if not _succeed(connection, row, new.token):
        return False
    if decision is not None:
        add_decision(connection, decision)
    return True


def _succeed(connection: Connection, row: dict[str, Any], token: int) -> bool:
    if token == 0:
        return insert_if_new(connection, _TABLE, row)
    statement = update(_TABLE).where(_TABLE.c.model == row["model"], _TABLE.c.token == token - 1)
    return connection.execute(statement.values(row)).rowcount == 1
