"""Statements given straight to SQLite's driver, where SQLAlchemy's way costs more than they do."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

__all__ = ["execute", "execute_many"]


def execute(connection: Connection, statement: str, values: Sequence[Any] = ()) -> list[Any]:
    """The rows that a statement gives, within the transaction of `connection`.

    Raises
    ------
    sqlalchemy.exc.DBAPIError
        As from SQLAlchemy itself.
    """
    with _driver(connection, statement) as driver:
        return driver.execute(statement, values).fetchall()


def execute_many(connection: Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Do the same with each of `rows`.

    Raises
    ------
    sqlalchemy.exc.DBAPIError
        As from SQLAlchemy itself.
    """
    with _driver(connection, statement) as driver:
        driver.executemany(statement, rows)


@contextmanager
def _driver(connection: Connection, statement: str) -> Iterator[sqlite3.Connection]:
    driver: Any = connection.connection.dbapi_connection
    try:
        yield driver
    except sqlite3.Error as error:
        raise DBAPIError.instance(
            statement, None, error, sqlite3.Error, dialect=connection.dialect
        ) from error
