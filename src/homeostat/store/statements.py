"""What several topics need in their statements, whatever the database is."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects import postgresql, sqlite

__all__ = ["chunks", "insert_if_new", "lock_writers", "upsert"]

#: Values in one IN (...): far below every limit, and enough to make statements few.
CHUNK = 500

T = TypeVar("T")


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """The items in order, at most `size` at a time.

    Examples
    --------
    >>> list(chunks("abcde", 2))
    ['ab', 'cd', 'e']
    """
    return (items[start : start + size] for start in range(0, len(items), size))


def insert_if_new(connection: Connection, table: Table, row: dict[str, Any]) -> bool:
    """Whether the row was inserted; else its key is there already and nothing is changed."""
    statement: postgresql.Insert | sqlite.Insert = (
        postgresql.insert(table).on_conflict_do_nothing()
        if connection.dialect.name == "postgresql"
        else sqlite.insert(table).on_conflict_do_nothing()
    )
    # Without both, the count is that of the keys that PostgreSQL was asked to return.
    done = connection.execute(
        statement.inline(), row, execution_options={"preserve_rowcount": True}
    )
    return done.rowcount == 1


def upsert(connection: Connection, table: Table, *rows: dict[str, Any]) -> None:
    """Insert the rows, all of the same columns, or replace those with their primary keys."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement: postgresql.Insert | sqlite.Insert = (
        postgresql.insert(table)
        if connection.dialect.name == "postgresql"
        else sqlite.insert(table)
    )
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    done = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    connection.execute(done, list(rows))


def lock_writers(connection: Connection, table: Table) -> None:
    """Keep other writers out of `table` until the end of the transaction.

    On SQLite there are no others.  On PostgreSQL this must come before the first read that
    the writing depends on.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE"))
