"""Whole answers: head and body in one write, offered by the server as an extension of ASGI.

uvicorn looks at every header of every answer with two regular expressions, and writes the head
and the body one after the other, which costs more than to parse and validate a row.  Most
answers of ours have the same head but for the date and the length.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from starlette.types import Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from homeostat.serving.headers import SAFE

__all__ = ["offer", "send_json"]

EXTENSION = "homeostat.whole_answer"

#: Sends the lines of a head behind its first, and a body; False where it sent nothing.
_SendWhole: TypeAlias = Callable[[bytes, bytes], bool]

_TYPE = (b"content-type", b"application/json")
_LINES = b"".join(b"%b: %b\r\n" % one for one in (_TYPE, *SAFE))


def offer(cycle: Any) -> None:
    """Offer it to the application that will answer in this cycle of uvicorn, if it is known."""
    if isinstance(cycle, RequestResponseCycle):
        extensions: dict[str, Any] = {EXTENSION: _Cycle(cycle).send}
        cycle.scope["extensions"] = extensions


async def send_json(scope: Scope, send: Send, body: bytes) -> None:
    """Answer with 200 and this JSON: in one write where that is offered."""
    whole: _SendWhole | None = scope.get("extensions", {}).get(EXTENSION)
    length = str(len(body)).encode()
    if whole and whole(b"content-length: %b\r\n%b\r\n" % (length, _LINES), body):
        return
    headers = [(b"content-length", length), _TYPE, *SAFE]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Cycle:
    """One request and its answer, as uvicorn keeps them."""

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle

    def send(self, lines: bytes, body: bytes) -> bool:
        """Do what `RequestResponseCycle.send` does with both messages of a plain answer."""
        cycle = self._cycle
        plain = cycle.keep_alive and not cycle.access_log and not cycle.response_started
        if cycle.disconnected or cycle.flow.write_paused or not plain:
            return False
        cycle.waiting_for_100_continue = False
        cycle.response_started = cycle.response_complete = True
        cycle.transport.write(_begin(cycle.default_headers) + lines + body)
        cycle.message_event.set()
        cycle.on_response()
        return True


def _begin(headers: list[tuple[bytes, bytes]]) -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + b"".join(b"%b: %b\r\n" % one for one in headers)
