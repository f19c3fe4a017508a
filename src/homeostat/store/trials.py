"""Trials: the part of the store about versions that are tried beside the champion."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from homeostat.challenger import Challenger
from homeostat.prediction import Prediction
from homeostat.store import challengers
from homeostat.store.challengers import Said, Shadow
from homeostat.store.engine import Database

__all__ = ["Trials"]


@dataclass(frozen=True, slots=True)
class Trials:
    """Which versions are tried, and what those in the shadow said.

    Each method is one transaction, from any thread, and raises what those of `Store` raise.
    """

    database: Database

    def running(self, model: str) -> list[Challenger]:
        """The trials that run, oldest first."""
        with self.database.read() as connection:
            return challengers.challengers(connection, model, running=True)

    def all(self, model: str) -> list[Challenger]:
        """The trials there were, oldest first."""
        with self.database.read() as connection:
            return challengers.challengers(connection, model, running=False)

    def start(self, asked: Challenger) -> Challenger:
        """The trial as it begins, with its places found.

        Raises
        ------
        UserError
            When the share is no share.
        Conflict
            When the version is tried already, or there is no room for its share.
        """
        with self.database.write() as connection:
            return challengers.start_challenger(connection, asked)

    def end(self, model: str, version: int, at: datetime) -> Challenger:
        """The trial of this version, which is over now; NotFound when it is not tried."""
        with self.database.write() as connection:
            return challengers.end_challenger(connection, model, version, at)

    def unshadowed(
        self, model: str, version: int, *, since: datetime, until: datetime, limit: int
    ) -> list[Prediction]:
        """Rows received in [since, until) that this version was not asked about, oldest first."""
        with self.database.read() as connection:
            window = (since, until)
            return challengers.unshadowed(connection, model, version, window, limit)

    def add_shadows(self, shadows: Sequence[Shadow]) -> None:
        """Keep what was said in the shadow; what is there already stays."""
        with self.database.write() as connection:
            challengers.add_shadows(connection, shadows)

    def answered(self, model: str, *, since: datetime, until: datetime) -> list[Said]:
        """What was answered to the rows received in [since, until), with the newest labels."""
        with self.database.read() as connection:
            return challengers.answered(connection, model, (since, until))

    def shadowed(self, model: str, version: int, *, since: datetime, until: datetime) -> list[Said]:
        """What this version said in the shadow of the rows received in [since, until)."""
        with self.database.read() as connection:
            return challengers.shadowed(connection, model, version, (since, until))
