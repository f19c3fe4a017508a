"""Reported rows on their way to the store: those that wait together are stored together."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from homeostat.errors import Unavailable, UserError
from homeostat.store import Receipt, ReportedRow

__all__ = ["GroupedReports", "TooManyReports"]


class TooManyReports(Unavailable):
    """More is waiting to be stored than may wait; nothing of the submission was taken."""

    retry_after_s: ClassVar[float] = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    rows: Sequence[ReportedRow]
    stored: "asyncio.Future[Receipt]"

    def tell(self, result: Receipt | Exception) -> None:
        if self.stored.done():
            return  # the waiting was given up; what was stored stays stored
        if isinstance(result, Exception):
            self.stored.set_exception(result)
        else:
            self.stored.set_result(result)


class GroupedReports:
    """Stores rows, those that came during a commit together in the next one.

    For one event loop; the store is called in a thread, once at a time.

    Parameters
    ----------
    store
        Stores rows and returns when they are on the disk.
    limit
        Rows that may wait; what is beyond is refused.
    batch
        Rows after which a commit takes no further submission.
    """

    def __init__(
        self,
        store: Callable[[Sequence[ReportedRow]], Receipt],
        *,
        limit: int = 5000,
        batch: int = 1000,
    ) -> None:
        self._store, self._limit, self._batch = store, limit, batch
        self._queue: deque[_Waiting] = deque()
        self._running: asyncio.Task[None] | None = None
        self.waiting = 0  #: rows whose commit has not ended

    async def submit(self, rows: Sequence[ReportedRow]) -> Receipt:
        """What became of the rows, when they are on the disk.

        Raises
        ------
        Unavailable
            When too much waits (then nothing was taken) or the commit failed (then it is
            unknown what was stored): send the same ids again.
        UserError
            When there are more than may ever wait, or the store refuses them.
        """
        if len(rows) > self._limit:
            raise UserError(f"{len(rows):,} rows at once, at most {self._limit:,} are taken")
        if self.waiting + len(rows) > self._limit:
            message = f"{self.waiting:,} reported rows wait to be stored; try again later"
            raise TooManyReports(message)
        one = _Waiting(rows, asyncio.get_running_loop().create_future())
        self.waiting += len(rows)
        self._queue.append(one)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await one.stored

    async def stop(self) -> None:
        """Return when all that was submitted is stored, or refused."""
        if self._running is not None:
            await self._running

    async def _run(self) -> None:
        while self._queue:
            taken = self._take()
            try:
                await self._commit(taken)
            finally:
                self.waiting -= sum(len(one.rows) for one in taken)

    def _take(self) -> list[_Waiting]:
        taken: list[_Waiting] = []
        size = 0
        while self._queue and size < self._batch:
            taken.append(self._queue.popleft())
            size += len(taken[-1].rows)
        return taken

    async def _commit(self, taken: Sequence[_Waiting]) -> None:
        together = [row for one in taken for row in one.rows]
        try:
            receipt = await asyncio.to_thread(self._store, together)
        except Unavailable as error:
            message = f"unknown whether it was stored: send it again with the same id ({error})"
            for one in taken:
                one.tell(Unavailable(message))
        except Exception as error:  # noqa: BLE001  # the edge of this task: who waits is told
            if len(taken) == 1:
                taken[0].tell(error)
                return
            for one in taken:  # what cannot be stored does not take others with it
                await self._commit([one])
        else:
            left = receipt.new
            for one in taken:
                mine = left & {row.id for row in one.rows}
                left -= mine
                one.tell(Receipt(mine, receipt.numbers))
