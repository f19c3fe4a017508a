"""Versions in the shadow are asked about rows that others answered, behind the answers."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from homeostat.challenger import Challenger
from homeostat.errors import HomeostatError
from homeostat.serving.champion import Champion, Champions
from homeostat.store import Shadow, Store

__all__ = ["Shadowing"]

log = structlog.get_logger()

AT_ONCE = 256  #: rows that are scored together

LEASE_S = 60.0  #: after which another process may go on where one has died

#: A row may be stored so much later than the time it bears: what is older is not looked for
#: again.
LATE = timedelta(minutes=5)

INSTANT = timedelta(microseconds=1)


class Shadowing:
    """Asks the versions in the shadow about every row, in the order they came.

    What is to be asked follows from the store, so nothing is lost with a process, and no row
    is asked about twice.  Of several processes one does it, under a lease.

    Parameters
    ----------
    store, champions
        Where the rows are, and which versions are in the shadow.
    clock
        The time, UTC.
    holder
        The name of this process, for the lease.
    """

    def __init__(
        self, store: Store, champions: Champions, *, clock: Callable[[], datetime], holder: str
    ) -> None:
        self._store = store
        self._champions = champions
        self._clock = clock
        self._holder = holder
        self.succeeded: Callable[[], None] = lambda: None  #: is told when all are asked
        self._done: dict[str, datetime] = {}  #: by trial, up to where all rows are asked about

    async def run(self, every_s: float) -> None:
        """Ask for ever."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.catch_up()
                self.succeeded()
            except HomeostatError as error:
                log.warning("shadow not asked", model=self._champions.model, error=str(error))
            except Exception:  # the edge of this task: it must outlive any surprise
                log.exception("shadow not asked", model=self._champions.model)

    async def catch_up(self) -> int:
        """How many rows were asked about, until none was left."""
        asked = 0
        for trial in self._champions.shadows:
            champion = self._champions.tried[trial.version]
            while n := await asyncio.to_thread(self._ask, trial, champion):
                asked += n
        return asked

    def _ask(self, trial: Challenger, champion: Champion) -> int:
        now, model = self._clock(), trial.model
        name = f"shadow:{trial.id}"
        if self._store.lease(name, self._holder, now=now, ttl_s=LEASE_S) is None:
            return 0
        since = max(trial.started_at, self._done.get(trial.id, trial.started_at) - LATE)
        rows = self._store.trials.unshadowed(
            model, trial.version, since=since, until=now + INSTANT, limit=AT_ONCE
        )
        if not rows:
            self._done[trial.id] = now
            return 0
        scores = champion.scorer.probabilities([one.features for one in rows]).tolist()
        threshold = champion.version.threshold
        self._store.trials.add_shadows(
            [
                Shadow(one.id, trial.version, int(score >= threshold), score)
                for one, score in zip(rows, scores, strict=True)
            ]
        )
        return len(rows)
