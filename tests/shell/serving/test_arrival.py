"""What came already is taken at once; what did not is waited for, and within bounds."""

import asyncio
from collections.abc import Sequence

import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from homeostat.serving.arrival import arrived
from homeostat.serving.wire import Bodies

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def part(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def giving(messages: Sequence[Message], *, waiting: bool) -> Receive:
    """Gives one message after the other, then nothing for ever."""
    left = list(messages)

    async def receive() -> Message:
        if waiting:
            await asyncio.sleep(0)
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return receive


SCOPE = {"type": "http", "method": "POST", "path": "/", "headers": []}
BODIES = Bodies(slowest_s=0.01)


@pytest.mark.parametrize("waiting", [False, True])
@pytest.mark.parametrize("parts", [(b"abc",), (b"a", b"b", b"c"), (b"", b"abc"), (b"ab", b"c")])
async def test_a_body_is_whole_however_it_comes(parts: Sequence[bytes], waiting: bool) -> None:
    messages = [part(one, more=i < len(parts) - 1) for i, one in enumerate(parts)]

    assert await BODIES.read(SCOPE, giving(messages, waiting=waiting)) == b"abc"


async def test_what_is_there_is_taken_without_waiting() -> None:
    message, _ = arrived(giving([part(b"abc")], waiting=False))

    assert message == part(b"abc")


async def test_what_was_begun_is_ended_once_and_the_rest_comes_behind_it() -> None:
    message, receive = arrived(giving([part(b"a"), part(b"b")], waiting=True))

    assert message is None
    assert [await receive(), await receive()] == [part(b"a"), part(b"b")]


@pytest.mark.parametrize("waiting", [False, True])
@pytest.mark.parametrize("first", [[], [part(b"a", more=True)]])
async def test_a_body_that_does_not_come_is_refused(first: list[Message], waiting: bool) -> None:
    with pytest.raises(HTTPException) as refused:
        await BODIES.read(SCOPE, giving(first, waiting=waiting))

    assert refused.value.status_code == 408


@pytest.mark.parametrize("waiting", [False, True])
async def test_a_caller_that_leaves_is_told_nothing_more(waiting: bool) -> None:
    left: Message = {"type": "http.disconnect"}
    with pytest.raises(HTTPException) as refused:
        await BODIES.read(SCOPE, giving([left], waiting=waiting))

    assert refused.value.status_code == 400


async def test_what_gives_a_future_is_waited_for() -> None:
    future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
    future.set_result(part(b"abc"))

    assert await BODIES.read(SCOPE, lambda: future) == b"abc"
