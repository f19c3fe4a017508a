"""What an answer that is no success means."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import httpx

from homeostat.errors import Conflict, HomeostatError, NotFound, StateError, Unavailable, UserError

__all__ = ["NotAllowed", "TooLarge", "error_of", "retry_after_s"]


class NotAllowed(UserError):
    """The key is missing, or is not allowed this."""

    status = 403


class TooLarge(UserError):
    """The body has too many bytes; send it in parts."""

    status: ClassVar[int] = 413


_KINDS: Mapping[int, type[HomeostatError]] = MappingProxyType(
    {
        401: NotAllowed,
        403: NotAllowed,
        404: NotFound,
        409: Conflict,
        413: TooLarge,
        429: Unavailable,
        502: Unavailable,
        503: Unavailable,
        504: Unavailable,
    }
)


def error_of(response: httpx.Response) -> HomeostatError:
    r"""The error that the service answered, as it was raised there.

    Examples
    --------
    >>> body = {"error": "UserError", "message": "refused\n  - age: missing", "status": 422}
    >>> error_of(httpx.Response(422, json=body)).problems
    ['age: missing']
    """
    status = response.status_code
    kind = _KINDS.get(status, StateError if status >= 500 else UserError)
    message, *problems = _message(response).split("\n  - ")
    return kind(message, problems) if issubclass(kind, UserError) else kind(message)


def retry_after_s(response: httpx.Response) -> float | None:
    """After how many seconds one is asked to come again; None when nothing is said."""
    said = response.headers.get("retry-after", "")
    return float(said) if said.isdecimal() and len(said) < 9 else None


def _message(response: httpx.Response) -> str:
    try:
        said = response.json()
    except ValueError:
        said = None
    if isinstance(said, dict) and isinstance(said.get("message"), str):
        return str(said["message"])
    return f"HTTP {response.status_code} of something that is no homeostat: {response.text:.200}"
