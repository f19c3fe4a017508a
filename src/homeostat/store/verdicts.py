"""Verdicts: the history of what each question was answered."""

import json
from datetime import datetime

from sqlalchemy import Connection, insert, select

from homeostat.store import tables
from homeostat.verdict import Verdict

__all__ = ["add_verdict", "verdicts"]

_TABLE = tables.verdicts


def add_verdict(connection: Connection, model: str, verdict: Verdict, at: datetime) -> None:
    """Write down what was answered at that time."""
    row = {
        "model": model,
        "question": verdict.question,
        "at": at,
        "outcome": verdict.outcome.value,
        "body": json.dumps(verdict.to_dict(), separators=(",", ":")),
    }
    connection.execute(insert(_TABLE), row)


def verdicts(
    connection: Connection, model: str, question: str, limit: int, until: datetime | None
) -> list[tuple[datetime, Verdict]]:
    """The newest answers before `until`, newest first."""
    query = select(_TABLE.c.at, _TABLE.c.body).where(
        _TABLE.c.model == model, _TABLE.c.question == question
    )
    if until is not None:
        query = query.where(_TABLE.c.at < until)
    query = query.order_by(_TABLE.c.at.desc(), _TABLE.c.number.desc()).limit(limit)
    return [(at, Verdict.from_dict(json.loads(body))) for at, body in connection.execute(query)]
