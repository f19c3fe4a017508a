"""Headers that every answer carries, so that a browser does nothing with it on its own."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["SAFE", "SafeHeaders"]

#: Nothing in an answer may load, frame or run anything; the documentation may what it needs.
_NOTHING = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_DOCS = (
    b"default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    b"form-action 'none'"
)
_COMMON = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

SAFE = (*_COMMON, (b"content-security-policy", _NOTHING))
_SAFE_DOCS = (*_COMMON, (b"content-security-policy", _DOCS))


class SafeHeaders:
    """Adds the headers to every answer of `app`.

    Parameters
    ----------
    app
        What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        added = _SAFE_DOCS if scope["path"].endswith("/docs") else SAFE  # a named model's, too

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = (*message.get("headers", ()), *added)
            await send(message)

        await self._app(scope, receive, sending)
