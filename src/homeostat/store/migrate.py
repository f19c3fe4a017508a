"""The schema of the database: as this code wants it, or an error that says why not."""

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from homeostat.errors import NotFound, StateError
from homeostat.store.engine import Database
from homeostat.store.tables import REVISION

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["VERSION_TABLE", "alembic_config", "prepare"]

#: Not Alembic's usual name, which MLflow may use in the same database.
VERSION_TABLE = "homeostat_schema"

MIGRATIONS = Path(__file__).parent / "migrations"
_ONE_AT_A_TIME = Lock()  # Alembic keeps the migration that is under way in a global
_ADVISORY_LOCK = 0x686F6D65  # "home": one migration of a database at a time


def prepare(database: Database, *, create: bool) -> None:
    """Bring the schema to the newest revision.

    Raises
    ------
    NotFound
        When there is no store yet and `create` is false.
    StateError
        When the schema is newer than the code, or older and `create` is false.
    """
    with database.read() as connection:
        found = _revision(connection)
    if found == REVISION:
        return
    if found is not None:
        _refuse_newer(database.name, found)
    if not create:
        raise _not_ready(database.name, found)
    with database.write() as connection:
        _upgrade(connection)


def alembic_config(connection: Connection) -> "Config":
    """Alembic's configuration for migrating over `connection`, without a file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = VERSION_TABLE
    return config


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608
    return None if found is None else str(found)


def _refuse_newer(name: str, found: str) -> None:
    known = {path.stem.partition("_")[0] for path in (MIGRATIONS / "versions").glob("*.py")}
    if found not in known:
        message = (
            f"the store at {name} has schema {found!r}, and this homeostat knows them up to "
            f"{REVISION!r}: upgrade homeostat"
        )
        raise StateError(message)


def _not_ready(name: str, found: str | None) -> NotFound | StateError:
    if found is None:
        return NotFound(f"there is no store at {name}; check the URL, or create it first")
    return StateError(
        f"the store at {name} has schema {found!r} and {REVISION!r} is needed; "
        "open it once with create=True to migrate it"
    )


def _upgrade(connection: Connection) -> None:
    from alembic import command

    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
    with _ONE_AT_A_TIME:
        command.upgrade(alembic_config(connection), "head")
