"""No connection takes more than its share: of time, of bytes, of places."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from homeostat.cli.serve import uvicorn_config
from homeostat.cli.settings_serving import ServingSettings
from homeostat.serving.connections import Bounds, bounded
from homeostat.serving.door import Door
from homeostat.serving.wire import Bodies
from tests.shell.serving.world import MODEL, ROW, World, until

pytestmark = pytest.mark.anyio

BOUNDS = Bounds(head_bytes=2000, head_s=0.3, request_bytes=100_000, connections=4)
BODY = json.dumps(ROW).encode()
HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(BODY)
PING = b"GET /model/info HTTP/1.1\r\nHost: x\r\n\r\n"


@asynccontextmanager
async def listening(world: World, http: Any, **options: Any) -> AsyncIterator[int]:
    """The port of the service, spoken to over real sockets."""
    app = world.app(**options)
    assert app.direct
    app.state.bodies = Bodies(20_000, 30_000, 0.5)
    app.direct = replace(app.direct, bodies=app.state.bodies)
    config = uvicorn.Config(app, http=http, ws="none", log_config=None, port=0, lifespan="on")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server._serve())
    await until(lambda: server.started or task.done())
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def port(world: World, anyio_backend: str) -> AsyncIterator[int]:
    async with listening(world, bounded(H11Protocol, BOUNDS)) as port:
        yield port


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        with closing(writer):
            pass


async def heard(port: int, *parts: bytes, pause_s: float = 0.0) -> bytes:
    """All that is answered to these bytes, until the other side closes."""
    async with connected(port) as (reader, writer):
        for part in parts:
            writer.write(part)
            await asyncio.sleep(pause_s)
        async with asyncio.timeout(5):
            return await reader.read()


def statuses(heard_: bytes) -> list[int]:
    return [int(one[:3]) for one in heard_.split(b"HTTP/1.1 ")[1:]]


def body_of(heard_: bytes) -> Any:
    return json.loads(heard_.rpartition(b"\r\n\r\n")[2])


CLOSING = PING.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([], id="nothing at all"),
        pytest.param([b"POST /pre"], id="half a line"),
        pytest.param([HEAD[:-2]], id="all but the last line"),
        pytest.param([HEAD[:-2], *[b"a: b\r\n"] * 3], id="a header now and then"),
        pytest.param([PING, b"GET /mo"], id="half a second request"),
        pytest.param([HEAD + BODY[:9]], id="half a body"),
        pytest.param([HEAD, *[BODY[i : i + 1] for i in range(9)]], id="a body byte by byte"),
    ],
)
async def test_who_takes_too_long_is_cut_off(port: int, parts: list[bytes]) -> None:
    begun = time.monotonic()
    answer = await heard(port, *parts, pause_s=0.05)

    assert time.monotonic() - begun < 3
    assert statuses(answer)[-1] == 408
    assert body_of(answer)["error"] == "RequestTimeout"


async def test_without_the_bound_uvicorn_waits_on(world: World) -> None:
    """The control: the same half request is not answered by uvicorn alone."""
    async with listening(world, "h11") as port, connected(port) as (reader, writer):
        writer.write(HEAD[:-2])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 5 * BOUNDS.head_s)


@pytest.mark.parametrize("protocol", [H11Protocol, HttpToolsProtocol])
async def test_a_large_body_takes_nothing_from_the_next_head(world: World, protocol: Any) -> None:
    batch = json.dumps({"rows": [ROW] * 100}).encode()  # more than a head may have
    head = HEAD.replace(b"/predict", b"/predict/batch").replace(
        b"%d" % len(BODY), b"%d" % len(batch)
    )
    assert len(batch) > BOUNDS.head_bytes
    async with (
        listening(world, bounded(protocol, BOUNDS)) as port,
        connected(port) as (reader, writer),
    ):
        for parts in ((head, batch[:3000], batch[3000:]), (HEAD, BODY), (head + batch,), (PING,)):
            for part in parts:
                writer.write(part)
                await asyncio.sleep(0.03)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", answer)
            assert answer.startswith(b"HTTP/1.1 200")
            assert length
            await reader.readexactly(int(length[1]))


async def test_who_keeps_to_the_bounds_is_answered(world: World, port: int) -> None:
    async with connected(port) as (reader, writer):
        for _ in range(5):
            for part in (HEAD[:30], HEAD[30:] + BODY[:9], BODY[9:]):
                writer.write(part)
                await asyncio.sleep(0.03)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            await reader.readuntil(b"}")
    pipelined = await heard(port, PING * 3 + CLOSING)

    assert statuses(pipelined) == [200] * 4
    assert world.store.count_predictions(MODEL) == 5


async def test_a_body_that_is_not_read_does_not_count_as_a_head(world: World, port: int) -> None:
    """An answer that needs no body is given at once; what is under way may still come."""
    big = b"x" * 18_000
    head = b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(big)
    answer = await heard(port, head, big[:9000], big[9000:], CLOSING, pause_s=0.02)

    assert statuses(answer) == [404, 200]


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n"], id="path"),
        pytest.param([b"GET / HTTP/1.1\r\n", b"a: " + b"b" * 3000], id="one header"),
        pytest.param([b"GET / HTTP/1.1\r\n", *[b"a: b\r\n" * 50] * 7], id="many headers"),
        pytest.param(
            [PING.replace(b"\r\n\r\n", b"\r\na: " + b"b" * 3000 + b"\r\n\r\n")], id="whole"
        ),
        pytest.param([PING, b"GET /" + b"a" * 3000], id="of the second request"),
    ],
)
async def test_a_head_that_is_too_long_is_431(port: int, parts: list[bytes]) -> None:
    answer = await heard(port, *parts, pause_s=0.01)

    assert statuses(answer)[-1] == 431
    assert body_of(answer)["status"] == 431


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"hello\r\n\r\n", id="no HTTP"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", id="TLS"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\na b: c\r\n\r\n", id="broken header"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\na: \x00\r\n\r\n", id="NUL in a header"),
        pytest.param(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", id="minus one"
        ),
        pytest.param(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            id="two lengths",
        ),
        pytest.param(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", id="gzip"
        ),
        pytest.param(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
            id="broken chunk",
        ),
    ],
)
async def test_what_is_no_request_is_refused_in_our_words(port: int, sent: bytes) -> None:
    answer = await heard(port, sent)

    assert statuses(answer)[-1] in {400, 501}
    assert list(body_of(answer)) == ["error", "message", "status"]


def chunked(*chunks: bytes) -> bytes:
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in chunks) + b"0\r\n\r\n"


async def test_a_chunked_body_is_a_body(world: World, port: int) -> None:
    taken = await heard(port, chunked(BODY[:7], BODY[7:]), CLOSING)
    large = await heard(port, chunked(*[b" " * 1000] * 25))

    assert statuses(taken) == [200, 200]
    assert statuses(large) == [413]
    assert world.store.count_predictions(MODEL) == 1


async def test_a_declared_body_that_is_too_large_is_413_before_it_comes(port: int) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 20001\r\n\r\n"

    assert statuses(await heard(port, head)) == [413]


async def test_bodies_under_way_are_held_up_to_a_bound(world: World, port: int) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 19000\r\n\r\n"
    async with connected(port) as (_, first):
        first.write(head + b" " * 18_000)
        await asyncio.sleep(0.1)
        second = await heard(port, head + b" " * 18_000)
    await asyncio.sleep(0.6)  # the first is given up
    third = await heard(port, HEAD + BODY, CLOSING)

    assert statuses(second)[0] == 503
    assert b"retry-after: 1" in second
    assert statuses(third) == [200, 200]


async def test_a_request_of_endless_chunks_is_cut_off(port: int) -> None:
    """Its body is short; all the rest is the clothing of the chunks."""
    clothes = b"1;" + b"a" * 900 + b"\r\n \r\n"
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with connected(port) as (reader, writer):
        writer.write(head + clothes * 400)
        with pytest.raises(ConnectionError):
            await reader.read()


async def test_connections_have_a_bound(port: int) -> None:
    async with connected(port), connected(port), connected(port), connected(port):
        await asyncio.sleep(0.05)
        refused = await heard(port)
    await asyncio.sleep(0.05)
    again = await heard(port, CLOSING)

    assert statuses(refused) == [503]
    assert b"retry-after: 1" in refused
    assert statuses(again) == [200]


def test_the_command_serves_within_the_bounds(world: World) -> None:
    serving = ServingSettings(max_connections=7, max_body_bytes=1000)
    config = uvicorn_config(world.app(), serving)
    make: Any = config.http

    held = [cell.cell_contents for cell in make.__closure__]
    assert Bounds(connections=7, request_bytes=4000) in held
    assert config.ws == "none"


def test_the_bounds_are_those_that_are_promised() -> None:
    bounds = Bounds()

    assert (bounds.head_bytes, bounds.head_s) == (16 * 1024, 10.0)
    assert (Door().max_body_bytes, ServingSettings().max_body_bytes) == (2**20, 2**20)
    assert replace(bounds, connections=1) != bounds
