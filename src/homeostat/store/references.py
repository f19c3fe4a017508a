"""References: stored whole, verified when they are read."""

import json

from sqlalchemy import Connection, select

from homeostat.bins import Bins
from homeostat.errors import NotFound, StateError
from homeostat.profile import total
from homeostat.reference import Reference
from homeostat.store import tables
from homeostat.store.codec import check_fits, pack, unpack
from homeostat.store.statements import insert_if_new

__all__ = ["add_reference", "reference"]

_TABLE = tables.reference_profiles


def add_reference(connection: Connection, new: Reference) -> None:
    """Store a reference; one with its digest that is there already stays as it is."""
    row = {
        "model": new.model,
        "digest": new.digest,
        "created_at": new.created_at,
        "source": new.source,
        "data_fingerprint": new.data_fingerprint,
        "bins": json.dumps(new.bins.to_dict(), separators=(",", ":")),
        "body": pack(new.profile.sparse()),
    }
    insert_if_new(connection, _TABLE, row)


def reference(connection: Connection, model: str, digest: str) -> Reference:
    """The reference with this digest.

    Raises
    ------
    NotFound
        When there is none.
    StateError
        When what is stored does not have the digest it is stored under.
    """
    query = select(_TABLE).where(_TABLE.c.model == model, _TABLE.c.digest == digest)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"no reference {digest!r} of model {model!r}")
    bins, sparse = Bins.from_dict(json.loads(row.bins)), unpack(row.body)
    check_fits(bins, [sparse])
    found = Reference(
        model=model,
        created_at=row.created_at,
        source=row.source,
        data_fingerprint=row.data_fingerprint,
        profile=total(bins, [sparse]),
    )
    if found.digest != digest:
        message = f"reference {digest!r} of model {model!r} was changed; restore a backup"
        raise StateError(f"{message} (it has the digest {found.digest!r} now)")
    return found
