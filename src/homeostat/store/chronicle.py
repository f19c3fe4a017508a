"""Chronicle: the part of the store about what was, and what left it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from homeostat.store import history, removals
from homeostat.store.engine import Database
from homeostat.store.history import HistoryPage, Kind, Span
from homeostat.store.removals import DayRows, Logged, Removal

__all__ = ["Chronicle"]


@dataclass(frozen=True, slots=True)
class Chronicle:
    """What happened, and which days are not here any more.

    Each method is one transaction, from any thread, and raises what those of `Store` raise.
    """

    database: Database

    def entries(self, kind: Kind, model: str, span: Span) -> HistoryPage:
        """The newest entries of a kind, newest first; UserError when the page is none."""
        with self.database.read() as connection:
            return history.entries(connection, kind, model, span)

    def add_periodic(
        self, model: str, schedule: str, body: Mapping[str, Any], made_at: datetime
    ) -> None:
        """Keep the report of a period."""
        with self.database.write() as connection:
            history.add_periodic(connection, model, schedule, body, made_at)

    def periodic(
        self, model: str, schedule: str, *, until: datetime | None = None
    ) -> dict[str, Any] | None:
        """The newest report of a period that ended by `until`; None when there is none."""
        with self.database.read() as connection:
            return history.periodic(connection, model, schedule, until)

    def days(self, model: str, kind: str, *, before: datetime) -> list[DayRows]:
        """The days that began before, oldest first, with what could be removed of them."""
        with self.database.read() as connection:
            return removals.days_with_rows(connection, model, kind, before)

    def last_written(self) -> set[str]:
        """The ids of the rows by which a SQLite file tells whether something is missing."""
        with self.database.read() as connection:
            return removals.last_written(connection)

    def day(self, model: str, day: date) -> Iterator[list[Logged]]:
        """The predictions of a day with all their labels, by time and id, in batches."""
        return removals.iterate_day(self.database, model, day)

    def remove_logged(self, removal: Removal) -> None:
        """Remove the predictions of a day that were filed, and write it down.

        Raises
        ------
        Conflict
            When some came since the file was written; nothing is removed then.
        """
        with self.database.write() as connection:
            removals.remove_logged(connection, removal)

    def remove_day(self, removal: Removal) -> int:
        """How many rows of another kind were removed of a day; written down with it."""
        with self.database.write() as connection:
            return removals.remove_day(connection, removal)

    def removed(self, model: str, kind: str | None = None) -> list[Removal]:
        """What was removed, oldest first."""
        with self.database.read() as connection:
            return removals.removed(connection, model, kind)
