"""The model computes in a thread of its own, and only so much waits for it."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from homeostat.errors import Unavailable
from homeostat.registry import Scorer
from homeostat.schema import Row

__all__ = ["Scoring"]


class Scoring:
    """One thread in which models compute.

    Parameters
    ----------
    limit
        Rows that may wait; above it a request is refused at once instead of late.
    """

    def __init__(self, limit: int = 5000) -> None:
        self._limit = limit
        self._waiting = 0
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
        self._waiting += len(rows)
        try:
            loop = asyncio.get_running_loop()
            scores = await loop.run_in_executor(self._thread, scorer.probabilities, rows)
        finally:
            self._waiting -= len(rows)
        return [float(one) for one in scores]

    def close(self) -> None:
        """Wait for what is being computed, and end the thread."""
        self._thread.shutdown()
