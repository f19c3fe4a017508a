"""Heart: the part of the store about when each loop last did its work."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from homeostat.liveness import Beat, Lull
from homeostat.store import beats
from homeostat.store.engine import Database

__all__ = ["Heart"]


@dataclass(frozen=True, slots=True)
class Heart:
    """What each loop of a model promised, and when it last kept it.

    Each method is one transaction, from any thread, and raises what those of `Store` raise.
    """

    database: Database

    def beats(self, model: str) -> list[Beat]:
        """All loops that are known, by name."""
        with self.database.read() as connection:
            return list(beats.beats(connection, model).values())

    def promised(self, model: str, loop: str, *, every_s: float, at: datetime) -> None:
        """Write down that the loop will make a round every so many seconds from now on.

        One that starts again keeps its failures: to die and to start does not make it well.
        """

        def after(beat: Beat) -> Beat:
            return replace(beat, every_s=every_s, begun_at=beat.begun_at or at)

        self._change(model, loop, after)

    def seen(self, model: str, loop: str, *, at: datetime) -> None:
        """Write down that the process of the loop runs."""
        self._change(model, loop, lambda beat: replace(beat, seen_at=at))

    def succeeded(self, model: str, loop: str, *, at: datetime) -> None:
        """Write down that a round was done."""

        def after(beat: Beat) -> Beat:
            return replace(beat, succeeded_at=at, failing_since=None, failures=0, problem="")

        self._change(model, loop, after)

    def failed(self, model: str, loop: str, *, at: datetime, problem: str) -> None:
        """Write down that a round failed, and why."""

        def after(beat: Beat) -> Beat:
            return replace(
                beat,
                failing_since=beat.failing_since or at,
                failures=beat.failures + 1,
                problem=problem,
            )

        self._change(model, loop, after)

    def forget(self, model: str, loop: str) -> bool:
        """Whether the loop was known; nothing is expected of it any more."""
        with self.database.write() as connection:
            return beats.forget(connection, model, loop)

    def lulls(
        self, model: str, lengths: Sequence[timedelta], *, at: datetime, weeks: int = 4
    ) -> list[Lull]:
        """The times of these lengths that end `at`, up to the first in which rows came.

        Where none came they stand beside the same hours of up to so many weeks before.
        """
        with self.database.read() as connection:
            return beats.lulls(connection, model, lengths, at, weeks)

    def _change(self, model: str, loop: str, after: Callable[[Beat], Beat]) -> None:
        with self.database.write() as connection:
            known = beats.beats(connection, model).get(loop, Beat(loop=loop))
            beats.keep(connection, model, after(known))
