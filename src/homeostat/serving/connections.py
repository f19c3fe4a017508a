"""The bounds of a connection, which uvicorn does not set: time, bytes and number."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from homeostat.serving.answers import Failure
from homeostat.serving.headers import SAFE
from homeostat.serving.whole import offer

__all__ = ["Bounded", "Bounds", "bounded"]

_PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a connection may take."""

    head_bytes: int = 16 * 2**10  #: the line of the request and its headers
    head_s: float = 10.0  #: until all of that is there, from the connection or its first byte
    request_bytes: int = 2**22  #: a whole request as it is sent, chunks and trailers included
    connections: int = 500  #: at a time


class Bounded(asyncio.Protocol):
    """One connection, spoken for by a protocol of uvicorn as long as it keeps to the bounds.

    uvicorn gives a caller all the time it wants to send the head of a request, and with
    httptools all the bytes; so a few hundred silent connections take the service down.

    Parameters
    ----------
    inner
        The protocol of uvicorn; that it is told of a request shows in its `cycle`.
    bounds
        What the connection may take.
    """

    def __init__(self, inner: Any, bounds: Bounds) -> None:
        self._inner = inner
        self._bounds = bounds
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self._head = 0  #: bytes of a head that is not whole yet
        self._received = 0  #: bytes of the last request, from that on in which its head ended
        self._timer: asyncio.TimerHandle | None = None
        inner.send_400_response = self._refuse_broken

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._inner.connection_made(transport)
        if len(self._inner.connections) > self._bounds.connections:
            self._refuse(
                503, "Unavailable", "too many connections; try again", "retry-after: 1\r\n"
            )
        else:
            self._timer = self._loop.call_later(self._bounds.head_s, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self._inner.cycle
        room = self._bounds.head_bytes - self._head
        if _is_over(before) and len(data) > room:
            self._feed(data[:room])
            if self._inner.cycle is before:
                self._too_long()
            else:
                self._feed(data[room:])
            return
        self._feed(data)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def eof_received(self) -> bool | None:
        known: bool | None = self._inner.eof_received()
        return known

    def _feed(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        before = self._inner.cycle
        over = _is_over(before)
        self._inner.data_received(data)
        if self._inner.cycle is not before:
            offer(self._inner.cycle)
            self._stop_timer()
            self._head, self._received = 0, len(data)
            return
        if over:
            self._head += len(data)
        else:
            self._received += len(data)
        waiting = before is None or before.response_complete
        if waiting and self._timer is None:
            self._timer = self._loop.call_later(self._bounds.head_s, self._too_slow)
        if self._received > self._bounds.request_bytes:
            self._transport.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        message = f"the head of the request did not arrive within {self._bounds.head_s:g} s"
        self._refuse(408, "RequestTimeout", message)

    def _too_long(self) -> None:
        message = f"the head of a request may have {self._bounds.head_bytes:,} bytes"
        self._refuse(431, "RequestHeaderFieldsTooLarge", message)

    def _refuse_broken(self, _: str) -> None:
        self._refuse(400, "BadRequest", "this is no HTTP request")

    def _refuse(self, status: int, error: str, message: str, more: str = "") -> None:
        """Say why, in the shape that all errors have, and close the connection."""
        if self._transport.is_closing():
            return
        body = Failure(error=error, message=message, status=status).model_dump_json().encode()
        safe = b"".join(b"%b: %b\r\n" % one for one in SAFE)
        head = (
            f"HTTP/1.1 {status} {_PHRASES[status]}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n{more}"
        )
        self._transport.write(head.encode() + safe + b"\r\n" + body)
        self._transport.close()


def _is_over(cycle: Any) -> bool:
    """Whether what comes next belongs to another request."""
    return cycle is None or (cycle.response_complete and not cycle.more_body)


def bounded(protocol: type[Any], bounds: Bounds) -> Callable[..., Bounded]:
    """What makes a connection of uvicorn's `protocol` that keeps to the bounds."""

    def make(**options: Any) -> Bounded:
        return Bounded(protocol(**options), bounds)

    return make
