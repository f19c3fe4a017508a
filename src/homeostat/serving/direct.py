"""The short way for what is asked most: one row, for the version in service."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from homeostat.errors import HomeostatError
from homeostat.serving.answers import Answer
from homeostat.serving.auth import Guard
from homeostat.serving.headers import SAFE
from homeostat.serving.metering import UNKNOWN
from homeostat.serving.metrics import Observer
from homeostat.serving.service import Service
from homeostat.serving.whole import send_json
from homeostat.serving.wire import Bodies

__all__ = ["Application", "Direct"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """Answers rows past FastAPI, whose way costs more than everything else together.

    The route at the same path says what there is in the description, and answers what has a
    query; both ask the same functions, read and write with the same ones, and refuse alike.
    """

    services: Mapping[str, Service]  #: who answers `POST`, by path
    guard: Guard  #: the keys
    bodies: Bodies  #: reads what is sent
    refuse: Callable[[Request, Exception], Awaitable[Response]]  #: makes the answer of an error
    observer: Observer  #: is told of every request

    def service(self, scope: Scope) -> Service | None:
        """Who answers a request this way; None where its route does."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"]:
            return None
        return self.services.get(scope["path"])

    async def answer(self, service: Service, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse; the key is asked for first, and every request is counted."""
        meter = service.meter
        begun = meter.monotonic()
        status, version = 500, UNKNOWN
        try:
            refusal = await self.guard.refusal(scope)
            if refusal is None:
                champion = await service.champions.get()
                version = champion.version.number
                body = await self.bodies.read(scope, receive)
                row = champion.requests.one(body, now=service.clock())
                [answer] = await service.predict([row], champion)
                told = Answer.encoded(answer, durable=service.durable)
                status = 200
                await send_json(scope, send, told)
            else:
                status = await _refuse(refusal, scope, receive, send)
        except Exception as error:
            if status == 200:
                raise
            refusal = await self.refuse(Request(scope, receive), error)
            status = await _refuse(refusal, scope, receive, send)
            if not isinstance(error, HomeostatError | HTTPException):
                raise
        finally:
            seconds = meter.monotonic() - begun
            meter.record(version, status, seconds, 1)
            self.observer.note(scope["path"], status, seconds, (service.model, version, 1))


class Application(FastAPI):
    """FastAPI's application, with a short way that is tried first."""

    direct: Direct | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service = self.direct and self.direct.service(scope)
        if self.direct and service:
            await self.direct.answer(service, scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


async def _refuse(refusal: Response, scope: Scope, receive: Receive, send: Send) -> int:
    refusal.raw_headers.extend(SAFE)
    await refusal(scope, receive, send)
    return refusal.status_code
