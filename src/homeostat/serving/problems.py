"""What pydantic found wrong, in our words: all of it, and nothing that breaks an answer."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from homeostat.errors import UserError
from homeostat.extension import did_you_mean

__all__ = ["refused"]

MOST = 200  #: problems that are written out; of the others only the number
MANY = 2000  #: problems up to which what the caller sent is repeated
LONGEST = 80  #: characters of what the caller sent that are repeated
BIGGEST = 2**64  #: integer that is repeated
HINTED = 20  #: problems up to which the nearest known name is looked for

_WORDS = {
    "missing": "missing",
    "string_type": "not a text",
    "float_type": "not a number",
    "int_type": "not a whole number",
    "bool_type": "neither true nor false",
    "finite_number": "not a finite number",
    "timezone_aware": "has no zone; end it with Z or an offset",
    "model_type": "not an object",
    "list_type": "not a list",
}


def refused(what: str, error: ValidationError, known: Sequence[str]) -> UserError:
    """The refusal of a body, with everything that is wrong with it.

    Parameters
    ----------
    what
        Such as "the row".
    error
        From pydantic.
    known
        The keys that may be given, for hints.
    """
    n = error.error_count()
    hinted = known if n <= HINTED else ()
    lines = [_sentence(one, hinted) for one in _first(error, n)]
    if n > MOST:
        lines.append(f"and {n - MOST:,} more")
    return UserError(f"{what} was refused; nothing of it was stored", lines)


def _first(error: ValidationError, n: int) -> list[ErrorDetails]:
    """The first problems; of very many without what was sent, which would take much memory."""
    if n <= MANY:
        return error.errors(include_url=False, include_context=False)[:MOST]
    text = error.json(include_url=False, include_context=False, include_input=False)
    decoder, at, found = json.JSONDecoder(), 1, []
    for _ in range(MOST):
        one, end = decoder.raw_decode(text, at)
        found.append(one)
        at = end + 1  # the comma
    return found


def _sentence(error: ErrorDetails, known: Sequence[str]) -> str:
    if error["type"] == "extra_forbidden":
        name = str(error["loc"][-1])[:LONGEST]
        hint = f"; {did_you_mean(name, list(known))}" if known else ""
        return f"{_place(error['loc'])}: not asked for{hint}"
    message = error["msg"].removeprefix("Value error, ")
    words = _WORDS.get(error["type"], message[:1].lower() + message[1:])
    return f"{_place(error['loc'])}: {words}{_seen(error)}"


def _place(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part[:LONGEST]}"
    return text.removeprefix(".") or "the body"


def _seen(error: Mapping[str, Any]) -> str:
    """What was sent, where it is short: never a whole row."""
    if error["type"] in {"missing", "json_invalid"} or "input" not in error:
        return ""
    value = error["input"]
    if value is None or isinstance(value, bool):
        return f", got {str(value).lower() if value is not None else 'null'}"
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < BIGGEST):
        return f", got {value!r}"
    if isinstance(value, str):
        return f", got {value[:LONGEST]!r}"
    return ""
