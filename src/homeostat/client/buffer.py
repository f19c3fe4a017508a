"""Buffer: rows on their way to the service, behind the back of whoever logs them."""

import atexit
import logging
import os
import re
import time
import weakref
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from threading import Condition, Thread
from typing import Any, Protocol, TypeAlias

from homeostat.client.refusals import TooLarge
from homeostat.errors import Conflict, HomeostatError, StateError, Unavailable, UserError

__all__ = ["Buffer", "Rows", "Sender"]

log = logging.getLogger("homeostat.client")

WARN_EVERY_S = 60.0  #: between two lines about rows that were lost
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0  #: before what could not be sent is sent again

MOST_FAILURES = 5  #: of the service itself, one after the other, before rows are given up

#: Rows as `Client.log_batch` takes them.
Rows: TypeAlias = list[dict[str, Any]]

#: What makes rows, when it was given, and how much room it takes.
_Pending: TypeAlias = tuple[Callable[[], Rows], datetime, int]

#: Refusals of a whole batch that a part of it might not get.
_PARTIAL = (UserError, Conflict, TooLarge)


class Sender(Protocol):
    """What a buffer sends with: a `Client`."""

    @property
    def new_id(self) -> Callable[[], str]:
        """Makes the id of a row."""

    def log_batch(self, rows: Sequence[Mapping[str, Any]], /) -> object:
        """Send rows, all or none."""

    def once(self) -> "Sender":
        """The same with connections of its own, which does not ask again by itself."""

    def close(self) -> None:
        """Close the connections."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(eq=False)
class Buffer:
    """Keeps rows until one thread has sent them, several at a time.

    Giving it a row takes microseconds and never raises, whatever the service does.  When it
    is full, because the service is away or too slow, what comes is lost: it is counted in
    `lost` and `dropped`, and a line in the log says so, at most once a minute.  What could
    not be sent for a while is sent again under the same ids, so that it is stored once.
    The thread begins with the first row; `close`, which is also called when the interpreter
    ends, sends what is left.
    """

    client: Sender
    _: KW_ONLY
    limit: int = 10_000  #: that may wait, in rows or KiB of bodies
    batch: int = 500  #: rows in one request
    every_s: float = 1.0  #: how long a row waits for others
    clock: Callable[[], datetime] = field(default=_now, repr=False)
    monotonic: Callable[[], float] = field(default=time.monotonic, repr=False)

    def __post_init__(self) -> None:
        self._begin()
        atexit.register(self.close)
        if hasattr(os, "register_at_fork"):
            known = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _forked(known))

    def _begin(self) -> None:
        self._client = self.client.once()  # it has a patience of its own
        self.sent = 0  #: rows that the service has stored
        self.lost: Counter[str] = Counter()  #: rows, or requests that were not read, by reason
        self._changed = Condition()
        self._queue: deque[_Pending] = deque()
        self._queued = 0  # the room that the queue takes
        self._rows: Rows = []  # made of what was in the queue, and not sent yet
        self._making = self._closed = self._hurry = False
        self._thread: Thread | None = None
        self._told, self._told_at = 0, float("-inf")
        self._failures = 0  # one after the other

    @property
    def dropped(self) -> int:
        """How many rows, or requests that were not read, never reached the service."""
        return sum(self.lost.values())

    def put(self, make: Callable[[], Rows], *, weight: int = 1, rows: int = 1) -> None:
        """Keep what `make` will make, which is called in the thread that sends.

        Parameters
        ----------
        weight
            How much of `limit` it takes while it waits.
        rows
            How many are lost when it cannot be kept.
        """
        with self._changed:
            if self._closed or self._queued + len(self._rows) + weight > self.limit:
                self._lose(rows, "closed" if self._closed else "full")
                return
            self._queue.append((make, self.clock(), weight))
            self._queued += weight
            if self._thread is None:
                self._thread = Thread(target=self._run, name="homeostat-client", daemon=True)
                self._thread.start()
            elif len(self._queue) in {1, self.batch}:
                self._changed.notify_all()

    def put_rows(self, make: Callable[[], Rows]) -> None:
        """Keep what `make` makes now; what it raises is counted, and goes no further."""
        try:
            rows = make()
        except Exception:  # noqa: BLE001  # whoever is watched must not notice
            self.lose(1, "not readable")
        else:
            self.put(lambda: rows, weight=len(rows), rows=len(rows))

    def lose(self, n: int, reason: str) -> None:
        """Count what never got here."""
        with self._changed:
            self._lose(n, reason)

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Whether all that was given so far was sent, or given up, within so many seconds."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            return self._changed.wait_for(self._idle, timeout_s)

    def close(self, timeout_s: float = 5.0) -> None:
        """Send what is left, for so many seconds; what is left then is counted as lost."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        with self._changed:
            self._lose(len(self._rows) + len(self._queue), "closed")
            self._rows, self._queued = [], 0
            self._queue.clear()
        self._tell(always=True)
        self._client.close()
        atexit.unregister(self.close)

    def restart(self) -> None:
        """Begin as new, with nothing that waits: what a forked child must do first."""
        self._begin()

    def _idle(self) -> bool:
        return not self._queue and not self._rows and not self._making

    def _lose(self, n: int, reason: str) -> None:
        if n:
            self.lost[reason] += n

    def _run(self) -> None:
        over = False
        while not over:
            self._wait()
            try:
                self._make_rows()
                self._send_rows()
            except Exception:  # the edge of the thread: it must outlive any surprise
                log.exception("logged rows were not sent")
                self._give_up(self._rows, "not sent")
            self._tell()
            with self._changed:
                self._changed.notify_all()
                over = self._closed and (self._idle() or self._failures > 0)

    def _wait(self) -> None:
        """Wait for a row, and then for others that go with it."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not self._idle())
            wait_s = self.every_s
            if self._failures:
                wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**self._failures)
            self._changed.wait_for(self._ready, wait_s)
            self._hurry = False

    def _ready(self) -> bool:
        full = not self._failures and len(self._queue) >= self.batch
        return self._closed or self._hurry or full

    def _make_rows(self) -> None:
        """Make rows of what waits, once those that were made are sent."""
        if self._rows:
            return
        with self._changed:
            taken = list(self._queue)
            self._queue.clear()
            self._queued, self._making = 0, True
        made: Rows = []
        for make, at, _ in taken:
            try:
                made += [self._dressed(row, at) for row in make()]
            except Exception:  # noqa: BLE001  # anybody's code, and anybody's bytes
                self.lose(1, "not readable")
        with self._changed:
            self._rows, self._making = made, False

    def _dressed(self, row: dict[str, Any], at: datetime) -> dict[str, Any]:
        return {"timestamp": at, "prediction_id": self._client.new_id(), **row}

    def _send_rows(self) -> None:
        while self._rows:
            part = self._rows[: self.batch]
            try:
                self._send(part)
            except (Unavailable, StateError):
                self._failures += 1
                return
            self._failures = 0

    def _send(self, part: Sequence[dict[str, Any]]) -> None:
        """Send these rows; those that are refused are given up, and no other with them."""
        try:
            self._client.log_batch(part)
        except HomeostatError as error:
            if isinstance(error, Unavailable) or self._may_recover(error):
                raise
            bad = _refused(error, len(part))
            if bad:
                self._give_up([part[i] for i in bad], "refused")
                log.debug("rows were refused: %s", error)
            elif type(error) in _PARTIAL and len(part) > 1:
                half = len(part) // 2
                self._send(part[:half])
                self._send(part[half:])
            else:
                self._give_up(part, "refused")
                log.warning("%d logged rows were refused: %s", len(part), error)
        else:
            self._done(part)
            self.sent += len(part)

    def _may_recover(self, error: HomeostatError) -> bool:
        """Whether a service that fails at these rows may do better the next time."""
        return isinstance(error, StateError) and self._failures < MOST_FAILURES

    def _give_up(self, rows: Sequence[dict[str, Any]], reason: str) -> None:
        self.lose(len(rows), reason)
        self._done(rows)

    def _done(self, rows: Sequence[dict[str, Any]]) -> None:
        over = {id(row) for row in rows}
        with self._changed:
            self._rows = [row for row in self._rows if id(row) not in over]

    def _tell(self, *, always: bool = False) -> None:
        """Say how much was lost, at most once in `WARN_EVERY_S`."""
        now, lost = self.monotonic(), self.dropped
        if lost > self._told and (always or now - self._told_at >= WARN_EVERY_S):
            reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(self.lost.items()))
            log.warning("%d logged predictions were dropped so far: %s", lost, reasons)
            self._told, self._told_at = lost, now


def _forked(known: "weakref.ref[Buffer]") -> None:
    """In a child process: what waits is the parent's to send, and so are its connections."""
    buffer = known()
    if buffer is not None:
        buffer.restart()


def _refused(error: HomeostatError, n: int) -> list[int]:
    """The places of the rows that the service found wrong."""
    problems = error.problems if isinstance(error, UserError) else []
    places = {int(one[1]) for one in map(re.compile(r"rows\[(\d{1,9})\]").match, problems) if one}
    return sorted(one for one in places if one < n)
