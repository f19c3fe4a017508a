"""Reading a body off the wire: not too large, not too slow, not compressed."""

import asyncio
from typing import NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from homeostat.serving.arrival import arrived

__all__ = ["read_body"]

LARGEST = 4 * 2**20  #: bytes of a body
SLOWEST_S = 10.0  #: until all of it is there


async def read_body(request: Request) -> bytes:
    """The raw bytes of the body.

    Raises
    ------
    HTTPException
        413 when it is too large, 408 when it does not come, 415 when it is compressed.
    """
    for name, value in request.scope["headers"]:
        if name == b"content-encoding" and value.strip().lower() != b"identity":
            coding = value[:40].decode("latin-1")
            raise HTTPException(415, f"content-encoding {coding!r}; send the body as it is")
    message, receive = arrived(request.receive)
    if message is not None:
        if message["type"] == "http.request" and not message.get("more_body", False):
            body: bytes = message.get("body", b"")
            return body if len(body) <= LARGEST else _too_large()
        receive = _after(message, receive)
    request = Request(request.scope, receive)
    try:
        async with asyncio.timeout(SLOWEST_S):
            return await _read(request)
    except TimeoutError as error:
        raise HTTPException(408, f"the body did not arrive within {SLOWEST_S:g} s") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "the connection was closed before the end of the body") from error


async def _read(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > LARGEST:
        _too_large()
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            _too_large()
        parts.append(part)
    return b"".join(parts)


def _after(message: Message, receive: Receive) -> Receive:
    """What gives the message that came already, and then those that are left."""
    first = [message]

    async def receive_all() -> Message:
        return first.pop() if first else await receive()

    return receive_all


def _too_large() -> NoReturn:
    raise HTTPException(413, f"a body may have {LARGEST:,} bytes; send it in parts")
