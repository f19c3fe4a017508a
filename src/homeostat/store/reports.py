"""Reports: the part of the store about rows of models that are served elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from homeostat.store import reported
from homeostat.store.engine import Database
from homeostat.store.reported import CountReported, Receipt, ReportedRow

__all__ = ["Reports"]


@dataclass(frozen=True, slots=True)
class Reports:
    """Rows that were reported, each once.

    Each method is one transaction, from any thread, and raises what those of `Store` raise.
    """

    database: Database

    def add(self, rows: Sequence[ReportedRow], count: CountReported) -> Receipt:
        """What became of the rows, which are stored now; all of them, or none.

        A row whose id is stored with the same body changes nothing.  What `count` makes of
        the new ones is stored with them.

        Raises
        ------
        Conflict
            When an id stands for another row; all such ids are named.
        """
        with self.database.write() as connection:
            return reported.add_reported(connection, rows, count)

    def rows(self, model: str, *, since: datetime, until: datetime) -> list[ReportedRow]:
        """Those received in [since, until), by time and id."""
        with self.database.read() as connection:
            return reported.reported_rows(connection, model, since, until)

    def versions(self, model: str, *, at: datetime) -> dict[str, int]:
        """The numbers of the versions that are told apart at that time, by name."""
        with self.database.read() as connection:
            return reported.reported_versions(connection, model, at)
