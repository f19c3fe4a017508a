"""Leases with fencing tokens, and small durable switches."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, case, delete, or_, select, update

from homeostat.store import tables
from homeostat.store.statements import insert_if_new, upsert

__all__ = ["flag", "lease", "release", "set_flag"]

_LEASES, _FLAGS = tables.leases, tables.flags


def lease(
    connection: Connection, name: str, holder: str, now: datetime, ttl_s: float
) -> int | None:
    """The fencing token of the lease, or None while another one holds it.

    The token stays while the holder renews and rises by one with each change of hands.
    """
    until = now + timedelta(seconds=ttl_s)
    first = {"name": name, "holder": holder, "token": 1, "expires_at": until}
    if insert_if_new(connection, _LEASES, first):
        return 1
    renewed = _LEASES.c.holder == holder
    free = or_(_LEASES.c.holder.is_(None), _LEASES.c.expires_at <= now)
    taken = connection.execute(
        update(_LEASES)
        .where(_LEASES.c.name == name, or_(renewed, free))
        .values(
            holder=holder,
            expires_at=until,
            token=case((renewed, _LEASES.c.token), else_=_LEASES.c.token + 1),
        )
    )
    if not taken.rowcount:
        return None
    return connection.scalar(select(_LEASES.c.token).where(_LEASES.c.name == name))


def release(connection: Connection, name: str, holder: str) -> None:
    """Give the lease back; without effect for anyone but its holder."""
    connection.execute(
        update(_LEASES)
        .where(_LEASES.c.name == name, _LEASES.c.holder == holder)
        .values(holder=None)
    )


def flag(connection: Connection, name: str) -> str | None:
    """The value of the switch; None when it is not set."""
    return connection.scalar(select(_FLAGS.c.value).where(_FLAGS.c.name == name))


def set_flag(connection: Connection, name: str, value: str | None) -> None:
    """Set the switch, or take it away with None."""
    if value is None:
        connection.execute(delete(_FLAGS).where(_FLAGS.c.name == name))
    else:
        upsert(connection, _FLAGS, {"name": name, "value": value})
