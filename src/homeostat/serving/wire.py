"""Reading a body off the wire: not too large, not too slow, not compressed, not too many at once.

The bounds of a connection, before there is a request, stand in `connections`.
"""

import asyncio
import re
from collections.abc import Iterable
from typing import NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope

from homeostat.serving.arrival import arrived
from homeostat.serving.door import MAX_BODY_BYTES

__all__ = ["Bodies", "read_body"]

SLOWEST_S = 10.0  #: until all of a body is there
HELD_BYTES = 16 * 2**20  #: of all bodies that are under way

LONGEST_NUMBER = 18  #: digits of a length that is read as one
JSON = re.compile(rb"\s*application/(?:[\w.+-]+\+)?json\s*(?:;|$)", re.IGNORECASE)

#: What is left of a body that is refused would else be taken for the next request.
CLOSE = {"Connection": "close"}


class Bodies:
    """Reads bodies, and holds only so much of those that are not yet whole.

    Parameters
    ----------
    largest
        Bytes of one body.
    held
        Bytes of all bodies that are under way; at least `largest`.
    slowest_s
        Until a body must be there.
    """

    def __init__(
        self,
        largest: int = MAX_BODY_BYTES,
        held: int = HELD_BYTES,
        slowest_s: float = SLOWEST_S,
    ) -> None:
        self._largest = largest
        self._most = max(held, largest)
        self._slowest_s = slowest_s
        self._held = 0

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """The raw bytes of the body of a request.

        Raises
        ------
        HTTPException
            413 when it is too large, 408 when it does not come, 415 when it is compressed or
            says that it is no JSON, 503 when too many bodies are under way.
        """
        self._refuse_by_headers(scope["headers"])
        message, receive = arrived(receive)
        if message is not None:
            if message["type"] == "http.request" and not message.get("more_body", False):
                body: bytes = message.get("body", b"")
                return body if len(body) <= self._largest else self._too_large()
            receive = _after(message, receive)
        try:
            async with asyncio.timeout(self._slowest_s):
                return await self._read(Request(scope, receive))
        except TimeoutError as error:
            late = f"the body did not arrive within {self._slowest_s:g} s"
            raise HTTPException(408, late, CLOSE) from error
        except ClientDisconnect as error:
            raise HTTPException(400, "the connection was closed before the body's end") from error

    async def _read(self, request: Request) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            async for part in request.stream():
                size += len(part)
                self._held += len(part)
                parts.append(part)
                self._refuse_too_much(size)
        finally:
            self._held -= size
        return b"".join(parts)

    def _refuse_by_headers(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        for name, value in headers:
            if name == b"content-length":
                if value.isdigit() and (len(value) > LONGEST_NUMBER or int(value) > self._largest):
                    self._too_large()
            elif name == b"content-type" and value != b"application/json":
                _refuse_unless(JSON.match(value), name, value, "send application/json")
            elif name == b"content-encoding":
                plain = value.strip().lower() == b"identity"
                _refuse_unless(plain, name, value, "send the body as it is")

    def _refuse_too_much(self, size: int) -> None:
        if size > self._largest:
            self._too_large()
        if self._held > self._most:
            message = "too many bodies are under way; try again"
            raise HTTPException(503, message, {**CLOSE, "Retry-After": "1"})

    def _too_large(self) -> NoReturn:
        message = f"a body may have {self._largest:,} bytes; send it in parts"
        raise HTTPException(413, message, CLOSE)


async def read_body(request: Request) -> bytes:
    """The raw bytes of the body, within the bounds of the application; see `Bodies.read`."""
    bodies: Bodies = request.app.state.bodies
    return await bodies.read(request.scope, request.receive)


def _after(message: Message, receive: Receive) -> Receive:
    """What gives the message that came already, and then those that are left."""
    first = [message]

    async def receive_all() -> Message:
        return first.pop() if first else await receive()

    return receive_all


def _refuse_unless(fits: object, name: bytes, value: bytes, advice: str) -> None:
    if not fits:
        said = value[:40].decode("latin-1")
        raise HTTPException(415, f"{name.decode()} {said!r}; {advice}", CLOSE)
