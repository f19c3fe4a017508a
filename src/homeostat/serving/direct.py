"""The short way for what is asked most: one row, for the version in service."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from homeostat.errors import HomeostatError
from homeostat.serving.answers import Answer
from homeostat.serving.metering import note
from homeostat.serving.service import Service
from homeostat.serving.wire import read_body

__all__ = ["Direct", "Refuse"]

#: The answer to a request that is refused.
Refuse = Callable[[Request, HomeostatError | HTTPException], Awaitable[Response]]


class Direct:
    """Answers rows without FastAPI's routing, which costs as much as everything else together.

    The route at the same path says what there is in the description, and answers what has a
    query; both ask the same function, read and write with the same ones, and refuse alike.

    Parameters
    ----------
    app
        Answers everything else.
    services
        Who answers `POST`, by path.
    refuse
        Makes the answer of an error.
    """

    def __init__(self, app: ASGIApp, services: Mapping[str, Service], refuse: Refuse) -> None:
        self._app = app
        self._services = dict(services)
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"]:
            service = None
        else:
            service = self._services.get(scope["path"])
        if service is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            body = await _answered(service, request)
        except (HomeostatError, HTTPException) as error:
            response = await self._refuse(request, error)
            await response(scope, receive, send)
        else:
            await _send(send, body)


async def _answered(service: Service, request: Request) -> bytes:
    champion = await service.champions.get()
    note(request.scope, service.model, champion.version.number, 1)
    body = await read_body(request)
    row = champion.requests.one(body, now=service.clock())
    [answer] = await service.predict([row], champion)
    return Answer.encoded(answer, durable=service.durable)


async def _send(send: Send, body: bytes) -> None:
    headers = [
        (b"content-length", str(len(body)).encode()),
        (b"content-type", b"application/json"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
