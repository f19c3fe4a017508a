"""The first message of a request, for nothing where it is there already."""

from collections.abc import Awaitable, Generator
from types import CoroutineType
from typing import Any

from starlette.types import Message, Receive

__all__ = ["arrived"]


def arrived(receive: Receive) -> tuple[Message | None, Receive]:
    """The first message, if it needs no waiting; and what gives the messages that are left.

    Most bodies come with their headers.  To watch over the time until something comes costs
    as much as to read a row, so it is for those that are not there yet.
    """
    receiving: Awaitable[Message] = receive()
    if isinstance(receiving, CoroutineType):
        try:
            waits_for = receiving.send(None)
        except StopIteration as end:
            return end.value, receive
        receiving = _Begun(receiving, waits_for)
    begun = [receiving]

    async def receive_begun() -> Message:
        return await (begun.pop() if begun else receive())

    return None, receive_begun


class _Begun:
    """What a coroutine gives that has begun already, and said what it waits for."""

    __slots__ = ("_coroutine", "_waits_for")

    def __init__(self, coroutine: "CoroutineType[Any, None, Message]", waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, None, Message]:
        try:
            yield self._waits_for
        except BaseException:  # such as a timeout: it is waited for no more
            self._coroutine.close()
            raise
        return (yield from self._coroutine.__await__())
