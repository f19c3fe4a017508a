"""Who may ask: whoever has the key."""

import hmac
from collections.abc import Collection

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from homeostat.serving.answers import Failure

__all__ = ["KeyGuard", "failure"]

OPEN = "/health"  #: a path that never needs a key


def failure(
    error: str, message: str, status: int, headers: dict[str, str] | None = None
) -> JSONResponse:
    """An error in the one shape that all errors have."""
    body = Failure(error=error, message=message, status=status)
    return JSONResponse(body.model_dump(), status_code=status, headers=headers)


class KeyGuard:
    """Lets through what carries the key in `X-API-Key`; also refuses paths that do not exist.

    Parameters
    ----------
    app
        What is guarded.
    key
        Compared in constant time.
    opened
        Paths that need none, besides `/health`.
    """

    def __init__(self, app: ASGIApp, key: str, opened: Collection[str] = ()) -> None:
        self._app = app
        self._open = {OPEN, *opened}
        self._key = key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope.get("path") in self._open or self._knows(scope):
            await self._app(scope, receive, send)
        else:
            message = "this needs the API key in the header X-API-Key"
            await failure("Unauthorized", message, 401)(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"x-api-key"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._key)
