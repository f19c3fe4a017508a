"""Performances: the part of the store about how good the answers were."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from homeostat.schema import Row
from homeostat.store import figures, served
from homeostat.store.engine import Database
from homeostat.store.figures import Figure, FigureKind
from homeostat.store.served import Served

__all__ = ["Performances"]


@dataclass(frozen=True, slots=True)
class Performances:
    """Answers beside their labels, and the figures that follow from them.

    Each method is one transaction, from any thread, and raises what those of `Store` raise.
    """

    database: Database

    def served(self, model: str, *, since: datetime, until: datetime, as_of: datetime) -> Served:
        """The predictions received in [since, until), with the labels known at `as_of`."""
        with self.database.read() as connection:
            return served.served_rows(connection, model, (since, until), as_of)

    def rows(self, ids: Sequence[str]) -> list[Row]:
        """What the model was asked in these predictions, in their order."""
        with self.database.read() as connection:
            return served.rows_by_id(connection, tuple(ids))

    def add(self, new: Sequence[Figure]) -> int:
        """How many of the figures are new; the same one at the same time is kept once."""
        with self.database.write() as connection:
            return figures.add_figures(connection, new)

    def newest(
        self,
        model: str,
        version: int,
        *,
        kind: FigureKind = FigureKind.MEASURED,
        as_of: datetime | None = None,
    ) -> list[Figure]:
        """The figures of a version that became known last, up to and including `as_of`."""
        with self.database.read() as connection:
            return figures.newest_figures(connection, model, version, kind, as_of)

    def history(
        self,
        model: str,
        *,
        metric: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 1000,
    ) -> list[Figure]:
        """What was measured and known in [since, until), newest first."""
        with self.database.read() as connection:
            return figures.figure_history(connection, model, metric, (since, until), limit)
