"""Who may ask: whoever has a key whose roles the route asks for."""

from collections.abc import Iterable, Sequence
from functools import cached_property

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from homeostat.access import Role
from homeostat.serving.answers import Failure
from homeostat.serving.door import Door
from homeostat.serving.keyring import Holder
from homeostat.serving.roles import OPEN, RoleTable

__all__ = ["Guard", "KeyGuard", "failure"]

BEARER = b"bearer "


def failure(
    error: str, message: str, status: int, headers: dict[str, str] | None = None
) -> JSONResponse:
    """An error in the one shape that all errors have."""
    body = Failure(error=error, message=message, status=status)
    return JSONResponse(body.model_dump(), status_code=status, headers=headers)


class Guard:
    """Lets through what carries a key with the role that the route asks for.

    The key stands in `X-API-Key`, or in `Authorization` after `Bearer`; one that is given
    twice is none.  Where no route answers, a key that is not an admin's is answered here: no
    path that routing reads in another way can be a way around.

    Parameters
    ----------
    door
        The keys, and the paths that need none.
    routes
        Of the application.
    predict_paths
        Paths that ask for what `/predict` asks for.
    """

    def __init__(
        self, door: Door, routes: Sequence[BaseRoute], predict_paths: Sequence[str] = ()
    ) -> None:
        self._ring = door.ring
        self._open = OPEN | door.open_paths
        self._routes, self._predict_paths = routes, predict_paths

    @cached_property
    def _table(self) -> RoleTable:
        """Of all routes there are when the first request comes."""
        return RoleTable(self._routes, self._predict_paths)

    async def refusal(self, scope: Scope) -> Response | None:
        """The answer to a request that is not let through; None when it is."""
        if self._ring.undecided:
            await self._ring.decide()
        path, ring = scope["path"], self._ring
        if path in self._open or not ring.asks:
            return None
        secret = _credential(scope["headers"])
        holder = None if secret is None else ring.holder(secret)
        given = secret is not None or ring.undecided
        if given and ring.stale and (holder is None or not ring.fixed(holder)):
            message = "the keys cannot be read from the store at present; try again"
            return failure("Unavailable", message, 503, {"Retry-After": "1"})
        if holder is None:
            message = "this needs a key in the header X-API-Key, or in Authorization after Bearer"
            return failure("Unauthorized", message, 401, {"WWW-Authenticate": "Bearer"})
        return self._too_many(holder) or self._not_allowed(holder, scope["method"], path)

    def _too_many(self, holder: Holder) -> Response | None:
        wait_s = holder.bucket.take(self._ring.monotonic()) if holder.bucket else 0.0
        if not wait_s:
            return None
        message = f"more requests than the key {holder.name!r} is good for; try again later"
        return failure("TooManyRequests", message, 429, {"Retry-After": f"{int(wait_s) + 1}"})

    def _not_allowed(self, holder: Holder, method: str, path: str) -> Response | None:
        if Role.ADMIN in holder.roles:
            return None
        asked = self._table.roles(method, path)
        if asked is None:
            return self._nothing_there(path)
        if not holder.roles.isdisjoint(asked):
            return None
        names = " or ".join(sorted(asked))
        message = f"this needs a key with the role {names}; {holder.name!r} has none of them"
        return failure("Forbidden", message, 403)

    def _nothing_there(self, path: str) -> Response:
        methods = self._table.methods(path)
        if methods:
            allow = {"Allow": ", ".join(methods)}
            return failure("MethodNotAllowed", "Method Not Allowed", 405, allow)
        return failure("NotFound", "Not Found", 404)


class KeyGuard:
    """Asks a guard about every request to `app`.

    Parameters
    ----------
    app
        What is guarded.
    guard
        Who may ask.
    """

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app, self._guard = app, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            refusal = await self._guard.refusal(scope)
            await (refusal or self._app)(scope, receive, send)
        elif scope["type"] == "websocket":  # none of our routes is one
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._app(scope, receive, send)


def _credential(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The one key in the headers of a request."""
    found: bytes | None = None
    for name, value in headers:
        if name == b"x-api-key":
            given = value
        elif name == b"authorization" and value[: len(BEARER)].lower() == BEARER:
            given = value[len(BEARER) :].strip()
        else:
            continue
        if found is not None:
            return None
        found = given
    return found
