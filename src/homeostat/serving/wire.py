"""Reading a body off the wire: not too large, not too slow, not compressed."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

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
    coding = request.headers.get("content-encoding", "identity")
    if coding.strip().lower() != "identity":
        raise HTTPException(415, f"content-encoding {coding[:40]!r}; send the body as it is")
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


def _too_large() -> None:
    raise HTTPException(413, f"a body may have {LARGEST:,} bytes; send it in parts")
