"""Keys: the part of the store about who may ask the service."""

from dataclasses import dataclass
from datetime import datetime

from homeostat.access import Key
from homeostat.store import keys
from homeostat.store.engine import Database

__all__ = ["Keys"]


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys, of which only a digest is kept.

    Each method is one transaction, from any thread, and raises what those of `Store` raise.
    """

    database: Database

    def add(self, key: Key) -> None:
        """Keep a key; Conflict when its name is taken, by a revoked one too."""
        with self.database.write() as connection:
            keys.add_key(connection, key)

    def all(self) -> list[Key]:
        """All keys, the revoked ones too, by name."""
        with self.database.read() as connection:
            return keys.keys(connection)

    def revoke(self, name: str, at: datetime) -> None:
        """Let nobody in with this key from now on; NotFound when there is none."""
        with self.database.write() as connection:
            keys.revoke_key(connection, name, at)
