"""Doing something every so many seconds until told to stop."""

import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from homeostat.cli.clock import system_clock
from homeostat.cli.pulse import Pulse
from homeostat.errors import HomeostatError
from homeostat.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from homeostat.store import Store

__all__ = ["Rounds"]

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """Rounds of one process, from start to SIGTERM or SIGINT.

    A round that fails is logged and written down as an ERROR verdict of the question
    "watch"; it is never taken for good news, and the next round is made all the same.
    """

    store: "Store"
    model: str
    interval_s: float
    pulse: Pulse | None = None  #: tells the others how the rounds do
    tell: Callable[[Sequence[Verdict]], Any] | None = None  #: what makes alerts of "watch"

    def run(self, one_round: Callable[[], Any]) -> None:
        """Make rounds until told to stop; the one under way is ended first."""
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        with self.pulse.beating(self.interval_s) if self.pulse else nullcontext():
            while not stop.is_set():
                self.once(one_round)
                stop.wait(self.interval_s)

    def once(self, one_round: Callable[[], Any]) -> bool:
        """Make one round; False when it failed."""
        try:
            one_round()
        except HomeostatError as error:
            log.exception("a round failed", model=self.model)
            self._write_down(error)
            if self.pulse:
                self.pulse.failed(error)
            return False
        if self.pulse:
            self.pulse.succeeded()
        return True

    def _write_down(self, error: HomeostatError) -> None:
        reason = f"{type(error).__name__}: {error}"
        verdict = Verdict(question="watch", outcome=Outcome.ERROR, reason=reason)
        try:
            self.store.add_verdict(self.model, verdict, system_clock())
            if self.tell is not None:
                self.tell([verdict])
        except HomeostatError:
            log.exception("the failure could not be written down", model=self.model)
