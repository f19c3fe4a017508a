"""Keys of the service, by their digests; none is ever deleted, so no name comes back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from homeostat.access import Key, Role
from homeostat.errors import Conflict, NotFound
from homeostat.store import tables
from homeostat.store.statements import insert_if_new

__all__ = ["add_key", "keys", "revoke_key"]

_KEYS = tables.keys


def add_key(connection: Connection, key: Key) -> None:
    """Keep a key; Conflict when its name was ever taken."""
    row = {
        "name": key.name,
        "roles": " ".join(sorted(key.roles)),
        "digest": key.digest,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
        "rate_per_s": key.rate_per_s,
    }
    if not insert_if_new(connection, _KEYS, row):
        raise Conflict(f"there is a key {key.name!r} already, or was; choose another name")


def keys(connection: Connection) -> list[Key]:
    """All keys, the revoked ones too, by name."""
    rows = connection.execute(select(_KEYS).order_by(_KEYS.c.name)).mappings()
    return [_read(row) for row in rows]


def revoke_key(connection: Connection, name: str, at: datetime) -> None:
    """Let a key be used no more; one that is revoked already stays as it is.

    Raises
    ------
    NotFound
        When there is no key of that name.
    """
    standing = (_KEYS.c.name == name, _KEYS.c.revoked_at.is_(None))
    done = connection.execute(update(_KEYS).where(*standing).values(revoked_at=at))
    known = done.rowcount or connection.scalar(select(_KEYS.c.name).where(_KEYS.c.name == name))
    if not known:
        raise NotFound(f"there is no key {name[:80]!r}; see: homeostat key list")


def _read(row: Mapping[Any, Any]) -> Key:
    return Key(
        name=row["name"],
        roles=frozenset(Role(one) for one in row["roles"].split()),
        digest=row["digest"],
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
        rate_per_s=row["rate_per_s"],
    )
