"""Signs of life of the service, and its looks at those of the loops."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from homeostat.errors import HomeostatError
from homeostat.liveness import Beat, LivenessPolicy
from homeostat.serving.champion import Champions
from homeostat.serving.metering import Meter
from homeostat.serving.shadow import Shadowing
from homeostat.vigil import SERVICE, Told, Vigil

__all__ = ["ServicePulse"]

log = structlog.get_logger()

#: Every loop of a service turns about once a second; after so long without a success one that
#: had some is in trouble.
LATE = timedelta(minutes=2)


class ServicePulse:
    """Tells that the service runs and its loops turn, and asks how those of the model do.

    Parameters
    ----------
    vigil
        Looks whether all loops of the model are alive.
    clock
        The time, UTC.
    """

    def __init__(self, vigil: Vigil, clock: Callable[[], datetime]) -> None:
        self._vigil, self._clock = vigil, clock
        self._noted: dict[str, datetime] = {}
        self._others: dict[str, datetime] = {}
        self._every_s: float | None = None

    def keep(
        self, policy: LivenessPolicy, *, every_s: float | None, told: Told | None = None
    ) -> None:
        """Give signs and look so often; with None neither is done, which is so at first."""
        self._vigil = replace(self._vigil, policy=policy, told=told or self._vigil.told)
        self._every_s = every_s

    def follow(self, champions: Champions, meter: Meter, shadowing: Shadowing) -> None:
        """Take note of what the loops of the service do."""
        champions.succeeded = self.note("refresh")
        meter.succeeded = self.note("traffic")
        meter.compacted = self.note("compaction")
        shadowing.succeeded = self.note("shadow")

    def note(self, loop: str) -> Callable[[], None]:
        """What takes note of a success of this loop."""
        return partial(self._note, loop)

    def last_successes(self) -> dict[str, datetime]:
        """When each loop last did its work: those of this process, and those that were read."""
        return {**self._others, **self._noted}

    async def run(self) -> None:
        """Give signs of life and look for ever."""
        if self._every_s is None:
            return
        await self._tell(self.begin)
        while True:
            await asyncio.sleep(self._every_s)
            await self._tell(self.tick)

    def begin(self) -> None:
        """Promise to give signs of life; nobody is looked at before they had time to start."""
        heart, model, now = self._vigil.store.heart, self._vigil.model, self._clock()
        if self._every_s is not None:
            heart.promised(model, SERVICE, every_s=self._every_s, at=now)
        heart.seen(model, SERVICE, at=now)
        self._read(heart.beats(model))

    def tick(self) -> None:
        """Say how the service does, and look how everyone else does."""
        heart, model, now = self._vigil.store.heart, self._vigil.model, self._clock()
        heart.seen(model, SERVICE, at=now)
        late = self._late(now)
        if late:
            heart.failed(model, SERVICE, at=now, problem=late)
        else:
            heart.succeeded(model, SERVICE, at=now)
        self._read(heart.beats(model))
        self._vigil.look(now=now)

    async def _tell(self, one: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(one)
        except HomeostatError as error:
            log.warning("no sign of life", model=self._vigil.model, error=str(error))
        except Exception:  # the edge of this task: it must outlive any surprise
            log.exception("no sign of life", model=self._vigil.model)

    def _note(self, loop: str) -> None:
        self._noted[loop] = self._clock()

    def _late(self, now: datetime) -> str:
        """The loops of this process that did their work once and no longer do."""
        turning = {name: at for name, at in self._noted.items() if name != "compaction"}
        late = [f"{name} since {at:%H:%M:%S}" for name, at in turning.items() if now - at > LATE]
        return f"no success of {', '.join(late)}" if late else ""

    def _read(self, beats: list[Beat]) -> None:
        self._others = {one.loop: one.succeeded_at for one in beats if one.succeeded_at}
