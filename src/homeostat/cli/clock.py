"""Where commands take the time from."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from homeostat.errors import StateError

__all__ = ["FileClock", "system_clock"]


def system_clock() -> datetime:
    """The time of this machine, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FileClock:
    """Takes the time from a file, for rehearsals on a simulated calendar.

    The file holds one time in ISO 8601 with its zone and is read at every look; replace it
    by a rename, so that no reader sees half of it.
    """

    path: Path

    def __call__(self) -> datetime:
        """The time in the file, UTC.

        Raises
        ------
        StateError
            When the file cannot be read or holds something else: a rehearsal never falls
            back on the time of the machine.
        """
        try:
            time = datetime.fromisoformat(self.path.read_text(encoding="utf-8").strip())
        except (OSError, ValueError) as error:
            raise StateError(f"no time can be read from the clock file: {error}") from error
        if time.tzinfo is None:
            message = f"the time in {self.path} has no zone; write it as 2026-01-31T12:00:00Z"
            raise StateError(message)
        return time.astimezone(UTC)
