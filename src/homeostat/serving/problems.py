"""What pydantic found wrong, in our words: all of it, and nothing that breaks an answer."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from homeostat.errors import UserError
from homeostat.extension import did_you_mean

__all__ = ["Sent", "refused", "refused_rows"]

MOST = 200  #: problems that are written out; of the others only the number
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


@dataclass(frozen=True, slots=True)
class Sent:
    """A body, and when it came."""

    body: bytes
    now: datetime  #: UTC


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
    found = error.errors(include_url=False, include_context=False)
    return _refusal(what, found[:MOST], len(found), known)


def refused_rows(
    what: str, error: ValidationError, row: type[BaseModel], sent: Sent, known: Sequence[str]
) -> UserError:
    """The refusal of a body with rows, with everything that is wrong with any of them.

    Each row is looked at again on its own: what is found in a thousand rows at once takes
    hundreds of megabytes, because each problem holds the row that it is about.

    Parameters
    ----------
    what
        Such as "the batch".
    error
        From pydantic, which may have stopped at the first row that is wrong.
    row
        How one row must look.
    sent
        What was read.
    known
        The keys that may be given, for hints.
    """
    problems = error.errors(include_url=False, include_context=False)
    found = [one for one in problems if not _in_a_row(one)]
    n = len(found)
    rows = from_json(sent.body)["rows"] if n < len(problems) else []
    for i, plain in enumerate(rows):
        try:
            row.model_validate_json(json.dumps(plain), context={"now": sent.now})
        except ValidationError as wrong:
            n += wrong.error_count()
            if len(found) < MOST:
                inner = wrong.errors(include_url=False, include_context=False)
                found += [{**one, "loc": ("rows", i, *one["loc"])} for one in inner]
    return _refusal(what, found[:MOST], n, known)


def _in_a_row(error: ErrorDetails) -> bool:
    return error["loc"][:1] == ("rows",) and len(error["loc"]) > 1


def _refusal(what: str, found: Sequence[ErrorDetails], n: int, known: Sequence[str]) -> UserError:
    hinted = known if n <= HINTED else ()
    lines = [_sentence(one, hinted) for one in found]
    if n > MOST:
        lines.append(f"and {n - MOST:,} more")
    return UserError(f"{what} was refused; nothing of it was stored", lines)


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
    if error["type"] in {"missing", "json_invalid"}:
        return ""
    value = error["input"]
    if value is None or isinstance(value, bool):
        return f", got {str(value).lower() if value is not None else 'null'}"
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < BIGGEST):
        return f", got {value!r}"
    if isinstance(value, str):
        return f", got {value[:LONGEST]!r}"
    return ""
