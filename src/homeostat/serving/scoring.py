"""Models compute for several requests at once: those that came while nobody computed."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from homeostat.errors import Unavailable
from homeostat.registry import Scorer
from homeostat.schema import Row

__all__ = ["Scoring"]

#: Rows that a quick model computes where they are asked; more would hold up other requests.
FEW = 64

#: Rows that are computed together at most.
MOST = 256


@dataclass(slots=True, eq=False)  # made for each request: not frozen, which takes longer
class _Asked:
    scorer: Scorer
    rows: Sequence[Row]
    future: "asyncio.Future[list[float]]"


class Scoring:
    """Where models compute: quick ones in the event loop, others in one thread.

    Requests for the same version are computed together, as many as came in two turns of the
    event loop, or while the thread was busy.  One whose rows cannot be computed does not take
    the others with it.

    Parameters
    ----------
    limit
        Rows that may wait; above it a request is refused at once instead of late.
    """

    def __init__(self, limit: int = 5000) -> None:
        self._limit = limit
        self._waiting = 0
        self._asked: list[_Asked] = []
        self._turn: asyncio.Handle | None = None
        self._busy = False  #: whether the thread computes
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scoring")

    async def probabilities(self, scorer: Scorer, rows: Sequence[Row]) -> list[float]:
        """The probability of the positive class for each row.

        Raises
        ------
        Unavailable
            When too many rows wait already.
        StateError
            When the model gives something else than probabilities.
        """
        if self._waiting and self._waiting + len(rows) > self._limit:
            message = f"{self._waiting:,} rows wait, at most {self._limit:,} may; try again later"
            raise Unavailable(message)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[float]] = loop.create_future()
        self._waiting += len(rows)
        self._asked.append(_Asked(scorer, rows, future))
        if self._turn is None and not self._busy:
            # In the turn after the next: what is read until then is computed with it.
            self._turn = loop.call_soon(loop.call_soon, self._compute, loop)
        try:
            return await future
        finally:
            self._waiting -= len(rows)

    def close(self) -> None:
        """Wait for what is being computed, and end the thread; what waits is refused."""
        self._closed = True
        self._thread.shutdown()

    def _compute(self, loop: asyncio.AbstractEventLoop) -> None:
        """Compute what is asked, or have the thread do so."""
        self._turn = None
        if self._closed:
            stopped = Unavailable("the service ends; ask the next process")
            asked, self._asked = self._asked, []
            _settle(asked, [stopped] * len(asked))
        while self._asked and not self._busy:
            together = self._next()
            if together[0].scorer.quick and sum(len(one.rows) for one in together) <= FEW:
                _settle(together, _scored(together))
            else:
                self._busy = True
                done = loop.run_in_executor(self._thread, _scored, together)
                done.add_done_callback(partial(self._done, together))

    def _next(self) -> list[_Asked]:
        """The first that is asked, and what can be computed with it."""
        first, *others = self._asked
        together, self._asked = [first], []
        size = len(first.rows)
        for one in others:
            if one.scorer is first.scorer and size + len(one.rows) <= MOST:
                together.append(one)
                size += len(one.rows)
            else:
                self._asked.append(one)
        return together

    def _done(
        self, together: list[_Asked], done: "asyncio.Future[list[list[float] | Exception]]"
    ) -> None:
        self._busy = False
        _settle(together, done.result())
        self._compute(asyncio.get_running_loop())


def _scored(together: Sequence[_Asked]) -> list[list[float] | Exception]:
    """The scores of each; where they cannot be had together, each for itself."""
    rows = [row for one in together for row in one.rows]
    try:
        scores = iter(together[0].scorer.probabilities(rows).tolist())
    except Exception as error:  # noqa: BLE001  # the edge of the thread: who waits is told
        if len(together) == 1:
            return [error]
        return [answer for one in together for answer in _scored([one])]
    return [[next(scores) for _ in one.rows] for one in together]


def _settle(together: Sequence[_Asked], answers: Sequence[list[float] | Exception]) -> None:
    for one, answer in zip(together, answers, strict=True):
        if one.future.done():
            continue  # the waiting was given up
        if isinstance(answer, Exception):
            one.future.set_exception(answer)
        else:
            one.future.set_result(answer)
