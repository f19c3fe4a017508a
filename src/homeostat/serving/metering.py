"""Counting requests as they are answered, and writing the counts down behind the answers."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from homeostat.errors import HomeostatError
from homeostat.store import MinuteTraffic, Store, minute_of
from homeostat.traffic import TrafficCounter

__all__ = ["UNKNOWN", "Meter", "Metered", "note"]

log = structlog.get_logger()

UNKNOWN = 0  #: the version of a request that none was found for

MINUTE = timedelta(minutes=1)

#: Minutes that are still written after they ended, before their counts are let go.
KEPT = timedelta(minutes=2)

#: Age of an hour from which on its minutes become one: every process has written them by then.
COMPACTED_AFTER = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class _Latest:
    """Where the last request was counted; most are counted where the one before was."""

    version: int
    begin: datetime
    end: datetime
    counter: TrafficCounter


class Meter:
    """Counts what became of requests, by version and minute.

    Everything happens in the thread of the event loop, except the writing.  A process that
    is killed loses what it has not written yet: up to `run`'s interval of counts, and no
    prediction.

    Parameters
    ----------
    store, model
        Where the counts go, and of which model they are.
    clock
        The time, UTC.
    process
        A name that no other process has, now or later.
    monotonic
        Seconds, for latencies.
    """

    def __init__(
        self,
        store: Store,
        model: str,
        *,
        clock: Callable[[], datetime],
        process: str,
        monotonic: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.monotonic = monotonic
        self._store = store
        self._model = model
        self._clock = clock
        self._process = process
        self._counters: dict[tuple[int, datetime], TrafficCounter] = {}
        self._changed: set[tuple[int, datetime]] = set()
        self._latest: _Latest | None = None
        self._compacted: datetime | None = None
        self.succeeded: Callable[[], None] = lambda: None  #: is told when all is written
        self.compacted: Callable[[], None] = lambda: None  #: and when old hours were joined

    def record(self, version: int, status: int, seconds: float, rows: int) -> None:
        """Count a request that got this HTTP status after so many seconds."""
        now, latest = self._clock(), self._latest
        if latest is None or latest.version != version or not latest.begin <= now < latest.end:
            latest = self._latest = self._begun(version, now)
        counter = latest.counter
        if status < 400:
            counter.answer(seconds, rows)
        elif status < 500:
            counter.refusal()
        else:
            counter.failure()

    def _begun(self, version: int, now: datetime) -> "_Latest":
        """Where to count what a version answers now."""
        minute = minute_of(now)
        self._changed.add((version, minute))
        counter = self._counters.setdefault((version, minute), TrafficCounter())
        return _Latest(version, minute, minute + MINUTE, counter)

    async def write(self) -> None:
        """Write down what was counted since the last time.

        What the store does not take is written the next time.
        """
        changed, self._changed, self._latest = self._changed, set(), None
        minutes = [
            MinuteTraffic(self._model, *key, self._process, self._counters[key].traffic)
            for key in sorted(changed)
        ]
        try:
            await asyncio.to_thread(self._store_all, minutes)
        except HomeostatError as error:
            self._changed |= changed
            log.warning("traffic not written", model=self._model, error=str(error))
            return
        self.succeeded()
        over = self._clock() - KEPT
        for key in [one for one in self._counters if one[1] < over and one not in self._changed]:
            del self._counters[key]

    async def run(self, every_s: float) -> None:
        """Write for ever."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.write()
            except Exception:  # the edge of this task: it must outlive any surprise
                log.exception("traffic not written", model=self._model)

    def _store_all(self, minutes: list[MinuteTraffic]) -> None:
        if minutes:
            self._store.add_traffic(minutes)
        hour = (self._clock() - COMPACTED_AFTER).replace(minute=0, second=0, microsecond=0)
        if hour != self._compacted:
            self._store.compact_traffic(self._model, hour)
            self._compacted = hour
            self.compacted()


class Metered:
    """Measures requests, from their first byte to their last answer.

    Parameters
    ----------
    app
        What answers; it says by `note` which version did, and how many rows.
    meters
        By path what is told of every request to it, and to what lies right below it.
    """

    def __init__(self, app: ASGIApp, meters: Mapping[str, Meter]) -> None:
        self._app = app
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        meter = self._meter(scope["path"]) if scope["type"] == "http" else None
        if meter is None:
            await self._app(scope, receive, send)
            return
        status = 500  # of a request whose answer never began

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        scope.setdefault("state", {})
        begun = meter.monotonic()
        try:
            await self._app(scope, receive, sending)
        finally:
            _, version, rows = scope["state"].get("answered", ("", UNKNOWN, 1))
            meter.record(version, status, meter.monotonic() - begun, rows)

    def _meter(self, path: str) -> Meter | None:
        return self._meters.get(path) or self._meters.get(path.rpartition("/")[0])


def note(scope: Scope, model: str, version: int, rows: int) -> None:
    """Say which version of which model a request is for, and how many rows it has."""
    scope.setdefault("state", {})["answered"] = (model, version, rows)
