"""Signs of life of a process that makes rounds, and its looks at those of the others."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from homeostat.errors import HomeostatError
from homeostat.liveness import State

if TYPE_CHECKING:
    from homeostat.heartbeat import Heartbeat
    from homeostat.vigil import Vigil

__all__ = ["Pulse"]

log = structlog.get_logger()


class Pulse:
    """Tells that this process runs, and whether its rounds succeed.

    Parameters
    ----------
    vigil
        Looks whether all loops of the model are alive.
    loop
        The name of this one.
    every_s
        Between two signs of life.
    clock
        The time, UTC.
    heartbeat
        Goes outside with every sign of life while the last round succeeded and the next one
        is not overdue.
    """

    def __init__(
        self,
        vigil: "Vigil",
        loop: str,
        *,
        every_s: float,
        clock: Callable[[], datetime],
        heartbeat: "Heartbeat | None" = None,
    ) -> None:
        self._vigil, self._loop, self._every_s = vigil, loop, every_s
        self._clock, self._heartbeat = clock, heartbeat
        self._well = threading.Event()  #: while the last round of this process succeeded

    @contextmanager
    def beating(self, interval_s: float) -> Iterator[None]:
        """Promise a round every so many seconds, and give signs of life from now to the end.

        From a thread of its own: a round that hangs is told from a process that does.
        """
        self._try(lambda: self.promise(interval_s))
        self._try(self._seen)
        end = threading.Event()
        thread = threading.Thread(target=self._until, args=(end,), name="pulse", daemon=True)
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()

    def promise(self, interval_s: float) -> None:
        """Write down that a round will be made every so many seconds."""
        heart, model = self._vigil.store.heart, self._vigil.model
        heart.promised(model, self._loop, every_s=interval_s, at=self._clock())

    def succeeded(self) -> None:
        """Write down that a round was done; a store that does not take it is logged."""
        self._well.set()
        heart, model = self._vigil.store.heart, self._vigil.model
        self._try(lambda: heart.succeeded(model, self._loop, at=self._clock()))

    def failed(self, error: HomeostatError) -> None:
        """Write down that a round failed, and why; a store that does not take it is logged."""
        self._well.clear()
        heart, model = self._vigil.store.heart, self._vigil.model
        problem = f"{type(error).__name__}: {error}"
        self._try(lambda: heart.failed(model, self._loop, at=self._clock(), problem=problem))

    def tick(self) -> None:
        """Look at all loops, and send the heartbeat if this one is well.

        Raises
        ------
        HomeostatError
            When the store does not answer; then there is no heartbeat either.
        """
        verdict = self._vigil.look(now=self._clock())
        state = verdict.details["states"].get(self._loop, State.FREE.value)
        well = state in {State.ALIVE.value, State.FREE.value}
        if self._heartbeat is not None and self._well.is_set() and well:
            self._send(self._heartbeat)

    def _send(self, heartbeat: "Heartbeat") -> None:
        from homeostat.vigil import HEARTBEAT

        heart, model = self._vigil.store.heart, self._vigil.model
        try:
            heartbeat.send()
        except HomeostatError as error:
            log.warning("heartbeat not sent", model=model, error=str(error))
            heart.failed(model, HEARTBEAT, at=self._clock(), problem=str(error))
        else:
            heart.succeeded(model, HEARTBEAT, at=self._clock())

    def _seen(self) -> None:
        self._vigil.store.heart.seen(self._vigil.model, self._loop, at=self._clock())

    def _until(self, end: threading.Event) -> None:
        while not end.wait(self._every_s):
            try:
                self._seen()
                self.tick()
            except HomeostatError as error:
                log.warning("no sign of life", model=self._vigil.model, error=str(error))
            except Exception:  # the edge of this thread: it must outlive any surprise
                log.exception("no sign of life", model=self._vigil.model)

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        except HomeostatError as error:
            log.warning("no sign of life", model=self._vigil.model, error=str(error))
