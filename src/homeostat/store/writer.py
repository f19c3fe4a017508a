"""Writer: many submissions, one commit."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Condition, Thread
from typing import ClassVar, TypeAlias

import structlog

from homeostat.errors import Conflict, HomeostatError, Unavailable, UserError
from homeostat.prediction import Prediction
from homeostat.store.predictions import Count
from homeostat.store.slack import Slack
from homeostat.store.store import Store

__all__ = ["QueueFull", "Writer"]

log = structlog.get_logger()

FLUSHED = "store:flushed"  #: flag that is written to have the disk take what stands before it

_Answers: TypeAlias = list[Prediction | Conflict]


class QueueFull(Unavailable):
    """More is waiting to be stored than may wait; nothing of the submission was taken."""

    retry_after_s: ClassVar[float] = 1.0


@dataclass(slots=True, eq=False)  # made for each request: not frozen, which takes longer
class _Submission:
    predictions: Sequence[Prediction]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[_Answers]"

    def settle(self, result: _Answers | Exception) -> None:
        """Tell who waits; in the thread of its loop."""
        if self.future.done():
            return  # the waiting was given up; what was stored stays stored
        if isinstance(result, Exception):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)


def _tell(told: Sequence[tuple[_Submission, _Answers | Exception]]) -> None:
    """Wake up all who wait, each loop once; from any thread."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Submission, _Answers | Exception]]] = {}
    for one in told:
        by_loop.setdefault(one[0].loop, []).append(one)
    for loop, its in by_loop.items():
        if not loop.is_closed():  # closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, its)


def _settle(told: Sequence[tuple[_Submission, _Answers | Exception]]) -> None:
    for submission, result in told:
        submission.settle(result)


class Writer:
    """One thread that stores what is submitted, several submissions in one commit.

    Parameters
    ----------
    store, count
        Where to, and what counts new predictions into the profiles of their minutes; it is
        called in the writer's thread.
    limit
        Predictions that may wait; when it is reached submissions are refused.
    batch
        Predictions after which a commit takes no further submission.
    slack
        Which commits need not wait for the disk; all do by default.
    """

    def __init__(
        self,
        store: Store,
        count: Count | None,
        *,
        limit: int = 5000,
        batch: int = 256,
        slack: Slack | None = None,
    ) -> None:
        self._store, self._count = store, count
        self._slack = slack or Slack(relaxed=False)
        self._limit, self._batch = limit, batch
        self._queue: deque[_Submission] = deque()
        self._waiting = 0
        self._changed = Condition()
        self._waking: asyncio.AbstractEventLoop | None = None
        self._open = False
        self._thread = Thread(target=self._run, name="homeostat-writer", daemon=True)

    @property
    def durable(self) -> bool:
        """Whether what is answered is on the disk by then."""
        return not self._slack.relaxed

    @property
    def waiting(self) -> int:
        """Predictions that wait for their commit to begin."""
        return self._waiting

    def start(self) -> None:
        """Begin to store; once only."""
        self._open = True
        self._thread.start()

    def stop(self) -> None:
        """Refuse what comes, store what waits, and return when that is done."""
        with self._changed:
            self._open = False
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()

    async def submit(self, predictions: Sequence[Prediction]) -> _Answers:
        """What `Store.add_predictions` says of them, when it is on the disk.

        Raises
        ------
        Unavailable
            When too much is waiting (then nothing was taken), or when the commit failed
            (then it is unknown what was stored): submit the same ids again.
        UserError
            When there are more than may ever wait.
        """
        if len(predictions) > self._limit:
            message = f"{len(predictions)} predictions at once, at most {self._limit} are taken"
            raise UserError(f"{message}; split them")
        if not predictions:
            return []
        loop = asyncio.get_running_loop()
        submission = _Submission(predictions, loop, loop.create_future())
        with self._changed:
            self._admit(len(predictions))
            self._queue.append(submission)
        self._wake_soon(loop)
        return await submission.future

    def _wake_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake up the thread once for all that is submitted in this turn of the loop and the next.

        A commit costs as much as to answer several rows, so those that are nearly there are
        waited for.
        """
        if self._waking is not loop:
            self._waking = loop
            loop.call_soon(loop.call_soon, self._wake)

    def _wake(self) -> None:
        self._waking = None
        with self._changed:
            self._changed.notify()

    def _admit(self, size: int) -> None:
        if not self._open:
            raise Unavailable("the writer is stopped; submit again to the next process")
        if self._waiting + size > self._limit:
            message = f"{self._waiting} predictions wait to be stored, at most {self._limit} may"
            raise QueueFull(f"{message}; try again later")
        self._waiting += size

    def _run(self) -> None:
        while (batch := self._take()) != []:
            if batch is None:
                self._flush()
            else:
                self._commit(batch)
        self._flush()

    def _flush(self) -> None:
        """Have the disk take all that did not wait for it."""
        if self._slack.left_s is None:
            return
        try:
            self._store.set_flag(FLUSHED, "")  # any commit that waits takes the others with it
        except HomeostatError as error:
            self._slack.failed()
            log.warning("answers are not on the disk yet", error=str(error))
        else:
            self._slack.flushed()

    def _take(self) -> list[_Submission] | None:
        """The next submissions for one commit; none when the writer is to end.

        None when something must be brought to the disk before the next one comes.
        """
        with self._changed:
            if not self._changed.wait_for(
                lambda: self._queue or not self._open, self._slack.left_s
            ):
                return None
            taken: list[_Submission] = []
            size = 0
            while self._queue and size < self._batch:
                taken.append(self._queue.popleft())
                size += len(taken[-1].predictions)
            self._waiting -= size
            return taken

    def _commit(self, batch: list[_Submission]) -> None:
        together = [one for submission in batch for one in submission.predictions]
        waits = self._slack.must_wait(len(together))
        try:
            answers = iter(self._store.add_predictions(together, self._count, durable=waits))
        except Unavailable as error:
            self._fail([*batch, *self._take_all()], error)
        except Exception as error:  # noqa: BLE001  # the edge of the thread: who waits is told
            if len(batch) == 1:
                _tell([(batch[0], error)])
                return
            for submission in batch:  # one that cannot be stored does not take others with it
                self._commit([submission])
        else:
            self._slack.flushed() if waits else self._slack.written(len(together))
            _tell([(one, [next(answers) for _ in one.predictions]) for one in batch])

    def _fail(self, submissions: list[_Submission], error: Unavailable) -> None:
        message = f"unknown whether it was stored: retry with the same id ({error})"
        _tell([(one, Unavailable(message)) for one in submissions])

    def _take_all(self) -> list[_Submission]:
        """All that waits: it would wait for the same failure, each batch its own timeout."""
        with self._changed:
            taken = list(self._queue)
            self._queue.clear()
            self._waiting = 0
            return taken
