"""A whole answer is one write, and says what the usual way says, header by header."""

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from homeostat.serving.connections import Bounds, bounded
from tests.shell.serving.world import MODEL, ROW, World, until

pytestmark = pytest.mark.anyio

PROTOCOLS = [HttpToolsProtocol, H11Protocol]  # whole answers, and the usual way


class Wire(asyncio.Transport):
    """Keeps what is written, write by write."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def running(world: World) -> tuple[Any, AbstractAsyncContextManager[Any]]:
    app = world.app()
    return app, app.router.lifespan_context(app)


def connected(app: Any, protocol: Any) -> tuple[Any, Wire]:
    config = uvicorn.Config(app, http=protocol, ws="none", access_log=False, lifespan="off")
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"a day")]
    made = bounded(protocol, Bounds())(config=config, server_state=state, app_state={})
    wire = Wire()
    made.connection_made(wire)
    return made, wire


def request(key: str, *headers: bytes, row: Any = ROW, version: bytes = b"1.1") -> bytes:
    body = json.dumps({**row, "prediction_id": key}).encode()
    lines = (b"POST /predict HTTP/" + version, b"Host: x", b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, *headers, b"", body])


def ended(wire: Wire, answers: int = 1) -> bool:
    """Whether so many answers were written."""
    return b"".join(wire.written).count(b"}") == answers


def answer_of(writes: list[bytes]) -> tuple[bytes, set[bytes], Any]:
    """The first line, the headers and the body."""
    head, _, body = b"".join(writes).partition(b"\r\n\r\n")
    first, *headers = head.split(b"\r\n")
    assert len(set(headers)) == len(headers)
    return first.rstrip(), {one.lower() for one in headers}, json.loads(body)


ASKED = [
    pytest.param((), ROW, 200, id="a row"),
    pytest.param((b"Connection: close",), ROW, 200, id="the last one of its connection"),
    pytest.param((b"Expect: 100-continue",), ROW, 200, id="whether to continue"),
    pytest.param((), {"age": "x"}, 422, id="no row"),
]


@pytest.mark.parametrize(("headers", "row", "status"), ASKED)
async def test_both_ways_say_the_same(
    world: World, headers: tuple[bytes, ...], row: Any, status: int
) -> None:
    app, lifespan = running(world)
    said = []
    async with lifespan:
        for protocol in PROTOCOLS:
            made, wire = connected(app, protocol)
            made.data_received(request("a", *headers, row=row))
            await until(partial(ended, wire))
            writes = [one for one in wire.written if b"100 Continue" not in one]
            said.append((*answer_of(writes), wire.closed))

    assert said[0] == said[1]
    assert said[0][0].startswith(b"HTTP/1.1 %d" % status)
    assert said[0][3] is (b"Connection: close" in headers)


async def test_an_answer_is_one_write(world: World) -> None:
    app, lifespan = running(world)
    async with lifespan:
        made, wire = connected(app, HttpToolsProtocol)
        for i in range(3):
            made.data_received(request(f"{i}"))
            await until(partial(ended, wire, i + 1))

    assert [json.loads(one.partition(b"\r\n\r\n")[2])["prediction_id"] for one in wire.written] == [
        "0",
        "1",
        "2",
    ]


async def test_who_asks_twice_at_once_is_answered_in_turn(world: World) -> None:
    app, lifespan = running(world)
    async with lifespan:
        made, wire = connected(app, HttpToolsProtocol)
        made.data_received(request("a") + request("b"))
        await until(lambda: b"".join(wire.written).count(b'"prediction_id"') == 2)

    said = b"".join(wire.written)
    assert said.index(b'"a"') < said.index(b'"b"')
    assert said.count(b"HTTP/1.1 200 OK") == 2


async def test_who_reads_too_slowly_is_waited_for(world: World) -> None:
    app, lifespan = running(world)
    async with lifespan:
        made, wire = connected(app, HttpToolsProtocol)
        made.pause_writing()
        made.data_received(request("a"))
        await until(lambda: world.store.count_predictions(MODEL) == 1)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not wire.written
        made.resume_writing()
        await until(partial(ended, wire))


async def test_nothing_is_written_to_who_left(world: World) -> None:
    app, lifespan = running(world)
    async with lifespan:
        made, wire = connected(app, HttpToolsProtocol)
        made.data_received(request("a"))
        cycle = made._inner.cycle
        made.connection_lost(None)
        await until(lambda: cycle.response_complete or not made._inner.tasks)

    assert not wire.written
