"""The models that one process serves, by name."""

import asyncio
from collections.abc import Iterator, Sequence

from homeostat.errors import NotFound
from homeostat.serving.answers import Health
from homeostat.serving.service import Service
from homeostat.store import Writer

__all__ = ["Services"]


class Services:
    """Several services over one writer; one of them is meant where no model is named.

    Parameters
    ----------
    writer
        Of all of them.  It is started and stopped here, the store is closed by whoever
        opened it.
    services
        One for each model, the one of the short routes first.
    """

    def __init__(self, writer: Writer, services: Sequence[Service]) -> None:
        self.default = services[0]
        self._writer = writer
        self._by_name = {one.model: one for one in services}

    def __iter__(self) -> Iterator[Service]:
        return iter(self._by_name.values())

    def get(self, name: str | None = None) -> Service:
        """The service of this model, or the default one.

        Raises
        ------
        NotFound
            When no model of this name is served; those that are, are named.
        """
        if name is None:
            return self.default
        service = self._by_name.get(name)
        if service is None:
            known = ", ".join(repr(one) for one in self._by_name)
            raise NotFound(f"no model {name[:64]!r} is served here; ask for {known}")
        return service

    async def health(self) -> Health:
        """Whether rows of the default model can be answered, and what is wrong with any model."""
        health = await self.default.health()
        problems = [
            f"{one.model}: {one.champions.problem or 'no model is loaded yet'}"
            for one in self
            if one is not self.default and (one.champions.problem or one.champions.current is None)
        ]
        if not problems:
            return health
        healthy = health.status == "healthy"
        said = [] if healthy else [health.message]
        return health.model_copy(
            update={
                "status": "degraded" if healthy else health.status,
                "message": "; ".join([*said, *problems]),
            }
        )

    async def refresh(self) -> None:
        """Take over the versions that the store says are in service."""
        for one in self:
            await one.refresh()

    def start(self) -> None:
        """Begin to take answers into the store."""
        self._writer.start()

    async def stop(self) -> None:
        """Wait until all that was answered is in the store."""
        for one in self:
            await one.meter.write()
            await one.elsewhere.stop()
            await one.stop()
        await asyncio.to_thread(self._writer.stop)
