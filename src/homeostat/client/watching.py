"""Logging what another service answers: around a function, or around an ASGI application."""

import functools
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, TypeAlias

from homeostat.client.buffer import Buffer, Rows

__all__ = ["Extract", "LoggedPredictions", "Watched"]

#: Makes a row, or a sequence of rows, of a call's arguments.
Extract: TypeAlias = Callable[..., Any]

_Scope: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Watched:
    """Puts what a function is called with into a buffer."""

    buffer: Buffer
    model_version: str
    features: Extract
    probability: Callable[[Any], Any] | None

    def around(self, function: Any) -> Any:
        """The function, plain or async, that also logs."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def later(*args: Any, **kwargs: Any) -> Any:
                rows = self._taken(args, kwargs)
                result = await function(*args, **kwargs)
                self._note(rows, result)
                return result

            return later

        @functools.wraps(function)
        def at_once(*args: Any, **kwargs: Any) -> Any:
            rows = self._taken(args, kwargs)
            result = function(*args, **kwargs)
            self._note(rows, result)
            return result

        return at_once

    def _taken(self, args: Any, kwargs: Any) -> Rows:
        """Copies of the rows of a call, before the function can change them."""
        try:
            return _each(self.features(*args, **kwargs))
        except Exception:  # noqa: BLE001  # who is watched must not notice
            self.buffer.lose(1, "not readable")
            return []

    def _note(self, rows: Rows, result: Any) -> None:
        if rows:
            self.buffer.put_rows(lambda: self._dressed(rows, result))

    def _dressed(self, rows: Rows, result: Any) -> Rows:
        said = None if self.probability is None else self.probability(result)
        scores = said if isinstance(said, Sequence) else [said] * len(rows)
        return [
            {
                "features": row,
                "model_version": self.model_version,
                "probability": None if score is None else float(score),
            }
            for row, score in zip(rows, scores, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class LoggedPredictions:
    """ASGI middleware: logs the bodies of requests that were answered with success.

    Neither the request nor its answer waits for it: what cannot be sent, is too large or
    cannot be read is counted in `buffer.dropped`.

    Examples
    --------
    With FastAPI or Starlette::

        client = homeostat.Client("http://homeostat:8000")
        app.add_middleware(
            homeostat.client.LoggedPredictions,
            buffer=client.buffer,
            model_version="v1.2.0",
            rows=lambda body: body["features"],
        )
    """

    app: Callable[[_Scope, _Receive, _Send], Awaitable[None]]
    _: KW_ONLY
    buffer: Buffer
    model_version: str
    path: str = "/predict"
    rows: Callable[[Any], Any] = lambda body: body  #: a row, or a list of them, of a JSON body
    largest: int = 2**20  #: bytes of a body that is logged

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] != self.path:
            await self.app(scope, receive, send)
            return
        parts: list[bytes] = []
        size, status = 0, 500

        async def receiving() -> MutableMapping[str, Any]:
            nonlocal size
            message = await receive()
            part = message.get("body", b"")
            size += len(part)
            if size <= self.largest:
                parts.append(part)
            return message

        async def sending(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self.app(scope, receiving, sending)
        if status >= 300:
            return
        if size > self.largest:
            self.buffer.lose(1, "too large")
        else:
            body = b"".join(parts)
            self.buffer.put(lambda: self._read(body), weight=1 + size // 1024)

    def _read(self, body: bytes) -> Rows:
        rows = _each(self.rows(json.loads(body)))
        return [{"features": row, "model_version": self.model_version} for row in rows]


def _each(rows: Any) -> list[dict[str, Any]]:
    """Copies of a row, or of each of several: their owner may change them."""
    return [dict(rows)] if isinstance(rows, Mapping) else [dict(one) for one in rows]
